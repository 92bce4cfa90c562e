"""Comparisons of the style laboratory as effects with intervals: ``contrasts.csv``.

Every difference is between the same pairs of pictures at one style weight. The scatter is that of

* pictures, where one network of one seed is on each side: a paired t interval, from three pictures;
* architectures (or matched pairs, or weight seeds) x pictures, where several take part: a crossed
  interval, both these units and the pictures being samples. Networks of one architecture are
  averaged first, and are one unit (``sample.units``). The variance of the mean is
  (MS_units + MS_pictures - MS_rest) / (units x pictures), at least that of either alone, with
  Satterthwaite's degrees of freedom: Clark's (1973) quasi-F. A bootstrap of both
  (``analysis.nested``) would be too narrow for a handful of each.

What small numbers do: with three pictures the t quantile is 4.3, with two units it may be 12.7,
so intervals are wide and show no missing effect. For normal differences the paired interval covers
95 %, the crossed one 92 to 99 % (91 % at worst with two of either), most where units and
pictures hardly differ beyond noise (simulated in ``tests/test_lab_contrasts.py``). Pictures that
share a content or a style are taken as independent, which they are not quite, and levels of the
factory as a sample, so that averages are about networks like these. p is not corrected for the
number of comparisons.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.comparisons import ONE_BY_ONE, WEIGHT, Comparison, Side, comparisons
from analysis.contrasts import estimated
from analysis.stats import Floats
from analysis.style_columns import PERIODS, style_facts, with_excess
from analysis.tuned_layers import with_best_layers
from analysis.verdict import Effect, missing

FEWEST_PICTURES = 3
SCORES = {
    "progress": "progress", "texture_log2_ratio": "texture distance [log2]",
    "palette_progress": "palette",
    "excess_2": "K(2) [dB]", "excess_4": "K(4) [dB]", "excess_8": "K(8) [dB]",
    "board_excess_2": "board(2) [dB]", "judge_content_distance": "content distance",
}  # fmt: skip
# of the file alone, for the summary would be too wide to read
_MORE = (
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
    period on both sides), content distance. low, high, p: see the module; NaN where nothing
    measures the scatter. n_pictures: pairs of pictures both sides have; n_networks: pairs of
    networks; n_units: architectures (matched pairs, seeds) among them; n_seeds: the most weight
    seeds of one network; unit: what the interval is over.

    Args:
        rows: of a run.
        table: see ``comparisons``.
    """
    facts = with_excess(style_facts(rows))
    known = [name for name in (*SCORES, *_MORE) if name in facts]
    if facts.empty or not known:
        return pd.DataFrame(columns=COLUMNS)
    means = with_best_layers(facts.groupby(["model", "condition", "case"])[known].mean())
    measured = {(str(model), str(on)) for model, on, _ in means.index}
    chosen = comparisons(table, lambda model, condition: (model, condition) in measured)
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
    if not grid.size:
        return None
    networks = len(one.pairs)
    units = one.units if networks > 1 else "seeds"
    effect = paired_or_crossed(grid)
    over = [units] * (many > 1) + ["pictures"] * (grid.shape[1] > 1)
    return {
        "group": one.group, "comparison": one.name, "score": score, "effect": float(grid.mean()),
        "low": effect.low, "high": effect.high, "p": effect.p, "n_pictures": grid.shape[1],
        "n_networks": networks, "n_units": many,
        "n_seeds": max(len(side.models) for pair in one.pairs for side in pair),
        "unit": " x ".join(over) if not math.isnan(effect.low) else "none",
    }  # fmt: skip


def differences(pairs: Sequence[tuple[Side, Side]], values: Values) -> tuple[Floats, int]:
    """Differences "units pictures" over the pictures all have, and how many units.

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
    grid = pd.concat(lines, axis=1, join="inner").dropna().to_numpy(float).T
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


def paired_or_crossed(grid: Floats) -> Effect:
    """The mean of "units pictures" with the interval that its shape allows; see the module."""
    units, pictures = grid.shape
    if units > 1 and pictures > 1:
        return crossed(grid)
    line = grid.ravel()
    if len(line) < FEWEST_PICTURES:
        return missing(f"{len(line)} differences, {FEWEST_PICTURES} are needed", len(line))
    error = float(line.std(ddof=1)) / math.sqrt(len(line))
    return estimated(float(line.mean()), error, len(line) - 1, len(line))


def crossed(grid: Floats) -> Effect:
    """The mean of "units pictures", both of them random, each with two or more."""
    units, pictures = grid.shape
    mean = float(grid.mean())
    rows, columns = grid.mean(axis=1), grid.mean(axis=0)
    rest = grid - rows[:, None] - columns[None] + mean
    squares = [
        pictures * float(rows.var(ddof=1)), units * float(columns.var(ddof=1)),
        float((rest**2).sum()) / ((units - 1) * (pictures - 1)),
    ]  # fmt: skip
    free = [units - 1, pictures - 1, (units - 1) * (pictures - 1)]
    total = squares[0] + squares[1] - squares[2]
    largest = int(np.argmax(squares[:2]))
    if total > squares[largest]:
        df = total**2 / sum(s**2 / f for s, f in zip(squares, free, strict=True))
    else:  # a sum below its own parts is noise
        total, df = squares[largest], float(free[largest])
    error = math.sqrt(total / (units * pictures))
    return estimated(mean, error, max(df, 1.0), units * pictures)


def contrast_table(found: pd.DataFrame) -> str:
    """The comparisons as Markdown: a line each, a column a score; of matched nets only means."""
    shown = found[~found["group"].str.contains(ONE_BY_ONE, regex=False)]
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
    f"{WEIGHT.removeprefix('w')}; brackets: 95 %. One network: paired t over pictures (from "
    f"{FEWEST_PICTURES}); several architectures (networks of one are averaged) or weight seeds: "
    "crossed with the pictures, wide where there are few of either, so that an interval around 0 "
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
