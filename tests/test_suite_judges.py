"""Every network judges the others' pictures: the right pictures, measured anew when they change."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import torch

from bench import kept
from bench.cells import Cell, digest, run_cell
from bench.experiment import Experiment
from bench.gram import grams, style_distance
from bench.kept import kept_pictures
from bench.pictures import bundled
from bench.suite_judges import Judges
from bench.suite_style import Style
from results.artifacts import picture_file
from results.schema import validate
from tests.tiny import STYLE, inputs, spec
from zoo.catalog import ZOO
from zoo.load import load_encoder

VGG, OTHER = spec("vgg_c10"), spec("resnet18_c10")
MADE = Style(STYLE)
CASE, CONDITION = "chelsea+coffee", STYLE.condition(10.0)


@pytest.fixture(autouse=True)
def _in_the_catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    for known in (VGG, OTHER):
        monkeypatch.setitem(ZOO, known.name, known)


def judging(of: str = VGG.name) -> Judges:
    return Judges(MADE, sources=(of,))


def test_the_rows_are_the_judge_s_distances_of_the_kept_picture(tmp_path: Path) -> None:
    fed = inputs(tmp_path)
    run_cell(Cell(VGG, MADE, 0), fed)
    rows = validate(run_cell(Cell(OTHER, judging(), 0), fed))
    assert set(rows["model"]) == {OTHER.name} and set(rows["case"]) == {CASE}
    assert set(rows["condition"]) == {f"from={VGG.name}/{CONDITION}"}
    (made,) = kept_pictures(MADE, VGG, fed, seed=0).values()
    encoder = load_encoder(OTHER)
    with torch.no_grad():
        pictures = (made, fed.contents[0].pixels, fed.styles[0].pixels)
        found, plain, wanted = (
            grams(encoder(x[None].contiguous(memory_format=torch.channels_last)))
            for x in pictures
        )  # fmt: skip
    values = rows.set_index("metric")["value"]
    assert values["judge_style_distance"] == pytest.approx(float(style_distance(found, wanted)))
    assert values["judge_style_distance_content"] == pytest.approx(
        float(style_distance(plain, wanted))
    )


def test_kept_pictures_are_read_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fed = inputs(tmp_path)
    run_cell(Cell(VGG, MADE, 0), fed)
    made = []
    monkeypatch.setattr(Style, "measure", lambda *_: made.append(1) or ())
    (picture,) = kept_pictures(MADE, VGG, fed, seed=0).values()
    assert picture.shape == (3, 48, 48) and not made
    assert not kept_pictures(MADE, VGG, fed, seed=1) and made  # another seed's are others


@pytest.mark.parametrize("state", ["missing", "damaged", "of other settings"])
def test_pictures_that_are_not_there_are_made_and_the_rows_come_again(
    state: str, tmp_path: Path
) -> None:
    fed = inputs(tmp_path)
    file = picture_file(tmp_path, VGG.name, CONDITION, CASE)
    rows = run_cell(Cell(OTHER, judging(), 0), fed)
    content = file.read_bytes()
    if state == "missing":
        file.unlink()
    elif state == "damaged":
        file.write_bytes(content[: len(content) // 2])
    else:
        run_cell(Cell(VGG, replace(MADE, settings=replace(STYLE, evaluations=1)), 0), fed)
        assert file.read_bytes() != content
    pd.testing.assert_frame_equal(run_cell(Cell(OTHER, judging(), 0), fed), rows)
    assert file.read_bytes() == content


def test_a_cell_is_measured_anew_when_its_pictures_change(tmp_path: Path) -> None:
    fed = inputs(tmp_path)
    first = digest(Cell(OTHER, judging(), 0), fed)
    longer = Judges(Style(replace(STYLE, evaluations=4)), sources=(VGG.name,))
    other_style = inputs(tmp_path, styles=(bundled("ihc", size=48),))
    changed = [
        digest(Cell(OTHER, longer, 0), fed),
        digest(Cell(OTHER, judging(OTHER.name), 0), fed),
        digest(Cell(OTHER, judging(), 1), fed),
        digest(Cell(OTHER, judging(), 0), other_style),
        digest(Cell(VGG, judging(), 0), fed),
    ]
    assert len({first, *changed}) == 6
    assert digest(Cell(OTHER, judging(), 0), inputs(tmp_path / "elsewhere")) == first


def test_retrained_optimisers_have_other_addresses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = digest(Cell(OTHER, judging(), 0), inputs(tmp_path))
    run_cell(Cell(VGG, MADE, 0), inputs(tmp_path))
    retrained = replace(VGG, seed=7)
    monkeypatch.setitem(ZOO, VGG.name, retrained)
    assert digest(Cell(OTHER, judging(), 0), inputs(tmp_path)) != before
    assert None in kept._read(MADE, retrained, inputs(tmp_path), 0).values()


def test_all_pairs_are_one_experiment(tmp_path: Path) -> None:
    experiment = Experiment("all", (Judges(MADE),), from_each=True)
    cells = experiment.cells((VGG, OTHER), seed=0)
    assert [cell.key for cell in cells] == [
        f"judges/{judge.name}/from={made.name}/content-start/matched/48px/seed0"
        for judge in (VGG, OTHER)
        for made in (VGG, OTHER)
    ]
    small = experiment.at_size(64)
    assert [suite.settings.size for suite in small.suites] == [64]
    ticks: list[float] = []
    run_cell(cells[0], inputs(tmp_path), tick=ticks.append)
    assert len(ticks) == cells[0].suite.work(inputs(tmp_path)) == 1
