"""What the switches of the matched factory do to networks, alone and in pairs: ``factory.csv``.

Comparisons of pictures (``lab_contrasts``) hold the nets against pictures as well; here cells of
the factory are the units, so that scores which no picture carries, such as fooling, have effects.
"""

import math
from collections.abc import Mapping
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.factorial import interaction, main_effect
from analysis.look import figure, style
from analysis.sample import SWITCHES, changes, factory, said

SCORES = {
    "fooling": "fooling rate by transfer",
    "accuracy": "clean accuracy",
    "nonrobust_det": "accuracy after D_det",
    "progress": "style progress",
    "palette_progress": "palette progress",
    "peak_excess": "stride-locked peak [dB]",
}
COLUMNS = ["comparison", "score", "effect", "low", "high", "p", "n_cells", "note"]
DOWNSAMPLING = {
    "max22": "max pool", "avg22": "average pool", "conv32": "conv 3/2", "conv42": "conv 4/2",
}  # fmt: skip
_FEWEST = 4  # cells: fewer are pairs, which the comparisons of pictures have
_ACROSS = 3  # panels


def has_factory(table: pd.DataFrame) -> bool:
    """Whether a model table has cells enough to speak of."""
    nets = factory(table)
    return any(_cells(nets, score) >= _FEWEST for score in _scores(nets))


def factory_effects(table: pd.DataFrame) -> pd.DataFrame:
    """Main effects and interactions of two, over cells: ``COLUMNS``; empty without a factory.

    Comparisons are named ``nets, residual: on - off``, and ``nets, residual: on - off, more by
    batch_norm: on - off`` where the effect of one change is larger by so much with another.

    Args:
        table: the model table.
    """
    nets = factory(table)
    if not has_factory(table):
        return pd.DataFrame(columns=COLUMNS)
    single, lines = changes(table), []
    for score in _scores(nets):
        for one in single:
            lines.append((f"nets, {said(one)}", score, main_effect(nets, score, *one)))
        for one, other in combinations(single, 2):
            if one[0] != other[0]:
                name = f"nets, {said(one)}, more by {said(other)}"
                lines.append((name, score, interaction(nets, score, one, other)))
    rows = [
        (
            name,
            score,
            one.value,
            one.low,
            one.high,
            one.p,
            _cells(nets, score),
            one.reason or one.note,
        )
        for name, score, one in lines
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def _cells(nets: pd.DataFrame, score: str) -> int:
    return len(nets.dropna(subset=[score]).drop_duplicates(list(SWITCHES)))


def _scores(nets: pd.DataFrame) -> list[str]:
    return [name for name in SCORES if name in nets and nets[name].notna().any()]


def factory_section(found: pd.DataFrame) -> str:
    """The effects as Markdown, a line a comparison and a column a score; "" where there are none.

    Args:
        found: ``factory_effects``.
    """
    if found["low"].isna().all():
        return ""
    scores = list(dict.fromkeys(found["score"]))
    titles = ["cells of the factory", *(SCORES[name] for name in scores)]
    lines = [f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"]
    for name, part in found.groupby("comparison", sort=False):
        cells = {one["score"]: _cell(one) for one in part.to_dict("records")}
        shown = [str(name).removeprefix("nets, "), *(cells[score] for score in scores)]
        lines.append(f"| {' | '.join(shown)} |")
    return "\n".join([*lines, "", _CAPTION])


_CAPTION = (
    "Means over all other switches and seeds; `A, more by B` is how much larger the effect of A is "
    "with B. Brackets: 95 %, Student's t, held against the scatter between cells, which is taken "
    "for equal, pictures and images held fixed. Nothing is corrected for the number of effects. "
    "`factory.csv` has p."
)


def _cell(one: Mapping[Any, Any]) -> str:
    digits = 1 if one["score"] == "peak_excess" else 2
    if math.isnan(one["low"]):
        return "-"
    ends = (f"{one[end]:+.{digits}f}" for end in ("effect", "low", "high"))
    return "{} [{}, {}]".format(*ends)


def factory_figure(table: pd.DataFrame) -> Figure:
    """A panel a score: cells by their way to downsample, small points their seeds.

    Args:
        table: the model table, with matched nets.
    """
    nets = factory(table)
    scores = _scores(nets)
    across = min(_ACROSS, len(scores))
    down = -(-len(scores) // across)
    with style():
        drawn = figure(3.5 * across, 2.8 * down + 0.5)
        panels = list(drawn.subplots(down, across, squeeze=False).flat)
        for ax, score in zip(panels, scores, strict=False):
            _panel(ax, nets.dropna(subset=[score]), score)
        for ax in panels[len(scores) :]:
            ax.set_axis_off()
        handles = [_look(residual, norm) for norm in _ON_OFF for residual in _ON_OFF]
        drawn.legend(handles=handles, loc="outside lower center", ncols=4)
    return drawn


_ON_OFF = (False, True)
_STEP = 0.06  # between the four kinds of net, so that their points do not cover each other


def _panel(ax: Axes, nets: pd.DataFrame, score: str) -> None:
    kinds = [kind for kind in DOWNSAMPLING if kind in set(nets["downsampling"])]
    for i, (norm, residual) in enumerate((n, r) for n in _ON_OFF for r in _ON_OFF):
        chosen = nets[(nets["batch_norm"] == norm) & (nets["residual"] == residual)]
        places = chosen["downsampling"].map(kinds.index).to_numpy(float) + _STEP * (i - 1.5)
        line = _look(residual, norm)
        ax.plot(places, chosen[score], marker=line.get_marker(), ls="", ms=3, alpha=0.6, mew=0,
                color=line.get_color())  # fmt: skip
        means = chosen.groupby("downsampling")[score].mean().reindex(kinds)
        line.set_data(np.arange(len(kinds)) + _STEP * (i - 1.5), means.to_numpy(float))
        ax.add_line(line)
    ax.set_xticks(range(len(kinds)), [DOWNSAMPLING[kind] for kind in kinds])
    ax.set(ylabel=SCORES[score])
    ax.margins(0.08)


def _look(residual: bool, norm: bool) -> Line2D:
    palette = sns.color_palette("colorblind")
    colour = palette[0] if norm else palette[1]
    words = f"{'residual' if residual else 'plain'}, {'' if norm else 'no '}batch norm"
    return Line2D([], [], color=colour, ls="-" if residual else "--", lw=1.2, ms=6,
                  marker="o" if residual else "^", label=words)  # fmt: skip
