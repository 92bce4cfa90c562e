"""The plain method at the weights that keep as much content as every network can keep.

One nominal style weight moves one network further from the content than another, so a gain in
progress there may be a stronger style and no better one.
"""

import pandas as pd

from analysis.comparisons import EQUAL_CONTENT, condition
from analysis.pareto import at_equal_content, grid_points, main_grid

_PICTURE = ["model", "case", "seed"]


def with_equal_content(facts: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Facts of the pictures that ``pareto.at_equal_content`` chooses, as a condition of their own.

    The best style of every grid of style and layer weights among its pictures that keep enough
    content; ``EQUAL_CONTENT`` is the condition. Empty where no grid was searched.

    Args:
        facts: ``style_facts`` of the rows, with any further columns.
        rows: of a run.
    """
    grid = main_grid(grid_points(rows))
    if grid.empty:
        return facts.iloc[:0]
    chosen = at_equal_content(grid)[[*_PICTURE, "condition"]]
    return facts.merge(chosen).assign(condition=condition(EQUAL_CONTENT))
