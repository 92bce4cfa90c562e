"""What hypotheses are held against, and what every study design offers."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd

from analysis.style_columns import style_facts, with_excess
from analysis.tables import Run
from analysis.verdict import Effect


@dataclass(frozen=True)
class Evidence:
    """What hypotheses are held against: the model table, pictures made, and how to resample."""

    table: pd.DataFrame
    pictures: pd.DataFrame
    resamples: int = 2000
    seed: int = 0


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
    return Evidence(known, with_excess(style_facts(run.rows)), resamples, seed)


def lacking(table: pd.DataFrame, *columns: str) -> str:
    """Which of these columns the run did not fill, as a phrase; empty where all are there."""
    absent = [c for c in columns if c not in table or not table[c].notna().any()]
    return f"no {', '.join(absent)} in this run" if absent else ""
