"""How long one step takes, here and now."""

import time
from collections.abc import Callable


def timed(call: Callable[[], object], *, repeats: int = 3) -> float:
    """Mean seconds of a call, after one call to warm up."""
    call()
    began = time.perf_counter()
    for _ in range(repeats):
        call()
    return (time.perf_counter() - began) / repeats
