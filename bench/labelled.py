"""The labelled images of a run, and whether its models answer them as they were published to."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bench.preset import Preset
from zoo.datasets import LabelledImages, balanced, bundled_cifar10, load_cifar10
from zoo.evaluate import (
    AccuracyError,
    accept,
    accuracy,
    published_accuracy,
    shows_all_classes,
    unjudged,
)
from zoo.imagenet import View, bundled_imagenet, load_imagenet, view_of
from zoo.labels import common_space, wordnet_ids
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
    if data is None:
        return bundled_imagenet(view, space=space)
    return load_imagenet(data, view, n=preset.images, space=space)


def _cifar10(data: Path | None, n: int) -> LabelledImages:
    if data is None:
        return bundled_cifar10()
    test = load_cifar10(data, "test")
    return test.subset(balanced(test.labels.tolist(), n))


@dataclass(frozen=True)
class Gate:
    """What held models against their published accuracies.

    Attributes:
        refused: those that miss theirs by more than the interval, with the reason.
        warnings: why nobody could be judged.
    """

    refused: Mapping[ModelSpec, AccuracyError]
    warnings: tuple[str, ...] = ()


def check_published(models: Iterable[ModelSpec], data: Path, n: int, device: str) -> Gate:
    """Count right answers of each model, each in its own view, on n pictures or one a class.

    A published accuracy is of all classes, so pictures that show fewer judge nobody.
    """
    known = [spec for spec in models if published_accuracy(spec) is not None]
    seen = cache(lambda view: load_imagenet(data, view, n=max(n, len(wordnet_ids()))))
    if not known:
        return Gate({})
    refused: dict[ModelSpec, AccuracyError] = {}
    with bar("published accuracies", total=len(known)) as progress:
        for spec in known:
            pictures = seen(view_of(spec))
            if not shows_all_classes(pictures):
                return Gate({}, (unjudged(pictures),))
            model = load_classifier(spec, device=device)
            try:
                accept(spec, accuracy(model, pictures))
            except AccuracyError as error:
                refused[spec] = error
            progress.step(spec.name)
    return Gate(refused)
