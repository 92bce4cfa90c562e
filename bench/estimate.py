"""How long a plan will take, from timing one step of each model here and now."""

import time
from collections.abc import Callable

import torch

from bench.cells import Cell, TransferSettings, layers
from bench.inputs import Inputs
from zoo.load import load_classifier, load_encoder
from zoo.robust import input_gradient


def seconds(cell: Cell, inputs: Inputs) -> float:
    """Expected seconds for one cell, its share of the crafting not included."""
    if isinstance(cell.settings, TransferSettings):
        return _transfer(cell, inputs)
    settings = cell.settings
    taps, _, _ = layers(cell.spec, settings.taps)
    encoder = load_encoder(cell.spec, taps=taps, device=inputs.device)
    x = torch.rand(1, 3, settings.size, settings.size, device=inputs.device).requires_grad_()

    def closure() -> None:
        total = torch.stack([a.square().mean() for a in encoder(x).values()]).sum()
        torch.autograd.grad(total, x)

    pictures = len(inputs.contents) * len(inputs.styles) * len(settings.weights)
    return _timed(closure) * settings.evaluations * pictures


def _transfer(cell: Cell, inputs: Inputs) -> float:
    assert isinstance(cell.settings, TransferSettings)
    model = load_classifier(cell.spec, device=inputs.device)
    x = torch.rand(len(inputs.images), 3, 32, 32, device=inputs.device)
    y = inputs.images.labels.to(inputs.device)
    step = _timed(lambda: input_gradient(model, x, y))
    shown = 2 * len(cell.settings.attacks) / 3  # two forward passes an attack
    made = sum(a.steps for a in cell.settings.attacks) if cell.spec == inputs.source else 0
    return step * (shown + made)


def _timed(call: Callable[[], object], *, repeats: int = 3) -> float:
    call()
    began = time.perf_counter()
    for _ in range(repeats):
        call()
    return (time.perf_counter() - began) / repeats
