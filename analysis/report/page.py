"""The report: one HTML file that opens from disk, with its scripts and pictures inside."""

import math
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd
import vl_convert
from jinja2 import Environment, PackageLoader, StrictUndefined

from analysis.plots import LABELS
from analysis.report.charts import scatter
from analysis.report.drawn import on_page
from analysis.report.gallery import Gallery, gallery, spectra
from analysis.summary import MAIN
from analysis.tables import Run
from analysis.verdict import CONTRADICTED, NOT_MEASURED, SUPPORTED, UNDECIDED
from analysis.verdicts import amount, effect_of
from analysis.written import number
from results.schema import METRICS
from results.store import write_atomically

_EXPORTS = "window.vegaEmbed = vegaEmbed;"
_CLASSES = {SUPPORTED: "supported", CONTRADICTED: "contradicted", UNDECIDED: "undecided"}
_ABOUT = ("family", "training", "role", "params")
_MANIFEST = (
    "commit", "device", "machine", "threads", "precision", "judge", "versions", "images",
    "pictures",
)  # fmt: skip
_RELATIONS = {
    "x": "x", "y": "y", "n": "models", "rho": "rho [95 %]", "nested": "nested 95 %",
    "tau": "tau [95 %]", "p": "p", "slope_mixed": "slope, mixed [95 %]", "units": "over units",
    "seeds": "over seeds", "ceiling": "ceiling",
}  # fmt: skip


def write_page(
    run: Run, table: pd.DataFrame, answers: pd.DataFrame, pairs: pd.DataFrame,
    drawn: Mapping[str, Path] = MappingProxyType({}),
) -> Path:  # fmt: skip
    """Store the page as RUN/analysis/report.html.

    Args:
        run: for its manifest and pictures.
        table: its model table.
        answers: ``analysis.verdicts.verdicts``.
        pairs: ``analysis.correlations.correlations``.
        drawn: its figures, PNG by name.

    Raises:
        StoreError: a picture or figure is damaged, or the disk is full or not writable.
    """
    file = run.path / "analysis" / "report.html"
    text = page(run, table, answers, pairs, drawn).encode()
    write_atomically(file, lambda out: out.write(text))
    return file


def page(
    run: Run, table: pd.DataFrame, answers: pd.DataFrame, pairs: pd.DataFrame,
    drawn: Mapping[str, Path] = MappingProxyType({}),
) -> str:  # fmt: skip
    """The page's text; equal runs give equal text. See ``write_page``."""
    shown = gallery(run)
    figures, unshown = on_page(drawn)
    hover = {model: next(iter(row.values())) for model, row in shown.made.items()}
    chart = scatter(table, hover)
    environment = Environment(
        loader=PackageLoader("analysis.report", "."), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    told = answers["verdict"] != NOT_MEASURED
    cards = [
        one | {"css": _CLASSES[str(one["verdict"])], "interval": effect_of(one),
               "estimated": math.isfinite(one["effect"]), 
               "power": amount(one["detectable"]), "p_text": amount(one["p_holm"], 3)}
        for one in answers[told].to_dict("records")
    ]  # fmt: skip
    return environment.get_template("page.html.j2").render(
        preset=str(run.manifest.get("preset", "unnamed preset")),
        source=run.source or "not named",
        cards=cards,
        unmeasured=answers[~told].to_dict("records"),
        counts=answers["verdict"].value_counts().to_dict(),
        chart=chart,
        labels=LABELS,
        vega=vl_convert.javascript_bundle(_EXPORTS) if chart else "",
        shown=shown,
        first=_compared(table, shown),
        spectra=spectra(run, shown),
        figures=figures,
        unshown=unshown,
        relation_titles=list(_RELATIONS.values()),
        relations=[_relation(one) for one in pairs.to_dict("records")],
        titles=list(MAIN.values()),
        models=[_model(row, shown) for row in table.to_dict("records")],
        metrics=METRICS,
        manifest={key: run.manifest.get(key, "not recorded")
                  for key in _MANIFEST} | {"weights": _weights(run)},
    )  # fmt: skip


def _weights(run: Run) -> str:
    """The sha256 of every model's weights, shortened as a digest on a page is."""
    models = run.manifest.get("models", {})
    known = [f"{name} {about['sha256'][:16]}" for name, about in sorted(models.items())
             if about.get("sha256")]  # fmt: skip
    return ", ".join(known) or "not recorded"


def _compared(table: pd.DataFrame, shown: Gallery) -> tuple[str, str]:
    """Which two models the divider starts with: the furthest progress, and the source."""
    names = list(shown.made)
    if not names:
        return "", ""
    known = table[table["model"].isin(names)].sort_values(["progress", "model"])
    source = [str(name) for name in known.loc[known["is_source"].astype(bool), "model"]]
    right = source[0] if source else names[0]
    others = [str(name) for name in known["model"] if name != right]
    return (others[-1] if others else right), right


def _model(row: dict[Any, Any], shown: Gallery) -> dict[str, Any]:
    """A model's line in the table and its section: all numbers it has, with their intervals."""
    numbers = [
        (name, number(row, name))
        for name, value in row.items()
        if isinstance(value, float) and not math.isnan(value)
        and not str(name).endswith(("_low", "_high", "_n"))
    ]  # fmt: skip
    return {
        "name": str(row["model"]),
        "is_source": bool(row["is_source"]),
        "about": ", ".join(f"{key} {row[key]}" for key in _ABOUT),
        "cells": [number(row, key) for key in MAIN],
        "numbers": numbers,
        "cases": [case for case in shown.cases if case in shown.made.get(str(row["model"]), {})],
    }


def _relation(one: dict[Any, Any]) -> dict[str, Any]:
    """A pair's line: cells in the order of ``_RELATIONS``, or the reason why there are none."""
    if not math.isfinite(one["rho"]):
        return {"cells": [one["x"], one["y"], str(one["n"])], "reason": one["reason"]}
    cells = [
        one["x"], one["y"], str(one["n"]), _ends(one, "rho", "low", "high"),
        f"[{amount(one['nested_low'])}, {amount(one['nested_high'])}]",
        _ends(one, "tau", "tau_low", "tau_high"), amount(one["p"], 3),
        _ends(one, "slope_mixed", "slope_mixed_low", "slope_mixed_high"),
        f"{amount(one['x_over_units'])}, {amount(one['y_over_units'])}",
        f"{amount(one['x_over_seeds'])}, {amount(one['y_over_seeds'])}", amount(one["ceiling"]),
    ]  # fmt: skip
    return {"cells": cells, "reason": ""}


def _ends(one: dict[Any, Any], value: str, low: str, high: str) -> str:
    if math.isnan(one[value]):
        return "-"
    return f"{one[value]:+.2f} [{one[low]:+.2f}, {one[high]:+.2f}]"
