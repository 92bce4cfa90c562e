"""The local engine: does the cells of a plan that are not done yet, one after another."""

import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd
import torch

from bench.cells import Cell, digest, run_cell
from bench.inputs import Inputs
from bench.suite_style import keep_originals
from bench.workers import spread
from results.store import (
    StoreError,
    begin,
    cell_file,
    read_manifest,
    remember,
    write_cell,
    write_manifest,
)
from zoo.catalog import find
from zoo.load import parameters
from zoo.spec import ModelSpec
from zoo.terminal import Bar, bar
from zoo.weights import weights_digest

# foolbox imports scipy's filters by an old name
_FOOLBOX_IMPORT = "ignore:Please import `gaussian_filter`:DeprecationWarning"
_PACKAGES = ("torch", "timm", "foolbox", "robustness", "numpy", "pandas", "scikit-image")


@dataclass(frozen=True)
class Plan:
    """Cells with their addresses, and the run they belong to.

    Attributes:
        devices: several are worked on at once, one is that of the inputs.
        headline: norm and radius that the analysis reads its main transfer columns at.
        skipped: why models that were wanted are not measured, by name.
    """

    preset: str
    cells: tuple[Cell, ...]
    digests: tuple[str, ...]
    inputs: Inputs
    devices: tuple[str, ...]
    headline: str
    skipped: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def open(self) -> tuple[tuple[Cell, str], ...]:
        """The cells whose files do not exist yet."""
        pairs = zip(self.cells, self.digests, strict=True)
        return tuple(
            (cell, address)
            for cell, address in pairs
            if not cell_file(self.inputs.run, cell.suite.name, address).exists()
        )

    def without(self, refused: Mapping[ModelSpec, Exception]) -> "Plan":
        """The plan without the cells of these models, and with the reasons."""
        pairs = zip(self.cells, self.digests, strict=True)
        kept = [pair for pair in pairs if pair[0].spec not in refused]
        return replace(
            self,
            cells=tuple(c for c, _ in kept),
            digests=tuple(address for _, address in kept),
            skipped={**self.skipped, **{s.name: str(why) for s, why in refused.items()}},
        )


def make_plan(
    preset: str,
    cells: Sequence[Cell],
    inputs: Inputs,
    *,
    headline: str = "l2_0.50",
    devices: tuple[str, ...] = (),
) -> Plan:
    """Address every cell.

    Raises:
        zoo.weights.WeightsError: a model's weights are not to be had.
    """
    addresses = tuple(digest(c, inputs) for c in cells)
    return Plan(preset, tuple(cells), addresses, inputs, devices or (inputs.device,), headline)


def execute(plan: Plan) -> int:
    """Do the open cells and return how many; interrupted, finished ones are kept.

    Raises:
        results.store.StoreError: the disk is full, or the run belongs to other inputs or another
            schema.
    """
    run = plan.inputs.run
    before = _before(run)
    manifest = _manifest(plan, before)
    todo = plan.open
    if todo or manifest["cells"] != before.get("cells"):  # a report that is there is of other cells
        begin(run)
        write_manifest(run, manifest)  # else what is there stays: it says what measured the rows
    remember(run)
    keep_originals(run, plan.inputs.contents, plan.inputs.styles)
    total = sum(cell.suite.work(plan.inputs) for cell, _ in todo)
    with bar("cells", total=total) as progress:
        measured = _spread(plan, progress) if len(plan.devices) > 1 else _alone(plan, progress)
        for cell, address, rows, seconds in measured:
            write_cell(run, cell.suite.name, address, rows, seconds=seconds)
            progress.say(f"{cell.key}: {len(rows):,} rows in {seconds:.0f} s")
    return len(todo)


Measured = Iterator[tuple[Cell, str, pd.DataFrame, float]]


def _alone(plan: Plan, progress: Bar) -> Measured:
    todo = plan.open
    for done, (cell, address) in enumerate(todo):
        began = time.monotonic()
        label = f"{done + 1}/{len(todo)} {cell.spec.name}"
        rows = run_cell(
            cell,
            plan.inputs,
            tick=lambda loss, label=label: progress.step(  # type: ignore[misc]
                f"{label} loss {loss:.2e}" if loss else label
            ),
        )
        yield cell, address, rows, time.monotonic() - began


