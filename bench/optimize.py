"""Minimisers of a picture's loss that record every evaluation and survive one that is no number."""

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

Tick = Callable[[float], None]
Losses = Callable[[Tensor], tuple[Tensor, Tensor]]  # parameters to total and style loss
Trace = list[tuple[float, float]]

RATE = 0.02  # Adam's step, in units of pixels
HISTORY = 50  # steps that L-BFGS remembers
_TRIES = 20  # evaluations along one direction after which L-BFGS-B gives up (Zhu et al. 1997)


@dataclass(frozen=True)
class Optimised:
    """Where a minimiser ended, and how it went.

    Attributes:
        parameters: the last ones, or the last ones with a finite loss.
        trace: total and style loss at every evaluation.
        iterations: search directions taken.
        failures: line searches that found no step, which ends the search before its budget, or took
            more than 20 evaluations.
    """

    parameters: Tensor
    trace: Trace
    iterations: int
    failures: int = 0


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
        self.iteration: Callable[[], int]
        self.evaluations = Counter[int]()  # in each iteration; 0 is the start

    def __call__(self) -> Tensor:
        self.evaluations[self.iteration()] += 1
        total, style_loss = self.losses(self.x)
        self.trace.append((float(total.detach()), float(style_loss.detach())))
        if not math.isfinite(self.trace[-1][0]):
            raise _NotFinite
        self.finite = self.x.detach().clone()
        (gradient,) = torch.autograd.grad(total, self.x)
        self.x.grad = gradient.contiguous()  # L-BFGS flattens it, which channels-last would refuse
        self.tick(self.trace[-1][0])
        return total.detach()

    def run(
        self, work: Callable[[], object], *, stuck: Callable[[], bool] = lambda: False
    ) -> Optimised:
        """Do the work and tell how it went; ``stuck``: whether its last search found no step."""
        found = self.x
        try:
            work()
        except _NotFinite:
            if len(self.trace) == 1:
                raise LossError(
                    "the style loss is no number at its first evaluation: check the weights "
                    "(python -m zoo check NAME) and the pictures"
                ) from None
            found = self.finite
        searched = {i: n for i, n in self.evaluations.items() if i}
        failed = {i for i, n in searched.items() if n > _TRIES}
        if stuck():
            failed.add(max(searched))
        return Optimised(found.detach(), self.trace, len(searched), len(failed))


def lbfgs(losses: Losses, start: Tensor, evaluations: int, tick: Tick) -> Optimised:
    """L-BFGS (Liu & Nocedal 1989) with strong Wolfe line search, for a deterministic loss.

    Raises:
        LossError: the loss is no number at the very first evaluation.
    """
    evaluate = _Evaluation(losses, start, tick)
    optimizer = torch.optim.LBFGS(
        [evaluate.x], max_iter=evaluations, max_eval=evaluations, history_size=HISTORY,
        tolerance_grad=0, tolerance_change=0, line_search_fn="strong_wolfe",
    )  # fmt: skip
    state = optimizer.state[evaluate.x]
    evaluate.iteration = lambda: int(state.get("n_iter", 0))
    return evaluate.run(
        lambda: optimizer.step(evaluate),  # type: ignore[no-untyped-call]
        stuck=lambda: len(evaluate.trace) < evaluations and float(state.get("t", 1)) == 0,
    )


def adam(losses: Losses, start: Tensor, evaluations: int, tick: Tick) -> Optimised:
    """Adam (Kingma & Ba 2015), for a loss that changes from one evaluation to the next.

    A line search cannot compare such losses. Results and errors as ``lbfgs``.
    """
    evaluate = _Evaluation(losses, start, tick)
    evaluate.iteration = lambda: len(evaluate.trace) + 1
    optimizer = torch.optim.Adam([evaluate.x], lr=RATE)

    def steps() -> None:
        for _ in range(evaluations):
            evaluate()
            optimizer.step()

    return evaluate.run(steps)
