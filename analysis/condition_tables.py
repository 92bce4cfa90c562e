"""What each condition of the laboratory made, one line a network and condition.

For reading single taps, subsets of taps, content taps, untrained networks and feature visualisation
one by one; comparisons with intervals of differences are in ``analysis.lab_contrasts``.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from analysis.stats import LEVEL
from analysis.style_columns import PERIODS, style_facts, with_excess

STYLE_SCORES = (
    "progress", "random_progress", "texture_progress", "texture_log2_ratio", "palette_progress",
    *(f"{kind}_{period}" for kind in ("peak", "excess", "board_excess") for period in PERIODS),
    "judge_content_distance", "content_ssim", "content_edges",
)  # fmt: skip
FEATURE_SCORES = ("high_frequency_share", "spectral_slope")
WITHOUT_PRIORS = "pixel"  # the condition of pictures that nothing but the pixels held back
_LINE = ["model", "condition"]
_FEWEST = 3  # cases for an interval, as among the comparisons


def style_conditions(rows: pd.DataFrame) -> pd.DataFrame:
    """One line a model and condition of the style suite: ``conditions-style.csv``.

    Columns: model, condition as rows name it, each of ``STYLE_SCORES`` (see ``style_facts`` and
    ``with_excess``; peaks in dB) that was measured, with _low, _high and _n (``t_means`` over pairs
    of pictures; other seeds of a pair are averaged first).
    """
    facts = style_facts(rows)
    return t_means(with_excess(facts), STYLE_SCORES) if len(facts) else pd.DataFrame()


def features(rows: pd.DataFrame) -> pd.DataFrame:
    """One line a model and condition of the features suite: ``features.csv``.

    Columns: model, condition, ``priors`` (whether a parameterisation or random views held the
    pictures back; without, what excites a network is shown as it is, Engstrom et al. 2019),
    ``high_frequency_share`` in [0, 1] and ``spectral_slope`` (0 white noise, -2 photographs), each
    with _low, _high and _n (``t_means`` over channels and logits).
    """
    facts = feature_facts(rows)
    if facts.empty:
        return pd.DataFrame()
    found = t_means(facts, FEATURE_SCORES)
    found.insert(2, "priors", found["condition"] != WITHOUT_PRIORS)
    return found.sort_values(["priors", "model"]).reset_index(drop=True)


def feature_facts(rows: pd.DataFrame) -> pd.DataFrame:
    """One line a picture of the features suite: model, condition, case, ``FEATURE_SCORES``."""
    shown = rows[(rows["suite"] == "features") & rows["metric"].isin(FEATURE_SCORES)]
    wide = shown.pivot_table(index=[*_LINE, "case"], columns="metric", values="value")
    return wide.reset_index().rename_axis(columns=None)


def t_means(facts: pd.DataFrame, scores: Sequence[str]) -> pd.DataFrame:
    """Means of these columns by model and condition with t intervals over cases.

    The interval is Student's from three cases on, NaN below; it takes scores of cases as normal and
    independent, which pairs that share a picture are not quite.

    Args:
        facts: columns model, condition, case and scores, NaN where unmeasured.
        scores: those of them that are averaged; one that is no column is left out.
    """
    known = [name for name in scores if name in facts]
    cases = facts.groupby([*_LINE, "case"])[known].mean().groupby(_LINE)
    means, spreads, counts = cases.mean(), cases.std(), cases.count()
    quantile = stats.t.ppf((1 + LEVEL) / 2, np.maximum(counts - 1, 1))
    half = (quantile * spreads / np.sqrt(counts.clip(lower=1))).where(counts >= _FEWEST)
    parts = {
        column: values
        for name in known
        for column, values in [
            (name, means[name]), (f"{name}_low", means[name] - half[name]),
            (f"{name}_high", means[name] + half[name]), (f"{name}_n", counts[name]),
        ]
    }  # fmt: skip
    return pd.DataFrame(parts).reset_index()
