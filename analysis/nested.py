"""Rank correlations under nested resampling: networks, their seeds, images and pictures.

An interval over models takes their scores as given. Here a resample also draws what the scores were
measured on: the images attacked, the pairs of pictures stylised (all models see the same ones, so
these are drawn once for all), and the seeds of each network. Scores scatter twice this way, as
measured and as resampled, so the intervals lean to the wide side; BCa (Efron 1987) takes out the
pull towards zero that comes with it.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from analysis.association import bca_ends, fisher_interval, partial_spearman
from analysis.stats import FEWEST_MODELS, LEVEL, Floats

IMAGES, PICTURES = "images", "pictures"


@dataclass(frozen=True)
class Facts:
    """What a score is made of: the largest over alternatives of the mean over units.

    Attributes:
        unit: ``IMAGES`` or ``PICTURES``; scores of one unit are resampled together.
        cases: names of the n units.
        models: names of the m models.
        values: "k n m", k alternatives (one for a plain mean); NaN where a unit does not count.
    """

    unit: str
    cases: tuple[str, ...]
    models: tuple[str, ...]
    values: Floats


@dataclass(frozen=True)
class Nested:
    """Rank correlations over networks, seeds averaged, with nested intervals.

    Attributes:
        rho, rho_low, rho_high: Spearman's.
        tau, tau_low, tau_high: Kendall's tau-b.
        networks: how many.
        reliability_x, reliability_y: see ``unit_reliability``; NaN for scores without facts.
    """

    rho: float
    rho_low: float
    rho_high: float
    tau: float
    tau_low: float
    tau_high: float
    networks: int
    reliability_x: float
    reliability_y: float


def as_facts(lines: pd.DataFrame, unit: str, columns: Sequence[str]) -> Facts | None:
    """Facts from lines with model, case and these columns, repeats of a case averaged.

    Args:
        lines: one line a model and case, or several.
        unit: see ``Facts``.
        columns: the alternatives.
    """
    known = [column for column in columns if column in lines and lines[column].notna().any()]
    if lines.empty or not known:
        return None
    wide = [lines.pivot_table(index="case", columns="model", values=c) for c in known]
    cases = sorted({str(case) for part in wide for case in part.index})
    models = sorted({str(model) for part in wide for model in part.columns})
    values = np.stack([p.reindex(index=cases, columns=models).to_numpy(float) for p in wide])
    return Facts(unit, tuple(cases), tuple(models), values)


def unit_weights(
    facts: Sequence[Facts], resamples: int, rng: np.random.Generator
) -> dict[str, pd.DataFrame]:
    """How often each unit is drawn: unit -> resamples x cases, one draw for all scores of it."""
    cases: dict[str, set[str]] = {}
    for one in facts:
        cases.setdefault(one.unit, set()).update(one.cases)
    return {
        unit: pd.DataFrame(
            rng.multinomial(len(names), [1 / len(names)] * len(names), resamples).astype(float),
            columns=sorted(names),
        )
        for unit, names in sorted(cases.items())
    }


def drawn_scores(facts: Facts, weights: pd.DataFrame) -> Floats:
    """Scores under these draws: resamples x models; NaN where no drawn unit counts."""
    times = weights[list(facts.cases)].to_numpy()
    known = np.isfinite(facts.values)
    sums = times @ np.where(known, facts.values, 0.0)
    counts = times @ known.astype(float)
    means = np.where(counts > 0, sums / np.where(counts > 0, counts, 1), -np.inf)
    best: Floats = means.max(axis=0)
    return np.where(np.isfinite(best), best, np.nan)


def unit_reliability(drawn: Floats, units: int) -> float:
    """Share of a score's variance between models that other images or pictures would repeat.

    1 - (variance of a model's score over draws of units) / (variance between models), the shift
    common to all models taken out: what Shrout & Fleiss (1979) call ICC(3,k), from a bootstrap,
    so that units which count for some models only may stay. NaN for fewer than two of either.
    """
    if units < 2 or drawn.shape[1] < 2:
        return float("nan")
    apart = drawn - np.nanmean(drawn, axis=1, keepdims=True)
    error = float(np.nanmean(np.nanvar(apart, axis=0))) * units / (units - 1)
    between = float(np.nanvar(np.nanmean(drawn, axis=0), ddof=1))
    return 1 - error * drawn.shape[1] / (drawn.shape[1] - 1) / between if between > 0 else np.nan


def kendall(x: Floats, y: Floats) -> Floats:
    """Kendall's tau-b along the last axis; NaN if a side is constant."""
    i, j = np.triu_indices(x.shape[-1], 1)
    a, b = (np.sign(side[..., i] - side[..., j]) for side in (x, y))
    pairs = np.sqrt((a**2).sum(axis=-1) * (b**2).sum(axis=-1))
    tau: Floats = np.where(pairs > 0, (a * b).sum(axis=-1) / np.where(pairs > 0, pairs, 1), np.nan)
    return tau


def nested(
    models: pd.DataFrame, x: str, y: str, facts: Mapping[str, Facts], *, resamples: int = 2000,
    seed: int = 0,
) -> Nested | None:  # fmt: skip
    """Both rank correlations of two columns with nested intervals; None below four networks.

    Args:
        models: lines of the model table with a column ``network``, equal for seeds of one network.
        x, y: columns.
        facts: by column; a column without any is taken as given.
        resamples: of the bootstrap.
        seed: of the bootstrap.
    """
    used = models.dropna(subset=[x, y]).sort_values("model")
    networks = [np.asarray(part) for part in used.groupby("network").indices.values()]
    if len(networks) < FEWEST_MODELS:
        return None
    rng = np.random.default_rng(seed)
    weights = unit_weights([facts[c] for c in (x, y) if c in facts], resamples, rng)
    given = [used[c].to_numpy(float) for c in (x, y)]
    drawn, reliable = [], []
    for column, score in zip((x, y), given, strict=True):
        scores, share = _resampled(facts.get(column), list(used["model"]), score, weights)
        drawn.append(scores if len(scores) > 1 else np.repeat(scores, resamples, axis=0))
        reliable.append(share)
    exact = [np.array([score[part].mean() for part in networks]) for score in given]
    a, b = _by_network(drawn, networks, rng)
    picked = rng.integers(0, len(networks), (resamples, len(networks)))
    a, b = (np.take_along_axis(side, picked, axis=1) for side in (a, b))
    rho = _interval(partial_spearman, exact, [a, b])
    tau = _interval(kendall, exact, [a, b])
    return Nested(*rho, *tau, len(networks), *reliable)


def _resampled(
    facts: Facts | None, models: Sequence[str], score: Floats, weights: Mapping[str, pd.DataFrame]
) -> tuple[Floats, float]:
    """Scores of these models under the draws, and their reliability between units.

    Draws without a countable unit, and models without facts, keep the score as measured.
    """
    if facts is None or not set(models) & set(facts.models):
        return score[None], float("nan")
    found = pd.DataFrame(drawn_scores(facts, weights[facts.unit]), columns=list(facts.models))
    drawn = found.reindex(columns=list(models)).to_numpy()
    share = unit_reliability(drawn[:, ~np.isnan(drawn).all(axis=0)], len(facts.cases))
    return np.where(np.isnan(drawn), score, drawn), share


def _by_network(
    drawn: Sequence[Floats], networks: Sequence[npt.NDArray[Any]], rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Mean over drawn seeds of each network, the same seeds for both scores."""
    sides: tuple[list[Floats], list[Floats]] = ([], [])
    for members in networks:
        chosen = members[rng.integers(0, len(members), (len(drawn[0]), len(members)))]
        for side, scores in zip(sides, drawn, strict=True):
            side.append(np.take_along_axis(scores, chosen, axis=1).mean(axis=1))
    return np.stack(sides[0], axis=1), np.stack(sides[1], axis=1)


def _interval(
    statistic: Any, exact: Sequence[Floats], drawn: Sequence[Floats]
) -> tuple[float, float, float]:
    """The statistic with BCa's interval, hulled with the one of its closed form.

    A dozen networks make a bootstrap interval too narrow (``analysis.association``).
    """
    value = float(statistic(*exact))
    if np.isnan(value):
        return value, value, value
    n = len(exact[0])
    kept = ~np.eye(n, dtype=bool)
    left = np.nan_to_num(statistic(*(np.stack([side[row] for row in kept]) for side in exact)))
    low, high = bca_ends(value, np.nan_to_num(statistic(*drawn)), left)
    closed = kendall_interval if statistic is kendall else fisher_interval
    wide = closed(value, n)
    return value, min(low, wide[0], value), max(high, wide[1], value)


def kendall_interval(tau: float, n: int) -> tuple[float, float]:
    """Fieller, Hartley & Pearson's (1957) interval of Kendall's tau over n models."""
    if n <= FEWEST_MODELS:
        return -1.0, 1.0
    centre = math.atanh(max(min(tau, 1 - 1e-12), -1 + 1e-12))
    half = float(stats.norm.ppf((1 + LEVEL) / 2)) * math.sqrt(0.437 / (n - 4))
    return math.tanh(centre - half), math.tanh(centre + half)
