"""The mean of differences whose scatter has several sources, each a sample: units, pictures.

The sides of a grid are crossed: every unit met every picture, and pictures are every content in
every style, so that two of them that share a style are no two independent ones. The variance of
the mean is (sum of MS over the sides - (sides - 1) MS_rest) / size, at least that of any side
alone, with Satterthwaite's degrees of freedom: Clark's (1973) quasi-F, for two sides and more.
A bootstrap of all sides (``analysis.nested``) would be too narrow for a handful of each.

What small numbers do: with three pictures the t quantile is 4.3, with two levels of a side it may
be 12.7, so intervals are wide and show no missing effect.
"""

import math

import numpy as np
import pandas as pd

from analysis.contrasts import estimated, paired
from analysis.stats import Floats
from analysis.verdict import Effect


def laid_out(grid: pd.DataFrame) -> Floats:
    """Differences "units contents styles", or "units pictures" where not all are crossed.

    Args:
        grid: a line a unit, a column a picture, named "content+style".
    """
    parts = [str(name).partition("+") for name in grid.columns]
    contents, styles = ({part[side] for part in parts} for side in (0, 2))
    if len(contents) * len(styles) != grid.shape[1] or len(set(parts)) != len(parts):
        return grid.to_numpy(float)
    ordered = grid.iloc[:, sorted(range(len(parts)), key=lambda i: (parts[i][0], parts[i][2]))]
    return ordered.to_numpy(float).reshape(len(grid), len(contents), len(styles))


def paired_or_crossed(grid: Floats) -> Effect:
    """The mean with the interval that the grid's shape allows; sides of one level are none.

    A single side gives ``contrasts.paired``'s.
    """
    sides = np.squeeze(grid)
    return crossed(sides) if sides.ndim > 1 else paired(sides.ravel())


def crossed(grid: Floats) -> Effect:
    """The mean over a grid of two sides or more, all of them random, each of two or more levels."""
    mean, size, sides = float(grid.mean()), grid.size, range(grid.ndim)
    rest = grid - mean
    squares, free = [], []
    for side in sides:
        others = tuple(axis for axis in sides if axis != side)
        level = grid.mean(axis=others, keepdims=True) - mean
        rest = rest - level
        free.append(level.size - 1)
        squares.append(size / level.size * float((level**2).sum()) / free[-1])
    left = size - 1 - sum(free)
    more = (grid.ndim - 1) * float((rest**2).sum()) / left
    total = sum(squares) - more
    largest = int(np.argmax(squares))
    if total > squares[largest]:
        df = total**2 / (sum(s**2 / f for s, f in zip(squares, free, strict=True)) + more**2 / left)
    else:  # a sum below its own parts is noise
        total, df = squares[largest], float(free[largest])
    return estimated(mean, math.sqrt(total / size), max(df, 1.0), size)
