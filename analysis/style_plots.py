"""Figures of the style suite: loss curves, spectra and the pictures themselves."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import matplotlib.image as mpimg
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.look import Appearance, appearances, figure, line_legend, style
from analysis.style_columns import PERIODS

# a name, and the title and file of each picture
_Line = tuple[str, list[tuple[str, Path | None]]]
_COLUMNS = 4  # of panels at most, before the next line begins
_UNTOUCHED = ("content", "style")
_TILES = 4  # pictures side by side, where each is a line of its own
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
        drawn, panels, last = panel_grid(len(cases), 3.4, 3.6)
        looks = appearances(table)
        positive = curves[curves["value"] > 0]
        logs = positive.assign(value=np.log10(positive["value"]))
        for ax, case in zip(panels, cases, strict=True):
            _bands(ax, logs[logs["case"] == case], looks)
            ax.set(title=case.replace("+", " + "), yscale="log")
        drawn.supxlabel("gradient evaluations", fontsize=10)
        drawn.supylabel("relative Gram loss", fontsize=10)
        line_legend(last)
    return drawn


def panel_grid(n: int, width: float, height: float) -> tuple[Figure, list[Axes], Axes]:
    """A figure of n panels of this size in inches, in lines as even as may be.

    Returns:
        The figure, its panels, and the last panel of the first line: a key stands beside it.
    """
    lines = -(-n // _COLUMNS)
    columns = -(-n // lines)
    drawn = figure(width * columns + 0.6, height * lines + 0.4)
    grid = drawn.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
    for ax in grid.flat[n:]:
        ax.set_visible(False)
    for ax in grid.flat:
        ax.tick_params(labelbottom=True)
    return drawn, list(grid.flat[:n]), grid[0, -1]


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
        cases = set(curves.loc[~curves["model"].str.startswith("("), "case"])
        shown = curves[(curves["step"] >= side / 64) & curves["case"].isin(cases)]
        means = shown.groupby(["step", "model"])["value"].mean().unstack("model")
        models = [name for name in appearances(table) if name in means]
        drawn, panels, _ = panel_grid(len(models), 2.9, 2.5)
        for ax, model in zip(panels, models, strict=True):
            _spectrum(ax, means, model, appearances(table)[model], side)
        read = f"cycles per picture (n = {side} pixels), mean over {len(cases)} pairs"
        read += "; grey: the other networks"
        read += "; dotted: the style pictures" if "(style)" in means else ""
        drawn.supxlabel(read, fontsize=10)
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
            _bare(ax)
            _show(ax, file)
            if i == 0:
                ax.set_title(cases[j].replace("+", " +\n"))
            if j == 0:
                ax.set_ylabel(models[i], rotation=0, ha="right", va="center")
    return drawn


def weight_grid(index: pd.DataFrame, run: Path) -> Figure:
    """The article's figure: what each backbone made of one pair at every style weight.

    Args:
        index: columns model, case, file (relative to run), start, weight; one pair, one set of
            taps, and untouched pictures as models "(content)" and "(style)": the pair's, wherever
            they are listed (see ``_reference``), come first. Networks
            go down in the order of the index, weights to the right, smallest first; each start has
            a line of its own. Of a single weight the pictures are laid out side by side. A picture
            that is missing leaves its place empty.
        run: where the files are.
    """
    untouched = index["model"].str.startswith("(")
    made = index[~untouched]
    cases = zip(index["model"], index["case"], strict=True)
    own = dict(zip(cases, (run / str(file) for file in index["file"]), strict=True))
    heads = [(name, _reference(own, f"({name})", made["case"].iloc[0])) for name in _UNTOUCHED]
    lines = list(dict.fromkeys(zip(made["model"], made["start"], strict=True)))
    weights = sorted(made["weight"].unique(), key=lambda name: float(name.removeprefix("w")))
    keys = zip(made["model"], made["start"], made["weight"], strict=True)
    files = dict(zip(keys, (run / str(file) for file in made["file"]), strict=True))
    rows: list[_Line] = [("", heads)] if any(file for _, file in heads) else []
    for line in lines:
        titles = [f"style weight {weight.removeprefix('w')}" for weight in weights]
        found = [files.get((*line, weight)) for weight in weights]
        rows.append(("\n".join(line), list(zip(titles, found, strict=True))))
    with style():
        return _tiles(rows) if len(weights) == 1 else _lines(rows)


def _tiles(rows: list[_Line]) -> Figure:
    """Pictures side by side, each under the name of its line, or its own where that has none."""
    tiles = [(name or title, file) for name, line in rows for title, file in line]
    across = min(_TILES, len(tiles))
    down = -(-len(tiles) // across)
    drawn = figure(2.1 * across, 2.35 * down)
    grid = np.reshape(drawn.subplots(down, across), (down, across))
    for ax in grid.flat:
        _bare(ax)
    for ax, (title, file) in zip(grid.flat, tiles, strict=False):
        _show(ax, file)
        ax.set_title(title, fontsize=8)
    drawn.supxlabel(rows[-1][1][0][0], fontsize=9)
    return drawn


def _lines(rows: list[_Line]) -> Figure:
    """A line of pictures each, titles above the first one and above the untouched pictures."""
    across = max(len(line) for _, line in rows)
    longest = _left(name for line, _ in rows for name in line.split("\n"))
    drawn = figure(longest + 1.7 * across, 0.5 + 1.72 * len(rows))
    grid = np.reshape(drawn.subplots(len(rows), across), (len(rows), across))
    for ax in grid.flat:
        _bare(ax)
    for i, (name, line) in enumerate(rows):
        grid[i, 0].set_ylabel(name, rotation=0, ha="right", va="center")
        for ax, (title, file) in zip(grid[i], line, strict=False):
            _show(ax, file)
            if not name or not i or not rows[i - 1][0]:  # above untouched pictures and the others
                ax.set_title(title)
    return drawn


def _show(ax: Axes, file: Path | None) -> None:
    """The picture; a place whose file is missing stays empty."""
    if file and file.exists():
        ax.imshow(mpimg.imread(file))


def _left(names: Iterable[str]) -> float:
    """Inches that the longest name takes beside its pictures."""
    return 0.5 + 0.1 * max(map(len, names))


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
