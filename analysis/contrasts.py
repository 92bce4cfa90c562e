"""Differences with intervals: twins, and a mediated effect."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
import statsmodels.api as sm
from scipy import stats

from analysis.stats import LEVEL, Floats
from analysis.verdict import Effect, missing

_POWER = 0.8
#: two differences that happen to be alike would make an interval of almost no width
FEWEST_PAIRS = 3


def detectable(error: float, df: float) -> float:
    """The effect with p < .05, before any correction, in 80 %: (t(.975) + t(.8)) errors."""
    return float(error * (stats.t.ppf((1 + LEVEL) / 2, df) + stats.t.ppf(_POWER, df)))


def estimated(value: float, error: float, df: float, n: int, note: str = "") -> Effect:
    """An effect from its standard error and degrees of freedom (Student's t)."""
    if df < 1 or not math.isfinite(error):
        return missing("no unit is left to measure the scatter by", n)
    if error <= 1e-12 * max(1.0, abs(value)):
        return missing("the units do not differ at all, so there is no scatter to test by", n)
    half = error * float(stats.t.ppf((1 + LEVEL) / 2, df))
    p = float(2 * stats.t.sf(abs(value) / error, df))
    return Effect(value, value - half, value + half, p, n, detectable(error, df), note)


def paired(differences: npt.ArrayLike, *, note: str = "") -> Effect:
    """The mean difference of twins (paired t-test); the units are pairs, NaN is left out."""
    known: Floats = np.asarray(differences, dtype=float)
    known = known[np.isfinite(known)]
    n = len(known)
    if n < FEWEST_PAIRS:
        seen = f" ({', '.join(f'{gap:+.2g}' for gap in known)})" if n else ""
        return missing(f"{n} pairs{seen}, {FEWEST_PAIRS} are needed", n)
    above = f"{int((known > 0).sum())} of {n} above 0"
    error = float(known.std(ddof=1) / math.sqrt(n))
    said = f"{above}; {note}" if note else above
    return estimated(float(known.mean()), error, n - 1, n, said)


def mediated(
    nets: pd.DataFrame, cause: str, through: str, y: str, *, given: Sequence[str] = (),
    draws: int = 20_000, seed: int = 0,
) -> Effect:  # fmt: skip
    """The part of a cause's effect on y that passes through a mediator, in units of y.

    a x b, a the cause's effect on the mediator and b the mediator's on y given the cause; interval
    by Monte Carlo over both (Preacher & Selig 2012), p the larger of the two (joint significance,
    MacKinnon et al. 2002). The mediator is not randomised: a common cause of both would do.
    """
    columns = [cause, through, y, *given]
    absent = [name for name in columns if name not in nets]
    if absent:
        return missing(f"no column {', '.join(absent)}")
    used = nets.dropna(subset=columns)
    levels = used[[cause, *given]].astype({cause: float})
    causes = pd.get_dummies(levels, drop_first=True).astype(float)
    causes = causes.loc[:, causes.nunique() > 1]
    n = len(used)
    if n < causes.shape[1] + 4 or cause not in causes or used[through].nunique() < 2:
        return missing(f"{n} nets with both levels of {cause} are too few", n)
    first = sm.OLS(used[through].astype(float), sm.add_constant(causes)).fit()
    both = sm.add_constant(causes.assign(mediator=used[through].astype(float)))
    second = sm.OLS(used[y].astype(float), both).fit()
    a, b = float(first.params[cause]), float(second.params["mediator"])
    rng = np.random.default_rng(seed)
    drawn = (a + first.bse[cause] * rng.standard_t(first.df_resid, draws)) * (
        b + second.bse["mediator"] * rng.standard_t(second.df_resid, draws)
    )
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    p = float(max(first.pvalues[cause], second.pvalues["mediator"]))
    note = (
        f"cause on mediator {a:+.3g}, mediator on effect {b:+.3g}; the mediator was not "
        "randomised, so a common cause of both would look the same"
    )
    value = a * b
    error = float(drawn.std())
    return Effect(value, min(float(low), value), max(float(high), value), p, n,
                  detectable(error, float(second.df_resid)), note)  # fmt: skip
