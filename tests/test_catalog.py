"""What every entry of the catalogue owes, checked without the entry's author writing a test."""

import json
import re
from dataclasses import FrozenInstanceError, asdict, fields, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from timm.models import create_model, is_model
from torch import Tensor, nn

from zoo import weights
from zoo.activations import adds_activations
from zoo.catalog import ZOO, find
from zoo.datasets import LabelledImages, bundled_cifar10
from zoo.evaluate import accuracy
from zoo.load import load_classifier, parameters, untrained
from zoo.recipes import RECIPES, recipe_of
from zoo.spec import ROLES, Committed, ModelSpec, RandomInit
from zoo.taps import content_tap, matched_taps, tap_set

ROOT = Path(__file__).parents[1]
ARCHITECTURES = ("vgg", "resnet18", "resnet50", "densenet", "inception")
FAMILIES = {
    "VGG", "ResNet", "DenseNet", "Inception", "EfficientNet", "ConvNeXt", "ViT", "AlexNet",
    "Matched net",
}  # fmt: skip
SMALL = [spec for spec in ZOO.values() if spec.dataset == "cifar10"]
NETS = list({(spec.arch, *spec.arch_options.items()): spec for spec in reversed(SMALL)}.values())
LARGE = list({spec.arch: spec for spec in ZOO.values() if spec.dataset == "imagenet"}.values())
TRAINED = [spec for spec in ZOO.values() if isinstance(spec.weights, Committed)]
REAL_MANIFEST = weights.manifest()


def each(specs: list[ModelSpec]) -> Any:
    return pytest.mark.parametrize("spec", specs, ids=[spec.name for spec in specs])


every = each(list(ZOO.values()))


def info(net: nn.Module) -> list[dict[str, Any]]:
    found = net.feature_info
    return found.get_dicts() if hasattr(found, "get_dicts") else found


def on_meta(spec: ModelSpec) -> nn.Module:
    """The network's modules without its numbers: VGG-19 has 140 million."""
    return made(spec.arch, tuple(spec.arch_options.items()))


@cache
def made(arch: str, options: tuple[tuple[str, Any], ...]) -> nn.Module:
    with torch.device("meta"):
        return create_model(arch, **dict(options))


@cache
def adds(net: nn.Module) -> bool:
    return adds_activations(net)


def outputs(net: nn.Module, names: list[str], images: Tensor) -> dict[str, Tensor]:
    """What these modules give, seen from outside."""
    seen: dict[str, Tensor] = {}
    hooks = [
        net.get_submodule(name).register_forward_hook(
            lambda _module, _inputs, output, name=name: seen.update({name: output})
        )
        for name in names
    ]
    with torch.no_grad():
        net.eval()(images)
    for hook in hooks:
        hook.remove()
    return seen


@every
def test_the_name_is_arch_and_tag(spec: ModelSpec) -> None:
    arch, tag = spec.name.split(".", 1)
    assert arch == spec.arch.split(".")[0]
    assert tag
    assert ZOO[spec.name] is spec
    seed = f"-s{spec.seed}" if spec.seed else ""
    if spec.family == "Matched net":
        taught = "" if spec.training == "standard" else f"-{spec.training}"
        switches = f"res{spec.residual:d}_{spec.downsampling}_bn{spec.batch_norm:d}"
        assert tag == f"{switches}{taught}{seed}"
    elif isinstance(spec.weights, Committed):
        assert tag == spec.training + seed
    elif isinstance(spec.weights, RandomInit):
        assert tag == "random" + (f"-s{spec.seed}" if spec.seed else "")


@every
def test_words_are_from_the_lists(spec: ModelSpec) -> None:
    assert spec.family in FAMILIES
    assert spec.dataset in {"cifar10", "imagenet", "restricted_imagenet"}
    assert spec.role in ROLES
    assert spec.robust == spec.training.startswith(("l2_", "linf_"))
    # what was trained at eps 0 was not attacked
    assert spec.robust == bool(re.search(r"[._](l2|linf)(_(?!eps0$)|$)", spec.name))


@every
def test_timm_knows_the_architecture(spec: ModelSpec) -> None:
    assert is_model(spec.arch)


@every
def test_specs_are_frozen_hashable_and_equal_by_value(spec: ModelSpec) -> None:
    with pytest.raises(FrozenInstanceError):
        spec.seed = 1  # type: ignore[misc]
    with pytest.raises(TypeError):
        spec.arch_options["depth"] = 1  # type: ignore[index]
    twin = ModelSpec(**{field.name: getattr(spec, field.name) for field in fields(spec)})
    assert twin == spec
    assert len({twin, spec, replace(spec, seed=99)}) == 2


