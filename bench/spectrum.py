"""Spectral scores of pictures: stride-locked peaks, high frequencies, slope, total variation.

A layer of stride s writes its backward pass on a lattice of period s (Odena et al. 2016), which
leaves lines in the power spectrum at 1/2, 1/4, 1/8 ... cycles per pixel. Everything is computed on
the CPU in float64, whatever the device and the dtype of the pictures.
"""

from functools import lru_cache
from math import hypot

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

PERIODS = (2, 4, 8, 16)
SMALLEST_SIDE = 32
# Added to both sides of a ratio: no power at all scores 0 dB, a noiseless line stays finite. Far
# under the rounding noise of float32 (3e-16) and of 8 bits (1.3e-6), it changes no real score.
POWER_FLOOR = 1e-20
_REC601 = (0.299, 0.587, 0.114)
_RING = (3, 8)
_CLEAR_OF_DC = 3


def check_pictures(images: Tensor) -> None:
    """Raise ValueError unless given a floating-point "b 3 h w" that is not empty."""
    right_shape = images.ndim == 4 and images.shape[1] == 3 and images.numel() > 0
    if not (right_shape and images.is_floating_point()):
        raise ValueError(
            f"Expected floating-point pictures of shape (b, 3, h, w) in [0, 1], "
            f"got {images.dtype} {tuple(images.shape)}."
        )


