"""The labelled images of a run, and whether its models answer them as they were published to."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from bench.preset import Preset
from zoo.datasets import LabelledImages, balanced, bundled_cifar10, load_cifar10
from zoo.evaluate import accept, accuracy
from zoo.imagenet import View, bundled_imagenet, load_imagenet, restrict, view_of
from zoo.labels import common_space
from zoo.load import load_classifier
from zoo.spec import ModelSpec
from zoo.terminal import bar


def labelled_images(
    preset: Preset, data: Path | None, models: Iterable[ModelSpec]
) -> LabelledImages:
    """The images all models are attacked with: the bundled ones, or a balanced choice of the data.

    Labels are those of the space that all models' answers can be read in.

    Raises:
        DataError: no usable data.
        LabelError: models whose answers do not compare.
    """
    space = common_space(spec.dataset for spec in models) if preset.attacks else preset.dataset
    if preset.dataset == "cifar10":
        return _cifar10(data, preset.images)
    view = View(preset.side)
    images = load_imagenet(data, view, n=preset.images) if data else bundled_imagenet(view)
    return images if space == images.space else restrict(images)


def _cifar10(data: Path | None, n: int) -> LabelledImages:
    if data is None:
        return bundled_cifar10()
    test = load_cifar10(data, "test")
    return test.subset(balanced(test.labels.tolist(), n))


def check_published(models: Iterable[ModelSpec], data: Path, n: int, device: str) -> None:
    """Count right answers of each model on n pictures, each model in its own view.

    Raises:
        AccuracyError: one misses its published accuracy by more than its interval.
    """
    seen = cache(lambda view: load_imagenet(data, view, n=n))
    known = [spec for spec in models if getattr(spec.weights, "accuracy", None) is not None]
    with bar("published accuracies", total=len(known)) as progress:
        for spec in known:
            model = load_classifier(spec, device=device)
            accept(spec, accuracy(model, seen(view_of(spec))))
            progress.step(spec.name)
