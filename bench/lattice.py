"""Lattices in space: steps between neighbours that come back at a period, blocks of JPEG included.

The spectrum's peak (``bench.spectrum.stride_peak``) needs a pattern of one sign all over the
picture. Blocks whose borders step up here and down there have none; the length of the step does
not mind.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from bench.spectrum import PERIODS, luma

_FLOOR = 1e-9  # a flat picture's steps are even


def lattice_score(images: Float[Tensor, "b 3 h w"], *, period: int) -> Float[Tensor, " b"]:
    """The largest over the mean step, of steps at equal places modulo the period: 1 .. period.

    Steps are |dx| and |dy| of the luma, averaged over all places x (y) with one x (y) modulo the
    period; the two axes' ratios are averaged (after Wang et al. 2002, who compare the steps at
    JPEG's borders with all others). 1 means no lattice; p means that nothing but borders of
    p-pixel blocks changes. The largest of few noisy means leans upwards: compare with the style's
    own. A lattice of period p is also seen at the multiples of p, and at its divisors less. Unseen
    are stripes one pixel wide, whose steps are all equal. Float64, on the CPU; a flat picture
    scores 1, one with NaN or infinity NaN.

    Raises:
        ValueError: shapes other than "b 3 h w", a period under 2, or sides not above the period.
    """
    grey = luma(images)
    if period < 2 or min(grey.shape[1:]) <= period:
        raise ValueError(
            f"A period is at least 2 and under the sides, got {period} in "
            f"{grey.shape[1]}x{grey.shape[2]}."
        )
    return torch.stack([_ratio(grey, axis, period) for axis in (1, 2)]).mean(dim=0)


def lattice_scores(images: Float[Tensor, "b 3 h w"]) -> dict[str, Float[Tensor, " b"]]:
    """``lattice_2`` .. ``lattice_16``; NaN at periods the sides do not exceed."""
    short = min(images.shape[2:])
    return {
        f"lattice_{period}": lattice_score(images, period=period)
        if short > period
        else torch.full((len(images),), torch.nan, dtype=torch.float64)
        for period in PERIODS
    }


def _ratio(grey: Float[Tensor, "b h w"], axis: int, period: int) -> Tensor:
    steps = grey.diff(dim=axis).abs().mean(dim=3 - axis)
    folded = torch.stack([steps[:, place::period].mean(dim=1) for place in range(period)], dim=1)
    ratio: Tensor = (folded.amax(dim=1) + _FLOOR) / (folded.mean(dim=1) + _FLOOR)
    return ratio.clamp(1, period)  # rounding may take equal steps below 1
