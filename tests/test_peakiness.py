"""Entropy and peakiness: even maps, single peaks, scales; and the rows of the suites."""

import math
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.cells import Cell, run_cell
from bench.peakiness import entropy, peakiness
from bench.smoothing import SMOOTHINGS
from bench.suite_activations import Activations
from bench.suite_coverage import Coverage
from results.schema import METRICS, validate
from tests.tiny import inputs, spec
from zoo.spec import operated
from zoo.taps import matched_taps, skeleton

EVEN = torch.full((1, 3, 4, 5), 2.5)
PEAK = torch.zeros(1, 3, 4, 5)
PEAK[0, 1, 2, 3] = 7.0


def scores(features: torch.Tensor) -> dict[str, float]:
    return {key: float(values[0]) for key, values in peakiness(features).items()}


def test_an_even_map_has_the_entropy_log_n() -> None:
    found = scores(EVEN)
    assert found["activation_entropy"] == pytest.approx(math.log(60))
    assert found["gram_entropy"] == pytest.approx(math.log(9))
    assert found["activation_entropy_share"] == found["gram_entropy_share"] == pytest.approx(1)
    assert found["activation_peak_to_mean"] == found["gram_peak_to_mean"] == pytest.approx(1)
    assert found["activation_max"] == 2.5
    assert found["gram_max"] == pytest.approx(2.5**2)


def test_a_single_peak_has_none() -> None:
    found = scores(PEAK)
    for name in ("activation", "gram"):
        assert found[f"{name}_entropy"] == found[f"{name}_entropy_share"] == 0
    assert found["activation_peak_to_mean"] == pytest.approx(60)
    assert found["gram_peak_to_mean"] == pytest.approx(9)
    assert found["activation_max"] == 7
    assert found["gram_max"] == pytest.approx(49 / 20)


def test_two_equal_peaks_have_one_bit() -> None:
    both = PEAK.clone()
    both[0, 1, 0, 0] = 7.0
    assert scores(both)["activation_entropy"] == pytest.approx(math.log(2))
    assert scores(both)["gram_entropy"] == 0  # of one channel still


def test_negative_activations_are_nothing() -> None:
    assert scores(PEAK - 1000 * (PEAK == 0)) == scores(PEAK)


def test_a_map_of_zeros_has_no_entropy() -> None:
    assert entropy(torch.zeros(2, 4)).isnan().all()
    assert math.isnan(scores(torch.zeros(1, 3, 4, 5))["activation_entropy"])


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 999), scale=st.floats(1e-3, 1e3))
def test_only_the_maxima_know_the_scale(seed: int, scale: float) -> None:
    features = torch.rand(2, 3, 4, 4, generator=torch.Generator().manual_seed(seed)).double()
    plain, scaled = peakiness(features), peakiness(scale * features)
    for key, values in plain.items():
        power = {"activation_max": 1, "gram_max": 2}.get(key, 0)
        torch.testing.assert_close(scaled[key], scale**power * values)
        low, high = METRICS[key].low, METRICS[key].high
        assert ((values >= low) & (values <= high)).all()


def test_a_batch_is_scored_picture_by_picture() -> None:
    together = peakiness(torch.cat([EVEN, PEAK]))
    for i, features in enumerate((EVEN, PEAK)):
        alone = scores(features)
        assert {key: float(values[i]) for key, values in together.items()} == alone


def test_the_suite_has_rows_for_every_picture_tap_and_smoothing(tmp_path: Path) -> None:
    model, ticks = spec("vgg_c10"), list[float]()
    cell, given_inputs = Cell(model, Activations(), 0), inputs(tmp_path)
    rows = validate(run_cell(cell, given_inputs, tick=ticks.append))
    assert len(ticks) == cell.suite.work(given_inputs) == 2
    assert set(rows["case"]) == {"chelsea", "coffee"}
    taps = matched_taps(skeleton(model))
    plain = {f"matched/{place}/{tap}" for place, tap in enumerate(taps)}
    soft = {f"{c}/{kind}" for c in plain for kind in SMOOTHINGS[1:]}
    assert set(rows["condition"]) == plain | soft
    assert len(rows) == 2 * len(taps) * 4 * 8
    assert validate(run_cell(cell, given_inputs)).equals(rows)
    assert cell.suite.seconds(model, given_inputs) > 0


def test_the_prediction_has_one_row_a_period(tmp_path: Path) -> None:
    plain = spec("resnet50_c10")
    for model, expected in ((plain, math.sqrt(3)), (operated(plain, "box-kernels"), 0.0)):
        rows = validate(run_cell(Cell(model, Coverage(), 0), inputs(tmp_path)))
        assert rows["step"].tolist() == [2, 4, 8]
        assert rows["value"].tolist() == pytest.approx([expected] * 3)
