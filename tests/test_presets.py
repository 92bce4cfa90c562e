from dataclasses import FrozenInstanceError

import pytest

from bench.pictures import BUNDLED
from bench.presets import PRESETS, Preset
from zoo.catalog import find, members

EVERY = pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS.keys())


@EVERY
def test_a_preset_is_frozen_and_hashable(preset: Preset) -> None:
    assert hash(preset) is not None
    with pytest.raises(FrozenInstanceError):
        preset.images = 1  # type: ignore[misc]


@EVERY
def test_its_cells_have_keys_of_their_own(preset: Preset) -> None:
    keys = [cell.key for cell in preset.cells(members(preset.dataset), seed=0)]
    assert len(keys) == len(set(keys))
    suites = {"transfer", "style"} if preset.transfer else {"style"}
    assert {key.split("/")[0] for key in keys} == suites


@EVERY
def test_its_pictures_and_models_exist(preset: Preset) -> None:
    assert set(preset.contents + preset.styles) <= set(BUNDLED)
    names = preset.models or [spec.name for spec in members(preset.dataset)]
    assert preset.source in names
    assert preset.judge not in names
    assert all(preset.dataset in find(name).dataset for name in names)
    assert find(preset.source).dataset == preset.dataset


@EVERY
def test_its_main_columns_are_of_an_attack_it_makes(preset: Preset) -> None:
    attacks = preset.transfer.attacks if preset.transfer else ()
    made = {attack.condition for attack in attacks}
    for goal in ("untargeted", "noise"):
        assert not made or f"{preset.headline}/{goal}" in made
    classes = 10 if preset.dataset == "cifar10" else 9  # so that nine-class models can be added
    assert all((attack.target or 0) < classes for attack in attacks)


@EVERY
def test_models_without_article_taps_have_no_article_cells(preset: Preset) -> None:
    cells = preset.cells((find("densenet121.tv_in1k"),), seed=0)
    assert not [cell.key for cell in cells if "/article/" in cell.key]


def test_the_article_s_preset_is_the_article_s() -> None:
    article = PRESETS["article"]
    specs = [find(name) for name in article.models or ()]
    assert [(spec.family, spec.robust) for spec in specs] == [
        ("VGG", False), ("ResNet", False), ("ResNet", True),
    ]  # fmt: skip
    cells = article.cells(tuple(specs), seed=0)
    assert len(cells) == len(specs) * 2
    assert {s.settings.start for s in article.style} == {"content", "noise"}
    assert all(s.settings.taps == "article" and s.settings.size == 512 for s in article.style)
    assert all(len(s.settings.weights) >= 5 for s in article.style)


@EVERY
def test_every_attack_has_a_condition_and_step_of_its_own(preset: Preset) -> None:
    attacks = preset.transfer.attacks if preset.transfer else ()
    pairs = [(attack.condition, attack.steps) for attack in attacks]
    assert len(pairs) == len(set(pairs))


def test_the_quick_preset_measures_what_it_promises() -> None:
    quick = PRESETS["quick"]
    attacks = quick.transfer.attacks
    assert {(a.norm, round(a.eps * 255)) for a in attacks if a.norm == "linf"} == {("linf", 8)}
    assert {a.eps for a in attacks if a.norm == "l2"} == {0.25, 0.5, 1.0}
    for goal in ("untargeted", "noise"):
        assert len({(a.norm, a.eps) for a in attacks if a.goal == goal}) == 4
    assert {a.target for a in attacks if a.goal == "targeted"} == set(range(10))
    assert len(quick.styles) >= 3
    assert {s.settings.start for s in quick.style} == {"content", "noise"}
    assert all(s.settings.size >= 128 for s in quick.style)
    assert all(s.settings.taps == "matched" for s in quick.style)
    assert any(len(s.settings.weights) >= 2 for s in quick.style)
