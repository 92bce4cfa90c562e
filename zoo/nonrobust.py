"""Data sets whose labels only non-robust features explain (Ilyas et al. 2019, sec. 3.2).

Every training picture is moved, within an L2 ball of 0.5, towards another class of the source and
then labelled with that class. ``det``: class y + 1. ``rand``: a class drawn uniformly. ``noise``,
the control: the labels of ``rand`` on pictures moved as far in a random direction.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from zoo.datasets import CIFAR10_CLASSES, DataError, LabelledImages, to_float
from zoo.files import write_whole
from zoo.precision import computing, fastest
from zoo.robust import STEPS, pgd

KINDS = ("det", "rand", "noise")
EPS, STEP_SIZE, MOST_STEPS = 0.5, 0.1, 100
_BATCH, _PILOT, _ROUND = 250, 500, 10
Tick = Callable[[int], None]


@dataclass(frozen=True)
class Made:
    """A data set with how it was made.

    Attributes:
        steps: PGD iterations a picture, 0 for noise.
        hit: share of pictures, rounded to 8 bits, that the source gives their new label.
        pilot: the same share on the first pictures after each round of iterations.
    """

    images: LabelledImages
    steps: int
    hit: float
    pilot: tuple[float, ...]


def targets(labels: Tensor, kind: str, *, seed: int = 0) -> Tensor:
    """New labels "n" for true ones."""
    classes = len(CIFAR10_CLASSES)
    if kind == "det":
        return (labels + 1) % classes
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(classes, labels.shape, generator=generator)


def make(
    source: nn.Module,
    images: LabelledImages,
    kind: str,
    *,
    seed: int = 0,
    tick: Tick = lambda _: None,
) -> Made:
    """Move and relabel every picture.

    The iterations are as many, in tens, as still raise the share of hits on the first 500 pictures
    by half a point, at most the original's 100. Gradients run in bfloat16 where that
    is faster.

    Args:
        source: pixels in [0,1] to logits, frozen, in evaluation mode.
        tick: called with the number of pictures done.

    Raises:
        DataError: no such kind.
    """
    if kind not in KINDS:
        raise DataError(f"no data set {kind}: choose one of {', '.join(KINDS)}")
    labels = targets(images.labels, kind, seed=seed)
    pilot = () if kind == "noise" else _pilot(source, images, labels, seed)
    steps = _ROUND * len(pilot)
    moved, hits = [], 0
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for start in range(0, len(images), _BATCH):
            x = to_float(images.pixels[start : start + _BATCH])
            y = labels[start : start + _BATCH]
            x = _moved(source, x, y, steps)
            pixels = (x * 255).round().byte()
            moved.append(pixels)
            hits += int((_answers(source, to_float(pixels)) == y).sum())
            tick(len(y))
    made = LabelledImages(images.ids, torch.cat(moved), labels)
    return Made(made, steps, hits / len(images), pilot)


def _pilot(
    source: nn.Module, images: LabelledImages, labels: Tensor, seed: int
) -> tuple[float, ...]:
    """Share of hits after 10, 20, ... iterations, up to the last that raised it."""
    x, y = to_float(images.pixels[:_PILOT]), labels[:_PILOT]
    shares: list[float] = []
    for rounds in range(1, MOST_STEPS // _ROUND + 1):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            moved = _moved(source, x, y, rounds * _ROUND)
        share = float((_answers(source, moved) == y).float().mean())
        if shares and share < shares[-1] + 0.005:
            break
        shares.append(share)
    return tuple(shares)


def _moved(source: nn.Module, x: Tensor, y: Tensor, steps: int) -> Tensor:
    if not steps:
        unit = STEPS["l2"](x.contiguous(), EPS, STEP_SIZE)
        direction = torch.randn_like(x).flatten(1)
        direction = EPS * direction / direction.norm(dim=1, keepdim=True)
        noise: Tensor = unit.project(x + direction.view_as(x))
        return noise
    with computing(x.device, fastest(x.device)):
        return pgd(
            source, x, y, norm="l2", eps=EPS, steps=steps, step_size=STEP_SIZE, targeted=True
        )


def _answers(source: nn.Module, x: Tensor) -> Tensor:
    with torch.no_grad():
        answers: Tensor = source(x.contiguous(memory_format=torch.channels_last)).argmax(1)
    return answers


def kept(folder: Path, kind: str, source_sha256: str, data_sha256: str) -> Path:
    """Where a data set is kept, named by what it was made from."""
    made_from = hashlib.sha256(f"{source_sha256} {data_sha256}".encode()).hexdigest()[:12]
    return folder / f"{kind}-{made_from}.safetensors"


def save(made: Made, file: Path) -> None:
    """Write pixels, labels and how they were made, atomically."""
    about = {"steps": made.steps, "hit": made.hit, "pilot": made.pilot}
    tensors = {"pixels": made.images.pixels.contiguous(), "labels": made.images.labels}
    words = {"about": json.dumps(about)}
    write_whole(file, lambda temporary: save_file(tensors, temporary, metadata=words))


def load(file: Path) -> Made:
    """Read what ``save`` wrote.

    Raises:
        DataError: the file is damaged.
    """
    try:
        with safe_open(file, framework="pt") as stored:
            about = json.loads(stored.metadata()["about"])
            pixels, labels = stored.get_tensor("pixels"), stored.get_tensor("labels")
    except Exception as error:  # safetensors raises its own and plain exceptions alike
        raise DataError(f"{file} is damaged ({error}): delete it, it is made anew") from error
    images = LabelledImages(tuple(f"{i:05d}" for i in range(len(labels))), pixels, labels)
    return Made(images, about["steps"], about["hit"], tuple(about["pilot"]))
