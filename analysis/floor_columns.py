"""The floor under a transfer rate: perturbations of a network that has learned nothing."""

from collections.abc import Collection

import pandas as pd

from analysis.iterations import steps_read
from analysis.stats import rate
from analysis.transfer_columns import HEADLINE, as_read, clean_answers, spread


def floor_columns(
    rows: pd.DataFrame,
    untrained: Collection[str],
    *,
    source: str | None = None,
    headline: str = HEADLINE,
    resamples: int = 2000,
    seed: int = 0,
) -> pd.DataFrame:
    """``fooling_untrained``, with _low, _high, _n: one row a model that was shown such pictures.

    Wrong answers to the untargeted examples of untrained sources, among the pictures that
    ``fooling`` counts: those the model and the run's source get right. What the untrained source
    answers says nothing. Empty without such rows.

    Args:
        rows: of a run.
        untrained: names of sources whose weights were drawn, not learned.
        source: the run's own; None = the model alone has to be right.
        headline: norm and radius.
    """
    heads = [f"from={name}/{headline}/untargeted" for name in untrained]
    shown = rows[(rows["suite"] == "transfer") & (rows["metric"] == "adv_correct")]
    shown = shown.assign(read_at=shown["condition"].map(steps_read(shown)))
    shown = pd.concat([as_read(shown, head) for head in heads]) if heads else shown.iloc[:0]
    right = clean_answers(rows).eq(1)
    known = right[source] if source in right else pd.Series(True, index=right.index)
    how = {"resamples": resamples, "seed": seed}
    found = {
        str(model): spread("fooling_untrained", rate(_wrong(part, right[model] & known), **how))
        for model, part in shown.groupby("model")
    }
    return pd.DataFrame.from_dict(found, orient="index")


def _wrong(shown: pd.DataFrame, right: pd.Series) -> pd.Series:
    """Share of sources that fool the model on each picture that counts."""
    wrong = (1 - shown["value"]).groupby(shown["case"]).mean()
    return wrong[right.reindex(wrong.index).eq(True)]
