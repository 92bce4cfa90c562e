"""Adversarial examples made on a source, shown to targets (foolbox inside).

Conditions of the rows: ``clean``; ``l2_0.50/untargeted`` with the attack's iterations as step;
``l2_0.50/targeted/3``; ``l2_0.50/noise``, a random direction of the same norm.
"""

from dataclasses import dataclass

import foolbox
import torch
from foolbox.attacks import (
    L2ProjectedGradientDescentAttack,
    LinfProjectedGradientDescentAttack,
)
from foolbox.criteria import Criterion, Misclassification, TargetedMisclassification
from jaxtyping import Float, Int64
from torch import Tensor, nn

from zoo.datasets import batch_size

_PGD = {"l2": L2ProjectedGradientDescentAttack, "linf": LinfProjectedGradientDescentAttack}


@dataclass(frozen=True)
class Attack:
    """One perturbation budget and what is done with it.

    Attributes:
        norm: ``l2`` or ``linf``, over pixels in [0,1].
        eps: radius of the ball.
        goal: ``untargeted``, ``targeted`` (towards ``target``) or ``noise``.
        steps: PGD iterations of size eps / 5, from a random start; 0 for noise.
    """

    norm: str
    eps: float
    goal: str
    steps: int = 0
    target: int | None = None

    @property
    def condition(self) -> str:
        """The rows' condition: norm, radius, goal, and the class aimed at."""
        parts = [
            f"{self.norm}_{self.eps:.2f}" if self.norm == "l2" else f"{self.norm}_{self.eps:.3f}"
        ]
        parts += [self.goal] + ([str(self.target)] if self.target is not None else [])
        return "/".join(parts)


def craft(
    model: nn.Module,
    images: Float[Tensor, "b 3 h w"],
    labels: Int64[Tensor, " b"],
    *,
    attack: Attack,
    seed: int,
) -> Float[Tensor, "b 3 h w"]:
    """Perturbed pictures in [0,1] and in the eps ball round ``images``.

    Args:
        model: pixels in [0,1] to logits, in evaluation mode.
        labels: true classes; a targeted attack aims at ``attack.target`` instead.

    Raises:
        ValueError: an unknown norm or goal.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)  # foolbox draws its random starts from the global generator
        return torch.cat(
            [_perturbed(model, images[part], labels[part], attack) for part in _parts(images)]
        )


def _parts(images: Tensor) -> list[slice]:
    """Batches that a memory holds."""
    size = batch_size(images)
    return [slice(start, start + size) for start in range(0, len(images), size)]


def _perturbed(model: nn.Module, images: Tensor, labels: Tensor, attack: Attack) -> Tensor:
    if attack.goal == "noise":
        return _noise(images, attack)
    pgd = _PGD[attack.norm](abs_stepsize=attack.eps / 5, steps=attack.steps, random_start=True)
    fmodel = foolbox.PyTorchModel(model, bounds=(0, 1), device=images.device)
    _, clipped, _ = pgd(fmodel, images, _criterion(attack, labels), epsilons=attack.eps)
    perturbed: Tensor = clipped.detach()
    return perturbed


def _criterion(attack: Attack, labels: Tensor) -> Criterion:
    if attack.goal == "untargeted":
        return Misclassification(labels)
    if attack.goal == "targeted" and attack.target is not None:
        return TargetedMisclassification(torch.full_like(labels, attack.target))
    raise ValueError(f"attack goal {attack.goal} with target {attack.target}: see Attack")


def _noise(images: Tensor, attack: Attack) -> Tensor:
    """A random point on the sphere (L2) or a random corner of the cube (Linf), clipped to [0,1]."""
    direction = torch.randn(images.shape).to(images)
    if attack.norm == "linf":
        return (images + attack.eps * direction.sign()).clamp(0, 1)
    unit: Tensor = direction / direction.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
    return (images + attack.eps * unit).clamp(0, 1)


@dataclass(frozen=True)
class Crafted:
    """One attack's pictures and what the source answers to them."""

    attack: Attack
    images: Float[Tensor, "b 3 h w"]
    source_answers: Int64[Tensor, " b"]


def answers(model: nn.Module, images: Float[Tensor, "b 3 h w"]) -> Int64[Tensor, " b"]:
    """The class each picture is given."""
    with torch.no_grad():
        layout = images.contiguous(memory_format=torch.channels_last)
        return torch.cat([model(layout[part]).argmax(1) for part in _parts(layout)])


def facts(
    target: nn.Module,
    clean: Float[Tensor, "b 3 h w"],
    labels: Int64[Tensor, " b"],
    crafted: Crafted,
) -> dict[str, Tensor]:
    """What one target answers to one attack's pictures: metric to one value a picture."""
    given = answers(target, crafted.images)
    rounded = answers(target, torch.round(crafted.images * 255) / 255)
    delta = (crafted.images - clean).flatten(1)
    wrong = given != labels
    found = {
        "adv_correct": given == labels,
        "adv_correct_8bit": rounded == labels,
        "adv_same_as_source": wrong & (given == crafted.source_answers),
        "perturbation_l2": delta.norm(dim=1),
        "perturbation_linf": delta.abs().amax(1),
    }
    if crafted.attack.target is not None:
        found["adv_hits_target"] = given == crafted.attack.target
    return found
