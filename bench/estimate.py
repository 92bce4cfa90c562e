"""How long one step takes, here and now."""

import time
from collections.abc import Callable
from functools import lru_cache

import torch

from bench.inputs import Inputs
from zoo.load import load_classifier
from zoo.robust import input_gradient
from zoo.spec import ModelSpec

FORWARD = 1 / 3  # of an attack step, as a rule


def timed(call: Callable[[], object], *, repeats: int = 3) -> float:
    """Mean seconds of a call, after one call to warm up."""
    call()
    began = time.perf_counter()
    for _ in range(repeats):
        call()
    return (time.perf_counter() - began) / repeats


def step_seconds(spec: ModelSpec, inputs: Inputs) -> float:
    """Seconds of one attack step (a forward and a backward pass) on all images of the run."""
    n, *shape = inputs.images.pixels.shape
    return _step_seconds(spec, (n, *shape), inputs.device)


@lru_cache(maxsize=512)  # many cells of one plan ask for the same model
def _step_seconds(spec: ModelSpec, shape: tuple[int, ...], device: str) -> float:
    model = load_classifier(spec, device=device)
    x = torch.rand(shape, device=device)
    y = torch.zeros(len(x), dtype=torch.int64, device=device)
    return timed(lambda: input_gradient(model, x, y))
