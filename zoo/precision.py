"""Which number format gradients are computed in: bfloat16 where the device has a unit for it."""

import torch

#: the instruction set whose tiles multiply bfloat16. Without any it is emulated, tens of times
#: slower than float32; dot products alone (avx512_bf16) take a quarter longer than float32, since
#: the casts cost more than they save. Arm's are not told apart by torch, so there float32 is the
#: safe choice.
_NATIVE = "amx_bf16"


def native(device: torch.device) -> bool:
    """Whether bfloat16 is the faster format on this device."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(torch.cpu.get_capabilities().get(_NATIVE, False))


def fastest(device: torch.device, wanted: str = "bfloat16") -> str:
    """``wanted``, or ``float32`` where bfloat16 is wanted and would be slower."""
    return wanted if wanted != "bfloat16" or native(device) else "float32"


def computing(device: torch.device, precision: str) -> torch.autocast:
    """A context in which networks run in this precision; ``float32`` leaves them as they are."""
    low = precision != "float32"
    kind = getattr(torch, precision) if low else torch.bfloat16
    return torch.autocast(device.type, kind, enabled=low)
