"""Figures of the style suite: loss curves, spectra and the pictures themselves."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import matplotlib.image as mpimg
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.look import Appearance, appearances, figure, line_legend, style
from analysis.style_columns import PERIODS

_COLUMNS = 4  # of panels, before the next line begins
_BANDS = 4  # bands that can lie over each other and be told apart


def convergence(curves: pd.DataFrame, table: pd.DataFrame) -> Figure:
    """Relative Gram loss against gradient evaluations, one panel a pair of pictures.

    Args:
        curves: ``style_curves(rows, "loss_style")`` of one start and one set of taps; the line is
            the geometric mean over weights and seeds; up to ``_BANDS`` models get a band, their
            range.
        table: the model table, for colours.
    """
    with style():
        cases = sorted(curves["case"].unique())
        drawn, grid = panel_grid(len(cases), 3.4, 3.6)
        panels = list(grid.flat)[: len(cases)]
        looks = appearances(table)
        positive = curves[curves["value"] > 0]
        logs = positive.assign(value=np.log10(positive["value"]))
        for ax, case in zip(panels, cases, strict=True):
            _bands(ax, logs[logs["case"] == case], looks)
            ax.set(title=case.replace("+", " + "), yscale="log")
        drawn.supxlabel("gradient evaluations", fontsize=10)
        drawn.supylabel("relative Gram loss", fontsize=10)
        line_legend(panels[min(len(cases), _COLUMNS) - 1])
    return drawn


def panel_grid(n: int, width: float, height: float) -> tuple[Figure, Any]:
    """A figure of n panels of this size in inches; places left over stay empty."""
    columns = min(n, _COLUMNS)
    lines = -(-n // columns)
    drawn = figure(width * columns + 0.6, height * lines + 0.4)
    grid = drawn.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
    for ax in grid.flat[n:]:
        ax.set_visible(False)
    for ax in grid.flat:
        ax.tick_params(labelbottom=True)
    return drawn, grid


def _bands(ax: Axes, logs: pd.DataFrame, looks: Mapping[str, Appearance]) -> None:
    found = logs.groupby(["model", "step"])["value"].agg(["mean", "min", "max"])
    banded = logs["model"].nunique() <= _BANDS
    for model, part in found.groupby("model"):
        look, steps = looks[str(model)], part.index.get_level_values("step")
        band = 10**part
        if banded:
            ax.fill_between(steps, band["min"], band["max"], color=look.colour, alpha=0.1, lw=0)
        ax.plot(steps, band["mean"], color=look.colour, ls=look.dash, lw=1.6, label=str(model))


def spectra(curves: pd.DataFrame, table: pd.DataFrame, *, size: int | None = None) -> Figure:
    """Radial power against frequency, one panel a model, with marks where strides would peak.

    Each panel has its model in colour, the others in grey, and the style's own power dotted; means
    over the pairs of pictures.

    Args:
        curves: ``style_curves(rows, "radial_power")`` of one condition; lines named "(style)" and
            "(content)" are the pictures' own.
        table: the model table, for colours.
        size: side of the pictures in pixels; None = twice the last frequency bin.
    """
    with style():
        side = size or 2 * int(curves["step"].max())
        shown = curves[curves["step"] >= side / 64]
        means = shown.groupby(["step", "model"])["value"].mean().unstack("model")
        models = [name for name in appearances(table) if name in means]
        drawn, grid = panel_grid(len(models), 2.9, 2.5)
        for ax, model in zip(grid.flat, models, strict=False):
            _spectrum(ax, means, model, appearances(table)[model], side)
        own = "; dotted: the style picture" if "(style)" in means else ""
        drawn.supxlabel(f"cycles per picture (n = {side} pixels){own}", fontsize=10)
        drawn.supylabel("radial power [dB]", fontsize=10)
    return drawn


def _spectrum(ax: Axes, means: pd.DataFrame, model: str, look: Appearance, side: int) -> None:
    for period in PERIODS:
        ax.axvline(side / period, color="0.7", lw=0.8, zorder=0, label=f"n/{period}")
    for other in means.columns.drop([model, "(style)", "(content)"], errors="ignore"):
        ax.plot(means.index, means[other], color="0.85", lw=0.8, zorder=1)
    if "(style)" in means:
        ax.plot(means.index, means["(style)"], color="black", ls=":", lw=1, zorder=2)
    ax.plot(means.index, means[model], color=look.colour, lw=1.4, label=model)
    ax.set(title=model, xscale="log")
    ax.set_xticks([side / p for p in PERIODS], [f"n/{p}" for p in PERIODS], minor=False)
    ax.set_xticks([], minor=True)


def picture_grid(index: pd.DataFrame, run: Path) -> Figure:
    """Models x styles: what each backbone made, under the style pictures themselves.

    Args:
        index: columns model, case, file (relative to run), one condition; models "(content)" and
            "(style)" come first. A picture that is missing leaves its place empty.
        run: where the files are.
    """
    cases = sorted(index.loc[~index["model"].str.startswith("("), "case"].unique())
    heads = [name for name in ("(style)", "(content)") if name in set(index["model"])]
    models = heads + sorted(set(index["model"]) - set(heads))
    keys = zip(index["model"], index["case"], strict=True)
    files = dict(zip(keys, (run / str(file) for file in index["file"]), strict=True))
    with style():
        drawn = figure(_left(models) + 1.7 * len(cases), 0.5 + 1.72 * len(models))
        grid = np.reshape(drawn.subplots(len(models), len(cases)), (len(models), len(cases)))
        for (i, j), ax in np.ndenumerate(grid):
            file = _reference(files, models[i], cases[j])
            if file and file.exists():
                ax.imshow(mpimg.imread(file))
            _bare(ax)
            if i == 0:
                ax.set_title(cases[j].replace("+", " +\n"))
            if j == 0:
                ax.set_ylabel(models[i], rotation=0, ha="right", va="center")
    return drawn


def weight_grid(index: pd.DataFrame, run: Path) -> Figure:
    """The article's figure: what each backbone made of one pair at every style weight.

    Args:
        index: columns model, file (relative to run), start, weight; one pair, one set of taps.
            Networks go down in the order of the index, weights to the right, smallest first; each
            start has a line of its own. A picture that is missing leaves its place empty.
        run: where the files are.
    """
    lines = list(dict.fromkeys(zip(index["model"], index["start"], strict=True)))
    weights = sorted(index["weight"].unique(), key=lambda name: float(name.removeprefix("w")))
    keys = zip(index["model"], index["start"], index["weight"], strict=True)
    files = dict(zip(keys, (run / str(file) for file in index["file"]), strict=True))
    with style():
        drawn = figure(_left(index["model"]) + 1.7 * len(weights), 0.3 + 1.72 * len(lines))
        grid = np.reshape(drawn.subplots(len(lines), len(weights)), (len(lines), len(weights)))
        for (i, j), ax in np.ndenumerate(grid):
            file = files.get((*lines[i], weights[j]))
            if file and file.exists():
                ax.imshow(mpimg.imread(file))
            _bare(ax)
            if i == 0:
                ax.set_title(f"style weight {weights[j].removeprefix('w')}")
            if j == 0:
                model, start = lines[i]
                ax.set_ylabel(f"{model}\n{start}", rotation=0, ha="right", va="center")
    return drawn


def _left(names: Iterable[str]) -> float:
    """Inches that the longest name takes beside its pictures."""
    return 0.4 + 0.085 * max(map(len, names))


def _bare(ax: Axes) -> None:
    """A place for a picture: no ticks, grid or frame."""
    ax.set(xticks=[], yticks=[])
    ax.grid(False)
    sns.despine(ax=ax, left=True, bottom=True)


def _reference(files: Mapping[tuple[str, str], Path], model: str, case: str) -> Path | None:
    """The file of a cell; a reference may be listed under the pair or under its own name."""
    content, _, own = case.partition("+")
    names = {"(style)": own, "(content)": content}
    return files.get((model, case)) or files.get((model, names.get(model, case)))
