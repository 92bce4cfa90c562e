"""Rank association over models, raw or given covariates, at the n of a zoo of networks.

Ranks of x and y are each regressed on the covariates' ranks and the residuals are correlated:
Spearman's rho, or its partial version. The p-value permutes residuals (Freedman & Lane 1983). Ranks
measure a covariate with error, so a cause common to x and y is not wholly taken out: in null worlds
p of ranks fell below .05 in 10 % to 40 %. Given covariates, p is therefore the larger of the one of
ranks and the one of the values themselves, which stays at or below 5 %. Bootstrap intervals of a
dozen models are too narrow, so the interval given is the hull of BCa's (Efron 1987) and of Fisher's
z with Bonett & Wright's (2000) variance.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import permutations

import numpy as np
import pandas as pd
import statsmodels.api as sm
from scipy import stats

from analysis.stats import FEWEST_MODELS, LEVEL, Floats, detectable_rho, interval
from analysis.verdict import Effect, missing

_PERMUTATIONS = 4999
_EXACT = 7  # models up to which all orders are gone through
_ZERO = 1e-9  # residuals of ranks this short are rounding


@dataclass(frozen=True)
class Correlation:
    """``associate`` of two columns of the model table, as figures and summaries quote it.

    Attributes:
        x, y: the columns.
        rho: in [-1, 1]; NaN when it cannot be computed, and then ``reason`` says why.
        low, high: 95 % interval over models, of these models only (see ``analysis.stats``).
        p: two-sided permutation p-value.
        n: models used.
        without_family: rho with each family left out, where four models or more remain.
        reason: one phrase, empty when rho is a number.
    """

    x: str
    y: str
    rho: float
    low: float
    high: float
    p: float
    n: int
    without_family: Mapping[str, float] = field(default_factory=dict)
    reason: str = ""


def partial_spearman(x: Floats, y: Floats, *covariates: Floats) -> Floats:
    """Spearman's rho of x and y given the covariates, along the last axis; NaN if undefined."""
    shape = np.broadcast_shapes(x.shape, y.shape)
    ranked = [stats.rankdata(np.broadcast_to(v, shape), axis=-1) for v in (x, y, *covariates)]
    a, b, *given = (side - side.mean(axis=-1, keepdims=True) for side in ranked)
    if given:
        design = np.stack(given, axis=-1)
        a, b = (_residuals(side, design) for side in (a, b))
    norm = np.sqrt((a**2).sum(axis=-1) * (b**2).sum(axis=-1))
    known = norm > _ZERO
    rho: Floats = np.where(known, (a * b).sum(axis=-1) / np.where(known, norm, 1), np.nan)
    return rho


def _residuals(side: Floats, design: Floats) -> Floats:
    left: Floats = side - (design @ (np.linalg.pinv(design) @ side[..., None]))[..., 0]
    return left


def associate(
    models: pd.DataFrame, x: str, y: str, *, given: Sequence[str] = (), resamples: int = 2000,
    seed: int = 0,
) -> Effect:  # fmt: skip
    """Spearman's rho between two columns over these models, given others.

    The note has Kendall's tau and rho without each family.

    Args:
        models: lines of the model table, already those the question is about.
        x, y: columns.
        given: columns held fixed; one that is constant here is dropped.
        resamples: of the bootstrap.
        seed: of the bootstrap and the permutations.
    """
    absent = [name for name in (x, y, *given) if name not in models]
    if absent:
        return missing(f"no column {', '.join(absent)}")
    used = models.dropna(subset=[x, y, *given])
    fixed = [name for name in given if used[name].nunique() > 1]
    n, free = len(used), len(used) - len(fixed)
    if free < FEWEST_MODELS:
        needed = FEWEST_MODELS + len(fixed)
        return missing(f"{n} of the {needed} models needed have all numbers", n)
    columns = [used[name].to_numpy(float) for name in (x, y, *fixed)]
    rho = float(partial_spearman(*columns))
    if math.isnan(rho):
        return missing(f"{x} or {y} does not vary over {n} models beyond what is held fixed", n)
    z_low, z_high = fisher_interval(rho, free)
    b_low, b_high = bca_interval(columns, resamples=resamples, seed=seed)
    return Effect(
        rho, min(z_low, b_low, rho), max(z_high, b_high, rho), permutation_p(columns, seed=seed),
        n, detectable_rho(free), _note(used, x, y, fixed),
    )  # fmt: skip


def correlate(
    table: pd.DataFrame, x: str, y: str, *, resamples: int = 2000, seed: int = 0
) -> Correlation:
    """Spearman's rho between two columns of the model table, over models other than the source.

    The source attacks itself, white box, so it is always left out; so are models without x or y.
    Models are not independent within a family: read the interval as a description of these
    models, and ``without_family`` beside it.
    """
    others = table[~table["is_source"].astype(bool)]
    found = associate(others, x, y, resamples=resamples, seed=seed)
    left = {} if found.reason else without_families(others.dropna(subset=[x, y]), x, y)
    return Correlation(
        x, y, found.value, found.low, found.high, found.p, found.n, left, found.reason
    )


def fisher_interval(rho: float, n: int) -> tuple[float, float]:
    """Bonett & Wright's interval of a rank correlation; n is less the number of covariates."""
    if n < FEWEST_MODELS:
        return -1.0, 1.0
    centre = math.atanh(max(min(rho, 1 - 1e-12), -1 + 1e-12))
    half = float(stats.norm.ppf((1 + LEVEL) / 2)) * math.sqrt((1 + rho**2 / 2) / (n - 3))
    return math.tanh(centre - half), math.tanh(centre + half)


