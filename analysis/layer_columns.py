"""The layer robustness atlas: R(f, eps) of every tap, with intervals from resampling pictures.

R = E_x max_x' ||f(x') - f(x)|| / E_x1,x2 ||f(x1) - f(x2)||, lower is more robust (Ilyas et al.
2019, reply to Nakano). Their points, read off a plot, ImageNet, first four layers, no eps given:
ResNet-50 .54 .45 .44 .58, VGG-16 .05 .11 .16 .21, robust ResNet-50 .07 .065 .06 .05, AlexNet .06
.12 .37 .50.
"""

import numpy as np
import pandas as pd

from analysis.stats import bootstrap_means, interval

_KINDS = {"layer_displacement": "adversary", "layer_displacement_noise": "noise"}
VERDICT_BUDGET = "l2_0.10"  # why this radius: analysis.cause_columns
COLUMNS = ["model", "tap", "depth", "budget", "kind", "ratio", "low", "high", "n"]


def layer_ratios(rows: pd.DataFrame, *, resamples: int = 2000, seed: int = 0) -> pd.DataFrame:
    """R of every model, tap, budget ("l2_0.50") and kind ("adversary" or "noise").

    Columns: ``COLUMNS``; depth counts taps from 1, n pictures; low and high are a 95 % bootstrap
    interval over pictures, numerator and denominator resampled together.
    """
    measured = rows[rows["suite"] == "layers"]
    between = measured[measured["metric"] == "layer_spread"]
    units = between.set_index(["model", "condition", "case", "seed"])["value"].sort_index()
    moved = measured[measured["metric"].isin(list(_KINDS))]
    parts = moved["condition"].str.rsplit("/", n=1, expand=True).reindex(columns=[0, 1])
    moved = moved.assign(tap=parts[0], budget=parts[1], kind=moved["metric"].map(_KINDS))
    found = []
    keys = ["model", "tap", "step", "budget", "kind"]
    for (model, tap, depth, budget, kind), part in moved.groupby(keys):
        unit = units[str(model), str(tap)].reindex(pd.MultiIndex.from_frame(part[["case", "seed"]]))
        ratio, low, high = _ratio(
            part["value"].to_numpy(float), unit.to_numpy(float), part["case"], resamples, seed
        )
        n = part["case"].nunique()
        found.append((model, tap, depth, budget, kind, ratio, low, high, n))
    return pd.DataFrame(found, columns=COLUMNS)


def _ratio(
    moved: np.ndarray, unit: np.ndarray, cases: pd.Series, resamples: int, seed: int
) -> tuple[float, float, float]:
    """mean(moved) / mean(unit) with its interval.

    ``unit`` holds each picture's mean distance to the others. Their mean is a U-statistic of pairs,
    whose sampling error is twice that of the single means (Hoeffding 1948), hence the projection.
    """
    projected = 2 * unit - unit.mean()
    drawn = bootstrap_means(
        np.column_stack([moved, projected]), clusters=cases, resamples=resamples, seed=seed
    )
    value = float(moved.mean() / unit.mean()) if unit.mean() > 0 else float("nan")
    with np.errstate(divide="ignore", invalid="ignore"):
        low, high = interval(drawn[:, 0] / drawn[:, 1])
    return value, low, high
