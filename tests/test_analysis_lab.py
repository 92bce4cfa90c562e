"""The laboratory's tables and sheets on runs small enough to count by hand."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from analysis import lab_plots, summary
from analysis.contact_sheet import contact_sheets, write_sheets
from analysis.convergence_table import convergence_table
from analysis.judges import OUTSIDE, agreement, judge_columns, judge_pairs, judgements
from analysis.lab import lab_columns, lab_tables
from analysis.sheet import LARGEST, sheet
from analysis.stride_lattices import lattice_fit, lattice_lines, lattice_networks
from results.store import read_run
from tests.rows import MODELS, STYLES, Row, build_run, facts, frame

NETS = ["a.x", "b.x", "c.x", "d.x", "e.x"]
CASES = ["chelsea+ihc", "chelsea+coffee", "astronaut+ihc"]
CONDITION = "content-start/matched/w100"
HOW = {"resamples": 100, "seed": 0}


def seen(judge: str, model: str, progress: list[float]) -> list[Row]:
    """What a judge says of the pictures optimised for a model, one number a case."""
    condition, how = f"from={model}/{CONDITION}", {"suite": "judges", "cases": CASES}
    away = [2 * (1 - p) for p in progress]
    return facts(judge, condition, "judge_style_distance", away, **how) + facts(
        judge, condition, "judge_style_distance_content", [2.0] * len(CASES), **how
    )


def judged() -> list[Row]:
    """All rank the networks e to a; each sees .1 more in its own; d is .2 harder to please."""
    return [
        row
        for judge in NETS
        for i, model in enumerate(NETS)
        for row in seen(
            judge, model,
            [0.1 * i + 0.1 * (judge == model) - 0.2 * (judge == "d.x") + 0.01 * c
             for c in range(3)],
        )
    ]  # fmt: skip


def outside(order: list[float]) -> list[Row]:
    """What the judges outside the zoo say: all the same, in this order of the networks."""
    rows = []
    metrics = ("judge_style_distance", "random_style_distance", "palette_distance",
               "texture_distance")  # fmt: skip
    for model, progress in zip(NETS, order, strict=True):
        for metric in metrics:
            how = {"suite": "style", "cases": CASES}
            rows += facts(model, CONDITION, metric, [1 - progress] * 3, **how)
            rows += facts(model, CONDITION, f"{metric}_content", [1.0] * 3, **how)
    return rows


def test_progress_is_what_is_left_of_the_judge_s_distance() -> None:
    found = judgements(frame(judged() + outside([0.1, 0.2, 0.3, 0.4, 0.5])), None)
    assert set(found["judge"]) == {*NETS, *OUTSIDE}
    pairs = judge_pairs(found, **HOW).set_index(["judge", "model"])
    assert pairs.loc[("a.x", "c.x"), "progress"] == pytest.approx(0.21)
    assert pairs.loc[("d.x", "d.x"), "progress"] == pytest.approx(0.21)
    assert pairs.loc[("(texture)", "e.x"), "progress"] == pytest.approx(0.5)
    assert pairs.loc[("a.x", "c.x"), "progress_n"] == 3
    assert set(pairs.index[pairs["own"]]) == {(name, name) for name in NETS}


def test_the_run_s_source_needs_no_name() -> None:
    plain = frame(seen("a.x", "b.x", [0.1, 0.2, 0.3]))
    plain["condition"] = CONDITION
    assert set(judgements(plain, "b.x")["model"]) == {"b.x"}


def test_others_and_itself_are_told_apart() -> None:
    columns = judge_columns(judgements(frame(judged()), None), **HOW)
    # e's pictures: .41 by a, b and c, .21 by d
    assert columns.loc["e.x", "progress_by_others"] == pytest.approx((3 * 0.41 + 0.21) / 4)
    assert columns.loc["e.x", "progress_by_itself"] == pytest.approx(0.51)
    low, high = columns.loc["e.x", ["progress_by_others_low", "progress_by_others_high"]]
    assert low < columns.loc["e.x", "progress_by_others"] < high


def test_a_home_bonus_is_free_of_quality_and_of_severity() -> None:
    """Without own praise there is none, whatever networks are worth and judges are like."""
    fair = [
        row
        for judge, mood in zip(NETS, (0.3, 0, 0, -0.2, 0.1), strict=True)
        for i, model in enumerate(NETS)
        for row in seen(judge, model, [0.1 * i + mood] * 3)
    ]
    bonus = judge_columns(judgements(frame(fair), None), **HOW)["home_bonus"]
    partial = judge_columns(judgements(frame(judged()), None), **HOW)["home_bonus"]
    assert bonus.tolist() == pytest.approx([0] * 5, abs=1e-12)
    assert partial.tolist() == pytest.approx([0.1] * 5)


def test_a_home_bonus_s_interval_is_over_pictures() -> None:
    """Own praise of 0, .1 and .2 on the three pairs: resamples stay inside, and reach for both."""
    praised = [
        row
        for judge in NETS
        for i, model in enumerate(NETS)
        for row in seen(judge, model, [0.1 * i + (judge == model) * p for p in (0, 0.1, 0.2)])
    ]
    line = judge_columns(judgements(frame(praised), None), **HOW).loc[NETS[0]]
    assert line["home_bonus"] == pytest.approx(0.1) and line["home_bonus_n"] == 3
    assert -1e-9 <= line["home_bonus_low"] < 0.05 and 0.15 < line["home_bonus_high"] <= 0.2 + 1e-9


def test_a_picture_that_one_judge_has_not_seen_is_left_out() -> None:
    some = [
        row for row in judged()
        if (row[1], row[3][:8], row[2]) != ("a.x", "from=b.x", CASES[0])
    ]  # fmt: skip
    assert len(some) < len(judged())
    columns = judge_columns(judgements(frame(some), None), **HOW)
    assert (columns["home_bonus_n"] == 2).all() and columns["home_bonus"].notna().all()


def test_a_matrix_with_gaps_has_no_home_bonus() -> None:
    some = [row for row in judged() if (row[1], row[3][:8]) != ("a.x", "from=b.x")]
    columns = judge_columns(judgements(frame(some), None), **HOW)
    assert columns["home_bonus"].isna().all() and columns["progress_by_others"].notna().all()
    assert (columns["home_bonus_n"] == 0).all() and columns["home_bonus_low"].isna().all()


def test_judges_of_one_mind_agree_wholly_and_one_against_all_is_seen() -> None:
    alike = agreement(judgements(frame(judged()), None), **HOW)
    assert alike is not None
    assert (alike.rho, alike.low, alike.high, alike.w) == pytest.approx((1, 1, 1, 1))
    assert alike.table["rho"].tolist() == pytest.approx([1] * 5)
    split = agreement(judgements(frame(judged() + outside([5, 4, 3, 2, 1])), None), **HOW)
    assert split is not None
    table = split.table.set_index("judge")["rho"]
    # with four of its mind and four outside against it
    assert table["a.x"] == pytest.approx((4 * 1 + 4 * -1) / 8)
    assert table["(palette)"] == pytest.approx((3 * 1 + 5 * -1) / 8)
    assert split.rho == pytest.approx((10 + 6 - 20) / 36)
    assert split.w == pytest.approx((1 + 8 * split.rho) / 9)


def test_two_networks_make_no_ranks() -> None:
    two = [row for judge in NETS[:2] for model in NETS[:2] for row in seen(judge, model, [0.1] * 3)]
    assert agreement(judgements(frame(two), None), **HOW) is None
    tables = lab_tables(frame(two), None, {}, **HOW)
    assert set(tables) == {"judgements"}
    drawn = lab_plots.judge_matrix(tables["judgements"], None)
    assert "too few networks" in drawn.axes[0].get_title(loc="left")


def test_nobody_judged_is_no_column_and_no_table() -> None:
    rows = frame(outside([0.1, 0.2, 0.3, 0.4, 0.5]))
    assert lab_columns(rows, None, **HOW).empty
    found = set(lab_tables(rows, None, {}, **HOW))
    assert found == {"convergence", "conditions-style"}


def test_the_matrix_frames_what_is_its_own() -> None:
    rows = frame(judged() + outside([0.1, 0.2, 0.3, 0.4, 0.5]))
    tables = lab_tables(rows, None, {}, **HOW)
    ax = lab_plots.judge_matrix(tables["judgements"], tables["judges"]).axes[0]
    columns = [text.get_text() for text in ax.get_xticklabels()]
    lines = [text.get_text() for text in ax.get_yticklabels()]
    assert columns == [*OUTSIDE, *NETS[::-1]] and lines == NETS[::-1]
    framed = {(lines[int(p.get_y())], columns[int(p.get_x())]) for p in ax.patches}
    assert framed == {(name, name) for name in NETS}
    assert "mean rho = +1.00" in ax.get_title(loc="left")


def test_the_summary_says_whether_judges_agree() -> None:
    table = pd.DataFrame({
        "model": NETS, "arch": [name[0] for name in NETS], "role": "contestant",
        "training": "standard", "robust": False, "is_source": False,
        "progress": [1, 2, 3, 4, 5], "texture_progress": [1, 2, 3, 4, 5],
        "palette_progress": [5, 4, 3, 2, 1], "random_progress": np.nan,
    })  # fmt: skip
    text = summary._judges(table)
    assert "3 judges (`progress`, `texture_progress`, `palette_progress`) rank 5 models" in text
    assert "rho = -0.33" in text and "`progress` and `palette_progress` (-1.00)" in text
    again = pd.concat([table, table.assign(model=table["model"] + "-s1", role="replicate")])
    assert summary._judges(again) == text  # a second seed is no further network
    assert "too few" in summary._judges(table.iloc[:3])
    assert "too few" in summary._judges(
        table.drop(columns=["texture_progress", "palette_progress"])
    )
    assert "tells the models apart" in summary._judges(table.assign(progress=1.0).drop(
        columns="palette_progress"
    ))  # fmt: skip


def peaks(model: str, above: dict[int, float], condition: str = CONDITION) -> list[Row]:
    how = {"suite": "style", "cases": CASES}
    return [
        row
        for period, excess in above.items()
        for row in facts(model, condition, f"peak_{period}", [3 + excess] * 3, **how)
        + facts(model, condition, f"peak_{period}_style", [3.0] * 3, **how)
    ]


def predicted(model: str, layers: dict[int, float]) -> list[Row]:
    return [
        row
        for period, value in layers.items()
        for row in facts(model, "matched", "coverage_unevenness", [value], suite="coverage",
                         step=period, cases=["network"])
    ]  # fmt: skip


def test_predictions_stand_beside_what_was_measured() -> None:
    rows = frame(predicted("a.x", {2: 0.5, 8: 1.7}) + peaks("a.x", {2: 5.0, 4: 2.0, 8: 9.0}))
    lines = lattice_lines(rows, **HOW).set_index("period")
    assert lines["unevenness"].to_dict() == {2: 0.5, 4: 0.0, 8: 1.7}
    assert lines["excess"].to_dict() == pytest.approx({2: 5, 4: 2, 8: 9})
    assert (lines["excess_n"] == 3).all()


def test_other_taps_and_other_methods_are_no_test_of_the_prediction() -> None:
    rows = predicted("a.x", {2: 0.5})
    for condition in ("content-start/article/w100", "content-start/matched/fourier/w100"):
        assert lattice_lines(frame(rows + peaks("a.x", {2: 1.0}, condition)), **HOW).empty
    texture = peaks("a.x", {2: 1.0}, "noise-start/matched/texture/w1")
    assert len(lattice_lines(frame(rows + texture), **HOW)) == 1
    assert lattice_lines(frame(peaks("a.x", {2: 1.0})), **HOW).empty


def test_a_prediction_that_holds_and_one_that_does_not() -> None:
    rng = np.random.default_rng(0)
    good, bad = [], []
    for i, model in enumerate(NETS):
        layers = {2: 0.1 * i, 4: 0.2 + 0.1 * i, 8: 1.0 + 0.1 * i}
        good += predicted(model, layers)
        good += peaks(model, {period: 10 * value for period, value in layers.items()})
        bad += predicted(model, layers)
        bad += peaks(model, {period: float(rng.normal()) for period in layers})
    holds, fails = (lattice_fit(lattice_lines(frame(rows), **HOW), **HOW) for rows in (good, bad))
    first = holds[holds["period"] == "all"].iloc[0]
    assert (first["rho"], first["rho_low"]) == pytest.approx((1, 1))
    assert (first["n"], first["models"]) == (15, 5)
    assert set(holds["period"]) == {"all", "2", "4", "8"}
    other = fails[fails["period"] == "all"].iloc[0]
    assert other["rho_low"] < 0.5 and abs(other["rho"]) < 0.6
    drawn = lab_plots.lattices(lattice_lines(frame(good), **HOW), holds)
    assert "rho at period 8: +1.00" in drawn.axes[0].get_title(loc="left")


def test_seeds_and_operated_copies_are_no_further_networks() -> None:
    rows: list[Row] = []
    for i, model in enumerate(NETS):
        for copy, shift in ((model, -1.0), (f"{model}-s1", 1.0), (f"{model}+pad-kernels", 50.0)):
            rows += predicted(copy, {2: 0.1 * i if "+" not in copy else 9.0})
            rows += peaks(copy, {2: i + shift})
    lines = lattice_lines(frame(rows), **HOW)
    assert len(lines) == 3 * 5 * 1
    found = lattice_networks(lines)
    assert found["excess"].tolist() == pytest.approx(range(5))
    fit = lattice_fit(lines, **HOW)
    line = fit[fit["period"] == "2"].iloc[0]
    assert (line["rho"], line["n"], line["models"]) == (pytest.approx(1), 5, 5)


def test_convergence_has_budgets_raw_losses_and_wall_time() -> None:
    how = {"suite": "style", "cases": CASES[:2]}
    rows: list[Row] = []
    for condition in (CONDITION, "content-start/matched/w1"):
        rows += facts("a.x", condition, "evaluations", [100, 80], **how)
        rows += facts("a.x", condition, "iterations", [90, 70], **how)
        rows += facts("a.x", condition, "line_search_failures", [0, 2], **how)
        rows += facts("a.x", condition, "diverged", [0, 1], **how)
        for step, loss in enumerate([1.0, 0.1, 0.01]):
            rows += facts("a.x", condition, "loss_style", [loss, loss], step=step, **how)
        for tap, energy in enumerate([10.0, 30.0]):
            rows += facts("a.x", condition, "gram_energy_style", [energy] * 2, step=tap, **how)
            rows += facts("a.x", condition, "gram_distance_raw", [energy / 5] * 2, step=tap, **how)
    seconds = {"style/a.x/content-start/matched/128px/seed0": 8.0, "coverage/a.x/matched": 99.0}
    table = convergence_table(frame(rows), seconds).set_index("condition")
    for condition in table.index:
        line = table.loc[condition]
        assert (line["pictures"], line["evaluations"], line["iterations"]) == (2, 90, 80)
        assert (line["line_search_failures"], line["diverged"]) == (2, 0.5)
        assert line["final_style_loss"] == pytest.approx(0.01)
        assert line["evaluations_to_10pct"] == 1
        assert (line["raw_energy"], line["raw_distance"]) == pytest.approx((20, 4))
        assert line["seconds_a_picture"] == pytest.approx(2)
    assert convergence_table(frame(rows), {})["seconds_a_picture"].isna().all()
    assert convergence_table(frame(judged()), {}).empty


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, pd.DataFrame]:
    folder = build_run(tmp_path_factory.mktemp("runs") / "run", suites=("style",))
    return folder, read_run(folder)


def test_a_sheet_has_a_place_for_every_picture(run: tuple[Path, pd.DataFrame]) -> None:
    folder, rows = run
    ((name, content),) = contact_sheets(folder, rows)
    assert name == "content-start_matched.webp" and len(content) <= LARGEST
    assert filled(content).shape == (2 + len(MODELS), 2 * len(STYLES))
    assert filled(content).all()  # the untouched pictures are on top
    lost = folder / "artifacts/style/vgg_c10.l2_05/content-start_matched_w1000__chelsea+ihc.png"
    kept = lost.read_bytes()
    lost.unlink()
    ((_, without),) = contact_sheets(folder, rows)
    lost.write_bytes(kept)
    # weights go to the right, the smallest first, pairs by name within each
    line = 2 + sorted(MODELS).index("vgg_c10.l2_05")
    assert np.argwhere(~filled(without)).tolist() == [[line, 5]]


def test_no_note_or_head_reaches_into_the_next_picture_s_column() -> None:
    missing = Path("/no/such/picture.png")
    long = "stages.transition1.norm-c15.and.more.than.a.picture"
    drawn = np.asarray(sheet(["a"], [long, ""], {(0, 0): (missing, f"{long}\n{long}")}))
    assert (drawn[:, -118:] == 255).all()
    ends = np.asarray(sheet(["a"], [long + "X", ""], {(0, 0): (missing, f"{long}\n{long}")}))
    assert (drawn != ends).any()  # the end is what is kept


def filled(content: bytes) -> np.ndarray:
    """Which places of a sheet hold one of the run's 32-pixel pictures of noise."""
    with Image.open(BytesIO(content)) as image:
        assert image.format == "WEBP"
        grey = np.asarray(image.convert("L"), float)
    wide, high, top = 112 + 6, 112 + 26 + 6, 26 + 6
    columns = 2 * len(STYLES)
    left = grey.shape[1] - columns * wide
    lines = range(top, grey.shape[0] - high + 1, high)
    return np.array(
        [[grey[y : y + 32, left + j * wide :][:, :32].mean() < 200 for j in range(columns)]
         for y in lines]
    )  # fmt: skip


def test_sheets_come_again_and_follow_the_scores(
    run: tuple[Path, pd.DataFrame], tmp_path: Path
) -> None:
    folder, rows = run
    first, again = (dict(contact_sheets(folder, rows)) for _ in range(2))
    assert first == again
    other = rows.assign(value=rows["value"].where(rows["metric"] != "content_ssim", 0.9))
    assert dict(contact_sheets(folder, other)) != first
    (file,) = write_sheets(folder, rows)
    assert file.read_bytes() == first[file.name]
    assert write_sheets(tmp_path, rows) == []