def _spread(plan: Plan, progress: Bar) -> Measured:
    for done in spread(plan.open, plan.inputs, plan.devices):
        yield done
        progress.step(done[0].spec.name, done[0].suite.work(plan.inputs))


def _before(run: Path) -> dict[str, Any]:
    """The manifest of a run that was begun before; empty for a new one."""
    return read_manifest(run) if (run / "manifest.json").exists() else {}


def _manifest(plan: Plan, before: Mapping[str, Any]) -> dict[str, Any]:
    """What the run was made of; a run goes on only with the inputs it began with."""
    inputs = plan.inputs
    data = {
        "images": {"n": len(inputs.images), "sha256": inputs.images_sha256},
        "pictures": {p.name: p.sha256 for p in (*inputs.contents, *inputs.styles)},
        "preset": plan.preset,
        "source": inputs.source.name,
        "judge": inputs.judge.name,
    }
    changed = [key for key, value in data.items() if before and before.get(key) != value]
    if changed:
        raise StoreError(
            f"{inputs.run} was made with other {' and '.join(changed)}: choose another --run"
        )
    listed = dict(before.get("cells", {}))
    listed |= {
        cell.key: f"{cell.suite.name}/{address}"
        for cell, address in zip(plan.cells, plan.digests, strict=True)
    }
    models = dict(before.get("models", {}))
    models |= {c.spec.name: _describe(c.spec) for c in plan.cells}
    skipped = dict(before.get("skipped", {})) | dict(plan.skipped)
    named = {name for c in plan.cells for name in getattr(c.suite, "sources", ())}
    sources = {name: _describe(find(name)) for name in sorted(named)}
    found = {
        "cells": listed,
        "models": models,
        "skipped": {name: why for name, why in skipped.items() if name not in models},
        "sources": dict(before.get("sources", {})) | sources,
        "headline": plan.headline,
    }
    return {**data, **found, **_environment(plan.devices)}


def _describe(spec: ModelSpec) -> dict[str, Any]:
    return {
        "family": spec.family,
        "training": spec.training,
        "robust": spec.robust,
        "residual": spec.residual,
        "downsampling": spec.downsampling,
        "batch_norm": spec.batch_norm,
        "arch": spec.arch,
        "role": spec.role,
        "seed": spec.seed,
        "params": parameters(spec),
        "surgery": list(spec.surgery),
        "sha256": weights_digest(spec),
    }


def _environment(devices: Sequence[str]) -> dict[str, Any]:
    return {
        "versions": {"python": platform.python_version(), **{p: version(p) for p in _PACKAGES}},
        "device": devices[0],
        "devices": list(devices),
        # nothing a row holds is computed under autocast; a GPU's matrix products and convolutions
        # may still be, each by a flag of its own
        "precision": {
            "weights": "float32",
            "compute": "float32",
            "tf32_matmul": torch.backends.cuda.matmul.allow_tf32,
            "tf32_cudnn": torch.backends.cudnn.allow_tf32,
        },
        "threads": torch.get_num_threads(),
        "machine": platform.machine(),
        "commit": _commit(),
    }


def _commit() -> str | None:
    git = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=12"],
        cwd=Path(__file__).parent, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return git.stdout.strip() or None


def measure_cost(run: Path, models: Sequence[str], device: str, *, side: int = 32) -> None:
    """Time one step of each model by pytest-benchmark into the run's benchmark.json.

    What an earlier call wrote there is replaced; models whose weights are gone are left out.

    Args:
        side: of the attacked pictures, pixels.

    Raises:
        StoreError: the timing failed.
    """
    command = [
        sys.executable, "-m", "pytest", str(Path(__file__).with_name("bench_cost.py")), "-q",
        "-o", "addopts=", "-o", f"filterwarnings={_FOOLBOX_IMPORT}", "-p", "no:cacheprovider",
        f"--benchmark-json={run.resolve() / 'benchmark.json'}",
        "--benchmark-columns=median,iqr,rounds",
    ]  # fmt: skip
    environment = os.environ | {
        "WHYVGG_MODELS": ",".join(models), "WHYVGG_DEVICE": device, "WHYVGG_SIDE": str(side)
    }  # fmt: skip
    done = subprocess.run(command, env=environment, cwd=Path(__file__).parents[1], check=False)
    if done.returncode:
        raise StoreError("timing the models failed (see above): run python -m bench again")
