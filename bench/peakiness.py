"""How peaky and how low in entropy activations are (Wang, Li & Vasconcelos 2021).

Their explanation of why style transfer fails on residual networks: activations grow and
concentrate on few positions with depth, and a squared distance between such Gram matrices is
decided by few entries. All values are computed in float64 on the CPU.
"""

from math import log

import torch
from jaxtyping import Float
from torch import Tensor

from bench.gram import gram_matrix


def peakiness(features: Float[Tensor, "b c h w"]) -> dict[str, Float[Tensor, " b"]]:
    """Maximum, maximum over mean, entropy and its share, of the map and of its Gram matrix.

    Keys: ``activation_max``, ``activation_peak_to_mean``, ``activation_entropy`` (nats),
    ``activation_entropy_share`` (of the entropy of an even map, 0 .. 1), and the same with
    ``gram_``. Negative activations count as 0. Of the maxima the paper's is the plain one, which
    depends on the network's scale; the others do not. A map of zeros has no entropy: NaN.
    """
    map_ = features.detach().to("cpu", torch.float64).clamp(min=0)
    return {
        f"{name}_{key}": values
        for name, entries in (("activation", map_), ("gram", gram_matrix(map_)))
        for key, values in _scores(entries.flatten(1)).items()
    }


def entropy(values: Float[Tensor, "b n"]) -> Float[Tensor, " b"]:
    """H(p) = - sum p log p in nats, p = values / sum(values); NaN where the sum is 0.

    Args:
        values: 0 or larger.
    """
    p = values / values.sum(dim=1, keepdim=True)
    h: Tensor = torch.special.entr(p).sum(dim=1)
    return h


def _scores(values: Float[Tensor, "b n"]) -> dict[str, Tensor]:
    h, largest = entropy(values), values.amax(dim=1)
    n = values.shape[1]
    return {
        "max": largest,
        "peak_to_mean": largest / values.mean(dim=1),
        "entropy": h,
        "entropy_share": (h / log(n)).clamp(max=1) if n > 1 else torch.full_like(h, torch.nan),
    }
