"""Two runs side by side: which numbers moved beyond their intervals, and what else differs."""

import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from analysis.nested import Facts
from analysis.stats import LEVEL

COLUMNS = ["model", "column", "cases", "before", "after", "change", "low", "high", "moved"]
_EXPECTED = {"cells", "schema"}  # digests of what was measured: models and settings say the same


def compare(
    before: pd.DataFrame, after: pd.DataFrame,
    facts: tuple[Mapping[str, Facts], Mapping[str, Facts]] = ({}, {}),
) -> pd.DataFrame:  # fmt: skip
    """One line a model and number that both tables give with an interval, moved ones first.

    ``change`` = after - before with a 95 % interval. Where both runs have the same cases (images,
    pictures), before and after are means over those, and the interval is that of their paired
    differences; ``cases`` counts them. Elsewhere ``cases`` is 0, and the interval is made of both
    (Zou & Donner 2008) as if the runs were independent. ``moved``: the interval excludes 0; of
    numbers that did not change, 5 % at most are expected to.

    Args:
        before, after: model tables.
        facts: by column, what each table's numbers are means of (``correlations.facts_of``).
    """
    lines = [_long(table) for table in (before, after)]
    both = lines[0].merge(lines[1], on=["model", "column"], suffixes=("_a", "_b"))
    a, b = both["value_a"], both["value_b"]
    down = np.hypot(b - both["low_b"], both["high_a"] - a)
    up = np.hypot(both["high_b"] - b, a - both["low_a"])
    found = pd.DataFrame({
        "model": both["model"], "column": both["column"], "cases": 0, "before": a, "after": b,
        "change": b - a, "low": b - a - down, "high": b - a + up,
    })  # fmt: skip
    for place, (model, column) in enumerate(zip(both["model"], both["column"], strict=True)):
        sides = [_by_case(known.get(column), model) for known in facts]
        paired = pd.concat(sides, axis=1, keys=["before", "after"], join="inner").dropna()
        if len(paired) > 1:
            for name, value in _paired(paired).items():
                found.loc[place, name] = value
    found["moved"] = (found["low"] > 0) | (found["high"] < 0)
    order = found["change"].abs().sort_values(ascending=False).index
    sized = found.loc[order].sort_values("moved", ascending=False, kind="stable")
    return sized[COLUMNS].reset_index(drop=True)


def _by_case(facts: Facts | None, model: str) -> pd.Series:
    """A model's values by case; none where the number is the largest of several means."""
    if facts is None or model not in facts.models or len(facts.values) > 1:
        return pd.Series(dtype=float)
    return pd.Series(facts.values[0][:, facts.models.index(model)], index=list(facts.cases))


def _paired(sides: pd.DataFrame) -> dict[str, float]:
    gaps = sides["after"] - sides["before"]
    change, n = float(gaps.mean()), len(gaps)
    half = float(stats.t.ppf((1 + LEVEL) / 2, n - 1) * gaps.std(ddof=1) / math.sqrt(n))
    return {
        "cases": n, "before": float(sides["before"].mean()), "after": float(sides["after"].mean()),
        "change": change, "low": change - half, "high": change + half,
    }  # fmt: skip


def differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """What two manifests say differently, a line a key: versions, seeds, devices, threads, ...

    Cells themselves are left out, as models and settings say the same, but for their seeds.

    Args:
        before, after: manifests; a key within a key is joined by a dot.
    """
    sides = [
        dict([*_flat(manifest), *_seeds(manifest.get("cells", {}))]) for manifest in (before, after)
    ]
    keys = sorted(sides[0].keys() | sides[1].keys())
    said = [(key, *(side.get(key, "not recorded") for side in sides)) for key in keys]
    return [f"{key}: {a} -> {b}" for key, a, b in said if a != b]


def _flat(manifest: Mapping[str, Any], above: str = "") -> list[tuple[str, str]]:
    lines: list[tuple[str, str]] = []
    for key, value in manifest.items():
        if above or key not in _EXPECTED:
            nested = isinstance(value, Mapping) and value
            lines += _flat(value, f"{above}{key}.") if nested else [
                (f"{above}{key}", json.dumps(value, sort_keys=True))
            ]  # fmt: skip
    return lines


def _seeds(cells: Iterable[str]) -> list[tuple[str, str]]:
    """The run's seeds, which stand at the end of its cells' keys alone."""
    ends = [re.search(r"/seed(\d+)$", key) for key in cells]
    found = sorted({int(end[1]) for end in ends if end})
    return [("seeds", json.dumps(found[0] if len(found) == 1 else found))] if found else []


def _long(table: pd.DataFrame) -> pd.DataFrame:
    names = [name for name in table if {f"{name}_low", f"{name}_high"} <= set(table.columns)]
    parts = [
        pd.DataFrame({
            "model": table["model"], "column": name, "value": table[name].astype(float),
            "low": table[f"{name}_low"].astype(float), "high": table[f"{name}_high"].astype(float),
        })
        for name in names
    ]  # fmt: skip
    empty = pd.DataFrame(columns=["model", "column", "value", "low", "high"])
    return pd.concat(parts).dropna() if parts else empty


def in_words(found: pd.DataFrame) -> str:
    """The count of moved numbers as one sentence."""
    if found.empty:
        return "the two runs share no model with a number that has an interval"
    moved = int(found["moved"].sum())
    return (
        f"{moved} of {len(found)} numbers moved beyond their intervals; where nothing changed, "
        f"at most {0.05 * len(found):.0f} are expected to"
    )
