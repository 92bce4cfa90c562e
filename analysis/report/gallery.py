"""The page's pictures and spectra: what of a run fits into one file."""

import base64
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd
from PIL import Image

from analysis.figures import listed_pictures, shown_pictures, strongest
from analysis.style_columns import PERIODS, style_curves
from analysis.tables import Run
from results.store import StoreError

SIDE = 160  # pixels of a picture on the page
_QUALITIES = (92, 80, 65)  # of WebP; the first that fits is taken
_MOST = 4_000_000  # bytes of all pictures; figures, scripts, numbers take 3.5, eight is the limit


@dataclass(frozen=True)
class Gallery:
    """Pictures of the main condition as data URIs.

    Attributes:
        cases: the pairs of pictures, in the order of the columns.
        made: model -> case -> picture.
        styles: case -> the style picture itself, where the run kept it.
        left_out: pairs that found no room.
    """

    cases: list[str]
    made: dict[str, dict[str, str]]
    styles: dict[str, str]
    left_out: int


def gallery(run: Run, *, most: int = _MOST) -> Gallery:
    """The pictures of a run, as good as they fit: lower quality first, then fewer pairs.

    Args:
        run: where they are.
        most: bytes of all data URIs.

    Raises:
        StoreError: a picture is damaged.
    """
    shown = shown_pictures(run.path).sort_values(["case", "model"])
    shown = shown[~shown["model"].str.startswith("(")]
    every = sorted(shown["case"].unique())
    own = _styles(run, every)
    for quality in _QUALITIES:
        made: dict[str, dict[str, str]] = {}
        for one in shown.to_dict("records"):
            uri = data_uri(run.path / str(one["file"]), quality)
            made.setdefault(str(one["model"]), {})[str(one["case"])] = uri
        if _size(made) <= most:
            break
    cases = every
    while len(cases) > 1 and _size(made) > most:
        cases = cases[:-1]
        made = {m: {c: uri for c, uri in row.items() if c in cases} for m, row in made.items()}
    kept = {model: made[model] for model in sorted(made) if made[model]}
    styles = {case: data_uri(own[case], _QUALITIES[0]) for case in cases if case in own}
    return Gallery(cases, kept, styles, len(every) - len(cases))


def _size(made: dict[str, dict[str, str]]) -> int:
    """Bytes on the page, where the scatter shows each model's first picture once more."""
    return sum(map(len, (uri for row in made.values() for uri in (*row.values(), *_first(row)))))


def _first(row: dict[str, str]) -> list[str]:
    return list(row.values())[:1]


def _styles(run: Run, cases: list[str]) -> dict[str, Path]:
    """The style picture of each pair; listed under the pair or under its own name."""
    listed = listed_pictures(run.path)
    own = listed[listed["model"] == "(style)"].set_index("case")["file"].to_dict()
    files = {case: own.get(case, own.get(case.partition("+")[2])) for case in cases}
    return {case: run.path / str(file) for case, file in files.items() if file is not None}


def data_uri(file: Path, quality: int) -> str:
    """A picture at most ``SIDE`` pixels wide, cropped and not shrunk: that would hide lattices."""
    buffer = BytesIO()
    try:
        with Image.open(file) as opened:
            wide, high = opened.size
            left, top = max(0, wide - SIDE) // 2, max(0, high - SIDE) // 2
            box = (left, top, left + min(wide, SIDE), top + min(high, SIDE))
            opened.convert("RGB").crop(box).save(buffer, "WEBP", quality=quality)
    except OSError as error:
        raise StoreError(f"{file} is damaged or gone ({error}): run the bench again") from error
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def spectra(run: Run, shown: Gallery) -> dict[str, Any]:
    """Radial power beside the pictures: side, first bin, periods, and model -> case -> dB a bin.

    Bins count cycles per picture, one apart; mean over what the main condition repeats.
    """
    lines = strongest(style_curves(run.rows, "radial_power"))
    lines = lines[lines["model"].isin(list(shown.made)) & lines["case"].isin(shown.cases)]
    if lines.empty:
        return {"side": 0, "first": 0, "periods": list(PERIODS), "power": {}}
    side = 2 * int(lines["step"].max())
    first = max(1, side // 64)
    means: pd.Series = lines[lines["step"] >= first].groupby(["model", "case", "step"])[
        "value"
    ].mean()  # fmt: skip
    power: dict[str, dict[str, list[float]]] = {}
    for (model, case), line in means.groupby(["model", "case"]):
        power.setdefault(str(model), {})[str(case)] = [round(float(value), 1) for value in line]
    return {"side": side, "first": first, "periods": list(PERIODS), "power": power}
