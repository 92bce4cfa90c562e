"""An effect, what would matter, and the verdict: the only place where numbers become words.

With d = +1 or -1 for a claimed direction, m > 0 for the smallest effect that matters and e = d x
effect:

    supported     the interval of e lies above 0, the estimate reaches m, and Holm's p < .05
    contradicted  the whole interval of e lies below m: if there is an effect, it is too small
    undecided     anything else: this n cannot tell, perhaps not even estimate

Where the claim is that nothing happens (d = 0) the interval has to lie within (-m, m), as in
equivalence testing (Schuirmann 1987); it is contradicted by an estimate beyond m whose Holm p is
below .05; its p is of an effect, so Holm's correction is of contradictions only. So a claim is
wrongly supported, or wrongly contradicted where the effect is exactly m, in at most 2.5 % of runs,
as far as the intervals keep their level.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from statsmodels.stats.multitest import multipletests

ALPHA = 0.05
SUPPORTED, CONTRADICTED = "supported", "contradicted"
UNDECIDED, NOT_MEASURED = "undecided at this n", "not measured"


@dataclass(frozen=True)
class Effect:
    """An estimated effect; NaN with a ``reason`` where it cannot be estimated.

    Attributes:
        value: in the unit of the hypothesis.
        low, high: 95 % interval, low <= value <= high.
        p: two-sided, of no effect.
        n: independent units behind it.
        detectable: the smallest effect with p < .05, before Holm's correction, in 80 % of runs of
            this n and scatter; a verdict of supported asks more. NaN where no p is that small.
        note: what a careful reader asks next (another coefficient, without one family, ...).
        reason: one phrase, empty when value is a number.
    """

    value: float
    low: float
    high: float
    p: float
    n: int
    detectable: float = math.nan
    note: str = ""
    reason: str = ""


def missing(reason: str, n: int = 0) -> Effect:
    """No effect, and why."""
    return Effect(math.nan, math.nan, math.nan, math.nan, n, reason=reason)


def decide(effect: Effect, p_holm: float, *, direction: int, matters: float) -> str:
    """The verdict on a claim; see the module.

    Args:
        effect: the estimate.
        p_holm: its p after Holm's correction.
        direction: +1, -1, or 0 for a claim of no effect that matters.
        matters: the smallest effect that matters, > 0.

    Raises:
        ValueError: another direction, or nothing matters.
    """
    if direction not in (-1, 0, 1) or not matters > 0:
        raise ValueError(f"direction {direction} is not -1, 0 or 1, or {matters} is not above 0")
    if not all(map(math.isfinite, (effect.value, effect.low, effect.high))):
        return UNDECIDED if effect.n else NOT_MEASURED
    clear = p_holm < ALPHA and (effect.low > 0 or effect.high < 0)
    if direction == 0:
        if -matters < effect.low and effect.high < matters:
            return SUPPORTED
        return CONTRADICTED if clear and abs(effect.value) >= matters else UNDECIDED
    value, best = direction * effect.value, max(direction * effect.low, direction * effect.high)
    if clear and value >= matters:
        return SUPPORTED
    return CONTRADICTED if best < matters else UNDECIDED


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down correction (Holm 1979) over the tests that were made; NaN stays NaN."""
    given = np.asarray(p_values, dtype=float)
    made = np.isfinite(given)
    corrected = np.full(given.shape, math.nan)
    if made.any():
        corrected[made] = multipletests(given[made], alpha=ALPHA, method="holm")[1]
    return [float(p) for p in corrected]
