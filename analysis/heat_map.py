"""One kind of heat map: per cents in cells, models down the side."""

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from analysis.look import figure, span

_MOST_WRITTEN = 40  # columns whose numbers can still be read


def heat_map(
    wide: pd.DataFrame,
    *,
    label: str,
    cell: tuple[float, float] = (0.42, 0.32),
    least: float = 0.0,
    colours: str = "rocket_r",
    span: tuple[float, float] = (0.0, 100.0),
    framed: pd.DataFrame | None = None,
) -> tuple[Figure, Axes]:
    """A figure as large as its cells want; narrow cells get small numbers and upright names.

    Args:
        wide: numbers, per cent.
        label: what they are.
        cell: width and height in inches.
        least: width of the figure, inches.
        span: the ends of the colours.
        framed: cells to be framed, as True.
    """
    narrow = cell[0] < 0.5
    margin = (3.6, 2.9) if narrow else (2.8, 1.6)
    high, across = wide.shape
    drawn = figure(max(least, margin[0] + cell[0] * across), margin[1] + cell[1] * high)
    ax = drawn.subplots()
    sns.heatmap(
        wide, ax=ax, annot=across <= _MOST_WRITTEN, fmt=".0f", cmap=colours, vmin=span[0],
        vmax=span[1], linewidths=0.5, annot_kws={"size": 7} if narrow else None,
        cbar_kws={"label": label},
    )  # fmt: skip
    for i, j in np.argwhere(framed.to_numpy(bool)) if framed is not None else ():
        ax.add_patch(Rectangle((j, i), 1, 1, fill=False, ec="black", lw=1.2))
    ax.set(xlabel="", ylabel="")
    ax.tick_params(length=0)
    ax.tick_params(axis="y", rotation=0)
    ax.tick_params(axis="x", rotation=90 if narrow else 0)
    return drawn, ax


def certainty(value: pd.Series, low: pd.Series, high: pd.Series, n: pd.Series) -> str:
    """A line for a title: how many pictures cells have, and how far their intervals reach."""
    reach = float(np.nanmax([(value - low).max(), (high - value).max(), 0.0]))
    sure = f"; 95 % intervals reach at most {100 * reach:.0f} points either way" if reach else ""
    return f"n = {span(n)} pictures a cell{sure}"
