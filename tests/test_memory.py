"""Batches fit the memory, freed memory is kept, and what is reckoned with holds for every net."""

import os
import platform
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn

from zoo import memory
from zoo.catalog import ZOO
from zoo.exchange import Resized, batch_of
from zoo.memory import BYTES_A_PIXEL, MOST, batch_size
from zoo.spec import ModelSpec
from zoo.taps import skeleton

NETS = list({(spec.arch, *spec.arch_options.items()): spec for spec in ZOO.values()}.values())


@pytest.mark.parametrize(
    ("side", "gigabytes", "expected"),
    [(32, 64, 500), (32, 8, 250), (32, 4, 125), (224, 8, 7), (224, 80, 62), (224, 0.001, 1)],
)
def test_batches_fit_half_of_the_free_memory(
    side: int, gigabytes: float, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "free_bytes", lambda _: int(gigabytes * 1e9))
    size = batch_size(side, torch.device("cpu"))
    assert size == expected
    assert size == 1 or size * side * side * BYTES_A_PIXEL <= gigabytes * 1e9 / 2


def test_this_machine_has_memory() -> None:
    assert memory.free_bytes(torch.device("cpu")) > 2**28
    assert 1 <= batch_size(32, torch.device("cpu")) <= MOST


def test_the_device_asked_is_the_one_that_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (int(64e9), int(80e9)))
    monkeypatch.setattr(memory.psutil, "virtual_memory", lambda: SimpleNamespace(available=1))
    assert batch_size(32, torch.device("cuda")) == 500
    assert batch_size(32, torch.device("cpu")) == 1


def test_the_side_is_the_one_the_network_gets(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr("zoo.exchange.batch_size", lambda side, _: asked.append(side) or 1)
    images = torch.empty(1, 3, 32, 32)
    for model in (
        nn.Identity(), Resized(nn.Identity(), 299, "bicubic"),
        nn.Sequential(*(Resized(nn.Identity(), side, "bicubic") for side in (224, 16))),
    ):  # fmt: skip
        batch_of(model, images)
    assert asked == [32, 299, 224]


def kept(net: nn.Module, side: int) -> int:
    """Bytes that a forward pass of one picture keeps for its gradient, weights apart."""
    found: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        if not isinstance(tensor, nn.Parameter):
            found[tensor.untyped_storage()._cdata] = tensor.numel() * tensor.element_size()
        return tensor

    picture = torch.empty(1, 3, side, side, device="meta", requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        net(picture)
    return sum(found.values())


@pytest.mark.parametrize("spec", NETS, ids=[spec.name for spec in NETS])
def test_no_network_keeps_more_than_is_reckoned(spec: ModelSpec) -> None:
    side = 32 if spec.dataset == "cifar10" else 224
    net = skeleton(spec).eval().requires_grad_(False)
    assert 100 < kept(net, side) / side**2 < 5_200 < BYTES_A_PIXEL


SCRIPT = """
import resource, sys
import psutil, torch
from zoo.memory import free_bytes, keep_freed

def leave_and_take(times):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(times):
        torch.ones(16, 2**20)  # 64 MB
    return (resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) * resource.getpagesize()

if "keep" in sys.argv:
    keep_freed()
leave_and_take(20)  # the first few leave crumbs between them
cleared, resident = leave_and_take(10), psutil.Process().memory_info().rss
free_bytes(torch.device("cpu"))
print(cleared / 2**26, (resident - psutil.Process().memory_info().rss) / 2**26)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="no glibc")
@pytest.mark.parametrize("argument", ["keep", "none"])
def test_freed_memory_is_taken_again_and_counts_as_free(argument: str) -> None:
    """In tensors of 64 MB: pages cleared for ten of them, and what asking for free memory freed."""
    settings = {"PYTHONPATH": str(Path(__file__).parents[1])}
    plain = {name: value for name, value in os.environ.items() if "MALLOC" not in name}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, argument],
        env=plain | settings, capture_output=True, text=True, check=True,
    )  # fmt: skip
    cleared, returned = (float(word) for word in done.stdout.split())
    if argument == "keep":
        assert cleared < 1
        assert returned > 0.9
    else:
        assert cleared > 9
        assert returned < 0.5
