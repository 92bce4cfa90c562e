"""Excess transfer: what a target receives beyond what its own fragility explains.

A fragile target errs on anything. So its rate is compared with the one its own minimal distances
predict. The model, which is this suite's own: near a picture a target's boundary is a plane at
distance d, and a source's perturbation reaches equally far towards the nearest boundary of every
target. Then a target is fooled on the share of pictures with d <= reach.
One reach a source is fitted, such that the mean predicted rate over its targets is the mean
observed one, hence

    excess(s, t) = F(s, t) - |{i : d_i(t) <= reach(s)}| / n,    mean over t of excess(s, t) ~ 0,

is above 0 where t follows s more than an equally fragile average target. Distances are upper
bounds, found by attacks (see ``analysis.robustness_columns``). The other floor, a random direction
of the same norm, is measured: ``fooling_noise`` and ``fooling_adjusted`` of the model table.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.matrix import Matrix, summarised
from analysis.stats import Floats


@dataclass(frozen=True)
class Excess:
    """Rates of every source and target, first all pictures, then every resample of them: "r s t".

    NaN for white-box pairs and for targets without distances.
    """

    matrix: Matrix
    observed: Floats
    predicted: Floats
    reach: Floats

    @property
    def gap(self) -> Floats:
        """Observed minus predicted, in [-1, 1]."""
        return self.observed - self.predicted


def excess_transfer(
    matrix: Matrix,
    distances: pd.DataFrame,
    *,
    norm: str = "l2",
    resamples: int = 300,
    seed: int = 0,
) -> Excess:
    """Fit every source's reach, for all pictures and for each bootstrap resample of them.

    A source with one target has none: the fit would explain that target whatever it does.

    Args:
        matrix: one attack's answers.
        distances: ``robustness_columns.distance_facts``.
        norm: of the attack and of the distances.
    """
    known = distances[distances["norm"] == norm]
    wide = known.pivot_table(index="model", columns="case", values="distance")
    near = wide.reindex(index=matrix.targets, columns=matrix.cases).to_numpy(float)
    fooled = np.where(matrix.own[:, :, None] | np.isnan(near), np.nan, matrix.fooled)
    lonely = (~np.isnan(fooled).all(axis=2)).sum(axis=1) < 2
    fooled[lonely] = np.nan
    ones = np.ones((1, len(matrix.cases)))
    counts = np.concatenate([ones, matrix.draws(resamples=resamples, seed=seed)])
    found = [[_one_draw(answers, near, count) for answers in fooled] for count in counts]
    observed, predicted, reach = (
        np.array([[pair[k] for pair in draw] for draw in found]) for k in range(3)
    )
    return Excess(matrix, observed, predicted, reach)


def excess_pairs(excess: Excess) -> pd.DataFrame:
    """One line a source and other target, rates in [0, 1].

    Columns: source, target, ``reach`` (the source's, in the norm's unit); observed, predicted and
    excess in [-1, 1], each with _low and _high over pictures.
    """
    lines = []
    for i, source in enumerate(excess.matrix.sources):
        for j, target in enumerate(excess.matrix.targets):
            if not np.isnan(excess.gap[0, i, j]):
                n = int((~np.isnan(excess.matrix.fooled[i, j])).sum())
                lines.append({
                    "source": source, "target": target,
                    **summarised("observed", excess.observed[:, i, j], pictures=n),
                    **summarised("predicted", excess.predicted[:, i, j], pictures=n),
                    "reach": excess.reach[0, i],
                    **summarised("excess", excess.gap[:, i, j], pictures=n, bounds=(-1.0, 1.0)),
                })  # fmt: skip
    return pd.DataFrame(lines)


def excess_columns(excess: Excess) -> pd.DataFrame:
    """One row a target: ``receives_excess``, mean over single sources, with _low and _high."""
    lines = {
        target: summarised(
            "receives_excess", drawn, pictures=excess.matrix.pictures, bounds=(-1.0, 1.0)
        )
        for target, drawn in excess_draws(excess).items()
    }
    return pd.DataFrame.from_dict(lines, orient="index")


def excess_draws(excess: Excess) -> dict[str, Floats]:
    """Each target's mean excess over single sources: of all pictures, then of each resample."""
    single = ["+" not in source for source in excess.matrix.sources]
    found = {}
    for j, target in enumerate(excess.matrix.targets):
        gaps = excess.gap[:, single, j]
        gaps = gaps[:, ~np.isnan(gaps[0])]
        if gaps.shape[1]:
            found[target] = gaps.mean(axis=1)
    return found


def _one_draw(fooled: Floats, near: Floats, count: Floats) -> tuple[Floats, Floats, float]:
    """Observed and predicted rates "t" and the fitted reach, each picture counted so often."""
    weight = np.where(np.isnan(fooled), 0, count)
    of = weight.sum(axis=1, keepdims=True)
    share = np.divide(weight, of, out=np.zeros_like(weight), where=of > 0)
    observed = (share * np.nan_to_num(fooled)).sum(axis=1)
    reach = fitted_reach(near, share, float(observed.sum()))
    predicted = (share * (near <= reach)).sum(axis=1)
    empty = of[:, 0] == 0
    return np.where(empty, np.nan, observed), np.where(empty, np.nan, predicted), reach


def fitted_reach(near: Floats, share: Floats, total: float) -> float:
    """The reach whose predicted rates sum nearest to ``total``; 0 where nothing is fooled.

    The sum is a step function of the reach, so the fit is as near as one step allows.

    Args:
        near: distances "t n".
        share: weight of each picture in its target's rate, "t n", summing to 1 a target.
        total: sum of the observed rates.
    """
    order = np.argsort(near, axis=None, kind="stable")
    reached = near.ravel()[order]
    sums = np.cumsum(share.ravel()[order])
    last = np.append(reached[1:] > reached[:-1], True)  # equal distances are reached together
    steps = np.concatenate([[0.0], sums[last]])
    reaches = np.concatenate([[0.0], reached[last]])
    return float(reaches[np.argmin(np.abs(steps - total))])
