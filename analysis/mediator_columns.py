"""Mediators of transfer (Demontis et al. 2019), averaged over pictures, and how they rank it.

Theirs are the size of the target's input gradients, the alignment of the target's and the source's,
and the variability of the source's loss: a source whose loss is rugged sends perturbations that fit
it alone. The target's is ranked beside it, as something else.
"""

import numpy as np
import pandas as pd

from analysis.stats import FEWEST_MODELS, interval, mean, spearman
from analysis.transfer_columns import spread

_OF_A_MODEL = ("gradient_norm", "loss_variance")
OF_A_SOURCE = "source_loss_variance"


def mediator_columns(rows: pd.DataFrame, *, resamples: int = 2000, seed: int = 0) -> pd.DataFrame:
    """One row a model: mean ``gradient_norm`` and ``loss_variance``, with _low, _high, _n."""
    measured = rows[(rows["suite"] == "sensitivity") & rows["metric"].isin(_OF_A_MODEL)]
    lines: dict[str, dict[str, float]] = {}
    for (model, metric), part in measured.groupby(["model", "metric"]):
        found = mean(part["value"], clusters=part["case"], resamples=resamples, seed=seed)
        lines.setdefault(str(model), {}).update(spread(str(metric), found))
    return pd.DataFrame.from_dict(lines, orient="index")


def alignments(
    rows: pd.DataFrame, source: str | None, *, resamples: int = 2000, seed: int = 0
) -> pd.DataFrame:
    """One line a source and target: mean ``alignment`` in [-1, 1], with _low, _high, _n."""
    measured = rows[rows["metric"] == "gradient_alignment"]
    made_on = measured["condition"].str.extract(r"^from=([^/]+)/", expand=False).fillna(source)
    lines = []
    for (first, second), part in measured.assign(source=made_on).groupby(["source", "model"]):
        found = mean(part["value"], clusters=part["case"], resamples=resamples, seed=seed)
        lines.append({"source": first, "target": second, **spread("alignment", found)})
    return pd.DataFrame(lines, columns=None if lines else ["source", "target", "alignment"])


def with_mediators(pairs: pd.DataFrame, columns: pd.DataFrame) -> pd.DataFrame:
    """Pairs of source and target with the mediators of both.

    Adds ``gradient_norm`` and ``loss_variance`` of the target and ``source_loss_variance``, NaN for
    ensembles, whose own loss nobody measured; nothing where no model was measured.

    Args:
        pairs: with columns source and target.
        columns: ``mediator_columns``.
    """
    if columns.empty:
        return pairs
    known = columns.reindex(columns=list(_OF_A_MODEL))
    joined = pairs.join(known, on="target")
    return joined.assign(**{OF_A_SOURCE: pairs["source"].map(known["loss_variance"])})


def mediator_ranks(pairs: pd.DataFrame, *, resamples: int = 2000, seed: int = 0) -> pd.DataFrame:
    """How well each mediator ranks transfer: mediator, rho, rho_low, rho_high, pairs, models.

    Spearman's rho of the mediator and the fooling rate over pairs of a single source and another
    target. Pairs share networks, so intervals (95 %) resample networks, and a pair counts as often
    as both of its networks do together. They describe these networks.

    Args:
        pairs: ``matrix.pair_rates`` with the mediators' columns.
        resamples: of networks.
        seed: of the draws.
    """
    single = pairs[~pairs["own"] & ~pairs["source"].str.contains("+", regex=False)]
    lines = []
    for name in ("alignment", *_OF_A_MODEL, OF_A_SOURCE):
        if name not in single:
            continue
        used = single.dropna(subset=[name, "fooling"])
        models = sorted({*used["source"], *used["target"]})
        if len(models) < FEWEST_MODELS:
            continue
        ends = np.stack([np.searchsorted(models, used[side]) for side in ("source", "target")], 1)
        values = used[[name, "fooling"]].to_numpy(float)
        n = len(models)
        counts = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=resamples)
        times = [count[ends[:, 0]] * count[ends[:, 1]] for count in counts]
        drawn = np.array([
            spearman(*np.repeat(values, each, axis=0).T) if each.any() else np.nan for each in times
        ], dtype=float)  # fmt: skip
        rho = float(spearman(*values.T))
        low, high = interval(drawn)
        lines.append((name, rho, min(low, rho), max(high, rho), len(used), n))
    return pd.DataFrame(
        lines, columns=["mediator", "rho", "rho_low", "rho_high", "pairs", "models"]
    )
