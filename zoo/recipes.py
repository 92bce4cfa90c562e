"""What a training is, as data: everything that decides the weights besides the network and seed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from zoo.spec import ModelSpec


@dataclass(frozen=True)
class Attack:
    """Adversary of adversarial training (Madry et al. 2018): PGD on every batch."""

    norm: str
    eps: float
    steps: int
    step_size: float


@dataclass(frozen=True)
class Recipe:
    """One-cycle SGD with Nesterov momentum.

    Attributes:
        tried: peak learning rates that ``zoo.search`` holds against each other first; the best
            one becomes ``peak_lr``.
        clip_norm: largest norm of the gradient, for networks without batch norm.
        crop_padding: pictures are flipped and shifted by up to so many pixels; None = not at all.
        precision: of the network's passes; ``bfloat16`` becomes ``float32`` where that is
            faster (``zoo.precision``), and the manifest has the one used.
        data: ``cifar10``, or a data set that ``zoo.nonrobust`` makes from it.
    """

    epochs: int
    attack: Attack | None = None
    batch_size: int = 128
    peak_lr: float = 0.2
    momentum: float = 0.9
    weight_decay: float = 5e-4
    clip_norm: float | None = None
    crop_padding: int | None = 3
    precision: str = "bfloat16"
    data: str = "cifar10"
    tried: tuple[float, ...] = ()


def _adversarial(eps: float) -> Recipe:
    return Recipe(epochs=10, attack=Attack("l2", eps, steps=2, step_size=0.7 * eps))


_TRIED = (0.025, 0.05, 0.1, 0.2)
# most networks learn best from the non-robust data sets above 0.1
_FAST = (*_TRIED, 0.4, 0.8)

RECIPES: dict[str, Recipe] = {
    "standard": Recipe(epochs=18),
    "tuned": Recipe(epochs=12, tried=_TRIED, clip_norm=2.0),
    "l2_025": _adversarial(0.25),
    "l2_05": _adversarial(0.5),
    "l2_1": _adversarial(1.0),
    # as Ilyas et al. 2019: no augmentation for D_det, which shifted pictures would not fit
    "det": Recipe(epochs=10, tried=_FAST, clip_norm=2.0, crop_padding=None, data="det"),
    "rand": Recipe(epochs=10, tried=_FAST, clip_norm=2.0, data="rand"),
    "noise": Recipe(epochs=10, tried=_FAST, clip_norm=2.0, data="noise"),
}


def recipe_of(spec: ModelSpec) -> Recipe:
    """The recipe a model is trained with."""
    return RECIPES[spec.recipe or spec.training]


def asked(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """A recipe without what is chosen on the way, the rate and precision, as JSON has it.

    Args:
        recipe: ``dataclasses.asdict`` of one, or a manifest's.
    """
    chosen = ("name", "peak_lr", "precision")
    left: dict[str, Any] = json.loads(
        json.dumps({name: value for name, value in recipe.items() if name not in chosen})
    )
    return left
