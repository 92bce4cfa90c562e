"""Smoothing of tapped activations before they are compared (Wang, Li & Vasconcelos 2021, SWAG).

It belongs to the comparison and not to the network: later layers go on with the activations as they
are, and the logits do not change. So it is a setting of the style suite and no surgery.

SWAG's released code smooths nothing; it multiplies the last two stages by .001. Between relative
distances that factor cancels, and between raw ones it only weighs layers: .001^4 in the style loss.
``DOWNSCALED`` are those layer weights. The content tap's factor is absorbed by the style weight.
"""

import torch
from jaxtyping import Float
from torch import Tensor

SMOOTHINGS = ("none", "softmax", "softmax-channel", "softmax-tempered")
DOWNSCALED = (1e-12, 1e-12)
#: a map's largest entry over the temperature of ``softmax-tempered``
RANGE = 3.0


def smooth(
    features: Float[Tensor, "b c h w"], kind: str, largest: Tensor | None = None
) -> Float[Tensor, "b c h w"]:
    """Activations as one of ``SMOOTHINGS`` has them.

    ``softmax`` over the whole map, as in the paper; ``softmax-channel`` over each channel;
    ``softmax-tempered`` over the whole map divided by a third of ``largest``, so that no entry
    weighs more than e^3 times one that is zero. Multiplied by the number of entries, so that their
    mean is 1: the paper's values underflow in float32 when squared twice, and a relative distance
    does not see the factor.

    Args:
        largest: scalar above 0, the entry that the temperature follows; None = this map's own.
            Maps that are compared need the same.

    Raises:
        ValueError: another kind.
    """
    if kind not in SMOOTHINGS:
        raise ValueError(f"no smoothing {kind}: choose one of {', '.join(SMOOTHINGS)}")
    if kind == "none":
        return features
    if kind == "softmax-tempered":
        reference = features.amax() if largest is None else largest
        alive = torch.where(reference > 0, reference, RANGE)  # of a dead tap: temperature 1
        features = features / alive * RANGE
    flat = features.flatten(2 if kind == "softmax-channel" else 1)
    return (flat.softmax(dim=-1) * flat.shape[-1]).view_as(features)