@every
def test_the_taps_exist(spec: ModelSpec) -> None:
    net = on_meta(spec)
    modules = dict(net.named_modules())
    article = [*(spec.style_layers or ()), *filter(None, [spec.content_layer])]
    assert set(article) <= set(modules)
    assert (spec.style_layers is None) == (spec.content_layer is None)


@every
def test_residual_is_what_the_network_does(spec: ModelSpec) -> None:
    assert spec.residual == adds(on_meta(spec))


@every
def test_content_is_tapped_at_stride_eight(spec: ModelSpec) -> None:
    net = on_meta(spec)
    row = next(row for row in info(net) if row["module"] == content_tap(net))
    assert row["reduction"] == {"AlexNet": 4, "ViT": 16}.get(spec.family, 8)  # AlexNet ends there


@each([*NETS, find("densenet121.tv_in1k")])
def test_the_content_tap_is_a_style_tap_too(spec: ModelSpec) -> None:
    taps = tap_set(spec, "matched")
    assert taps.every == taps.style == matched_taps(on_meta(spec))


@each([spec for spec in LARGE if spec.family == "VGG"])
def test_vgg_s_article_taps_are_the_first_activation_of_each_stage(spec: ModelSpec) -> None:
    net = on_meta(spec)
    expected, stage_begins = [], True
    for name, module in net.features.named_children():
        if isinstance(module, nn.ReLU) and stage_begins:
            expected.append(f"features.{name}")
        stage_begins = isinstance(module, nn.MaxPool2d) or (
            stage_begins and not isinstance(module, nn.ReLU)
        )
    assert list(spec.style_layers or ()) == expected
    step = 3 if "_bn" in spec.name else 2
    relu4_2 = int(expected[3].removeprefix("features.")) + step
    assert spec.content_layer == f"features.{relu4_2}"


@each(LARGE)
def test_imagenet_taps_have_the_channels_timm_says(spec: ModelSpec) -> None:
    net = on_meta(spec)
    rows = {row["module"]: row for row in info(net)}
    with torch.device("meta"):
        seen = outputs(net, list(rows), torch.empty(1, 3, 96, 96, device="meta"))
    assert {name: seen[name].shape[1 if seen[name].dim() == 4 else 2] for name in rows} == {
        name: row["num_chs"] for name, row in rows.items()
    }


@each(NETS)
def test_small_networks_have_a_comparable_size(spec: ModelSpec) -> None:
    counted = sum(p.numel() for p in untrained(spec).parameters())
    assert 0.45e6 < counted < 2.5e6
    assert parameters(spec) == counted


