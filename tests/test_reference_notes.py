"""Numbers written beside a reference run are those of its tables."""

import re
from pathlib import Path

import pandas as pd

from results.store import REFERENCE

_NUMBERS = re.compile(r"([+-]\d+\.\d+) \[([+-]\d+\.\d+), ([+-]\d+\.\d+)\]")


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


def test_the_judges_agreement_is_the_one_measured() -> None:
    folder = REFERENCE / "style-lab"
    judges = pd.read_csv(folder / "analysis" / "judges.csv").set_index("judge")
    said = f"Kendall's W = {judges.loc['(all)', 'kendall_w']:.2f}"
    assert said in (folder / "README.md").read_text()