def bca_interval(
    columns: Sequence[Floats], *, resamples: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """BCa bootstrap interval over models; the percentile one where BCa is undefined.

    A resample with a constant side says nothing of order and counts as 0.
    """

    def statistic(*sides: Floats) -> Floats:
        return np.nan_to_num(partial_spearman(*sides))

    n = len(columns[0])
    draws = np.random.default_rng(seed).integers(0, n, (resamples, n))
    kept = ~np.eye(n, dtype=bool)
    return bca_ends(
        float(statistic(*columns)),
        statistic(*(side[draws] for side in columns)),
        statistic(*(np.stack([side[row] for row in kept]) for side in columns)),
    )


def bca_ends(value: float, drawn: Floats, left: Floats) -> tuple[float, float]:
    """Efron's (1987) BCa ends from a statistic, its resamples and its jackknife.

    The percentile interval where BCa is undefined.
    """
    with np.errstate(all="ignore"):
        off = left.mean() - left
        skew = (off**3).sum() / (6 * ((off**2).sum()) ** 1.5)
        shift = stats.norm.ppf(((drawn < value).mean() + (drawn <= value).mean()) / 2)
        normal = shift + stats.norm.ppf([(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        tails = stats.norm.cdf(shift + normal / (1 - skew * normal))
    if not np.isfinite(tails).all():
        return interval(drawn)
    low, high = np.quantile(drawn, tails)
    return float(low), float(high)


def permutation_p(columns: Sequence[Floats], *, seed: int = 0) -> float:
    """Two-sided p of no association, over all orders up to seven models, random ones beyond.

    Given covariates it is the larger one of two permutations of residuals, of ranks and of values
    (see the module); without any, of ranks.
    """
    ranked = [stats.rankdata(side) for side in columns]
    if len(columns) == 2:
        return _permuted(ranked, seed=seed)
    return max(_permuted(ranked, seed=seed), _permuted(columns, seed=seed))


def _partial_pearson(columns: Sequence[Floats]) -> float:
    """Pearson's r of the first two columns' values given the others, at least one."""
    a, b, *given = (side - side.mean() for side in columns)
    design = np.stack(given, axis=-1)
    return float(stats.pearsonr(_residuals(a, design), _residuals(b, design)).statistic)


def _permuted(columns: Sequence[Floats], *, seed: int) -> float:
    sides = [side - side.mean() for side in columns]
    # one scale, so that rounding is told from residuals whatever the unit
    a, b, *given = (side / (side.std() or 1.0) for side in sides)
    design = np.stack(given, axis=-1) if given else np.zeros((len(a), 0))
    if given:
        a, b = _residuals(a, design), _residuals(b, design)
    exact = len(b) <= _EXACT
    shuffled = (
        b[np.array(list(permutations(range(len(b)))))] if exact
        else np.random.default_rng(seed).permuted(np.tile(b, (_PERMUTATIONS, 1)), axis=1)
    )  # fmt: skip
    if given:
        shuffled = _residuals(shuffled, design)
    seen = abs(a @ b) / np.linalg.norm(b)
    lengths = np.linalg.norm(shuffled, axis=1)
    null = np.abs(shuffled @ a) / np.where(lengths > _ZERO, lengths, np.inf)
    # ties with what was seen count as extreme, rounding apart; absolute, for what was seen may be 0
    extreme = null >= seen - 1e-9 * np.linalg.norm(a)
    return float(extreme.mean() if exact else (1 + extreme.sum()) / (1 + _PERMUTATIONS))


def family_slopes(models: pd.DataFrame, x: str, y: str) -> tuple[float, float]:
    """Slope of y on x within families, and between their means; NaN where there is none.

    Two different slopes mean that the zoo's relation is about families, not about networks.
    """
    used = models.dropna(subset=[x, y])
    centre = used.groupby("family")[x].transform("mean")
    parts = pd.DataFrame({"y": used[y], "within": used[x] - centre, "between": centre})
    varies = [name for name in ("within", "between") if parts[name].std() > _ZERO]
    if not varies or len(parts) < len(varies) + 1:
        return math.nan, math.nan
    found = sm.OLS(parts["y"], sm.add_constant(parts[varies])).fit().params
    return float(found.get("within", math.nan)), float(found.get("between", math.nan))


def without_families(used: pd.DataFrame, x: str, y: str, *fixed: str) -> dict[str, float]:
    """Spearman's rho with each family left out, given columns; only where enough is left."""
    rest = {str(family): used[used["family"] != family] for family in used["family"].unique()}
    return {
        family: float(partial_spearman(*(part[c].to_numpy(float) for c in (x, y, *fixed))))
        for family, part in sorted(rest.items())
        if len(part) - len(fixed) >= FEWEST_MODELS
    }


def _note(used: pd.DataFrame, x: str, y: str, fixed: Sequence[str]) -> str:
    raw = "raw " if fixed else ""  # what no covariate was taken out of
    columns = [used[name].to_numpy(float) for name in (x, y, *fixed)]
    parts = (
        [f"of values {_partial_pearson(columns):+.2f}, p is the larger of the two"] if fixed else []
    )
    parts += [f"{raw}Kendall's tau {stats.kendalltau(used[x], used[y]).statistic:+.2f}"]
    left = without_families(used, x, y, *fixed)
    parts += [f"without {family} {rho:+.2f}" for family, rho in left.items()]
    slopes = zip(("within", "between"), family_slopes(used, x, y), strict=True)
    known = [f"{name} families {slope:+.2f}" for name, slope in slopes if not math.isnan(slope)]
    parts += [f"{raw}slope {', '.join(known)}"] if known else []
    return "; ".join(parts)
