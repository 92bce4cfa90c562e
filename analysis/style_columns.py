"""From pictures and loss traces to a backbone's numbers: progress, artifacts, convergence."""

import numpy as np
import pandas as pd

from analysis.stats import NOTHING, Estimate, bootstrap_means, interval, mean
from analysis.transfer_columns import spread

START, TAPS = "content-start", "matched"  # the main columns; the article's taps come beside them
ARTICLE = "article/content4"  # its style taps, the content tap left where the matched set has it
PERIODS = (2, 4, 8, 16)
_LATTICES = ("peak", "board", "lattice")  # scores of a lattice; every run has the first
_EXCESS = {"peak": "excess", "board": "board_excess", "lattice": "lattice_excess"}
MEANS = [
    "judge_content_distance", "content_ssim", "content_edges", "high_frequency_share",
    "spectral_slope", "total_variation", "clipped_share", "evaluations", "line_search_failures",
]  # fmt: skip
_PROGRESS = {
    "progress": "judge_style_distance", "palette_progress": "palette_distance",
    "texture_progress": "texture_distance", "random_progress": "random_style_distance",
}  # fmt: skip

_CONVERGENCE = [
    "final_style_loss", "final_style_loss_ratio", "log_auc", "evaluations_to_10pct",
    "reached_10pct", "evaluations_to_1pct", "reached_1pct",
]  # fmt: skip
_UNIT = ["model", "case", "condition", "seed"]
_CURVES = [
    "loss_total",
    "loss_style",
    "radial_power",
    "radial_power_style",
    "gram_distance_raw",
    "gram_energy_style",
]
_LEAST, _MOST = 1e-12, 1e12  # loss ratios outside are rounding or overflow, not progress


def style_facts(rows: pd.DataFrame) -> pd.DataFrame:
    """One line a picture made: model, case, condition, seed, start, taps, weight, all metrics.

    Adds ``progress``, ``palette_progress``, ``texture_progress`` and ``random_progress`` (by the
    judge's architecture with random weights) = 1 - D(output, style) / D(content, style): 0 =
    untouched, 1 = reached, below 0 = further away; NaN where the content already is the style.
    Where the content is near the style this has no lower bound; ``texture_log2_ratio`` =
    log2(D(output, style) / D(content, style)), 0 = untouched, 1 = twice as far, -1 = half, has the
    same unit for every pair and can be averaged.
    """
    single = rows[(rows["suite"] == "style") & ~rows["metric"].isin(_CURVES)]
    facts = single.pivot(index=_UNIT, columns="metric", values="value").reset_index()
    facts[["start", "taps", "weight"]] = parts(facts["condition"])
    for name, distance in _PROGRESS.items():
        untouched = _column(facts, f"{distance}_content")
        facts[name] = 1 - _column(facts, distance) / untouched.where(untouched > 0)
    ratio = 1 - facts["texture_progress"]
    facts["texture_log2_ratio"] = np.log2(ratio.where(ratio > 0))
    return facts.rename_axis(columns=None)


def with_excess(facts: pd.DataFrame) -> pd.DataFrame:
    """Facts with scores at lattices of period p = 2 .. 16 above the style's own, where measured.

    Adds ``excess_p``: the stride-locked peak K(p), in dB; ``board_excess_p``: its diagonal part,
    the checkerboard proper, in dB; ``lattice_excess_p``: the lattice score, a difference of ratios.
    """
    pairs = {
        f"{_EXCESS[kind]}_{period}": (f"{kind}_{period}", f"{kind}_{period}_style")
        for kind in _LATTICES for period in PERIODS
    }  # fmt: skip
    return facts.assign(**{
        name: facts[own] - facts[style]
        for name, (own, style) in pairs.items() if {own, style} <= set(facts.columns)
    })  # fmt: skip


def style_curves(rows: pd.DataFrame, metric: str) -> pd.DataFrame:
    """One metric over steps in long form: model, case, condition, seed, step, value, start, ...

    Where the style pictures' own curves were measured, they are lines of a model "(style)".
    """
    made = rows[rows["suite"] == "style"]
    own = made[made["metric"] == f"{metric}_style"].assign(model="(style)")
    curves = pd.concat([made[made["metric"] == metric], own.drop_duplicates([*_UNIT, "step"])])
    curves = curves[[*_UNIT, "step", "value"]].reset_index(drop=True)
    curves[["start", "taps", "weight"]] = parts(curves["condition"])
    return curves


