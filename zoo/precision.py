"""Which number format gradients are computed in: bfloat16 where the device multiplies it."""

import torch

#: instruction sets that multiply bfloat16; without them it is emulated, tens of times slower than
#: float32. Arm's are not told apart by torch, so there float32 is the safe choice.
_NATIVE = ("amx_bf16", "avx512_bf16")


def native(device: torch.device) -> bool:
    """Whether this device has instructions for bfloat16."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(name, False) for name in _NATIVE)


def fastest(device: torch.device, wanted: str = "bfloat16") -> str:
    """``wanted``, or ``float32`` where bfloat16 is wanted and would be emulated."""
    return wanted if wanted != "bfloat16" or native(device) else "float32"


def computing(device: torch.device, precision: str) -> torch.autocast:
    """A context in which networks run in this precision; ``float32`` leaves them as they are."""
    low = precision != "float32"
    kind = getattr(torch, precision) if low else torch.bfloat16
    return torch.autocast(device.type, kind, enabled=low)
