"""How far a layer's activation can be moved by a small change of the picture.

Ilyas et al. 2019 (the reply to Nakano's comment, distill.pub/2019/advex-bugs-discussion) compare
layers by R(f) = E_x max_x' ||f(x') - f(x)|| / E_x1,x2 ||f(x1) - f(x2)||, x' in a small ball round
x: lower is more robust. They give no radius, norm, steps or sample, so here all four are settings.
This file gives the parts, one number a picture; R is made of them in analysis.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from bench.transfer import random_perturbation
from zoo.robust import STEPS

Layer = Callable[[Tensor], Tensor]


def displacement(
    layer: Layer,
    images: Float[Tensor, "b 3 h w"],
    *,
    norm: str,
    eps: float,
    steps: int,
    seed: int,
) -> Float[Tensor, " b"]:
    """The largest ||f(x') - f(x)||_2 that PGD meets in the eps ball round each picture.

    Gradient ascent (Madry et al. 2018) on the squared displacement, ``steps`` of size eps / 5,
    from a random start: at the picture itself the gradient is zero. The usual 2.5 eps / steps in
    all is too short a way: on a random linear layer it ends 11 % under the largest singular value.

    Args:
        layer: pixels in [0,1] to an activation of any shape, differentiable.
        images: in [0,1].
        norm: ``l2`` or ``linf``, over pixels.
    """
    images = images.contiguous()  # the robustness library takes views of it
    still = _activation(layer, images)
    step = STEPS[norm](images, eps, eps / 5)
    largest = images.new_zeros(len(images))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        x = random_perturbation(images, norm=norm, eps=eps).contiguous()
    for _ in range(steps):
        moved, gradient = _moved(layer, x, still)
        largest = torch.maximum(largest, moved)
        x = step.project(step.step(x, gradient))
    return torch.maximum(largest, _distances(_activation(layer, x), still))


def random_displacement(
    layer: Layer, images: Float[Tensor, "b 3 h w"], *, norm: str, eps: float, seed: int
) -> Float[Tensor, " b"]:
    """||f(x') - f(x)||_2 for one random x' on the same sphere: sensitivity without an adversary."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        x = random_perturbation(images, norm=norm, eps=eps)
    return _distances(_activation(layer, x), _activation(layer, images))


def spread(activations: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
    """Mean distance ||f(x1) - f(x2)||_2 of each picture's activation to all the others'.

    The mean over pictures is the mean over all pairs of two different pictures.

    Raises:
        ValueError: fewer than two pictures.
    """
    if len(activations) < 2:
        raise ValueError(f"a spread needs two pictures or more, got {len(activations)}")
    # the fast form of cdist loses the digits of near neighbours
    apart = torch.cdist(activations, activations, compute_mode="donot_use_mm_for_euclid_dist")
    return apart.sum(dim=1) / (len(activations) - 1)


def _activation(layer: Layer, images: Tensor) -> Tensor:
    with torch.no_grad():
        return layer(images.contiguous(memory_format=torch.channels_last)).flatten(1)


def _distances(moved: Tensor, still: Tensor) -> Tensor:
    lengths: Tensor = (moved - still).norm(dim=1)
    return lengths


def _moved(layer: Layer, images: Tensor, still: Tensor) -> tuple[Tensor, Tensor]:
    """The displacements, and the gradient of their squares' sum with respect to the pixels."""
    x = images.detach().requires_grad_()
    with torch.enable_grad():
        activation = layer(x.contiguous(memory_format=torch.channels_last)).flatten(1)
        squares = (activation - still).square().sum(dim=1)
        (gradient,) = torch.autograd.grad(squares.sum(), x)
    return squares.detach().sqrt(), gradient.contiguous()
