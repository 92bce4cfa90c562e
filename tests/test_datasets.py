"""Labelled images come the same from every layout, and what is no data set is refused."""

import io
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
import torchvision
from PIL import Image

from tests.toys import toy_images
from zoo.datasets import (
    CIFAR10_CLASSES,
    DataError,
    LabelledImages,
    bundled_cifar10,
    load_cifar10,
    to_float,
)

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (6, 8, 8, 3), dtype=np.uint8)
LABELS = [3, 0, 9, 1, 1, 5]


def png(pixels: np.ndarray, format: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format)
    return buffer.getvalue()


def rows(images: list[bytes | None], labels: list[object]) -> pa.Table:
    """Hugging Face's layout: img is a struct of bytes and path."""
    structs = [{"bytes": image, "path": f"{i}.png"} for i, image in enumerate(images)]
    return pa.table({"img": structs, "label": labels})


def write(folder: Path, table: pa.Table, name: str = "test.parquet") -> None:
    pq.write_table(table, folder / name)


def write_folders(folder: Path, classes: tuple[str, ...] = CIFAR10_CLASSES) -> None:
    for name in classes:
        (folder / "test" / name).mkdir(parents=True)
    for i, (pixels, label) in enumerate(zip(PIXELS, LABELS, strict=True)):
        file = folder / "test" / CIFAR10_CLASSES[label] / f"{i}.png"
        if file.parent.exists():
            file.write_bytes(png(pixels))


