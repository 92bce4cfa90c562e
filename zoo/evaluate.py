"""Accuracies of a trained network: counts of right answers, with n, never rounded rates."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from scipy.stats import binomtest
from torch import nn

from zoo.datasets import LabelledImages, to_float
from zoo.labels import wordnet_ids
from zoo.memory import batch_size
from zoo.precision import computing, fastest
from zoo.robust import STEPS, input_gradient, logits_and_gradient
from zoo.spec import ModelSpec

Tick = Callable[[int], None]
# of the interval a published accuracy must not lie above: of a thousand good checkpoints one fails
CONFIDENCE = 0.999


class AccuracyError(RuntimeError):
    """A model that answers worse than it was published to; the message says what may be wrong."""


@dataclass(frozen=True)
class Accuracy:
    """Right answers among n pictures."""

    correct: int
    n: int

    @property
    def rate(self) -> float:
        """Share of right answers, 0..1."""
        return self.correct / self.n


@dataclass(frozen=True)
class Pgd:
    """The untargeted attack that robust accuracy is measured with."""

    norm: str = "l2"
    eps: float = 0.5
    steps: int = 20
    step_size: float = 0.0625  # 2.5 eps / steps, as the robustness library


def accuracy(model: nn.Module, images: LabelledImages, *, batch: int | None = None) -> Accuracy:
    """Clean accuracy of a frozen classifier in fp32."""
    device = next(model.parameters()).device
    right = 0
    with torch.no_grad():
        for x, y in images.batches(batch or batch_size(images.pixels.shape[-1], device)):
            right += int((model(x.to(device)).argmax(1).cpu() == y).sum())
    return Accuracy(right, len(images))


def published_accuracy(spec: ModelSpec) -> float | None:
    """Top-1 as published, 0..1; None where none is known, as of every operated network."""
    found: float | None = None if spec.surgery else getattr(spec.weights, "accuracy", None)
    return found


def shows_all_classes(images: LabelledImages) -> bool:
    """Whether pictures show all of ImageNet's 1,000 classes, as published accuracies are of."""
    return images.space == "imagenet" and len(set(images.labels.tolist())) == len(wordnet_ids())


def unjudged(images: LabelledImages) -> str:
    """Why pictures judge no published accuracy."""
    return (
        f"not held against published accuracies: these {len(images)} pictures show "
        f"{len(set(images.labels.tolist()))} classes, and all 1,000 are wanted (the validation set)"
    )


def accept(spec: ModelSpec, got: Accuracy) -> None:
    """Refuse a model whose accuracy misses the published one by more than its interval.

    What this sees depends on n. Of 1,000 pictures, one a class, a model of 76 % is refused below
    about 71.5 %, of 10,000 below 74.7 %, of all 50,000 below 75.5 %. So a normaliser left inside a
    network is caught by few pictures, and the double mapping of torchvision's Inception, which
    costs a few points, by many only.

    Args:
        got: on a sample of the validation images that shows all classes, at the model's own size.

    Raises:
        AccuracyError: the published accuracy lies above Wilson's interval round the measured one.
    """
    published = published_accuracy(spec)
    if published is None:
        return
    high = binomtest(got.correct, got.n).proportion_ci(CONFIDENCE, method="wilson").high
    if published > high:
        raise AccuracyError(
            f"{spec.name} is refused: it names {got.correct} of {got.n} pictures, at most "
            f"{high:.1%} in truth, and {published:.1%} are published; its weights are damaged or "
            "of another model, or its pictures are normalised twice or cut otherwise"
        )


def robust_accuracy(
    model: nn.Module,
    images: LabelledImages,
    *,
    attack: Pgd,
    seed: int,
    batch: int = 250,
    tick: Tick = lambda _: None,
) -> Accuracy:
    """Accuracy under PGD with a random start; a picture counts as lost at its first wrong answer.

    Lost pictures leave the batch, so weak networks cost little. Gradients run in bfloat16 where
    that is faster; every answer that counts is given in fp32.
    """
    device = next(model.parameters()).device
    right = 0
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for start in range(0, len(images), batch):
            x = to_float(images.pixels[start : start + batch]).to(device)
            y = images.labels[start : start + batch].to(device)
            right += _survivors(model, x, y, attack)
            tick(len(y))
    return Accuracy(right, len(images))


def _survivors(model: nn.Module, clean: torch.Tensor, y: torch.Tensor, attack: Pgd) -> int:
    kept = _answers(model, clean) == y
    clean, y = clean[kept].contiguous(), y[kept]
    if not len(y):
        return 0
    x = STEPS[attack.norm](clean, attack.eps, attack.step_size).random_perturb(clean)
    for _ in range(attack.steps):
        kept, gradient = _judged(model, x, y)
        x, clean, y = x[kept].contiguous(), clean[kept].contiguous(), y[kept]
        if not len(y):
            return 0
        step = STEPS[attack.norm](clean, attack.eps, attack.step_size)
        x = step.project(step.step(x, gradient))
    return int((_answers(model, x) == y).sum())


def _judged(
    model: nn.Module, x: torch.Tensor, y: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Which answers are right, and the gradients of those pictures."""
    precision = fastest(x.device)
    if precision == "float32":  # the gradient's own pass has the answers
        logits, gradient = logits_and_gradient(model, x, y)
        kept = logits.argmax(1) == y
        return kept, gradient[kept]
    kept = _answers(model, x) == y
    with computing(x.device, precision):
        return kept, input_gradient(model, x[kept], y[kept])


def _answers(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        answers: torch.Tensor = model(x.contiguous(memory_format=torch.channels_last)).argmax(1)
    return answers
