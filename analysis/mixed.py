"""Mixed effects: fixed causes, and a random intercept for each group of lines.

Seeds of one network are no networks of their own, so where a cause acts on networks, the scatter
between networks is what it must be held against.
"""

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import statsmodels.api as sm

from analysis.contrasts import estimated
from analysis.stats import Floats
from analysis.verdict import Effect, missing

_NONE = 1e-3  # of the residual variance: less between groups is none


def mixed_effect(
    y: Floats, design: Floats, groups: npt.ArrayLike, contrast: Floats, *, free: int | None = None
) -> Effect:
    """A contrast of fixed effects under one random intercept a group (restricted likelihood).

    Student's t with as many degrees of freedom as groups less columns: exact for causes that act
    on whole groups where groups are of one size, cautious for others. Where no group has a second
    line, where groups are of one size and no cause varies within them, or where the fit does not
    converge, groups' means are fitted by least squares, and the note says so.

    Args:
        y: n outcomes.
        design: n x k, a column of ones among them.
        groups: n names.
        contrast: k weights of the columns.
        free: degrees of freedom where lines are fitted; None = groups less columns.
    """
    codes, names = pd.factorize(np.asarray(groups))
    n = len(names)
    free = n - design.shape[1] if free is None else free
    if free < 1 or np.linalg.matrix_rank(design) < design.shape[1]:
        return missing(f"{n} groups are too few for {design.shape[1]} columns", n)
    if len(names) == len(codes):
        return _of_means(y, design, codes, contrast, "one line a group: least squares")
    if balanced(design, codes):
        note = f"means of {n} groups of {len(codes) // n}: least squares"
        return _of_means(y, design, codes, contrast, note)
    fit = _fitted(y, design, codes)
    if fit is None:
        return _of_means(y, design, codes, contrast, "no convergence: least squares of group means")
    spread = float(np.asarray(fit.cov_re)[0, 0])
    none = "; none between groups" if spread < _NONE * float(fit.scale) else ""
    value = float(contrast @ np.asarray(fit.fe_params))
    cov = np.asarray(fit.cov_params())[: design.shape[1], : design.shape[1]]
    error = float(np.sqrt(contrast @ cov @ contrast))
    note = f"{len(codes)} lines in {n} groups{none}"
    return estimated(value, error, free, n, note)


def balanced(design: Floats, codes: npt.NDArray[np.intp]) -> bool:
    """Whether groups are of one size and alike in all causes: then their means say it all."""
    sizes = np.bincount(codes)
    first = np.unique(codes, return_index=True)[1]
    return bool((sizes == sizes[0]).all() and np.array_equal(design, design[first][codes]))


def _fitted(y: Floats, design: Floats, codes: npt.NDArray[np.intp]) -> Any:
    """statsmodels' fit, None where it did not converge; a variance of zero is a fit, too."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            fit = sm.MixedLM(y, design, groups=codes).fit(reml=True)
        except (np.linalg.LinAlgError, ValueError):
            return None
        known = np.isfinite(np.asarray(fit.fe_params)).all() and np.isfinite(fit.scale)
        known = known and np.isfinite(np.asarray(fit.bse_fe)).all()
        return fit if fit.converged and known else None


def _of_means(
    y: Floats, design: Floats, codes: npt.NDArray[np.intp], contrast: Floats, note: str
) -> Effect:
    means = pd.DataFrame(np.column_stack([y, design])).groupby(codes).mean().to_numpy()
    if len(means) <= design.shape[1]:
        return missing(f"{len(means)} groups are too few for {design.shape[1]} columns", len(means))
    fit = sm.OLS(means[:, 0], means[:, 1:]).fit()
    error = float(np.sqrt(contrast @ np.asarray(fit.cov_params()) @ contrast))
    return estimated(float(contrast @ fit.params), error, float(fit.df_resid), len(means), note)


def mixed_slope(lines: pd.DataFrame, x: str, y: str, *, within: str) -> Effect:
    """Slope of y on x with a random intercept for every value of ``within``, in units of y / x."""
    used = lines.dropna(subset=[x, y])
    values = used[x].to_numpy(float)
    if not len(used) or np.ptp(values) == 0:
        return missing(f"{x} does not vary over {len(used)} lines", len(used))
    design = np.column_stack([np.ones(len(used)), values])
    return mixed_effect(used[y].to_numpy(float), design, used[within], np.array([0.0, 1.0]))
