"""The page's charts as Vega-Lite specifications."""

from collections.abc import Mapping
from typing import Any

import altair as alt
import pandas as pd

from analysis.look import families
from analysis.plots import LABELS, ROBUST
from analysis.sample import of_source

AXES = [
    "fooling", "progress", "peak_excess", "accuracy", "fooling_adjusted", "fooling_joint",
    "targeted", "palette_progress", "progress_article", "content_ssim", "judge_content_distance",
    "log_auc", "nonrobust_det", *ROBUST, "early_layer_ratio", "entropy_share", "unevenness",
]  # fmt: skip
_SHOWN = ["model", "family", "training", "role", "robust"]


def scatter(table: pd.DataFrame, pictures: Mapping[str, str]) -> dict[str, Any] | None:
    """Any two of ``AXES`` against each other, a point and 95 % bars a model; None with fewer.

    Args:
        table: the model table.
        pictures: a picture a model, as data URIs, shown on hover.
    """
    axes = [name for name in AXES if name in table and table[name].notna().any()]
    if len(axes) < 2:
        return None
    ends = [f"{name}_{side}" for name in axes for side in ("low", "high")]
    points = table[[*_SHOWN, *axes, *(name for name in ends if name in table)]]
    points = points.assign(image=table["model"].map(dict(pictures)), pale=of_source(table))
    labels = [LABELS.get(name, name.replace("_", " ")) for name in axes]
    x, y = (
        alt.param(name=f"{side}_axis", value=axes[i],
                  bind=alt.binding_select(options=axes, labels=labels, name=f"{side} axis "))
        for i, side in enumerate("xy")
    )  # fmt: skip
    looks = families(list(table["family"]))
    palette = alt.Scale(domain=list(looks), range=[colour for colour, _ in looks.values()])
    # the bars come first, and a legend takes after the first layer
    legend = alt.Legend(symbolType="circle", symbolOpacity=1, symbolStrokeWidth=4)
    ticks = alt.Axis(tickCount=6, format=".3~g", labelOverlap="greedy")
    base = (
        alt.Chart(points)
        .transform_calculate(**{
            f"{side}{end}": f"datum[{side}_axis + '{end}']"
            for side in "xy" for end in ("", "_low", "_high")
        })
        .transform_filter("isValid(datum.x) && isValid(datum.y)")
        .encode(
            x=alt.X("x:Q", title=None, axis=ticks, scale=alt.Scale(zero=False, padding=20)),
            y=alt.Y("y:Q", title=None, axis=ticks, scale=alt.Scale(zero=False, padding=20)),
            color=alt.Color("family:N", scale=palette, legend=legend),
        )
    )  # fmt: skip
    bars = [
        base.transform_filter(f"isValid(datum.{side}_low)")
        .mark_rule(opacity=0.4)
        .encode(**{side: channel(f"{side}_low:Q", title=None), f"{side}2": f"{side}_high:Q"})
        for side, channel in (("x", alt.X), ("y", alt.Y))
    ]
    marks = base.mark_point(size=110, filled=True, strokeWidth=2).encode(
        fillOpacity=alt.condition("datum.pale", alt.value(0.25), alt.value(0.9)),
        stroke=alt.condition("datum.robust", alt.value("currentColor"), alt.value("transparent")),
        shape=alt.Shape("role:N", legend=alt.Legend(symbolFillColor="#888")),
        tooltip=[
            *(alt.Tooltip(f"{name}:N") for name in ("model", "training", "role", "image")),
            *(alt.Tooltip(f"{name}:Q", format=".3") for name in "xy"),
        ],
    )
    chart = alt.layer(*bars, marks, width=560, height=380, background="transparent")
    found: dict[str, Any] = chart.add_params(x, y).to_dict()
    return found
