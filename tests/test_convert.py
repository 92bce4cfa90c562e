"""Files as Engstrom et al. and Salman et al. wrote them come back exactly; nothing in them runs."""

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import FunctionType
from typing import Any

import dill
import httpx
import pytest
import torch
from cox.utils import Parameters
from safetensors.torch import load_file
from timm.models import create_model
from torch import Tensor, nn

from tests.test_weights import Bomb
from zoo import weights
from zoo.catalog import ZOO, find
from zoo.convert import classifier_of, read_tensors
from zoo.files import sha256
from zoo.load import load_classifier
from zoo.spec import ModelSpec, Pickled
from zoo.weights import WeightsError, weights_digest

TINY = "test_resnet.r160_in1k"  # 0.5 M parameters
URL = "https://example.org/models/tiny_l2_eps3.ckpt?dl=1"
SPEC = replace(
    find("resnet50.engstrom_l2_eps3"), name="test_resnet.robust", arch=TINY, weights=Pickled(URL)
)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache directory, without a network."""

    def refuse(*_: object, **__: object) -> None:
        raise httpx.ConnectError("no route")

    monkeypatch.setattr(httpx, "stream", refuse)
    monkeypatch.setenv("WHYVGG_CACHE", str(tmp_path))
    return tmp_path


def network() -> nn.Module:
    torch.manual_seed(3)
    return create_model(TINY).eval()


def state_of(net: nn.Module) -> dict[str, Tensor]:
    """The state of the library's AttackerModel in DataParallel: twice, with normalisers."""
    state: dict[str, Tensor] = {}
    for whose in ("normalizer", "attacker.normalize"):
        state |= {f"module.{whose}.new_{part}": torch.rand(3, 1, 1) for part in ("mean", "std")}
    for prefix in ("module.model.", "module.attacker.model."):
        state |= {prefix + name: tensor for name, tensor in net.state_dict().items()}
    return state


def leftovers() -> dict[str, object]:
    """What a training leaves beside the weights: functions by value, settings, an optimiser."""
    # dill names the globals of a script's functions by __main__
    main = sys.modules["__main__"].__dict__
    decay = FunctionType((lambda epoch: 0.1**epoch).__code__, main, "decay")
    return {
        "schedule": {"last_epoch": 90, "lr_lambdas": [decay]},
        "args": Parameters({"eps": 3.0}),
        "optimizer": {"state": {}, "param_groups": [{"lr": 0.1}]},
    }


def write_engstrom(file: Path, net: nn.Module, **more: object) -> None:
    """torch 1.1's format, written by dill."""
    content = {"model": state_of(net), "epoch": 90, **more}
    torch.save(content, file, pickle_module=dill, _use_new_zipfile_serialization=False)


def write_salman(file: Path, net: nn.Module, **more: object) -> None:
    torch.save({"model": state_of(net), "epoch": 90, **more}, file)


each_format = pytest.mark.parametrize("write", [write_engstrom, write_salman])


@each_format
def test_a_checkpoint_comes_back_as_the_network_it_was(
    write: Callable[..., None], cache: Path
) -> None:
    net = network()
    write(cache / "tiny_l2_eps3.ckpt", net)
    model = load_classifier(SPEC, fold=False)
    images = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        expected = net((images - model.mean) / model.std)  # the catalogue's normaliser, once
        torch.testing.assert_close(model(images), expected)
    converted = cache / f"{SPEC.name}.safetensors"
    assert set(load_file(converted)) == set(net.state_dict())
    assert weights_digest(SPEC) == weights.sha256(converted)


def test_functions_and_settings_of_the_training_are_left_out(cache: Path) -> None:
    net = network()
    file = cache / "tiny_l2_eps3.ckpt"
    write_engstrom(file, net, **leftovers())
    with pytest.raises(Exception, match=r"dill\._dill|cox"):
        torch.load(file, weights_only=True)  # these are in it, and torch alone refuses them
    state = classifier_of(read_tensors(file))
    assert all(torch.equal(state[name], tensor) for name, tensor in net.state_dict().items())
    assert len(state) == len(net.state_dict())


def test_a_checkpoint_is_converted_once(cache: Path) -> None:
    original = cache / "tiny_l2_eps3.ckpt"
    write_salman(original, network())
    first = weights_digest(SPEC)
    original.unlink()
    assert weights_digest(SPEC) == first
    assert load_classifier(SPEC)(torch.rand(1, 3, 64, 64)).shape == (1, 1000)
    assert [file.name for file in cache.iterdir()] == [f"{SPEC.name}.safetensors"]


class Call:
    """A pickle that calls something when it is loaded."""

    def __init__(self, what: Callable[..., object], *arguments: object) -> None:
        self.what, self.arguments = what, arguments

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return self.what, self.arguments


