"""ImageNet runs: which images, which label space, which models are refused, and real weights."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from bench.cells import Cell, run_cell
from bench.labelled import check_published, labelled_images
from bench.presets import PRESETS
from bench.suite_transfer import Transfer
from bench.transfer import Attack, answers
from results.schema import validate
from tests.test_imagenet import write_folders
from tests.tiny import inputs
from zoo.catalog import find
from zoo.datasets import LabelledImages
from zoo.evaluate import shows_all_classes
from zoo.imagenet import View, bundled_imagenet, load_imagenet
from zoo.labels import LabelError
from zoo.load import untrained
from zoo.spec import Hub

MINI = PRESETS["imagenet-mini"]
LITE1, LITE2 = (find(f"tf_efficientnet_lite{i}.pypi") for i in (1, 2))
NINE = find("resnet50.restricted_l2")


def test_without_data_the_bundled_images_are_taken() -> None:
    images = labelled_images(MINI, None, (LITE1, LITE2))
    assert images.sha256 == bundled_imagenet(View(224)).sha256
    assert images.pixels.shape == (20, 3, 224, 224)
    assert labelled_images(PRESETS["quick"], None, (find("vgg_c10.random"),)).space == "cifar10"


def test_the_user_s_images_are_taken_at_the_size_all_models_share(tmp_path: Path) -> None:
    write_folders(tmp_path)
    images = labelled_images(replace(MINI, side=32, images=3), tmp_path, (LITE1,))
    assert images.pixels.shape == (3, 3, 32, 32)
    assert images.space == "imagenet"


def test_with_a_model_of_nine_classes_all_answers_are_of_nine(tmp_path: Path) -> None:
    images = labelled_images(replace(MINI, side=32), None, (LITE1, NINE))
    assert images.space == "restricted_imagenet"
    assert len(images) == 5
    with pytest.raises(LabelError, match="do not compare"):
        labelled_images(MINI, None, (LITE1, find("vgg_c10.random")))


def test_a_mapped_run_counts_right_groups(tmp_path: Path) -> None:
    """A thousand-class model meets nine-class labels: a dog of another breed is a dog."""
    images = labelled_images(MINI, None, (LITE1, NINE))
    cell = Cell(LITE2, Transfer((Attack("l2", 3.0, "noise"),)), 0)
    rows = run_cell(cell, inputs(tmp_path, images=images, source=LITE1))
    clean = rows[rows["metric"] == "clean_correct"]
    assert clean["value"].sum() >= 4
    assert len(clean) == 5


def test_a_model_that_misses_its_published_accuracy_is_refused_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_folders(tmp_path)
    monkeypatch.setattr(
        "bench.labelled.load_classifier", lambda spec, device: untrained(spec).eval()
    )
    spec = find("mobilenetv3_small_050.lamb_in1k")
    good, bad = (replace(spec, weights=Hub(accuracy=rate)) for rate in (0.01, 0.99))
    few = check_published([good, bad], tmp_path, 4, "cpu")
    assert not few.refused  # four pictures are of no thousand classes
    assert "show 3 classes" in few.warnings[0] and "all 1,000 are wanted" in few.warnings[0]
    monkeypatch.setattr("bench.labelled.shows_all_classes", lambda _: True)
    assert not check_published([spec], tmp_path, 4, "cpu").refused  # it has no line
    found = check_published([bad, good], tmp_path, 4, "cpu")
    assert list(found.refused) == [bad]
    assert "it names 0 of 4 pictures" in str(found.refused[bad])


def test_only_pictures_of_all_classes_judge() -> None:
    assert not shows_all_classes(bundled_imagenet(View(32)))
    labels = torch.arange(1000)
    pixels = torch.zeros(1000, 3, 1, 1, dtype=torch.uint8)
    every = LabelledImages(tuple(map(str, range(1000))), pixels, labels, "imagenet")
    assert shows_all_classes(every)
    assert not shows_all_classes(every.first(999))


def test_restricted_images_are_chosen_from_the_nine_classes_alike(tmp_path: Path) -> None:
    """Dogs are 118 classes and cats five: chosen by class there would be dogs alone."""
    lines = []
    for label in (*range(151, 191), 281, 30, 0, 999):
        Image.new("RGB", (8, 8)).save(tmp_path / f"a picture, of {label}.png")
        lines.append(f"a picture, of {label}.png, {label}")
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    images = load_imagenet(tmp_path, View(8), n=3, space="restricted_imagenet")
    assert sorted(images.labels.tolist()) == [0, 1, 2]
    assert images.space == "restricted_imagenet"


def test_real_networks_are_fooled_and_their_examples_transfer(tmp_path: Path) -> None:
    images = labelled_images(MINI, None, (LITE1, LITE2)).subset(range(0, 20, 4))
    attacks = (Attack("l2", 3.0, "untargeted", steps=4), Attack("l2", 3.0, "noise"))
    found = {}
    for spec in (LITE1, LITE2):
        given = inputs(tmp_path, images=images, source=LITE1)
        rows = validate(run_cell(Cell(spec, Transfer(attacks), 0), given))
        values = rows.groupby(["condition", "metric"])["value"].mean()
        found[spec.name] = values
        assert values["clean", "clean_correct"] >= 0.8
        assert values["l2_3.00/noise", "adv_correct"] >= 0.6
    white, black = (found[s.name]["l2_3.00/untargeted", "adv_correct"] for s in (LITE1, LITE2))
    assert white <= 0.2
    assert white <= black
    lengths = found[LITE1.name]["l2_3.00/untargeted", "perturbation_l2"]
    assert lengths == pytest.approx(3.0, abs=0.05)


def test_answers_do_not_depend_on_how_pictures_are_batched(monkeypatch: pytest.MonkeyPatch) -> None:
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 8 * 8, 5)).eval()
    images = torch.rand(7, 3, 8, 8)
    together = answers(model, images)
    monkeypatch.setattr("bench.transfer.batch_of", lambda *_: 2)
    assert torch.equal(answers(model, images), together)


def test_published_accuracies_are_fields_of_the_weights() -> None:
    assert find("resnet50.tv_in1k").weights == Hub(accuracy=0.7613)
