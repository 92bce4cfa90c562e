"""Style distance against content distance over a grid of weights: fronts, and equal content.

Nakano 2019 searched such a grid and picked by eye (footnote 6). Here every point stays, and models
are compared where they keep the same content.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from numpy.typing import NDArray

from analysis.comparisons import SMOOTHINGS
from analysis.look import appearances, line_legend, style
from analysis.style_columns import START, TAPS, style_facts
from analysis.style_plots import panel_grid
from results.store import write_atomically

COLUMNS = [
    "model", "case", "seed", "start", "method", "layers", "weight", "style", "content", "condition",
]  # fmt: skip
_CONDITION = r"^(?P<start>[^/]+)/(?P<variant>.+)/w(?P<weight>[\d.e+-]+)$"
_LAYERS = r"/layers([^/]+)"
_ALIKE = r"1(?:\+1)*"  # layer weights that change nothing
_GRID = ["model", "case", "seed", "start", "method"]


def grid_points(rows: pd.DataFrame) -> pd.DataFrame:
    """One line a picture: its place in the grid and its two distances.

    Columns: model, case, seed, condition; start; method, what else the condition names; layers and
    weight, the two axes of the grid (``equal`` where all layers weigh the same, however that was
    written; a picture made twice counts once); style and content, the judge's distances.
    """
    facts = style_facts(rows)
    if not {"judge_style_distance", "judge_content_distance"} <= set(facts):
        return pd.DataFrame(columns=COLUMNS)
    points = facts[["model", "case", "seed", "condition"]].join(
        facts["condition"].str.extract(_CONDITION)
    )
    points["method"] = points["variant"].str.replace(_LAYERS, "", regex=True)
    layers = points["variant"].str.extract(_LAYERS, expand=False)
    points["layers"] = layers.where(~layers.str.fullmatch(_ALIKE, na=True), "equal")
    points["weight"] = points["weight"].astype(float)
    points["style"] = facts["judge_style_distance"]
    points["content"] = facts["judge_content_distance"]
    points = points.dropna(subset=["style", "content"])
    return points.drop_duplicates([*_GRID, "layers", "weight"]).reset_index(drop=True)[COLUMNS]


def with_fronts(points: pd.DataFrame) -> pd.DataFrame:
    """Points with a column front: whether nothing of their grid beats them.

    No other of these pictures of the same model, case, seed, start and method has less of one
    distance and not more of the other.
    """
    found = points.assign(front=False)
    for _, grid in found.groupby(_GRID):
        found.loc[grid.index, "front"] = undominated(grid[["style", "content"]].to_numpy(float))
    return found


def undominated(costs: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which points "n d" no other one beats: as low in all costs, lower in one; "n" of bool."""
    no_worse = (costs[:, None] <= costs[None]).all(axis=2)
    better = (costs[:, None] < costs[None]).any(axis=2)
    beaten: NDArray[np.bool_] = np.asarray((no_worse & better).any(axis=0))
    return ~beaten


def at_equal_content(
    points: pd.DataFrame, *, within: Sequence[str] = ("case", "start", "method")
) -> pd.DataFrame:
    """The pictures of every front over the content distances that all fronts of a ``within`` reach.

    With so much of the content to give, the best style of a grid is a step of its front. A line a
    picture of a front that is the best of its grid somewhere: the columns of ``with_fronts``; least
    and most, the ends of the range, from where the last front begins to where the first one ends;
    share: of the range, for how much of it this picture is the best; shares of a grid sum to 1.
    Where fronts share no range, the level where the last one begins stands for it.
    """
    if points.empty:
        return points.assign(least=[], most=[], share=[])
    front = points[points["front"]].sort_values([*_GRID, "content", "style"])
    reach = front.groupby([*dict.fromkeys([*_GRID, *within])])["content"].agg(["min", "max"])
    ends = reach.groupby(list(within)).agg(least=("min", "max"), most=("max", "min"))
    known = front.join(ends.assign(most=ends.max(axis=1)), on=list(within))
    until = known.groupby(_GRID)["content"].shift(-1, fill_value=np.inf)
    low, high = known["least"], known["most"]
    covered = until.clip(low, high) - known["content"].clip(low, high)
    at_least = (known["content"] <= low) & (low < until)
    known["share"] = (covered / (high - low)).where(high > low, at_least.astype(float))
    return known[known["share"] > 0].reset_index(drop=True)


