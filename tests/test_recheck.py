"""A recount of every recorded accuracy takes an hour, and loses nothing when it is stopped."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.toys import toy_images
from zoo import recheck
from zoo.load import Classifier


def test_a_recount_that_was_stopped_goes_on(
    checkpoints: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    test = toy_images(20, 32)
    for name in ("resnet18_c10.standard", "vgg_c10.standard"):
        checkpoints(name, accuracies={"cifar10_test": {"correct": 0, "n": 1}})
    counted: list[str] = []
    stops = [True]

    def measured(model: Classifier, *_: object, title: str) -> dict[str, dict[str, int]]:
        if counted and stops:
            raise KeyboardInterrupt(stops.pop())
        counted.append(title)
        return {"cifar10_test": {"correct": len(counted) - 1, "n": 1}}

    monkeypatch.setattr(recheck, "measured", measured)
    file = tmp_path / "work" / "recounted.json"
    with pytest.raises(KeyboardInterrupt):
        list(recheck.recounted(test, device="cpu", file=file))
    found = list(recheck.recounted(test, device="cpu", file=file))
    assert counted == ["resnet18_c10.standard, 1 of 2", "vgg_c10.standard, 2 of 2"]
    assert [differences for _, differences, _ in found] == [
        [], ["cifar10_test: 0 recorded, 1 found, of 1"],
    ]  # fmt: skip
    assert not file.exists()
    for damaged in ("[]", "{", '{"a": 1}'):
        file.write_text(damaged)
        list(recheck.recounted(test, device="cpu", file=file))
    assert len(counted) == 8
