"""Any column of the model table against any other, coloured by a third."""

import difflib

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.association import correlate
from analysis.look import figure, place_labels, style
from analysis.plots import LABELS, describe
from analysis.sample import of_source, standard_networks


class ColumnError(ValueError):
    """A column the model table does not have, or one without numbers."""


def any_plot(
    table: pd.DataFrame, x: str, y: str, *, hue: str = "family", resamples: int = 2000,
    seed: int = 0,
) -> Figure:  # fmt: skip
    """One point a model, all roles, with 95 % bars where there are any.

    The source and its seeds are hollow.
    The title's rho is the standard zoo's (``analysis.sample``).

    Raises:
        ColumnError: an unknown column, one that is no number, or no model with both.
    """
    for name in (x, y, hue):
        _known(table, name)
    for name in (x, y):
        if not pd.api.types.is_numeric_dtype(table[name]):
            raise ColumnError(f"{name} is no number: use it as --hue")
    shown = table.dropna(subset=[x, y])
    if shown.empty:
        raise ColumnError(f"no model of this run has both {x} and {y}")
    found = correlate(standard_networks(table), x, y, resamples=resamples, seed=seed)
    with style():
        drawn = figure(7, 5)
        ax = drawn.subplots()
        _bars(ax, shown, x, y)
        numeric = pd.api.types.is_numeric_dtype(shown[hue]) and shown[hue].nunique() > 6
        sns.scatterplot(
            shown, x=x, y=y, hue=hue, palette="viridis" if numeric else "colorblind", s=45,
            style=None if numeric else hue, ax=ax, zorder=3,
        )  # fmt: skip
        source = shown[of_source(table)[shown.index]]
        ax.scatter(source[x], source[y], s=14, color="white", zorder=4)
        ax.set(xlabel=LABELS.get(x, x), ylabel=LABELS.get(y, y), title=describe(found))
        ax.margins(0.12)
        ax.legend(loc="center left", bbox_to_anchor=(1.02, 0.5), title=hue)
        points = shown.rename(columns={x: "x", y: "y", "model": "label"})
        if x != y and len(points) <= 16:  # more names than that hide the points
            place_labels(ax, points[["x", "y", "label"]])
    return drawn


def _known(table: pd.DataFrame, name: str) -> None:
    if name not in table:
        near = difflib.get_close_matches(name, map(str, table.columns), n=3, cutoff=0.3)
        hint = f"did you mean {' or '.join(near)}?" if near else "models.csv shows all columns"
        raise ColumnError(f"the model table has no column {name}: {hint}")


def _bars(ax: Axes, shown: pd.DataFrame, x: str, y: str) -> None:
    for one in shown.to_dict("records"):
        for name, across in ((x, True), (y, False)):
            ends = [one.get(f"{name}_{side}", one[name]) for side in ("low", "high")]
            if across:
                ax.plot(ends, [one[y]] * 2, color="0.8", lw=1, zorder=1)
            else:
                ax.plot([one[x]] * 2, ends, color="0.8", lw=1, zorder=1)
