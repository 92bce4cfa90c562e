"""Which number format gradients are computed in: bfloat16 where the device has a unit for it."""

from functools import cache
from time import perf_counter

import torch
from torch import nn

#: tiles that multiply bfloat16: always the faster format where they are
_TILES = "amx_bf16"
#: dot products of bfloat16: faster than float32 on some processors, while on others the casts cost
#: more than they save (0.8 to 2.6 times as fast, seen on two makes), so they are measured. Without
#: either bfloat16 is emulated, tens of times slower than float32. Arm's are not told apart by
#: torch, so there float32 is the safe choice.
_DOTS = "avx512_bf16"
#: how many times as fast a convolution must be for whole networks to gain
_WORTH_IT = 1.1


def native(device: torch.device) -> bool:
    """Whether bfloat16 is the faster format on this device."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    present = torch.cpu.get_capabilities()
    return bool(present.get(_TILES) or (present.get(_DOTS) and _gain() > _WORTH_IT))


@cache
def _gain() -> float:
    """How many times as fast as in float32 a convolution is differentiated here, in bfloat16."""
    with torch.random.fork_rng(devices=[]):
        layer = nn.Conv2d(64, 64, 3, padding=1).to(memory_format=torch.channels_last)
        x = torch.rand(32, 64, 16, 16).contiguous(memory_format=torch.channels_last)
    taken: dict[str, list[float]] = {"float32": [], "bfloat16": []}
    for _ in range(6):  # in turn, so that another process slows both
        for name, seconds in taken.items():
            start = perf_counter()
            with computing(x.device, name):
                y = layer(x)
            torch.autograd.grad(y.float().sum(), layer.weight)
            seconds.append(perf_counter() - start)
    return min(taken["float32"]) / min(taken["bfloat16"])


def fastest(device: torch.device, wanted: str = "bfloat16") -> str:
    """``wanted``, or ``float32`` where bfloat16 is wanted and would be slower."""
    return wanted if wanted != "bfloat16" or native(device) else "float32"


def computing(device: torch.device, precision: str) -> torch.autocast:
    """A context in which networks run in this precision; ``float32`` leaves them as they are."""
    low = precision != "float32"
    kind = getattr(torch, precision) if low else torch.bfloat16
    return torch.autocast(device.type, kind, enabled=low)
