"""What networks say of each other's pictures: style progress by optimised network and judge.

A judge that is also optimised praises itself, and a judge outside the zoo may have tastes of its
own. The matrix shows both; ranks that all judges agree on need no judge in particular.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from analysis.stats import NOTHING, Estimate, Floats, interval, mean, spearman
from analysis.style_columns import style_facts
from analysis.transfer_columns import spread

# judges that are no network of the zoo, in brackets, to their columns of ``style_facts``
OUTSIDE = {
    "(lite0)": "progress", "(untrained lite0)": "random_progress",
    "(palette)": "palette_progress", "(texture)": "texture_progress",
}  # fmt: skip
_PICTURE = ["case", "condition", "seed"]
_FEWEST = 3  # networks both judges may be asked about, for a rank correlation


@dataclass(frozen=True)
class Agreement:
    """How alike judges rank networks.

    Attributes:
        table: one line a judge: judge, given (the mean progress it sees in others' pictures), rho
            (its mean Spearman correlation with all other judges) with _low and _high, n networks.
        rho, low, high: the mean over all pairs of judges.
        w: Kendall's W of as many judges with this mean rho, (1 + (m - 1) rho) / m.
    """

    table: pd.DataFrame
    rho: float
    low: float
    high: float
    w: float


def judgements(rows: pd.DataFrame, source: str | None) -> pd.DataFrame:
    """One line a judge and picture: judge, model (optimised for), case, condition, seed, progress.

    Judges are the networks of the suite ``judges``, and ``OUTSIDE`` on the same pictures.
    """
    shown = rows[rows["suite"] == "judges"]
    parts = shown["condition"].str.extract(r"^(?:from=(?P<model>[^/]+)/)?(?P<condition>.+)$")
    named = shown.assign(
        judge=shown["model"], model=parts["model"].fillna(source), condition=parts["condition"]
    )
    keys = ["judge", "model", *_PICTURE]
    # the run's own source may also be named: its pictures are the same ones
    wide = named.pivot_table(index=keys, columns="metric", values="value")
    if wide.empty:
        return pd.DataFrame(columns=[*keys, "progress"])
    untouched = wide["judge_style_distance_content"]
    inside = 1 - wide["judge_style_distance"] / untouched.where(untouched > 0)
    found = inside.rename("progress").reset_index()
    pictures = found[["model", *_PICTURE]].drop_duplicates()
    known = pictures.merge(style_facts(rows), on=["model", *_PICTURE])
    outside = [
        known[["model", *_PICTURE]].assign(judge=judge, progress=known[column])
        for judge, column in OUTSIDE.items()
    ]
    return pd.concat([found, *outside], ignore_index=True).dropna(subset="progress")


def judge_pairs(found: pd.DataFrame, *, resamples: int, seed: int) -> pd.DataFrame:
    """One line a judge and network: judge, model, own, and progress with _low, _high, _n.

    Means over pictures; intervals resample pairs of content and style.
    """
    lines = [
        {
            "judge": judge, "model": model, "own": judge == model,
            **_seen("progress", part, resamples=resamples, seed=seed),
        }
        for (judge, model), part in found.groupby(["judge", "model"])
    ]  # fmt: skip
    return pd.DataFrame(lines)


def judge_columns(found: pd.DataFrame, *, resamples: int, seed: int) -> pd.DataFrame:
    """One row an optimised network; empty without judgements.

    Columns, each with _low, _high, _n over pairs of pictures: ``progress_by_others``, the mean over
    all other networks as judges (the row's off-diagonal mean); ``progress_by_itself``;
    ``home_bonus``, what it sees in its own pictures beyond what its pictures are worth to others
    and what it sees in others' pictures: the diagonal minus the additive prediction from the
    off-diagonal, NaN with fewer than three networks or gaps in the matrix.
    """
    inside = found[~found["judge"].str.startswith("(")]
    own = inside["judge"] == inside["model"]
    how = {"resamples": resamples, "seed": seed}
    lines = {
        str(model): {
            **_seen("progress_by_others", part, **how),
            **_seen("progress_by_itself", inside[own & (inside["model"] == model)], **how),
        }
        for model, part in inside[~own].groupby("model")
    }  # fmt: skip
    columns = pd.DataFrame.from_dict(lines, orient="index")
    return columns.join(_home_bonuses(inside, **how)) if len(columns) else columns


def _seen(name: str, part: pd.DataFrame, *, resamples: int, seed: int) -> dict[str, float]:
    clusters = part["case"]
    return spread(name, mean(part["progress"], clusters=clusters, resamples=resamples, seed=seed))


def _home_bonuses(inside: pd.DataFrame, *, resamples: int, seed: int) -> pd.DataFrame:
    """``home_bonus`` of each network with its ends, over pairs of pictures that all have seen."""
    cube, judges, models, _ = _cube(inside)
    cube = cube[:, :, ~np.isnan(cube).any(axis=(0, 1))]
    n = cube.shape[-1]
    if judges != models or len(models) < _FEWEST or not n:
        return pd.DataFrame.from_dict(
            {model: spread("home_bonus", NOTHING) for model in models}, orient="index"
        )
    bonuses = _home_bonus(_resampled(cube, resamples, seed))
    lines = {}
    for model, drawn in zip(models, bonuses.T, strict=True):
        low, high = interval(drawn[1:]) if n > 1 else (np.nan, np.nan)
        lines[model] = spread("home_bonus", Estimate(float(drawn[0]), low, high, n))
    return pd.DataFrame.from_dict(lines, orient="index")


def _home_bonus(seen: Floats) -> Floats:
    """Diagonals "r n" of matrices "r n n" minus the additive fit to what is off the diagonal.

    The fit is G + (n - 1) / (n - 2) (R + C - 2 G): R, C and G are the off-diagonal means of the
    network's row, of its column, and of all; they hold (n - 2) / (n - 1) of its two effects, since
    the diagonal is missing from them.
    """
    n = seen.shape[-1]
    own = np.einsum("rii->ri", seen)
    rows, columns = ((seen.sum(axis=side) - own) / (n - 1) for side in (1, 2))
    grand = rows.mean(axis=1, keepdims=True)
    bonus: Floats = own - grand - (n - 1) / (n - 2) * (rows + columns - 2 * grand)
    return bonus


def agreement(found: pd.DataFrame, *, resamples: int, seed: int) -> Agreement | None:
    """Mean rank correlations between judges; None with fewer than two that can be compared.

    Two judges are compared on the networks that neither of them is. Intervals resample pairs of
    content and style, the same draw for all judges.
    """
    cube, judges, models, _ = _cube(found)
    means = _resampled(cube, resamples, seed)
    rhos = {}
    for a, b in combinations(range(len(judges)), 2):
        known = ~np.isnan(cube[[a, b]]).any(axis=(0, 2))
        strangers = [name not in (judges[a], judges[b]) for name in models]
        both = np.flatnonzero(np.logical_and(known, strangers))
        if len(both) >= _FEWEST:
            rhos[a, b] = np.asarray(spearman(means[:, a][:, both], means[:, b][:, both]), float)
    if not rhos:
        return None
    lines = [
        {
            "judge": judge,
            "given": float(found.loc[(found["judge"] == judge) & (found["model"] != judge),
                                     "progress"].mean()),
            **_summed("rho", [rho for pair, rho in rhos.items() if i in pair]),
            "n": len(set(models) - {judge}),
        }
        for i, judge in enumerate(judges)
    ]  # fmt: skip
    total = _summed("rho", list(rhos.values()))
    m, rho = len(judges), total["rho"]
    return Agreement(
        pd.DataFrame(lines), rho, total["rho_low"], total["rho_high"], (1 + (m - 1) * rho) / m
    )


def _resampled(cube: Floats, resamples: int, seed: int) -> Floats:
    """Means over pictures "r j m": of the data, then of each draw, the same one for all judges."""
    n = cube.shape[-1]
    drawn = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=resamples)
    counts = np.concatenate([np.ones((1, n)), drawn]).astype(float)
    seen = np.einsum("rc,jmc->rjm", counts, np.nan_to_num(cube))
    times = np.einsum("rc,jmc->rjm", counts, (~np.isnan(cube)).astype(float))
    means: Floats = np.divide(seen, times, out=np.full(seen.shape, np.nan), where=times > 0)
    return means


def _cube(found: pd.DataFrame) -> tuple[Floats, list[str], list[str], list[str]]:
    """Progress "j m c", mean over conditions and seeds, and the names along its axes."""
    wide = found.groupby(["judge", "model", "case"])["progress"].mean()
    axes = [sorted(map(str, wide.index.get_level_values(i).unique())) for i in range(3)]
    cube = wide.reindex(pd.MultiIndex.from_product(axes)).to_numpy(float)
    judges, models, cases = axes
    return cube.reshape(*map(len, axes)), judges, models, cases


def _summed(name: str, rhos: list[Floats]) -> dict[str, float]:
    """The mean of correlations with its interval; the first of each is of the data themselves."""
    if not rhos:
        return {name: np.nan, f"{name}_low": np.nan, f"{name}_high": np.nan}
    known = np.stack(rhos)
    known = known[~np.isnan(known[:, 0])]  # a judge who sees no difference ranks nobody
    if not len(known):
        return _summed(name, [])
    means = np.nanmean(known, axis=0)
    value, (low, high) = float(means[0]), interval(means[1:])
    return {name: value, f"{name}_low": min(low, value), f"{name}_high": max(high, value)}
