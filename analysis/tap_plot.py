"""What each choice of taps changes, against the matched ones: a line a choice."""

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from analysis.comparisons import TAP_CHOICE
from analysis.look import figure, span, style
from analysis.style_columns import TAPS

SCORES = {"progress": "progress", "palette_progress": "palette"}
_NAME = rf"^(?P<model>[^:]+): (?P<choice>.+) - {TAPS}$"
_KINDS = ("single", "subset", TAPS)


def tap_choices(compared: pd.DataFrame) -> pd.DataFrame:
    """The lines of ``contrasts`` about single taps, subsets and content taps: model, choice, ...

    Means over networks are left out.
    """
    found = compared[(compared["group"] == TAP_CHOICE) & compared["score"].isin(list(SCORES))]
    named = found.join(found["comparison"].str.extract(_NAME)).dropna(subset="model")
    return named[named["model"] != "mean over networks"]


def taps(found: pd.DataFrame) -> Figure:
    """Differences from the matched taps with 95 % intervals, a panel a score, a colour a network.

    Args:
        found: ``tap_choices``.
    """
    choices = sorted(found["choice"].unique(), key=_place)
    models = sorted(found["model"].unique())
    colours = sns.color_palette("colorblind", len(models))
    scores = {score: title for score, title in SCORES.items() if score in set(found["score"])}
    with style():
        drawn = figure(1.0 + 4.5 * len(scores), 1.4 + 0.32 * len(choices))
        panels = np.atleast_1d(drawn.subplots(1, len(scores), sharey=True))
        for ax, (score, title) in zip(panels, scores.items(), strict=True):
            for i, (model, colour) in enumerate(zip(models, colours, strict=True)):
                part = found[(found["model"] == model) & (found["score"] == score)]
                ends = np.abs(part[["low", "high"]].to_numpy() - part[["effect"]].to_numpy()).T
                places = [choices.index(name) + 0.22 * (i - (len(models) - 1) / 2)
                          for name in part["choice"]]  # fmt: skip
                ax.errorbar(part["effect"], places, xerr=np.nan_to_num(ends), fmt="osD^v"[i % 5],
                            ms=4, lw=1.2, color=colour, label=model)  # fmt: skip
            ax.axvline(0, color="0.6", lw=0.8, zorder=0)
            n = found.loc[found["score"] == score, "n_pictures"]
            ax.set(xlabel=f"{title}, minus the matched taps'", yticks=range(len(choices)),
                   yticklabels=[_said(name) for name in choices],
                   title=f"{title}: 95 %, {span(n)} pairs of pictures")  # fmt: skip
        panels[0].invert_yaxis()
        drawn.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center",
                     ncols=len(models))  # fmt: skip
    return drawn


def _place(choice: str) -> tuple[int, str]:
    return _KINDS.index(choice.partition("/")[0]), choice


def _said(choice: str) -> str:
    kind, _, places = choice.partition("/")
    said = {"single": "style from tap ", "subset": "style from taps ", TAPS: "content from tap "}
    return said[kind] + places.removeprefix("content")
