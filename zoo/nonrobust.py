"""Data sets whose labels only non-robust features explain (Ilyas et al. 2019, sec. 3.2).

Every training picture is moved, within an L2 ball of 0.5, towards another class of the source and
then labelled with that class. ``det``: class y + 1. ``rand``: a class drawn uniformly. ``noise``,
the control: the labels of ``rand`` on pictures moved as far in a random direction.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
PART = 2500
_BATCH, _PILOT, _ROUND = 250, 500, 10
Tick = Callable[[int], None]


@dataclass(frozen=True)
class Pilot:
    """What some pictures decide for all.

    Attributes:
        shares: of hits after 10, 20, ... PGD iterations, up to the last that raised it; none of
            noise.
        precision: of the gradients. Kept, for which one is faster is measured, and a busy machine
            that goes on with a data set can find otherwise than it did before.
    """

    shares: tuple[float, ...]
    precision: str

    @property
    def steps(self) -> int:
        """PGD iterations a picture."""
        return _ROUND * len(self.shares)

    @property
    def about(self) -> dict[str, Any]:
        """What is kept of it, with the pictures and in the manifest."""
        return {"pilot": self.shares, "precision": self.precision}


_NO_STEPS = Pilot((), "float32")


@dataclass(frozen=True)
class Made:
    """A data set with how it was made.

    Attributes:
        hit: share of pictures, rounded to 8 bits, that the source gives their new label.
    """

    images: LabelledImages
    hit: float
    pilot: Pilot

    @property
    def about(self) -> dict[str, Any]:
        """How it was made, as it is kept with the pictures and in the manifest."""
        return {"steps": self.pilot.steps, "hit": self.hit, **self.pilot.about}


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
    parts: Path | None = None,
    tick: Tick = lambda _: None,
) -> Made:
    """Move and relabel every picture.

    The iterations are as many, in tens, as still raise the share of hits among 500 pictures, drawn
    by the seed, by half a point, at most the original's 100. Gradients run in bfloat16 where that
    is faster as the first call found it.

    Args:
        source: pixels in [0,1] to logits, frozen, in evaluation mode.
        parts: folder of this data set alone that keeps what is done, every 2,500 pictures; a later
            call with the same arguments goes on from there and makes the same data set.
        tick: called with the number of pictures done.

    Raises:
        DataError: no such kind, or a damaged part.
        DiskError: a part could not be kept.
    """
    if kind not in KINDS:
        raise DataError(f"no data set {kind}: choose one of {', '.join(KINDS)}")
    labels = targets(images.labels, kind, seed=seed)
    noise = kind == "noise"
    pilot = _NO_STEPS if noise else _kept_pilot(source, images, labels, seed, parts)
    moved = []
    for start in range(0, len(images), PART):
        file = parts / f"{start:05d}.safetensors" if parts else None
        if file and file.exists():
            pixels = _read(file, "pixels")[1]["pixels"]
            tick(len(pixels))
        else:
            part = slice(start, start + PART)
            pixels = _part(source, images.pixels[part], labels[part], pilot, seed + start, tick)
            if file:
                _write(file, {"pixels": pixels}, {})
        moved.append(pixels)
    made = LabelledImages(images.ids, torch.cat(moved), labels)
    return Made(made, _hit(source, made), pilot)


def _part(
    source: nn.Module, pixels: Tensor, labels: Tensor, pilot: Pilot, seed: int, tick: Tick
) -> Tensor:
    """These pictures, moved and rounded to 8 bits, by a seed of their own."""
    moved = []
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for x, y in _batches(pixels, labels):
            moved.append(_moved(source, x, y, pilot.steps, pilot.precision))
            tick(len(y))
    return torch.cat(moved)


def _hit(source: nn.Module, made: LabelledImages) -> float:
    """Share of pictures that the source gives their new label."""
    pairs = _batches(made.pixels, made.labels)
    return sum(int((_answers(source, to_float(x)) == y).sum()) for x, y in pairs) / len(made)


def _batches(pixels: Tensor, labels: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    return zip(torch.split(pixels, _BATCH), torch.split(labels, _BATCH), strict=True)


def _kept_pilot(
    source: nn.Module, images: LabelledImages, labels: Tensor, seed: int, parts: Path | None
) -> Pilot:
    file = parts / "pilot.safetensors" if parts else None
    if file and file.exists():
        about = _read(file)[0]
        return _pilot(about)
    pilot = _piloted(source, images, labels, seed)
    if file:
        _write(file, {}, pilot.about)
    return pilot


def _piloted(source: nn.Module, images: LabelledImages, labels: Tensor, seed: int) -> Pilot:
    # drawn, for in some copies of the data the first ones are all of one class
    drawn = torch.randperm(len(images), generator=torch.Generator().manual_seed(seed))[:_PILOT]
    x, y = images.pixels[drawn], labels[drawn]
    precision, shares = fastest(x.device), list[float]()
    for rounds in range(1, MOST_STEPS // _ROUND + 1):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            moved = _moved(source, x, y, rounds * _ROUND, precision)
        share = float((_answers(source, to_float(moved)) == y).float().mean())
        if shares and share < shares[-1] + 0.005:
            break
        shares.append(share)
    return Pilot(tuple(shares), precision)


def _moved(source: nn.Module, pixels: Tensor, y: Tensor, steps: int, precision: str) -> Tensor:
    """Pictures of 8 bits, moved and rounded to 8 bits again."""
    x = to_float(pixels)
    if not steps:
        unit = STEPS["l2"](x.contiguous(), EPS, STEP_SIZE)
        direction = torch.randn_like(x).flatten(1)
        direction = EPS * direction / direction.norm(dim=1, keepdim=True)
        moved = unit.project(x + direction.view_as(x))
    else:
        with computing(x.device, precision):
            moved = pgd(
                source, x, y, norm="l2", eps=EPS, steps=steps, step_size=STEP_SIZE, targeted=True
            )
    levels: Tensor = (moved * 255).round().byte()
    return levels


def _answers(source: nn.Module, x: Tensor) -> Tensor:
    with torch.no_grad():
        answers: Tensor = source(x.contiguous(memory_format=torch.channels_last)).argmax(1)
    return answers


def kept(folder: Path, kind: str, source_sha256: str, data_sha256: str) -> Path:
    """Where a data set is kept, named by what it was made from and how."""
    how = f"{source_sha256} {data_sha256} {EPS} {STEP_SIZE} {MOST_STEPS}"
    made_from = hashlib.sha256(how.encode()).hexdigest()[:12]
    return folder / f"{kind}-{made_from}.safetensors"


def save(made: Made, file: Path) -> None:
    """Write pixels, labels and how they were made, atomically."""
    tensors = {"pixels": made.images.pixels.contiguous(), "labels": made.images.labels}
    _write(file, tensors, made.about)


def load(file: Path) -> Made:
    """Read what ``save`` wrote.

    Raises:
        DataError: the file is damaged.
    """
    about, tensors = _read(file, "pixels", "labels")
    labels = tensors["labels"]
    ids = tuple(f"{i:05d}" for i in range(len(labels)))
    images = LabelledImages(ids, tensors["pixels"], labels)
    return Made(images, about["hit"], _pilot(about))


def _pilot(about: dict[str, Any]) -> Pilot:
    return Pilot(tuple(about["pilot"]), about["precision"])


def _write(file: Path, tensors: dict[str, Tensor], about: dict[str, Any]) -> None:
    words = {"about": json.dumps(about)}
    write_whole(file, lambda temporary: save_file(tensors, temporary, metadata=words))


def _read(file: Path, *wanted: str) -> tuple[dict[str, Any], dict[str, Tensor]]:
    try:
        with safe_open(file, framework="pt") as stored:
            about = json.loads(stored.metadata()["about"])
            return about, {name: stored.get_tensor(name) for name in wanted}
    except Exception as error:  # safetensors raises its own and plain exceptions alike
        raise DataError(f"{file} is damaged ({error}): delete it, it is made anew") from error
