"""The transfer matrix: every source against every target, who sends and who receives.

A rate counts pictures that source and target both get right, so the two rates of a pair count the
same pictures and their difference is paired. A model against itself is white box: it stands in the
matrix and in no summary.
"""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.iterations import steps_read
from analysis.stats import Floats, interval, mean, rate, wilson
from analysis.transfer_columns import HEADLINE, clean_answers, spread

HEAD = f"{HEADLINE}/untargeted"
_NO_WIDTH = 1e-12  # means of equal numbers differ by their rounding
ROLES = ("sends", "receives", "sends_minus_receives")


@dataclass(frozen=True)
class Matrix:
    """What every target answers to every source's pictures, under one attack.

    Attributes:
        sources, targets, cases: names along the axes.
        fooled: "s t n", 1 = wrong, 0 = right; NaN where source or target errs on the clean picture
            or was not asked.
        same: "s t n", 1 = wrong in the source's way.
    """

    sources: list[str]
    targets: list[str]
    cases: list[str]
    fooled: Floats
    same: Floats

    @property
    def own(self) -> np.ndarray:
        """Whether each target is among each source's members, "s t": white box."""
        return np.array([[t in s.split("+") for t in self.targets] for s in self.sources], bool)

    @property
    def pictures(self) -> int:
        """How many pictures count for some pair."""
        return int((~np.isnan(self.fooled)).any(axis=(0, 1)).sum())

    def without(self, names: Collection[str]) -> "Matrix":
        """The matrix without these models, as targets or as members of sources."""
        kept = [not set(source.split("+")) & set(names) for source in self.sources]
        asked = [target not in names for target in self.targets]
        return Matrix(
            [name for name, keep in zip(self.sources, kept, strict=True) if keep],
            [name for name, keep in zip(self.targets, asked, strict=True) if keep],
            self.cases, self.fooled[kept][:, asked], self.same[kept][:, asked],
        )  # fmt: skip

    def resampled(self, *, resamples: int, seed: int) -> Floats:
        """Rates "r s t" under resampling of pictures, the same draw for all pairs."""
        return self.rates(self.draws(resamples=resamples, seed=seed))

    def draws(self, *, resamples: int, seed: int) -> np.ndarray:
        """How often each picture counts, "r n": bootstrap resamples of pictures."""
        n = len(self.cases)
        return np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=resamples)

    def rates(self, counts: np.ndarray) -> Floats:
        """Rates "r s t" where each picture counts as often as "r n" says; NaN over no picture."""
        flat = self.fooled.reshape(-1, len(self.cases))
        hits = counts @ np.nan_to_num(flat).T
        of = counts @ (~np.isnan(flat)).T.astype(float)
        found = np.divide(hits, of, out=np.full(hits.shape, np.nan), where=of > 0)
        shaped: Floats = found.reshape(len(counts), len(self.sources), len(self.targets))
        return shaped


def transfer_matrix(
    rows: pd.DataFrame, source: str | None, *, condition: str = HEAD
) -> Matrix | None:
    """The matrix of one condition, None without such rows.

    Sources that were never asked about the clean pictures are left out: nobody knows which of them
    they get right. The number of iterations is the one that all untargeted attacks of the run are
    read at (``iterations.steps_read``): a curve over iterations is measured on one source only.

    Args:
        source: the run's own, which conditions do not name.
    """
    shown = rows[(rows["suite"] == "transfer")]
    shown = shown[shown["metric"].isin(["adv_correct", "adv_same_as_source"])]
    shown = shown[shown["step"] == shown["condition"].map(steps_read(shown))]
    parts = shown["condition"].str.extract(r"^(?:from=(?P<source>[^/]+)/)?(?P<attack>.+)$")
    shown = shown.assign(source=parts["source"].fillna(source))[parts["attack"] == condition]
    shown = shown.dropna(subset="source")
    clean = clean_answers(rows)
    asked = {s: set(str(s).split("+")) <= set(clean.columns) for s in shown["source"].unique()}
    shown = shown[shown["source"].map(asked).eq(True)]
    if shown.empty:
        return None
    # the run's own source may also be named: its pictures are the same ones
    wide = shown.pivot_table(
        index=["source", "model", "case"], columns="metric", values="value", aggfunc="mean"
    ).reindex(columns=["adv_correct", "adv_same_as_source"])
    axes = [sorted(map(str, wide.index.get_level_values(i).unique())) for i in range(3)]
    cube = wide.reindex(pd.MultiIndex.from_product(axes)).to_numpy(float)
    cube = cube.reshape(*map(len, axes), 2)
    sources, targets, cases = axes
    both = _both_right(clean, sources, targets, cases)
    fooled, same = (np.where(both, part, np.nan) for part in (1 - cube[..., 0], cube[..., 1]))
    return Matrix(sources, targets, cases, fooled, same)


