"""Figures of transfer: data frames in, figures out. Those of style are in style_plots.py."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from analysis.association import Correlation, correlate
from analysis.heat_map import certainty, heat_map
from analysis.look import (
    FADED,
    appearances,
    families,
    figure,
    headliners,
    legend,
    line_legend,
    place_labels,
    style,
)
from analysis.robustness_columns import READ_AT
from analysis.sample import counted, of_source, standard_networks
from analysis.stats import FEWEST_MODELS

_HEAT_TITLE = "fooled (targeted: hit), of pictures source and target get right"
_NORMS = {"l2": ("L2", ".2f"), "linf": ("Linf", ".3f")}
#: columns of ``robustness_columns`` at the eps it reads accuracy at, and what they are
ROBUST = {
    f"robust[{norm}_{eps:{digits}}]": f"accuracy under {title} {eps:{digits}}"
    for norm, (title, digits) in _NORMS.items()
    for eps in READ_AT[norm]
}
LABELS = {
    "fooling": "fooling rate by transfer (source and target right)",
    "fooling_all": "fooling rate by transfer (all pictures)",
    "fooling_joint": "fooling rate by transfer (all models right)",
    "fooling_adjusted": "fooling rate by transfer, above noise",
    "accuracy": "clean accuracy",
    "nonrobust_det": "accuracy after training on D_det, the source's targeted examples",
    "progress": "style progress (0 = untouched, 1 = reached)",
    "peak_excess": "stride-locked peak above the style's own [dB]",
    **ROBUST,
}


def transfer_and_style(table: pd.DataFrame, *, resamples: int = 2000, seed: int = 0) -> Figure:
    """The main figure: transfer against style progress, and against artifacts."""
    with style():
        drawn = figure(11, 5)
        panels = drawn.subplots(1, 2)
        how = {"resamples": resamples, "seed": seed}
        used = standard_networks(table)
        for ax, y in zip(panels, ["progress", "peak_excess"], strict=True):
            _points(table, "fooling", y, ax, correlate(used, "fooling", y, **how), used)
        legend(drawn, table)
        for ax, y in zip(panels, ["progress", "peak_excess"], strict=True):
            _labels(table, "fooling", y, ax)  # last, when nothing moves any more
    return drawn


def pair(
    table: pd.DataFrame, x: str, y: str, *, sample: pd.DataFrame | None = None,
    resamples: int = 2000, seed: int = 0,
) -> Figure:  # fmt: skip
    """Any two columns of the model table against each other, on a page of its own.

    Args:
        table: the model table.
        sample: what rho and the line are of, if not ``standard_networks``; drawn in full, too.
    """
    with style():
        drawn = figure(6.5, 5)
        ax = drawn.subplots()
        used = standard_networks(table) if sample is None else sample
        _points(table, x, y, ax, correlate(used, x, y, resamples=resamples, seed=seed), used)
        shown = table.dropna(subset=[x, y])  # the key names no others
        legend(drawn, shown, full=_in_full(table, used))
        _labels(table, x, y, ax)
    return drawn


def scatter(
    table: pd.DataFrame, x: str, y: str, *, ax: Axes, correlation: Correlation | None = None
) -> Axes:
    """One point a model with 95 % bars, family by colour and marker, robust ringed in black.

    Rho and the line (least squares, four models or more) are the standard zoo's: without the
    source and its seeds, which are hollow, and without untrained networks, matched nets, operated
    copies and further rungs of a ladder of budgets, which are small and faded.
    Models without x or y are not drawn.
    """
    used = standard_networks(table)
    _points(table, x, y, ax, correlation or correlate(used, x, y), used)
    _labels(table, x, y, ax)
    return ax


def _points(
    table: pd.DataFrame, x: str, y: str, ax: Axes, found: Correlation, used: pd.DataFrame
) -> None:
    shown = table.assign(hollow=of_source(table)).dropna(subset=[x, y])
    _line(ax, used.dropna(subset=[x, y]), x, y)
    looks = families(list(table["family"]))
    in_full = _in_full(table, used)
    for model in shown.to_dict("records"):
        colour, marker = looks[str(model["family"])]
        xs, ys = _ends(model, x), _ends(model, y)
        whole = model["model"] in in_full
        bar: dict[str, Any] = {"color": colour, "lw": 1, "alpha": 0.45 if whole else 0.12}
        ax.plot(xs, [model[y]] * 2, zorder=2, **bar)
        ax.plot([model[x]] * 2, ys, zorder=2, **bar)
        face = "white" if model["hollow"] else colour
        edge = "black" if model["robust"] else colour
        ax.scatter(model[x], model[y], s=55 if whole else 25, marker=marker, facecolor=face,
                   edgecolor=edge, linewidth=1.5 if whole else 0, alpha=1 if whole else FADED,
                   zorder=3 if whole else 2)  # fmt: skip
    ax.set(xlabel=LABELS.get(x, x), ylabel=LABELS.get(y, y), title=describe(found))
    ax.margins(0.12)


def _in_full(table: pd.DataFrame, used: pd.DataFrame) -> set[str]:
    return counted(table) | set(used["model"])


def _labels(table: pd.DataFrame, x: str, y: str, ax: Axes) -> None:
    shown = table.dropna(subset=[x, y])
    bars = []
    for model in shown.to_dict("records"):
        xs, ys = _ends(model, x), _ends(model, y)
        bars += [(xs[0], model[y], xs[1], model[y]), (model[x], ys[0], model[x], ys[1])]
    names = set(headliners(table))
    if len(names) < len(table):  # a crowd: what is faded has no name either
        names &= counted(table)
    named = shown[shown["model"].isin(names)]
    points = named.rename(columns={x: "x", y: "y", "model": "label"})[["x", "y", "label"]]
    if len(points):
        place_labels(ax, points, bars=[Bbox.from_extents(*ends) for ends in bars])


def describe(found: Correlation) -> str:
    """A correlation as a panel title."""
    if found.reason:
        return f"no rho: {found.reason}"
    ends = f"[{found.low:+.2f}, {found.high:+.2f}]"
    return f"Spearman's rho = {found.rho:+.2f} {ends}, n = {found.n}, p = {found.p:.2g}"


def _ends(model: Mapping[Any, Any], name: str) -> list[float]:
    ends = [model.get(f"{name}_{side}", np.nan) for side in ("low", "high")]
    return [model[name] if np.isnan(end) else end for end in ends]


def _line(ax: Axes, models: pd.DataFrame, x: str, y: str) -> None:
    if len(models) < FEWEST_MODELS or np.ptp(models[x]) == 0:
        return
    slope, start = np.polyfit(models[x], models[y], 1)
    ends = np.array([models[x].min(), models[x].max()])
    ax.plot(ends, start + slope * ends, color="0.8", lw=2.5, zorder=1, label="fit")


def conditions(rates: pd.DataFrame) -> Figure:
    """Targets x conditions, each cell the rate in per cent at the step it is read at.

    Args:
        rates: ``condition_rates(facts)``.
    """
    last = rates[rates["step"] == rates["read_at"]]
    steps = last.groupby("condition")["step"].first()
    wide = 100 * last.pivot(index="model", columns="condition", values="rate")
    wide.columns = [_column_name(str(name), int(steps[name])) for name in wide.columns]
    with style():
        drawn, ax = heat_map(wide, label="rate [%]", cell=(0.95, 0.38), least=5.0)
        sure = certainty(*(last[name] for name in ("rate", "low", "high", "n")))
        ax.set_title(f"{_HEAT_TITLE}\n{sure}")
    return drawn


def _column_name(condition: str, steps: int) -> str:
    """Norm, method, kind and iterations: attacks are not all read at one number of them."""
    lines = condition.split("/")
    if _targeted(condition):
        lines[-1] += " hits"
    return "\n".join([*lines, f"{steps} steps"] if steps else lines)


def _targeted(condition: str) -> bool:
    return condition.endswith("/targeted")


def attack_curve(rates: pd.DataFrame, table: pd.DataFrame) -> Figure:
    """Fooling rate, or targeted hits, against attack iterations, one line a target.

    Bands are 95 % intervals.

    Args:
        rates: ``condition_rates(facts)`` of one condition, several steps.
        table: the model table, for colours.
    """
    with style():
        drawn = figure(7, 4.2)
        ax = drawn.subplots()
        looks = appearances(table)
        for model, part in rates.sort_values("step").groupby("model"):
            look = looks[str(model)]
            edge = "black" if look.robust else look.colour
            ax.plot(part["step"], part["rate"], color=look.colour, ls=look.dash, lw=1.5, ms=6,
                    marker=look.marker, mec=edge, label=str(model))  # fmt: skip
            ax.fill_between(part["step"], part["low"], part["high"], color=look.colour, alpha=0.12,
                            lw=0)  # fmt: skip
        steps = sorted(rates["step"].unique())
        ax.set_xscale("log")
        ax.set_xticks(steps, [str(step) for step in steps])
        ax.set_xticks([], minor=True)
        names = sorted(rates["condition"].unique())
        counted = "targeted hits" if all(map(_targeted, names)) else "fooling rate"
        ax.set(xlabel="attack iterations", ylabel=counted, ylim=(-0.02, 1.02),
               title=", ".join(names))  # fmt: skip
        line_legend(ax)
    return drawn
