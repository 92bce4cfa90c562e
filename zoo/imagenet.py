"""ImageNet's pictures: from class folders, parquet files or a flat folder, as one model sees them.

Only the pictures that are asked for are decoded: the validation set has 50,000.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from timm.models import get_pretrained_cfg
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2.functional import center_crop, resize

from zoo.datasets import DataError, LabelledImages, balanced, decode, stack
from zoo.labels import LabelError, index_of, restricted, wordnet_ids
from zoo.spec import ModelSpec

_SUFFIXES = (".jpeg", ".jpg", ".png", ".bmp", ".webp", ".ppm")
_LISTS = ("labels.csv", "labels.txt", "val.txt")
_WORDNET = re.compile(r"n\d{8}")


@dataclass(frozen=True)
class View:
    """How a picture becomes a square: its short side scaled to ``size / crop``, the middle cut out.

    Attributes:
        size: side of the square, pixels.
        crop: share of the scaled short side that is kept.
        interpolation: ``bilinear`` or ``bicubic``, as Pillow does it.
    """

    size: int = 224
    crop: float = 0.875
    interpolation: str = "bicubic"


def view_of(spec: ModelSpec) -> View:
    """The view a model was published with, from timm's pretrained_cfg."""
    cfg = get_pretrained_cfg(spec.arch)
    return View(cfg.input_size[-1], cfg.crop_pct, cfg.interpolation)


@dataclass(frozen=True)
class _Source:
    """Pictures that are not read yet; ``read`` takes ascending positions."""

    ids: tuple[str, ...]
    labels: tuple[int, ...]
    read: Callable[[Sequence[int]], Iterator[bytes]]


def load_imagenet(
    folder: Path, view: View, *, n: int | None = None, space: str = "imagenet"
) -> LabelledImages:
    """Pictures with ImageNet's labels from a folder, in whichever of three layouts it has.

    Args:
        folder: holds Hugging Face parquet files (columns ``image`` and ``label``; those named
            ``validation*`` where there are some); or folders named by WordNet ids, there or in
            ``val`` or ``validation`` (the validation set, Imagenette, any subset); or pictures and
            a ``labels.csv`` with a file name and a WordNet id or a class 0..999 in each line.
        view: see ``View``.
        n: how many, spread over the classes; always the same ones. None = all.
        space: the classes they are chosen from and labelled by; of ``restricted_imagenet`` only
            pictures of its nine are taken.

    Raises:
        DataError: nothing usable there, or a file that does not decode.
    """
    source = _source(folder)
    chosen = _chosen(source.labels, n or len(source.labels), space)
    images = [
        _seen(decode(data, f"{folder} {source.ids[i]}"), view)
        for i, data in zip(chosen, source.read(chosen), strict=True)
    ]
    ids, labels = [source.ids[i] for i in chosen], [source.labels[i] for i in chosen]
    return _in(space, stack(ids, images, labels, "imagenet"))


def _chosen(labels: Sequence[int], n: int, space: str) -> list[int]:
    """Positions of n pictures, spread over the space's classes, not over those they consist of."""
    if space != "restricted_imagenet":
        return balanced(labels, n)
    nine = restricted(torch.tensor(labels, dtype=torch.int64)).tolist()
    inside = [i for i, label in enumerate(nine) if label >= 0]
    return [inside[i] for i in balanced([nine[i] for i in inside], n)]


def _in(space: str, images: LabelledImages) -> LabelledImages:
    return restrict(images) if space == "restricted_imagenet" else images


def bundled_imagenet(view: View, *, space: str = "imagenet") -> LabelledImages:
    """The 20 ImageNet pictures that foolbox ships."""
    import foolbox

    files = sorted((Path(foolbox.__file__).parent / "data").glob("imagenet_*.jpg"))
    labels = [int(f.stem.rsplit("_", 1)[1]) for f in files]
    images = [_seen(decode(f.read_bytes(), f.name), view) for f in files]
    return _in(space, stack([f.stem for f in files], images, labels, "imagenet"))


def restrict(images: LabelledImages) -> LabelledImages:
    """The pictures of the nine classes of Restricted ImageNet, labelled 0..8.

    Raises:
        DataError: there is none among them.
    """
    nine = restricted(images.labels)
    kept = [i for i, label in enumerate(nine.tolist()) if label >= 0]
    if not kept:
        raise DataError("no picture belongs to the nine classes of Restricted ImageNet: use more")
    return replace(images.subset(kept), labels=nine[kept], space="restricted_imagenet")


def _seen(pixels: np.ndarray, view: View) -> np.ndarray:
    mode = InterpolationMode(view.interpolation)
    scaled = resize(Image.fromarray(pixels), [int(view.size / view.crop)], interpolation=mode)
    return np.asarray(center_crop(scaled, [view.size]))


