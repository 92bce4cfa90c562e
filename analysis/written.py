"""How a number of the model table is written for a reader."""

import math
from collections.abc import Mapping
from typing import Any


def number(row: Mapping[Any, Any], key: str, *, interval: bool = True) -> str:
    """One cell of a table: the value, with its interval where there is one; "-" if unmeasured."""
    value = row.get(key, math.nan)
    if math.isnan(value):
        return "-"
    digits = 1 if key.startswith("peak") else 2
    ends = [row.get(f"{key}_{side}", math.nan) for side in ("low", "high")]
    if not interval or math.isnan(ends[0]):
        return f"{value:.{digits}f}"
    return f"{value:.{digits}f} [{ends[0]:.{digits}f}, {ends[1]:.{digits}f}]"