def main_grid(points: pd.DataFrame) -> pd.DataFrame:
    """The plain method from the content, over the whole grid of style and layer weights.

    The whole grid is the largest one of any model, picture and seed; those that lack a point of it
    are left out, and so are points outside, for the best of many would be compared with the best
    of few, and what lies behind such a point may be on the front; layer weights that stand for a
    smoothing are no part of it.
    """
    plain = ~points["layers"].isin([one.removeprefix("layers") for one in SMOOTHINGS])
    main = points[(points["start"] == START) & (points["method"] == TAPS) & plain]
    places = zip(main["layers"], main["weight"], strict=True)
    main = main.assign(place=[f"{layers} {weight:g}" for layers, weight in places])
    grids = main.groupby(["model", "case", "seed"])
    searched = main[grids["layers"].transform("nunique") > 1]
    if searched.empty:
        return with_fronts(searched[COLUMNS])
    held = searched.groupby(["model", "case", "seed"])["place"].agg(frozenset)
    whole = max(held, key=lambda found: (len(found), sorted(found)))
    complete = set(held.index[[whole <= found for found in held]])
    keys = zip(searched["model"], searched["case"], searched["seed"], strict=True)
    kept = pd.Series([key in complete for key in keys], index=searched.index)
    return with_fronts(searched[kept & searched["place"].isin(list(whole))][COLUMNS])


def best_by_judge(points: pd.DataFrame) -> pd.DataFrame:
    """The picture of every grid that is nearest to the style, whatever it keeps of the content.

    This is what the article's author did by eye. A line a grid: the columns of ``grid_points``.
    """
    best = points.sort_values(["style", "content"]).groupby(_GRID, sort=True).head(1)
    return best.sort_values(_GRID).reset_index(drop=True)


def write_best(points: pd.DataFrame, run: Path) -> list[Path]:
    """Store ``at_equal_content`` and ``best_by_judge`` of these points.

    As equal-content.csv and best-by-judge.csv under RUN/analysis.

    Raises:
        StoreError: the disk is full or not writable.
    """
    files = []
    for name, best in [
        ("equal-content", at_equal_content(points)), ("best-by-judge", best_by_judge(points)),
    ]:  # fmt: skip
        text = best.to_csv(index=False, float_format="%.6g", lineterminator="\n").encode()
        files.append(run / "analysis" / f"{name}.csv")
        write_atomically(files[-1], lambda out, text=text: out.write(text))
    return files


def pareto(points: pd.DataFrame, table: pd.DataFrame) -> Figure:
    """Every picture of a grid as a dot and every front as a line, one panel a pair of pictures.

    Args:
        points: ``main_grid`` of one seed.
        table: the model table, for colours.
    """
    with style():
        cases = sorted(points["case"].unique())
        drawn, panels, last = panel_grid(len(cases), 3.4, 3.4)
        # of the models shown alone, whose shades then differ
        looks = appearances(table[table["model"].isin(points["model"])], among=table)
        colours = {name: look.colour for name, look in looks.items()}
        for ax, case in zip(panels, cases, strict=True):
            shown = points[points["case"] == case]
            sns.scatterplot(
                shown, x="content", y="style", hue="model", palette=colours, s=14, alpha=0.45,
                linewidth=0, legend=False, ax=ax,
            )  # fmt: skip
            for model, line in shown[shown["front"]].sort_values("content").groupby("model"):
                look = looks[str(model)]
                ax.step(
                    line["content"], line["style"], where="post", color=look.colour, ls=look.dash,
                    lw=1.4, label=str(model),
                )  # fmt: skip
            ax.set(title=case.replace("+", " + "), xlabel="", ylabel="")
        drawn.supxlabel("judge's content distance", fontsize=10)
        drawn.supylabel("judge's Gram distance to the style", fontsize=10)
        line_legend(last)
    return drawn
