"""How many pictures go through a network at once."""

import psutil
import torch

MOST = 500
#: kept for the gradient of one pixel of a picture, and in flight: no network of the catalogue keeps
#: more than 5,200 (ResNeXt-101; tests/test_memory.py counts)
BYTES_A_PIXEL = 8_000


def free_bytes(device: torch.device) -> int:
    """Memory that may be used there: the GPU's own, or what the system says is available."""
    if device.type == "cuda":
        free: int = torch.cuda.mem_get_info(device)[0]
        return free
    available: int = psutil.virtual_memory().available
    return available


def batch_size(side: int, device: torch.device) -> int:
    """How many square pictures fit into half of a device's free memory, of 500, 250, 125, ...

    In halves, so that a little more or less memory leaves the batches, and so the rounding of the
    answers, as they were.

    Args:
        side: in pixels, as the network gets them.
    """
    room = free_bytes(device) // 2
    size = MOST
    while size > 1 and size * side * side * BYTES_A_PIXEL > room:
        size //= 2
    return size