@each_format
@pytest.mark.parametrize(
    ("make", "named"),
    [
        (Bomb, "io.open"),
        (lambda target: Call(os.system, f"touch {target}"), "posix.system"),
        (lambda target: Call(eval, f"open({str(target)!r}, 'w')"), "eval"),
        (lambda target: Call(getattr, target, "touch"), "getattr"),
        (lambda target: Call(dill.loads, b""), "dill._dill.loads"),
    ],
    ids=["open", "system", "eval", "getattr", "loads"],
)
def test_a_hostile_file_is_refused_by_what_it_wants(
    write: Callable[..., None], make: Callable[[Path], object], named: str, cache: Path
) -> None:
    target = cache / "harm"
    write(cache / "tiny_l2_eps3.ckpt", network(), schedule=make(target))
    with pytest.raises(WeightsError) as raised:
        load_classifier(SPEC)
    assert f"tiny_l2_eps3.ckpt wants to run {named}, which no weights need" in str(raised.value)
    assert "\n" not in str(raised.value)
    assert not target.exists()
    assert not (cache / f"{SPEC.name}.safetensors").exists()


def test_what_stands_for_a_function_does_nothing(cache: Path) -> None:
    """Even an admitted name is not what it says: dill's importer imports nothing here."""
    file = cache / "file.ckpt"
    write_engstrom(file, network(), schedule=Call(dill._dill._import_module, "no.such.module"))
    assert read_tensors(file)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<!doctype html>", "is no checkpoint"),
        (b"", "is no checkpoint"),
        ({"model": {"epoch": 3}}, "holds no tensors"),
        ([torch.ones(1)], "holds no tensors"),
    ],
)
def test_a_file_without_tensors_is_refused(content: object, message: str, cache: Path) -> None:
    file = cache / "tiny_l2_eps3.ckpt"
    if isinstance(content, bytes):
        file.write_bytes(content)
    else:
        torch.save(content, file)
    with pytest.raises(WeightsError, match=message):
        weights_digest(SPEC)


def test_a_truncated_file_is_refused(cache: Path) -> None:
    file = cache / "tiny_l2_eps3.ckpt"
    write_engstrom(file, network())
    file.write_bytes(file.read_bytes()[:-1000])
    with pytest.raises(WeightsError, match="is no checkpoint"):
        weights_digest(SPEC)


def test_a_file_of_another_digest_is_refused(cache: Path) -> None:
    write_salman(cache / "tiny_l2_eps3.ckpt", network())
    listed = replace(SPEC, weights=Pickled(URL, sha256="0" * 64))
    with pytest.raises(WeightsError, match=r"000000000000\.\.\. is listed"):
        weights_digest(listed)
    for digits in (8, 64):
        found = sha256(cache / "tiny_l2_eps3.ckpt")[:digits]
        assert weights_digest(replace(SPEC, weights=Pickled(URL, sha256=found)))


def test_another_number_of_classes_is_refused(cache: Path) -> None:
    write_salman(cache / "tiny_l2_eps3.ckpt", create_model(TINY, num_classes=9))
    with pytest.raises(WeightsError, match=r"another number of classes"):
        weights_digest(SPEC)


def test_without_a_network_the_place_is_named(cache: Path) -> None:
    with pytest.raises(WeightsError) as raised:
        weights_digest(SPEC)
    assert f"test_resnet.robust needs {URL} (about " in str(raised.value)
    assert str(cache / "tiny_l2_eps3.ckpt") in str(raised.value)


class Answer:
    """What a server sends."""

    def __init__(self, content: bytes) -> None:
        self.headers, self.content = {"content-length": str(len(content))}, content

    def __enter__(self) -> "Answer":
        return self

    def __exit__(self, *_: object) -> None: ...

    def raise_for_status(self) -> None: ...

    def iter_bytes(self, size: int) -> list[bytes]:
        return [self.content[i : i + size] for i in range(0, len(self.content), size)]


def test_a_file_is_fetched_once(
    cache: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path_factory.mktemp("server") / "net.ckpt"
    write_salman(file, network())
    asked: list[tuple[Any, ...]] = []

    def stream(*what: Any, **_: Any) -> Answer:
        asked.append(what)
        return Answer(file.read_bytes())

    monkeypatch.setattr(httpx, "stream", stream)
    weights_digest(SPEC)
    weights_digest(SPEC)
    assert asked == [("GET", URL)]
    assert (cache / "tiny_l2_eps3.ckpt").read_bytes() == file.read_bytes()


ROBUST = [spec for spec in ZOO.values() if isinstance(spec.weights, Pickled)]


@pytest.mark.parametrize("spec", ROBUST, ids=[spec.name for spec in ROBUST])
def test_listed_checkpoints_have_a_file_and_an_accuracy(spec: ModelSpec) -> None:
    assert isinstance(spec.weights, Pickled)
    assert spec.weights.file.endswith((".pt", ".ckpt"))
    if spec.dataset == "imagenet":
        assert 0.4 < (spec.weights.accuracy or 0) < 0.8
    standard = spec.name.endswith(("_eps0", "_standard"))
    assert spec.robust != standard
