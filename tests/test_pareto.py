"""Fronts and equal content on grids drawn by hand, and by brute force on random ones."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import same_color
from typer.testing import CliRunner

from analysis.__main__ import app
from analysis.look import appearances
from analysis.pareto import (
    at_equal_content,
    best_by_judge,
    grid_points,
    main_grid,
    pareto,
    undominated,
    with_fronts,
)
from analysis.tables import build, load
from tests.rows import Row, facts, frame
from tests.rows import store as store_rows

VGG, RESNET = "vgg_c10.standard", "resnet50_c10.standard"
# condition to style and content distance
GRID = {
    "content-start/matched/w1": (0.9, 0.1),
    "content-start/matched/w10": (0.6, 0.3),
    "content-start/matched/w100": (0.4, 0.8),
    "content-start/matched/layers0.5+0.25/w1": (0.95, 0.1),
    "content-start/matched/layers0.5+0.25/w10": (0.5, 0.3),
}
FRONT = {"content-start/matched/w1", "content-start/matched/layers0.5+0.25/w10",
         "content-start/matched/w100"}  # fmt: skip


def rows(model: str, grid: dict[str, tuple[float, float]], *, worse: float = 0.0) -> list[Row]:
    found: list[Row] = []
    for condition, (style, content) in grid.items():
        for metric, value in [
            ("judge_style_distance", style + worse),
            ("judge_content_distance", content + worse),
            ("judge_style_distance_content", 1.0),
            ("evaluations", 60.0),
        ]:
            found += facts(model, condition, metric, [value], suite="style", cases=["chelsea+ihc"])
    return found


def marked(found: list[Row]) -> pd.DataFrame:
    return with_fronts(grid_points(frame(found)))


def points(*more: Row) -> pd.DataFrame:
    return marked([*rows(VGG, GRID), *rows(RESNET, GRID, worse=0.15), *more])


def test_a_front_is_what_nothing_beats() -> None:
    found = points()
    assert len(found) == 2 * len(GRID)
    for _, grid in found.groupby("model"):
        on = grid[grid["front"]]
        assert set(zip(on["layers"], on["weight"], strict=True)) == {
            ("equal", 1.0), ("0.5+0.25", 10.0), ("equal", 100.0),
        }  # fmt: skip


def test_methods_and_starts_have_fronts_of_their_own() -> None:
    others = {
        "content-start/matched/fourier+transforms/w10": (0.95, 0.95),
        "noise-start/matched/w10": (2.0, 2.0),
        "content-start/single/2/w10": (3.0, 3.0),
    }
    found = points(*rows(VGG, others)).set_index("method")
    for method in ("matched/fourier+transforms", "single/2"):
        assert found.loc[method, "front"]  # beaten by the plain one, but not by its own kind
    assert found[found["start"] == "noise-start"]["front"].all()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=12))
def test_fronts_agree_with_the_definition(costs: list[tuple[int, int]]) -> None:
    expected = [not any(a <= x and b <= y and (a < x or b < y) for a, b in costs) for x, y in costs]
    found = undominated(np.array(costs, dtype=float))
    assert found.tolist() == expected
    assert found.any()


def test_models_are_compared_over_the_contents_that_both_reach() -> None:
    """From .25, where the ResNet's front begins, to .8, where VGG's ends."""
    best = at_equal_content(points()).set_index(["model", "content"])
    assert best[["least", "most"]].to_numpy() == pytest.approx(np.array([[0.25, 0.8]] * 4))
    # the third picture of VGG's front begins where the range ends
    assert best.loc[VGG, "style"].tolist() == pytest.approx([0.9, 0.5])
    assert best.loc[VGG, "share"].tolist() == pytest.approx([0.05 / 0.55, 0.5 / 0.55])
    assert best.loc[RESNET, "style"].tolist() == pytest.approx([1.05, 0.65])
    assert best.loc[RESNET, "share"].tolist() == pytest.approx([0.2 / 0.55, 0.35 / 0.55])


def test_fronts_without_a_common_range_meet_at_one_level() -> None:
    """VGG's front ends at .8, before the other one begins: its end against that beginning."""
    far = rows(RESNET, GRID, worse=0.9)
    best = at_equal_content(marked([*rows(VGG, GRID), *far])).set_index("model")
    assert set(best["least"]) == set(best["most"]) == {1.0}
    assert best["share"].tolist() == [1.0, 1.0]
    assert best["style"].to_dict() == pytest.approx({VGG: 0.4, RESNET: 1.8})


COSTS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=9)


@settings(max_examples=40, deadline=None)
@given(COSTS, COSTS)
def test_the_mean_at_equal_content_is_that_of_every_level(
    one: list[tuple[int, int]], other: list[tuple[int, int]]
) -> None:
    """Integer costs: a step lasts from one integer to the next, so levels at .5 say all."""
    grids = {VGG: one, RESNET: other}
    named = [
        (model, {f"content-start/matched/layers{i}+1/w1": cost for i, cost in enumerate(costs, 2)})
        for model, costs in grids.items()
    ]
    found = at_equal_content(marked([row for pair in named for row in rows(*pair)]))
    fronts = {
        model: [cost for cost in costs if all(
            not (a <= cost[0] and b <= cost[1] and (a, b) != cost) for a, b in costs)]
        for model, costs in grids.items()
    }  # fmt: skip
    least = max(min(content for _, content in front) for front in fronts.values())
    most = max(least, min(max(content for _, content in front) for front in fronts.values()))
    levels = [level + 0.5 for level in range(least, most)] or [least]
    for model, costs in grids.items():
        best = [min(style for style, content in costs if content <= level) for level in levels]
        mine = found[found["model"] == model]
        assert mine["share"].sum() == pytest.approx(1)
        assert (mine["style"] * mine["share"]).sum() == pytest.approx(sum(best) / len(best))