def _both_right(
    clean: pd.DataFrame, sources: list[str], targets: list[str], cases: list[str]
) -> np.ndarray:
    names = {member for source in sources for member in source.split("+")} | set(targets)
    right = clean.eq(1).reindex(index=cases, columns=sorted(names), fill_value=False)
    by_source = np.stack([right[s.split("+")].all(axis=1).to_numpy() for s in sources])
    both: np.ndarray = by_source[:, None, :] & right[targets].to_numpy().T[None]
    return both


def pair_rates(matrix: Matrix, *, resamples: int = 2000, seed: int = 0) -> pd.DataFrame:
    """One line a source and target.

    Columns: source, target, own; fooling in [0, 1] with _low, _high, _n; ``same`` (wrong in the
    source's way, share of the same pictures, with _low, _high, _n) and ``consistency``, same /
    fooling with _low, _high over its _n errors: of the errors, the share that are the source's
    (Waseda et al. 2021), NaN without errors; ``asymmetry``, this rate minus that of the opposite
    direction, with _low, _high, _n.
    """
    how = {"resamples": resamples, "seed": seed}
    lines = []
    for i, source in enumerate(matrix.sources):
        for j, target in enumerate(matrix.targets):
            fooled, same = matrix.fooled[i, j], matrix.same[i, j]
            lines.append({
                "source": source, "target": target, "own": bool(matrix.own[i, j]),
                **spread("fooling", rate(fooled, **how)), **spread("same", rate(same, **how)),
                # given how many err, each error is the source's or not: a rate of its own
                **spread("consistency", rate(np.where(fooled == 1, same, np.nan), **how)),
                **spread("asymmetry", mean(fooled - _opposite(matrix, i, j), **how)),
            })  # fmt: skip
    return pd.DataFrame(lines)


def noise_floor(
    matrix: Matrix,
    rows: pd.DataFrame,
    *,
    condition: str = f"{HEADLINE}/noise",
    resamples: int = 2000,
    seed: int = 0,
) -> pd.DataFrame:
    """Each pair's rate under random noise: source, target, ``noise`` with _low, _high, _n.

    Over the pictures of the pair's own rate, so that (F - noise) / (1 - noise) adjusts it; no line
    where none was shown.
    """
    shown = rows[(rows["condition"] == condition) & (rows["metric"] == "adv_correct")]
    wide = shown.pivot_table(index="model", columns="case", values="value", aggfunc="mean")
    wrong = 1 - wide.reindex(index=matrix.targets, columns=matrix.cases).to_numpy(float)
    lines = []
    for i, source in enumerate(matrix.sources):
        for j, target in enumerate(matrix.targets):
            counted = np.where(np.isnan(matrix.fooled[i, j]), np.nan, wrong[j])
            found = rate(counted, resamples=resamples, seed=seed)
            if found.n:
                lines.append({"source": source, "target": target, **spread("noise", found)})
    return pd.DataFrame(lines, columns=None if lines else ["source", "target", "noise"])


