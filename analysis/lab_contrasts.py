"""Comparisons of the style laboratory as effects with intervals: ``contrasts.csv``.

Every difference is between the same pairs of pictures at one style weight, or, at equal content, at
weights chosen for it. The scatter is that of

* pictures, every content in every style, where one network of one seed is on each side;
* architectures (or matched pairs, or weight seeds) as well, where several take part. Networks of
  one architecture are averaged first, and are one unit (``sample.units``).

The interval is ``crossed.paired_or_crossed``'s: contents, styles and units are samples, with a side
of one level (one photograph, one network) a comparison is about that one. Levels of the factory
count as a sample, so that averages are about networks like these. For normal differences it covers
92 to 100 % (simulated in ``tests/test_crossed.py``), most where the sides hardly differ beyond
noise. p is not corrected for the number of comparisons.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.comparisons import ONE_BY_ONE, WEIGHT, Comparison, Side, comparisons
from analysis.condition_tables import FEATURE_SCORES, feature_facts
from analysis.contrasts import FEWEST_PAIRS
from analysis.crossed import laid_out, paired_or_crossed
from analysis.equal_content import with_equal_content
from analysis.style_columns import PERIODS, style_facts, with_excess
from analysis.tuned_layers import with_best_layers

SCORES = {
    "progress": "progress", "texture_log2_ratio": "texture distance [log2]",
    "palette_progress": "palette",
    "excess_2": "K(2) [dB]", "excess_4": "K(4) [dB]", "excess_8": "K(8) [dB]",
    "board_excess_2": "board(2) [dB]", "judge_content_distance": "content distance",
}  # fmt: skip
# of the file alone, for the summary would be too wide to read
_MORE = (
    "random_progress", "content_ssim", "content_edges", *FEATURE_SCORES,
    "excess_16", *(f"board_excess_{period}" for period in PERIODS[1:]),
    *(f"lattice_excess_{period}" for period in PERIODS),
)  # fmt: skip
COLUMNS = [
    "group", "comparison", "score", "effect", "low", "high", "p", "n_pictures", "n_networks",
    "n_units", "n_seeds", "unit",
]  # fmt: skip

Values = Mapping[tuple[str, str], pd.Series]  # (model, condition) -> one number a case


def contrasts(rows: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """One line a comparison and score: ``COLUMNS``; none where a run has no two sides.

    effect: the first side minus the second, mean over pictures and units, in the score's unit:
    progress and texture_log2_ratio (see ``style_facts``; -1 is half the distance on the first
    side), excess_p and board_excess_p in dB and lattice_excess_p (see ``with_excess``; the same
    period on both sides), content distance, content_ssim and content_edges (both 1 = kept),
    high_frequency_share in [0, 1] and spectral_slope. Cases of features are channels and classes,
    compared where both sides have them. low, high, p: see the module; NaN where nothing
    measures the scatter. n_pictures: pairs of pictures both sides have; n_networks: pairs of
    networks; n_units: architectures (matched pairs, seeds) among them; n_seeds: the most weight
    seeds of one network; unit: what the interval is over.

    Args:
        rows: of a run.
        table: see ``comparisons``.
    """
    facts = with_excess(style_facts(rows))
    every = [facts, with_equal_content(facts, rows), feature_facts(rows)]
    scores = pd.concat([part for part in every if len(part)] or every)
    known = [name for name in (*SCORES, *_MORE) if name in scores]
    if scores.empty or not known:
        return pd.DataFrame(columns=COLUMNS)
    means = with_best_layers(scores.groupby(["model", "condition", "case"])[known].mean())
    chosen = comparisons(table, {(str(model), str(on)) for model, on, _ in means.index})
    lines = []
    for score in known:
        values = _by_side(means[score].dropna())
        lines += [line for one in chosen if (line := _line(one, score, values))]
    found = pd.DataFrame(lines, columns=COLUMNS)
    place = {(one.group, one.name): i for i, one in enumerate(chosen)}
    keys = [place[key] for key in zip(found["group"], found["comparison"], strict=True)]
    return found.iloc[np.argsort(keys, kind="stable")].reset_index(drop=True)


def _by_side(values: pd.Series) -> dict[tuple[str, str], pd.Series]:
    return {
        (str(model), str(condition)): part.droplevel(["model", "condition"])
        for (model, condition), part in values.groupby(["model", "condition"])
    }


def _line(one: Comparison, score: str, values: Values) -> dict[str, object] | None:
    grid, many = differences(one.pairs, values)
    if grid.empty:
        return None
    networks = len(one.pairs)
    units = one.units if networks > 1 else "seeds"
    effect = paired_or_crossed(laid_out(grid))
    over = [units] * (many > 1) + ["pictures"] * (grid.shape[1] > 1)
    return {
        "group": one.group, "comparison": one.name, "score": score,
        "effect": float(grid.to_numpy().mean()), "low": effect.low, "high": effect.high,
        "p": effect.p, "n_pictures": grid.shape[1],
        "n_networks": networks, "n_units": many,
        "n_seeds": max(len(side.models) for pair in one.pairs for side in pair),
        "unit": " x ".join(over) if not math.isnan(effect.low) else "none",
    }  # fmt: skip


def differences(pairs: Sequence[tuple[Side, Side]], values: Values) -> tuple[pd.DataFrame, int]:
    """Differences, a line a unit and a column a picture that all have, and how many units.

    Several pairs of networks are averaged within a unit, seeds before. Of one pair the units are
    its seeds: twins of one seed where both sides have several, else each seed of the one side minus
    the mean of the other, whose own scatter over seeds is then unknown and left out.
    """
    if len(pairs) > 1:
        lines = _by_unit(pairs, values)
    else:
        a, b = (_seeds(side, values) for side in pairs[0])
        twins = a.columns.intersection(b.columns)
        if len(twins) > 1:
            lines = [a[seed] - b[seed] for seed in twins]
        elif a.shape[1] >= b.shape[1]:
            lines = [a[seed] - b.mean(axis=1, skipna=False) for seed in a]
        else:
            lines = [a.mean(axis=1, skipna=False) - b[seed] for seed in b]
    grid = pd.concat(lines, axis=1, join="inner").dropna().T
    return grid, len(grid)


def _by_unit(pairs: Sequence[tuple[Side, Side]], values: Values) -> list[pd.Series]:
    """One difference a picture for each pair of units, the mean over its pairs of networks."""
    found: dict[tuple[str, str], list[pd.Series]] = {}
    for first, second in pairs:
        a, b = (_seeds(side, values).mean(axis=1, skipna=False) for side in (first, second))
        found.setdefault((first.unit, second.unit), []).append(a - b)
    return [pd.concat(ones, axis=1).mean(axis=1, skipna=False) for ones in found.values()]


def _seeds(side: Side, values: Values) -> pd.DataFrame:
    """Pictures x seeds of one side; models that share a seed's name are told apart by place."""
    names = pd.Series(side.models).str.extract(r"-s(\d+)(?:\+|$)", expand=False).fillna("0")
    if names.duplicated().any():
        names = pd.Series(side.models)
    found = {
        name: values.get((model, side.condition), pd.Series(dtype=float))
        for name, model in zip(names, side.models, strict=True)
    }
    return pd.DataFrame(found)


