"""Rates, intervals and rank correlations: numbers in, frozen results out.

Models of one family share an architecture, a recipe and a training set, so they are not
independent draws from a population of networks. Every interval and p-value over models describes
the models at hand; it does not generalise to networks nobody ran.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

Floats = npt.NDArray[np.float64]

LEVEL = 0.95
FEWEST_MODELS = 4  # with three points even a perfect order has p = 1/3


@dataclass(frozen=True)
class Estimate:
    """A mean with its 95 % interval; NaN with n = 0.

    Attributes:
        value: the mean, in the unit of the facts.
        low, high: the interval's ends, low <= value <= high; NaN with a single unit.
        n: independent units behind it (images or pairs of pictures, not repeats of one).
    """

    value: float
    low: float
    high: float
    n: int


NOTHING = Estimate(math.nan, math.nan, math.nan, 0)


def wilson(successes: int, n: int) -> Estimate:
    """A single rate in [0, 1] with its Wilson score interval (Wilson 1927).

    Raises:
        ValueError: successes outside 0..n.
    """
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} successes of {n} is impossible")
    if n == 0:
        return NOTHING
    interval = stats.binomtest(successes, n).proportion_ci(LEVEL, method="wilson")
    value = successes / n
    return Estimate(value, min(float(interval.low), value), max(float(interval.high), value), n)


def bootstrap_means(
    values: npt.ArrayLike, *, clusters: npt.ArrayLike | None, resamples: int, seed: int
) -> Floats:
    """Means of k columns under resampling of whole clusters (Efron 1979): resamples x k.

    Args:
        values: n, or n x k numbers, no NaN; n >= 1.
        clusters: what is drawn with replacement, one name a value; None = each value on its own.
        resamples: how many.
        seed: of the draws.
    """
    table = np.asarray(values, dtype=float)
    table = table[:, None] if table.ndim == 1 else table
    if clusters is None:
        sums, counts = table, np.ones(len(table))
    else:
        codes, names = pd.factorize(np.asarray(clusters))
        counts = np.bincount(codes, minlength=len(names)).astype(float)
        sums = np.stack([np.bincount(codes, column, len(names)) for column in table.T], axis=1)
    # Equal clusters are interchangeable: drawing how often each kind appears is the same
    # bootstrap, and 5000 images with 0/1 facts are two kinds.
    kinds, times = np.unique(np.column_stack([sums, counts]), axis=0, return_counts=True)
    rng = np.random.default_rng(seed)
    draws = rng.multinomial(len(sums), times / times.sum(), size=resamples)
    means: Floats = (draws @ kinds[:, :-1]) / (draws @ kinds[:, -1:])
    return means


def interval(samples: Floats) -> tuple[float, float]:
    """The percentile interval of bootstrap samples; NaN when none is a number."""
    finite = samples[np.isfinite(samples)]
    if not finite.size:
        return math.nan, math.nan
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(finite, [tail, 1 - tail])
    return float(low), float(high)


def bootstrap_interval(
    values: npt.ArrayLike,
    *,
    clusters: npt.ArrayLike | None = None,
    resamples: int = 2000,
    seed: int = 0,
) -> tuple[float, float]:
    """Percentile bootstrap interval of a mean, whole clusters resampled; NaN for no values."""
    if not np.size(values):
        return math.nan, math.nan
    means = bootstrap_means(values, clusters=clusters, resamples=resamples, seed=seed)
    return interval(means[:, 0])


def mean(
    values: npt.ArrayLike,
    *,
    clusters: npt.ArrayLike | None = None,
    resamples: int = 2000,
    seed: int = 0,
) -> Estimate:
    """A mean with its cluster bootstrap interval; NaN values are left out."""
    table = np.asarray(values, dtype=float)
    known = ~np.isnan(table)
    names = (np.arange(len(table)) if clusters is None else np.asarray(clusters))[known]
    if not known.any():
        return NOTHING
    value = float(table[known].mean())
    n = len(pd.unique(names))
    if n == 1:  # one unit says nothing about the next
        return Estimate(value, math.nan, math.nan, 1)
    low, high = bootstrap_interval(table[known], clusters=names, resamples=resamples, seed=seed)
    # Few resamples of a very skewed sample can miss the mean itself.
    return Estimate(value, min(low, value), max(high, value), n)


def rate(
    facts: npt.ArrayLike,
    *,
    clusters: npt.ArrayLike | None = None,
    resamples: int = 2000,
    seed: int = 0,
) -> Estimate:
    """The share of ones among 0/1 facts, in [0, 1], with its interval.

    The interval is the cluster bootstrap's, except where all facts agree: then every resample is
    the same and its width of zero would claim certainty, so Wilson's is given instead, with the
    clusters as trials.
    """
    found = mean(facts, clusters=clusters, resamples=resamples, seed=seed)
    if found.n and found.value in (0.0, 1.0):
        return wilson(round(found.value * found.n), found.n)
    return found


def spearman(x: npt.ArrayLike, y: npt.ArrayLike, axis: int = -1) -> Any:
    """Spearman's rho along the axis (mid-ranks for ties), NaN where a side is constant."""
    a, b = (stats.rankdata(np.asarray(side), axis=axis) for side in (x, y))
    a, b = (side - side.mean(axis=axis, keepdims=True) for side in (a, b))
    norm = np.sqrt((a**2).sum(axis=axis) * (b**2).sum(axis=axis))
    product = (a * b).sum(axis=axis)
    return np.where(norm > 0, product / np.where(norm > 0, norm, 1), np.nan)


def detectable_rho(n: int, *, power: float = 0.8, alpha: float = 0.05) -> float:
    """The smallest absolute correlation that n models show at this power (Fisher 1915).

    By z = atanh(r) with variance 1 / (n - 3), two-sided, p < alpha before any correction; slightly
    too hopeful for ranks. In [0, 1]; NaN for n < 4, and where even a perfect order of n models,
    one of n! and its reverse, has no p below alpha. For .3, .5 and .7 it takes 85, 29 and 13.
    """
    if n < FEWEST_MODELS or 2 / math.factorial(n) >= alpha:
        return math.nan
    quantiles = float(stats.norm.ppf(1 - alpha / 2) + stats.norm.ppf(power))
    return math.tanh(quantiles / math.sqrt(n - 3))


def median(values: npt.ArrayLike, *, resamples: int = 2000, seed: int = 0) -> Estimate:
    """The median with its percentile bootstrap interval; inf is a value, NaN is left out.

    Ends of the interval are medians that some resample had, so they may be inf, too.
    """
    table = np.asarray(values, dtype=float)
    table = table[~np.isnan(table)]
    if not table.size:
        return NOTHING
    value = float(np.median(table))
    if table.size == 1:
        return Estimate(value, math.nan, math.nan, 1)
    draws = np.random.default_rng(seed).integers(0, table.size, size=(resamples, table.size))
    tail = (1 - LEVEL) / 2
    samples = np.median(table[draws], axis=1)
    # interpolating between a number and inf gives neither
    low, high = np.quantile(samples, [tail, 1 - tail], method="inverted_cdf")
    return Estimate(value, min(float(low), value), max(float(high), value), int(table.size))
