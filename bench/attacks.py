"""Gradient attacks for transfer, on foolbox's base classes: MI, DI, TI, the logit loss, ensembles.

foolbox 3.3.4 has PGD, and momentum for it. Its momentum under Linf adds up signs, though, where
Dong et al. 2018 add up gradients of equal L1 norm, so the latter is here; diverse input,
translation invariance, the logit loss and ensembles foolbox does not have. All of them combine.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import eagerpy as ep
import torch
from foolbox.attacks import (
    L2ProjectedGradientDescentAttack,
    LinfProjectedGradientDescentAttack,
)
from foolbox.attacks.gradient_descent_base import normalize_lp_norms
from foolbox.attacks.mi_fgsm import GDMOptimizer
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import interpolate, pad
from torchvision.transforms.v2.functional import gaussian_blur

_SMALLEST = 0.9  # of the side, as transfer benchmarks shrink small pictures


@dataclass(frozen=True)
class Method:
    """How an attack makes and uses its gradient; the default is plain PGD.

    Attributes:
        name: the method's part of the rows' condition.
        momentum: decay of the gradients added up, mu in Dong et al. 2018 (MI), usually 1.
        diversity: chance that a step sees a picture shrunk and padded, Xie et al. 2019 (DI),
            usually 0.5 to 0.7.
        kernel: side in pixels, odd, of the Gaussian that blurs the gradient, Dong et al. 2019
            (TI); 1 = none.
        loss: ``crossentropy``, or ``logit`` (Zhao et al. 2021), which does not saturate when the
            target class has won.
    """

    name: str = "pgd"
    momentum: float = 0.0
    diversity: float = 0.0
    kernel: int = 1
    loss: str = "crossentropy"


PGD = Method()
MI = Method("mi", momentum=1.0)
DI = Method("di", diversity=0.7)
TI = Method("ti", kernel=5)
MI_DI_TI = Method("mi-di-ti", momentum=1.0, diversity=0.7, kernel=5)
LOGIT = Method("logit", momentum=1.0, diversity=0.7, kernel=5, loss="logit")


@dataclass(frozen=True)
class Rows:
    """Which pictures of a chunk are attacked: ``start`` up to ``stop`` of ``of``.

    Randomness is drawn for all of the chunk and these rows are used, so that a picture meets the
    same numbers however many others fit into the memory with it.
    """

    start: int
    stop: int
    of: int

    def take(self, drawn: Tensor) -> Tensor:
        """These rows of what was drawn for the chunk."""
        return drawn[self.start : self.stop]


class _Transferring:
    """What a method changes in foolbox's gradient descent; with the default method, nothing."""

    def __init__(
        self, *, method: Method, abs_stepsize: float, steps: int, rows: Rows | None
    ) -> None:
        super().__init__(  # type: ignore[call-arg]
            abs_stepsize=abs_stepsize, steps=steps, random_start=True
        )
        if method.loss not in ("crossentropy", "logit") or method.kernel % 2 == 0:
            raise ValueError(f"method {method}: see Method")
        self.method = method
        self.rows = rows

    def get_random_start(self, x0: Any, epsilon: float) -> Any:
        """foolbox's own, drawn for the whole chunk."""
        if self.rows is None:
            return super().get_random_start(x0, epsilon)  # type: ignore[misc]
        nowhere = ep.astensor(x0.raw.new_zeros((self.rows.of, *x0.shape[1:])))
        moved = super().get_random_start(nowhere, epsilon)  # type: ignore[misc]
        return x0 + ep.astensor(self.rows.take(moved.raw))

    def get_loss_fn(self, model: Any, labels: Any) -> Callable[[Any], Any]:
        """The loss of the diverse pictures, summed over the batch."""
        plain = super().get_loss_fn(model, labels)  # type: ignore[misc]

        def logit(inputs: Any) -> Any:
            named = model(inputs).raw.gather(1, labels.raw[:, None])
            return ep.astensor(-named.sum())

        loss = plain if self.method.loss == "crossentropy" else logit
        if not self.method.diversity:
            return loss
        chance, rows = self.method.diversity, self.rows
        return lambda inputs: loss(ep.astensor(diverse(inputs.raw, chance=chance, rows=rows)))

    def value_and_grad(self, loss_fn: Any, x: Any) -> Any:
        """The gradient, blurred."""
        value, gradient = super().value_and_grad(loss_fn, x)  # type: ignore[misc]
        if self.method.kernel > 1:
            gradient = ep.astensor(blurred(gradient.raw, kernel=self.method.kernel))
        return value, gradient

    def normalize(self, gradients: Any, *, x: Any, bounds: Any) -> Any:
        """Gradients of equal L1 norm, where momentum adds them up; else foolbox's unit step."""
        if self.method.momentum:
            return normalize_lp_norms(gradients, p=1)
        return super().normalize(gradients, x=x, bounds=bounds)  # type: ignore[misc]

    def get_optimizer(self, x: Any, stepsize: float) -> Any:
        """A step of this size along the gradients added up."""
        if not self.method.momentum:
            return super().get_optimizer(x, stepsize)  # type: ignore[misc]
        unit = super().normalize  # type: ignore[misc]
        return GDMOptimizer(
            x, stepsize, self.method.momentum, lambda total: unit(total, x=x, bounds=(0, 1))
        )


