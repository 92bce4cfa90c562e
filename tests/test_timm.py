"""A sample over timm's modules: every classifier loads and answers, and is tapped or says why not.

All on shapes alone, but for the small ones whose batch norms are folded.
"""

from pathlib import Path

import pytest
import torch
from timm.models import create_model
from torch import Tensor

from bench import bench_cost
from bench.presets import PRESETS
from tests.lived_in import norms
from zoo.activations import TapError
from zoo.catalog import find
from zoo.load import SizeError, load_classifier, load_encoder
from zoo.maps import as_map
from zoo.spec import Pickled
from zoo.taps import tap_set
from zoo.unlisted import _of_page
from zoo.weights import DamagedError, weights_digest

TAPPED = (
    "beit_base_patch16_224", "caformer_s18", "cspresnet50", "davit_tiny", "deit_tiny_patch16_224",
    "legacy_seresnet18", "mobilenetv3_small_100", "nest_tiny", "poolformer_s12",
    "swin_tiny_patch4_window7_224",
)  # fmt: skip
UNTAPPED = ("crossvit_tiny_240", "efficientvim_m1", "mixer_s32_224", "pit_ti_224")
ANY_SIZE = ("deit_tiny_patch16_224", "swin_tiny_patch4_window7_224")


def seen(name: str, size: int | None = None) -> dict[str, Tensor]:
    encoder = load_encoder(find(f"{name}.random"), device="meta")
    side = size or encoder.classifier.net.pretrained_cfg["input_size"][-1]  # type: ignore[index]
    return encoder(torch.empty(1, 3, side, side, device="meta"))


@pytest.mark.parametrize("name", TAPPED)
def test_a_network_nobody_prepared_is_tapped_at_maps(name: str) -> None:
    maps = seen(name)
    assert all(activation.dim() == 4 for activation in maps.values())
    assert set(tap_set(find(f"{name}.random"), "matched").style) == set(maps)


@pytest.mark.parametrize("name", UNTAPPED)
def test_a_network_without_maps_says_so_in_one_sentence(name: str) -> None:
    with pytest.raises(TapError) as raised:
        seen(name)
    assert "\n" not in str(raised.value)
    assert ": " in str(raised.value)
    model = load_classifier(find(f"{name}.random"), device="meta")  # and answers all the same
    side = model.net.pretrained_cfg["input_size"][-1]  # type: ignore[index]
    assert model(torch.empty(1, 3, side, side, device="meta")).shape == (1, 1000)


@pytest.mark.parametrize("name", ANY_SIZE)
def test_transformers_that_can_take_pictures_of_any_size(name: str) -> None:
    small, large = ([a.shape[-1] for a in seen(name, side).values()] for side in (128, 224))
    assert len(small) == len(large)
    assert all(a < b for a, b in zip(small, large, strict=True))


def test_a_network_of_one_size_names_it() -> None:
    with pytest.raises(SizeError, match=r"made for pictures of 224x224, not 128x128 .* --size 224"):
        seen("beit_base_patch16_224", 128)


@pytest.mark.parametrize("name", [*UNTAPPED, "beit_base_patch16_224"])
def test_a_run_says_who_makes_no_pictures_and_plans_none(name: str) -> None:
    spec = find(f"{name}.random")
    preset = PRESETS["imagenet-mini"]
    (reason,) = preset.without_style((spec,))
    assert reason.startswith(f"no pictures by {spec.name}: ") and "\n" not in reason
    assert {cell.suite.name for cell in preset.cells((spec,), seed=0)} == {"transfer"}


def test_what_makes_no_pictures_is_not_timed_at_it() -> None:
    with pytest.raises(pytest.skip.Exception, match="made for pictures of 224x224"):
        bench_cost.test_style_closure(None, "mixer_s32_224.random")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", [*ANY_SIZE, "mobilenetv3_small_100"])
def test_a_run_of_networks_that_fit_says_nothing(name: str) -> None:
    spec, preset = find(f"{name}.random"), PRESETS["imagenet-mini"]
    assert not preset.without_style((spec,))
    assert {cell.suite.name for cell in preset.cells((spec,), seed=0)} == {"transfer", "style"}


@pytest.mark.parametrize(
    "name", ["deit_tiny_patch16_224", "mixer_s32_224", "resnet18", "levit_128s"]
)
def test_networks_are_folded_at_their_own_size(name: str) -> None:
    spec = find(f"{name}.random")
    whole, folded = (norms(load_classifier(spec, fold=fold)) for fold in (False, True))
    assert (folded < whole) == (name in {"resnet18", "levit_128s"})


def test_weights_on_no_hub_are_read_from_their_own_page() -> None:
    weights = find("legacy_seresnet18.in1k").weights
    assert isinstance(weights, Pickled)
    assert (weights.file, weights.sha256) == ("seresnet18-4bb0ce65.pth", "4bb0ce65")
    nobody = "https://example.org/IN1K-vit.h.14-300e.pth.tar"  # epochs are no digest
    assert _of_page(nobody) == Pickled(nobody)


def test_the_digits_of_a_file_s_name_are_held_against_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WHYVGG_CACHE", str(tmp_path))
    (tmp_path / "seresnet18-4bb0ce65.pth").write_bytes(b"the half of it")
    with pytest.raises(DamagedError, match=r"4bb0ce65\.\.\. is listed"):
        weights_digest(find("legacy_seresnet18.in1k"))


@pytest.mark.parametrize(
    ("shape", "picture", "prefix", "expected"),
    [
        ((2, 5), (64, 64), 0, (2, 5)),
        ((2, 7, 8, 9), (64, 72), 0, (2, 7, 8, 9)),
        ((2, 8, 9, 7), (64, 72), 0, (2, 7, 8, 9)),
        ((2, 1 + 6 * 10, 7), (96, 160), 1, (2, 7, 6, 10)),
        ((2, 6 * 10, 7), (96, 160), 1, (2, 7, 6, 10)),  # the class comes later
        ((2, 61, 7), (96, 160), 0, None),
        ((2, 3, 4, 5, 6), (64, 64), 0, None),
    ],
)
def test_maps_come_channels_first(
    shape: tuple[int, ...], picture: tuple[int, int], prefix: int, expected: tuple[int, ...] | None
) -> None:
    found = as_map(torch.rand(shape), *picture, prefix=prefix)
    assert (found is None and expected is None) or found.shape == expected


def test_patches_keep_their_places() -> None:
    picture = torch.rand(1, 4, 6, 10)
    tokens = picture.flatten(2).mT
    assert torch.equal(as_map(tokens, 96, 160), picture)


def test_dynamic_sizes_change_nothing_at_the_own_size() -> None:
    torch.manual_seed(0)
    plain = create_model("deit_tiny_patch16_224").eval()
    spec = find("deit_tiny_patch16_224.random")
    assert spec.arch_options == {"dynamic_img_size": True}
    other = create_model(spec.arch, **spec.arch_options).eval()
    other.load_state_dict(plain.state_dict())
    x = torch.rand(1, 3, 224, 224)
    with torch.no_grad():
        torch.testing.assert_close(other(x), plain(x))
