"""The README's verdict table, called once on what the reference runs show together.

Runs of ``ORDER`` are pooled (``analysis.pooling``). The quick run has 20 images, three pictures and
seven models, so it speaks only where none of the others is there, and is never mixed with them.
"""

import math
from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.evidence import Evidence, Origin, gather
from analysis.look import save
from analysis.pooling import pool
from analysis.tables import build, load
from analysis.verdict import NOT_MEASURED
from analysis.verdict_plots import forest
from analysis.verdicts import COLUMNS, RULES, amount, effect_of, interval_of, least_of, verdicts
from results.store import REFERENCE, StoreError, write_atomically

README = Path(__file__).parents[1] / "README.md"
VERDICTS = REFERENCE / "verdicts.csv"
ORDER, ALONE = ("cifar10", "style-lab", "attack-lens"), "quick"
BEGIN, END = "<!-- verdicts: begin -->", "<!-- verdicts: end -->"
_WHOLE = (
    " Each score is taken from one run only, the first that has it; pictures that are compared "
    "with each other are of one run, too."
)
_TABLE_RESAMPLES = 100  # for intervals of single models, which no verdict reads


def reference_runs(folder: Path | None = None) -> list[Path]:
    """The committed runs that verdicts are called on, in the order of preference.

    Args:
        folder: where they are; None = this repository's.

    Raises:
        StoreError: there is none.
    """
    folder = folder or REFERENCE
    found = [folder / name for name in ORDER if (folder / name / "manifest.json").exists()]
    if not found and not (folder / ALONE / "manifest.json").exists():
        raise StoreError(f"no reference run in {folder}: name a run, or make one")
    return found or [folder / ALONE]


def evidence_of(runs: Sequence[Path]) -> Evidence:
    """The pooled evidence of these runs.

    Raises:
        StoreError: one is no run, or they do not agree (``pool``).
    """
    loaded = [load(run) for run in runs]
    return pool([gather(run, build(run, resamples=_TABLE_RESAMPLES)) for run in loaded])


def origin_line(evidence: Evidence, found: pd.DataFrame) -> str:
    """Which runs the verdicts rest on, and how large they are."""
    said = [f"`{one.run}` ({_size(one)})" for one in evidence.origins]
    pairs = evidence.pictures["case"].nunique() if "case" in evidence.pictures else 0
    shared = evidence.table["progress_n"].max() if "progress_n" in evidence.table else 0
    common = f", {shared:.0f} of them by every network" if 0 < shared < pairs else ""
    tests = int(found["p"].notna().sum())
    whole = _WHOLE if said[1:] else ""
    return (
        f"From {', '.join(said)}; {pairs} pairs of pictures in all{common}.{whole} p values are "
        f"Holm-corrected over all {tests} tests made."
    )


def _size(origin: Origin) -> str:
    """How many networks, operated copies aside, and labelled images a run has."""
    networks = sum("+" not in name for name in origin.weights) - origin.taught
    said = [f"{networks} networks"]
    taught = f"{origin.taught} more taught by non-robust data or its control"
    said += [taught] if origin.taught else []
    said += [f"{origin.images:,} labelled images"] if origin.images else []
    return ", ".join(said)


def verdict_lines(found: pd.DataFrame) -> str:
    """The verdicts as Markdown, one line a claim tested; the others are named below.

    Args:
        found: ``verdicts.csv``, read back.
    """
    tested = found[found["verdict"] != NOT_MEASURED]
    lines = []
    if len(tested):
        names = ("", "claim", "effect [95 %]", "matters", "n", "p (Holm)", "verdict")
        lines += [f"| {' | '.join(names)} |", "|---" * len(names) + "|"]
    for one in tested.to_dict("records"):
        cells = [
            one["key"], f"{one['claim']} *{one['who']}*", _effect(one), least_of(one),
            f"{one['n']} {one['unit']}", amount(one["p_holm"], 3), f"**{one['verdict']}**",
        ]  # fmt: skip
        lines.append(f"| {' | '.join(str(cell).replace('|', '/') for cell in cells)} |")
    lacking = found[found["verdict"] == NOT_MEASURED]
    lines += ["", RULES, ""] if len(tested) else []
    for command, part in lacking.groupby("command", sort=False):
        keys = ", ".join(part["key"])
        lines.append(f"Not measured: {keys}; `{command}` would tell, once the networks they ask "
                     "for are trained ([which are](zoo/README.md)).")  # fmt: skip
        lines.append("")
    return "\n".join(lines).rstrip("\n")


def _effect(one: Mapping[Any, Any]) -> str:
    """The estimate with its unit, or why there is none."""
    if math.isnan(one["effect"]):
        return effect_of(one)
    return f"{interval_of(one)} {one['scale']}"


def with_verdicts(text: str, found: pd.DataFrame, origin: str) -> str:
    """A README with the table of these verdicts between its marks, and where they come from.

    Raises:
        StoreError: the marks are not there, once each and in order.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end) or BEGIN in rest or END in after:
        raise StoreError(f"the README has no place for verdicts: write {BEGIN} and {END} into it")
    return f"{before}{BEGIN}\n{origin}\n\n{verdict_lines(found)}\n{END}{after}"


def read_verdicts(file: Path | None = None) -> pd.DataFrame:
    """``verdicts.csv`` of this file; None = the one of all reference runs.

    Raises:
        StoreError: the file is not there or is another one.
    """
    file = file or VERDICTS
    try:
        found = pd.read_csv(file)
    except (OSError, ValueError) as error:
        raise StoreError(f"{file} is no verdicts.csv: run python -m analysis readme") from error
    if list(found.columns) != COLUMNS:
        raise StoreError(f"{file} has other columns: run python -m analysis readme again")
    return found


def write_readme(
    runs: Sequence[Path] = (), *, readme: Path | None = None, verdicts_file: Path | None = None
) -> list[Path]:
    """Call the verdicts on pooled runs; write the table, its forest plot and the README's part.

    Args:
        runs: in the order of preference; none = ``reference_runs``.
        readme: None = this repository's.
        verdicts_file: None = ``VERDICTS``; the plot lies beside it.

    Returns:
        The files written.

    Raises:
        StoreError: see ``with_verdicts`` and ``evidence_of``; or a file is not writable.
    """
    readme, file = readme or README, verdicts_file or VERDICTS
    try:
        before = readme.read_text()
    except OSError as error:
        raise StoreError(f"{readme} cannot be read: run this from a checkout") from error
    evidence = evidence_of(runs or reference_runs())
    table = verdicts(evidence).to_csv(index=False, float_format="%.6g", lineterminator="\n")
    found = pd.read_csv(StringIO(table))  # as whoever reads the file sees it
    text = with_verdicts(before, found, origin_line(evidence, found)).encode()
    write_atomically(file, lambda out: out.write(table.encode()))
    drawn = save(forest(found), file.with_suffix(""))
    write_atomically(readme, lambda out: out.write(text))
    return [file, *drawn, readme]
