"""How near two textures are without any network: the sliced Wasserstein distance of patches."""

from collections.abc import Iterator
from functools import lru_cache

import torch
from jaxtyping import Float
from skimage.transform import pyramid_laplacian
from torch import Tensor
from torch.nn.functional import conv2d

from bench.spectrum import check_pictures

SMALLEST_SIDE = 28  # a patch at the coarsest of the scales
_PATCH, _DIRECTIONS, _SCALES, _QUANTILES = 7, 64, 3, 1024
_AT_ONCE = 16  # directions, which bounds the memory that sorting takes
_NO_TEXTURE = 1e-12  # energy of float32 rounding


def texture_distance(
    a: Float[Tensor, "b 3 h1 w1"], b: Float[Tensor, "b 3 h2 w2"]
) -> Float[Tensor, " b"]:
    """Mean over three octaves of SW(a, b) / E(b): 0 for equal textures, 1 for a flat picture a.

    SW is the squared 2-Wasserstein distance of two sets of 7x7 colour patches, mean over 64 fixed
    random directions (Rabin et al. 2011), each by 1024 quantiles. The patches are of the bands of a
    Laplacian pyramid (Karras et al. 2018, whose bands have equal contrast by normalisation; these
    keep theirs), so mean colours do not count. E(b) is the mean square along the same directions:
    the distance of a picture without texture. Where the patches are is ignored, so the sizes may
    differ. On the CPU in float32. NaN where b has no texture, or either holds NaN or infinity.

    Raises:
        ValueError: shapes other than "b 3 h w", unequal batches, or a side under 28 pixels.
    """
    for images in (a, b):
        check_pictures(images)
        if min(images.shape[2:]) < SMALLEST_SIDE:
            raise ValueError(
                f"Textures need sides of {SMALLEST_SIDE} or more, got "
                f"{images.shape[2]}x{images.shape[3]}."
            )
    if len(a) != len(b):
        raise ValueError(f"Pictures are compared pairwise, got batches of {len(a)} and {len(b)}.")
    return torch.tensor([_distance(x, y) for x, y in zip(a, b, strict=True)], dtype=torch.float64)


def _distance(a: Float[Tensor, "3 h1 w1"], b: Float[Tensor, "3 h2 w2"]) -> float:
    if not (a.isfinite().all() and b.isfinite().all()):
        return float("nan")
    terms = []
    for found, wanted in zip(_quantiles(a), _quantiles(b), strict=True):
        energy = float(wanted.square().mean())
        if energy < _NO_TEXTURE:
            return float("nan")
        terms.append(float((found - wanted).square().mean()) / energy)
    return sum(terms) / len(terms)


def _quantiles(image: Float[Tensor, "3 h w"]) -> Iterator[Float[Tensor, "d q"]]:
    """What the patches of each band look like along each direction, in order."""
    pixels = image.detach().to("cpu", torch.float64).permute(1, 2, 0).numpy()
    for band in pyramid_laplacian(pixels, max_layer=_SCALES - 1, channel_axis=2):
        channels = torch.from_numpy(band).permute(2, 0, 1)[None].float()
        some = torch.split(_directions(), _AT_ONCE)
        yield torch.cat([_at_quantiles(conv2d(channels, part)[0].flatten(1)) for part in some])


def _at_quantiles(values: Float[Tensor, "d n"]) -> Float[Tensor, "d q"]:
    places = (torch.arange(_QUANTILES) + 0.5) / _QUANTILES * values.shape[1]
    return values.sort(dim=1).values[:, places.long()]


@lru_cache(maxsize=1)
def _directions() -> Float[Tensor, "d 3 k k"]:
    """Unit vectors in the space of patches, the same ones for all pictures."""
    generator = torch.Generator().manual_seed(0)
    drawn = torch.randn(_DIRECTIONS, 3, _PATCH, _PATCH, generator=generator)
    units: Tensor = drawn / drawn.flatten(1).norm(dim=1)[:, None, None, None]
    return units
