"""Two runs side by side: which numbers moved beyond their intervals."""

import numpy as np
import pandas as pd

COLUMNS = ["model", "column", "before", "after", "change", "low", "high", "moved"]


def compare(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """One line a model and number that both tables give with an interval, moved ones first.

    ``change`` = after - before, with a 95 % interval made of the two (Zou & Donner 2008): it treats
    the runs as independent, so it is too wide where both saw the same pictures. ``moved``: the
    interval excludes 0; of numbers that did not change, 5 % at most are expected to.

    Args:
        before, after: model tables.
    """
    lines = [_long(table) for table in (before, after)]
    both = lines[0].merge(lines[1], on=["model", "column"], suffixes=("_a", "_b"))
    a, b = both["value_a"], both["value_b"]
    down = np.hypot(b - both["low_b"], both["high_a"] - a)
    up = np.hypot(both["high_b"] - b, a - both["low_a"])
    found = pd.DataFrame({
        "model": both["model"], "column": both["column"], "before": a, "after": b,
        "change": b - a, "low": b - a - down, "high": b - a + up,
    })  # fmt: skip
    found["moved"] = (found["low"] > 0) | (found["high"] < 0)
    order = found["change"].abs().sort_values(ascending=False).index
    sized = found.loc[order].sort_values("moved", ascending=False, kind="stable")
    return sized[COLUMNS].reset_index(drop=True)


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
