"""One sheet a condition: what every network made of every pair, with the scores underneath."""

import math
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path

import pandas as pd
from PIL import Image, ImageDraw, ImageFont

from analysis.figures import listed_pictures
from analysis.style_columns import PERIODS, style_facts
from results.store import write_atomically

LARGEST = 1_000_000  # bytes of a sheet, so that it can be committed
_SIDE, _TEXT, _GAP = 112, 26, 6  # pixels of a picture's longer side, of two lines, between pictures
_QUALITIES = (88, 75, 60, 45, 30, 15)
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
        yield f"{str(variant).replace('/', '_')}.webp", _encoded(_sheet(run, part, files, notes))


def write_sheets(run: Path, rows: pd.DataFrame) -> list[Path]:
    """Store ``contact_sheets`` in RUN/analysis/sheets and return the files.

    Raises:
        StoreError: the disk is full or not writable.
    """
    written = []
    for name, content in contact_sheets(run, rows):
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
    font = ImageFont.load_default(size=10)
    left = int(max(font.getlength(name) for name in (*models, *_UNTOUCHED))) + 2 * _GAP
    wide, high, top = _SIDE + _GAP, _SIDE + _TEXT + _GAP, _TEXT + _GAP
    lines = [*_UNTOUCHED, *models]
    sheet = Image.new("RGB", (left + wide * len(columns), top + high * len(lines)), "white")
    draw = ImageDraw.Draw(sheet)
    for i, name in enumerate(lines):
        draw.text((_GAP, top + i * high + _SIDE // 2), name, fill="black", font=font)
    for j, (case, amount) in enumerate(columns.itertuples(index=False)):
        x = left + j * wide
        content, _, own_style = case.partition("+")
        draw.text((x, 2), f"{content}\n{own_style} w{amount}", fill="black", font=font)
        own = dict(zip(_UNTOUCHED, (content, own_style), strict=True))
        for i, name in enumerate(lines):
            y, note, file = top + i * high, "", untouched.get((name, own.get(name, "")))
            if (name, case, amount) in kept.index:
                condition, found = kept.loc[(name, case, amount), ["condition", "file"]]
                note, file = notes.get((name, case, str(condition)), ""), run / str(found)
            if file is not None and file.exists():
                _paste(sheet, file, (x, y))
            draw.text((x, y + _SIDE), note, fill="black", font=font)
    return sheet


def _numbers(names: pd.Series) -> pd.Series:
    return names.astype(float)


def _paste(sheet: Image.Image, file: Path, corner: tuple[int, int]) -> None:
    with Image.open(file) as picture:
        small = picture.convert("RGB")
    small.thumbnail((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    sheet.paste(small, corner)


def _encoded(sheet: Image.Image) -> bytes:
    """WEBP of the best quality that fits; the format ends at 16,383 pixels a side."""
    scale = min(1.0, 16_383 / max(sheet.size))
    shown = sheet if scale == 1 else sheet.resize([int(scale * side) for side in sheet.size])
    content = b""
    for quality in _QUALITIES:
        buffer = BytesIO()
        shown.save(buffer, format="WEBP", quality=quality, method=4)
        content = buffer.getvalue()
        if len(content) <= LARGEST:
            break
    return content
