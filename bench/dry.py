"""What a run would do: its cells with their time, and what it would fetch. Fetches nothing."""

from collections.abc import Iterator

import torch

from bench.choose import Chosen, missing
from bench.forecast import forecast
from bench.preset import Preset
from bench.run import Plan
from bench.workers import threads_each
from zoo.catalog import find
from zoo.spec import Hub, ModelSpec, Pickled
from zoo.terminal import bar
from zoo.weights import file_bytes


def plan_lines(plan: Plan) -> Iterator[str]:
    """The open cells with their expected time, measured here and now on the first device."""
    all_threads, threads = torch.get_num_threads(), threads_each(plan.devices)
    torch.set_num_threads(threads)
    expected = []
    with bar("timing steps", total=len(plan.open), transient=True) as progress:
        for cell, _ in plan.open:
            expected.append(cell.suite.seconds(cell.spec, plan.inputs))
            progress.step(cell.spec.name)
    torch.set_num_threads(all_threads)
    for (cell, address), seconds in zip(plan.open, expected, strict=True):
        yield f"{cell.key}  {address[:8]}  about {seconds:.0f} s"
    done = len(plan.cells) - len(plan.open)
    cells = "cell" if len(plan.open) == 1 else "cells"
    minutes, each = sum(expected) / 60 / len(plan.devices), " each" if len(plan.devices) > 1 else ""
    yield (
        f"{len(plan.open)} {cells} to do, {done} done; about {minutes:.1f} minutes on "
        f"{','.join(plan.devices)} with {threads} threads{each}, then timing and analysis"
    )


def fetched(preset: Preset, chosen: Chosen) -> tuple[ModelSpec, ...]:
    """The absent models whose weights a run would fetch, the source of its attacks among them."""
    source = find(preset.source)
    needed = [source] if preset.attacks and missing(source) else []
    specs = dict.fromkeys([*(spec for spec, _ in chosen.absent), *needed])
    return tuple(spec for spec in specs if isinstance(spec.weights, Hub | Pickled))


def absent_lines(preset: Preset, absent: tuple[ModelSpec, ...]) -> Iterator[str]:
    """What would be fetched, and the operations counted for those who are not here."""
    if not absent:
        return
    files = {spec.intact: file_bytes(spec) for spec in absent}
    for name, size in files.items():
        yield f"would fetch {name}: about {size / 1e6:,.0f} MB"
    tera = sum(forecast(preset, absent).values())
    yield (
        f"{len(files)} files to fetch, about {sum(files.values()) / 1e9:.1f} GB; their models cost "
        f"{tera:,.0f} * 10^12 operations (python -m bench forecast gives hours)"
    )
