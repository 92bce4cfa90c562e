"""The style laboratory's own tables: judges, stride lattices, convergence, conditions."""

from collections.abc import Mapping

import pandas as pd

from analysis.activation_table import activation_table
from analysis.condition_tables import features, style_conditions
from analysis.convergence_table import convergence_table
from analysis.judges import agreement, judge_columns, judge_pairs, judgements
from analysis.stride_lattices import lattice_fit, lattice_lines


def lab_columns(
    rows: pd.DataFrame, source: str | None, *, resamples: int, seed: int
) -> pd.DataFrame:
    """Columns of the model table: ``judges.judge_columns``; empty where nobody judged."""
    found = judgements(rows, source)
    return judge_columns(found, resamples=resamples, seed=seed) if len(found) else pd.DataFrame()


def lab_tables(
    rows: pd.DataFrame,
    source: str | None,
    seconds: Mapping[str, float],
    *,
    resamples: int,
    seed: int,
) -> dict[str, pd.DataFrame]:
    """Tables of their own, by name; only those with rows.

    ``judgements``: one line a judge and network (``judges.judge_pairs``); ``judges``: one a judge
    (``judges.agreement``), the last one, "(all)", the mean over pairs of judges with Kendall's W;
    ``lattices`` and ``lattice-fit``: ``stride_lattices``; ``convergence``; ``conditions-style`` and
    ``features``: ``condition_tables``; ``activations``: ``activation_table``.
    """
    how = {"resamples": resamples, "seed": seed}
    found, lines = judgements(rows, source), lattice_lines(rows, **how)
    tables = {
        "judgements": judge_pairs(found, **how), "lattices": lines,
        "lattice-fit": lattice_fit(lines, **how) if len(lines) else lines,
        "convergence": convergence_table(rows, seconds),
        "conditions-style": style_conditions(rows), "features": features(rows),
        "activations": activation_table(rows),
    }  # fmt: skip
    alike = agreement(found, **how) if len(found) else None
    if alike is not None:
        total = {"judge": "(all)", "rho": alike.rho, "rho_low": alike.low, "rho_high": alike.high,
                 "kendall_w": alike.w, "n": len(alike.table)}  # fmt: skip
        tables["judges"] = pd.concat([alike.table, pd.DataFrame([total])], ignore_index=True)
    return {name: table for name, table in tables.items() if len(table)}