def headline(facts: pd.DataFrame, *, start: str = START, taps: str = TAPS) -> pd.DataFrame:
    """The lines of one start and one set of taps, all weights."""
    return facts[(facts["start"] == start) & (facts["taps"] == taps)]


def comparable(lines: pd.DataFrame) -> pd.DataFrame:
    """Lines of one condition at the style weights and pairs of pictures that all its models share.

    Models at other weights or on other pictures do not compare: style transfer goes further at a
    larger weight, and much further from some pictures than from others. Where no weight is shared
    by all, the one that most models have, the largest of several; where no pair of pictures is,
    all of them.
    """
    models = lines.groupby("weight")["model"].nunique()
    if models.empty:
        return lines
    shared = list(models.index[models == lines["model"].nunique()])
    most = sorted(models.index[models == models.max()], key=_weight)[-1:]
    chosen = lines[lines["weight"].isin(shared or most)]
    pairs = chosen.groupby("case")["model"].nunique()
    common = pairs.index[pairs == chosen["model"].nunique()]
    return chosen[chosen["case"].isin(common)] if len(common) else chosen


def parts(condition: pd.Series) -> pd.DataFrame:
    """Start, taps and weight of conditions, as three columns; NaN for other conditions."""
    return condition.str.extract(r"^([^/]+)/([^/]+)/(w[\d.e+-]+)$")


def _column(facts: pd.DataFrame, name: str) -> pd.Series:
    return facts[name] if name in facts else pd.Series(np.nan, index=facts.index, dtype=float)


def style_columns(
    rows: pd.DataFrame, models: list[str], *, resamples: int = 2000, seed: int = 0
) -> pd.DataFrame:
    """Style quality, artifacts and convergence, one row a model; NaN if unmeasured.

    Content start and matched taps, mean over the pairs of pictures and the style weights that all
    models of the run were measured at (``comparable``), unless said otherwise. Columns
    (_low, _high, _n by bootstrap over pictures unless marked *): progress, palette_progress,
    texture_progress and random_progress, at most 1 (see style_facts); progress_article: the
    article's taps; progress_noise_start;
    progress[weight]*; peak_2 .. peak_16* in dB; peak_excess: the largest over periods p of mean
    (K(p) of the output - K(p) of the style), in dB, at peak_excess_period*: as a maximum of means
    it leans upwards with few pictures; board_excess, lattice_excess: the same of the diagonal
    peak, in dB, and of the lattice score, a ratio, where they were measured; content distance,
    SSIM and spectral means*; diverged*: the share over all of the model's pictures; and
    ``convergence``'s columns*.
    """
    facts = style_facts(rows)
    how = {"resamples": resamples, "seed": seed}
    main = headline(facts)
    sides = [
        comparable(part)
        for part in (main, headline(facts, taps="article"), headline(facts, start="noise-start"))
    ]
    failed = _column(facts, "diverged").groupby(facts["model"]).mean()
    lines = {
        model: _one_model(*(part[part["model"] == model] for part in sides), how=how)
        | {"diverged": float(failed.get(model, np.nan))}
        for model in models
    }
    columns = pd.DataFrame.from_dict(lines, orient="index")
    for weight in sorted(main["weight"].unique(), key=_weight):
        chosen = comparable(main[main["weight"] == weight])
        columns[f"progress[{weight}]"] = chosen.groupby("model")["progress"].mean()
    curves = comparable(headline(style_curves(rows, "loss_style")))
    return columns.join(convergence(curves))


def _weight(name: str) -> float:
    return float(name.removeprefix("w"))


def largest_weight(facts: pd.DataFrame) -> str | None:
    """The largest style weight among the lines, as named in conditions; None without lines."""
    return max(facts["weight"].dropna().unique(), key=_weight, default=None)


