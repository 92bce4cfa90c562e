"""The plain method at equal content: the mean over the contents that every network can keep.

One nominal style weight moves one network further from the content than another, so a gain in
progress there may be a stronger style and no better one.
"""

import pandas as pd

from analysis.comparisons import EQUAL_CONTENT, condition
from analysis.pareto import at_equal_content, grid_points, main_grid

_PICTURE = ["model", "case", "seed"]


def with_equal_content(facts: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Facts of the pictures of ``pareto.at_equal_content``, as a condition of their own.

    Of every grid of style and layer weights the mean over its front, each picture by the share of
    the common range of content distances on which it is the best; ``EQUAL_CONTENT`` is the
    condition. Empty where no grid was searched.

    Args:
        facts: ``style_facts`` of the rows, with any further columns.
        rows: of a run.
    """
    grid = main_grid(grid_points(rows))
    if grid.empty:
        return facts.iloc[:0]
    found = facts.merge(at_equal_content(grid)[[*_PICTURE, "condition", "share"]])
    scores = found.set_index(_PICTURE).select_dtypes("number")
    weighed = scores.mul(scores.pop("share"), axis=0).groupby(_PICTURE)
    means = weighed.agg(_sum)
    return means.reset_index().assign(condition=condition(EQUAL_CONTENT))


def _sum(parts: pd.Series) -> float:
    """NaN if one of them is: no mean over some of the pictures."""
    return float(parts.sum(skipna=False))
