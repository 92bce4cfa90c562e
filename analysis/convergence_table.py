"""How the optimiser fared, per network and condition: budget, failures, losses, wall time."""

from collections.abc import Mapping

import pandas as pd

from analysis.style_columns import convergence, style_curves, style_facts

_MEANS = ["evaluations", "iterations", "diverged"]
_VARIANT = r"/w[\d.e+-]+$"


def convergence_table(rows: pd.DataFrame, seconds: Mapping[str, float]) -> pd.DataFrame:
    """One line a network and condition of the style suite; empty without any.

    Columns: model, condition; pictures; means over pictures of evaluations, iterations and
    diverged; ``line_search_failures``, their sum; the columns of ``style_columns.convergence``,
    relative to the style's own Gram energy; ``raw_distance`` and ``raw_energy``, ||G(x)-G(s)||^2
    left and ||G(s)||^2, means over taps and pictures in the network's own units;
    ``seconds_a_picture``, wall time of the condition's cell, judging included.

    Args:
        seconds: wall time of cells by their keys (``results.store.cell_seconds``).
    """
    facts = style_facts(rows)
    if facts.empty:
        return pd.DataFrame()
    groups = facts.groupby(["model", "condition"])
    table = groups.size().rename("pictures").to_frame()
    table = table.join(groups[[name for name in _MEANS if name in facts]].mean())
    if "line_search_failures" in facts:
        table = table.join(groups["line_search_failures"].sum())
    losses = style_curves(rows, "loss_style")
    parts = {name: convergence(part) for name, part in losses.groupby("condition")}
    if parts:
        fell = pd.concat(parts, names=["condition"]).swaplevel()
        table = table.join(fell)
    style = rows[rows["suite"] == "style"]
    for column, metric in [
        ("raw_distance", "gram_distance_raw"), ("raw_energy", "gram_energy_style"),
    ]:  # fmt: skip
        raw = style[style["metric"] == metric].groupby(["model", "condition"])["value"].mean()
        table = table.join(raw.rename(column))
    table["seconds_a_picture"] = _seconds(table["pictures"], seconds)
    return table.reset_index()


def _seconds(pictures: pd.Series, seconds: Mapping[str, float]) -> pd.Series:
    """A cell's time over the pictures of all its style weights."""
    model = pictures.index.get_level_values("model")
    variant = pictures.index.get_level_values("condition").str.replace(_VARIANT, "", regex=True)
    made = pictures.groupby([model, variant]).transform("sum")
    spent: dict[tuple[str, str], float] = {}
    for key, value in seconds.items():
        suite, name, *rest = key.split("/")  # style/MODEL/VARIANT .../SIZEpx/seedN
        if suite == "style":
            place = (name, "/".join(rest[:-2]))
            spent[place] = spent.get(place, 0.0) + value
    known = [spent.get(place, float("nan")) for place in zip(model, variant, strict=True)]
    return pd.Series(known, index=pictures.index, dtype=float) / made
