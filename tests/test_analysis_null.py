"""Worlds without any effect, built as the zoo is: clustered, confounded, with nets that scatter."""

import math
from collections.abc import Iterable

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.association import permutation_p
from analysis.contrasts import mediated, paired
from analysis.designs import Association
from analysis.evidence import Evidence
from analysis.factorial import main_effect
from analysis.hypotheses import HYPOTHESES
from analysis.outlier import set_apart
from analysis.picture_designs import Condition
from analysis.sample import by_unit, factory, units
from analysis.stats import Floats, detectable_rho
from analysis.verdict import CONTRADICTED, SUPPORTED, decide
from analysis.verdicts import verdicts
from tests.worlds import nets, pictures, zoo

NETWORKS = {"vgg": 2, "resnet18": 2, "resnet50": 4, "densenet": 2, "inception": 2, "alexnet": 1}
_PLAIN, _CHANGED = "content-start/matched/w100", "content-start/matched/softmax/w100"


def never_too_often(p_values: Iterable[float], rate: float = 0.05) -> bool:
    """Whether the share below 5 % agrees, at 1 %, with at most this rate.

    A test that never answers, or always answers 1, never errs either, and is refused.
    """
    n, called = _called(p_values)
    return bool(stats.binomtest(called, n, rate, alternative="greater").pvalue > 0.01)


def as_often_as_said(p_values: Iterable[float], rate: float = 0.05) -> bool:
    """Whether the share below 5 % agrees with this rate from both sides, as of an exact test."""
    n, called = _called(p_values)
    return bool(stats.binomtest(called, n, rate).pvalue > 0.01)


def _called(p_values: Iterable[float]) -> tuple[int, int]:
    p = np.array(list(p_values), dtype=float)
    assert p.size and np.isfinite(p).all(), "some worlds have no p"
    assert ((p >= 0) & (p <= 1)).all() and p.min() < 1, "no world has a p below 1"
    return p.size, int((p < 0.05).sum())


@pytest.mark.parametrize("silent", [math.nan, 1.0])
def test_a_test_that_never_answers_is_no_good_test(silent: float) -> None:
    for judged in (never_too_often, as_often_as_said):
        with pytest.raises(AssertionError):
            judged([silent] * 100)
    assert never_too_often([0.9] * 200) and not as_often_as_said([0.9] * 200)
    assert not never_too_often([0.01] * 100) and not as_often_as_said([0.01] * 100)


def clustered(rng: np.random.Generator, *columns: str) -> pd.DataFrame:
    """The zoo's networks; scores belong to architectures, three parts in four and more."""
    names = [f"{arch}.t{i}" for arch, count in NETWORKS.items() for i in range(count)]
    table = zoo(rng, n=len(names)).assign(
        model=names, arch=[name.partition(".")[0] for name in names]
    )
    for column in columns:
        arch = {name: 2 * rng.normal() for name in NETWORKS}
        table[column] = table["arch"].map(arch) + rng.normal(size=len(table))
    return table


def of(table: pd.DataFrame, pictures: pd.DataFrame | None = None) -> Evidence:
    empty = pd.DataFrame({"condition": [], "model": [], "case": [], "run": []})
    return Evidence(table, empty if pictures is None else pictures.assign(run=0), resamples=100)


@pytest.mark.parametrize(("n", "covariates"), [(12, 1), (8, 2), (6, 2)])
def test_a_driving_confounder_does_not_make_a_relation(n: int, covariates: int) -> None:
    found = []
    for seed in range(150):
        rng = np.random.default_rng(seed)
        causes = rng.normal(size=(covariates, n))
        noise = 0.3 * rng.normal(size=(2, n))
        found.append(permutation_p([causes.sum(0) + noise[0], noise[1] - causes.sum(0), *causes]))
    assert never_too_often(found)


