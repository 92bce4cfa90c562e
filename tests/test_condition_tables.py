"""Tables a condition: means and Student's intervals by hand, priors told apart, figures drawn."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis import lab_plots
from analysis.condition_tables import features, style_conditions
from analysis.figures import strongest, textures
from analysis.style_columns import style_columns, style_curves
from analysis.style_plots import spectra
from tests.rows import Row, facts, frame

VGG, R50 = "vgg_c10.standard", "resnet50_c10.standard"
MAIN, TEXTURE = "content-start/matched/w100", "noise-start/matched/texture/w1"


def score(model: str, condition: str, metric: str, values: list[float]) -> list[Row]:
    cases = [f"cat+style{i}" for i in range(len(values))]
    return facts(model, condition, metric, values, suite="style", cases=cases)


def test_a_condition_has_means_with_student_s_interval() -> None:
    left = [0.5, 0.7, 0.9]
    rows = score(VGG, "content-start/single/2/w100", "judge_style_distance", left)
    rows += score(VGG, "content-start/single/2/w100", "judge_style_distance_content", [1.0] * 3)
    rows += score(VGG, MAIN, "peak_2", [3.0, 5.0]) + score(VGG, MAIN, "peak_2_style", [1.0, 1.0])
    found = style_conditions(frame(rows)).set_index("condition")
    line = found.loc["content-start/single/2/w100"]
    ends = stats.ttest_1samp([0.5, 0.3, 0.1], 0).confidence_interval(0.95)
    assert (line["progress"], line["progress_n"]) == (pytest.approx(0.3), 3)
    assert (line["progress_low"], line["progress_high"]) == pytest.approx((ends.low, ends.high))
    plain = found.loc[MAIN]
    assert (plain["peak_2"], plain["excess_2"]) == pytest.approx((4, 3))
    assert math.isnan(plain["peak_2_low"]) and plain["progress_n"] == 0


def excited() -> pd.DataFrame:
    rows: list[Row] = []
    for model, condition, share in [
        (VGG, "pixel", 0.2), (R50, "pixel", 0.6), (VGG, "fourier-decorrelated+transforms", 0.1),
    ]:  # fmt: skip
        for metric, level in (("high_frequency_share", share), ("spectral_slope", -2 + share)):
            values = [level - 0.01, level, level + 0.01]
            rows += facts(model, condition, metric, values, suite="features")
    return frame(rows)


def test_features_without_priors_come_first() -> None:
    found = features(excited())
    assert found["priors"].tolist() == [False, False, True]
    assert found["model"].tolist() == [R50, VGG, VGG]
    assert found["high_frequency_share"].tolist() == pytest.approx([0.6, 0.2, 0.1])
    half = 0.01 / math.sqrt(3) * stats.t.ppf(0.975, 2)
    assert found["spectral_slope_high"].tolist() == pytest.approx([-1.4 + half, -1.8 + half,
                                                                   -1.9 + half])  # fmt: skip
    drawn = lab_plots.feature_spectra(found)
    assert [text.get_text() for text in drawn.axes[0].get_yticklabels()] == [VGG, R50]
    labels = drawn.axes[1].get_legend_handles_labels()[1]
    assert labels == ["pixel", "fourier-decorrelated+transforms"]


def test_nothing_measured_is_no_table() -> None:
    rows = frame(facts(VGG, "clean", "clean_correct", [1.0]))
    assert style_conditions(rows).empty and features(rows).empty


def test_spectra_show_the_styles_own_beside_pictures_and_textures() -> None:
    bins = np.arange(65)
    rows: list[Row] = [
        ("style", VGG, "cat+ihc", condition, metric, int(k), 0, level - 0.1 * float(k))
        for condition, metric, level in [
            (MAIN, "radial_power", 1.0), (TEXTURE, "radial_power", 2.0),
            (MAIN, "radial_power_style", 3.0), (TEXTURE, "radial_power_style", 3.0),
        ]
        for k in bins
    ]  # fmt: skip
    curves = style_curves(frame(rows), "radial_power")
    table = pd.DataFrame({
        "model": [VGG], "family": ["VGG"], "role": ["contestant"], "training": ["standard"],
        "robust": [False], "is_source": [False],
    })  # fmt: skip
    for chosen, level in ((strongest(curves), 1.0), (textures(curves), 2.0)):
        ax = spectra(chosen, table).axes[0]
        lines = {line.get_linestyle(): line for line in ax.get_lines() if len(line.get_xdata()) > 2}
        assert lines[":"].get_ydata()[0] == pytest.approx(3.0 - 0.2)
        assert lines["-"].get_ydata()[0] == pytest.approx(level - 0.2)


def test_other_lattice_scores_have_their_own_excess() -> None:
    rows: list[Row] = []
    for period, values in ((2, [1.2, 1.4]), (4, [2.0, 2.2])):
        rows += score(VGG, MAIN, f"lattice_{period}", values)
        rows += score(VGG, MAIN, f"lattice_{period}_style", [1.1, 1.1])
    found = style_columns(frame(rows), [VGG], resamples=100).loc[VGG]
    assert (found["lattice_excess"], found["lattice_excess_n"]) == (pytest.approx(1.0), 2)
    assert found["lattice_excess_period"] == 4
    assert "board_excess" not in found and math.isnan(found["peak_excess"])
    boards = [
        row for row in rows for row in [(*row[:4], row[4].replace("lattice", "board"), *row[5:])]
    ]
    board = style_columns(frame(boards), [VGG], resamples=100).loc[VGG]
    assert (board["board_excess"], board["board_excess_period"]) == (pytest.approx(1.0), 4)
