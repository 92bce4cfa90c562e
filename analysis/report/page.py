"""The report: one HTML file that opens from disk, with its scripts and pictures inside."""

import base64
from io import BytesIO
from pathlib import Path

import pandas as pd
import vl_convert
from jinja2 import Environment, PackageLoader, StrictUndefined
from PIL import Image

from analysis.figures import shown_pictures
from analysis.report.charts import scatter
from analysis.summary import MAIN, number
from analysis.tables import Run
from analysis.verdict import CONTRADICTED, NOT_MEASURED, SUPPORTED, UNDECIDED
from analysis.verdicts import amount, interval_of
from results.schema import METRICS
from results.store import StoreError, write_atomically

_SIDE = 160  # pixels of a picture on the page; a run of fifty models stays below 10 MB
_EXPORTS = "window.vegaEmbed = vegaEmbed;"
_CLASSES = {SUPPORTED: "supported", CONTRADICTED: "contradicted", UNDECIDED: "undecided",
            NOT_MEASURED: "unmeasured"}  # fmt: skip


def write_page(run: Run, table: pd.DataFrame, answers: pd.DataFrame) -> Path:
    """Store the page as RUN/analysis/report.html.

    Args:
        run: for its manifest and pictures.
        table: its model table.
        answers: ``analysis.verdicts.verdicts``.

    Raises:
        StoreError: a picture is damaged, or the disk is full or not writable.
    """
    file = run.path / "analysis" / "report.html"
    text = page(run, table, answers).encode()
    write_atomically(file, lambda out: out.write(text))
    return file


def page(run: Run, table: pd.DataFrame, answers: pd.DataFrame) -> str:
    """The page's text; equal runs give equal text."""
    gallery = _gallery(run)
    hover = {model: next(iter(row.values())) for model, row in gallery.items()}
    chart = scatter(table, hover)
    environment = Environment(
        loader=PackageLoader("analysis.report", "."), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    cards = [
        one | {"css": _CLASSES[str(one["verdict"])], "interval": interval_of(one),
               "power": amount(one["detectable"]), "p_text": amount(one["p_holm"], 3)}
        for one in answers.to_dict("records")
    ]  # fmt: skip
    lines = [
        {"model": row["model"], "is_source": row["is_source"],
         "cells": [number(row, key) for key in MAIN]}
        for row in table.to_dict("records")
    ]  # fmt: skip
    return environment.get_template("page.html.j2").render(
        preset=str(run.manifest.get("preset", "unnamed preset")),
        source=run.source or "not named",
        cards=cards,
        counts=answers["verdict"].value_counts().to_dict(),
        chart=chart,
        vega=vl_convert.javascript_bundle(_EXPORTS) if chart else "",
        gallery=gallery,
        cases=sorted({case for row in gallery.values() for case in row}),
        titles=list(MAIN.values()),
        lines=lines,
        metrics=METRICS,
        manifest={key: run.manifest.get(key, "not recorded")
                  for key in ("commit", "device", "machine", "versions", "images", "pictures")},
    )  # fmt: skip


def _gallery(run: Run) -> dict[str, dict[str, str]]:
    """Pictures of the main condition as data URIs, by model and case; originals in brackets."""
    found: dict[str, dict[str, str]] = {}
    for one in shown_pictures(run.path).sort_values(["model", "case"]).to_dict("records"):
        if not str(one["model"]).startswith("("):
            uri = _data_uri(run.path / str(one["file"]))
            found.setdefault(str(one["model"]), {})[str(one["case"])] = uri
    return found


def _data_uri(file: Path) -> str:
    """A picture at most ``_SIDE`` pixels wide, cropped and not shrunk: that would hide lattices."""
    buffer = BytesIO()
    try:
        with Image.open(file) as opened:
            wide, high = opened.size
            left, top = max(0, wide - _SIDE) // 2, max(0, high - _SIDE) // 2
            box = (left, top, left + min(wide, _SIDE), top + min(high, _SIDE))
            opened.convert("RGB").crop(box).save(buffer, "WEBP", quality=92)
    except OSError as error:
        raise StoreError(f"{file} is damaged or gone ({error}): run the bench again") from error
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"