def fake_torchvision(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Fake:
        data, targets = PIXELS, LABELS

        def __init__(self, root: str, train: bool, download: bool) -> None:
            assert (root, train, download) == (str(folder), False, True)

    monkeypatch.setattr(torchvision.datasets, "CIFAR10", Fake)


def expect(images: LabelledImages, order: list[int]) -> None:
    assert images.pixels.dtype == torch.uint8
    assert images.labels.dtype == torch.int64
    assert np.array_equal(images.pixels.permute(0, 2, 3, 1).numpy(), PIXELS[order])
    assert images.labels.tolist() == [LABELS[i] for i in order]
    assert len(set(images.ids)) == len(images) == len(order)


def test_a_parquet_file_is_read(tmp_path: Path) -> None:
    write(tmp_path, rows([png(p) for p in PIXELS], LABELS))
    expect(load_cifar10(tmp_path, "test"), [0, 1, 2, 3, 4, 5])


def test_the_parts_of_a_split_are_joined_in_order(tmp_path: Path) -> None:
    for part in (1, 0):
        half = slice(3 * part, 3 * part + 3)
        table = rows([png(p) for p in PIXELS[half]], LABELS[half])
        write(tmp_path, table, f"test-0000{part}-of-00002.parquet")
    expect(load_cifar10(tmp_path, "test"), [0, 1, 2, 3, 4, 5])


def test_class_folders_are_read(tmp_path: Path) -> None:
    write_folders(tmp_path)
    images = load_cifar10(tmp_path, "test")
    expect(images, [1, 3, 4, 0, 5, 2])  # by class, then by name
    assert images.ids[0] == "airplane/1.png"


def test_torchvision_s_layout_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_torchvision(tmp_path, monkeypatch)
    expect(load_cifar10(tmp_path, "test"), [0, 1, 2, 3, 4, 5])


def test_all_layouts_hold_the_same_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_torchvision(tmp_path, monkeypatch)
    downloaded = load_cifar10(tmp_path, "test").sha256
    write_folders(tmp_path)
    folders = load_cifar10(tmp_path, "test").subset([3, 0, 5, 1, 2, 4]).sha256
    write(tmp_path, rows([png(p) for p in PIXELS], LABELS))
    assert downloaded == folders == load_cifar10(tmp_path, "test").sha256


@pytest.mark.parametrize("error", [URLError("no route"), RuntimeError("File not found"), OSError()])
def test_no_data_and_no_network_tells_what_to_put_where(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(torchvision.datasets, "CIFAR10", refuse)
    with pytest.raises(DataError) as raised:
        load_cifar10(tmp_path, "test")
    for part in (str(tmp_path), "test.parquet", "huggingface.co", "cifar-10-python.tar.gz"):
        assert part in str(raised.value)


GOOD = png(PIXELS[0])
DAMAGED: dict[str, tuple[pa.Table, str]] = {
    "truncated": (rows([GOOD, GOOD[:60]], [0, 1]), "test.parquet row 1 does not decode"),
    "no picture": (rows([b"hello"], [0]), "test.parquet row 0 does not decode"),
    "empty": (rows([b""], [0]), "test.parquet row 0 does not decode"),
    "null bytes": (rows([GOOD, None], [0, 0]), "columns img and label"),
    "mixed sizes": (rows([GOOD, png(PIXELS[0][:4])], [0, 1]), "different sizes"),
    "zero rows": (rows([GOOD], [0]).slice(0, 0), "no pictures"),
    "wrong columns": (pa.table({"image": [GOOD], "label": [0]}), "columns img and label"),
    "no label": (pa.table({"img": [{"bytes": GOOD}]}), "columns img and label"),
    "plain bytes": (pa.table({"img": [GOOD], "label": [0]}), "columns img and label"),
    "null picture": (pa.table({"img": [{"bytes": GOOD}, None], "label": [0, 0]}), "img and label"),
    "null label": (rows([GOOD, GOOD], [0, None]), "img and label"),
    "names as labels": (rows([GOOD], ["cat"]), "img and label"),
    "an eleventh class": (rows([GOOD], [10]), "label 10, where 0 to 9 name the classes"),
    "no class": (rows([GOOD], [-1]), "label -1"),
}


@pytest.mark.parametrize(("table", "message"), DAMAGED.values(), ids=DAMAGED)
def test_damaged_parquet_files_are_refused(table: pa.Table, message: str, tmp_path: Path) -> None:
    write(tmp_path, table)
    with pytest.raises(DataError, match=message):
        load_cifar10(tmp_path, "test")


def test_a_file_that_only_ends_in_parquet_is_refused(tmp_path: Path) -> None:
    (tmp_path / "test.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(DataError, match=r"test\.parquet is not a parquet file"):
        load_cifar10(tmp_path, "test")


@pytest.mark.parametrize("format", ["PNG", "JPEG"])
def test_a_picture_cut_anywhere_is_refused_or_whole(format: str, tmp_path: Path) -> None:
    whole = png(PIXELS[0], format)
    expected = np.asarray(Image.open(io.BytesIO(whole)))
    for kept in range(0, len(whole), 3):
        write(tmp_path, rows([whole[:kept]], [0]))
        try:
            got = load_cifar10(tmp_path, "test")
        except DataError:
            continue
        assert np.array_equal(got.pixels[0].permute(1, 2, 0).numpy(), expected), kept


@pytest.mark.parametrize(
    ("classes", "held"),
    [((), "none"), (("cat", "dog"), "cat, dog"), ((*CIFAR10_CLASSES, "zebra"), "zebra")],
)
def test_folders_that_are_not_the_classes_are_refused(
    classes: tuple[str, ...], held: str, tmp_path: Path
) -> None:
    (tmp_path / "test").mkdir()
    write_folders(tmp_path, classes)
    with pytest.raises(DataError, match=f"one folder per CIFAR-10 class.*it holds .*{held}"):
        load_cifar10(tmp_path, "test")


def test_empty_and_damaged_class_folders_are_refused(tmp_path: Path) -> None:
    for name in CIFAR10_CLASSES:
        (tmp_path / "test" / name).mkdir(parents=True)
    with pytest.raises(DataError, match="no pictures"):
        load_cifar10(tmp_path, "test")
    (tmp_path / "test" / "cat" / "Thumbs.db").write_bytes(b"x")
    with pytest.raises(DataError, match=r"cat/Thumbs\.db does not decode"):
        load_cifar10(tmp_path, "test")


def test_the_digest_tells_pixels_and_labels() -> None:
    images = toy_images(4)
    pixels, labels = images.pixels.clone(), images.labels.clone()
    pixels[3, 2, 7, 7] ^= 1
    labels[0] = 2
    changed = [
        LabelledImages(images.ids, pixels, images.labels),
        LabelledImages(images.ids, images.pixels, labels),
        images.subset([1, 0, 2, 3]),
        images.subset([0, 1, 2]),
    ]
    assert len({images.sha256, *(other.sha256 for other in changed)}) == 5
    strided = images.pixels.contiguous(memory_format=torch.channels_last)
    assert LabelledImages(("other",) * 4, strided, images.labels).sha256 == images.sha256


def test_a_subset_keeps_the_asked_order() -> None:
    images = toy_images(5)
    part = images.subset([4, 0, 0])
    assert part.ids == ("toy4", "toy0", "toy0")
    assert torch.equal(part.pixels, images.pixels[[4, 0, 0]])
    assert torch.equal(part.labels, images.labels[[4, 0, 0]])


def test_batches_cover_everything_once_in_order() -> None:
    images = toy_images(7)
    batches = list(images.batches(3))
    assert [len(x) for x, _ in batches] == [3, 3, 1]
    assert torch.equal(torch.cat([x for x, _ in batches]), to_float(images.pixels))
    assert torch.equal(torch.cat([y for _, y in batches]), images.labels)


def test_floats_are_in_the_unit_range_and_channels_last() -> None:
    pixels = torch.arange(256, dtype=torch.uint8).repeat(3).view(1, 3, 16, 16)
    floats = to_float(pixels)
    assert floats.dtype == torch.float32
    assert (floats.min(), floats.max()) == (0, 1)
    assert torch.equal((floats * 255).round().byte(), pixels)
    assert floats.is_contiguous(memory_format=torch.channels_last)


def test_the_bundled_pictures_are_twenty_originals() -> None:
    images = bundled_cifar10()
    labels = [3, 8, 8, 0, 6, 6, 1, 6, 3, 1, 0, 9, 5, 7, 9, 8, 5, 7, 8, 6]  # of the test set's first
    assert images.pixels.shape == (20, 3, 32, 32)
    assert images.labels.tolist() == labels
    assert len(set(images.ids)) == 20


@pytest.mark.data
def test_the_bundled_pictures_are_of_the_real_test_set(cifar10_test: LabelledImages) -> None:
    assert cifar10_test.labels.bincount().tolist() == [1000] * 10
    bundled = bundled_cifar10()
    small, known = (
        images.pixels.float().view(-1, 3, 8, 4, 8, 4).mean((3, 5)).flatten(1)
        for images in (bundled, cifar10_test)
    )
    distance, nearest = (torch.cdist(small, known) / 192**0.5).min(dim=1)
    assert distance.max() < 6  # levels; a copy may be recompressed, other pictures are 20 away
    assert torch.equal(cifar10_test.labels[nearest], bundled.labels)
