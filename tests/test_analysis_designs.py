"""Designs over pictures and the columns of causes, on rows counted by hand."""

import math
from dataclasses import replace
from itertools import product
from pathlib import Path

import pandas as pd
import pytest

from analysis.cause_columns import cause_columns
from analysis.designs import Switch
from analysis.evidence import Evidence, gather
from analysis.picture_designs import Condition, Rung, Taps
from analysis.pooling import pool
from analysis.style_columns import ARTICLE
from analysis.tables import build, load
from analysis.verdicts import verdicts
from tests.rows import SOURCE, Row, build_run, facts, frame, store

VGG, SMALL, ROBUST = "vgg_c10.standard", "resnet18_c10.standard", "resnet50_c10.l2_025"
DENSE = "densenet_c10.standard"
CASES = ("chelsea+ihc", "chelsea+coffee", "chelsea+hubble")
_FAMILIES = {VGG: "VGG", SMALL: "ResNet", SOURCE: "ResNet", ROBUST: "ResNet",
             DENSE: "DenseNet"}  # fmt: skip


def made(model: str, variant: str, progress: list[float], peak: float = 4.0) -> list[Row]:
    """Pictures of one condition with this progress on each case."""
    condition = "/".join(part for part in ("content-start", variant, "w100") if part)
    values = {
        "judge_style_distance": [1 - p for p in progress],
        "judge_style_distance_content": [1.0] * 3,
        "peak_2": [peak] * 3, "peak_2_style": [1.0] * 3,
        "peak_4": [peak - 1] * 3, "peak_4_style": [1.0] * 3,
    }  # fmt: skip
    return [
        row for metric, found in values.items()
        for row in facts(model, condition, metric, found, suite="style", cases=CASES)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    rows = made(VGG, "matched", [0.40, 0.42, 0.44]) + made(SOURCE, "matched", [0.20, 0.22, 0.21])
    rows += made(SMALL, "matched", [0.25, 0.25, 0.25], peak=10)
    rows += made(ROBUST, "matched", [0.40, 0.40, 0.42])
    rows += made(VGG, ARTICLE, [0.50, 0.53, 0.54]) + made(SOURCE, ARTICLE, [0.10, 0.12, 0.10])
    prior = "matched/fourier-decorrelated+transforms"
    rows += made(SOURCE, prior, [0.30, 0.32, 0.31]) + made(SMALL, prior, [0.36, 0.36, 0.36])
    rows += made(VGG, prior, [0.9, 0.9, 0.9])
    rows += made(DENSE, "matched", [0.30, 0.30, 0.30], peak=6)
    rows += made(DENSE, prior, [0.42, 0.42, 0.42])
    adam = "matched/adam"
    rows += made(SOURCE, adam, [0.28, 0.29, 0.27]) + made(SMALL, adam, [0.33, 0.33, 0.33])
    rows += made(DENSE, adam, [0.40, 0.40, 0.40])
    for model, after in ((SMALL, 5), (SOURCE, 1), (DENSE, 5)):
        rows += made(f"{model}+box-kernels", "matched", [0.24, 0.24, 0.24], peak=after)
    run = tmp_path_factory.mktemp("runs") / "lab"
    names = [VGG, SMALL, SOURCE, ROBUST, DENSE]
    names += [f"{name}+box-kernels" for name in (SMALL, SOURCE, DENSE)]
    store(run, rows, {name: _FAMILIES[name.partition("+")[0]] for name in names})
    loaded = load(run)
    table = build(loaded, resamples=100)
    table["arch"] = table["model"].str.partition(".")[0]
    table["training"] = table["training"].str.partition("+")[0]
    return gather(loaded, table, resamples=100)


def test_a_condition_is_compared_within_networks(laboratory: Evidence) -> None:
    found = Condition("progress", "fourier-decorrelated+transforms", without="VGG").effect(
        laboratory
    )
    assert (found.value, found.n) == (pytest.approx((0.10 + 0.11 + 0.12) / 3), 3)
    same_steps = Condition(
        "progress", "fourier-decorrelated+transforms", without="VGG", baseline="adam"
    )
    assert same_steps.effect(laboratory).value == pytest.approx((0.03 + 0.03 + 0.02) / 3)
    missing = Condition("progress", "softmax").effect(laboratory)
    assert "measured both ways" in missing.reason


def test_what_all_networks_do_on_one_picture_is_in_a_condition_s_interval(
    laboratory: Evidence,
) -> None:
    """Gaps by picture: .10 .10 .10, .10 .12 .11 and .12 .12 .12, alike over pictures; then not."""
    condition = Condition("progress", "fourier-decorrelated+transforms", without="VGG")
    alike = condition.effect(laboratory)
    pictures = laboratory.pictures.copy()
    shown = pictures["condition"].str.contains("fourier-decorrelated+transforms", regex=False)
    last = shown & (pictures["case"] == sorted(pictures["case"].unique())[-1])
    pictures.loc[last, "progress"] += 0.3  # for every network the same
    apart = condition.effect(replace(laboratory, pictures=pictures))
    assert apart.value == pytest.approx(alike.value + 0.1)
    assert apart.high - apart.low > 0.5 > 10 * (alike.high - alike.low) / 2
    assert apart.low < 0 < alike.low


def test_a_surgery_is_compared_with_the_intact_network(laboratory: Evidence) -> None:
    found = Condition("peak_excess", surgery="box-kernels").effect(laboratory)
    assert (found.value, found.n) == (pytest.approx(((5 - 10) + (1 - 4) + (5 - 6)) / 3), 3)
    residual = Condition("peak_excess", surgery="box-kernels", only=(("residual", False),))
    assert residual.effect(laboratory).n == 1  # DenseNet alone


def test_matched_taps_shrink_the_lead(laboratory: Evidence) -> None:
    found = Taps("VGG").effect(laboratory)
    leads = [(0.50 - 0.10) - (0.40 - 0.20), (0.53 - 0.12) - (0.42 - 0.22),
             (0.54 - 0.10) - (0.44 - 0.21)]  # fmt: skip
    assert (found.value, found.n) == (pytest.approx(sum(leads) / 3), 3)
    assert found.note.endswith(f"{VGG} against {SOURCE}")


def test_matched_taps_cannot_shrink_a_lead_that_is_none(laboratory: Evidence) -> None:
    pictures = laboratory.pictures
    article = pictures["condition"].str.contains("article")
    for ahead, said in ((-0.5, "-0.0"), (-0.41, "+0.0")):  # behind, and as good as level
        moved = pictures["progress"] + ahead * (article & (pictures["model"] == VGG))
        found = Taps("VGG").effect(replace(laboratory, pictures=pictures.assign(progress=moved)))
        assert (found.n, math.isnan(found.value)) == (3, True)
        assert found.reason.startswith(f"no lead to shrink: {said}")
    assert "from a lead of +0.4" in Taps("VGG").effect(laboratory).note


def test_a_rung_is_compared_picture_by_picture(laboratory: Evidence) -> None:
    found = Rung("progress", "l2_025").effect(laboratory)
    assert (found.value, found.n) == (pytest.approx((0.20 + 0.18 + 0.21) / 3), 3)
    assert Rung("progress", "l2_1", "l2_025").effect(laboratory).n == 0


def matched_evidence(jumps: dict[str, float], downs: tuple[str, ...] = ("max22",)) -> Evidence:
    """Cells of the factory: batch norm takes .02, and by a jump more on some pictures."""
    lines, shown = [], []
    for residual, down, norm, seed in product((False, True), downs, (False, True), ("", "-s1")):
        name = f"matched_c10.res{residual:d}_{down}_bn{norm:d}{seed}"
        lines.append({"model": name, "family": "Matched net", "role": "matched", "progress": 0.3,
                      "training": "standard", "residual": residual, "downsampling": down,
                      "batch_norm": norm})  # fmt: skip
        for place, (case, jump) in enumerate(jumps.items()):
            progress = 0.3 + 0.1 * place + 0.01 * residual - norm * (0.02 + jump + 0.001 * residual)
            shown.append({"model": name, "case": case, "condition": "content-start/matched/w100",
                          "weight": "w100", "run": 0, "progress": progress})  # fmt: skip
    pictures, table = pd.DataFrame(shown), pd.DataFrame(lines)
    means = pictures.groupby("model")["progress"].mean()
    return Evidence(table.assign(progress=table["model"].map(means)), pictures, 100)


def test_a_switch_s_interval_is_over_pictures_as_well_as_nets() -> None:
    jumps = dict.fromkeys(("a+x", "b+y", "c+z"), 0.0)
    switch = Switch("progress", "batch_norm", True, False)
    downs = ("max22", "avg22")
    alike = switch.effect(matched_evidence(jumps, downs))
    assert (alike.value, alike.n) == (pytest.approx(-0.0205), 8)
    assert alike.low < -0.0205 < alike.high < 0
    apart = switch.effect(matched_evidence(jumps | {"b+y": 0.09}, downs))
    assert apart.value == pytest.approx(-0.0505)
    assert apart.low < 0 < apart.high  # one of three pictures: no claim about further ones
    assert apart.note.startswith("pictures held fixed -0.05 [")
    few = switch.effect(matched_evidence({"a+x": 0.0, "b+y": 0.09}, downs))
    assert few.note.startswith("pictures held fixed; ")


@pytest.mark.parametrize("design", [
    Condition("progress", "fourier-decorrelated+transforms", without="VGG"),
    Condition("peak_excess", surgery="box-kernels"), Taps("VGG"), Rung("progress", "l2_025"),
])  # fmt: skip
def test_two_runs_machines_are_no_effect(
    laboratory: Evidence, design: Condition | Taps | Rung
) -> None:
    """A first run that has the plain pictures only, on a machine that draws them all otherwise."""
    plain = laboratory.pictures["condition"] == "content-start/matched/w100"
    intact = plain & ~laboratory.pictures["model"].str.contains("+", regex=False)
    other = laboratory.pictures[intact]
    other = other.assign(progress=other["progress"] + 0.5, excess_2=other["excess_2"] + 20)
    pooled = pool([replace(laboratory, pictures=other), laboratory])
    found, alone = design.effect(pooled), design.effect(laboratory)
    assert (found.value, found.n) == (pytest.approx(alone.value), alone.n)


def test_a_run_without_the_plain_pictures_is_passed_over(laboratory: Evidence) -> None:
    design = Condition("progress", "fourier-decorrelated+transforms", without="VGG")
    changed = laboratory.pictures["condition"].str.contains("fourier", regex=False)
    other = laboratory.pictures[changed]
    other = other.assign(progress=other["progress"] + 0.5)
    pooled = pool([replace(laboratory, pictures=other), laboratory])
    found, alone = design.effect(pooled), design.effect(laboratory)
    assert (found.value, found.n) == (pytest.approx(alone.value), alone.n)


def test_twins_are_taken_from_the_run_that_has_both(laboratory: Evidence) -> None:
    source = laboratory.pictures[laboratory.pictures["model"] == SOURCE]
    lone = source.assign(progress=source["progress"] - 1)
    pooled = pool([replace(laboratory, pictures=lone), laboratory])
    found = Rung("progress", "l2_025").effect(pooled)
    assert (found.value, found.n) == (pytest.approx((0.20 + 0.18 + 0.21) / 3), 3)


def test_a_lead_is_of_networks_on_one_machine(laboratory: Evidence) -> None:
    """The first run has the family both ways and the source matched only, all of it .3 higher."""
    pictures = laboratory.pictures
    taps = pictures["condition"].isin([f"content-start/{on}/w100" for on in ("matched", ARTICLE)])
    some = taps & ((pictures["model"] == VGG) | (pictures["model"] == SOURCE))
    some &= ~((pictures["model"] == SOURCE) & pictures["condition"].str.contains("article"))
    higher = pictures[some].assign(progress=pictures["progress"] + 0.3)
    pooled = Taps("VGG").effect(pool([replace(laboratory, pictures=higher), laboratory]))
    assert pooled.note == Taps("VGG").effect(laboratory).note


def test_a_run_with_more_seeds_of_one_training_is_no_better(laboratory: Evidence) -> None:
    table = laboratory.table
    source, pictures = table[table["model"] == SOURCE], laboratory.pictures
    seeds = [f"{SOURCE}-s{i}" for i in (1, 2, 3)]
    more = pd.concat([source.assign(model=name) for name in seeds])
    plain = pictures[(pictures["model"] == SOURCE)
                     & (pictures["condition"] == "content-start/matched/w100")]  # fmt: skip
    first = pd.concat([plain.assign(model=name) for name in seeds])
    pooled = pool([replace(laboratory, pictures=first), laboratory])
    pooled = replace(pooled, table=pd.concat([table, more], ignore_index=True))
    found = Rung("progress", "l2_025").effect(pooled)
    assert (found.value, found.n) == (pytest.approx((0.20 + 0.18 + 0.21) / 3), 3)


def test_one_pair_of_nets_is_no_sample_of_nets() -> None:
    evidence = matched_evidence(dict.fromkeys(("a+x", "b+y", "c+z"), 0.0))
    found = Switch("progress", "batch_norm", True, False).effect(evidence)
    assert found.note.startswith("pictures held fixed; ")  # two pairs


def test_causes_are_read_from_their_suites() -> None:
    rows = facts(VGG, "matched/0/a", "activation_entropy_share", [0.9, 0.9], suite="activations")
    rows += facts(VGG, "matched/1/b", "activation_entropy_share", [0.4, 0.6], suite="activations")
    rows += facts(
        VGG, "matched/1/b/softmax", "activation_entropy_share", [1, 1], suite="activations"
    )
    for period, value in ((2, 0.1), (4, 0.48)):
        rows += facts(VGG, "matched", "coverage_unevenness", [value], suite="coverage",
                      step=period, cases=["network"])  # fmt: skip
    for depth, moved in ((1, 1.0), (2, 3.0), (3, 9.0)):
        for budget, times in (("l2_0.10", 1), ("l2_0.50", 5)):
            rows += facts(SOURCE, f"tap{depth}/{budget}", "layer_displacement", [times * moved] * 2,
                          suite="layers", step=depth)  # fmt: skip
        rows += facts(SOURCE, f"tap{depth}", "layer_spread", [4.0] * 2, suite="layers", step=depth)
    found = cause_columns(frame(rows))
    assert found.loc[VGG, "entropy_share"] == pytest.approx(0.5)
    assert found.loc[VGG, "unevenness"] == pytest.approx(0.48)
    assert found.loc[SOURCE, "early_layer_ratio"] == pytest.approx((0.25 + 0.75) / 2)
    assert found.loc[SOURCE, "early_layer_doublings"] == pytest.approx(-1)
    assert cause_columns(frame(facts(VGG, "clean", "clean_correct", [1]))).empty


def test_a_whole_run_is_judged(tmp_path: Path) -> None:
    run = load(build_run(tmp_path / "run", images=40))
    found = verdicts(gather(run, build(run, resamples=100), resamples=100)).set_index("key")
    # standard weights only; the source is no target of itself, and its twin no stand-in for it
    assert found.loc["H1a", "n"] == 4
    assert found.loc["H1a", "effect"] < 0
    assert found.loc["H5", "verdict"] == "not measured"
    assert pd.notna(found.loc["H1a", "p"]) and pd.isna(found.loc["H1a", "detectable"])  # of four
