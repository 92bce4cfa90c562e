"""Robust accuracy, masking and curves over eps from planted rows."""

import math

import numpy as np
import pandas as pd
import pytest

from analysis import lens_plots
from analysis.robustness_columns import CURVE, distance_facts, robust_curves, robustness_columns
from analysis.stats import median, wilson
from tests.rows import SOURCE, Row, facts, frame

VGG, DENSE = "vgg_c10.standard", "densenet_c10.standard"
HOW = {"resamples": 200, "seed": 0}


def searched(model: str, condition: str, distances: list[float]) -> list[Row]:
    return facts(model, condition, "adv_distance", distances, suite="robustness", step=50)


def robust_rows() -> list[Row]:
    """Five pictures, the first one wrong; the last out of reach of gradients."""
    rows = facts(VGG, "clean", "clean_correct", [0, 1, 1, 1, 1], suite="robustness")
    rows += searched(VGG, "l2/pgd", [0, 0.3, 0.6, 2.0, math.inf])
    rows += searched(VGG, "l2/ddn", [0, 0.2, 0.7, 0.9, math.inf])
    rows += searched(VGG, "l2/hop_skip_jump", [0, 0.5, 0.7, 2.0, 1.5])
    return rows + searched(VGG, "linf/fmn", [0, 0.01, 0.02, 0.03, 0.04])


def test_distances_are_the_smallest_over_searches() -> None:
    found = distance_facts(frame(robust_rows()), SOURCE)
    l2 = found[found["norm"] == "l2"].sort_values("case")
    assert l2["distance"].tolist() == [0, 0.2, 0.6, 0.9, 1.5]
    assert l2["right"].tolist() == [False, True, True, True, True]
    assert l2["transfer"].isna().all()


def test_robust_accuracy_by_hand() -> None:
    found = robustness_columns(frame(robust_rows()), SOURCE, **HOW).loc[VGG]
    assert found["robust[l2_0.25]"] == pytest.approx(3 / 5)
    assert found["robust[l2_1.00]"] == pytest.approx(1 / 5)
    assert found["robust[linf_0.031]"] == pytest.approx(1 / 5)
    assert found["robust[l2_0.25]_n"] == 5
    assert found["distance_l2"] == pytest.approx((0.6 + 0.9) / 2)
    assert found["distance_l2_n"] == 4
    assert found["masked_black_l2"] == pytest.approx(1 / 4)
    assert found["masked_transfer_l2_n"] == 0
    assert found["masking_l2"] == 0  # one picture of four is no certainty
    assert math.isnan(found["masking_linf"])  # no search without gradients


def test_an_error_on_the_sphere_of_eps_is_within_eps_float32_rounding_included() -> None:
    rows = facts(VGG, "clean", "clean_correct", [1] * 4, suite="robustness")
    rows += searched(VGG, "l2/pgd", [0.50000012, 0.5, 0.4999999, 0.5001])
    found = robustness_columns(frame(rows), SOURCE, **HOW).loc[VGG]
    assert found["robust[l2_0.50]"] == pytest.approx(1 / 4)


def test_masking_is_flagged_where_it_is_certain() -> None:
    rows = facts(VGG, "clean", "clean_correct", [1] * 40, suite="robustness")
    rows += searched(VGG, "l2/pgd", [math.inf] * 40)
    rows += searched(VGG, "l2/hop_skip_jump", [1.0] * 40)
    found = robustness_columns(frame(rows), SOURCE, **HOW).loc[VGG]
    assert (found["masked_black_l2"], found["masking_l2"]) == (1, 1)


