"""Figures of the attack lens: robust accuracy, layers over depth, the matrix, edits."""

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.cluster.hierarchy import leaves_list, linkage, optimal_leaf_ordering
from scipy.spatial.distance import pdist

from analysis.heat_map import certainty, heat_map
from analysis.layer_columns import VERDICT_BUDGET
from analysis.look import appearances, families, figure, line_legend, style

_ACROSS = 4  # panels in a row
_MOST_LINES = 6  # that a panel has room to name
_NORM_NAMES = {"l2": "L2", "linf": "Linf"}


def robustness(curves: pd.DataFrame, table: pd.DataFrame) -> Figure:
    """Robust accuracy against eps, one panel a norm, one line a model.

    Bands are 95 % intervals over pictures.

    Args:
        curves: ``robustness_columns.robust_curves``.
        table: the model table, for colours.
    """
    norms = sorted(curves["norm"].unique())
    looks = appearances(table)
    with style():
        drawn = figure(5.2 * len(norms) + 2, 4.2)
        panels = np.atleast_1d(drawn.subplots(1, len(norms), sharey=True))
        for ax, norm in zip(panels, norms, strict=True):
            for model, part in curves[curves["norm"] == norm].groupby("model"):
                look = looks[str(model)]
                ax.plot(part["eps"], part["accuracy"], drawstyle="steps-post", color=look.colour,
                        ls=look.dash, lw=1.4, label=str(model))  # fmt: skip
                ax.fill_between(part["eps"], part["low"], part["high"], step="post",
                                color=look.colour, alpha=0.12, lw=0)  # fmt: skip
            name = _NORM_NAMES.get(norm, norm)
            ax.set(xlabel=f"{name} eps, pixels in [0,1]", ylim=(-0.02, 1.02))
            ax.set_xlim(0, _far(curves.loc[curves["norm"] == norm]))
        panels[0].set_ylabel("pictures with no known error within eps")
        line_legend(panels[-1])
    return drawn


def _far(curves: pd.DataFrame) -> float:
    """Where a twentieth of the most robust model's pictures still stand, a little further."""
    standing = curves[curves["accuracy"] > 0.05]["eps"]
    return 1.1 * float(standing.max()) if len(standing) and standing.max() > 0 else 1.0


