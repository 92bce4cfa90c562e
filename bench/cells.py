"""The cell: one (suite, model, seed), its address, and its rows.

A cell's address is a digest of everything its rows depend on, so a finished file never goes stale:
new weights, pictures or settings make a new address.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from bench.inputs import Inputs
from bench.suite import Suite, Tick
from zoo.spec import ModelSpec
from zoo.weights import weights_digest


@dataclass(frozen=True)
class Cell:
    """One unit of work, of resuming and of storage."""

    spec: ModelSpec
    suite: Suite
    seed: int

    @property
    def key(self) -> str:
        """What the cell is, in words that stay the same when weights or pictures change."""
        parts = (self.suite.name, self.spec.name, self.suite.label, f"seed{self.seed}")
        return "/".join(part for part in parts if part)


def digest(cell: Cell, inputs: Inputs) -> str:
    """The cell's address: 32 hex digits.

    Raises:
        zoo.weights.WeightsError: the model's weights are not to be had.
    """
    settings: Any = cell.suite
    content = {
        "suite": [cell.suite.name, cell.suite.version, asdict(settings)],
        "model": [cell.spec.name, cell.spec.arch, dict(cell.spec.arch_options)],
        "surgery": cell.spec.surgery,
        "taps": [cell.spec.style_layers, cell.spec.content_layer],
        "weights": weights_digest(cell.spec),
        "inputs": cell.suite.depends(inputs),
        "seed": cell.seed,
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]


def run_cell(cell: Cell, inputs: Inputs, *, tick: Tick = lambda _: None) -> pd.DataFrame:
    """Measure one cell.

    Args:
        tick: called once per unit of work (``Suite.work``) with the current loss, or 0.

    Raises:
        zoo.weights.WeightsError, zoo.load.SizeError: see their messages.
    """
    rows = pd.DataFrame(
        cell.suite.measure(cell.spec, inputs, cell.seed, tick),
        columns=["case", "condition", "metric", "step", "value"],
    )
    return rows.assign(suite=cell.suite.name, model=cell.spec.name, seed=cell.seed)
