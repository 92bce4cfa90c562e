"""The laboratory: every condition on the models it is for, nothing measured twice, in its time."""

from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from analysis.style_columns import style_facts
from analysis.tables import load
from bench.cells import Cell, run_cell
from bench.experiment import Experiment
from bench.lab import CONDITIONS
from bench.pictures import bundled
from bench.presets import PRESETS
from bench.stylize import StyleSettings
from bench.suite_coverage import Coverage
from bench.suite_style import Style
from results.schema import validate
from results.store import REFERENCE, cell_seconds
from tests.tiny import inputs, spec
from zoo.catalog import ZOO, members
from zoo.spec import ModelSpec

LAB = PRESETS["style-lab"]
SMALL = members("cifar10")
CONTROLS = members("cifar10", role="control")
UNTRAINED = tuple(spec for spec in CONTROLS if spec.training == "random")
# as many as the zoo is to have: a second and a third seed of some
THIRTY = (
    *SMALL,
    *(replace(s, name=f"{s.name}-s{i}", seed=i) for i in (1, 2, 3, 4) for s in SMALL),
)[:30]
_RUN = REFERENCE / "style-lab"


def conditions(cells: tuple[Cell, ...]) -> list[tuple[str, str]]:
    return [
        (cell.spec.name, cell.suite.settings.condition(weight))
        for cell in cells
        if isinstance(cell.suite, Style)
        for weight in cell.suite.settings.weights
    ]


def names(condition: str, models: tuple[ModelSpec, ...] = SMALL) -> set[str]:
    return {cell.spec.name for cell in CONDITIONS[condition].cells(models, seed=0)}


def test_nothing_is_measured_twice() -> None:
    cells = LAB.cells((*THIRTY, *UNTRAINED), seed=0)
    keys, pairs = [cell.key for cell in cells], conditions(cells)
    assert len(keys) == len(set(keys))
    assert len(pairs) == len(set(pairs))


def seconds_an_evaluation() -> float:
    """Of the committed run by two workers: 100 evaluations a picture of 128 pixels."""
    style = sum(taken for key, taken in cell_seconds(_RUN).items() if key.startswith("style/"))
    return style / 2 / (100 * len(style_facts(load(_RUN).rows)))


def test_it_takes_ninety_minutes_of_two_cores_at_most(tmp_path: Path) -> None:
    """Of all networks that the zoo is to have, with ten minutes for features, judges, analysis."""
    contents, styles = (
        tuple(bundled(name, size=48) for name in names) for names in (LAB.contents, LAB.styles)
    )
    given = inputs(tmp_path, contents=contents, styles=styles)
    cells = [c for c in LAB.cells(LAB.members(), seed=0) if isinstance(c.suite, Style)]
    seconds = sum(cell.suite.work(given) for cell in cells) * seconds_an_evaluation()
    assert 60 * 60 < seconds < 80 * 60
    assert {c.suite.settings.evaluations for c in cells} == {100}  # as they were timed
    assert {c.spec.role for c in cells} >= {"contestant", "matched", "control"}


def test_no_two_pictures_of_a_condition_share_a_content_or_a_style(tmp_path: Path) -> None:
    contents, styles = (
        tuple(bundled(name, size=48) for name in names) for names in (LAB.contents, LAB.styles)
    )
    given = inputs(tmp_path, contents=contents, styles=styles)
    suites = {c.suite for c in LAB.cells(LAB.members(), seed=0) if isinstance(c.suite, Style)}
    for suite in suites:
        sides = [{p.name for p in side} for side in zip(*suite.pairs(given), strict=True)]
        assert {len(side) for side in sides} <= {3, 5}
        assert len(sides[0]) == len(sides[1]) == len(suite.pairs(given))
        named = suite.all_pictures(contents=True, styles=False)
        assert {p.name for p, _ in named.pairs(given)} == set(LAB.contents)
        assert suite.all_pictures(contents=False, styles=False) is suite
        crossed = Style(suite.settings, suite.contents, suite.styles)
        assert crossed.depends(given) != suite.depends(given)


def test_the_models_it_names_exist() -> None:
    for experiment in CONDITIONS.values():
        assert set(experiment.models or ()) <= set(ZOO)


def test_every_experiment_has_somebody_to_measure() -> None:
    for name in CONDITIONS:
        assert names(name, LAB.members()), name


def test_untrained_networks_are_a_condition_of_their_own() -> None:
    everybody = (*SMALL, *CONTROLS)
    assert names("random-weights", everybody) == {s.name for s in UNTRAINED if s.seed == 0}
    assert names("plain", everybody) == {s.name for s in everybody} - {s.name for s in UNTRAINED}
    assert {s.arch for s in UNTRAINED} >= {s.arch for s in SMALL}  # every architecture
    for condition in ("plain", "texture", "single-taps", "features"):
        assert not names(condition, everybody) & {s.name for s in UNTRAINED}


