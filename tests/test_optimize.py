"""Both minimisers on losses with known minima, and on losses that stop being numbers."""

import pytest
import torch
from torch import Tensor

from bench.optimize import RATE, LossError, adam, lbfgs

TARGET = torch.tensor([0.3, 0.7, 0.5])
BOTH = pytest.mark.parametrize("minimise", [lbfgs, adam])


def bowl(x: Tensor) -> tuple[Tensor, Tensor]:
    loss = (torch.tensor([1.0, 10.0, 100.0]) * (x - TARGET).square()).sum()
    return loss, 2 * loss


def silent(_: float) -> None:
    pass


@BOTH
def test_a_bowl_s_bottom_is_found(minimise) -> None:
    found, trace = minimise(bowl, torch.zeros(3), 200, silent)
    torch.testing.assert_close(found, TARGET, atol=0.02, rtol=0)
    assert trace[0][0] == pytest.approx(0.09 + 4.9 + 25, rel=1e-5)
    assert trace[-1][0] < 1e-2 * trace[0][0]
    assert all(style == pytest.approx(2 * total) for total, style in trace)


@BOTH
def test_every_evaluation_ticks(minimise) -> None:
    seen: list[float] = []
    _, trace = minimise(bowl, torch.zeros(3), 7, seen.append)
    assert seen == [total for total, _ in trace]


def test_adam_takes_the_budget_exactly_and_steps_of_its_rate() -> None:
    found, trace = adam(bowl, torch.zeros(3), 1, silent)
    assert len(trace) == 1
    torch.testing.assert_close(found, torch.full((3,), RATE), rtol=1e-4, atol=0)
    assert len(adam(bowl, torch.zeros(3), 9, silent)[1]) == 9


def test_adam_finds_the_middle_of_a_loss_that_wavers() -> None:
    noise = torch.Generator().manual_seed(0)

    def wavers(x: Tensor) -> tuple[Tensor, Tensor]:
        loss = (x - TARGET - 0.1 * torch.randn(3, generator=noise)).square().sum()
        return loss, loss

    found, _ = adam(wavers, torch.zeros(3), 300, silent)
    torch.testing.assert_close(found, TARGET, atol=0.08, rtol=0)


@BOTH
def test_the_start_is_not_written_over(minimise) -> None:
    start = torch.zeros(3)
    minimise(bowl, start, 5, silent)
    assert torch.equal(start, torch.zeros(3))


def explodes(after: int):
    calls = 0

    def losses(x: Tensor) -> tuple[Tensor, Tensor]:
        nonlocal calls
        calls += 1
        total, style = bowl(x)
        return (total, style) if calls <= after else (total * float("inf"), style)

    return losses


@BOTH
def test_a_loss_that_becomes_no_number_leaves_the_last_good_parameters(minimise) -> None:
    found, trace = minimise(explodes(3), torch.zeros(3), 20, silent)
    assert len(trace) == 4 and trace[-1][0] == float("inf")
    assert float(bowl(found)[0]) == pytest.approx(trace[2][0])


@BOTH
def test_a_loss_that_never_was_a_number_is_refused(minimise) -> None:
    with pytest.raises(LossError, match="check the weights"):
        minimise(explodes(0), torch.zeros(3), 20, silent)