def contrast_table(found: pd.DataFrame) -> str:
    """The comparisons as Markdown: a line each, a column a score; of matched nets only means."""
    shown = found[~found["group"].str.endswith(ONE_BY_ONE) & found["score"].isin(list(SCORES))]
    if shown.empty:
        return f"No two sides to compare at style weight {WEIGHT.removeprefix('w')}."
    scores = [name for name in SCORES if name in set(shown["score"])]
    titles = ["comparison", *(SCORES[name] for name in scores), "pictures", "networks", "seeds"]
    lines = [f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"]
    for _, part in shown.groupby(["group", "comparison"], sort=False):
        cells = {str(line["score"]): _cell(line) for line in part.to_dict("records")}
        counts = [f"{part[name].max():.0f}" for name in ("n_pictures", "n_networks", "n_seeds")]
        said = [part["comparison"].iloc[0], *(cells.get(name, "-") for name in scores), *counts]
        lines.append(f"| {' | '.join(said)} |")
    return "\n".join([*lines, "", _CAPTION])


_CAPTION = (
    f"First side minus second, on the same pairs of pictures at style weight "
    f"{WEIGHT.removeprefix('w')} (at equal content: at weights chosen for it; textures have no "
    f"content to weigh); brackets: 95 %, over contents crossed with "
    f"styles (paired t from {FEWEST_PAIRS} pictures where there is one content) and, where "
    "there are several, architectures (networks of one are averaged) or weight seeds, "
    "wide where there are few of either, so that an interval around 0 "
    "shows no missing effect. Texture distances are compared as log2 of output over content: -1 is "
    "half as far. K(p) is the peak at one period, board(p) its diagonal part, the checkerboard, "
    "both above the style's. Best layer weights are chosen on other pictures. Nothing is corrected "
    "for the number of comparisons: one in twenty intervals misses. `contrasts.csv` has p, further "
    "scores and each matched net."
)


def _cell(line: Mapping[Any, Any]) -> str:
    digits = 1 if str(line["score"]).startswith(("excess", "board")) else 2
    value = f"{line['effect']:+.{digits}f}"
    if math.isnan(line["low"]):
        return value
    return f"{value} [{line['low']:+.{digits}f}, {line['high']:+.{digits}f}]"
