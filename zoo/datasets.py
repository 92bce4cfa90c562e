"""Labelled images: where they come from, their ids, pixels, labels and digest."""

import hashlib
import io
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Int64, UInt8
from PIL import Image
from torch import Tensor

CIFAR10_CLASSES = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip


class DataError(ValueError):
    """A data set that is missing, unreadable or of another layout; the message says what to do."""


@dataclass(frozen=True)
class LabelledImages:
    """Pictures of one size with one label each, pixels 0..255.

    Attributes:
        space: the classes the labels count in (zoo/labels.py).
    """

    ids: tuple[str, ...]
    pixels: UInt8[Tensor, "n 3 h w"]
    labels: Int64[Tensor, " n"]
    space: str = "cifar10"

    def __len__(self) -> int:  # noqa: D105
        return len(self.ids)

    @property
    def sha256(self) -> str:
        """Digest of pixels and labels: two data sets with equal digests are the same data."""
        digest = hashlib.sha256(self.pixels.contiguous().numpy().tobytes())
        digest.update(self.labels.numpy().tobytes())
        return digest.hexdigest()

    def subset(self, index: Sequence[int]) -> "LabelledImages":
        """The pictures at these positions, in this order."""
        rows = torch.as_tensor(index)
        return LabelledImages(
            tuple(self.ids[i] for i in index), self.pixels[rows], self.labels[rows], self.space
        )

    def first(self, count: int | None) -> "LabelledImages":
        """So many pictures from the start, all of them where there are fewer or None is given."""
        return self.subset(range(min(count or len(self), len(self))))

    def batches(self, size: int) -> Iterable[tuple[Tensor, Tensor]]:
        """Consecutive batches as float images in [0,1], channels-last, and labels."""
        for start in range(0, len(self), size):
            yield (
                to_float(self.pixels[start : start + size]),
                self.labels[start : start + size],
            )


def balanced(labels: Sequence[int], n: int) -> list[int]:
    """Positions of n labels, spread over the classes as evenly as they go; always the same choice.

    Runs on one data set so compare. In ascending order; all of them where there are no more.
    """
    order = list(range(len(labels)))
    random.Random(0).shuffle(order)
    seen: Counter[int] = Counter()
    ranks = {}
    for i in order:
        ranks[i] = seen[labels[i]]
        seen[labels[i]] += 1
    return sorted(sorted(order, key=ranks.__getitem__)[:n])


def to_float(pixels: UInt8[Tensor, "b 3 h w"]) -> Tensor:
    """Pixels 0..255 to floats in [0,1], channels-last."""
    return pixels.float().div_(255).contiguous(memory_format=torch.channels_last)


def load_cifar10(folder: Path, split: str) -> LabelledImages:
    """CIFAR-10 from a folder, in whichever of the three layouts it has.

    Args:
        folder: holds ``train.parquet`` / ``test.parquet`` (Hugging Face's columns ``img.bytes`` and
            ``label``), or ``train/<class>/*.png``, or torchvision's ``cifar-10-batches-py``
            (downloaded there when none of the three is found and there is a network).
        split: ``train`` or ``test``.

    Raises:
        DataError: nothing usable there, or a file that does not decode.
    """
    parquet = sorted(folder.glob(f"{split}*.parquet"))
    if parquet:
        return _from_parquet(parquet)
    if (folder / split).is_dir():
        return _from_folder(folder / split)
    return _from_torchvision(folder, split)


def bundled_cifar10() -> LabelledImages:
    """The 20 CIFAR-10 test images that foolbox ships, as PNG originals."""
    import foolbox

    files = sorted((Path(foolbox.__file__).parent / "data").glob("cifar10_*.png"))
    labels = [int(f.stem.rsplit("_", 1)[1]) for f in files]
    return stack([f.stem for f in files], [decode(f.read_bytes(), f.name) for f in files], labels)


def _from_parquet(files: list[Path]) -> LabelledImages:
    import pyarrow.parquet as pq

    images: list[np.ndarray] = []
    labels: list[int] = []
    for file in files:
        try:
            table = pq.read_table(file, columns=["img", "label"])
            encoded = [bytes(row["bytes"]) for row in table["img"].to_pylist()]
            labels += [_known(int(label)) for label in table["label"].to_pylist()]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(
                f"{file} is not a parquet file with columns img and label ({error})"
            ) from error
        images += [decode(data, f"{file.name} row {i}") for i, data in enumerate(encoded)]
    return stack([f"{i:05d}" for i in range(len(labels))], images, labels)


def _from_folder(folder: Path) -> LabelledImages:
    classes = sorted(p.name for p in folder.iterdir() if p.is_dir())
    if classes != sorted(CIFAR10_CLASSES):
        raise DataError(
            f"{folder} must hold one folder per CIFAR-10 class ({', '.join(CIFAR10_CLASSES)}); "
            f"it holds {', '.join(classes) or 'none'}"
        )
    files = [f for c in CIFAR10_CLASSES for f in sorted((folder / c).iterdir())]
    labels = [CIFAR10_CLASSES.index(f.parent.name) for f in files]
    images = [decode(f.read_bytes(), str(f)) for f in files]
    return stack([f"{f.parent.name}/{f.name}" for f in files], images, labels)


def _from_torchvision(folder: Path, split: str) -> LabelledImages:
    from torchvision.datasets import CIFAR10

    try:
        data = CIFAR10(str(folder), train=split == "train", download=True)
    except (OSError, RuntimeError) as error:
        raise DataError(
            f"no CIFAR-10 in {folder} and no download ({error}): put there train.parquet and "
            "test.parquet of huggingface.co/datasets/uoft-cs/cifar10, or unpack there "
            "cifar-10-python.tar.gz of www.cs.toronto.edu/~kriz/cifar.html"
        ) from error
    pixels = torch.from_numpy(data.data).permute(0, 3, 1, 2)
    return LabelledImages(
        tuple(f"{i:05d}" for i in range(len(pixels))), pixels, torch.tensor(data.targets)
    )


def _known(label: int) -> int:
    if not 0 <= label < len(CIFAR10_CLASSES):
        raise ValueError(f"label {label}, where 0 to {len(CIFAR10_CLASSES) - 1} name the classes")
    return label


def decode(data: bytes, name: str) -> np.ndarray:
    """An encoded picture as "h w 3" of 0..255.

    Raises:
        DataError: it does not decode.
    """
    try:
        return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    except (OSError, SyntaxError) as error:
        raise DataError(f"{name} does not decode as a picture ({error}): replace it") from error


def stack(
    ids: Iterable[str], images: list[np.ndarray], labels: list[int], space: str = "cifar10"
) -> LabelledImages:
    """Pictures "h w 3" of one size as a data set.

    Raises:
        DataError: none, or of different sizes.
    """
    if not images:
        raise DataError("no pictures found")
    shapes = {image.shape for image in images}
    if len(shapes) > 1:
        raise DataError(f"pictures of different sizes in one data set: {sorted(shapes)}")
    pixels = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).contiguous()
    return LabelledImages(tuple(ids), pixels, torch.tensor(labels, dtype=torch.int64), space)
