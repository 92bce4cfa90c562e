"""What may carry transfer between two networks: gradient size, gradient alignment, a rough loss.

Demontis et al. 2019 (USENIX Security, sec. 4) name three: a target with large input gradients is
easy to push, a source whose gradients point the same way pushes well, and a source whose loss
varies much is a poor stand-in. Their third is over training sets; here it is over noise on the
picture, which needs no second training. All are facts about one picture.
"""

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity, cross_entropy

from bench.transfer import batches, random_perturbation
from zoo.robust import input_gradient

Images = Float[Tensor, "b 3 h w"]


def gradients(model: nn.Module, images: Images, labels: Int64[Tensor, " b"]) -> Images:
    """d cross-entropy / d pixels at the true class, one a picture."""
    layout = images.contiguous(memory_format=torch.channels_last)
    return torch.cat([input_gradient(model, x, y) for x, y in batches(model, layout, labels)])


def gradient_norms(gradient: Images) -> Float[Tensor, " b"]:
    """||grad||_2: the rise of the loss per unit of L2 perturbation, to first order."""
    norms: Tensor = gradient.flatten(1).norm(dim=1)
    return norms


def alignment(first: Images, second: Images) -> Float[Tensor, " b"]:
    """cos of two networks' gradients on each picture, in [-1, 1]; 0 where one is zero."""
    cosine: Tensor = cosine_similarity(first.flatten(1), second.flatten(1), dim=1, eps=1e-30)
    return cosine.clamp(-1, 1)


def loss_variance(
    model: nn.Module,
    images: Images,
    labels: Int64[Tensor, " b"],
    *,
    norm: str,
    eps: float,
    draws: int,
    seed: int,
) -> Float[Tensor, " b"]:
    """Variance of the cross-entropy over random perturbations of this norm (n - 1 below).

    Raises:
        ValueError: fewer than two draws.
    """
    if draws < 2:
        raise ValueError(f"a variance needs two draws or more, got {draws}")
    losses = []
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        for _ in range(draws):
            shown = random_perturbation(images, norm=norm, eps=eps)
            logits = model(shown.contiguous(memory_format=torch.channels_last))
            losses.append(cross_entropy(logits.double(), labels, reduction="none"))
    return torch.stack(losses).var(dim=0)
