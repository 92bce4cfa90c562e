"""One row a model: everything a run says about it, with intervals."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.cause_columns import cause_columns
from analysis.floor_columns import floor_columns
from analysis.lab import lab_columns
from analysis.lens import lens_columns
from analysis.nonrobust_columns import nonrobust_columns
from analysis.style_columns import style_columns
from analysis.transfer_columns import HEADLINE, transfer_columns
from results.schema import SchemaError, validate
from results.store import StoreError, read_manifest, read_run, write_atomically

_UNKNOWN: Mapping[str, Any] = {
    "family": "unknown", "arch": "unknown", "role": "contestant", "training": "unknown",
    "robust": False, "residual": False, "downsampling": "", "batch_norm": True, "seed": 0,
    "params": 0,
}  # fmt: skip
FACTS = list(_UNKNOWN)
_COSTS = {"test_attack_step": "attack_step_s", "test_style_closure": "style_closure_s"}


@dataclass(frozen=True)
class Run:
    """A run in memory: where it lies, its rows and its manifest."""

    path: Path
    rows: pd.DataFrame
    manifest: Mapping[str, Any]

    @property
    def source(self) -> str | None:
        """The model attacks were made on, None when the manifest does not say."""
        return self.manifest.get("source")

    @property
    def untrained_sources(self) -> list[str]:
        """Networks with random weights that perturbations were made on."""
        sources = self.manifest.get("sources", {})
        return sorted(name for name, about in sources.items() if about["training"] == "random")

    @property
    def headline(self) -> str:
        """Norm and radius of the main transfer columns, ``<norm>_<eps>``."""
        return str(self.manifest.get("headline", HEADLINE))

    @property
    def models(self) -> list[str]:
        """Models of the manifest and of the rows, sorted; "(style)" and its like are none."""
        names = {*self.manifest.get("models", {}), *self.rows["model"].unique()}
        return sorted(str(name) for name in names if not str(name).startswith("("))


def load(run: Path) -> Run:
    """Read a run once, for tables and figures.

    Raises:
        StoreError: see ``results.store.read_run``.
        SchemaError: rows that do not fit, such as two cells that measured the same thing.
    """
    rows = read_run(run)
    try:
        return Run(run, validate(rows), read_manifest(run))
    except SchemaError as error:
        raise SchemaError(
            f"the cells of {run} do not fit together ({error}): start a new run, or delete the "
            "older cells"
        ) from error


def model_table(run: Path, *, resamples: int = 2000, seed: int = 0) -> pd.DataFrame:
    """The table of a run on disk; see ``build``."""
    return build(load(run), resamples=resamples, seed=seed)


def build(
    run: Run, *, headline: str | None = None, resamples: int = 2000, seed: int = 0
) -> pd.DataFrame:
    """One row a model, sorted by name.

    Columns: model, family, arch, role, training, robust, residual, downsampling, batch_norm, seed,
    params, is_source; those of ``transfer_columns`` (at the norm ``headline``), ``style_columns``
    and, where their suites were run, of ``floor_columns``, ``nonrobust_columns``,
    ``lens_columns``, ``lab_columns`` and ``cause_columns``; attack_step_s
    and style_closure_s, median seconds from benchmark.json. What was not measured is NaN. Networks
    trained on non-robust features are no rows: what they learned stands in the row of their
    architecture's standard weights.

    Args:
        run: rows and manifest.
        headline: "<norm>_<eps>" of the main transfer columns; None = the run's.
        resamples: of every bootstrap.
        seed: of every bootstrap.
    """
    known = run.manifest.get("models", {})
    models = [name for name in run.models if known.get(name, {}).get("role") != "nonrobust"]
    facts = {name: {key: known.get(name, {}).get(key, _UNKNOWN[key]) for key in FACTS}
             for name in models}  # fmt: skip
    table = pd.DataFrame.from_dict(facts, orient="index", columns=FACTS)
    table["robust"] = table["robust"].astype(bool)
    table["is_source"] = table.index == run.source
    transfer = transfer_columns(
        run.rows, models, run.source,
        headline=headline or run.headline, labels=run.manifest.get("labels"),
        voters=list(table.index[table["training"] != "random"]), resamples=resamples, seed=seed,
    )  # fmt: skip
    floor = floor_columns(
        run.rows, run.untrained_sources, source=run.source, headline=headline or run.headline,
        resamples=resamples, seed=seed,
    )  # fmt: skip
    style = style_columns(run.rows, models, resamples=resamples, seed=seed)
    learned = nonrobust_columns(run.rows, known, resamples=resamples, seed=seed)
    untrained = {*run.untrained_sources, *table.index[table["training"] == "random"]}
    lens = lens_columns(run.rows, run.source, untrained=untrained, resamples=resamples, seed=seed)
    lab = lab_columns(run.rows, run.source, resamples=resamples, seed=seed)
    causes = cause_columns(run.rows)
    costs = _costs(run.path / "benchmark.json", models)
    table = table.join([transfer, floor, style, learned, lens, lab, causes, costs])
    return table.rename_axis("model").reset_index()


def _costs(file: Path, models: list[str]) -> pd.DataFrame:
    costs = pd.DataFrame(index=models, columns=list(_COSTS.values()), dtype=float)
    if not file.exists():
        return costs
    try:
        for benchmark in json.loads(file.read_text())["benchmarks"]:
            name = re.fullmatch(r"(\w+)\[(.+)\]", benchmark["name"])
            if name and name[1] in _COSTS and name[2] in costs.index:
                costs.loc[name[2], _COSTS[name[1]]] = float(benchmark["stats"]["median"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"{file} is not pytest-benchmark's JSON ({error!r}): delete it or measure again"
        ) from error
    return costs


def write(table: pd.DataFrame, run: Path, *, name: str = "models") -> Path:
    """Store the table as RUN/analysis/NAME.csv, six significant digits.

    Raises:
        StoreError: the disk is full or not writable.
    """
    text = table.to_csv(index=False, float_format="%.6g", lineterminator="\n")
    file = run / "analysis" / f"{name}.csv"
    write_atomically(file, lambda out: out.write(text.encode()))
    return file
