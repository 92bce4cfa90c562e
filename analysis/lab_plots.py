"""Figures of the style laboratory: judges, predicted and measured lattices, features."""

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from analysis.condition_tables import FEATURE_SCORES
from analysis.heat_map import heat_map
from analysis.judges import OUTSIDE
from analysis.look import figure, style
from analysis.stride_lattices import lattice_networks
from analysis.style_columns import PERIODS
from results.schema import METRICS


def judge_matrix(pairs: pd.DataFrame, judges: pd.DataFrame | None) -> Figure:
    """Optimised networks x judges, progress in per cent; judges outside the zoo come first.

    Both axes are in the order of the mean progress that other networks see; what a network says of
    its own pictures is framed.

    Args:
        pairs: ``judges.judge_pairs``.
        judges: the table ``judges`` of ``lab.lab_tables``, for the title; None = not enough judges.
    """
    wide = 100 * pairs.pivot(index="model", columns="judge", values="progress")
    inside = pairs[~pairs["own"] & ~pairs["judge"].str.startswith("(")]
    seen = inside.groupby("model")["progress"].mean()
    order = list(seen.reindex(wide.index).sort_values(ascending=False).index)
    heads = [name for name in OUTSIDE if name in wide]
    zoo = [name for name in order if name in wide]
    others = [name for name in wide if name not in {*heads, *zoo}]
    wide = wide.loc[order, [*heads, *zoo, *others]]
    shown = (max(-100.0, float(wide.min().min())), float(wide.max().max()))
    with style():
        itself = pd.DataFrame([[model == judge for judge in wide] for model in wide.index])
        drawn, ax = heat_map(
            wide, label="style progress [%]", framed=itself, colours="viridis", span=shown
        )
        if heads:
            ax.axvline(len(heads), color="black", lw=1.5)
        ax.set(xlabel="judge (framed: itself)", ylabel="optimised", title=_agreed(judges))
    return drawn


def _agreed(judges: pd.DataFrame | None) -> str:
    if judges is None:
        return "too few networks to compare the judges' ranks"
    total = judges.set_index("judge").loc["(all)"]
    return (
        f"ranks by {total['n']:.0f} judges: mean rho = {total['rho']:+.2f} "
        f"[{total['rho_low']:+.2f}, {total['rho_high']:+.2f}], W = {total['kendall_w']:.2f}"
    )


def lattices(lines: pd.DataFrame, fit: pd.DataFrame) -> Figure:
    """Measured peak excess over predicted unevenness, a panel a condition.

    A point is a network at one period; the fit is within periods, for they differ by themselves.

    Args:
        lines: ``stride_lattices.lattice_lines``.
        fit: ``stride_lattices.lattice_fit``, for the titles.
    """
    lines = lattice_networks(lines)
    conditions = sorted(lines["condition"].unique())
    with style():
        drawn = figure(4.3 * len(conditions) + 1, 4.0)
        panels = np.atleast_1d(drawn.subplots(1, len(conditions), sharex=True, sharey=True))
        colours = dict(zip(PERIODS, sns.color_palette("colorblind"), strict=False))
        for ax, condition in zip(panels, conditions, strict=True):
            shown = lines[lines["condition"] == condition]
            sns.scatterplot(
                shown, x="unevenness", y="excess", hue="period", style="period", palette=colours,
                s=28, alpha=0.8, ax=ax, legend="full" if ax is panels[-1] else False,
            )  # fmt: skip
            ax.axhline(0, color="0.7", lw=0.8, zorder=0)
            ax.set(
                xlabel="predicted unevenness of coverage", ylabel="K(p) above the style's [dB]",
                title=f"{condition}\n{_ranked(fit[fit['condition'] == condition])}",
            )  # fmt: skip
        panels[-1].legend(title="period", loc="center left", bbox_to_anchor=(1.02, 0.5))
    return drawn


def _ranked(fit: pd.DataFrame) -> str:
    """Rho at each period where the predictions differ."""
    known = fit[(fit["period"] != "all") & fit["rho"].notna()]
    lines = [
        f"rho at period {one['period']}: {one['rho']:+.2f} [{one['rho_low']:+.2f}, "
        f"{one['rho_high']:+.2f}], {one['models']:.0f} networks"
        for one in known.to_dict("records")
    ]
    return "\n".join(lines) or "no two predictions differ at any period"


def feature_spectra(found: pd.DataFrame) -> Figure:
    """What excites networks: high frequencies and spectral slope, a line a network.

    Args:
        found: ``condition_tables.features``; conditions differ in colour and marker.
    """
    models = sorted(found["model"].unique(), reverse=True)
    conditions = list(dict.fromkeys(found["condition"]))
    with style():
        drawn = figure(9.0, 1.4 + 0.35 * len(models))
        colours = sns.color_palette("colorblind", len(conditions))
        panels = drawn.subplots(1, len(FEATURE_SCORES), sharey=True)
        for ax, score in zip(panels, FEATURE_SCORES, strict=True):
            for i, (condition, colour) in enumerate(zip(conditions, colours, strict=True)):
                part = found[found["condition"] == condition].set_index("model")
                value = part[score]
                least = 0.0 if METRICS[score].low == 0 else -np.inf  # no share is below nought
                low = part[f"{score}_low"].clip(lower=least)
                ends = np.stack([value - low, part[f"{score}_high"] - value])
                places = [models.index(name) - 0.12 * i for name in part.index]
                ax.errorbar(
                    value, places, xerr=np.nan_to_num(ends), fmt="os^Dv"[i % 5], ms=5, lw=1.4,
                    color=colour, label=condition,
                )  # fmt: skip
            ax.set(xlabel=METRICS[score].label, yticks=range(len(models)), yticklabels=models)
        panels[-1].legend(loc="center left", bbox_to_anchor=(1.02, 0.5))
    return drawn
