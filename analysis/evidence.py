"""What hypotheses are held against, and what every study design offers."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import pandas as pd

from analysis.style_columns import style_facts, with_excess
from analysis.tables import Run
from analysis.verdict import Effect


@dataclass(frozen=True)
class Origin:
    """The run that evidence came from, and what has to agree before it is pooled.

    Attributes:
        run: its name.
        source, judge: the attacked network and the one that scores; None = not recorded.
        weights: sha256 by model.
        pictures: sha256 by name.
        sizes: sides of stylised pictures, as cells name them ("128px").
        images: labelled images attacked.
        taught: how many of the models were trained on non-robust data, and asked nothing else.
    """

    run: str
    source: str | None = None
    judge: str | None = None
    weights: Mapping[str, str] = field(default_factory=dict)
    pictures: Mapping[str, str] = field(default_factory=dict)
    sizes: frozenset[str] = frozenset()
    images: int = 0
    taught: int = 0


@dataclass(frozen=True)
class Evidence:
    """What hypotheses are held against: the model table, pictures made, and how to resample."""

    table: pd.DataFrame
    pictures: pd.DataFrame
    resamples: int = 2000
    seed: int = 0
    origins: tuple[Origin, ...] = ()


class Design(Protocol):
    """A question that a run answers with an effect."""

    def effect(self, evidence: Evidence) -> Effect:
        """The answer."""
        ...


def gather(run: Run, table: pd.DataFrame, *, resamples: int = 2000, seed: int = 0) -> Evidence:
    """The evidence of a run and its model table."""
    sizes = table["params"].astype(float)
    known = table.assign(
        log_params=np.log10(sizes.where(sizes > 0)), robust_training=table["robust"].astype(float)
    )
    pictures = with_excess(style_facts(run.rows)).assign(run=0)
    return Evidence(known, pictures, resamples, seed, (origin(run.path.name, run.manifest),))


def origin(name: str, manifest: Mapping[str, Any]) -> Origin:
    """What a run's manifest says of where its numbers come from."""
    models = manifest.get("models", {})
    cells = [key.split("/") for key in manifest.get("cells", {})]
    keys = [key for key in cells if key[0] == "style"]
    attacked = any(key[0] == "transfer" for key in cells)
    return Origin(
        name, manifest.get("source"), manifest.get("judge"),
        {model: str(about.get("sha256", "")) for model, about in models.items()},
        dict(manifest.get("pictures", {})),
        frozenset(part for key in keys for part in key if re.fullmatch(r"\d+px", part)),
        int(manifest.get("images", {}).get("n", 0)) if attacked else 0,
        sum(about.get("role") == "nonrobust" for about in models.values()),
    )  # fmt: skip


def lacking(table: pd.DataFrame, *columns: str) -> str:
    """Which of these columns the run did not fill, as a phrase; empty where all are there."""
    absent = [c for c in columns if c not in table or not table[c].notna().any()]
    return f"no {', '.join(absent)} in this run" if absent else ""