def test_methods_can_be_compared_at_one_content_too() -> None:
    blurry = rows(VGG, {"content-start/matched/fourier/w10": (0.2, 0.3)})
    best = at_equal_content(points(*blurry), within=("case", "start")).set_index("method")
    assert set(best["least"]) == {0.3}
    assert best.loc["matched/fourier", "style"] == pytest.approx(0.2)
    plain = best.loc["matched"].set_index("model")
    assert plain.loc[VGG, "style"] == pytest.approx(0.5)


def test_the_main_grid_has_the_models_that_were_searched() -> None:
    few = {name: value for name, value in GRID.items() if "layers" not in name}
    found = grid_points(frame([*rows(VGG, GRID), *rows(RESNET, few)]))
    assert set(main_grid(found)["model"]) == {VGG}


def test_a_grid_with_gaps_is_not_compared_with_a_whole_one() -> None:
    gaps = {name: value for name, value in GRID.items() if not name.endswith("layers0.5+0.25/w1")}
    more = {**GRID, "content-start/matched/layers0.5+0.25/w99": (0.1, 0.1)}
    assert set(main_grid(grid_points(frame([*rows(VGG, GRID), *rows(RESNET, gaps)])))["model"]) == {
        VGG
    }
    found = main_grid(grid_points(frame([*rows(VGG, GRID), *rows(RESNET, more)])))
    assert set(found["model"]) == {RESNET} and len(found) == len(more)


def test_a_picture_of_the_plain_method_only_is_no_grid() -> None:
    """The grid is made on one pair; other pairs have the two plain weights alone."""
    other = [
        (suite, model, "chelsea+coffee", *rest)
        for suite, model, _, *rest in rows(VGG, {"content-start/matched/w1": (0.1, 0.1)})
    ]
    assert set(main_grid(points(*other))["case"]) == {"chelsea+ihc"}  # type: ignore[arg-type]


def test_layers_that_weigh_one_are_the_plain_ones() -> None:
    again = {name.replace("matched/w", "matched/layers1/w"): value
             for name, value in GRID.items() if "layers" not in name}  # fmt: skip
    found = grid_points(frame([*rows(VGG, GRID), *rows(VGG, again)]))
    assert len(found) == len(GRID)
    assert set(found["layers"]) == {"equal", "0.5+0.25"}


def test_the_best_by_the_judge_may_lose_the_content() -> None:
    best = best_by_judge(points()).set_index("model")
    assert best.loc[VGG, ["style", "content"]].tolist() == pytest.approx([0.4, 0.8])
    assert best.loc[RESNET, ["style", "content"]].tolist() == pytest.approx([0.55, 0.95])
    assert "level" not in best


def test_a_run_without_style_has_no_points() -> None:
    found = marked(facts(VGG, "clean", "clean_correct", [1.0]))
    assert found.empty
    assert at_equal_content(found).empty and main_grid(found).empty


@pytest.fixture
def run(tmp_path: Path) -> Path:
    models = {VGG: "VGG", RESNET: "ResNet"}
    return store_rows(tmp_path / "run", [*rows(VGG, GRID), *rows(RESNET, GRID, worse=0.15)], models)


def test_the_figure_has_every_point_and_front(run: Path) -> None:
    loaded = load(run)
    table = build(loaded, resamples=100)
    found = main_grid(grid_points(loaded.rows))
    ax = pareto(found, table).axes[0]
    assert sum(len(dots.get_offsets()) for dots in ax.collections) == len(found)
    lines = {str(line.get_label()): line for line in ax.get_lines()}
    assert set(lines) == {VGG, RESNET}
    assert same_color(lines[VGG].get_color(), appearances(table)[VGG].colour)
    assert list(lines[VGG].get_xdata()) == pytest.approx([0.1, 0.3, 0.8])
    assert list(lines[VGG].get_ydata()) == pytest.approx([0.9, 0.5, 0.4])
    assert ax.get_title(loc="left") == "chelsea + ihc"


def test_the_command_writes_figure_and_table(run: Path) -> None:
    result = CliRunner().invoke(app, [str(run), "--resamples", "100"])
    assert result.exit_code == 0, result.output
    assert (run / "analysis" / "pareto.png").exists()
    assert (run / "analysis" / "best-by-judge.csv").exists()
    best = pd.read_csv(run / "analysis" / "equal-content.csv")
    assert best["model"].tolist() == [RESNET, RESNET, VGG, VGG]
    assert best["style"].tolist() == pytest.approx([1.05, 0.65, 0.9, 0.5])
    assert best.groupby("model")["share"].sum().tolist() == pytest.approx([1, 1])