def test_scores_that_cluster_by_architecture_are_no_relation() -> None:
    design = Association("fooling", "progress")
    found = [
        design.effect(of(clustered(np.random.default_rng(seed), "fooling", "progress")))
        for seed in range(150)
    ]
    assert {effect.n for effect in found} == {len(NETWORKS)}
    # exact, but the orders of six allow no level between 1 in 30 and above 5 %
    assert as_often_as_said((effect.p for effect in found), rate=1 / 30)


def test_an_architecture_is_no_outlier_because_its_twins_agree() -> None:
    found = []
    for seed in range(100):
        table = clustered(np.random.default_rng(seed), "fooling", "progress", "accuracy")
        given = ("fooling", "accuracy")
        vgg = table["arch"] == "vgg"
        found.append(set_apart(table, "progress", vgg, given=given, within=units(table)))
    assert never_too_often(effect.p for effect in found)
    crowded = set_apart(
        table.assign(**{name: np.arange(13.0) ** i for i, name in enumerate("abcd", 2)}),
        "progress", vgg, given=[*given, *"abcd"], within=units(table),
    )  # fmt: skip
    assert crowded.reason.startswith("more covariates than models: 13 models of 6 units")


def test_a_condition_that_moves_architectures_at_random_moves_nothing() -> None:
    found = []
    for seed in range(100):
        rng = np.random.default_rng(seed)
        table = clustered(rng, "gap")
        lines = [
            {"model": model, "case": case, "condition": name, "progress": value}
            for model, gap in zip(table["model"], table["gap"], strict=True)
            for case in ("a", "b")
            for name, value in ((_PLAIN, 0.0), (_CHANGED, gap))
        ]
        lines.append({"model": "vgg.t0", "case": "c", "condition": _PLAIN, "progress": 99.0})
        found.append(Condition("progress", "softmax").effect(of(table, pd.DataFrame(lines))))
    assert {effect.n for effect in found} == {len(NETWORKS)}
    assert never_too_often(effect.p for effect in found)
    assert max(abs(effect.value) for effect in found) < 9  # nobody changed picture c


def scattered(rng: np.random.Generator) -> pd.DataFrame:
    """Matched nets without effects: nets differ, seeds of one a third as much."""
    table = nets(rng)
    for column in ("progress", "entropy_share", "peak_excess"):
        own = {unit: rng.normal() for unit in units(table)}
        table[column] = units(table).map(own) + 0.3 * rng.normal(size=len(table))
    return table


@pytest.mark.parametrize("lost", [0, 3])
def test_nets_that_scatter_are_no_switch(lost: int) -> None:
    found = [
        main_effect(
            scattered(np.random.default_rng(seed)).iloc[lost:], "progress", "batch_norm", True,
            False,
        )
        for seed in range(80 if not lost else 25)
    ]  # fmt: skip
    judged = never_too_often if lost else as_often_as_said  # exact where groups are of one size
    assert judged(effect.p for effect in found)
    assert all(effect.n in (15, 16) and "as if independent" in effect.note for effect in found)


def test_paired_nulls_are_called_by_chance_only() -> None:
    draws = np.random.default_rng(0).normal(size=(1000, 5))
    assert as_often_as_said(paired(row).p for row in draws)


def called_on(gaps: Floats, *, direction: int, matters: float) -> list[str]:
    """The verdict of a claim about architectures on each row of differences."""
    found = [paired(row) for row in gaps]
    return [decide(one, one.p, direction=direction, matters=matters) for one in found]


def test_a_large_effect_is_supported_as_often_as_power_says() -> None:
    n, matters, truth, worlds = 8, 0.5, 1.5, 1000
    gaps = np.random.default_rng(1).normal(truth, 1, (worlds, n))
    # p < .05 on the claimed side needs t beyond t(.975): noncentral, of truth root n
    needed = stats.t.ppf(0.975, n - 1)
    power = float(stats.nct.sf(needed, n - 1, truth * math.sqrt(n)))
    assert power > 0.9
    supported = called_on(gaps, direction=1, matters=matters).count(SUPPORTED)
    # the estimate has to matter, too, which it nearly always does where the t is that large
    assert power - 0.04 < supported / worlds <= power + 0.03
    assert called_on(gaps, direction=-1, matters=matters).count(SUPPORTED) == 0
    assert called_on(gaps, direction=0, matters=matters).count(SUPPORTED) == 0


