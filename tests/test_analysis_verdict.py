"""The rule that turns an effect into a word, and Holm's correction."""

import math

import pytest

from analysis.verdict import (
    CONTRADICTED,
    NOT_MEASURED,
    SUPPORTED,
    UNDECIDED,
    Effect,
    decide,
    holm,
    missing,
)


@pytest.mark.parametrize(
    ("value", "low", "high", "p", "direction", "verdict"),
    [
        (0.6, 0.2, 0.9, 0.01, +1, SUPPORTED),
        (-0.6, -0.9, -0.2, 0.01, -1, SUPPORTED),
        (0.6, 0.2, 0.9, 0.06, +1, UNDECIDED),  # not after Holm
        (0.4, 0.2, 0.9, 0.01, +1, UNDECIDED),  # real, maybe too small
        (0.2, 0.1, 0.3, 0.01, +1, CONTRADICTED),  # real, surely too small
        (-0.6, -0.9, -0.2, 0.01, +1, CONTRADICTED),
        (0.0, -0.9, 0.9, 0.90, +1, UNDECIDED),
        (0.0, -0.3, 0.3, 0.90, 0, SUPPORTED),
        (0.0, -0.6, 0.3, 0.90, 0, UNDECIDED),
        (0.6, 0.2, 0.9, 0.01, 0, CONTRADICTED),
        (math.nan, math.nan, math.nan, math.nan, 0, UNDECIDED),  # measured, but too few
    ],
)
def test_the_verdict_follows_the_interval(
    value: float, low: float, high: float, p: float, direction: int, verdict: str
) -> None:
    found = decide(Effect(value, low, high, p, 9), p, direction=direction, matters=0.5)
    assert found == verdict


def test_without_units_nothing_was_measured() -> None:
    assert decide(missing("no rows"), math.nan, direction=1, matters=0.5) == NOT_MEASURED


def test_a_claim_needs_a_direction_and_a_size() -> None:
    for direction, matters in ((2, 0.5), (1, 0.0)):
        with pytest.raises(ValueError, match="direction"):
            decide(Effect(1, 1, 1, 0, 9), 0.0, direction=direction, matters=matters)


def test_holm_s_correction() -> None:
    assert holm([0.01, math.nan, 0.04, 0.03])[:1] == pytest.approx([0.03])
    assert math.isnan(holm([0.01, math.nan])[1])
    assert holm([0.01, 0.04, 0.03])[1:] == pytest.approx([0.06, 0.06])
    assert holm([]) == []
