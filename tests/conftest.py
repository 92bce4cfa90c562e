"""Fixtures of all rooms: one thread, a folder of pretended weights, the real CIFAR-10."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from tests import shapes  # noqa: F401  (before the room whose shapes it checks)
from zoo import weights
from zoo.catalog import find
from zoo.datasets import DataError, LabelledImages, load_cifar10
from zoo.load import untrained

CIFAR10 = Path(__file__).parents[2] / "shared" / "data" / "cifar10"


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """Sums of two threads come in any order, and tests ask for equal bytes."""
    torch.set_num_threads(1)


@pytest.fixture
def checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """An empty folder of weights in place of the committed one; a call fills in some models.

    ``checkpoints("vgg_c10.standard", accuracies={...})`` records that model's initialisation as if
    it had been trained, and returns its file.
    """
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    monkeypatch.setattr(weights, "CHECKPOINTS", folder)

    def pretend(name: str, **entry: object) -> Path:
        saved = weights.save_checkpoint(name, untrained(find(name)).net.state_dict())
        weights.record(name, {**saved, "accuracies": {}, **entry})
        return folder / saved["file"]

    return pretend


@pytest.fixture(scope="session")
def cifar10() -> Path:
    """The folder of the real CIFAR-10; the test is skipped where there is none."""
    folder = Path(os.environ.get("WHYVGG_CIFAR10", CIFAR10))
    if not folder.is_dir():
        pytest.skip(f"no CIFAR-10 in {folder}: set WHYVGG_CIFAR10")
    return folder


@pytest.fixture(scope="session")
def cifar10_test(cifar10: Path) -> LabelledImages:
    """The 10,000 real test pictures."""
    try:
        return load_cifar10(cifar10, "test")
    except DataError as error:
        pytest.skip(str(error))
