"""Rates, intervals and correlations against numbers worked out by hand, and their laws."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from analysis import stats
from analysis.association import correlate, permutation_p

facts01 = st.lists(st.sampled_from([0.0, 1.0]), min_size=1, max_size=40)
quick = settings(max_examples=60, deadline=None)


def models(
    x: list[float], y: list[float], families: str, source: int | None = None
) -> pd.DataFrame:
    return pd.DataFrame({
        "x": x, "y": y, "family": list(families),
        "is_source": [i == source for i in range(len(x))],
    })  # fmt: skip


def test_wilson_by_hand() -> None:
    found = stats.wilson(8, 10)
    assert (found.value, found.n) == (0.8, 10)
    assert found.low == pytest.approx(0.4902, abs=1e-4)
    assert found.high == pytest.approx(0.9433, abs=1e-4)


def test_wilson_refuses_the_impossible_and_knows_nothing_of_nothing() -> None:
    with pytest.raises(ValueError, match="3 successes of 2"):
        stats.wilson(3, 2)
    assert math.isnan(stats.wilson(0, 0).value)


@quick
@given(facts=facts01, seed=st.integers(0, 5))
def test_rates_lie_in_0_1_inside_their_intervals(facts: list[float], seed: int) -> None:
    found = stats.rate(facts, resamples=50, seed=seed)
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert found.value == pytest.approx(np.mean(facts))
    assert found.n == len(facts)


@quick
@given(values=st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=20), resamples=st.integers(1, 30))
def test_a_mean_lies_in_its_interval(values: list[float], resamples: int) -> None:
    found = stats.mean(values, resamples=resamples, seed=0)
    assert found.low <= found.value <= found.high


def test_a_single_picture_has_no_interval() -> None:
    for values, clusters in (([0.3], None), ([0.2, 0.4], ["a", "a"])):
        found = stats.mean(values, clusters=clusters)
        assert found.value == pytest.approx(0.3)
        assert found.n == 1
        assert np.isnan([found.low, found.high]).all()


def test_a_unanimous_rate_still_has_a_width() -> None:
    assert stats.bootstrap_interval([0.0] * 10) == (0.0, 0.0)
    assert stats.rate([0.0] * 10).high == pytest.approx(stats.wilson(0, 10).high)
    repeated = stats.rate([1.0] * 10, clusters=["a"] * 5 + ["b"] * 5)
    assert repeated.n == 2
    assert repeated.low == pytest.approx(stats.wilson(2, 2).low)


def test_the_bootstrap_agrees_with_theory() -> None:
    low, high = stats.bootstrap_interval([0.0] * 50 + [1.0] * 50, resamples=20_000, seed=1)
    half = 1.96 * math.sqrt(0.25 / 100)
    assert low == pytest.approx(0.5 - half, abs=0.011)
    assert high == pytest.approx(0.5 + half, abs=0.011)


def test_repeats_of_one_picture_do_not_narrow_the_interval() -> None:
    once = stats.bootstrap_interval([0.0, 1.0, 1.0, 0.0], seed=3)
    facts, names = [0.0, 1.0, 1.0, 0.0] * 25, ["a", "b", "c", "d"] * 25
    assert stats.bootstrap_interval(facts, clusters=names, seed=3) == pytest.approx(once)


def test_seeds_decide_and_nan_is_left_out() -> None:
    values = np.random.default_rng(0).normal(size=30)
    assert stats.bootstrap_interval(values, seed=1) == stats.bootstrap_interval(values, seed=1)
    assert stats.bootstrap_interval(values, seed=1) != stats.bootstrap_interval(values, seed=2)
    assert stats.mean([1.0, math.nan, 3.0]).value == 2.0
    assert stats.mean([math.nan]).n == 0
    assert all(math.isnan(end) for end in stats.bootstrap_interval([]))


def test_rho_by_hand() -> None:
    table = models([1, 2, 3, 4, 5], [2, 1, 4, 3, 5], "ABCDE")
    found = correlate(table, "x", "y", resamples=500)
    assert found.rho == pytest.approx(0.8)  # 1 - 6 * 4 / (5 * 24)
    # Of the 120 orders 8 reach rho >= 0.8 (sums of squares 0, 2 and 4: 1 + 4 + 3).
    assert found.p == pytest.approx(16 / 120)
    assert found.low <= found.rho <= found.high
    assert found.n == 5


@quick
@given(st.lists(st.integers(0, 4), min_size=5, max_size=12), st.integers(0, 99))
def test_rho_is_scipys_with_ties(x: list[int], seed: int) -> None:
    from scipy.stats import spearmanr

    y = np.random.default_rng(seed).normal(size=len(x))
    if len(set(x)) > 1:
        assert float(stats.spearman(x, y)) == pytest.approx(spearmanr(x, y).statistic)


def test_the_source_never_counts() -> None:
    x, y = [1.0, 2, 3, 4, 99], [1.0, 2, 3, 4, -99]
    found = correlate(models(x, y, "ABCDE", source=4), "x", "y", resamples=100)
    assert (found.rho, found.n) == (pytest.approx(1), 4)
    assert "E" not in found.without_family


def test_leaving_a_family_out() -> None:
    table = models([1, 2, 3, 4, 9, 10], [1, 2, 3, 4, -1, -2], "AABBVV")
    found = correlate(table, "x", "y", resamples=200)
    assert found.rho < 0
    assert found.without_family["V"] == pytest.approx(1)
    few = correlate(models([1, 2, 3, 4], [1, 2, 4, 3], "AABB"), "x", "y", resamples=100)
    assert "A" not in few.without_family  # two models would remain


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        (
            models([1, 2, 3], [1, 2, 3], "ABC"),
            "3 of the 4 models needed have all numbers",
        ),
        (
            models([1, 2, 3, math.nan], [1, 2, 3, 4], "ABCD"),
            "3 of the 4 models needed",
        ),
        (models([1, 1, 1, 1], [1, 2, 3, 4], "ABCD"), "x or y does not vary over 4 models"),
        (models([1, 2, 3, 4], [1, 2, 3, 4], "ABCD").drop(columns="y"), "no column y"),
    ],
)
def test_no_rho_says_why(table: pd.DataFrame, reason: str) -> None:
    found = correlate(table, "x", "y", resamples=10)
    assert math.isnan(found.rho) and math.isnan(found.p) and math.isnan(found.low)
    assert reason in found.reason


def test_degenerate_resamples_count_as_no_relation() -> None:
    found = correlate(models([0, 0, 0, 1], [1, 2, 3, 4], "ABCD"), "x", "y", resamples=400)
    assert -1 <= found.low <= 0 < found.rho <= found.high <= 1


@quick
@given(st.integers(4, 7), st.integers(0, 99))
@example(7, 25)
def test_p_of_few_models_counts_all_orders(n: int, seed: int) -> None:
    from scipy.stats import permutation_test

    x, y = np.random.default_rng(seed).integers(0, 5, (2, n)).astype(float)
    if np.ptp(x) > 0 and np.ptp(y) > 0:
        test = permutation_test(
            (x,), lambda shuffled: round(abs(float(stats.spearman(shuffled, y))), 9),
            permutation_type="pairings", n_resamples=10_000, alternative="greater",
        )  # fmt: skip
        assert permutation_p([x, y]) == pytest.approx(test.pvalue)


def test_detectable_rho_is_fields_table() -> None:
    for n, rho in [(85, 0.3), (29, 0.5), (13, 0.7)]:
        assert stats.detectable_rho(n) == pytest.approx(rho, abs=0.01)
    assert math.isnan(stats.detectable_rho(3))
