"""A training learns, repeats itself to the byte, and survives being killed."""

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from tests.toys import IMAGES, SHORT, tiny_net, toy_images, train
from zoo.files import DiskError
from zoo.recipes import RECIPES, Attack, Recipe
from zoo.train import TrainingError, fit

ROOT = Path(__file__).parents[1]
ADVERSARIAL = replace(SHORT, attack=Attack("l2", eps=0.5, steps=2, step_size=0.35))


def digest(net: nn.Module) -> str:
    state = net.state_dict()
    return hashlib.sha256(
        b"".join(state[k].contiguous().numpy().tobytes() for k in state)
    ).hexdigest()


@pytest.mark.parametrize("recipe", [SHORT, ADVERSARIAL], ids=["standard", "adversarial"])
def test_a_training_learns(recipe: Recipe, tmp_path: Path) -> None:
    told: list[tuple[int, float, float]] = []
    ticks: list[float] = []
    net = train(tmp_path, recipe, report=lambda *row: told.append(row), tick=ticks.append)
    epochs, losses, right = zip(*told, strict=True)
    assert epochs == (1, 2, 3, 4)
    assert losses[-1] < losses[0] / 2
    assert right[-1] > 0.8
    assert len(ticks) == 4 * 6
    assert losses[0] == pytest.approx(sum(ticks[:6]) / 6)
    fresh = toy_images(60, seed=1)
    with torch.no_grad():
        answers = net.eval()(fresh.pixels / 255).argmax(1)
    assert (answers == fresh.labels).float().mean() > 0.8  # a third by chance


@pytest.mark.parametrize("recipe", [SHORT, ADVERSARIAL], ids=["standard", "adversarial"])
def test_the_seed_decides_every_byte(recipe: Recipe, tmp_path: Path) -> None:
    state = torch.get_rng_state()
    once, again, other = (
        digest(train(tmp_path / str(i), recipe, seed=seed)) for i, seed in enumerate((0, 0, 1))
    )
    assert once == again
    assert once != other
    assert torch.equal(torch.get_rng_state(), state)


class Stop(Exception):
    """Something happens in mid-training."""


def stop_after(batches: int) -> Callable[[float], None]:
    left = iter(range(batches, 0, -1))

    def tick(_: float) -> None:
        if next(left) == 1:
            raise Stop

    return tick


@pytest.mark.parametrize("batches", [1, 6, 7, 15])
@pytest.mark.parametrize("recipe", [SHORT, ADVERSARIAL], ids=["standard", "adversarial"])
def test_an_interrupted_training_ends_like_an_unbroken_one(
    recipe: Recipe, batches: int, tmp_path: Path
) -> None:
    with pytest.raises(Stop):
        train(tmp_path / "broken", recipe, tick=stop_after(batches))
    found: list[int] = []
    resumed = train(tmp_path / "broken", recipe, start=found.append, net=tiny_net(seed=9))
    if batches > 6:  # before that there is nothing to resume, and the network is the caller's
        assert found == [(batches - 1) // 6]
        assert digest(resumed) == digest(train(tmp_path / "unbroken", recipe))
    else:
        assert found == [0]


def test_a_training_goes_on_in_the_precision_it_was_begun_in(tmp_path: Path) -> None:
    begun = replace(SHORT, precision="float32")
    with pytest.raises(Stop):
        train(tmp_path / "broken", begun, tick=stop_after(7))
    resumed, checkpoint = tiny_net(), tmp_path / "broken" / "net.pt"
    recipe = fit(resumed, SHORT, IMAGES, seed=0, checkpoint=checkpoint, device=torch.device("cpu"))
    assert recipe == begun != SHORT
    unbroken = digest(train(tmp_path / "unbroken", begun))
    assert digest(resumed) == unbroken != digest(train(tmp_path / "asked"))


KILLED = """
import sys, time
from pathlib import Path
import torch
from tests.toys import train
torch.set_num_threads(1)
train(Path(sys.argv[1]), tick=lambda _: (print("batch", flush=True), time.sleep(0.05)))
"""


def test_a_killed_process_is_resumed_to_the_same_bytes(tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED, str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE)
    assert process.stdout is not None
    for _ in range(2 * 6 + 3):  # two epochs and a half
        assert process.stdout.readline() == b"batch\n"
    process.kill()
    assert process.wait() == -signal.SIGKILL
    process.stdout.close()
    found: list[int] = []
    resumed = train(tmp_path, start=found.append)
    assert found == [2]
    assert digest(resumed) == digest(train(tmp_path / "unbroken"))


def test_a_checkpoint_half_written_leaves_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, calls = torch.save, iter(range(9))

    def fill_the_disk(state: object, file: Path) -> None:
        whole(state, file)
        if next(calls) == 2:
            file.write_bytes(file.read_bytes()[:100])
            raise OSError("No space left on device")

    with monkeypatch.context() as patch, pytest.raises(DiskError, match="No space"):
        patch.setattr(torch, "save", fill_the_disk)
        train(tmp_path)
    found: list[int] = []
    assert digest(train(tmp_path, start=found.append)) == digest(train(tmp_path / "unbroken"))
    assert found == [2]


def test_a_finished_training_is_not_repeated(tmp_path: Path) -> None:
    done, found = digest(train(tmp_path)), []
    again = train(tmp_path, start=found.append, tick=lambda _: pytest.fail("trained"))
    assert found == [4]
    assert digest(again) == done


@pytest.mark.parametrize(
    "change",
    [
        {"recipe": replace(SHORT, epochs=5)},
        {"recipe": ADVERSARIAL},
        {"seed": 1},
        {"images": toy_images(96, seed=1)},
        {"net": tiny_net(width=9)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_foreign_checkpoint_is_refused(change: dict[str, Any], tmp_path: Path) -> None:
    train(tmp_path)
    before = (tmp_path / "net.pt").read_bytes()
    with pytest.raises(TrainingError, match="remove it to start anew"):
        train(tmp_path, **change)
    assert (tmp_path / "net.pt").read_bytes() == before


def test_a_checkpoint_of_another_network_is_named_as_such(tmp_path: Path) -> None:
    train(tmp_path)
    with pytest.raises(TrainingError, match="another recipe, network, data set or version"):
        train(tmp_path, net=tiny_net(width=9))


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04 no archive"])
def test_a_file_that_is_no_checkpoint_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "net.pt").write_bytes(content)
    with pytest.raises(TrainingError, match="remove it to start anew"):
        train(tmp_path)


def test_a_diverged_training_says_so(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"no number in epoch \d: lower peak_lr"):
        train(tmp_path, replace(SHORT, peak_lr=1e20))


def test_fewer_pictures_than_a_batch_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="15 pictures do not fill one batch of 16"):
        train(tmp_path, images=toy_images(15))


def test_robust_recipes_have_an_adversary() -> None:
    assert RECIPES["standard"].attack is None
    assert RECIPES["l2_05"].attack == Attack("l2", 0.5, steps=2, step_size=0.35)
