"""A published accuracy is an acceptance test, and one normalisation too many fails it."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from zoo.catalog import find
from zoo.datasets import LabelledImages, to_float
from zoo.evaluate import Accuracy, AccuracyError, accept, accuracy, published_accuracy
from zoo.imagenet import View, bundled_imagenet
from zoo.load import Classifier, load_classifier
from zoo.spec import Hub, ModelSpec, operated

CLASSES = 10
HALF = (0.5, 0.5, 0.5)


def published(rate: float | None) -> ModelSpec:
    return replace(find("inception_v3.tv_in1k"), weights=Hub(accuracy=rate))


class Brightness(nn.Module):
    """Names the grey of a picture normalised to [-1, 1]: as exact as its input is right."""

    def __init__(self, *, own_normaliser: bool) -> None:
        super().__init__()
        self.own = own_normaliser
        self.centres = nn.Parameter(2 * (torch.arange(CLASSES) + 0.5) / CLASSES - 1)

    def forward(self, x: Tensor) -> Tensor:
        if self.own:  # torchvision's Inception undoes ImageNet's statistics itself
            x = (x * 0.226 + 0.449 - 0.5) / 0.5
        return -(x.mean((1, 2, 3))[:, None] - self.centres).square()


def greys(n: int = 200) -> LabelledImages:
    labels = torch.arange(n) % CLASSES
    pixels = ((labels + 0.5) / CLASSES * 255).round().byte()
    shaped = pixels[:, None, None, None].expand(-1, 3, 8, 8).contiguous()
    return LabelledImages(tuple(map(str, range(n))), shaped, labels)


def test_an_inception_that_is_normalised_twice_is_refused() -> None:
    right = Classifier(Brightness(own_normaliser=False), HALF, HALF)
    twice = Classifier(Brightness(own_normaliser=True), HALF, HALF)
    spec = published(0.774)
    accept(spec, accuracy(right, greys()))
    got = accuracy(twice, greys())
    assert got.rate < 0.7
    with pytest.raises(AccuracyError) as raised:
        accept(spec, got)
    sentence = str(raised.value)
    assert f"it names {got.correct} of 200 pictures" in sentence
    assert "77.4% are published" in sentence
    assert "normalised twice" in sentence


@pytest.mark.parametrize(
    ("mean", "std"), [(HALF, HALF), ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))]
)
def test_a_real_network_that_is_normalised_twice_is_refused(
    mean: tuple[float, ...], std: tuple[float, ...]
) -> None:
    """EfficientNet-lite0, published to name what it names, and behind one normaliser too many.

    Forty pictures tell the two apart; at a published 75 % it would take hundreds.
    """
    right = load_classifier(find("tf_efficientnet_lite0.pypi"))
    views = [bundled_imagenet(View(224, crop)) for crop in (0.7, 0.875)]
    pixels = torch.cat([view.pixels for view in views])
    answers = torch.cat([right(to_float(part)).argmax(1) for part in pixels.split(20)])
    pictures = LabelledImages(tuple(map(str, range(40))), pixels, answers, "imagenet")
    accept(published(0.99), accuracy(right, pictures, batch=20))
    twice = Classifier(right, mean, std).requires_grad_(False).eval()
    with pytest.raises(AccuracyError, match="normalised twice"):
        accept(published(0.99), accuracy(twice, pictures, batch=20))


@pytest.mark.parametrize(
    ("correct", "n", "rate", "accepted"),
    [
        (762, 1000, 0.761, True),
        (730, 1000, 0.761, True),  # chance allows it
        (700, 1000, 0.761, False),
        (37_700, 50_000, 0.761, False),  # the whole set allows little
        (37_950, 50_000, 0.761, True),
        (20, 20, 0.5, True),  # easy pictures
        (14, 20, 0.761, True),
        (5, 20, 0.761, False),
        (0, 1000, None, True),  # nothing is published
    ],
)
def test_the_interval_decides(correct: int, n: int, rate: float | None, accepted: bool) -> None:
    if accepted:
        accept(published(rate), Accuracy(correct, n))
    else:
        with pytest.raises(AccuracyError, match="is refused"):
            accept(published(rate), Accuracy(correct, n))


def test_an_operated_network_is_not_held_to_the_intact_one_s_accuracy() -> None:
    spec = published(0.761)
    assert published_accuracy(spec) == 0.761
    assert published_accuracy(operated(spec, "average-pool")) is None
    accept(operated(spec, "average-pool"), Accuracy(5, 20))
