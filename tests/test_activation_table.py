"""Entropy and peakiness tap by tap: means by hand, untrained networks among them, and a figure."""

from itertools import product
from pathlib import Path

import pandas as pd
import pytest

from analysis.activation_table import activation_table, entropy_over_depth
from analysis.figures import lab_figures
from analysis.lab import lab_tables
from analysis.look import save
from tests.rows import Row, facts, frame

VGG, RANDOM, R50 = "vgg_c10.standard", "vgg_c10.random", "resnet50_c10.standard"
NETS = pd.DataFrame({"model": [VGG, RANDOM, R50], "role": "contestant", "family": "any",
                     "training": "standard", "robust": False, "is_source": False,
                     "residual": False, "downsampling": "", "batch_norm": True})  # fmt: skip


def measured() -> list[Row]:
    rows: list[Row] = []
    for model, level in ((VGG, 0.9), (RANDOM, 0.8), (R50, 0.7)):
        for place, tap in enumerate(("stem", "stage10")):
            for smoothing, gain in (("", 0.0), ("/softmax", 0.1)):
                condition = f"matched/{place}/{tap}{smoothing}"
                share = level - 0.1 * place + gain
                for metric, values in (
                    ("activation_entropy_share", [share - 0.05, share + 0.05]),
                    ("gram_peak_to_mean", [3.0, 5.0]),
                ):
                    rows += facts(model, condition, metric, values, suite="activations")
    return rows


def test_a_line_a_network_tap_and_smoothing() -> None:
    found = activation_table(frame(measured()))
    assert len(found) == 3 * 2 * 2
    keys = ["model", "taps", "place", "tap", "smoothing"]
    line = found.set_index(keys).loc[(RANDOM, "matched", 1, "stage10", "none")]
    assert line["activation_entropy_share"] == pytest.approx(0.7)
    assert (line["gram_peak_to_mean"], line["n"]) == (4, 2)
    smoothed = found.set_index(keys).loc[(R50, "matched", 0, "stem", "softmax")]
    assert smoothed["activation_entropy_share"] == pytest.approx(0.8)


def test_an_architecture_is_a_panel_and_a_network_a_line(tmp_path: Path) -> None:
    tables = lab_tables(frame(measured()), None, {}, resamples=10, seed=0)
    drawn = dict(lab_figures(tables, NETS))["activations"]()
    panels = [ax for ax in drawn.axes if ax.get_visible()]
    assert [ax.get_title("left") for ax in panels] == ["resnet50_c10", "vgg_c10"]
    heights = {
        line.get_label(): list(line.get_ydata()) for line in panels[1].get_lines()
    }  # smoothed ones are not shown
    assert heights["random"] == pytest.approx([0.8, 0.7])
    assert heights["standard"] == pytest.approx([0.9, 0.8])
    colours = [{a.get_label(): a.get_color() for a in ax.get_lines()}["standard"] for ax in panels]
    assert colours[0] == colours[1]
    assert {file.suffix for file in save(drawn, tmp_path / "activations")} == {".png", ".svg"}


def test_many_kinds_of_weights_stay_apart() -> None:
    rows: list[Row] = []
    for i in range(25):
        rows += facts(
            f"matched_c10.net{i}", "matched/0/stem", "activation_entropy_share", [0.5],
            suite="activations",
        )  # fmt: skip
    lines = entropy_over_depth(activation_table(frame(rows)), NETS).axes[0].get_lines()
    assert len({(one.get_color(), one.get_linestyle()) for one in lines}) == 25


def test_matched_nets_are_told_apart_by_their_switches() -> None:
    nets = list(product((False, True), ("max22", "avg22", "conv32", "conv42"), (False, True)))
    table = pd.DataFrame(nets, columns=["residual", "downsampling", "batch_norm"])
    table = table.assign(model=[f"matched_c10.net{i}" for i in range(16)], role="matched")
    rows: list[Row] = []
    for model in table["model"]:
        rows += facts(model, "matched/0/stem", "activation_entropy_share", [0.5],
                      suite="activations")  # fmt: skip
    lines = entropy_over_depth(activation_table(frame(rows)), table).axes[0].get_lines()
    looks = {one.get_label(): (one.get_color(), one.get_linestyle(), one.get_marker())
             for one in lines}  # fmt: skip
    assert len(set(looks.values())) == 16
    for switch, part in (("downsampling", 0), ("residual", 1), ("batch_norm", 2)):
        said = {looks[f"net{i}"][part]: level for i, level in enumerate(table[switch])}
        assert [said[looks[f"net{i}"][part]] for i in range(16)] == list(table[switch])


def test_nothing_measured_is_no_table_and_no_figure() -> None:
    rows = frame(facts(VGG, "clean", "clean_correct", [1.0]))
    assert activation_table(rows).empty
    tables = lab_tables(rows, None, {}, resamples=10, seed=0)
    assert "activations" not in tables and "activations" not in dict(lab_figures(tables, NETS))
