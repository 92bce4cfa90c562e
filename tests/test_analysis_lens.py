"""The layer atlas, edits and mediators from planted rows; figures of the lens."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from analysis import lens_plots
from analysis.__main__ import app
from analysis.edit_columns import consistency_floor, edit_rates, perturbation_peaks
from analysis.figures import blocks
from analysis.layer_columns import layer_ratios
from analysis.look import save
from analysis.mediator_columns import mediator_columns, mediator_ranks, with_mediators
from tests.rows import MODELS, SOURCE, Row, build_run, facts, frame, manifest, store

VGG, DENSE = "vgg_c10.standard", "densenet_c10.standard"
HOW = {"resamples": 200, "seed": 0}


def searched(model: str, condition: str, distances: list[float]) -> list[Row]:
    return facts(model, condition, "adv_distance", distances, suite="robustness", step=50)


def layer_rows(model: str, taps: dict[str, float], n: int = 20, noise: float = 0.1) -> list[Row]:
    rows: list[Row] = []
    for depth, (tap, ratio) in enumerate(taps.items(), start=1):
        how = {"suite": "layers", "step": depth}
        rows += facts(model, tap, "layer_spread", [4.0] * n, **how)
        rows += facts(model, f"{tap}/l2_0.50", "layer_displacement", [4 * ratio] * n, **how)
        rows += facts(
            model, f"{tap}/l2_0.50", "layer_displacement_noise", [4 * ratio * noise] * n, **how
        )
    return rows


def test_layer_ratios_by_hand() -> None:
    found = layer_ratios(frame(layer_rows(VGG, {"conv1": 0.05, "conv2": 0.2})), **HOW)
    table = found.set_index(["tap", "kind"])
    assert table.loc[("conv2", "adversary"), "ratio"] == pytest.approx(0.2)
    assert table.loc[("conv1", "noise"), "ratio"] == pytest.approx(0.005)
    assert table.loc[("conv2", "adversary"), "depth"] == 2
    assert set(found["budget"]) == {"l2_0.50"} and set(found["n"]) == {20}
    np.testing.assert_allclose(found["low"], found["ratio"])


def test_the_ratio_s_interval_covers_with_the_spread_resampled() -> None:
    """Activations N(0,1), displacement 1: R = 1 / E|x - y| = sqrt(pi) / 2, in 100 worlds."""
    covered = 0
    for world in range(100):
        x = np.random.default_rng(world).normal(size=100)
        apart = np.abs(x[:, None] - x[None]).sum(axis=1) / 99
        rows = facts(VGG, "tap", "layer_spread", apart.tolist(), suite="layers", step=1)
        rows += facts(VGG, "tap/l2_1.00", "layer_displacement", [1.0] * 100, suite="layers", step=1)
        found = layer_ratios(frame(rows), resamples=300, seed=world).iloc[0]
        covered += found["low"] <= math.sqrt(math.pi) / 2 <= found["high"]
    assert covered >= 86  # 91 here; single means, without the projection, cover 50


def edit_rows(source: str | None, target: str, wrong: dict[str, list[int]]) -> list[Row]:
    start = (f"from={source}/" if source else "") + "l2_0.50/untargeted"
    rows: list[Row] = []
    for edit, answers in wrong.items():
        length = 0.5 if edit == "whole" else 0.4
        how = {"suite": "edits", "step": 40}
        rows += facts(target, f"{start}/{edit}", "adv_correct", [1 - w for w in answers], **how)
        rows += facts(target, f"{start}/{edit}", "perturbation_l2", [length] * len(answers), **how)
    return rows


def test_edits_count_the_same_pictures_and_what_is_lost_is_paired() -> None:
    clean = {SOURCE: [1, 1, 1, 1, 0], VGG: [1] * 5}
    rows = [row for name, right in clean.items()
            for row in facts(name, "clean", "clean_correct", right)]  # fmt: skip
    rows += edit_rows(None, VGG, {"whole": [1, 1, 1, 0, 1], "shift_1": [0, 0, 1, 0, 1]})
    rows += edit_rows(VGG, VGG, {"whole": [1] * 5})
    found = edit_rates(frame(rows), SOURCE, **HOW).set_index(["source", "edit"])
    assert found.loc[(SOURCE, "whole"), "fooling"] == pytest.approx(3 / 4)
    assert found.loc[(SOURCE, "shift_1"), "fooling"] == pytest.approx(1 / 4)
    assert found.loc[(SOURCE, "shift_1"), "lost"] == pytest.approx(2 / 4)
    assert found.loc[(SOURCE, "shift_1"), "norm_share"] == pytest.approx(0.8)
    assert found.loc[(VGG, "whole"), "fooling_n"] == 5
    assert edit_rates(frame(rows[:2]), SOURCE).empty


def test_peaks_and_mediators_are_means_over_pictures() -> None:
    condition = "l2_0.50/untargeted/perturbation"
    rows = facts(VGG, condition, "peak_2", [2.0, 6.0], suite="edits")
    rows += facts(VGG, f"from={VGG}/{condition}", "peak_2", [2.0, 6.0], suite="edits")
    found = perturbation_peaks(frame(rows), **HOW).loc[VGG]
    assert (found["perturbation_peak_2"], found["perturbation_peak_2_n"]) == (4.0, 2)
    rows = facts(VGG, "clean", "gradient_norm", [1.0, 3.0], suite="sensitivity")
    rows += facts(VGG, "l2_0.50/noise", "loss_variance", [0.5, 0.5], suite="sensitivity")
    found = mediator_columns(frame(rows), **HOW).loc[VGG]
    assert (found["gradient_norm"], found["loss_variance"]) == (2.0, 0.5)


def test_the_consistency_floor_is_over_errors_under_another_picture_s_perturbation() -> None:
    rows = [row for name in (SOURCE, VGG)
            for row in facts(name, "clean", "clean_correct", [1] * 4 + [0])]  # fmt: skip
    rows += edit_rows(None, VGG, {"swap": [1, 1, 1, 0, 1]})
    how = {"suite": "edits", "step": 40}
    rows += facts(VGG, "l2_0.50/untargeted/swap", "adv_same_as_source", [1, 0, 0, 0, 1], **how)
    found = consistency_floor(frame(rows), SOURCE, **HOW).iloc[0]
    assert found["consistency_floor"] == pytest.approx(1 / 3)
    assert found["consistency_floor_n"] == 3
    assert consistency_floor(frame(rows[:2]), SOURCE, **HOW).empty


def test_a_mediator_that_orders_the_pairs_has_rank_correlation_one() -> None:
    names = ["a.x", "b.x", "c.x", "d.x", "e.x"]
    lines = [
        {"source": s, "target": t, "own": s == t, "fooling": 1.0 if s == t else i + j / 10,
         "alignment": 2.0 * (i + j / 10), "gradient_norm": -float(i + j / 10)}
        for i, s in enumerate(names) for j, t in enumerate(names)
    ]  # fmt: skip
    found = mediator_ranks(pd.DataFrame(lines), **HOW).set_index("mediator")
    assert found.loc["alignment", ["rho", "rho_low", "rho_high"]].tolist() == pytest.approx([1] * 3)
    assert found.loc["gradient_norm", "rho"] == pytest.approx(-1)
    assert found.loc["alignment", ["pairs", "models"]].tolist() == [20, 5]
    assert "loss_variance" not in found.index
    few = pd.DataFrame(lines)
    assert mediator_ranks(few[few["source"].isin(names[:2]) & few["target"].isin(names[:2])]).empty


def test_a_pair_has_the_loss_variance_of_its_source_and_of_its_target() -> None:
    names = ["a.x", "b.x", "c.x", "d.x", "e.x"]
    columns = pd.DataFrame(
        {"gradient_norm": 1.0, "loss_variance": [1.0, 2.0, 3.0, 4.0, 5.0]}, index=names
    )
    # who sends more has the smoother loss, whoever receives
    lines = [{"source": s, "target": t, "own": s == t, "fooling": 1 - i / 10}
             for i, s in enumerate(names) for t in names]  # fmt: skip
    lines.append({"source": "a.x+b.x", "target": "c.x", "own": False, "fooling": 0.5})
    pairs = with_mediators(pd.DataFrame(lines), columns)
    found = pairs.set_index(["source", "target"])
    names_of = ["loss_variance", "source_loss_variance"]
    assert found.loc[("b.x", "d.x"), names_of].tolist() == [4.0, 2.0]
    assert math.isnan(found.loc[("a.x+b.x", "c.x"), "source_loss_variance"])
    ranks = mediator_ranks(pairs, **HOW).set_index("mediator")
    assert ranks.loc["source_loss_variance", "rho"] == pytest.approx(-1)
    assert abs(ranks.loc["loss_variance", "rho"]) < 0.5
    assert with_mediators(pairs, pd.DataFrame()) is pairs


def lens_rows(n: int = 12) -> list[Row]:
    """Three models in all roles and suites, drawn once."""
    rng = np.random.default_rng(0)
    rows: list[Row] = []
    for target in (VGG, DENSE, SOURCE):
        rows += facts(target, "clean", "clean_correct", [1] * n, suite="robustness")
        rows += searched(target, "l2/pgd", rng.random(n).tolist())
        rows += layer_rows(target, {"a": 0.1, "b": 0.3}, n)
        rows += edit_rows(None, target, {"whole": [1] * n, "low_0.125": [0] * n})
        rows += facts(target, "clean", "clean_correct", [1] * n)
        for source in (VGG, DENSE, SOURCE):
            start = "" if source == SOURCE else f"from={source}/"
            answers = (rng.random(n) < 0.5).astype(int).tolist()
            rows += facts(target, f"{start}l2_0.50/untargeted", "adv_correct", answers, step=40)
    return rows


def test_the_door_writes_the_lens_s_tables_and_figures(tmp_path: Path) -> None:
    families = {name: MODELS[name][0] for name in (VGG, DENSE, SOURCE)}
    run = store(tmp_path / "run", lens_rows(), families)
    result = CliRunner().invoke(app, [str(run), "--resamples", "100"])
    assert result.exit_code == 0, result.output
    written = {file.name for file in (run / "analysis").iterdir()}
    tables = {"models.csv", "pairs.csv", "robust-curves.csv", "layers.csv", "edits.csv"}
    drawn = {f"{name}.png" for name in ("robustness", "layers", "matrix", "edits")}
    assert tables | drawn <= written
    models = pd.read_csv(run / "analysis" / "models.csv").set_index("model")
    assert {"sends", "receives", "receives_excess", "robust[l2_0.50]"} <= set(models.columns)
    assert len(pd.read_csv(run / "analysis" / "pairs.csv")) == 9
    said = (run / "analysis" / "summary.md").read_text()
    assert "## Attack lens" in said and "beyond what its own distances predict" in said
    assert {"rate", "low", "high", "n"} <= set(pd.read_csv(run / "analysis" / "conditions.csv"))


def test_a_run_without_the_lens_has_no_column_of_it(tmp_path: Path) -> None:
    run = build_run(tmp_path / "run", images=10, suites=("transfer",), models=[VGG, SOURCE])
    CliRunner().invoke(app, [str(run), "--resamples", "100"])
    models = pd.read_csv(run / "analysis" / "models.csv")
    assert not [name for name in models if name.startswith(("sends", "robust[", "distance_"))]
    assert not (run / "analysis" / "pairs.csv").exists()


def test_models_that_act_alike_stand_together() -> None:
    names = ["a1", "b1", "a2", "b2"]
    alike = [[0.9 if s[0] == t[0] else 0.1 for t in names] for s in names]
    rates = pd.DataFrame(alike, index=names, columns=names).mask(np.eye(4, dtype=bool))
    order = lens_plots.clustered(rates)
    assert {frozenset(order[:2]), frozenset(order[2:])} == {
        frozenset({"a1", "a2"}), frozenset({"b1", "b2"}),
    }  # fmt: skip
    assert lens_plots.clustered(rates.iloc[:1, :2]) == ["a1", "b1"]


def test_the_matrix_frames_the_white_box_and_equal_rows_give_equal_bytes(tmp_path: Path) -> None:
    names = [VGG, DENSE, SOURCE]
    pairs = pd.DataFrame(
        [{"source": s, "target": t, "own": s == t, "fooling": 0.25 * (i + 1)}
         for i, s in enumerate(names) for t in names]
    )  # fmt: skip
    drawn = lens_plots.matrix(pairs)
    ax = drawn.axes[0]
    assert len(ax.patches) == 3
    ticks = [[text.get_text() for text in labels]
             for labels in (ax.get_xticklabels(), ax.get_yticklabels())]  # fmt: skip
    assert ticks[0] == ticks[1] and set(ticks[0]) == set(names)
    assert sorted(text.get_text() for text in ax.texts) == sorted(["25", "50", "75"] * 3)
    first, second = (
        [file.read_bytes() for file in save(lens_plots.matrix(pairs), tmp_path / name)]
        for name in ("one", "two")
    )
    assert first == second


def test_matched_nets_that_met_few_others_have_a_matrix_of_their_own() -> None:
    zoo, nets = [f"zoo{i}" for i in range(4)], [f"net{i}" for i in range(4)]
    alike = pd.DataFrame(
        [{"source": s, "target": t, "fooling": 0.5 if s[:3] == t[:3] or s == "zoo0" else np.nan}
         for s in zoo + nets for t in zoo + nets]
    )  # fmt: skip
    table = pd.DataFrame({"model": zoo + nets, "role": ["contestant"] * 4 + ["matched"] * 4})
    assert list(blocks(alike, table)) == ["matrix"]  # 36 of 64 are known
    apart = alike[~alike["source"].eq("zoo0") | alike["target"].isin(["zoo0", "net0"])]
    apart = apart.assign(fooling=apart["fooling"].where(apart["source"] != "zoo3"))
    found = blocks(apart, table)
    assert {name: len(block) for name, block in found.items()} == {
        "matrix": 9, "matrix-matched": 16,
    }  # fmt: skip
    assert set(found["matrix-matched"]["target"]) == set(nets)


def test_layer_curves_have_a_panel_an_architecture() -> None:
    rows = layer_rows(VGG, {"a": 0.1, "b": 0.3}) + layer_rows("vgg_c10.l2_05", {"a": 0.1, "b": 0.2})
    ratios = layer_ratios(frame(rows + layer_rows(DENSE, {"a": 0.2})), **HOW)
    entries = manifest({name: MODELS[name][0] for name in (VGG, "vgg_c10.l2_05", DENSE)})["models"]
    table = pd.DataFrame([{"model": name, **entry} for name, entry in entries.items()])
    drawn = lens_plots.layers(ratios, table)
    titles = [ax.get_title(loc="left") for ax in drawn.axes if ax.get_visible()]
    assert titles == ["densenet_c10", "vgg_c10"]
    labels = [text.get_text() for text in drawn.axes[1].get_legend().get_texts()]
    assert labels == ["l2_05", "standard"]


def test_layer_curves_are_drawn_at_the_radius_of_the_verdict() -> None:
    measured = layer_ratios(frame(layer_rows(VGG, {"a": 0.1, "b": 0.3})), **HOW)
    table = pd.DataFrame({"model": [VGG], "family": "VGG", "robust": False, "training": "standard"})
    for budgets, drawn in (
        (("l2_0.05", "l2_0.10", "l2_0.25", "l2_0.50", "l2_1.00"), "l2_0.10"),
        (("l2_0.25", "l2_0.50", "l2_1.00"), "l2_0.50"),
    ):
        ratios = pd.concat([measured.assign(budget=budget) for budget in budgets])
        assert f"; {drawn};" in lens_plots.layers(ratios, table).get_supxlabel()