def layers(ratios: pd.DataFrame, table: pd.DataFrame) -> Figure:
    """R over depth at one budget: one panel an architecture, its trainings as lines.

    The budget is that of the verdict where measured, else the middle one. R is the displacement an
    adversary reaches over the mean distance between two pictures. Bands are 95 % intervals over
    pictures; thin dotted lines are noise on the same sphere.

    Args:
        ratios: ``layer_columns.layer_ratios``.
        table: the model table, for colours and for who is robust.
    """
    budgets = sorted(ratios["budget"].unique())
    budget = VERDICT_BUDGET if VERDICT_BUDGET in budgets else budgets[len(budgets) // 2]
    chosen = ratios[(ratios["budget"] == budget) & (ratios["ratio"] > 0)]
    chosen = chosen.assign(arch=chosen["model"].str.split(".").str[0])
    archs = sorted(chosen["arch"].unique())
    with style():
        down, across = math.ceil(len(archs) / _ACROSS), min(len(archs), _ACROSS)
        drawn = figure(3.0 * across + 0.6, 2.9 * down + 0.4)
        panels = drawn.subplots(down, across, sharex=True, sharey=True, squeeze=False).ravel()
        for ax, arch in zip(panels, archs, strict=False):
            part = chosen[chosen["arch"] == arch]
            _depth_curves(ax, part, table)
            n = part["model"].nunique()
            ax.set(title=arch if n <= _MOST_LINES else f"{arch}: {n} networks", yscale="log")
            if n <= _MOST_LINES:
                ax.legend(fontsize=7)
        for ax in panels[len(archs) :]:
            ax.set_visible(False)
        drawn.supxlabel(f"tap, from the first; {budget}; dotted: noise of the same norm")
        drawn.supylabel("R (lower: more robust)")
    return drawn


def _depth_curves(ax: Axes, part: pd.DataFrame, table: pd.DataFrame) -> None:
    """Standard weights solid, robust ones broken, untrained ones grey with dots and dashes."""
    shown = table[table["model"].isin(part["model"])]
    looks = appearances(shown[shown["training"] != "random"], among=table)
    markers = families(list(table["family"]))
    for (model, kind), line in part.sort_values("depth").groupby(["model", "kind"]):
        look = looks.get(str(model))
        (family,) = shown.loc[shown["model"] == model, "family"]
        colour, dash = (look.colour, look.dash) if look else ("0.45", "-.")
        marker = markers[str(family)][1]
        if kind == "noise":
            ax.plot(line["depth"], line["ratio"], color=colour, ls=":", lw=1)
            continue
        tag = str(model).split(".", 1)[1]
        ax.plot(line["depth"], line["ratio"], color=colour, ls=dash, lw=1.5, ms=4, marker=marker,
                label=tag)  # fmt: skip
        ax.fill_between(line["depth"], line["low"], line["high"], color=colour, alpha=0.15, lw=0)
    ax.set_xticks(sorted(part["depth"].unique()))
    ax.tick_params(labelbottom=True)


def matrix(pairs: pd.DataFrame) -> Figure:
    """Sources x targets, fooling rate in per cent; models that act alike stand together.

    Both axes have one order, by average linkage of what each model sends and receives; white-box
    cells are framed and left out of it.

    Args:
        pairs: ``matrix.pair_rates``.
    """
    wide = 100 * pairs.pivot(index="source", columns="target", values="fooling")
    own = pairs.pivot(index="source", columns="target", values="own").fillna(False).astype(bool)
    order = clustered(wide.mask(own))
    rows = [name for name in order if name in wide.index]
    columns = [name for name in order if name in wide.columns]
    lines = [name.replace("+", "\n+ ") for name in rows]  # an ensemble's members
    wide, own = (part.loc[rows, columns].set_axis(lines) for part in (wide, own))
    with style():
        label = "fooled [%], of pictures both get right"
        drawn, ax = heat_map(wide, label=label, framed=own)
        ax.set(xlabel="target", ylabel="source (framed: white box)")
    return drawn


def clustered(rates: pd.DataFrame) -> list[str]:
    """All sources and targets, such that neighbours send and receive alike; NaN is not known."""
    names = sorted({*rates.index, *rates.columns})
    both = rates.reindex(index=names, columns=names)
    profiles = pd.concat([both, both.T], axis=1).to_numpy(float)
    middle = np.nanmean(profiles) if np.isfinite(profiles).any() else 0.0
    filled = np.where(np.isnan(profiles), middle, profiles)
    if len(names) < 3:
        return names
    apart = pdist(filled)
    tree = optimal_leaf_ordering(linkage(apart, method="average"), apart)
    return [names[i] for i in leaves_list(tree)]


def edits(rates: pd.DataFrame, source: str) -> Figure:
    """Targets x edits for one source, fooling rate in per cent.

    Args:
        rates: ``edit_columns.edit_rates``.
        source: whose perturbations.
    """
    chosen = rates[rates["source"] == source]
    wide = 100 * chosen.pivot(index="target", columns="edit", values="fooling")
    wide = wide.reindex(columns=sorted(map(str, wide.columns), key=_edit_order))
    with style():
        wide.columns = [name.replace("_", "\n") for name in wide.columns]
        drawn, ax = heat_map(wide, label="fooled [%]", cell=(0.75, 0.38), least=6.5)
        ends = (f"fooling{part}" for part in ("", "_low", "_high", "_n"))
        sure = certainty(*(chosen[name] for name in ends))
        ax.set_title(f"edited perturbations of {source}\n{sure}")
    return drawn


def _edit_order(edit: str) -> tuple[int, float]:
    kind, _, amount = edit.partition("_")
    kinds = ["whole", "low", "high", "shift", "swap"]
    return (kinds.index(kind) if kind in kinds else len(kinds), float(amount or 0))