def test_judges_see_every_pair_s_plain_pictures() -> None:
    cells = CONDITIONS["judges"].cells((*SMALL, *UNTRAINED), seed=0)
    judged = {cell.spec.name for cell in cells}
    assert {(cell.spec.name, *cell.suite.sources) for cell in cells} == set(product(judged, judged))
    assert judged == {s.name for s in (*SMALL, *UNTRAINED) if s.seed == 0}
    plain = {*CONDITIONS["plain"].suites, *CONDITIONS["random-weights"].suites}
    assert {cell.suite.style for cell in cells} == plain


def test_full_is_every_experiment_on_every_model_and_picture() -> None:
    full, everybody = LAB.full(), (*SMALL[:3], *THIRTY[-1:], *UNTRAINED[:1])
    assert set(full.styles) > set(LAB.styles) and set(full.contents) == set(LAB.contents)
    cells = full.cells(everybody, seed=0)
    assert len({cell.key for cell in cells}) == len(cells)
    labels = {cell.suite.label for cell in LAB.cells(everybody, seed=0)}
    for label in labels:
        if "article" in label or "from=" in label:
            continue  # not everybody's taps, not everybody's pictures
        measured = {c.spec.intact for c in cells if c.suite.label == label and not c.spec.surgery}
        assert measured == {s.name for s in everybody}, label
    for cell in cells:
        if isinstance(cell.suite, Style):
            assert cell.suite == Style(cell.suite.settings)  # every content in every style
    assert {spec.role for spec in full.members()} == {
        "contestant", "twin", "replicate", "matched", "control",
    }  # fmt: skip


def test_full_leaves_non_robust_networks_their_own_question() -> None:
    learned = members("cifar10", role="nonrobust")
    cells = PRESETS["cifar10"].full().cells((*SMALL, *learned), seed=0)
    for cell in cells:
        assert (cell.suite.name == "nonrobust") == (cell.spec in learned)


def test_models_that_a_surgery_would_not_change_are_left_out() -> None:
    assert "vgg_c10.standard+average-pool" in names("average-pool")
    assert not [n for n in names("average-pool") if n.startswith(("resnet", "densenet"))]
    assert "resnet50_c10.standard+box-kernels" in names("box-kernels")
    assert not [n for n in names("box-kernels") if n.startswith(("vgg", "densenet"))]
    assert {n.partition("+")[0] for n in names("pad-kernels")} == {
        n.partition("+")[0] for n in names("box-kernels")
    }


def test_taps_of_the_article_are_for_its_families() -> None:
    assert "densenet_c10.standard" not in names("article-taps")
    assert {"vgg_c10.standard", "resnet50_c10.standard"} <= names("article-taps")


def test_further_seeds_take_part_in_the_plain_condition() -> None:
    assert names("plain", THIRTY) == {s.name for s in THIRTY}
    assert names("texture", THIRTY) == {s.name for s in SMALL}


def test_named_models_take_part_whatever_their_seed() -> None:
    chosen = replace(CONDITIONS["texture"], models=(THIRTY[-1].name,))
    assert {cell.spec for cell in chosen.cells(THIRTY, seed=0)} == {THIRTY[-1]}


def test_every_size_can_be_changed() -> None:
    small = LAB.at_size(64)
    assert (LAB.size, small.size) == (128, 64)
    suites = [s for e in small.experiments for s in e.suites if isinstance(s, Style)]
    assert {suite.settings.size for suite in suites} == {64}
    looking = replace(LAB, experiments=(CONDITIONS["coverage"],))
    assert (looking.size, looking.at_size(64).size) == (128, 64)  # without a style suite as well


def test_conditions_say_in_the_rows_what_they_are() -> None:
    """All of them but the plain one and the surgeries, whose models have names of their own."""
    for name in ("fourier", "pixel+transforms", "fourier-decorrelated+transforms", "softmax"):
        (cell, *_) = CONDITIONS[name].cells(SMALL, seed=0)
        assert f"/{name}/" in cell.suite.settings.condition(1.0)


@pytest.mark.parametrize("surgery", [(), ("average-pool",)])
def test_an_experiment_runs(surgery: tuple[str, ...], tmp_path: Path) -> None:
    settings = StyleSettings(size=48, weights=(10.0,), evaluations=2, transforms=True)
    experiment = Experiment("tiny", (Style(settings), Coverage()), surgery=surgery)
    for cell in experiment.cells((spec("vgg_c10"), spec("densenet_c10")), seed=0):
        rows = validate(run_cell(cell, inputs(tmp_path)))
        assert set(rows["model"]) == {cell.spec.name}
    assert len(list(tmp_path.glob("artifacts/style/*/*.png"))) == (1 if surgery else 2)
