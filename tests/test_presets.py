from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest

from bench.attacks import PGD
from bench.cells import Cell
from bench.lens import LATTICES
from bench.pictures import BUNDLED
from bench.preset import Preset
from bench.presets import PRESETS
from bench.suite_edits import Edits
from bench.suite_layers import Layers
from bench.suite_mediators import Alignment, Sensitivity
from bench.suite_robustness import Robustness
from bench.suite_style import Style
from bench.suite_transfer import Transfer
from bench.transfer import Attack
from zoo.catalog import find, members

EVERY = pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS.keys())


def suites(preset: Preset, kind: type[Any]) -> list[Any]:
    return [suite for suite in preset.suites if isinstance(suite, kind)]


def attacks(preset: Preset) -> list[Attack]:
    return [attack for suite in suites(preset, Transfer) for attack in suite.attacks]


@EVERY
def test_a_preset_is_frozen_and_hashable(preset: Preset) -> None:
    assert hash(preset) is not None
    with pytest.raises(FrozenInstanceError):
        preset.images = 1  # type: ignore[misc]


@EVERY
def test_its_cells_have_keys_of_their_own(preset: Preset) -> None:
    cells = preset.cells(preset.members(), seed=0)
    keys = [cell.key for cell in cells]
    assert len(keys) == len(set(keys))
    assert {cell.suite.name for cell in cells} == {suite.name for suite in preset.suites}


@EVERY
def test_its_pictures_and_models_exist(preset: Preset) -> None:
    assert set(preset.contents + preset.styles) <= set(BUNDLED)
    assert bool(suites(preset, Style)) == bool(preset.contents) == bool(preset.styles)
    names = [spec.name for spec in preset.members()]
    assert len(names) == len(set(names))
    assert preset.source in names
    assert all(find(name).dataset.endswith(preset.dataset) for name in names)


@EVERY
def test_every_attack_has_a_condition_and_step_of_its_own(preset: Preset) -> None:
    for suite in suites(preset, Transfer):
        pairs = [(attack.condition, attack.steps) for attack in suite.attacks]
        assert len(pairs) == len(set(pairs))


@EVERY
def test_the_headline_is_attacked(preset: Preset) -> None:
    plain = {a.condition for a in attacks(preset) if a.method == PGD}
    assert preset.attacks == (f"{preset.headline}/untargeted" in plain)
    assert preset.attacks == (f"{preset.headline}/noise" in plain)


@EVERY
def test_every_size_can_be_changed(preset: Preset) -> None:
    small = preset.at_size(64)
    assert {suite.settings.size for suite in suites(small, Style)} <= {64}
    assert replace(small, experiments=(), chosen_size=0) == replace(preset, experiments=())


def test_what_non_robust_features_teach_is_all_that_is_asked() -> None:
    models = members("cifar10", role="nonrobust")
    keys = [cell.key for cell in PRESETS["cifar10"].cells(models, seed=0)]
    assert keys == [f"nonrobust/{spec.name}/seed0" for spec in models]
    assert not PRESETS["quick"].cells(models, seed=0)


def test_the_judge_is_attacked_and_makes_no_pictures() -> None:
    mini = PRESETS["imagenet-mini"]
    suites = {(cell.spec.name, cell.suite.name) for cell in mini.cells(mini.members(), seed=0)}
    assert (mini.judge, "transfer") in suites
    assert (mini.judge, "style") not in suites
    assert ("tf_efficientnet_lite1.pypi", "style") in suites


def test_the_quick_preset_measures_what_it_promises() -> None:
    quick = PRESETS["quick"]
    made, styled = attacks(quick), [suite.settings for suite in suites(quick, Style)]
    assert {(a.norm, round(a.eps * 255)) for a in made if a.norm == "linf"} == {("linf", 8)}
    assert {a.eps for a in made if a.norm == "l2"} == {0.25, 0.5, 1.0}
    for goal in ("untargeted", "noise"):
        assert len({(a.norm, a.eps) for a in made if a.goal == goal}) == 4
    assert {a.target for a in made if a.goal == "targeted"} == set(range(10))
    assert len(quick.styles) >= 3
    assert {settings.start for settings in styled} == {"content", "noise"}
    assert all(settings.size >= 128 and settings.taps == "matched" for settings in styled)
    assert any(len(settings.weights) >= 2 for settings in styled)