def _source(folder: Path) -> _Source:
    parquet = sorted(folder.rglob("*.parquet"))
    if parquet:
        return _parquet([f for f in parquet if f.name.startswith("validation")] or parquet)
    for inner in (folder, folder / "val", folder / "validation"):
        if inner.is_dir() and any(_WORDNET.fullmatch(f.name) for f in inner.iterdir()):
            return _class_folders(inner)
        for name in _LISTS:
            if (inner / name).is_file():
                return _listed(inner, inner / name)
    raise DataError(
        f"no ImageNet pictures in {folder}: put there folders named by WordNet ids (n01440764), "
        "the parquet files of huggingface.co/datasets/ILSVRC/imagenet-1k, or pictures with a "
        "labels.csv"
    )


def _class_folders(folder: Path) -> _Source:
    known = {name: i for i, name in enumerate(wordnet_ids())}
    inner = sorted(f for f in folder.iterdir() if f.is_dir() and _WORDNET.fullmatch(f.name))
    strange = [f.name for f in inner if f.name not in known]
    if strange:
        raise DataError(f"{folder} has {strange[0]}, which is none of ImageNet's 1,000 classes")
    files = [f for c in inner for f in sorted(c.iterdir()) if f.suffix.lower() in _SUFFIXES]
    return _files(files, [f"{f.parent.name}/{f.name}" for f in files],
                  [known[f.parent.name] for f in files])  # fmt: skip


def _listed(folder: Path, listing: Path) -> _Source:
    known = {name: i for i, name in enumerate(wordnet_ids())}
    known |= {str(i): i for i in range(len(known))}
    files, labels = [], []
    for number, line in enumerate(listing.read_text().splitlines(), start=1):
        # the label is the last part: a file's name may have spaces and commas
        parts = re.split(r"[,\t ]+(?=[^,\t ]*$)", line.strip(), maxsplit=1)
        name, label = parts[0], "".join(parts[1:])
        if not name or (number == 1 and label not in known):
            continue  # an empty line, or a table's head
        if label not in known or not (folder / name).is_file():
            raise DataError(
                f"{listing} line {number} must name a picture beside it and a WordNet id or a "
                f"class 0 to 999, not {line!r}"
            )
        files.append(folder / name)
        labels.append(known[label])
    return _files(files, [f.name for f in files], labels)


def _files(files: list[Path], ids: list[str], labels: list[int]) -> _Source:
    return _Source(tuple(ids), tuple(labels), lambda index: (files[i].read_bytes() for i in index))


def _parquet(files: list[Path]) -> _Source:
    import pyarrow.parquet as pq

    labels: list[int] = []
    sizes: list[int] = []
    for file in files:
        try:
            table = pq.read_table(file, columns=["label"])
            index = _class_index(table.schema.metadata or {})
            found = [index[int(label)] for label in table["label"].to_pylist() if int(label) >= 0]
            pq.read_schema(file).field("image")
        except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
            raise DataError(
                f"{file} is no parquet file with columns image and label of ImageNet ({error})"
            ) from error
        if len(found) != len(table):
            raise DataError(f"{file} has pictures without a label: take a labelled split")
        labels += found
        sizes.append(len(found))

    def read(chosen: Sequence[int]) -> Iterator[bytes]:
        wanted, offset = set(chosen), 0
        for file, size in zip(files, sizes, strict=True):
            inside = wanted & set(range(offset, offset + size))
            for batch in pq.ParquetFile(file).iter_batches(64, columns=["image"]) if inside else ():
                for row in range(len(batch)):
                    if offset + row in wanted:
                        yield _bytes(batch["image"][row].as_py(), f"{file} row {row}")
                offset += len(batch)
            offset = offset if inside else offset + size

    return _Source(tuple(f"{i:05d}" for i in range(len(labels))), tuple(labels), read)


def _bytes(cell: Any, name: str) -> bytes:
    data = cell.get("bytes") if isinstance(cell, dict) else cell
    if not isinstance(data, bytes):
        raise DataError(f"{name} holds no picture")
    return data


def _class_index(metadata: dict[bytes, bytes]) -> list[int]:
    """ImageNet's class behind each label; Hugging Face keeps the classes' names in the schema."""
    try:
        features = json.loads(metadata[b"huggingface"])["info"]["features"]
        names = features["label"]["names"]
    except (KeyError, TypeError, ValueError):
        return list(range(len(wordnet_ids())))
    try:
        return index_of(names)
    except LabelError as error:
        raise ValueError(str(error)) from error
