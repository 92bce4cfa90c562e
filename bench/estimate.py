"""How long one step takes, here and now, or on a device of so many operations a second."""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Any

import torch
from timm.models import get_pretrained_cfg
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from bench.inputs import Inputs, untrained_twin
from zoo.exchange import load_contestant
from zoo.memory import MOST, batch_size
from zoo.robust import input_gradient
from zoo.spec import ModelSpec

FORWARD = 1 / 2  # of an attack step: with frozen weights the way back costs as much
FILLS_CPU = 50  # pictures that keep a processor as busy as hundreds do


COUNTED = "meta"  # torch's device of shapes without numbers
TERA = 1e12


def timed(call: Callable[[], object], *, device: str, repeats: int = 3) -> float:
    """Mean seconds of a call, after one call to warm up.

    On the device ``meta`` operations are counted instead (multiplications and additions of
    convolutions and matrix products), in 10^12: the seconds of a device that does as many a second.
    """
    if device == COUNTED:
        with _Counter() as counter:  # type: ignore[no-untyped-call]
            call()
        return float(counter.operations) / TERA
    call()
    began = time.perf_counter()
    for _ in range(repeats):
        call()
    return (time.perf_counter() - began) / repeats


class _Counter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """torch's own formulae without its book of modules, which refuses gradients of an input."""

    operations: float = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        count = flop_registry.get(func._overloadpacket)
        self.operations += count(*args, **(kwargs or {}), out_val=made) if count else 0
        return made


def step_seconds(spec: ModelSpec, inputs: Inputs) -> float:
    """Seconds of one attack step (a forward and a backward pass) on all images of the run."""
    images = inputs.images
    side = get_pretrained_cfg(spec.arch).input_size[-1]
    device = torch.device(inputs.device)
    n = min(len(images), batch_size(side, device), FILLS_CPU if device.type == "cpu" else MOST)
    shape = (n, *images.pixels.shape[1:])
    return _step_seconds(shaped(spec), shape, images.space, inputs.device) * len(images) / n


def shaped(spec: ModelSpec) -> ModelSpec:
    """The untrained network that stands for all of its shapes: they take the same time."""
    return replace(untrained_twin(spec), family="", recipe=None, role="control")


@lru_cache(maxsize=512)  # many cells of one plan ask for the same network
def _step_seconds(spec: ModelSpec, shape: tuple[int, ...], space: str, device: str) -> float:
    model = load_contestant(spec, space=space, device=device)
    x = torch.rand(shape, device=device)
    y = torch.zeros(len(x), dtype=torch.int64, device=device)
    return timed(lambda: input_gradient(model, x, y), device=device)
