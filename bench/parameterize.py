"""What is optimised in a picture's place: its pixels, or its Fourier coefficients.

Mordvintsev et al. 2018, "Differentiable image parameterizations". Each parameterisation is an
invertible linear map between real parameters and pixels, so optimisation can start at any picture.
Lucid ends in a sigmoid; there is none here, since pictures hold values of exactly 0 and 1, which a
sigmoid never reaches, and since without it only the metric of the search differs from pixels.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import torch
from jaxtyping import Float
from torch import Tensor

GREY = 0.5
# Lucid's square root of ImageNet's colour covariance: about brightness, orange-blue, green-magenta
_COLOURS = ((0.26, 0.09, 0.02), (0.27, 0.00, -0.05), (0.27, -0.09, 0.03))


class Parameterization(Protocol):
    """A pair of inverse maps between parameters and pictures."""

    def encode(self, images: Float[Tensor, "b 3 h w"]) -> Tensor:
        """The real parameters of pictures."""
        ...

    def decode(self, parameters: Tensor) -> Float[Tensor, "b 3 h w"]:
        """The pictures of real parameters; differentiable."""
        ...


@dataclass(frozen=True)
class Pixel:
    """The pixels themselves."""

    def encode(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
        """The pictures."""
        return images

    def decode(self, parameters: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
        """The parameters."""
        return parameters


@dataclass(frozen=True)
class Fourier:
    """Fourier coefficients over their expected size in natural pictures, 1 / frequency.

    A step of equal length in every parameter moves a low frequency further than a high one. The
    scale's root mean square over the spectrum is 1: parameters of white noise of variance v are
    pixels of variance v, so a learning rate means the same as in pixels. All parameters at 0 are
    a grey picture.

    Attributes:
        height, width: of the pictures, pixels.
        decorrelated: whether the three channels are uncorrelated combinations of the colours.
    """

    height: int
    width: int
    decorrelated: bool = False

    def encode(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h f 2"]:
        """Real and imaginary parts for f = w // 2 + 1 frequencies across."""
        channels = images - GREY
        if self.decorrelated:
            channels = _mix(channels, colour_matrix().inverse())
        scale = frequency_scale(self.height, self.width).to(images)
        spectrum: Tensor = torch.fft.rfft2(channels, norm="ortho") / scale
        return torch.view_as_real(spectrum)

    def decode(self, parameters: Float[Tensor, "b 3 h f 2"]) -> Float[Tensor, "b 3 h w"]:
        """Pixels around [0,1], unbounded."""
        scale = frequency_scale(self.height, self.width).to(parameters)
        spectrum = torch.view_as_complex(parameters) * scale
        channels = torch.fft.irfft2(spectrum, s=(self.height, self.width), norm="ortho")
        if self.decorrelated:
            channels = _mix(channels, colour_matrix())
        images: Tensor = channels + GREY
        return images


def parameterization(kind: str, height: int, width: int) -> Parameterization:
    """The parameterisation of this name: ``pixel``, ``fourier`` or ``fourier-decorrelated``.

    Raises:
        ValueError: another name.
    """
    kinds: dict[str, Parameterization] = {
        "pixel": Pixel(),
        "fourier": Fourier(height, width),
        "fourier-decorrelated": Fourier(height, width, decorrelated=True),
    }
    if kind not in kinds:
        raise ValueError(f"no parameterisation {kind}: choose one of {', '.join(kinds)}")
    return kinds[kind]


@lru_cache(maxsize=16)
def frequency_scale(height: int, width: int) -> Float[Tensor, "h f"]:
    """1 / max(f, 1 / longer side), f in cycles per pixel, with a root mean square of 1 (float64).

    The mean is over the whole spectrum, where all but the first and last column stand for two.
    """
    down = torch.fft.fftfreq(height, dtype=torch.float64)
    across = torch.fft.fftfreq(width, dtype=torch.float64)
    full = 1 / torch.hypot(down[:, None], across).clamp(min=1 / max(height, width))
    scale: Tensor = full / full.square().mean().sqrt()
    return scale[:, : width // 2 + 1]


@lru_cache(maxsize=1)
def colour_matrix() -> Float[Tensor, "3 3"]:
    """Decorrelated channels to RGB; its longest column has length 1 (float64)."""
    columns = torch.tensor(_COLOURS, dtype=torch.float64)
    matrix: Tensor = columns / columns.norm(dim=0).max()
    return matrix


def _mix(channels: Float[Tensor, "b 3 h w"], matrix: Float[Tensor, "3 3"]) -> Tensor:
    mixed: Tensor = torch.einsum("rc,bchw->brhw", matrix.to(channels), channels)
    return mixed
