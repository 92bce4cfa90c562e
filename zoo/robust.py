"""Adversarial steps of the `robustness` library: the only file that names it.

`robustness.attack_steps` is the part of the library that neither needs a GPU nor rotted imports.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from robustness.attack_steps import AttackerStep, L2Step, LinfStep
from torch import Tensor
from torch.nn.functional import cross_entropy

STEPS: dict[str, type[AttackerStep]] = {"l2": L2Step, "linf": LinfStep}

Logits = Callable[[Tensor], Tensor]


def pgd(
    model: Logits,
    images: Float[Tensor, "b 3 h w"],
    labels: Int[Tensor, " b"],
    *,
    norm: str,
    eps: float,
    steps: int,
    step_size: float,
    random_start: bool = True,
    targeted: bool = False,
) -> Float[Tensor, "b 3 h w"]:
    """Projected gradient descent (Madry et al. 2018), images in [0,1].

    Away from ``labels``, or towards them when ``targeted``.

    Random starts are drawn from torch's global generator, as the library does: seed it first.
    The result lies in the eps ball and in [0,1].
    """
    images = images.contiguous()  # the library takes views of it
    step = STEPS[norm](images, eps, step_size)
    x = step.random_perturb(images) if random_start else images.clone()
    for _ in range(steps):
        gradient = input_gradient(model, x, labels)
        x = step.project(step.step(x, -gradient if targeted else gradient))
    projected: Tensor = step.project(x)
    return projected


def input_gradient(
    model: Logits, images: Float[Tensor, "b 3 h w"], labels: Int[Tensor, " b"]
) -> Float[Tensor, "b 3 h w"]:
    """Gradient of the summed cross-entropy with respect to the pixels, contiguous."""
    x = images.detach().requires_grad_()
    with torch.enable_grad():
        loss = cross_entropy(model(x).float(), labels, reduction="sum")
        (gradient,) = torch.autograd.grad(loss, x)
    return gradient.contiguous()
