"""Gram matrices and the distances built on them (Gatys et al. 2016)."""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

Activations = Mapping[str, Tensor]


def gram_matrix(features: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c c"]:
    """Channel products averaged over positions: G = F F^T / (h w), F of shape "c hw".

    Gatys et al. 2016, eq. 3, divided by the number of positions so that pictures of different
    sizes compare.
    """
    b, c, h, w = features.shape
    flat = features.reshape(b, c, h * w)
    return flat @ flat.transpose(1, 2) / (h * w)


def grams(activations: Activations) -> dict[str, Tensor]:
    """The Gram matrix of every tap."""
    return {tap: gram_matrix(features) for tap, features in activations.items()}


def style_distance(
    found: Activations, wanted: Activations, weights: Sequence[float] | None = None
) -> Float[Tensor, " b"]:
    """Mean over taps of ||G - S||_F^2 / ||S||_F^2, for dictionaries of Gram matrices.

    Dividing by the style's own energy makes networks and layers comparable: 0 is reached, 1 is as
    far as an all-zero Gram matrix.

    Args:
        weights: of the mean, one a tap (w_l of Gatys et al. 2016, eq. 5); None = equal.
    """
    terms = torch.stack([relative_distance(found[tap], wanted[tap]) for tap in wanted])
    if weights is None:
        return terms.mean(0)
    shares = terms.new_tensor(weights)
    return shares @ terms / shares.sum()


def relative_distance(found: Tensor, wanted: Tensor) -> Float[Tensor, " b"]:
    """||found - wanted||^2 / ||wanted||^2 for each row of a batch; ``wanted`` may have batch 1."""
    difference = (found - wanted).flatten(1).square().sum(1)
    return difference / wanted.flatten(1).square().sum(1)
