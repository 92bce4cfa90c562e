"""What one step costs, per model: pytest-benchmark, run by ``python -m bench`` after the cells.

By hand: ``pytest bench/bench_cost.py --benchmark-enable``; WHYVGG_MODELS names the models,
WHYVGG_SIDE the attacked pictures' side.
"""

import os
from collections.abc import Callable

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture

from bench.choose import missing
from bench.gram import grams, style_distance
from bench.style_settings import StyleSettings
from bench.suite_style import Style
from zoo.catalog import SOURCE, find
from zoo.exchange import load_contestant
from zoo.load import load_encoder
from zoo.robust import input_gradient
from zoo.spec import ModelSpec
from zoo.taps import tap_set

MODELS = os.environ.get("WHYVGG_MODELS", SOURCE).split(",")
DEVICE = os.environ.get("WHYVGG_DEVICE", "cpu")
BATCH = 20
SIDE = int(os.environ.get("WHYVGG_SIDE", "32"))


def _here(name: str) -> ModelSpec:
    """The model; one measured on another day may be here no more, and costs nobody his report."""
    spec = find(name)
    reason = missing(spec)
    if reason:
        pytest.skip(reason)
    return spec


def _time(benchmark: BenchmarkFixture, call: Callable[[], object]) -> None:
    benchmark.pedantic(call, rounds=7, warmup_rounds=2)  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("name", MODELS)
def test_attack_step(benchmark: BenchmarkFixture, name: str) -> None:
    """One input gradient of a batch of 20 pictures."""
    spec = _here(name)
    model = load_contestant(spec, space=spec.dataset, device=DEVICE)
    x = torch.rand(BATCH, 3, SIDE, SIDE, device=DEVICE)
    y = torch.zeros(BATCH, dtype=torch.int64, device=DEVICE)
    _time(benchmark, lambda: input_gradient(model, x, y))


@pytest.mark.parametrize("name", MODELS)
def test_style_closure(benchmark: BenchmarkFixture, name: str) -> None:
    """One evaluation of the style loss and its gradient on one picture."""
    spec, settings = _here(name), StyleSettings()
    refusal = Style(settings).refusal(spec)
    if refusal:
        pytest.skip(refusal)
    size = settings.size
    encoder = load_encoder(spec, taps=tap_set(spec, "matched").every, device=DEVICE)
    x = torch.rand(1, 3, size, size, device=DEVICE).requires_grad_()
    with torch.no_grad():
        wanted = grams(encoder(torch.rand(1, 3, size, size, device=DEVICE)))

    def closure() -> torch.Tensor:
        loss = style_distance(grams(encoder(x)), wanted).sum()
        return torch.autograd.grad(loss, x)[0]

    _time(benchmark, closure)
