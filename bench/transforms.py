"""Random views of a picture: a network must like it from any position (Olah et al. 2017)."""

from math import ceil, cos, radians, sin

import torch
from jaxtyping import Float
from torch import Tensor
from torchvision.transforms import v2

# lucid's standard transforms: two crops of jitter 8 and 4, ten degrees, ten percent
JITTER, DEGREES, ZOOM = 6, 10.0, 0.1


def random_view(images: Float[Tensor, "b 3 h w"], *, seed: int) -> Float[Tensor, "b 3 h w"]:
    """The pictures shifted, turned and scaled at random, all alike; differentiable.

    Up to 6 pixels, 10 degrees and 10 percent either way, one bilinear resampling. The picture is
    first continued by reflection, so that no made-up colour comes into view.

    Args:
        images: sides of 16 pixels or more, in any range.
        seed: of the one view; the global generator is left alone.
    """
    height, width = images.shape[-2:]
    margins = _margin(width, height), _margin(height, width)
    shift = JITTER / (width + 2 * margins[0]), JITTER / (height + 2 * margins[1])
    view = v2.Compose(
        [
            v2.Pad(margins, padding_mode="reflect"),
            v2.RandomAffine(
                DEGREES, translate=shift, scale=(1 - ZOOM, 1 + ZOOM), fill=None,
                interpolation=v2.InterpolationMode.BILINEAR,
            ),
            v2.CenterCrop((height, width)),
        ]
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        seen: Tensor = view(images)
    return seen


def _margin(side: int, other: int) -> int:
    """How far beyond this side the most turned, shrunk and shifted view reaches, in pixels."""
    angle = radians(DEGREES)
    reach = (side * cos(angle) + other * sin(angle) + 2 * JITTER) / (1 - ZOOM)
    return ceil((reach - side) / 2) + 1
