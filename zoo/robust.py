"""Adversarial steps and networks of the `robustness` library: the only file that names it.

`robustness.attack_steps` is the part of the library that neither needs a GPU nor rotted imports;
its networks and data sets want a module of torchvision that is gone, see ``library``.
"""

import sys
from collections.abc import Callable
from importlib import import_module
from types import ModuleType

import torch
from jaxtyping import Float, Int
from robustness.attack_steps import AttackerStep, L2Step, LinfStep
from torch import Tensor
from torch.nn.functional import cross_entropy

STEPS: dict[str, type[AttackerStep]] = {"l2": L2Step, "linf": LinfStep}

Logits = Callable[[Tensor], Tensor]


LIBRARY = ("cifar_models", "imagenet_models", "datasets", "tools.constants")
_GONE = "torchvision.models.utils"


def library(part: str) -> ModuleType:
    """A part of the library: its networks for 32 or 224 pixels, its data sets, their constants.

    The networks' classes are the originals of published robust checkpoints. They import
    ``load_state_dict_from_url`` from where torchvision kept it once; for the length of the import,
    torch's own stands there.

    Raises:
        ValueError: a part that is not in ``LIBRARY``.
    """
    if part not in LIBRARY:
        raise ValueError(f"no part {part}: choose one of {', '.join(LIBRARY)}")
    stand_in = ModuleType(_GONE)
    stand_in.load_state_dict_from_url = torch.hub.load_state_dict_from_url  # type: ignore[attr-defined]
    sys.modules[_GONE] = stand_in
    try:
        return import_module(f"robustness.{part}")
    finally:
        del sys.modules[_GONE]


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
    return logits_and_gradient(model, images, labels)[1]


def logits_and_gradient(
    model: Logits, images: Float[Tensor, "b 3 h w"], labels: Int[Tensor, " b"]
) -> tuple[Float[Tensor, "b classes"], Float[Tensor, "b 3 h w"]]:
    """What one pass gives: the network's answers beside ``input_gradient``."""
    x = images.detach().requires_grad_()
    with torch.enable_grad():
        logits = model(x).float()
        loss = cross_entropy(logits, labels, reduction="sum")
        (gradient,) = torch.autograd.grad(loss, x)
    return logits.detach(), gradient.contiguous()
