"""The transfer matrix, its roles and excess transfer, on runs small enough to count by hand."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.excess import excess_columns, excess_pairs, excess_transfer, fitted_reach
from analysis.lens import lens_columns, lens_tables
from analysis.matrix import (
    HEAD,
    Matrix,
    noise_floor,
    pair_rates,
    roles,
    summarised,
    transfer_matrix,
)
from analysis.robustness_columns import distance_facts
from analysis.stats import wilson
from tests.rows import Row, facts, frame

A, B, C = "vgg_c10.standard", "resnet18_c10.standard", "densenet_c10.standard"
HOW = {"resamples": 200, "seed": 0}


def shown(source: str, target: str, wrong: list[int], same: list[int] | None = None) -> list[Row]:
    """What a target answers to a source's pictures; A is the run's own and goes unnamed."""
    condition = HEAD if source == A else f"from={source}/{HEAD}"
    rows = facts(target, condition, "adv_correct", [1 - w for w in wrong], step=40)
    return rows + facts(target, condition, "adv_same_as_source", same or [0] * len(wrong), step=40)


def planted() -> list[Row]:
    """Six pictures; A misses the last one, C the first."""
    rows = facts(A, "clean", "clean_correct", [1, 1, 1, 1, 1, 0])
    rows += facts(B, "clean", "clean_correct", [1] * 6)
    rows += facts(C, f"from={B}/clean", "clean_correct", [0, 1, 1, 1, 1, 1])
    rows += shown(A, A, [1] * 6, [1] * 6) + shown(A, B, [1, 1, 0, 0, 0, 1], [1, 0, 0, 0, 0, 0])
    rows += shown(A, C, [1, 1, 1, 1, 0, 0]) + shown(B, A, [1, 0, 0, 0, 0, 1])
    rows += shown(B, B, [1] * 6) + shown(B, C, [1, 1, 0, 0, 0, 0])
    # a curve over iterations, on the run's source alone
    rows += facts(B, HEAD, "adv_correct", [0] * 6, step=5)
    rows += facts(B, HEAD, "adv_correct", [0] * 6, step=80)
    return rows


def matrix() -> Matrix:
    found = transfer_matrix(frame(planted()), A)
    assert found is not None
    return found


def pair(table: pd.DataFrame, source: str, target: str) -> pd.Series:
    return table.set_index(["source", "target"]).loc[(source, target)]


def test_rates_count_pictures_both_get_right() -> None:
    table = pair_rates(matrix(), **HOW)
    found = pair(table, A, B)
    assert (found["fooling"], found["fooling_n"]) == (pytest.approx(2 / 5), 5)
    assert found["same"] == pytest.approx(1 / 5)
    assert found["consistency"] == pytest.approx(1 / 2)
    assert pair(table, A, C)["fooling"] == pytest.approx(3 / 4)
    assert pair(table, A, C)["fooling_n"] == 4
    assert pair(table, B, C)["fooling"] == pytest.approx(1 / 5)
    assert found["fooling_low"] <= found["fooling"] <= found["fooling_high"]
    assert pair(table, B, A)["fooling"] == pytest.approx(1 / 5)
    own = table[table["own"]]
    assert set(zip(own["source"], own["target"], strict=True)) == {(A, A), (B, B)}
    assert (own["fooling"] == 1).all() and (own["fooling_low"] < 1).all()


def test_the_noise_floor_counts_the_pair_s_own_pictures() -> None:
    rows = planted() + facts(B, "l2_0.50/noise", "adv_correct", [0, 1, 1, 1, 1, 0])
    found = noise_floor(matrix(), frame(rows)).set_index(["source", "target"])["noise"].to_dict()
    assert found == {(A, B): pytest.approx(1 / 5), (B, B): pytest.approx(2 / 6)}
    assert noise_floor(matrix(), frame(planted())).empty


def test_asymmetry_is_paired_and_changes_sign_with_the_direction() -> None:
    table = pair_rates(matrix(), **HOW)
    there, back = pair(table, A, B), pair(table, B, A)
    assert there["asymmetry"] == pytest.approx(2 / 5 - 1 / 5) == -back["asymmetry"]
    assert there["asymmetry_n"] == 5
    assert math.isnan(pair(table, A, C)["asymmetry"])  # C was no source


def test_untrained_networks_have_no_part_in_the_roles() -> None:
    left = matrix().without([C])
    assert (left.sources, left.targets) == (sorted([A, B]), sorted([A, B]))
    found = lens_columns(frame(planted()), A, untrained=[C], **HOW)
    assert C not in found["sends"].dropna().index
    assert found.loc[A, "sends"] == pytest.approx(2 / 5)  # to B alone
    assert len(lens_tables(frame(planted()), A, **HOW)["pairs"]) == len(pair_rates(matrix(), **HOW))


def test_roles_leave_the_white_box_out() -> None:
    found = roles(matrix(), **HOW)
    assert found.loc[A, "sends"] == pytest.approx((2 / 5 + 3 / 4) / 2)
    assert found.loc[A, "receives"] == pytest.approx(1 / 5)
    assert found.loc[C, "receives"] == pytest.approx((3 / 4 + 1 / 5) / 2)
    assert math.isnan(found.loc[C, "sends"])
    # A met B alone in both roles
    assert found.loc[A, "sends_minus_receives"] == pytest.approx(2 / 5 - 1 / 5)
    assert (found["receives_low"] <= found["receives"]).all()
    assert (found["receives"] <= found["receives_high"]).all()


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_unanimous_rate_is_not_certain(share: float) -> None:
    found = summarised("rate", np.full(100, share), pictures=20)
    ends = wilson(round(20 * share), 20)
    assert found["rate_low"] == pytest.approx(ends.low)
    assert found["rate_high"] == pytest.approx(ends.high)


def test_neither_is_a_unanimous_difference_and_a_real_interval_stays() -> None:
    found = summarised("gap", np.full(100, 0.5), pictures=20, bounds=(-1.0, 1.0))
    unseen = wilson(0, 20).high
    assert found["gap_low"] == pytest.approx(0.5 - 1.5 * unseen)
    assert found["gap_high"] == pytest.approx(0.5 + 0.5 * unseen)
    drawn = np.linspace(0.4, 0.6, 101)
    found = summarised("rate", drawn, pictures=20)
    assert (found["rate_low"], found["rate_high"]) == pytest.approx((0.4, 0.5975), abs=0.005)
    assert math.isnan(summarised("rate", np.full(2, np.nan), pictures=20)["rate_low"])


def test_an_ensemble_is_right_where_its_members_are_and_white_box_to_each() -> None:
    rows = planted() + [
        row for target in (A, B, C)
        for row in facts(target, f"from={A}+{C}/{HEAD}", "adv_correct", [0] * 6, step=40)
    ]  # fmt: skip
    found = transfer_matrix(frame(rows), A)
    assert found is not None
    both = f"{A}+{C}"
    table = pair_rates(found, **HOW)
    assert pair(table, both, B)["fooling_n"] == 4
    assert pair(table, both, A)["own"] and pair(table, both, C)["own"]
    pd.testing.assert_frame_equal(roles(found, **HOW), roles(matrix(), **HOW))


def test_the_run_s_source_may_also_be_named() -> None:
    rows = frame(planted())
    at_40 = rows[(rows["condition"] == HEAD) & (rows["step"] == 40)]
    again = at_40.assign(condition=f"from={A}/{HEAD}")
    found = transfer_matrix(pd.concat([rows, again], ignore_index=True), A)
    assert found is not None
    np.testing.assert_array_equal(found.fooled, matrix().fooled)


def test_a_run_without_attacks_has_no_matrix() -> None:
    assert transfer_matrix(frame(facts(A, "clean", "clean_correct", [1])), A) is None
    empty = frame(facts(A, "clean", "clean_correct", [1]))
    assert lens_tables(empty, A, **HOW) == {}
    assert lens_columns(empty, A, **HOW).empty


def world(reach: float, n: int = 200, extra: float = 0.0) -> list[Row]:
    """Pictures fooled exactly where a target's distance is within a source's reach.

    The second target's fooling, but not its distance, also has ``extra`` reach.
    """
    rng = np.random.default_rng(3)
    rows: list[Row] = []
    for k, target in enumerate((A, B, C)):
        near = rng.gamma(2.0, 0.2 * (k + 1), size=n)
        rows += facts(target, "clean", "clean_correct", [1] * n, suite="robustness")
        rows += facts(target, "l2/ddn", "adv_distance", near, suite="robustness", step=50)
        for source in (A, B, C):
            far = reach + (extra if target == B else 0)
            rows += shown(source, target, [int(d <= far) for d in near])
    return rows


def test_targets_that_are_merely_fragile_have_no_excess() -> None:
    rows = frame(world(reach=0.3))
    found = transfer_matrix(rows, A)
    assert found is not None
    excess = excess_transfer(found, distance_facts(rows, A), resamples=20, seed=0)
    table = excess_pairs(excess)
    assert len(table) == 6  # three targets a source, its own left out
    assert table["observed"].std() > 0.1  # the rates differ
    np.testing.assert_allclose(table["excess"], 0, atol=1e-12)
    np.testing.assert_allclose(table["reach"], 0.3, atol=0.05)
    np.testing.assert_allclose(excess_columns(excess)["receives_excess"], 0, atol=1e-12)


def test_a_target_that_follows_the_sources_has_excess_and_the_others_the_less() -> None:
    rows = frame(world(reach=0.3, extra=0.25))
    found = transfer_matrix(rows, A)
    assert found is not None
    excess = excess_transfer(found, distance_facts(rows, A), resamples=50, seed=0)
    columns = excess_columns(excess)
    assert columns.loc[B, "receives_excess_low"] > 0.02
    assert columns.loc[A, "receives_excess"] < 0
    by_source = excess_pairs(excess).groupby("source")["excess"].sum()
    np.testing.assert_allclose(by_source, 0, atol=0.01)  # one step of the fit


@given(st.lists(st.floats(0, 5), min_size=2, max_size=30), st.data())
@settings(max_examples=50, deadline=None)
def test_the_fit_finds_a_reach_that_was_there(distances: list[float], data: st.DataObject) -> None:
    near = np.array([distances, distances[::-1]])
    share = np.full(near.shape, 1 / len(distances))
    reach = data.draw(st.sampled_from(distances))
    total = float((share * (near <= reach)).sum())
    assert fitted_reach(near, share, total) == pytest.approx(reach)
    assert fitted_reach(near + 1, share, 0.0) == 0.0


def test_one_target_has_no_excess_to_speak_of() -> None:
    rows = frame(world(reach=0.3))
    alone = rows[rows["model"].isin([A, B]) | (rows["metric"] == "clean_correct")]
    found = transfer_matrix(alone, A)
    assert found is not None
    excess = excess_transfer(found, distance_facts(alone, A), resamples=5, seed=0)
    by_source = excess_pairs(excess).groupby("source")["target"].nunique().to_dict()
    assert by_source == {C: 2}


def test_distances_nobody_measured_give_no_excess() -> None:
    found = excess_transfer(matrix(), distance_facts(frame(planted()), A), resamples=5, seed=0)
    assert excess_pairs(found).empty and excess_columns(found).empty


def test_pairs_hold_rates_excess_and_alignment() -> None:
    rows = world(reach=0.3, n=30)
    rows += facts(B, f"from={C}/clean", "gradient_alignment", [0.1, 0.3] * 15, suite="alignment")
    table = lens_tables(frame(rows), A, **HOW)["pairs"]
    assert len(table) == 9
    assert pair(table, C, B)["alignment"] == pytest.approx(0.2)
    assert math.isnan(pair(table, A, B)["alignment"])
    assert {"fooling", "consistency", "asymmetry", "excess", "alignment_low"} <= set(table.columns)
    columns = lens_columns(frame(rows), A, **HOW)
    assert {"sends", "receives", "receives_excess", "distance_l2"} <= set(columns.columns)