def test_the_quick_preset_has_a_slice_of_the_lens() -> None:
    quick = PRESETS["quick"]
    (layers,), (robustness,), (edits,) = (suites(quick, k) for k in (Layers, Robustness, Edits))
    assert layers.eps == (0.1,)  # where early_layer_ratio is read
    assert {search.condition for search in robustness.searches} == {"l2/ddn"}
    assert {edit.kind for edit in edits.edits} == {"whole", "low", "high", "swap"}
    assert edits.attack in attacks(quick)  # its pictures are made for the transfer rate
    assert suites(quick, Sensitivity)


def lens_cells(kind: type[Any]) -> list[Cell]:
    """Cells of the attack lens over the whole CIFAR-10 zoo of its roles."""
    lens = PRESETS["attack-lens"]
    cells = lens.cells(lens.members(), seed=0)
    return [cell for cell in cells if isinstance(cell.suite, kind)]


ALEXNET = "alexnet_c10.standard"
TRAINED = [
    *(spec.name for role in ("contestant", "twin") for spec in members("cifar10", role=role)),
    ALEXNET,
]


def test_the_attack_lens_takes_every_trained_model_as_a_source() -> None:
    cells = lens_cells(Transfer)
    pairs = {(cell.suite.sources, cell.spec.name) for cell in cells  # type: ignore[attr-defined]
             if len(cell.suite.sources) == 1}  # type: ignore[attr-defined]  # fmt: skip
    floor = {(("resnet50_c10.random",), model) for model in TRAINED}
    lattices = {((a,), b) for a in LATTICES for b in LATTICES}
    assert pairs == {((a,), b) for a in TRAINED for b in TRAINED} | floor | lattices
    in_order = [cell.spec.name for cell in lens_cells(Alignment)]
    assert in_order == sorted(in_order, key=TRAINED.index)
    # what is edited was crafted for the whole pictures already
    lens = PRESETS["attack-lens"]
    assert {suite.attack for suite in suites(lens, Edits)} <= set(attacks(lens))


def test_the_matched_nets_differ_in_strides_and_additions_only() -> None:
    nets = [find(name) for name in LATTICES]
    assert len({(net.residual, net.downsampling) for net in nets}) == len(nets) == 8
    assert {(net.batch_norm, net.seed) for net in nets} == {(True, 0)}


def test_untrained_networks_are_asked_about_layers_and_gradients_only() -> None:
    controls = members("cifar10", role="control")
    untrained = {s.name for s in controls if s.training == "random" and not s.seed}
    assert {f"{spec.arch}.random" for spec in members("cifar10")} <= untrained
    matched = {spec.name for spec in members("cifar10", role="matched") if not spec.seed}
    assert {c.spec.name for c in lens_cells(Sensitivity)} == {*TRAINED, *untrained}
    assert {c.spec.name for c in lens_cells(Layers)} == {*TRAINED, *untrained, *matched}
    assert {c.spec.name for c in lens_cells(Robustness)} == {*TRAINED, *matched}


def test_everything_of_the_attack_lens_is_more_pictures_and_no_row_twice() -> None:
    full = PRESETS["attack-lens"].full()
    assert full.images == 1000 > PRESETS["attack-lens"].images
    nets = (find(LATTICES[0]), find("vgg_c10.standard"), find("vgg_c10.random"))
    keys = [cell.key for cell in full.cells(nets, seed=0) if not isinstance(cell.suite, Transfer)]
    # two cells of one key would measure the same thing twice
    assert len(keys) == len(set(keys))
    assert {("layers", net.name) for net in nets} <= {tuple(key.split("/")[:2]) for key in keys}


def test_the_attack_lens_searches_with_and_without_gradients_in_both_norms() -> None:
    few, suite = suites(PRESETS["attack-lens"], Robustness)
    assert set(few.searches) <= set(suite.searches)
    found = {(search.norm, search.method) for search in suite.searches}
    assert {("l2", "pgd"), ("l2", "ddn"), ("l2", "hop_skip_jump"), ("linf", "pgd"),
            ("linf", "fmn"), ("linf", "hop_skip_jump")} == found  # fmt: skip
    assert all(search.restarts > 1 for search in suite.searches if search.method == "pgd")
