"""The static prediction of stride lattices held against the peaks that pictures have."""

import numpy as np
import pandas as pd

from analysis.sample import intact, networks
from analysis.stats import interval, mean, spearman
from analysis.style_columns import PERIODS, style_facts
from analysis.transfer_columns import spread

_PLAIN = r"^[^/]+/(?P<taps>[^/]+)(?:/texture)?/w[\d.e+-]+$"


def lattice_lines(rows: pd.DataFrame, *, resamples: int = 2000, seed: int = 0) -> pd.DataFrame:
    """One line a network, condition and period; empty where coverage was not predicted.

    Columns: model, condition, period in pixels; ``unevenness`` of the coverage by the layers of
    that period, 0 where no layer has it (``zoo.coverage``);
    ``excess`` = K(period) of the output minus the style's, in dB, with _low, _high, _n over
    pictures. Only plain transfer and textures on the taps that were predicted for.
    """
    predicted = rows[(rows["suite"] == "coverage") & (rows["metric"] == "coverage_unevenness")]
    facts = style_facts(rows)
    if predicted.empty or facts.empty:
        return pd.DataFrame()
    uneven = predicted.groupby(["model", "condition", "step"])["value"].max()
    by_layers: dict[tuple[str, str], dict[int, float]] = {}
    for network, on, step, value in uneven.reset_index().itertuples(index=False):
        by_layers.setdefault((network, on), {})[step] = value
    facts = facts.assign(taps=facts["condition"].str.extract(_PLAIN)["taps"])
    lines = []
    for (model, condition, taps), part in facts.groupby(["model", "condition", "taps"]):
        layers = by_layers.get((str(model), str(taps)))
        if layers is None:
            continue
        for period in PERIODS:
            names = [f"peak_{period}", f"peak_{period}_style"]
            peaks = part.reindex(columns=names).to_numpy(float)
            found = mean(peaks[:, 0] - peaks[:, 1], clusters=part["case"], resamples=resamples,
                         seed=seed)  # fmt: skip
            if found.n:
                lines.append({
                    "model": model, "condition": condition, "period": period,
                    "unevenness": layers.get(period, 0.0),
                    **spread("excess", found),
                })  # fmt: skip
    return pd.DataFrame(lines)


def lattice_networks(lines: pd.DataFrame) -> pd.DataFrame:
    """Lines of networks no surgery was done to, further weight seeds averaged into one line.

    An operated copy or a second seed is no further network; what a surgery does to the peaks is
    another question (``analysis.lab_contrasts``), and zeros padded to kernels, which change the
    prediction and not the network, would answer this one wrongly.
    """
    whole = intact(lines)
    whole = whole.assign(model=networks(whole))
    keys = ["model", "condition", "period"]
    return whole.groupby(keys, as_index=False)[["unevenness", "excess"]].mean()


def lattice_fit(lines: pd.DataFrame, *, resamples: int = 2000, seed: int = 0) -> pd.DataFrame:
    """How well the prediction ranks the peaks: one line a condition and period.

    Over ``lattice_networks``. Columns: condition, period ("all": every network at every period, so
    that what sets periods apart is in it, too), rho (Spearman) with rho_low and rho_high, n lines,
    models. Intervals resample networks whole, and describe these networks. NaN where all
    predictions are alike.
    """
    found = []
    for condition, part in lattice_networks(lines).groupby("condition"):
        groups = [("all", part), *((str(period), one) for period, one in part.groupby("period"))]
        for period, group in groups:
            found.append({
                "condition": condition, "period": period, **_ranked(group, resamples, seed)
            })  # fmt: skip
    return pd.DataFrame(found)


def _ranked(group: pd.DataFrame, resamples: int, seed: int) -> dict[str, float]:
    models = sorted(group["model"].unique())
    places = [np.flatnonzero(group["model"] == model) for model in models]
    x, y = group["unevenness"].to_numpy(float), group["excess"].to_numpy(float)
    rng = np.random.default_rng(seed)
    drawn = []
    for chosen in rng.integers(0, len(models), size=(resamples, len(models))):
        some = np.concatenate([places[i] for i in chosen])
        drawn.append(float(spearman(x[some], y[some])))
    rho, (low, high) = float(spearman(x, y)), interval(np.asarray(drawn))
    return {"rho": rho, "rho_low": low, "rho_high": high, "n": len(group), "models": len(models)}
