"""The plain method with the layer weights that suit a network best: what smoothing has to beat.

Smoothing and layer weights both change how much each layer says, so a gain of the one over layers
that all weigh alike may be the other's. The best of several flatters itself on the pictures it was
picked by, hence the weights of a pair of pictures are chosen on the other pairs.
"""

import pandas as pd

from analysis.comparisons import BEST_LAYERS, SMOOTHINGS, condition

CHOSEN_BY = (
    "progress"  # the judge's, for every score: one choice a pair, as by the article's author
)
_LAYERS = condition("layers")
_FEWEST_PAIRS = 2  # one to choose on, one to judge by


def with_best_layers(means: pd.DataFrame) -> pd.DataFrame:
    """The scores, and those of each network's best layer weights as one more condition.

    The condition ``BEST_LAYERS`` has, of each pair of pictures, the scores of the layer weights
    whose mean progress over all other pairs is highest. Only pairs count that were made with all
    the layer weights of a network; one that has fewer than two layer weights or pairs has no best.

    Args:
        means: scores, one a column; index model, condition, case.
    """
    if CHOSEN_BY not in means:
        return means
    start, _, weight = _LAYERS.partition("layers")
    names = pd.Series(means.index.get_level_values("condition"), index=means.index)
    searched = names.str.startswith(f"{start}layers") & names.str.endswith(weight)
    searched &= ~names.isin([condition(one) for one in SMOOTHINGS])
    found = [_best(part) for _, part in means[searched].groupby(level="model")]
    return pd.concat([means, *found])


def _best(means: pd.DataFrame) -> pd.DataFrame:
    """One network's lines of the best layer weights, each chosen on the other pairs."""
    wide = means[CHOSEN_BY].droplevel("model").unstack("case").dropna(axis=1)
    if len(wide) < 2 or wide.shape[1] < _FEWEST_PAIRS:
        return means.iloc[:0]
    chosen = {str(case): wide.drop(columns=case).mean(axis=1).idxmax() for case in wide}
    cases = means.index.get_level_values("case")
    kept = means[means.index.get_level_values("condition") == cases.map(chosen)]
    best = kept.reset_index()
    return best.assign(condition=condition(BEST_LAYERS)).set_index(means.index.names)
