"""The lens's sentences from planted rows."""

from pathlib import Path

import pytest

from analysis.lens_words import lens_section
from analysis.tables import build, load
from tests.rows import Row, build_run, facts, store

HEAD = "l2_0.50/untargeted"
VGG, DENSE = "vgg_c10.standard", "densenet_c10.standard"
RESNETS = ["resnet18_c10.standard", "resnet50_c10.standard"]
FAMILIES = {VGG: "VGG", DENSE: "DenseNet", **dict.fromkeys(RESNETS, "ResNet")}
N = 20


def planted(received: dict[str, float]) -> list[Row]:
    """Each target is fooled on this share of the pictures, whoever made them."""
    rows: list[Row] = []
    for target, share in received.items():
        rows += facts(target, "clean", "clean_correct", [1] * N)
        for source in received:
            answers = [float(i >= share * N) for i in range(N)]
            rows += facts(target, f"from={source}/{HEAD}", "adv_correct", answers, step=40)
    return rows


def words(path: Path, received: dict[str, float]) -> str:
    run = load(store(path, planted(received), FAMILIES))
    return lens_section(run, build(run, resamples=100), {}, resamples=200)


def test_families_are_averaged_first(tmp_path: Path) -> None:
    """DenseNet .8, two ResNets .4: the families' mean is .6, the networks' .53."""
    told = words(tmp_path / "run", {VGG: 0.2, DENSE: 0.8, **dict.fromkeys(RESNETS, 0.4)})
    lines = told.splitlines()
    assert "as a target: VGG 0.20, the mean of 2 other families 0.60, hence -0.40 [" in lines[1]
    assert "n = 20 pictures; standard weights, 4 networks" in lines[1]
    assert lines[1].endswith(": a difference.")
    assert len(lines) == 3  # without distances there is no excess


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_equals_are_no_clear_difference(share: float, tmp_path: Path) -> None:
    told = words(tmp_path / "run", dict.fromkeys(FAMILIES, share))
    # every picture agrees, twenty pictures: Wilson's upper end of none of twenty is .16
    assert "hence +0.00 [-0.16, +0.16]" in told and "no clear difference" in told


def test_without_the_lens_nothing_is_said(tmp_path: Path) -> None:
    run = load(build_run(tmp_path / "run", images=10, suites=("transfer",)))
    assert lens_section(run, build(run, resamples=100), {}) == ""