@pytest.mark.parametrize("sign", [1, -1])
def test_a_claim_of_nothing_is_wrongly_supported_as_seldom_as_said(sign: int) -> None:
    n, matters, worlds = 8, 1.5, 1000
    rng = np.random.default_rng(2)
    # the effect is exactly what matters: an interval inside the bounds errs at 2.5 %
    gaps = rng.normal(sign * matters, 1, (worlds, n))
    wrong = called_on(gaps, direction=0, matters=matters).count(SUPPORTED)
    assert stats.binomtest(wrong, worlds, 0.025).pvalue > 0.01
    right = called_on(rng.normal(0, 1, (worlds, n)), direction=0, matters=matters)
    assert right.count(SUPPORTED) > 0.8 * worlds and CONTRADICTED not in right[:20]


def test_a_switch_that_acts_is_supported_and_an_idle_one_is_not() -> None:
    one = next(one for one in HYPOTHESES if one.key == "H7a")
    told = {}
    for cost in (0.15, 0.0):
        told[cost] = []
        for seed in range(20):
            table = nets(np.random.default_rng(seed), noise=0.04)
            table["progress"] += (0.15 - cost) * table["residual"]  # the world's own is .15
            told[cost].append(verdicts(of(table), [one])["verdict"].item())
    assert told[0.15].count(SUPPORTED) >= 18  # 20, less what chance may take
    assert told[0.0].count(SUPPORTED) <= 2 and told[0.0].count(CONTRADICTED) >= 15


@pytest.mark.parametrize("cause", [0.0, 3.0])
def test_an_idle_mediator_carries_nothing(cause: float) -> None:
    found = []
    for seed in range(50):
        table = by_unit(factory(scattered(np.random.default_rng(seed))))
        table["entropy_share"] += cause * table["residual"]
        found.append(mediated(table, "residual", "entropy_share", "progress",
                              given=["batch_norm"], draws=200))  # fmt: skip
    assert never_too_often(effect.p for effect in found)


def test_the_family_of_hypotheses_errs_as_a_family_at_most() -> None:
    keys = {"H1a", "H3a", "H4c", "H7c", "H8"}
    asked = [one for one in HYPOTHESES if one.key in keys]
    least = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        table = clustered(rng, "fooling", "progress", "accuracy")
        robust = table["model"].str.endswith("t1")
        table["training"] = np.where(robust, "l2_05", "standard")
        table = pd.concat([table, scattered(rng)], ignore_index=True)
        table = table.assign(robust_training=1.0 * (table["training"] == "l2_05"))
        table["log_params"] = np.log10(table["params"])
        found = verdicts(of(table, pictures(table)), asked)
        assert found["p"].notna().all()
        least.append(float(found["p_holm"].min()))
    assert never_too_often(least)


def test_the_stated_power_is_the_one_before_holm() -> None:
    rng, n = np.random.default_rng(0), 8
    stated = float(stats.t.ppf(0.975, n - 1) + stats.t.ppf(0.8, n - 1)) / math.sqrt(n)
    found = [paired(rng.normal(stated, 1, n)) for _ in range(400)]
    assert 0.74 < np.mean([effect.p < 0.05 for effect in found]) < 0.86
    assert np.mean([effect.detectable for effect in found]) == pytest.approx(stated, rel=0.1)


def test_no_power_is_stated_where_no_p_is_small() -> None:
    order = np.arange(4.0)
    assert permutation_p([order, order]) > 0.05 and math.isnan(detectable_rho(4))
    order = np.arange(5.0)
    assert permutation_p([order, order]) < 0.05 and detectable_rho(5) < 1
