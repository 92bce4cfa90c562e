"""Numbers in a note beside a run, renewed from its table of comparisons.

A number with its interval that a note takes from ``contrasts.csv`` or ``factory.csv`` is followed
by the row it is of, in a comment that Markdown does not show:
``+0.11 [-0.01, +0.23]<!-- NAME | SCORE -->``.
"""

import re
from pathlib import Path

import numpy as np
import pandas as pd

from results.store import StoreError, write_atomically

QUOTED = re.compile(r"(?P<value>[+-]\d+\.\d+) \[[+-]\d+\.\d+, [+-]\d+\.\d+\]")
_MARKED = re.compile(rf"{QUOTED.pattern}(?P<mark><!-- (?P<name>.+?) \| (?P<score>\w+) -->)")


def renewed(text: str, compared: pd.DataFrame) -> str:
    """A note with its marked numbers as the table has them now, with as many digits as before.

    Args:
        text: Markdown.
        compared: ``lab_contrasts.contrasts``, with ``switches.factory_effects`` below.

    Raises:
        StoreError: a mark names a row that the table does not have, or one without an interval.
    """
    keys = zip(compared["comparison"], compared["score"], strict=True)
    ends = compared[["effect", "low", "high"]].to_numpy(float)
    rows = dict(zip(keys, ends, strict=True))

    def number(found: re.Match[str]) -> str:
        key = (found["name"], found["score"])
        if key not in rows:
            raise StoreError(f"no comparison {' | '.join(key)} in this run: mend the note")
        if not np.isfinite(rows[key]).all():
            raise StoreError(f"{' | '.join(key)} has no interval in this run: mend the note")
        digits = len(found["value"].partition(".")[2])
        value, low, high = (f"{part:+.{digits}f}" for part in rows[key])
        return f"{value} [{low}, {high}]{found['mark']}"

    return _MARKED.sub(number, text)


def comparisons_of(run: Path) -> pd.DataFrame:
    """All rows that a run's note may take numbers from.

    Raises:
        OSError: it has no contrasts.csv.
    """
    tables = run / "analysis"
    parts = [pd.read_csv(tables / "contrasts.csv")]
    if (tables / "factory.csv").exists():
        parts.append(pd.read_csv(tables / "factory.csv"))
    return pd.concat(parts, ignore_index=True)


def renew(run: Path) -> Path:
    """Renew the README.md of a run's directory in place.

    Raises:
        StoreError: it has none, or no contrasts.csv, or see ``renewed``.
    """
    note = run / "README.md"
    try:
        text, compared = note.read_text(), comparisons_of(run)
    except OSError as error:
        raise StoreError(
            f"{error.filename} cannot be read: name an analysed run with a note"
        ) from error
    content = renewed(text, compared).encode()
    write_atomically(note, lambda out: out.write(content))
    return note
