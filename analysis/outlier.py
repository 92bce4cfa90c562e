"""How far some models lie from all others, covariates held fixed."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import statsmodels.api as sm

from analysis.mixed import mixed_effect
from analysis.verdict import Effect, missing

_LINES = 2  # models a column, where units have several: with fewer, p is too small too often


def set_apart(
    models: pd.DataFrame, y: str, chosen: Sequence[bool] | pd.Series, *, given: Sequence[str] = (),
    within: pd.Series | None = None,
) -> Effect:  # fmt: skip
    """How far the chosen models lie above the others, given covariates, in units of y.

    Least squares with one shift for the chosen. With one chosen model this is the test of a single
    outlier (Crawford & Howell 1998; the externally studentised residual). Where units have several
    models the shift is held against the scatter between units.

    Args:
        models: lines of the model table.
        y: the column compared.
        chosen: which lines, in their order.
        given: columns held fixed; one that is constant here is dropped.
        within: the unit of each line, where several are of one: units get a random intercept, and
            the shift's degrees of freedom are counted in them.
    """
    absent = [name for name in (y, *given) if name not in models]
    if absent:
        return missing(f"no column {', '.join(absent)}")
    marked = models.assign(chosen=np.asarray(chosen, dtype=float))
    used = marked.dropna(subset=[y, *given])
    n, inside = len(used), int(used["chosen"].sum())
    if not inside or n - inside < 2:
        return missing(f"{inside} of the models in question and {n - inside} others measured", n)
    fixed = [name for name in given if used[name].nunique() > 1]
    design = sm.add_constant(used[["chosen", *fixed]].astype(float))
    groups = pd.Series(range(n), used.index) if within is None else within.reindex(used.index)
    units, columns = int(groups.nunique()), design.shape[1]
    free = units - _common(design, groups)
    crowded = (n < _LINES * columns and n > units) or n <= columns
    if free < 1 or crowded or np.linalg.matrix_rank(design.to_numpy()) < columns:
        return missing(
            f"more covariates than models: {n} models of {units} units cannot tell {len(fixed)} "
            "and a shift apart", units,
        )  # fmt: skip
    shift = np.array([name == "chosen" for name in design.columns], dtype=float)
    found = mixed_effect(used[y].to_numpy(float), design.to_numpy(), groups, shift, free=free)
    if found.reason:
        return found
    note = f"{inside} of {n} models; {units} units, {free} degrees of freedom left"
    return replace(found, note=note)


def _common(design: pd.DataFrame, groups: pd.Series) -> int:
    """Columns that do not vary within any unit: only those cost degrees of freedom between them."""
    return int((design.groupby(groups.to_numpy()).nunique() <= 1).all().sum())
