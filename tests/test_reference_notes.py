"""Numbers written beside a reference run are those of its tables."""

import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from results.store import REFERENCE

_NUMBERS = re.compile(r"([+-]\d+\.\d+) \[([+-]\d+\.\d+), ([+-]\d+\.\d+)\]")

_INTERVALS = re.compile(r"([+-]?\d+\.\d+) \[([+-]?\d+\.\d+), ([+-]?\d+\.\d+)\]")


def _written(value: float, like: str) -> str:
    return f"{value:+.{len(like.partition('.')[2])}f}"


def test_every_interval_beside_the_laboratory_is_in_its_table() -> None:
    folder: Path = REFERENCE / "style-lab"
    table = pd.read_csv(folder / "analysis" / "contrasts.csv")[["effect", "low", "high"]]
    quoted = _NUMBERS.findall((folder / "README.md").read_text())
    assert len(quoted) > 20
    for numbers in quoted:
        found = (
            tuple(_written(v, n) for v, n in zip(line, numbers, strict=True))
            for line in table.itertuples(index=False)
        )
        assert numbers in found, numbers


def test_every_interval_beside_the_attack_lens_is_in_a_table_or_the_summary() -> None:
    folder = REFERENCE / "attack-lens"
    summary = (folder / "analysis" / "summary.md").read_text()
    known = set(_intervals(folder / "analysis"))
    quoted = _INTERVALS.findall((folder / "README.md").read_text())
    assert len(quoted) > 30
    for value, low, high in quoted:
        if f"{value} [{low}, {high}]" in summary:
            continue
        numbers = (float(value), float(low), float(high))
        digits = len(value.partition(".")[2])
        assert numbers in {tuple(round(v, digits) + 0.0 for v in line) for line in known}, numbers


def _intervals(folder: Path) -> Iterator[tuple[float, float, float]]:
    """Every number with ends that a table of the folder has, where the ends' names are its own."""
    for file in sorted(folder.glob("*.csv")):
        table = pd.read_csv(file)
        named = [n for n in table if {f"{n}_low", f"{n}_high"} <= set(table.columns)]
        columns = [(n, f"{n}_low", f"{n}_high") for n in named]
        if {"low", "high"} <= set(table.columns):
            columns += [(n, "low", "high") for n in {"rate", "ratio", "accuracy"} & set(table)]
        for names in columns:
            yield from table[list(names)].dropna().itertuples(index=False, name=None)


def test_the_judges_agreement_is_the_one_measured() -> None:
    folder = REFERENCE / "style-lab"
    judges = pd.read_csv(folder / "analysis" / "judges.csv").set_index("judge")
    said = f"Kendall's W = {judges.loc['(all)', 'kendall_w']:.2f}"
    assert said in (folder / "README.md").read_text()
