"""Numbers in a note beside a run, renewed from its tables.

A number with its interval that a note takes from ``contrasts.csv``, ``factory.csv`` or
``models.csv`` is followed by the row and the score it is of, in a comment that Markdown does not
show: ``+0.11 [-0.01, +0.23]<!-- NAME | SCORE -->``, ``0.38 [0.35, 0.42]<!-- MODEL | COLUMN -->``.
"""

import re
from pathlib import Path

import numpy as np
import pandas as pd

from results.store import StoreError, write_atomically

QUOTED = re.compile(r"(?P<value>[+-]?\d+\.\d+) \[[+-]?\d+\.\d+, [+-]?\d+\.\d+\]")
_MARKED = re.compile(rf"{QUOTED.pattern}(?P<mark><!-- (?P<name>.+?) \| (?P<score>\S+) -->)")
_ROW = ["comparison", "score", "effect", "low", "high"]


def renewed(text: str, rows: pd.DataFrame) -> str:
    """A note with its marked numbers as the table has them now, with as many digits as before.

    A sign before a number that is not negative stays if it was there.

    Args:
        text: Markdown.
        rows: ``rows_of``.

    Raises:
        StoreError: a mark names a row that the table does not have, or one without an interval.
    """
    keys = zip(rows["comparison"], rows["score"], strict=True)
    known = dict(zip(keys, rows[_ROW[2:]].to_numpy(float), strict=True))

    def number(found: re.Match[str]) -> str:
        key = (found["name"], found["score"])
        if key not in known:
            raise StoreError(f"no row {' | '.join(key)} in this run: mend the note")
        if not np.isfinite(known[key]).all():
            raise StoreError(f"{' | '.join(key)} has no interval in this run: mend the note")
        digits = len(found["value"].partition(".")[2])
        sign = "+" if found["value"][0] in "+-" else "-"
        value, low, high = (f"{part:{sign}.{digits}f}" for part in known[key])
        return f"{value} [{low}, {high}]{found['mark']}"

    return _MARKED.sub(number, text)


def rows_of(run: Path) -> pd.DataFrame:
    """All rows that a run's note may take numbers from: comparison, score, effect, low, high.

    A model's scores have the model as their comparison and the column's name as their score.

    Raises:
        OSError: it has no contrasts.csv.
    """
    tables = run / "analysis"
    parts = [pd.read_csv(tables / "contrasts.csv")]
    if (tables / "factory.csv").exists():
        parts.append(pd.read_csv(tables / "factory.csv"))
    if (tables / "models.csv").exists():
        parts += _scores(pd.read_csv(tables / "models.csv"))
    return pd.concat([part[_ROW] for part in parts], ignore_index=True)


def _scores(models: pd.DataFrame) -> list[pd.DataFrame]:
    """The columns of the model table that have ends, one frame each."""
    found = []
    for score in map(str, models):
        names = ["model", score, f"{score}_low", f"{score}_high"]
        if set(names) <= set(models):
            cut = models[names].set_axis(["comparison", "effect", "low", "high"], axis=1)
            found.append(cut.assign(score=score))
    return found


def renew(run: Path) -> Path:
    """Renew the README.md of a run's directory in place.

    Raises:
        StoreError: it has none, or no contrasts.csv, or see ``renewed``.
    """
    note = run / "README.md"
    try:
        text, rows = note.read_text(), rows_of(run)
    except OSError as error:
        raise StoreError(
            f"{error.filename} cannot be read: name an analysed run with a note"
        ) from error
    content = renewed(text, rows).encode()
    write_atomically(note, lambda out: out.write(content))
    return note
