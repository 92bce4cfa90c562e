"""The matched factory as an experiment: main effects, interactions, and what seeds add.

Every switch is crossed with every other, so a main effect is a difference of marginal means over a
balanced grid of cells, held against the scatter between cells; seeds are averaged.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import statsmodels.api as sm
from patsy import build_design_matrices, dmatrix

from analysis.mixed import mixed_effect
from analysis.sample import SWITCHES
from analysis.stats import Floats
from analysis.verdict import ALPHA, Effect, missing

_FREE = 6  # degrees of freedom to keep for the scatter before interactions are spent on
_EXACT = 1e-12


@dataclass(frozen=True)
class Factorial:
    """A fitted factory.

    Attributes:
        fit: statsmodels' least squares.
        layout: patsy's description of the design, switches coded as deviations from their mean.
        levels: levels of each switch that varies.
        used: the nets, one line a seed.
        crossed: whether pairs of switches interact in the model.
    """

    fit: Any
    layout: Any
    levels: dict[str, list[Any]]
    used: pd.DataFrame
    crossed: bool


def fit_factory(nets: pd.DataFrame, y: str) -> Factorial | str:
    """Fit y by the switches, with all two-way interactions where the nets allow.

    Returns one phrase instead where nothing can be fitted.
    """
    if y not in nets:
        return f"no column {y}"
    used = nets[[*SWITCHES, y]].dropna(subset=[y]).assign(y=lambda frame: frame[y].astype(float))
    levels = {name: sorted(used[name].unique()) for name in SWITCHES}
    levels = {name: found for name, found in levels.items() if len(found) > 1}
    if not levels:
        return f"{len(used)} matched nets, and no switch differs"
    terms = " + ".join(f"C({name}, Sum)" for name in levels)
    plain = used.astype({name: object for name in levels})
    for formula, crossed in ((f"({terms})**2", True), (terms, False)):
        design = dmatrix(formula, plain, return_type="dataframe")
        free = len(used) - design.shape[1]
        whole = np.linalg.matrix_rank(design.to_numpy()) == design.shape[1]
        if whole and free >= (_FREE if crossed else 1):
            fit = sm.OLS(used["y"], design).fit()
            return Factorial(fit, design.design_info, levels, used, crossed and len(levels) > 1)
    return f"{len(used)} matched nets are too few to tell {', '.join(levels)} apart"


def main_effect(nets: pd.DataFrame, y: str, switch: str, first: Any, second: Any) -> Effect:
    """Mean of y at one level of a switch minus at another, over all cells of the others.

    The units are cells: seeds share a net's plan, so counted as independent they call a switch
    without effect real in up to one world of three where nets scatter. The note has that estimate
    all the same, and by it the interactions of this switch with p below .05.
    """
    found = fit_factory(nets, y)
    if isinstance(found, str):
        return missing(found, len(nets))
    if not {first, second} <= set(found.levels.get(switch, [])):
        return missing(f"no matched nets with {switch} {first} and {second}", len(found.used))
    judged = _between_nets(found, switch, first, second)
    if judged.reason:
        return judged
    rows = [_marginal(found.levels, found.layout, {switch: level}) for level in (first, second)]
    tested = found.fit.t_test(rows[0] - rows[1])
    low, high = np.squeeze(tested.conf_int())
    plain = (
        f"seeds as if independent {float(np.squeeze(tested.effect)):+.2g} [{low:+.2g}, {high:+.2g}]"
    )
    return replace(judged, note=f"{judged.note}; {plain}, {_interactions(found, switch)}")


def _between_nets(found: Factorial, switch: str, first: Any, second: Any) -> Effect:
    """The effect held against scatter between nets, in which interactions are counted."""
    parts = [(1.0, {switch: first}), (-1.0, {switch: second})]
    return _contrasted(found, _main_terms(found), parts)


def interaction(
    nets: pd.DataFrame, y: str, one: tuple[str, Any, Any], other: tuple[str, Any, Any]
) -> Effect:
    """How much more y changes by one switch where the other is at its first level.

    y(first, first) - y(second, first) - y(first, second) + y(second, second), each a mean over the
    third switch, held against the scatter between cells that main effects and the interaction of
    these two leave; other interactions are counted in that scatter.

    Args:
        nets: the matched nets, seeds as lines of their own.
        one, other: two different switches, each with the levels to compare, first minus second.
    """
    found = fit_factory(nets, y)
    if isinstance(found, str):
        return missing(found, len(nets))
    pairs = set(zip(found.used[one[0]], found.used[other[0]], strict=True))
    if not set(product(one[1:], other[1:])) <= pairs:
        return missing(f"not all of {one[0]} with {other[0]} is there", len(found.used))
    names = ":".join(f"C({switch}, Sum)" for switch, *_ in (one, other))
    parts = [
        ((-1.0) ** (i + j), {one[0]: one[1 + i], other[0]: other[1 + j]})
        for i, j in product(range(2), range(2))
    ]
    return _contrasted(found, f"{_main_terms(found)} + {names}", parts)


def _main_terms(found: Factorial) -> str:
    return " + ".join(f"C({name}, Sum)" for name in found.levels)


def _contrasted(
    found: Factorial, terms: str, parts: Sequence[tuple[float, Mapping[str, Any]]]
) -> Effect:
    """A sum of signed marginal means, held against the scatter between nets around these terms."""
    plain = found.used.astype({name: object for name in found.levels})
    design = dmatrix(terms, plain, return_type="dataframe")
    layout = design.design_info
    rows = [sign * _marginal(found.levels, layout, at) for sign, at in parts]
    contrast: Floats = np.sum(rows, axis=0)
    nets = plain[list(found.levels)].astype(str).agg("/".join, axis=1)
    return mixed_effect(found.used["y"].to_numpy(float), design.to_numpy(float), nets, contrast)


def _marginal(levels: Mapping[str, list[Any]], layout: Any, at: Mapping[str, Any]) -> Floats:
    """The mean row of a design over all cells with these levels."""
    others = [name for name in levels if name not in at]
    cells = [
        {**dict(zip(others, values, strict=True)), **at}
        for values in product(*(levels[name] for name in others))
    ]
    design = np.asarray(build_design_matrices([layout], pd.DataFrame(cells, dtype=object))[0])
    mean: Floats = design.mean(axis=0)
    return mean


def _interactions(found: Factorial, switch: str) -> str:
    if not found.crossed or found.fit.ssr < _EXACT:
        return "main effects only"
    rows = np.eye(len(found.fit.params))
    p = {
        term: float(found.fit.f_test(rows[columns]).pvalue)
        for term, columns in found.layout.term_name_slices.items()
        if ":" in term and f"C({switch}, " in term
    }
    clear = [f"{_plain(term)} (p = {value:.2g})" for term, value in p.items() if value < ALPHA]
    return f"interacts with {', '.join(clear)}" if clear else "no clear interaction"


def _plain(term: str) -> str:
    return " x ".join(part.removeprefix("C(").partition(",")[0] for part in term.split(":"))


def reliability(table: pd.DataFrame, column: str, *, same: Sequence[str]) -> float:
    """Share of a score's variance between networks that another seed would repeat: ICC(1,1).

    One-way analysis of variance over the networks with several seeds (Shrout & Fleiss 1979), at
    most 1, below 0 where seeds differ more than networks; NaN with fewer than two such networks.
    A correlation of single seeds is at most the root of it, one of means of ``of_means``.

    Args:
        table: the model table.
        column: the score.
        same: columns that say which lines are one network with several seeds.
    """
    if column not in table:
        return math.nan
    known = table.dropna(subset=[column])
    groups = [part[column].to_numpy(float) for _, part in known.groupby(list(same))]
    groups = [values for values in groups if len(values) > 1]
    if len(groups) < 2:
        return math.nan
    sizes = np.array([len(values) for values in groups])
    total, k = int(sizes.sum()), len(groups)
    grand = np.concatenate(groups).mean()
    between = sum(len(v) * (v.mean() - grand) ** 2 for v in groups) / (k - 1)
    within = sum(((v - v.mean()) ** 2).sum() for v in groups) / (total - k)
    typical = (total - (sizes**2).sum() / total) / (k - 1)
    spread = between + (typical - 1) * within
    return float((between - within) / spread) if spread > 0 else math.nan


def of_means(table: pd.DataFrame, column: str, *, same: Sequence[str]) -> float:
    """``reliability`` of means over the seeds that each network has: ICC(1,k), at most 1.

    Spearman's and Brown's k r / (1 + (k - 1) r) (Shrout & Fleiss 1979), k the harmonic mean of
    seeds over all networks, which the mean's error variance goes by; an r below 0 counts as 0. A
    correlation of such means is at most the root of it. NaN where ``reliability`` is.

    Args:
        table, column, same: as of ``reliability``.
    """
    single = reliability(table, column, same=same)
    if math.isnan(single):
        return math.nan
    seeds = table.dropna(subset=[column]).groupby(list(same)).size()
    return spearman_brown(max(single, 0.0), len(seeds) / float((1 / seeds).sum()))


def spearman_brown(single: float, k: float) -> float:
    """Reliability of a mean of k measurements, from that of one in [0, 1] (Brown 1910)."""
    return k * single / (1 + (k - 1) * single)
