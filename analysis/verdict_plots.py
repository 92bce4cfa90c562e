"""The forest plot: every hypothesis's effect against what would matter, one line each."""

import math
from collections.abc import Mapping
from textwrap import wrap
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.look import figure, style
from analysis.verdict import CONTRADICTED, NOT_MEASURED, SUPPORTED, UNDECIDED

_COLOURS = {SUPPORTED: "#0173b2", CONTRADICTED: "#d55e00", UNDECIDED: "#949494"}
_MARKERS = {SUPPORTED: "o", CONTRADICTED: "X", UNDECIDED: "s"}
# where the axis may end, in effects that matter: estimates are shown, long intervals cut off
_NEAREST, _FARTHEST = 3.0, 8.0
_WIDE = 80
_BELOW = 66  # letters that fit below the axis


def forest(found: pd.DataFrame) -> Figure:
    """Effects over the effect that matters, so that all units share one axis; 95 % intervals.

    The claimed sign points right, a claim of no effect keeps its own; an interval that leaves the
    axis ends in an arrow. What was not measured is named below the axis.

    Args:
        found: ``analysis.verdicts.verdicts``.
    """
    unknown = found["verdict"] == NOT_MEASURED
    absent, found = list(found.loc[unknown, "key"]), found[~unknown]
    with style():
        drawn = figure(11, 1.4 + 0.28 * max(len(found), 4))
        ax = drawn.subplots()
        edge = _edge(found)
        ax.axvline(0, color="0.6", lw=0.8)
        ax.axvspan(-1, 1, color="0.95", zorder=0)
        for place, one in enumerate(found.to_dict("records")):
            _line(ax, place, one, edge)
        labels = [f"{one['key']}  {_short(one['claim'])}" for one in found.to_dict("records")]
        ax.set_yticks(range(len(found)), labels)
        below = ["effect in the claimed direction, in units of the effect that matters"]
        below += wrap(f"not measured: {', '.join(absent)}", _BELOW) if absent else []
        ax.set(xlim=(-edge * 1.15, edge * 1.15), ylim=(max(len(found), 1) - 0.4, -0.6),
               xlabel="\n".join(below),
               title="Hypotheses: effect, 95 % interval, verdict")  # fmt: skip
        ax.grid(axis="y", visible=False)
        for verdict, colour in _COLOURS.items():
            ax.scatter([], [], color=colour, marker=_MARKERS[verdict], label=verdict)
        drawn.legend(loc="outside lower right", ncols=3)
    return drawn


def _line(ax: Axes, place: int, one: Mapping[Any, Any], edge: float) -> None:
    verdict = str(one["verdict"])
    if math.isnan(float(one["effect"])):
        ax.text(0.06, place, "no estimate", color="0.5", va="center", fontsize=8)
        return
    ends = [scaled(float(one[name]), one) for name in ("effect", "low", "high")]
    value, low, high = ends[0], min(ends[1:]), max(ends[1:])
    colour, marker = _COLOURS[verdict], _MARKERS[verdict]
    shown = [min(max(end, -edge), edge) for end in (low, high)]
    ax.plot(shown, [place, place], color=colour, lw=1.6, solid_capstyle="butt")
    for end, shape in ((low, "<"), (high, ">")):
        if abs(end) > edge:
            ax.scatter(min(max(end, -edge), edge), place, color=colour, marker=shape, s=22)
    if abs(value) <= edge:
        ax.scatter(value, place, color=colour, marker=marker, s=38, zorder=3)


def _edge(found: pd.DataFrame) -> float:
    """Where the axis ends: beyond the largest estimate, between ``_NEAREST`` and ``_FARTHEST``."""
    measured = found[found["effect"].notna()].to_dict("records")
    largest = max((abs(scaled(float(one["effect"]), one)) for one in measured), default=0.0)
    return min(max(largest + 0.5, _NEAREST), _FARTHEST)


def scaled(value: float, one: Mapping[Any, Any]) -> float:
    """A value in effects that matter, the claimed sign to the right."""
    direction = int(one["direction"]) or 1
    return direction * value / float(one["matters"])


def _short(claim: str) -> str:
    return claim if len(claim) <= _WIDE else f"{claim[: _WIDE - 1].rstrip()}…"
