from dataclasses import FrozenInstanceError

import pytest

from bench.pictures import BUNDLED
from bench.presets import PRESETS, Preset
from bench.suite_edits import Edits
from bench.suite_mediators import Alignment
from bench.suite_robustness import Robustness
from bench.suite_transfer import Transfer
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
    suites = {"transfer", *("style" for _ in preset.style), *(s.name for s in preset.lens)}
    assert {key.split("/")[0] for key in keys} == suites | {s.name for s in preset.from_each}


@EVERY
def test_its_pictures_and_models_exist(preset: Preset) -> None:
    assert set(preset.contents + preset.styles) <= set(BUNDLED)
    names = preset.models or [spec.name for spec in members(preset.dataset)]
    assert SOURCE in names
    assert all(find(name).dataset == preset.dataset for name in names)


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


def test_the_attack_lens_takes_every_model_as_a_source() -> None:
    lens = PRESETS["attack-lens"]
    models = members("cifar10")
    cells = lens.cells(models, seed=0)
    assert not lens.style and lens.size > 0
    pairs = {(cell.suite.sources, cell.spec.name) for cell in cells
             if isinstance(cell.suite, Transfer) and len(cell.suite.sources) == 1}  # fmt: skip
    assert pairs == {((a.name,), b.name) for a in models for b in models}
    in_order = [cell.spec.name for cell in cells if isinstance(cell.suite, Alignment)]
    assert in_order == sorted(in_order, key=[spec.name for spec in models].index)
    shared = {suite.attack for suite in (*lens.lens, *lens.from_each) if isinstance(suite, Edits)}
    made = {attack for suite in lens.from_each if isinstance(suite, Transfer)
            for attack in suite.attacks}  # fmt: skip
    assert shared == made  # what is edited is crafted once


def test_the_attack_lens_searches_with_and_without_gradients_in_both_norms() -> None:
    (suite,) = (s for s in PRESETS["attack-lens"].lens if isinstance(s, Robustness))
    found = {(search.norm, search.method) for search in suite.searches}
    assert {("l2", "pgd"), ("l2", "ddn"), ("l2", "hop_skip_jump"), ("linf", "pgd"),
            ("linf", "fmn")} == found  # fmt: skip
    assert all(search.restarts > 1 for search in suite.searches if search.method == "pgd")