class _L2(_Transferring, L2ProjectedGradientDescentAttack):
    pass


class _Linf(_Transferring, LinfProjectedGradientDescentAttack):
    pass


_NORMS = {"l2": _L2, "linf": _Linf}


def gradient_attack(
    norm: str, method: Method, *, step_size: float, steps: int, rows: Rows | None = None
) -> Any:
    """A foolbox attack from a random start; with ``PGD`` it is foolbox's own, bit for bit.

    Args:
        norm: ``l2`` or ``linf``.
        method: see ``Method``.
        step_size, steps: of the descent.
        rows: the pictures it will be shown; None = a chunk of their own.

    Raises:
        ValueError: an unknown norm or loss, or a kernel without a middle.
    """
    if norm not in _NORMS:
        raise ValueError(f"no attack in norm {norm}: {' and '.join(_NORMS)} are known")
    return _NORMS[norm](method=method, abs_stepsize=step_size, steps=steps, rows=rows)


def diverse(
    images: Float[Tensor, "b 3 h w"], *, chance: float, rows: Rows | None = None
) -> Float[Tensor, "b 3 h w"]:
    """Each picture, with this chance, shrunk and put at a random place on black (Xie et al. 2019).

    Size (0.9 of the side to all but one pixel) and place are drawn once a call, the coin once a
    picture, from torch's global generator. Xie et al. enlarge pictures before they pad them, which
    a network for 32 pixels does not take.
    """
    side = images.shape[-1]
    small = int(torch.randint(max(1, int(_SMALLEST * side)), max(2, side), ()))
    room = side - small
    left, top = (int(torch.randint(room + 1, ())) for _ in range(2))
    shrunk = interpolate(images, size=(small, small), mode="bilinear", align_corners=False)
    moved = pad(shrunk, (left, room - left, top, room - top))
    coins = torch.rand(rows.of if rows else len(images))
    shown = rows.take(coins) if rows else coins
    chosen = (shown < chance).to(images.device).view(-1, 1, 1, 1)
    return torch.where(chosen, moved, images)


def blurred(gradient: Float[Tensor, "b 3 h w"], *, kernel: int) -> Float[Tensor, "b 3 h w"]:
    """The gradient convolved with a Gaussian that ends at three deviations (Dong et al. 2019).

    It is the gradient of pictures shifted a few pixels, summed. torchvision mirrors the borders,
    where Dong et al. pad with nothing.
    """
    smooth: Tensor = gaussian_blur(gradient, [kernel, kernel], [(kernel - 1) / 6] * 2)
    return smooth


class Ensemble(nn.Module):
    """Several networks as one source: the mean of their logits (Dong et al. 2018)."""

    def __init__(self, members: Sequence[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b k"]:
        """Images in [0,1] to logits."""
        return torch.stack([member(images) for member in self.members]).mean(dim=0)
