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
    found = minimise(bowl, torch.zeros(3), 200, silent)
    trace = found.trace
    torch.testing.assert_close(found.parameters, TARGET, atol=0.02, rtol=0)
    assert trace[0][0] == pytest.approx(0.09 + 4.9 + 25, rel=1e-5)
    assert trace[-1][0] < 1e-2 * trace[0][0]
    assert all(style == pytest.approx(2 * total) for total, style in trace)


@BOTH
def test_every_evaluation_ticks(minimise) -> None:
    seen: list[float] = []
    found = minimise(bowl, torch.zeros(3), 7, seen.append)
    assert seen == [total for total, _ in found.trace]


def test_adam_takes_the_budget_exactly_and_steps_of_its_rate() -> None:
    found = adam(bowl, torch.zeros(3), 1, silent)
    assert len(found.trace) == 1
    torch.testing.assert_close(found.parameters, torch.full((3,), RATE), rtol=1e-4, atol=0)
    longer = adam(bowl, torch.zeros(3), 9, silent)
    assert (len(longer.trace), longer.iterations, longer.failures) == (9, 9, 0)


def test_adam_finds_the_middle_of_a_loss_that_wavers() -> None:
    noise = torch.Generator().manual_seed(0)

    def wavers(x: Tensor) -> tuple[Tensor, Tensor]:
        loss = (x - TARGET - 0.1 * torch.randn(3, generator=noise)).square().sum()
        return loss, loss

    found = adam(wavers, torch.zeros(3), 300, silent)
    torch.testing.assert_close(found.parameters, TARGET, atol=0.08, rtol=0)


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
    found = minimise(explodes(3), torch.zeros(3), 20, silent)
    assert len(found.trace) == 4 and found.trace[-1][0] == float("inf")
    assert float(bowl(found.parameters)[0]) == pytest.approx(found.trace[2][0])


@BOTH
def test_a_loss_that_never_was_a_number_is_refused(minimise) -> None:
    with pytest.raises(LossError, match="check the weights"):
        minimise(explodes(0), torch.zeros(3), 20, silent)


def test_iterations_are_search_directions() -> None:
    found = lbfgs(bowl, torch.zeros(3), 20, silent)
    # the start and at least one step along each direction
    assert 1 < found.iterations < len(found.trace)
    assert found.failures == 0


def test_a_line_search_that_finds_nothing_is_counted() -> None:
    def lies(x: Tensor) -> tuple[Tensor, Tensor]:
        """Rises where its gradient says that it falls."""
        total = x.sum().detach() - (x.sum() - x.sum().detach())
        return total, total

    found = lbfgs(lies, torch.zeros(3), 30, silent)
    assert (found.iterations, found.failures) == (1, 1)
    assert lbfgs(lies, torch.zeros(3), 10, silent).failures == 0  # out of budget is no failure
    assert torch.equal(found.parameters, torch.zeros(3))
