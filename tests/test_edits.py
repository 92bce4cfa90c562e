"""Edits of perturbations with planted spectra, and the suite on an untrained network."""

import math
from pathlib import Path

import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from bench.cells import Cell, run_cell
from bench.edits import Edit, edited, high_passed, low_passed, shifted
from bench.suite_edits import Edits
from bench.transfer import Attack
from results.schema import validate
from tests.tiny import inputs, spec

GREY = torch.full((2, 3, 32, 32), 0.5)
CLASSES = torch.tensor([0, 1])


def wave(cycles_down: int, cycles_across: int, height: int = 32, width: int = 32) -> Tensor:
    """A cosine of whole cycles, the same in every picture and colour."""
    y = torch.arange(height)[:, None] * cycles_down / height
    x = torch.arange(width)[None, :] * cycles_across / width
    return 0.01 * torch.cos(2 * math.pi * (y + x)).expand(2, 3, height, width)


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(
    ("cycles", "kept"), [((0, 0), True), ((4, 0), True), ((0, 3), True), ((3, 3), False),
                         ((5, 0), False), ((0, 16), False), ((16, 16), False)],
)  # fmt: skip
def test_a_planted_wave_is_kept_or_taken_whole(cycles: tuple[int, int], kept: bool) -> None:
    """4 of 32 cycles are an eighth a pixel; 3 along both axes are sqrt(18) / 32, more than that."""
    planted = wave(*cycles)
    passed, left = low_passed(planted, 0.125), high_passed(planted, 0.125)
    whole, nothing = (passed, left) if kept else (left, passed)
    torch.testing.assert_close(whole, planted, atol=1e-7, rtol=0)
    torch.testing.assert_close(nothing, torch.zeros_like(planted), atol=1e-7, rtol=0)


def test_a_mixture_is_taken_apart_on_oblong_pictures_too() -> None:
    slow, fast = wave(2, 1, 24, 40), wave(9, 15, 24, 40)
    torch.testing.assert_close(low_passed(slow + fast, 0.2), slow, atol=1e-7, rtol=0)
    torch.testing.assert_close(high_passed(slow + fast, 0.2), fast, atol=1e-7, rtol=0)


@given(st.integers(0, 100), st.floats(0, 0.75))
@settings(max_examples=25, deadline=None)
def test_bands_are_parts_of_the_norm(seed: int, cutoff: float) -> None:
    delta = draw(2, 3, 9, 12, seed=seed)
    low, high = low_passed(delta, cutoff), high_passed(delta, cutoff)
    torch.testing.assert_close(low + high, delta)
    squares = sum(part.flatten(1).norm(dim=1) ** 2 for part in (low, high))
    torch.testing.assert_close(squares, delta.flatten(1).norm(dim=1) ** 2, rtol=1e-4, atol=0)
    torch.testing.assert_close(low_passed(low, cutoff), low, atol=1e-5, rtol=0)


def test_no_cutoff_keeps_nothing_away() -> None:
    delta = draw(2, 3, 8, 8)
    torch.testing.assert_close(low_passed(delta, 0.71), delta)
    mean = delta.mean(dim=(2, 3), keepdim=True).expand_as(delta)
    torch.testing.assert_close(low_passed(delta, 0), mean)


@pytest.mark.parametrize("period", [2, 4, 8])
def test_a_lattice_shifted_by_its_period_is_itself(period: int) -> None:
    lattice = wave(32 // period, 0)
    torch.testing.assert_close(shifted(lattice, period), lattice, atol=1e-6, rtol=0)
    torch.testing.assert_close(shifted(lattice, period // 2), -lattice, atol=1e-6, rtol=0)


def test_a_shift_keeps_norm_and_power_and_moves_down_and_right() -> None:
    delta = draw(2, 3, 8, 8)
    moved = shifted(delta, 1)
    assert torch.equal(moved[:, :, 1:, 1:], delta[:, :, :-1, :-1])
    torch.testing.assert_close(
        torch.fft.fft2(moved).abs(), torch.fft.fft2(delta).abs(), atol=1e-4, rtol=1e-4
    )


@pytest.mark.parametrize(
    ("labels", "whose"),
    [([0, 1, 2, 3], [1, 2, 3, 0]), ([0, 0, 1, 1], [2, 2, 0, 0]), ([0, 0, 0, 1], [3, 3, 3, 0]),
     ([5, 5, 5, 5], [1, 2, 3, 0])],
)  # fmt: skip
def test_a_swap_takes_the_next_picture_of_another_class(
    labels: list[int], whose: list[int]
) -> None:
    grey = torch.full((4, 3, 8, 8), 0.5)
    steps = torch.arange(4).view(-1, 1, 1, 1) / 10
    found = edited(grey + steps, grey, torch.tensor(labels), Edit("swap"))
    torch.testing.assert_close(found[:, 0, 0, 0], 0.5 + torch.tensor(whose) / 10)


def test_the_whole_is_the_picture_as_made_and_results_stay_in_range() -> None:
    clean = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    images = (clean + 0.3 * draw(2, 3, 8, 8)).clamp(0, 1)
    torch.testing.assert_close(edited(images, clean, CLASSES, Edit("whole")), images)
    for edit in (Edit("low", 0.2), Edit("high", 0.2), Edit("shift", 1), Edit("swap")):
        found = edited(images, clean, CLASSES, edit)
        assert found.min() >= 0 and found.max() <= 1


def test_an_edit_nobody_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="no edit blur: whole, low, high, shift, swap are known"):
        edited(GREY, GREY, CLASSES, Edit("blur"))


def test_conditions_name_the_edit() -> None:
    edits = [Edit("whole"), Edit("low", 0.125), Edit("shift", 2), Edit("swap")]
    assert [edit.condition for edit in edits] == ["whole", "low_0.125", "shift_2", "swap"]


ATTACK = Attack("l2", 0.5, "untargeted", steps=2)
SUITE = Edits(ATTACK, (Edit("whole"), Edit("low", 0.125), Edit("shift", 1)))


def test_a_cell_shows_every_edit_and_the_source_s_own_has_the_spectrum(tmp_path: Path) -> None:
    fed = inputs(tmp_path)
    ticks: list[float] = []
    target = validate(run_cell(Cell(spec("vgg_c10"), SUITE, 0), fed, tick=ticks.append))
    source = validate(run_cell(Cell(fed.source, SUITE, 0), fed))
    assert len(ticks) == SUITE.work(fed)
    start = "l2_0.50/untargeted"
    shown = {"clean", *(f"{start}/{edit}" for edit in ("whole", "low_0.125", "shift_1"))}
    assert set(target["condition"]) == shown
    assert set(source["condition"]) == shown | {f"{start}/perturbation"}
    assert len(list((tmp_path / "artifacts/adversarial").glob("*.safetensors"))) == 1
    spectrum = source[source["condition"] == f"{start}/perturbation"]
    assert set(spectrum["metric"]) == {"radial_power", "peak_2", "peak_4"}  # 32 pixels hold no more
    lengths = target[target["metric"] == "perturbation_l2"].groupby("condition")["value"].mean()
    assert lengths[f"{start}/low_0.125"] < lengths[f"{start}/whole"] <= 0.5 * (1 + 1e-5)
    assert lengths[f"{start}/shift_1"] == pytest.approx(lengths[f"{start}/whole"], rel=0.02)
    pd.testing.assert_frame_equal(target, validate(run_cell(Cell(spec("vgg_c10"), SUITE, 0), fed)))
