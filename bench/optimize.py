"""Minimisers of a picture's loss that record every evaluation and survive one that is no number."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

Tick = Callable[[float], None]
Losses = Callable[[Tensor], tuple[Tensor, Tensor]]  # parameters to total and style loss
Trace = list[tuple[float, float]]

RATE = 0.02  # Adam's step, in units of pixels


class LossError(ArithmeticError):
    """A loss that is no number from the start; the message says what to do."""


class _NotFinite(Exception):
    """The loss became no number in mid-optimisation."""


class _Evaluation:
    """One loss with its gradient, recorded; keeps the last parameters whose loss was a number."""

    def __init__(self, losses: Losses, start: Tensor, tick: Tick) -> None:
        self.losses, self.tick = losses, tick
        self.x = start.clone().requires_grad_()
        self.finite = start
        self.trace: Trace = []

    def __call__(self) -> Tensor:
        total, style_loss = self.losses(self.x)
        self.trace.append((float(total.detach()), float(style_loss.detach())))
        if not math.isfinite(self.trace[-1][0]):
            raise _NotFinite
        self.finite = self.x.detach().clone()
        (gradient,) = torch.autograd.grad(total, self.x)
        self.x.grad = gradient.contiguous()  # L-BFGS flattens it, which channels-last would refuse
        self.tick(self.trace[-1][0])
        return total.detach()

    def run(self, work: Callable[[], object]) -> tuple[Tensor, Trace]:
        try:
            work()
        except _NotFinite:
            if len(self.trace) == 1:
                raise LossError(
                    "the style loss is no number at its first evaluation: check the weights "
                    "(python -m zoo check NAME) and the pictures"
                ) from None
            return self.finite, self.trace
        return self.x.detach(), self.trace


def lbfgs(losses: Losses, start: Tensor, evaluations: int, tick: Tick) -> tuple[Tensor, Trace]:
    """L-BFGS (Liu & Nocedal 1989) with strong Wolfe line search, for a deterministic loss.

    Returns:
        The last parameters, or the last ones with a finite loss, and all losses.

    Raises:
        LossError: the loss is no number at the very first evaluation.
    """
    evaluate = _Evaluation(losses, start, tick)
    optimizer = torch.optim.LBFGS(
        [evaluate.x], max_iter=evaluations, max_eval=evaluations, history_size=50,
        tolerance_grad=0, tolerance_change=0, line_search_fn="strong_wolfe",
    )  # fmt: skip
    return evaluate.run(lambda: optimizer.step(evaluate))  # type: ignore[no-untyped-call]


def adam(losses: Losses, start: Tensor, evaluations: int, tick: Tick) -> tuple[Tensor, Trace]:
    """Adam (Kingma & Ba 2015), for a loss that changes from one evaluation to the next.

    A line search cannot compare such losses. Results and errors as ``lbfgs``.
    """
    evaluate = _Evaluation(losses, start, tick)
    optimizer = torch.optim.Adam([evaluate.x], lr=RATE)

    def steps() -> None:
        for _ in range(evaluations):
            evaluate()
            optimizer.step()

    return evaluate.run(steps)
