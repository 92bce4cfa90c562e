"""The attack lens: what a run says of robustness, layers and transfer between all pairs."""

from collections.abc import Collection, Mapping

import pandas as pd

from analysis.edit_columns import consistency_floor, edit_rates, perturbation_peaks
from analysis.excess import Excess, excess_columns, excess_draws, excess_pairs, excess_transfer
from analysis.lattice_shift import lattice_shift
from analysis.layer_columns import layer_ratios
from analysis.matrix import (
    ROLES,
    Matrix,
    noise_floor,
    pair_rates,
    role_draws,
    roles,
    transfer_matrix,
)
from analysis.mediator_columns import alignments, mediator_columns, mediator_ranks, with_mediators
from analysis.robustness_columns import distance_facts, robust_curves, robustness_columns
from analysis.stats import Floats

_REFITS = 300  # resamples that fit every source's reach anew are slow ones


def lens_columns(
    rows: pd.DataFrame,
    source: str | None,
    *,
    untrained: Collection[str] = (),
    resamples: int,
    seed: int,
) -> pd.DataFrame:
    """Columns of the model table; empty where no suite of the lens was measured.

    See ``robustness_columns``, ``mediator_columns``, ``perturbation_peaks`` and, where there are
    pictures of other sources than the run's, ``matrix.roles`` and ``excess.excess_columns``.

    Args:
        rows: of a run.
        source: the run's own.
        untrained: networks with random weights: whoever meets them neither sends nor receives
            anything learned, so they count in no role.
        resamples, seed: of every bootstrap.
    """
    how = {"resamples": resamples, "seed": seed}
    parts = [
        robustness_columns(rows, source, **how), mediator_columns(rows, **how),
        perturbation_peaks(rows, **how),
    ]  # fmt: skip
    matrix = _matrix(rows, source, untrained)
    if matrix is not None:
        parts += [roles(matrix, **how), excess_columns(_excess(matrix, rows, source, **how))]
    known = [part for part in parts if len(part)]
    return pd.concat(known, axis=1) if known else pd.DataFrame()


def lens_tables(
    rows: pd.DataFrame,
    source: str | None,
    *,
    downsampling: Mapping[str, str] | None = None,
    resamples: int,
    seed: int,
) -> dict[str, pd.DataFrame]:
    """Tables of their own, by name; only those with rows.

    ``robust-curves``, ``layers``, ``edits``, ``lattice-shift``: see the function of each name.
    ``pairs`` has one line a source and target: ``matrix.pair_rates``, ``matrix.noise_floor``,
    ``edit_columns.consistency_floor``, ``excess.excess_pairs``, the gradients' alignment and the
    target's ``gradient_norm`` and ``loss_variance`` and the source's ``source_loss_variance``;
    ``mediators`` is ``mediator_ranks`` of it.

    Args:
        rows: of a run.
        source: the run's own.
        downsampling: of the matched nets, by name.
        resamples, seed: of every bootstrap.
    """
    how = {"resamples": resamples, "seed": seed}
    tables = {
        "robust-curves": robust_curves(distance_facts(rows, source)),
        "layers": layer_ratios(rows, **how), "edits": edit_rates(rows, source, **how),
        "lattice-shift": lattice_shift(rows, source, downsampling or {}, **how),
    }  # fmt: skip
    matrix = _matrix(rows, source)
    if matrix is not None:
        pairs = pair_rates(matrix, **how)
        excess = excess_pairs(_excess(matrix, rows, source, **how))
        floor = noise_floor(matrix, rows, resamples=resamples, seed=seed)
        agreed = consistency_floor(rows, source, **how)
        for other in (floor, agreed, excess, alignments(rows, source, **how)):
            if len(other):
                pairs = pairs.merge(other, on=["source", "target"], how="left")
        tables["pairs"] = with_mediators(pairs, mediator_columns(rows, **how))
        ranks = mediator_ranks(tables["pairs"], resamples=min(resamples, _REFITS), seed=seed)
        tables["mediators"] = ranks
    return {name: table for name, table in tables.items() if len(table)}


def lens_draws(
    rows: pd.DataFrame,
    source: str | None,
    *,
    untrained: Collection[str] = (),
    resamples: int,
    seed: int,
) -> tuple[dict[str, dict[str, Floats]], int]:
    """``matrix.ROLES`` and ``receives_excess`` by name and model, and how many pictures.

    Each is a series: over all pictures first, then over resamples of them. Empty without a matrix.
    """
    matrix = _matrix(rows, source, untrained)
    if matrix is None:
        return {}, 0
    how = {"resamples": resamples, "seed": seed}
    by_model = role_draws(matrix, **how)
    found = {name: {model: parts[name] for model, parts in by_model.items()} for name in ROLES}
    found["receives_excess"] = excess_draws(_excess(matrix, rows, source, **how))
    return found, matrix.pictures


def _matrix(
    rows: pd.DataFrame, source: str | None, untrained: Collection[str] = ()
) -> Matrix | None:
    """The matrix, where there is more than the run's one source."""
    found = transfer_matrix(rows, source)
    found = found.without(untrained) if found is not None else None
    return found if found is not None and len(found.sources) > 1 else None


def _excess(
    matrix: Matrix, rows: pd.DataFrame, source: str | None, *, resamples: int, seed: int
) -> Excess:
    facts = distance_facts(rows, source)
    return excess_transfer(matrix, facts, resamples=min(resamples, _REFITS), seed=seed)