def _one_model(
    main: pd.DataFrame, article: pd.DataFrame, noise: pd.DataFrame, *, how: dict[str, int]
) -> dict[str, float]:
    def average(lines: pd.DataFrame, name: str) -> Estimate:
        return mean(_column(lines, name), clusters=lines["case"], **how)

    kinds = [k for k in _LATTICES if k == _LATTICES[0] or f"{k}_2_style" in main]
    return {
        **spread("progress", average(main, "progress")),
        **spread("palette_progress", average(main, "palette_progress")),
        **spread("texture_progress", average(main, "texture_progress")),
        **spread("random_progress", average(main, "random_progress")),
        **spread("progress_article", average(article, "progress")),
        **spread("progress_noise_start", average(noise, "progress")),
        **{f"peak_{p}": float(_column(main, f"peak_{p}").mean()) for p in PERIODS},
        **{name: value for k in kinds for name, value in _excess(k, main, how).items()},
        **{name: float(_column(main, name).mean()) for name in MEANS},
    }


def _excess(kind: str, facts: pd.DataFrame, how: dict[str, int]) -> dict[str, float]:
    """The largest over periods of the mean score above the style's own, and its period."""
    above: pd.DataFrame = pd.DataFrame(
        {p: _column(facts, f"{kind}_{p}") - _column(facts, f"{kind}_{p}_style") for p in PERIODS}
    )
    above = above.dropna(axis=1, how="all").dropna()
    name = f"{kind}_excess"
    if above.empty:
        return {**spread(name, NOTHING), f"{name}_period": float("nan")}
    clusters = facts.loc[above.index, "case"]
    means = {p: float(above[p].mean()) for p in PERIODS if p in above}
    period = max(means, key=lambda p: means[p])
    value = means[period]
    low, high = interval(bootstrap_means(above, clusters=clusters, **how).max(axis=1))
    found = Estimate(value, min(low, value), max(high, value), clusters.nunique())
    return {**spread(name, found), f"{name}_period": float(period)}


def convergence(traces: pd.DataFrame) -> pd.DataFrame:
    """How fast and how far the relative Gram loss falls, per model over its traces.

    Compared at equal gradient evaluations: a trace that stopped early keeps its last loss up to
    the longest trace. Columns: final_style_loss (relative to ||G(s)||^2) and
    final_style_loss_ratio (relative to evaluation 0), geometric means; evaluations_to_10pct and
    evaluations_to_1pct: median of the first evaluation at or below that share of the start, with
    a trace that never gets there counted as later than all, hence NaN when half or more never
    do; reached_10pct, reached_1pct: the shares that do; log_auc: mean over evaluations of
    log10(loss / loss at 0), <= 0 when it falls.
    """
    wide = traces.pivot(index=_UNIT, columns="step", values="value").sort_index(axis=1)
    losses = wide.ffill(axis=1).to_numpy(float)
    if not losses.size:
        return pd.DataFrame(index=pd.Index([], name="model"), columns=_CONVERGENCE, dtype=float)
    first = losses[:, :1]
    started = np.isfinite(first[:, 0]) & (first[:, 0] > 0)
    losses, first = losses[started], first[started]
    ratio = np.clip(losses / first, _LEAST, _MOST)
    steps = wide.columns.to_numpy(float)
    table = pd.DataFrame(
        {
            "final_style_loss": np.log10(np.clip(losses[:, -1], _LEAST, _MOST)),
            "final_style_loss_ratio": np.log10(ratio[:, -1]),
            "log_auc": np.log10(ratio).mean(axis=1),
        },
        index=wide.index[started],
    )
    for name, share in [("10pct", 0.1), ("1pct", 0.01)]:
        there = ratio <= share
        table[f"reached_{name}"] = there.any(axis=1).astype(float)
        table[f"evaluations_to_{name}"] = np.where(
            there.any(axis=1), steps[there.argmax(axis=1)], np.inf
        )
    groups = table.groupby("model")
    found = groups.mean()[_CONVERGENCE]
    for name in ("final_style_loss", "final_style_loss_ratio"):
        found[name] = 10 ** found[name]
    for name in ("evaluations_to_10pct", "evaluations_to_1pct"):
        found[name] = groups[name].median().replace(np.inf, np.nan)
    return found