def test_each_way_without_gradients_counts_its_own_pictures() -> None:
    """Ten pictures searched by answers, none masked; transfer on all forty, a quarter masked."""
    rows = facts(VGG, "clean", "clean_correct", [1] * 40, suite="robustness")
    rows += searched(VGG, "l2/pgd", [0.8] * 40)
    rows += searched(VGG, "l2/hop_skip_jump", [2.0] * 10)
    attack = "l2_0.50/untargeted"
    rows += facts(VGG, attack, "adv_correct", [0] * 10 + [1] * 30, step=40)
    rows += facts(VGG, attack, "perturbation_l2", [0.5] * 40, step=40)
    found = robustness_columns(frame(rows), SOURCE, **HOW).loc[VGG]
    assert (found["masked_black_l2"], found["masked_black_l2_n"]) == (0, 10)
    assert (found["masked_transfer_l2"], found["masked_transfer_l2_n"]) == (0.25, 40)


def test_transfer_that_beats_white_box_is_masking_unless_it_is_white_box() -> None:
    rows = facts(VGG, "clean", "clean_correct", [1] * 40, suite="robustness")
    rows += searched(VGG, "l2/pgd", [0.8] * 40)
    attack = "l2_0.50/untargeted"
    for condition in (attack, f"from={VGG}/{attack}", f"from={VGG}+{DENSE}/{attack}"):
        wrong = [0] * 30 + [1] * 10 if condition == attack else [1] * 40
        rows += facts(VGG, condition, "adv_correct", [1 - w for w in wrong], step=40)
        rows += facts(VGG, condition, "perturbation_l2", [0.5] * 40, step=40)
    found = robustness_columns(frame(rows), SOURCE, **HOW).loc[VGG]
    assert found["masked_transfer_l2"] == pytest.approx(10 / 40)
    assert found["masking_l2"] == 1
    # an error is known however it was found, but excess must not explain transfer by transfer
    assert found["robust[l2_0.50]"] == pytest.approx(30 / 40)
    known = distance_facts(frame(rows), SOURCE)
    assert sorted(known["nearest"].unique()) == [0.5, 0.8] and set(known["distance"]) == {0.8}
    assert robust_curves(known)["accuracy"].tolist() == pytest.approx([1, 0.75, 0])
    own = robustness_columns(frame(rows), VGG, **HOW).loc[VGG]
    assert math.isnan(own["masked_transfer_l2"])


def test_the_curve_is_the_share_of_pictures_further_away() -> None:
    facts_ = distance_facts(frame(robust_rows()), SOURCE)
    curve = robust_curves(facts_)
    l2 = curve[curve["norm"] == "l2"]
    assert l2["eps"].tolist() == [0, 0.2, 0.6, 0.9, 1.5]
    assert l2["accuracy"].tolist() == pytest.approx([0.8, 0.6, 0.4, 0.2, 0])
    assert robust_curves(facts_.iloc[:0]).empty
    assert list(curve.columns) == CURVE and set(curve["n"]) == {5}
    ends = [wilson(k, 5) for k in (4, 3, 2, 1, 0)]
    assert l2["low"].tolist() == [each.low for each in ends]
    assert l2["high"].tolist() == [each.high for each in ends]


def test_the_figure_has_a_band_a_model() -> None:
    curves = robust_curves(distance_facts(frame(robust_rows()), SOURCE))
    table = pd.DataFrame({"model": [VGG], "family": "VGG", "robust": False})
    drawn = lens_plots.robustness(curves, table)
    assert [len(ax.collections) for ax in drawn.axes] == [1, 1]
    lowest = curves.loc[curves["norm"] == "l2", "low"].min()
    corners = drawn.axes[0].collections[0].get_paths()[0].vertices
    assert corners[:, 1].min() == pytest.approx(lowest)


def test_medians_with_infinity() -> None:
    assert median([1, 2, 3, math.inf]).value == 2.5
    found = median([1.0, math.inf, math.inf, math.inf, 2.0])
    assert found.value == math.inf and found.low <= 2.0 and found.high == math.inf
    assert median([math.nan]).n == 0 and math.isnan(median([3.0]).low)
    drawn = np.random.default_rng(0).normal(size=400)
    assert median(drawn).low < 0 < median(drawn).high
