"""Smoothing of tapped activations before they are compared (Wang, Li & Vasconcelos 2021, SWAG).

It belongs to the comparison and not to the network: later layers go on with the activations as they
are, and the logits do not change. So it is a setting of the style suite and no surgery.

SWAG's released code smooths nothing; it multiplies the last two stages by .001. Between relative
distances that factor cancels, and between raw ones it only weighs layers: .001^4 in the style loss.
``DOWNSCALED`` are those layer weights. The content tap's factor is absorbed by the style weight.
"""

from jaxtyping import Float
from torch import Tensor

SMOOTHINGS = ("none", "softmax", "softmax-channel")
DOWNSCALED = (1e-12, 1e-12)


def smooth(features: Float[Tensor, "b c h w"], kind: str) -> Float[Tensor, "b c h w"]:
    """``none``; ``softmax`` over the whole map, as in the paper; ``softmax-channel`` over each one.

    Multiplied by the number of entries, so that their mean is 1: the paper's values underflow in
    float32 when squared twice, and a relative distance does not see the factor.

    Raises:
        ValueError: another kind.
    """
    if kind not in SMOOTHINGS:
        raise ValueError(f"no smoothing {kind}: choose one of {', '.join(SMOOTHINGS)}")
    if kind == "none":
        return features
    flat = features.flatten(1 if kind == "softmax" else 2)
    return (flat.softmax(dim=-1) * flat.shape[-1]).view_as(features)
