from dataclasses import FrozenInstanceError

import pytest

from bench.pictures import BUNDLED
from bench.presets import PRESETS, Preset
from zoo.catalog import SOURCE, find, members

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
    suites = {key.split("/")[0] for key in keys}
    assert "style" in suites
    assert ("transfer" in suites) == bool(preset.transfer.attacks)


def test_what_non_robust_features_teach_is_all_that_is_asked() -> None:
    models = members("cifar10", role="nonrobust")
    keys = [cell.key for cell in PRESETS["cifar10"].cells(models, seed=0)]
    assert keys == [f"nonrobust/{spec.name}/seed0" for spec in models]


@EVERY
def test_its_pictures_and_models_exist(preset: Preset) -> None:
    assert set(preset.contents + preset.styles) <= set(BUNDLED)
    names = [spec.name for spec in preset.members()]
    assert SOURCE in names
    assert len(names) == len(set(names))
    assert all(find(name).dataset == preset.dataset for name in names)
    assert not any(find(name).role == "judge" for name in names)


@EVERY
def test_every_attack_has_a_condition_and_step_of_its_own(preset: Preset) -> None:
    pairs = [(attack.condition, attack.steps) for attack in preset.transfer.attacks]
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
