"""Several devices: a process on each, cells handed out as processes become free.

The rows do not depend on who measures a cell, so a run may be begun on one device and ended on
four. Attacked pictures that two processes need at once are made by one of them.
"""

import copyreg
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from multiprocessing import get_context, parent_process
from multiprocessing.queues import SimpleQueue
from threading import Thread
from types import MappingProxyType
from typing import Any

import pandas as pd
import torch

from bench.cells import Cell, run_cell
from bench.inputs import Inputs
from zoo.memory import keep_freed

_device = "cpu"  # of this process


def spread(
    cells: Sequence[tuple[Cell, str]], inputs: Inputs, devices: Sequence[str]
) -> Iterator[tuple[Cell, str, pd.DataFrame, float]]:
    """Cell, address, rows and seconds of each cell, as they are done.

    Args:
        cells: with their addresses, which are handed back.
        devices: one process each; ``cpu`` may stand there more than once.
    """
    context = get_context("spawn")  # a forked process cannot use a GPU its parent has touched
    free: SimpleQueue[str] = context.SimpleQueue()
    for device in devices:
        free.put(device)
    pool = ProcessPoolExecutor(len(devices), context, _take, (free, threads_each(devices)))
    try:
        jobs = {pool.submit(_measure, cell, inputs): (cell, address) for cell, address in cells}
        for job in as_completed(jobs):
            cell, address = jobs[job]
            yield cell, address, *job.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def threads_each(devices: Sequence[str]) -> int:
    """How many threads the process on each of these devices has."""
    return max(1, torch.get_num_threads() // len(devices))


def _read_only(options: dict[str, Any]) -> MappingProxyType[str, Any]:
    return MappingProxyType(options)


# an architecture's options are read-only mappings, which pickle does not know
copyreg.pickle(MappingProxyType, lambda options: (_read_only, (dict(options),)))


def _take(free: "SimpleQueue[str]", threads: int) -> None:
    global _device
    Thread(target=_end_with_parent, daemon=True).start()
    _device = free.get()
    torch.set_num_threads(threads)
    keep_freed()


def _end_with_parent() -> None:
    """A killed run leaves nobody behind who measures for nobody."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _measure(cell: Cell, inputs: Inputs) -> tuple[pd.DataFrame, float]:
    began = time.monotonic()
    rows = run_cell(cell, replace(inputs, device=_device))
    return rows, time.monotonic() - began
