"""How long one step takes, here and now."""

import time
from collections.abc import Callable
from functools import lru_cache

import torch

from bench.inputs import Inputs
from zoo.exchange import load_contestant
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
    images = inputs.images
    n = min(len(images), images.batch)
    shape = (n, *images.pixels.shape[1:])
    return _step_seconds(spec, shape, images.space, inputs.device) * len(images) / n


@lru_cache(maxsize=512)  # many cells of one plan ask for the same model
def _step_seconds(spec: ModelSpec, shape: tuple[int, ...], space: str, device: str) -> float:
    model = load_contestant(spec, space=space, device=device)
    x = torch.rand(shape, device=device)
    y = torch.zeros(len(x), dtype=torch.int64, device=device)
    return timed(lambda: input_gradient(model, x, y))
