"""The eps ladder: one architecture trained against larger and larger budgets."""

from itertools import cycle

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.look import Appearance, families, figure, style
from analysis.sample import training_eps, usable

_RUNGS = 3  # two rungs are a pair of twins, which the scatter shows
_DASHES = ("-", "--", ":", "-.")
_SCORES = {
    "progress": "style progress",
    "robust[l2_0.50]": "accuracy under L2 0.5",
    "peak_excess": "stride-locked peak excess [dB]",
}
COLUMNS = ["arch", "family", "eps", "column", "value", "low", "high"]


def rungs(table: pd.DataFrame) -> pd.DataFrame:
    """Scores against training eps: ``COLUMNS``, of architectures with three budgets or more.

    Seeds of one training are averaged, interval ends too.
    """
    zoo = usable(table)
    zoo = zoo.assign(eps=pd.to_numeric(zoo["training"].map(training_eps)))
    zoo["arch"] = zoo["model"].str.split(".").str[0]
    parts = []
    for column in _SCORES:
        if column not in zoo:
            continue
        names = {column: "value", f"{column}_low": "low", f"{column}_high": "high"}
        known = zoo.rename(columns=names).dropna(subset=["eps", "value"])
        known = known.reindex(columns=["arch", "family", "eps", *names.values()])
        means = known.groupby(["arch", "family", "eps"], as_index=False).mean()
        steps = means.groupby("arch")["eps"].transform("nunique")
        if (steps >= _RUNGS).any():
            parts.append(means[steps >= _RUNGS].assign(column=column))
    return pd.concat(parts, ignore_index=True)[COLUMNS] if parts else pd.DataFrame(columns=COLUMNS)


def ladder(found: pd.DataFrame) -> Figure:
    """One panel a score, one line an architecture, against training eps; 95 % bars.

    Args:
        found: ``rungs(table)``, not empty.
    """
    columns = [column for column in _SCORES if column in set(found["column"])]
    looks = families(sorted(set(found["family"])))
    with style():
        drawn = figure(3.6 * len(columns) + 0.4, 3.6)
        panels = drawn.subplots(1, len(columns), squeeze=False)[0]
        for ax, column in zip(panels, columns, strict=True):
            lines = found[found["column"] == column].groupby("arch")
            for (arch, line), dash in zip(lines, cycle(_DASHES)):
                colour, marker = looks[str(line["family"].iloc[0])]
                look = Appearance(colour, marker, dash, False)
                _line(ax, line.sort_values("eps"), look, str(arch))
            ax.set(ylabel=_SCORES[column], xticks=sorted(found["eps"].unique()))
        drawn.supxlabel("eps of adversarial training, L2, pixels in [0,1]; 0: standard", fontsize=9)
        panels[0].legend()
    return drawn


def _line(ax: Axes, line: pd.DataFrame, look: Appearance, name: str) -> None:
    down = (line["value"] - line["low"]).fillna(0).clip(lower=0)
    up = (line["high"] - line["value"]).fillna(0).clip(lower=0)
    ax.errorbar(
        line["eps"], line["value"], yerr=[down, up], color=look.colour, marker=look.marker,
        ls=look.dash, lw=1.5, ms=6, elinewidth=1, capsize=2, label=name,
    )  # fmt: skip