@each(NETS)
def test_small_networks_taps_are_what_feature_info_says(spec: ModelSpec) -> None:
    net = untrained(spec).net
    rows = info(net)
    names = [row["module"] for row in rows]
    small, large = (outputs(net, names, torch.randn(2, 3, side, side)) for side in (64, 128))
    for (
        row
    ) in rows:  # Inception's 3/2 layers are not padded: sides differ by the stride all the same
        (_, channels, *sides), (*_, wide) = small[row["module"]].shape, large[row["module"]].shape
        assert channels == row["num_chs"], row
        assert [wide - side for side in sides] == [64 // row["reduction"]] * 2, row
    reductions = [row["reduction"] for row in rows]
    assert reductions == sorted(reductions)
    assert reductions[0] == 1


@each(NETS)
def test_small_networks_taps_are_activations_from_full_resolution_on(spec: ModelSpec) -> None:
    net = untrained(spec).net
    taps = matched_taps(net)
    seen = outputs(net, list(taps), torch.randn(2, 3, 32, 32))
    assert seen[taps[0]].shape[-2:] == (32, 32)
    assert list(seen) == list(taps)  # in the order of the forward pass
    assert len({id(tap) for tap in seen.values()}) == len(taps)  # nothing counts twice
    strides = {row["module"]: row["reduction"] for row in info(net)}
    assert {strides[name] for name in taps} >= {1, 2, 4}
    for name, tap in seen.items():
        assert tap.min() >= 0, name
        assert (tap > 0).float().mean() > 0.05, name


@each(NETS)
def test_small_networks_answer_with_ten_logits(spec: ModelSpec) -> None:
    assert untrained(spec).eval()(torch.rand(2, 3, 32, 32)).shape == (2, 10)


@each(TRAINED)
def test_trained_members_have_a_recipe(spec: ModelSpec) -> None:
    recipe = recipe_of(spec)
    assert recipe is RECIPES[spec.recipe or spec.training]
    assert (recipe.attack is not None) == spec.robust
    if not spec.batch_norm:
        assert recipe.clip_norm  # without either, a network may not train at all
        assert recipe.tried


@each(TRAINED)
def test_committed_weights_are_whole_and_measured(spec: ModelSpec) -> None:
    entry = REAL_MANIFEST.get(spec.name)
    if entry is None:
        pytest.skip("not trained yet")
    assert weights.sha256(weights.CHECKPOINTS / entry["file"]) == entry["sha256"]
    assert entry["accuracies"]["cifar10_test"]["n"] == 10_000
    assert entry["accuracies"]["pgd20_l2_0.5"]["n"] == 10_000
    recipe = json.loads(json.dumps(asdict(recipe_of(spec))))
    chosen_there = {"precision", "peak_lr"} if recipe["tried"] else {"precision"}
    # entries of the first days lack what recipes have gained since
    shared = (set(recipe) & set(entry["recipe"])) - chosen_there
    assert {"epochs", "attack", "batch_size", "momentum", "weight_decay"} <= shared
    assert [entry["recipe"][name] for name in shared] == [recipe[name] for name in shared]
    bundled = accuracy(load_classifier(spec), bundled_cifar10())
    assert bundled.correct >= (0 if spec.role == "nonrobust" else 14)
    recorded = entry["accuracies"]["foolbox_cifar10"]["correct"]
    assert abs(bundled.correct - recorded) <= 1  # another machine rounds otherwise


@pytest.mark.parametrize(
    ("name", "clean", "attacked"),
    [
        *((f"{arch}_c10.standard", 0.86, 0) for arch in ARCHITECTURES),
        *((f"{arch}_c10.standard-s1", 0.86, 0) for arch in ARCHITECTURES),
        *((f"{arch}_c10.l2_05", 0.74, 0.55) for arch in ARCHITECTURES),
        ("resnet50_c10.l2_025", 0.80, 0.50),
        ("resnet50_c10.l2_1", 0.66, 0.54),
        ("alexnet_c10.standard", 0.83, 0),
    ],
)  # fmt: skip
def test_the_weights_everyone_starts_with_are_committed_and_good(
    name: str, clean: float, attacked: float
) -> None:
    assert name in REAL_MANIFEST
    for kind, least in (("cifar10_test", clean), ("pgd20_l2_0.5", attacked)):
        count = REAL_MANIFEST[name]["accuracies"][kind]
        assert count["correct"] >= least * count["n"], kind


@pytest.mark.parametrize(("kind", "made"), [("det", 1), ("rand", 2), ("noise", 1)])
def test_all_networks_of_a_kind_learned_the_same_pictures(kind: str, made: int) -> None:
    """The pictures of uniform targets were made twice, on two processors: rounding differs."""
    taught = [REAL_MANIFEST[spec.name]["data"] for spec in TRAINED
              if spec.training == kind and spec.name in REAL_MANIFEST]  # fmt: skip
    if not taught:
        pytest.skip("not trained yet")
    assert len({one["sha256"] for one in taught}) == made
    same = ("source", "n", "steps", "hit", "pilot", "precision")
    assert all(one[field] == taught[0][field] for one in taught for field in same)
    assert {one["kind"] for one in taught} == {kind}
    assert all(one["hit"] > 0.75 for one in taught) or kind == "noise"


@pytest.mark.parametrize("arch", ["resnet50", "vgg"])
def test_pictures_moved_at_random_teach_nothing(arch: str) -> None:
    """The labels of ``rand`` say nothing of the picture, so ten classes are guessed."""
    entry = REAL_MANIFEST.get(f"{arch}_c10.noise") or pytest.skip("not trained yet")
    count = entry["accuracies"]["cifar10_test"]
    assert 0.08 <= count["correct"] / count["n"] <= 0.12


def test_every_cell_of_the_factory_is_trained_from_two_seeds() -> None:
    """Four have neither of what lets a network train: the note of the full run says so."""
    nets = [spec for spec in TRAINED if spec.role == "matched"]
    assert len(nets) == 32
    for spec in nets:
        count = REAL_MANIFEST[spec.name]["accuracies"]["cifar10_test"]
        least = 0.8 if spec.batch_norm or spec.residual else 0.76
        assert count["correct"] >= least * count["n"], spec.name


def test_the_weights_stay_small() -> None:
    assert sum(file.stat().st_size for file in weights.CHECKPOINTS.iterdir()) <= 120e6
    run = ROOT / "results" / "reference" / "cifar10"
    assert sum(file.stat().st_size for file in run.rglob("*") if file.is_file()) < 20e6


def test_the_manifest_lists_no_stranger() -> None:
    assert set(REAL_MANIFEST) <= {spec.name for spec in TRAINED}


@pytest.mark.data
def test_the_recorded_accuracy_comes_back(cifar10_test: LabelledImages) -> None:
    entry = REAL_MANIFEST.get("vgg_c10.standard") or pytest.skip("not trained yet")
    recorded = entry["accuracies"]["cifar10_test"]
    assert recorded["data_sha256"] == cifar10_test.sha256
    got = accuracy(load_classifier(find("vgg_c10.standard")), cifar10_test.subset(range(2000)))
    assert abs(got.rate - recorded["correct"] / recorded["n"]) < 0.03