def luma(images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b h w"]:
    """Rec. 601 luma, .299 R + .587 G + .114 B of the gamma-encoded values; float64, on the CPU.

    A pattern of pure colour, equal in luma, is invisible in it.

    Raises:
        ValueError: as `check_pictures`.
    """
    check_pictures(images)
    pixels = images.detach().to("cpu", torch.float64)
    return torch.einsum("bchw,c->bhw", pixels, torch.tensor(_REC601, dtype=torch.float64))


def power_spectrum(images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b h w"]:
    """Power density |FFT(window * (luma - mean))|^2 / sum(window^2), zero frequency at index 0, 0.

    The window is the periodic Hann window of each side: a line on an exact bin stays within the
    3x3 bins around it. White noise of variance v has an expected density of v at every bin.
    A picture with NaN or infinity in it gives NaN throughout, and leaves its neighbours alone.

    Raises:
        ValueError: as `check_pictures`, or a side under 32 pixels.
    """
    grey = luma(images)
    height, width = grey.shape[1:]
    if min(height, width) < SMALLEST_SIDE:
        raise ValueError(
            f"A spectrum needs sides of {SMALLEST_SIDE} or more, got {height}x{width}."
        )
    grey = grey - grey.mean(dim=(1, 2), keepdim=True)
    window = torch.outer(*(torch.hann_window(n, dtype=torch.float64) for n in (height, width)))
    power: Tensor = torch.fft.fft2(grey * window).abs().square() / window.square().sum()
    return power


def radial_power(images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b k"]:
    """Azimuthally averaged power density in dB, one value per integer frequency 0 .. n // 2.

    n is the short side, k the frequency in cycles per short side (k / n cycles per pixel). Bin k
    averages P over the frequencies that round to k about the FFT's own zero (Durall et al. 2020
    centre at (n - 1) / 2, half a bin off). Corners beyond n // 2 are left out; no power: -200 dB.

    Raises:
        ValueError: as `power_spectrum`.
    """
    return 10 * (_radial_mean(power_spectrum(images)) + POWER_FLOOR).log10()


def stride_peak(
    power: Float[Tensor, "b h w"], *, period: int, diagonal: bool = False
) -> Float[Tensor, " b"]:
    """K(p) in dB: mean power of the 3x3 bins around a line over the mean of the ring around it.

    The lines are (h / p, 0) and (0, w / p), pooled; each axis uses its own side, indices wrap. The
    ring holds the bins 3 .. 8 away, cut to stay 3 bins from zero frequency; NaN where it has no
    room, on sides under 5.5 p. White noise scores 0 +- 2 dB a picture (3 dB at p = 2), photographs
    -8 .. 6 at 128 pixels (upright edges lift them), a picture without power exactly 0.

    A lattice of period p, a stride's footprint, has lines at p and at the divisors of p. Unseen:
    the checkerboard (-1)^(x + y), whose line is at the `diagonal` (h / p, +-w / p), and patterns
    whose sign changes along the picture, such as JPEG's blocks. On sides under 160 the outer ring
    touches the lines of period 16, which then lower the others.

    Raises:
        ValueError: a period under 2 pixels, which no sampled picture can hold.
    """
    if period < 2:
        raise ValueError(f"A period is at least 2 pixels, got {period}.")
    masks = _peak_masks(power.shape[1], power.shape[2], period, diagonal)
    if masks is None:
        return power.new_full((power.shape[0],), torch.nan)
    line, ring = (power.flatten(1)[:, mask].mean(dim=1) + POWER_FLOOR for mask in masks)
    return 10 * (line / ring).log10()


def total_variation(images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, " b"]:
    """mean |dx| + mean |dy| over pixels and colours, in units of the pixels ([0, 1]); float64."""
    pixels = images.detach().to("cpu", torch.float64)
    down, across = (pixels.diff(dim=axis).abs().mean(dim=(1, 2, 3)) for axis in (2, 3))
    return down + across


def artifact_scores(images: Float[Tensor, "b 3 h w"]) -> dict[str, Float[Tensor, " b"]]:
    """Spectral scores of every picture of a batch; float64, on the CPU.

    Keys: ``peak_2``, ``peak_4``, ``peak_8``, ``peak_16`` (`stride_peak`, dB; compare with those of
    the style and content pictures); ``board_2`` .. ``board_16``, the same on the diagonals, where a
    checkerboard of one-pixel squares has its only line; ``high_frequency_share`` (power above 1/4
    cycle per pixel over all power without zero frequency, 0 .. 1; .804 for white noise);
    ``spectral_slope`` (least squares of log A on log k, k in 2 .. n // 4, A the azimuthal mean: 0
    for white noise, -2 for natural pictures, Field 1987); ``total_variation`` ([0, 1] units).

    The pixels are in [0, 1], on any device, not necessarily square. A constant picture scores 0
    throughout, but NaN where a peak's ring has no room. NaN or infinity in a picture gives NaN.

    Raises:
        ValueError: as `power_spectrum`.
    """
    power = power_spectrum(images)
    peaks = {f"peak_{period}": stride_peak(power, period=period) for period in PERIODS}
    boards = {
        f"board_{period}": stride_peak(power, period=period, diagonal=True) for period in PERIODS
    }
    return {
        **peaks,
        **boards,
        "high_frequency_share": _high_frequency_share(power),
        "spectral_slope": _slope(power),
        "total_variation": total_variation(images),
    }


def _high_frequency_share(power: Float[Tensor, "b h w"]) -> Float[Tensor, " b"]:
    radius = frequency(power.shape[1], power.shape[2])
    high = (power * (radius > 0.25)).sum(dim=(1, 2))
    return high / ((power * (radius > 0)).sum(dim=(1, 2)) + POWER_FLOOR)


def _slope(power: Float[Tensor, "b h w"]) -> Float[Tensor, " b"]:
    last = min(power.shape[1:]) // 4
    level = (_radial_mean(power)[:, 2 : last + 1] + POWER_FLOOR).log()
    k = torch.arange(2, last + 1, dtype=torch.float64).log()
    k = k - k.mean()
    return level @ k / k.square().sum()


def _radial_mean(power: Float[Tensor, "b h w"]) -> Float[Tensor, "b k"]:
    bins, count = _radial_bins(power.shape[1], power.shape[2])
    total = power.new_zeros(power.shape[0], len(count)).index_add_(1, bins, power.flatten(1))
    return (total / count)[:, :-1]


@lru_cache(maxsize=16)
def frequency(height: int, width: int) -> Float[Tensor, "h w"]:
    """Distance from zero frequency in cycles per pixel."""
    down, across = (torch.fft.fftfreq(side, dtype=torch.float64) for side in (height, width))
    return torch.hypot(down[:, None], across[None, :])


@lru_cache(maxsize=16)
def _radial_bins(height: int, width: int) -> tuple[Int[Tensor, " hw"], Float[Tensor, " k"]]:
    """The bin of every frequency, and the size of every bin; the last bin collects the corners."""
    short = min(height, width)
    bins = (frequency(height, width) * short).round().long().clamp(max=short // 2 + 1).flatten()
    return bins, torch.bincount(bins, minlength=short // 2 + 2).to(torch.float64)


@lru_cache(maxsize=64)
def _peak_masks(
    height: int, width: int, period: int, diagonal: bool
) -> tuple[Bool[Tensor, " hw"], Bool[Tensor, " hw"]] | None:
    """The bins of the two lines and of the two rings, or None where a ring has no room."""
    down, across = (int(side / period + 0.5) for side in (height, width))
    centres = [(down, across), (down, -across)] if diagonal else [(down, 0), (0, across)]
    outer = min(_RING[1], min(hypot(*centre) for centre in centres) - _CLEAR_OF_DC)
    if outer < _RING[0]:
        return None
    line = ring = torch.zeros(height, width, dtype=torch.bool)
    for centre in centres:
        y = _bins_away(height, centre[0])[:, None]
        x = _bins_away(width, centre[1])[None, :]
        distance = torch.hypot(y.double(), x.double())
        line = line | (torch.maximum(y, x) <= 1)
        ring = ring | ((distance >= _RING[0]) & (distance <= outer))
    return line.flatten(), ring.flatten()


def _bins_away(side: int, centre: int) -> Int[Tensor, " side"]:
    """How many bins every index lies from a centre, the short way round."""
    away = (torch.arange(side) - centre) % side
    return torch.minimum(away, side - away)