def _opposite(matrix: Matrix, i: int, j: int) -> Floats:
    """What source i answers to the pictures of target j as a source."""
    source, target = matrix.sources[i], matrix.targets[j]
    if source not in matrix.targets or target not in matrix.sources or source == target:
        return np.full(len(matrix.cases), np.nan)
    found: Floats = matrix.fooled[matrix.sources.index(target), matrix.targets.index(source)]
    return found


def roles(matrix: Matrix, *, resamples: int = 2000, seed: int = 0) -> pd.DataFrame:
    """Each single model as a source and as a target, one row each; columns with _low and _high.

    Columns: ``ROLES``, see ``role_draws``. Intervals resample pictures, the same draw for all
    pairs.
    """
    lines = {
        model: {
            key: value
            for name, drawn in parts.items()
            for key, value in summarised(
                name,
                drawn,
                pictures=matrix.pictures,
                bounds=(-1.0, 1.0) if name == "sends_minus_receives" else (0.0, 1.0),
            ).items()
        }
        for model, parts in role_draws(matrix, resamples=resamples, seed=seed).items()
    }
    return pd.DataFrame.from_dict(lines, orient="index").dropna(how="all")


def role_draws(
    matrix: Matrix, *, resamples: int = 2000, seed: int = 0
) -> dict[str, dict[str, Floats]]:
    """``ROLES`` of every single model: over all pictures first, then over each resample of them.

    ``sends``: mean rate over the other targets; ``receives``: mean rate over the other sources,
    ensembles left out; ``sends_minus_receives``, over the partners it met in both roles, is what is
    left of a low rate as a target once the model is as weak a source. NaN without a partner.
    """
    ones = np.ones((1, len(matrix.cases)))
    rates = np.concatenate([matrix.rates(ones), matrix.resampled(resamples=resamples, seed=seed)])
    rates = np.where(matrix.own, np.nan, rates)
    found = {}
    for model in sorted(name for name in {*matrix.sources, *matrix.targets} if "+" not in name):
        sent = _partners(rates, matrix, model, as_source=True)
        got = _partners(rates, matrix, model, as_source=False)
        both = {name: sent[name] - got[name] for name in sent if name in got}
        found[model] = dict(zip(ROLES, map(_averaged, (sent, got, both)), strict=True))
    return found


def _averaged(part: dict[str, Floats]) -> Floats:
    found: Floats = np.mean(list(part.values()), axis=0) if part else np.full(2, np.nan)
    return found


def _partners(rates: Floats, matrix: Matrix, model: str, *, as_source: bool) -> dict[str, Floats]:
    """The rates of all draws with every other single model."""
    if as_source and model in matrix.sources:
        found = dict(zip(matrix.targets, rates[:, matrix.sources.index(model)].T, strict=True))
    elif not as_source and model in matrix.targets:
        found = dict(zip(matrix.sources, rates[:, :, matrix.targets.index(model)].T, strict=True))
    else:
        return {}
    return {k: v for k, v in found.items() if "+" not in k and not np.isnan(v[0])}


def summarised(
    name: str, drawn: Floats, *, pictures: int, bounds: tuple[float, float] = (0.0, 1.0)
) -> dict[str, float]:
    """name, name_low, name_high: the first value, and the interval of the resampled others.

    Where all pictures agree every resample is the same, and a width of zero would claim certainty.
    Then pictures of another kind, none seen, are at most Wilson's upper end of a rate of none, and
    could at worst lie at the bounds: for a rate of 0 or 1 this is Wilson's interval, as in
    ``stats.rate``.

    Args:
        drawn: over all pictures first, then over each resample of them.
        pictures: how many they are.
        bounds: the least and the largest value possible.
    """
    value, (low, high) = float(drawn[0]), interval(drawn[1:])
    if pictures and high - low < _NO_WIDTH:
        unseen = wilson(0, pictures).high
        low, high = (value + unseen * (end - value) for end in bounds)
    return {name: value, f"{name}_low": min(low, value), f"{name}_high": max(high, value)}
