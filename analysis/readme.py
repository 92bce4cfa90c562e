"""The README's verdict table, made from the reference run between two marks."""

from pathlib import Path

import pandas as pd

from analysis.verdict import NOT_MEASURED
from analysis.verdicts import COLUMNS, interval_of
from results.store import REFERENCE, StoreError, write_atomically

README = Path(__file__).parents[1] / "README.md"
VERDICTS = REFERENCE / "quick" / "analysis" / "verdicts.csv"
BEGIN, END = "<!-- verdicts: begin -->", "<!-- verdicts: end -->"


def verdict_lines(found: pd.DataFrame) -> str:
    """The verdicts as Markdown, one line a claim tested; the others are named below.

    Args:
        found: ``verdicts.csv``, read back.
    """
    tested = found[found["verdict"] != NOT_MEASURED]
    lines = []
    if len(tested):
        lines += ["| | claim | who | effect [95 %] | n | verdict |", "|---|---|---|---|---|---|"]
    for one in tested.to_dict("records"):
        cells = [
            one["key"], one["claim"], one["who"], f"{interval_of(one)} {one['scale']}",
            f"{one['n']} {one['unit']}", f"**{one['verdict']}**",
        ]  # fmt: skip
        lines.append(f"| {' | '.join(str(cell).replace('|', '/') for cell in cells)} |")
    lacking = found[found["verdict"] == NOT_MEASURED]
    lines += ["" for _ in lines[:1]]
    for command, part in lacking.groupby("command", sort=False):
        lines.append(f"Not measured in this run: {', '.join(part['key'])}; `{command}` would tell.")
        lines.append("")
    return "\n".join(lines).rstrip("\n")


def with_verdicts(text: str, found: pd.DataFrame) -> str:
    """A README with the table of these verdicts between its marks.

    Raises:
        StoreError: the marks are not there, once each and in order.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end) or BEGIN in rest or END in after:
        raise StoreError(f"the README has no place for verdicts: write {BEGIN} and {END} into it")
    return f"{before}{BEGIN}\n{verdict_lines(found)}\n{END}{after}"


def read_verdicts(file: Path | None = None) -> pd.DataFrame:
    """``verdicts.csv`` of this file; None = the reference run's.

    Raises:
        StoreError: the file is not there or is another one.
    """
    file = file or VERDICTS
    try:
        found = pd.read_csv(file)
    except (OSError, ValueError) as error:
        raise StoreError(f"{file} is no verdicts.csv: run python -m analysis first") from error
    if list(found.columns) != COLUMNS:
        raise StoreError(f"{file} has other columns: run python -m analysis again")
    return found


def write_readme(readme: Path | None = None, verdicts: Path | None = None) -> Path:
    """Bring a README's table up to date; None = this repository's, and the reference run's.

    Raises:
        StoreError: see ``with_verdicts`` and ``read_verdicts``; or the README is not writable.
    """
    readme = readme or README
    try:
        before = readme.read_text()
    except OSError as error:
        raise StoreError(f"{readme} cannot be read: run this from a checkout") from error
    text = with_verdicts(before, read_verdicts(verdicts)).encode()
    write_atomically(readme, lambda out: out.write(text))
    return readme
