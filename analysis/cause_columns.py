"""Candidate causes as one number a model: early robustness, peakiness, uneven strides."""

import numpy as np
import pandas as pd

from analysis.layer_columns import VERDICT_BUDGET, layer_ratios

_EARLY = 2  # the first two taps, full and half resolution: the reply's "first four layers"


def cause_columns(rows: pd.DataFrame) -> pd.DataFrame:
    """One row a model that has any of these; empty where no suite of theirs was run.

    Columns: ``early_layer_ratio``: R(f) under an adversary of L2 norm .1, mean of the first two
    taps, lower is more robust (Ilyas et al. 2019, reply). The reply gives no norm; L2 of .25 to 3,
    usual at its 224 pixels, is the same change a pixel as .04 to .43 at 32, and .1 is the measured
    radius nearest to the geometric middle, .12. ``early_layer_doublings``: its log2, since a
    difference in R(f) means nothing without the radius it was taken at. ``entropy_share``:
    entropy of the last matched tap's activations over that of an even map, in [0, 1], mean over
    pictures (Wang et al. 2021); ``unevenness``: the largest over periods of the static predictor
    (Odena et al. 2016).
    """
    parts = [_early(rows), _entropy(rows), _unevenness(rows)]
    known = [part for part in parts if len(part)]
    return pd.concat(known, axis=1) if known else pd.DataFrame()


def _early(rows: pd.DataFrame) -> pd.DataFrame:
    ratios = layer_ratios(rows, resamples=1)
    attacked = ratios[(ratios["budget"] == VERDICT_BUDGET) & (ratios["kind"] == "adversary")]
    chosen = attacked[attacked["depth"] <= _EARLY]
    ratio = chosen.groupby("model")["ratio"].mean().astype(float)
    return pd.DataFrame(
        {"early_layer_ratio": ratio, "early_layer_doublings": np.log2(ratio.where(ratio > 0))}
    )


def _entropy(rows: pd.DataFrame) -> pd.Series:
    shares = rows[rows["metric"] == "activation_entropy_share"]
    place = shares["condition"].str.extract(r"^matched/(\d+)/[^/]+$", expand=False)
    shares = shares.assign(place=pd.to_numeric(place)).dropna(subset="place")
    last = shares[shares["place"] == shares.groupby("model")["place"].transform("max")]
    return last.groupby("model")["value"].mean().rename("entropy_share")


def _unevenness(rows: pd.DataFrame) -> pd.Series:
    static = rows[(rows["metric"] == "coverage_unevenness") & (rows["condition"] == "matched")]
    return static.groupby("model")["value"].max().rename("unevenness")
