"""Mediators of transfer (Demontis et al. 2019), averaged over pictures."""

import pandas as pd

from analysis.stats import mean
from analysis.transfer_columns import spread

_OF_A_MODEL = ("gradient_norm", "loss_variance")


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
