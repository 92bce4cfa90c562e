"""Nested bootstrap, Kendall, reliability over units and mixed effects, on planted answers."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis import mixed
from analysis.correlations import COLUMNS, PAIRS, correlations, facts_of
from analysis.evidence import gather
from analysis.factorial import main_effect
from analysis.mixed import mixed_effect, mixed_slope
from analysis.nested import (
    IMAGES,
    PICTURES,
    Facts,
    as_facts,
    drawn_scores,
    kendall,
    kendall_interval,
    nested,
    unit_reliability,
    unit_weights,
)
from analysis.sample import networks
from analysis.tables import build, load
from tests.rows import build_run
from tests.worlds import nets

WORLDS = 150


def plausible(k: int, n: int, rate: float) -> bool:
    return bool(stats.binomtest(k, n, rate).pvalue > 0.01)


def world(rng: np.random.Generator, *, n: int = 14, units: int = 12, truth: float = 0.0):
    """n networks of two seeds, x measured on images and y on pictures, true scores correlated."""
    a, noise = rng.normal(size=(2, n))
    b = truth * a + math.sqrt(1 - truth**2) * noise
    names = [f"net{i}.standard{tail}" for i in range(n) for tail in ("", "-s1")]
    found = {}
    for name, unit, score in (("x", IMAGES, a), ("y", PICTURES, b)):
        seeds = np.repeat(score, 2) + rng.normal(0, 0.2, 2 * n)
        shift = rng.normal(0, 3, (units, 1))  # pictures differ more than networks do
        values = seeds + shift + rng.normal(0, 0.5, (units, 2 * n))
        cases = tuple(f"{unit}{i}" for i in range(units))
        found[name] = Facts(unit, cases, tuple(names), values[None])
    table = pd.DataFrame({"model": names, **{k: f.values[0].mean(0) for k, f in found.items()}})
    return table.assign(network=networks(table)), found


def test_kendall_is_scipy_s() -> None:
    rng = np.random.default_rng(0)
    for ties in (False, True):
        x, y = rng.integers(0, 4, (2, 20)) if ties else rng.normal(size=(2, 20))
        expected = stats.kendalltau(x, y).statistic
        assert float(kendall(x.astype(float), y.astype(float))) == pytest.approx(expected)
    assert math.isnan(float(kendall(np.ones(5), np.arange(5.0))))
    assert kendall_interval(0.5, 4) == (-1.0, 1.0)
    low, high = kendall_interval(0.0, 30)
    assert high == -low == pytest.approx(math.tanh(1.959964 * math.sqrt(0.437 / 26)))


def test_seeds_are_seeds_of_one_network() -> None:
    names = ["a.standard", "a.standard-s1", "a.l2_05", "matched.res1_conv32-s12"]
    found = list(networks(pd.DataFrame({"model": names})))
    assert found == ["a.standard", "a.standard", "a.l2_05", "matched.res1_conv32"]


def test_drawn_scores_are_weighted_means_and_the_largest_alternative() -> None:
    values = np.array([[[1.0, 0.0], [3.0, np.nan]], [[2.0, 5.0], [0.0, 5.0]]])
    facts = Facts(PICTURES, ("a", "b"), ("m", "n"), values)
    weights = pd.DataFrame({"a": [1.0, 0.0, 2.0], "b": [1.0, 2.0, 0.0]})
    np.testing.assert_allclose(drawn_scores(facts, weights), [[2, 5], [3, 5], [2, 5]])
    gone = Facts(PICTURES, ("a", "b"), ("m", "n"), values[:1])
    assert np.isnan(drawn_scores(gone, weights)[1, 1])  # no drawn unit counts


def test_one_draw_serves_all_scores_of_a_unit() -> None:
    lines = pd.DataFrame({"model": ["m", "m", "n"], "case": ["a", "b", "a"], "v": [1.0, 2.0, 3.0]})
    first = as_facts(lines, IMAGES, ["v", "absent"])
    assert first is not None and first.values.shape == (1, 2, 2)
    assert np.isnan(first.values[0, 1, 1])
    weights = unit_weights([first, first], 50, np.random.default_rng(0))
    assert list(weights) == [IMAGES] and (weights[IMAGES].sum(axis=1) == 2).all()
    assert as_facts(lines.iloc[:0], IMAGES, ["v"]) is None
    assert as_facts(lines, IMAGES, ["absent"]) is None


def test_reliability_over_units_is_shrout_and_fleiss() -> None:
    rng = np.random.default_rng(0)
    n, m = 20, 40
    values = rng.normal(size=m) + rng.normal(0, 5, (n, 1)) + rng.normal(0, 3, (n, m))
    facts = Facts(IMAGES, tuple(map(str, range(n))), tuple(map(str, range(m))), values[None])
    rest = values - values.mean(0) - values.mean(1, keepdims=True) + values.mean()
    error = (rest**2).sum() / ((n - 1) * (m - 1))
    expected = 1 - error / (n * values.mean(0).var(ddof=1))
    weights = unit_weights([facts], 4000, rng)[IMAGES]
    found = unit_reliability(drawn_scores(facts, weights), n)
    assert found == pytest.approx(expected, abs=0.02)
    assert 0.5 < found < 0.9
    assert math.isnan(unit_reliability(np.zeros((5, 1)), 9))
    assert math.isnan(unit_reliability(np.zeros((5, 3)), 1))


def test_null_worlds_are_excluded_by_chance_only() -> None:
    missed = {"rho": 0, "tau": 0}
    for seed in range(WORLDS):
        table, facts = world(np.random.default_rng(seed))
        found = nested(table, "x", "y", facts, resamples=200, seed=seed)
        assert found is not None and found.networks == 14
        missed["rho"] += not found.rho_low <= 0 <= found.rho_high
        missed["tau"] += not found.tau_low <= 0 <= found.tau_high
    for count in missed.values():  # wide intervals may miss less often, never more
        assert stats.binomtest(count, WORLDS, 0.05, alternative="greater").pvalue > 0.01


def test_planted_association_survives_pictures_and_seeds() -> None:
    table, facts = world(np.random.default_rng(3), n=40, truth=-0.9)
    found = nested(table, "x", "y", facts, resamples=300)
    assert found is not None
    assert -1 <= found.rho_low < found.rho < found.rho_high < -0.4
    assert found.tau_low < found.tau < found.tau_high < -0.2
    exact = table.groupby("network")[["x", "y"]].mean()
    assert found.rho == pytest.approx(stats.spearmanr(exact).statistic)
    assert found.tau == pytest.approx(stats.kendalltau(exact["x"], exact["y"]).statistic)
    assert found.reliability_x > 0.9 and found.reliability_y > 0.9


def test_noise_of_measurement_widens_the_interval() -> None:
    rng = np.random.default_rng(1)
    table, facts = world(rng, n=60, units=6, truth=0.95)
    table = table[~table["model"].str.endswith("-s1")]
    noisy = {}
    for name, one in facts.items():
        deviations = rng.normal(0, 4, one.values.shape)
        deviations -= deviations.mean(axis=1, keepdims=True)  # means, hence rho, stay
        noisy[name] = Facts(one.unit, one.cases, one.models, one.values + deviations)
    calm, loud = (nested(table, "x", "y", f, resamples=400) for f in (facts, noisy))
    assert calm is not None and loud is not None and calm.rho == loud.rho
    assert loud.rho_low < calm.rho_low - 0.02
    assert loud.reliability_x < 0.7 < calm.reliability_x
    given = nested(table, "x", "y", {}, resamples=400)
    assert given is not None and math.isnan(given.reliability_x)


def test_few_networks_have_no_interval() -> None:
    table, facts = world(np.random.default_rng(0), n=3)
    assert nested(table, "x", "y", facts, resamples=50) is None  # six models of three networks


def grouped(rng: np.random.Generator, *, groups: int = 12, slope: float = 0.0) -> pd.DataFrame:
    """Groups of three lines, x of the group, y scattering between and within groups."""
    name = np.repeat(np.arange(groups), 3)
    x = rng.normal(size=groups)[name]
    y = slope * x + rng.normal(size=groups)[name] + rng.normal(0, 0.5, 3 * groups)
    return pd.DataFrame({"group": name, "x": x, "y": y})


def test_a_mixed_model_is_not_fooled_by_seeds() -> None:
    called = naive = 0
    for seed in range(100):
        lines = grouped(np.random.default_rng(seed))
        called += mixed_slope(lines, "x", "y", within="group").p < 0.05
        naive += stats.linregress(lines["x"], lines["y"]).pvalue < 0.05
    assert plausible(called, 100, 0.05)
    assert not plausible(naive, 100, 0.05)  # seeds counted as networks


def test_a_planted_slope_is_found_within_groups() -> None:
    lines = grouped(np.random.default_rng(0), groups=40, slope=2.0)
    found = mixed_slope(lines, "x", "y", within="group")
    assert found.low < 2 < found.high and found.p < 1e-6 and found.n == 40
    assert "means of 40 groups of 3" in found.note
    means = lines.groupby("group").mean()
    ols = stats.linregress(means["x"], means["y"])
    assert found.value == pytest.approx(ols.slope, rel=1e-3)  # balanced: the same estimate
    assert found.p == pytest.approx(ols.pvalue, rel=0.2, abs=1e-12)
    uneven = mixed_slope(lines.iloc[1:], "x", "y", within="group")
    assert "119 lines in 40 groups" in uneven.note
    assert uneven.value == pytest.approx(found.value, abs=0.05)


def test_what_cannot_be_mixed_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = grouped(np.random.default_rng(0), slope=2.0)
    single = mixed_slope(lines.drop_duplicates("group"), "x", "y", within="group")
    assert "one line a group" in single.note and single.value == pytest.approx(2, abs=1)
    assert "does not vary" in mixed_slope(lines.assign(x=1.0), "x", "y", within="group").reason
    assert "too few" in mixed_slope(lines.iloc[:6], "x", "y", within="group").reason
    monkeypatch.setattr(mixed, "_fitted", lambda *_: None)
    fallen = mixed_slope(lines.iloc[1:], "x", "y", within="group")
    assert "no convergence" in fallen.note
    means = lines.iloc[1:].groupby("group").mean()
    assert fallen.p == pytest.approx(stats.linregress(means["x"], means["y"]).pvalue)


def test_no_scatter_between_groups_is_the_model_s_edge() -> None:
    rng = np.random.default_rng(2)
    group = np.repeat(np.arange(10), 4)
    noise = rng.normal(size=40)
    noise -= pd.Series(noise).groupby(group).transform("mean").to_numpy()
    x = rng.normal(size=40)
    design = np.column_stack([np.ones(40), x])
    found = mixed_effect(x + noise, design, group, np.array([0.0, 1.0]))
    assert "none between groups" in found.note and found.low < 1 < found.high


def test_the_factory_says_what_seeds_within_nets_leave() -> None:
    table = nets(np.random.default_rng(0))
    found = main_effect(table, "progress", "residual", True, False)
    assert found.value == pytest.approx(-0.15, abs=0.02) and found.n == 16
    assert "means of 16 groups of 2" in found.note
    naive = found.note.split("seeds as if independent ")[1].split()[0]
    assert float(naive) == pytest.approx(-0.15, abs=0.02)
    single = nets(np.random.default_rng(0), seeds=1)
    assert "one line a group" in main_effect(single, "progress", "residual", True, False).note


def test_the_table_of_correlations_of_a_run(tmp_path: Path) -> None:
    run = load(build_run(tmp_path / "run", images=40))
    table = build(run, resamples=100)
    evidence = gather(run, table, resamples=200)
    facts = facts_of(run, evidence.pictures)
    assert set(facts) == {"fooling", "accuracy", "progress", "peak_excess"}
    known = table.set_index("model")
    for name, one in facts.items():  # facts give back the scores that were told of them
        means = np.nanmean(one.values, axis=1).max(axis=0)
        np.testing.assert_allclose(means, known.loc[list(one.models), name], atol=1e-9)
    found = correlations(evidence, facts)
    assert list(found.columns)[: len(COLUMNS)] == COLUMNS and len(found) == len(PAIRS)
    first = found.iloc[0]
    assert first["networks"] == first["n"] == 6 and first["nested_low"] <= first["rho"] < 0
    assert first["tau_low"] <= first["tau"] <= first["tau_high"]
    assert 0 < first["ceiling"] <= 1 and math.isnan(first["x_over_seeds"])
    assert "without_VGG" in found
    lacking = found[found["x"] == "nonrobust_det"].iloc[0]
    assert "no column nonrobust_det" in lacking["reason"]


def test_a_run_without_style_has_an_honest_table(tmp_path: Path) -> None:
    run = load(build_run(tmp_path / "run", images=5, suites=("transfer",)))
    evidence = gather(run, build(run, resamples=100), resamples=100)
    found = correlations(evidence, facts_of(run, evidence.pictures))
    assert (found["reason"] != "").all() and found["rho"].isna().all()


def test_the_same_seed_gives_the_same_ends() -> None:
    table, facts = world(np.random.default_rng(5))
    first, again = (nested(table, "x", "y", facts, resamples=100, seed=2) for _ in range(2))
    assert first == again
