"""The model table on runs small enough to count by hand, and on runs that miss something."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.stats import mean, wilson
from analysis.style_columns import style_columns
from analysis.tables import model_table, write
from analysis.transfer_columns import condition_rates, transfer_columns, transfer_facts
from results.schema import SchemaError
from results.store import StoreError, read_manifest, write_cell, write_manifest
from tests.rows import MODELS, SOURCE, Row, build_run, facts, frame, store

VGG, DENSE = "vgg_c10.standard", "densenet_c10.standard"
FAMILIES = {SOURCE: "ResNet", VGG: "VGG", DENSE: "DenseNet"}
ATTACK, NOISE = "l2_0.50/untargeted", "l2_0.50/noise"


def planted() -> list[Row]:
    """Ten pictures; the source misses image9, VGG images 8 and 9, DenseNet image0."""
    rows = facts(SOURCE, "clean", "clean_correct", [1] * 9 + [0])
    rows += facts(VGG, "clean", "clean_correct", [1] * 8 + [0] * 2)
    rows += facts(DENSE, "clean", "clean_correct", [0] + [1] * 9)
    rows += facts(SOURCE, ATTACK, "adv_correct", [0] * 10, step=20)
    rows += facts(VGG, ATTACK, "adv_correct", [0, 0, 1, 1, 1, 1, 1, 1, 0, 0], step=20)
    rows += facts(VGG, ATTACK, "adv_correct", [1] * 10, step=5)  # not the step that is read
    rows += facts(VGG, ATTACK, "adv_same_as_source", [1, 0, 0, 0, 0, 0, 0, 0, 1, 1], step=20)
    rows += facts(VGG, ATTACK, "adv_correct_8bit", [0, 1, 1, 1, 1, 1, 1, 1, 0, 0], step=20)
    rows += facts(VGG, ATTACK, "perturbation_l2", [0.5] * 10, step=20)
    rows += facts(VGG, NOISE, "adv_correct", [0, 1, 1, 1, 1, 1, 1, 1, 0, 0])
    rows += facts(VGG, "linf_0.031/untargeted", "adv_correct", [0] * 4 + [1] * 6, step=20)
    rows += facts(DENSE, ATTACK, "adv_correct", [0] + [1] * 9, step=20)
    return rows


def row_of(table: pd.DataFrame, model: str = VGG) -> pd.Series:
    return table.set_index("model").loc[model]


def test_three_denominators_by_hand(tmp_path: Path) -> None:
    found = row_of(model_table(store(tmp_path / "run", planted(), FAMILIES)))
    assert (found["fooling_all"], found["fooling_all_n"]) == (pytest.approx(0.4), 10)
    assert (found["fooling"], found["fooling_n"]) == (pytest.approx(2 / 8), 8)
    assert (found["fooling_joint"], found["fooling_joint_n"]) == (pytest.approx(1 / 7), 7)
    assert (found["accuracy"], found["accuracy_n"]) == (pytest.approx(0.8), 10)
    assert found["fooling_noise"] == pytest.approx(1 / 8)
    assert found["fooling_adjusted"] == pytest.approx((2 / 8 - 1 / 8) / (1 - 1 / 8))
    assert found["fooling_same"] == pytest.approx(1 / 8)
    assert found["fooling_other"] == pytest.approx(1 / 8)
    assert found["fooling_8bit"] == pytest.approx(1 / 8)
    assert found["fooling[linf_0.031]"] == pytest.approx(4 / 8)
    assert found["perturbation_l2"] == pytest.approx(0.5)
    assert "fooling[l2_0.50]" not in found
    for name in ("fooling", "fooling_all", "fooling_joint", "fooling_adjusted"):
        assert found[f"{name}_low"] <= found[name] <= found[f"{name}_high"]


def test_the_source_is_marked_and_measured(tmp_path: Path) -> None:
    table = model_table(store(tmp_path / "run", planted(), FAMILIES))
    assert list(table.loc[table["is_source"], "model"]) == [SOURCE]
    assert row_of(table, SOURCE)["fooling"] == 1.0
    assert row_of(table, SOURCE)["fooling_low"] < 1.0  # unanimous, still not certain
    unmeasured = row_of(table, DENSE)
    assert math.isnan(unmeasured["fooling_noise"]) and unmeasured["fooling_noise_n"] == 0


def targeted(model: str, target: int, correct: list[int], hits: list[int]) -> list[Row]:
    condition = f"l2_0.50/targeted/{target}"
    return facts(model, condition, "adv_correct", correct, step=9) + facts(
        model, condition, "adv_hits_target", hits, step=9
    )


def test_targeted_pairs_aiming_at_the_true_class_do_not_count() -> None:
    clean = [row for name in (SOURCE, VGG)
             for row in facts(name, "clean", "clean_correct", [1, 1, 1, 1])]  # fmt: skip
    # image0 is of class 3: answering class 3 is being right, for the source at least
    rows = clean + targeted(SOURCE, 3, [1, 0, 0, 0], [1, 1, 1, 1])
    rows += targeted(VGG, 3, [1, 1, 0, 1], [1, 0, 1, 0]) + targeted(VGG, 5, [1] * 4, [0] * 4)
    rounded = "adv_hits_target_8bit"  # the one hit that counts dies in eight bits, another is born
    rows += facts(VGG, "l2_0.50/targeted/3", rounded, [1, 0, 0, 1], step=9)
    rows += facts(VGG, "l2_0.50/targeted/5", rounded, [1, 0, 0, 0], step=9)
    found = transfer_columns(frame(rows), [VGG], SOURCE, resamples=100).loc[VGG]
    assert found["targeted_pairs"] == 7
    assert found["targeted"] == pytest.approx(1 / 7)
    assert found["targeted_n"] == 4
    assert found["targeted_8bit"] == pytest.approx(2 / 7)
    labels = {"image1": 5, "image0": 3}
    found = transfer_columns(frame(rows), [VGG], SOURCE, resamples=100, labels=labels).loc[VGG]
    assert found["targeted_pairs"] == 6


def test_condition_rates_keep_every_step() -> None:
    rates = condition_rates(transfer_facts(frame(planted()), SOURCE))
    curve = rates[(rates["model"] == VGG) & (rates["condition"] == ATTACK)].set_index("step")
    assert curve["rate"].to_dict() == {5: 0.0, 20: pytest.approx(2 / 8)}
    assert curve["n"].tolist() == [8, 8]
    assert (curve["low"] <= curve["rate"]).all() and (curve["rate"] <= curve["high"]).all()
    assert curve.loc[5, "high"] == pytest.approx(wilson(0, 8).high)


def test_targeted_hits_are_resampled_by_picture() -> None:
    """Eight pictures, four classes: hits on all classes of a picture or on none."""
    rows = [row for name in (SOURCE, VGG) for row in facts(name, "clean", "clean_correct", [1] * 8)]
    hits = [1, 1, 0, 0, 0, 0, 0, 0]
    for target in range(4):
        rows += targeted(VGG, target, [1 - hit for hit in hits], hits)
    found = condition_rates(transfer_facts(frame(rows), SOURCE)).iloc[0]
    assert (found["rate"], found["n"]) == (0.25, 8)
    single = mean(hits, resamples=2000, seed=0)
    assert (found["low"], found["high"]) == (single.low, single.high)


def test_other_norms_have_intervals() -> None:
    rows = [row for name in (SOURCE, VGG) for row in facts(name, "clean", "clean_correct", [1] * 8)]
    rows += facts(VGG, "l2_1.00/untargeted", "adv_correct", [0] * 6 + [1] * 2, step=20)
    found = transfer_columns(frame(rows), [VGG], SOURCE, resamples=200).loc[VGG]
    assert found["fooling[l2_1.00]"] == 0.75
    assert 0 < found["fooling[l2_1.00]_low"] < 0.75 < found["fooling[l2_1.00]_high"] <= 1
    assert found["fooling[l2_1.00]_n"] == 8


@settings(max_examples=25, deadline=None)
@given(data=st.lists(st.tuples(*[st.sampled_from([0, 1])] * 4), min_size=1, max_size=15))
def test_rates_are_rates(data: list[tuple[int, int, int, int]]) -> None:
    source, target, attacked, noise = zip(*data, strict=True)
    rows = facts(SOURCE, "clean", "clean_correct", source)
    rows += facts(VGG, "clean", "clean_correct", target)
    rows += facts(VGG, ATTACK, "adv_correct", attacked, step=1)
    rows += facts(VGG, NOISE, "adv_correct", noise)
    found = transfer_columns(frame(rows), [VGG], SOURCE, resamples=30).loc[VGG]
    counted = [1 - a for s, t, a, _ in data if s and t]
    assert found["fooling_n"] == len(counted)
    for name in ("accuracy", "fooling_all", "fooling", "fooling_joint", "fooling_noise"):
        if found[f"{name}_n"]:
            assert 0 <= found[f"{name}_low"] <= found[name] <= found[f"{name}_high"] <= 1
    if counted:
        assert found["fooling"] == pytest.approx(np.mean(counted))
    adjusted = found["fooling_adjusted"]
    assert math.isnan(adjusted) or found["fooling_adjusted_low"] <= adjusted <= 1


def style_rows(weight: str, distances: list[float], peaks: list[float]) -> list[Row]:
    names = [f"cat+style{i}" for i in range(len(distances))]
    rows: list[Row] = []
    for metric, values in [
        ("judge_style_distance", distances), ("judge_style_distance_content", [2.0] * 2),
        ("peak_2", peaks), ("peak_2_style", [1.0] * 2), ("peak_4", [3.0] * 2),
        ("peak_4_style", [0.0] * 2), ("diverged", [0, 1]),
    ]:  # fmt: skip
        condition = f"content-start/matched/{weight}"
        rows += facts(VGG, condition, metric, values, suite="style", cases=names)
    return rows


def test_progress_and_peaks_by_hand() -> None:
    rows = style_rows("w10", [1.0, 2.0], [2.0, 4.0]) + style_rows("w100", [0.0, 3.0], [6.0, 8.0])
    found = style_columns(frame(rows), [VGG], resamples=200).loc[VGG]
    assert found["progress[w10]"] == pytest.approx(0.25)
    assert found["progress[w100]"] == pytest.approx(0.25)
    assert (found["progress"], found["progress_n"]) == (pytest.approx(0.25), 2)
    assert (found["progress_low"], found["progress_high"]) == (-0.25, 0.75)
    assert (found["peak_2"], found["peak_excess"]) == (pytest.approx(5), pytest.approx(4))
    assert found["peak_excess_period"] == 2
    assert found["diverged"] == pytest.approx(0.5)
    assert math.isnan(found["progress_article"]) and math.isnan(found["palette_progress"])


def test_the_interval_of_the_largest_peak_is_that_of_the_largest_in_each_resample() -> None:
    """Two pictures, +4 dB at one period each: the mean is 2 at both, the larger one never less."""
    values = {"peak_2": [4.0, 0.0], "peak_4": [0.0, 4.0]}
    styles = {f"{name}_style": [0.0, 0.0] for name in values}
    names = ["cat+style0", "cat+style1"]
    condition = "content-start/matched/w100"
    rows = [
        row
        for metric, found in {**values, **styles, "judge_style_distance": [1.0, 1.0]}.items()
        for row in facts(VGG, condition, metric, found, suite="style", cases=names)
    ]
    found = style_columns(frame(rows), [VGG], resamples=200).loc[VGG]
    ends = [found[f"peak_excess{end}"] for end in ("_low", "", "_high")]
    assert ends == [pytest.approx(2), pytest.approx(2), pytest.approx(4)]


def at_weight(model: str, weight: str, left: list[float], loss: float) -> list[Row]:
    """Distances left of 1, and a loss trace that ends so low."""
    on, cases = f"content-start/matched/{weight}", ["a+b", "a+c"]
    how: dict[str, Any] = {"suite": "style", "cases": cases}
    return [
        *facts(model, on, "judge_style_distance", left, **how),
        *facts(model, on, "judge_style_distance_content", [1.0] * 2, **how),
        *facts(model, on, "loss_style", [1.0] * 2, **how),
        *facts(model, on, "loss_style", [loss] * 2, step=1, **how),
    ]


def test_models_are_compared_at_the_weights_all_of_them_have() -> None:
    """An operated copy without w1 equals the intact network where both were measured, at w100."""
    copy = f"{VGG}+blur-pool"
    rows = at_weight(VGG, "w100", [0.4, 0.6], 0.01) + at_weight(copy, "w100", [0.4, 0.6], 0.01)
    rows += at_weight(VGG, "w1", [0.9, 1.1], 0.5)
    found = style_columns(frame(rows), [VGG, copy], resamples=100)
    assert found["progress"].tolist() == pytest.approx([0.5, 0.5])
    assert found["final_style_loss"].tolist() == pytest.approx([0.01, 0.01])
    assert found["progress_low"].nunique() == found["progress_n"].nunique() == 1
    assert found["progress[w1]"].tolist() == pytest.approx([0.0, math.nan], nan_ok=True)


def test_models_are_compared_on_the_pictures_all_of_them_have() -> None:
    """A network that also met a harder picture is not the worse for it."""
    rows = at_weight(VGG, "w100", [0.4, 0.9], 0.01)
    rows += [one for one in at_weight(DENSE, "w100", [0.4, 0.1], 0.01) if one[2] == rows[0][2]]
    found = style_columns(frame(rows), [VGG, DENSE], resamples=100)
    assert found["progress"].tolist() == pytest.approx([0.6, 0.6])
    assert found["progress_n"].tolist() == [1, 1]
    assert found["progress[w100]"].tolist() == pytest.approx([0.6, 0.6])
    apart = [one for one in rows if one[1] != VGG or one[2] != rows[0][2]]
    alone = style_columns(frame(apart), [VGG, DENSE], resamples=100)["progress"]
    assert alone.tolist() == pytest.approx([0.1, 0.6])  # no picture is shared: each has its own


def test_a_weight_most_models_have_serves_where_none_is_shared() -> None:
    rows = at_weight(VGG, "w10", [0.5, 0.5], 0.1) + at_weight(DENSE, "w10", [0.6, 0.6], 0.1)
    rows += at_weight(VGG, "w1", [1.0, 1.0], 0.1) + at_weight(SOURCE, "w1000", [0.1, 0.1], 0.1)
    found = style_columns(frame(rows), [VGG, DENSE, SOURCE], resamples=100)["progress"]
    assert found.tolist() == pytest.approx([0.5, 0.4, math.nan], nan_ok=True)


def test_convergence_by_hand() -> None:
    traces = {"a": [2.0, 0.2, 0.02, 0.002], "b": [1.0, 0.5], "c": [1.0, 0.01]}
    rows = [("style", VGG, f"cat+{name}", "content-start/matched/w1", "loss_style", k, 0, value)
            for name, trace in traces.items() for k, value in enumerate(trace)]  # fmt: skip
    found = style_columns(frame(rows), [VGG], resamples=10).loc[VGG]
    assert found["reached_1pct"] == pytest.approx(2 / 3)
    assert found["evaluations_to_1pct"] == 2  # of 2, never, 1
    half = math.log10(0.5)
    assert found["log_auc"] == pytest.approx(np.mean([-1.5, 3 * half / 4, -1.5]))  # b, c carried on
    assert found["final_style_loss_ratio"] == pytest.approx(10 ** ((-3 + half - 2) / 3))
    never = style_columns(frame(rows[4:6]), [VGG], resamples=10).loc[VGG]
    assert math.isnan(never["evaluations_to_1pct"]) and never["reached_1pct"] == 0


def test_a_complete_run_has_no_nan(tmp_path: Path) -> None:
    table = model_table(build_run(tmp_path / "run", images=40), resamples=100)
    assert table["model"].tolist() == sorted(MODELS)
    assert not table.isna().any().any()
    assert table["robust"].sum() == 2
    assert (table["attack_step_s"] == 0.25).all()


@pytest.mark.parametrize("suites", [("transfer",), ("style",)])
def test_a_missing_suite_is_nan(tmp_path: Path, suites: tuple[str, ...]) -> None:
    table = model_table(build_run(tmp_path / "run", images=20, suites=suites), resamples=50)
    measured, missing = ("fooling", "progress") if "transfer" in suites else ("progress", "fooling")
    assert table[measured].notna().all()
    assert table[missing].isna().all() and table[f"{missing}_n"].eq(0).all()


def test_a_model_without_rows_and_rows_without_a_model(tmp_path: Path) -> None:
    run = store(tmp_path / "run", planted(), {SOURCE: "ResNet", VGG: "VGG", "new.x": "VGG"})
    table = model_table(run, resamples=50)
    assert math.isnan(row_of(table, "new.x")["fooling"])
    assert row_of(table, DENSE)["family"] == "unknown"


def test_one_measurement_in_two_cells_is_refused(tmp_path: Path) -> None:
    run = store(tmp_path / "run", planted(), FAMILIES)
    write_cell(run, "transfer", "again", frame(facts(VGG, "clean", "clean_correct", [1])))
    listed = read_manifest(run)
    write_manifest(run, listed | {"cells": {**listed["cells"], "again": "transfer/again"}})
    with pytest.raises(SchemaError, match=r"do not fit together.*two rows share the key"):
        model_table(run)


@pytest.mark.parametrize("text", ["{", '{"benchmarks": [{}]}', "[]"])
def test_damaged_costs_say_so(tmp_path: Path, text: str) -> None:
    run = store(tmp_path / "run", planted(), FAMILIES)
    (run / "benchmark.json").write_text(text)
    with pytest.raises(StoreError, match=r"benchmark\.json is not pytest-benchmark's JSON"):
        model_table(run, resamples=10)


def test_same_rows_same_file(tmp_path: Path) -> None:
    run = store(tmp_path / "run", planted(), FAMILIES)
    first = write(model_table(run, resamples=50, seed=1), run).read_bytes()
    assert first == write(model_table(run, resamples=50, seed=1), run).read_bytes()
    assert b"\r" not in first
    assert json.loads((run / "manifest.json").read_text())["preset"] == "synthetic"
