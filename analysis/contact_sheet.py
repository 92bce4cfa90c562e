"""One sheet a condition: what every network made of every pair, with the scores underneath."""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd
from PIL import Image

from analysis.feature_sheet import feature_sheets
from analysis.figures import listed_pictures
from analysis.sheet import encoded, sheet
from analysis.style_columns import PERIODS, style_facts
from results.store import write_atomically

_MARK = r"^(?P<variant>.+)/w(?P<amount>[\d.e+-]+)$"
_UNTOUCHED = ("(content)", "(style)")


def contact_sheets(run: Path, rows: pd.DataFrame) -> Iterator[tuple[str, bytes]]:
    """File name and WEBP bytes of a sheet for each condition that the run kept pictures of.

    Lines are networks, columns style weights and pairs of content and style, untouched pictures
    first. Under each picture: style progress by the judge and by texture, the largest stride-locked
    peak above the style's in dB, structural similarity with the content.
    """
    index = listed_pictures(run)
    index = index.join(index["condition"].str.extract(_MARK))
    notes = _notes(rows)
    files = {(m, c): run / str(f) for m, c, f in zip(index["model"], index["case"], index["file"],
                                                    strict=True) if m in _UNTOUCHED}  # fmt: skip
    for variant, part in index.dropna(subset="variant").groupby("variant"):
        yield f"{str(variant).replace('/', '_')}.webp", encoded(_sheet(run, part, files, notes))


def write_sheets(run: Path, rows: pd.DataFrame) -> list[Path]:
    """Store ``contact_sheets`` and ``feature_sheets`` in RUN/analysis/sheets and return the files.

    Raises:
        StoreError: the disk is full or not writable.
    """
    written = []
    for name, content in (*contact_sheets(run, rows), *feature_sheets(run, rows)):
        written.append(run / "analysis" / "sheets" / name)
        write_atomically(written[-1], lambda out, content=content: out.write(content))
    return written


def _notes(rows: pd.DataFrame) -> dict[tuple[str, str, str], str]:
    """The two lines under each picture, by model, case and condition; of the first seed."""
    facts = style_facts(rows)
    peaks = [f"peak_{period}" for period in PERIODS]
    names = [*peaks, *(f"{peak}_style" for peak in peaks), "texture_progress", "content_ssim"]
    known = facts.reindex(columns=[*facts.columns, *(n for n in names if n not in facts)])
    own = known[[f"{peak}_style" for peak in peaks]].to_numpy(float)
    above = pd.DataFrame(known[peaks].to_numpy(float) - own).max(axis=1)
    lines = zip(
        known["model"], known["case"], known["condition"], known["progress"],
        known["texture_progress"], above, known["content_ssim"], strict=True,
    )  # fmt: skip
    notes: dict[tuple[str, str, str], str] = {}
    for model, case, condition, progress, texture, peak, ssim in lines:
        first = [("progress {:.2f}", progress), ("tex {:.2f}", texture)]
        second = [("K {:+.1f} dB", peak), ("SSIM {:.2f}", ssim)]
        text = "\n".join(_known(line) for line in (first, second))
        notes.setdefault((model, case, condition), text)
    return notes


def _known(scores: list[tuple[str, float]]) -> str:
    """One line of the scores that were measured."""
    return " ".join(form.format(value) for form, value in scores if not math.isnan(value))


def _sheet(
    run: Path,
    part: pd.DataFrame,
    untouched: Mapping[tuple[str, str], Path],
    notes: Mapping[tuple[str, str, str], str],
) -> Image.Image:
    """A condition's pictures ``part``; files of untouched ones by role and name."""
    models = sorted(part["model"].unique())
    columns = part[["case", "amount"]].drop_duplicates()
    columns = columns.sort_values("case").sort_values("amount", key=_numbers, kind="stable")
    names = ["model", "case", "amount"]
    kept = part.drop_duplicates(names).set_index(names)
    places, heads = {}, []
    for j, (case, amount) in enumerate(columns.itertuples(index=False)):
        content, _, own_style = case.partition("+")
        heads.append(f"{content} w{amount}\n{own_style}")
        own = dict(zip(_UNTOUCHED, (content, own_style), strict=True))
        for i, name in enumerate([*_UNTOUCHED, *models]):
            if (name, case, amount) in kept.index:
                condition, found = kept.loc[(name, case, amount), ["condition", "file"]]
                places[i, j] = (run / str(found), notes.get((name, case, str(condition)), ""))
            elif file := untouched.get((name, own.get(name, ""))):
                places[i, j] = (file, "")
    return sheet([*_UNTOUCHED, *models], heads, places)


def _numbers(names: pd.Series) -> pd.Series:
    return names.astype(float)
