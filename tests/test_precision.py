"""Networks run in bfloat16 only where the device has a matrix unit for it."""

import pytest
import torch
from torch import nn

from zoo import precision

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("instructions", "gain", "native"),
    [
        ((), 9.0, False),
        (("avx2", "avx512_f"), 9.0, False),
        (("avx512_bf16",), 1.7, True),
        (("avx512_bf16",), 0.8, False),
        (("avx512_bf16", "amx_bf16", "amx_tile"), 0.8, True),
    ],
)
def test_the_processor_decides_and_dot_products_are_measured(
    instructions: tuple[str, ...], gain: float, native: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    present = dict.fromkeys(instructions, True) | {"l2_cache_size": 1 << 20}
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: present)
    monkeypatch.setattr(precision, "_gain", lambda: gain)
    assert precision.native(CPU) is native
    assert precision.fastest(CPU) == ("bfloat16" if native else "float32")
    assert precision.fastest(CPU, "float32") == "float32"


def test_measuring_leaves_the_random_numbers_alone() -> None:
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    precision._gain.cache_clear()
    assert precision._gain() > 0
    assert torch.equal(torch.rand(2), expected)


@pytest.mark.parametrize("name", ["float32", "bfloat16"])
def test_a_network_runs_in_the_precision_named(name: str) -> None:
    layer = nn.Conv2d(3, 4, 3)
    with precision.computing(CPU, name):
        assert layer(torch.rand(1, 3, 8, 8)).dtype is getattr(torch, name)


def test_this_machines_choice_is_no_slower_than_the_other() -> None:
    """Emulated bfloat16 takes tens of times as long as float32: one must not get it by default."""
    from time import perf_counter

    layer, x = nn.Conv2d(64, 64, 3, padding=1), torch.rand(32, 64, 32, 32)

    def seconds(name: str) -> float:
        took = []
        for _ in range(4):
            start = perf_counter()
            with precision.computing(CPU, name), torch.no_grad():
                layer(x)
            took.append(perf_counter() - start)
        return min(took)

    chosen = precision.fastest(CPU)
    other = "float32" if chosen == "bfloat16" else "bfloat16"
    assert seconds(chosen) < 3 * seconds(other)
