"""How many pictures go through a network at once, and what becomes of memory they leave."""

import ctypes
import sys

import psutil
import torch

MOST = 500
#: kept for the gradient of one pixel of a picture, and in flight: no network of the catalogue keeps
#: more than 5,200 (ResNeXt-101; tests/test_memory.py counts)
BYTES_A_PIXEL = 8_000


# of malloc.h
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_KEEP = 2**31 - 1  # mallopt takes an int


def keep_freed(limit: int = _KEEP) -> None:
    """Let this process keep the memory that tensors leave, for the tensors to come.

    As glibc comes, it hands every block of more than 32 MB back to the system, which has to clear
    its pages before it gives them out again. Where large batches go through a network, that takes
    a good part of the time (``tox -e speed`` measures it). Other C libraries stay as they are.

    Args:
        limit: of a block, bytes, from which on it is handed back.
    """
    for option in (_TRIM_THRESHOLD, _MMAP_THRESHOLD):
        _glibc("mallopt", option, limit)


def _glibc(name: str, *arguments: int) -> None:
    call = getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
    if call:  # musl has neither
        call(*arguments)


def free_bytes(device: torch.device) -> int:
    """Memory that may be used there: the GPU's own, or what the system says is available.

    What the process has kept is handed back first, so that it counts as free.
    """
    if device.type == "cuda":
        free: int = torch.cuda.mem_get_info(device)[0]
        return free
    _glibc("malloc_trim", 0)
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
