"""A full disk is one sentence, and what was there before stays."""

import errno
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
import torch

from bench.choose import missing
from tests.toys import toy_images
from zoo import nonrobust, weights
from zoo.catalog import find
from zoo.convert import convert
from zoo.files import DiskError, write_whole
from zoo.load import untrained
from zoo.nonrobust import Made, Pilot
from zoo.spec import Pickled
from zoo.train import _save

SPEC = find("vgg_c10.standard")


@contextmanager
def full_disk(left: int = 4096) -> Iterator[None]:
    """No file grows beyond so many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (left, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def checkpoint(file: Path) -> None:
    _save(file, {"identity": "a training"}, {"model": untrained(SPEC)})


def conversion(file: Path) -> None:
    net = untrained(SPEC).net
    original = file.with_suffix(".pt")
    if not original.exists():
        torch.save({"model": net.state_dict()}, original)
    with full_disk():
        convert(original, file, net)


def pictures(file: Path) -> None:
    nonrobust.save(Made(toy_images(64, 32, classes=10), 0.5, Pilot((0.5,), "float32")), file)


@pytest.mark.parametrize("write", [checkpoint, conversion, pictures])
def test_a_full_disk_is_one_sentence(write: Callable[[Path], None], tmp_path: Path) -> None:
    file = tmp_path / "kept.bin"
    file.write_bytes(b"before")
    with pytest.raises(DiskError, match=r"cannot write .*kept\.bin \(.*free some") as raised:
        if write is conversion:
            write(file)
        else:
            with full_disk():
                write(file)
    assert "\n" not in str(raised.value)
    assert file.read_bytes() == b"before"
    assert not list(tmp_path.glob(".*"))


def test_weights_and_their_record_are_whole_or_not_at_all(checkpoints: Callable[..., Path]) -> None:
    before = checkpoints(SPEC.name).read_bytes()
    with full_disk(), pytest.raises(DiskError):
        weights.save_checkpoint(SPEC.name, untrained(SPEC).net.state_dict())
    with full_disk(4), pytest.raises(DiskError):
        weights.record(SPEC.name, {"file": "x"})
    assert (weights.CHECKPOINTS / f"{SPEC.name}.safetensors").read_bytes() == before
    assert weights.manifest()[SPEC.name]["file"] != "x"


def test_an_interrupted_writer_leaves_nothing(tmp_path: Path) -> None:
    def stopped(file: Path) -> None:
        file.touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_whole(tmp_path / "new" / "file", stopped)
    assert not list((tmp_path / "new").iterdir())


def test_a_writer_s_own_mistake_is_no_full_disk(tmp_path: Path) -> None:
    def mistaken(file: Path) -> None:
        file.touch()
        raise RuntimeError("expected a tensor on the CPU")

    with pytest.raises(RuntimeError, match="expected a tensor"):
        write_whole(tmp_path / "file", mistaken)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "cannot keep the weights"),
        (PermissionError(errno.EACCES, "Permission denied"), "cannot keep the weights"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), "connect to a network"),
    ],
)
def test_a_download_says_whether_the_disk_or_the_network_ended_it(
    error: OSError, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setenv("WHYVGG_CACHE", str(tmp_path))
    monkeypatch.setenv(weights.OFFLINE, "0")
    monkeypatch.setattr(httpx, "stream", fail)
    spec = replace(SPEC, weights=Pickled("https://example.org/net.pt"))
    if "network" in sentence:
        assert sentence in missing(spec)  # others can go on without it
    else:
        with pytest.raises(DiskError, match=sentence):
            missing(spec)
