"""Adversarial examples made on a source, shown to targets (foolbox inside).

Conditions of the rows: ``clean``; ``l2_0.50/untargeted`` with the attack's iterations as step;
``l2_0.50/targeted/3``; ``l2_0.50/noise``, a random direction of the same norm; and, by other
methods than plain PGD, ``l2_0.50/mi/untargeted``.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import foolbox
import torch
from foolbox.criteria import Criterion, Misclassification, TargetedMisclassification
from jaxtyping import Float, Int64
from torch import Tensor, nn

from bench.attacks import PGD, Method, Rows, gradient_attack
from zoo.exchange import batch_of

#: pictures that one series of random numbers is drawn for: fixed, or an attack would make other
#: pictures where less memory is free
CHUNK = 125
_APART = 1_000_003  # between the seeds of chunks, far more than anyone's seeds are


def budget(norm: str, eps: float) -> str:
    """Norm and radius as conditions write them: ``l2_0.50``, ``linf_0.031``."""
    return f"{norm}_{eps:.2f}" if norm == "l2" else f"{norm}_{eps:.3f}"


@dataclass(frozen=True)
class Attack:
    """One perturbation budget and what is done with it.

    Attributes:
        norm: ``l2`` or ``linf``, over pixels in [0,1].
        eps: radius of the ball.
        goal: ``untargeted``, ``targeted`` (towards ``target``) or ``noise``.
        steps: iterations of size eps / 5, from a random start; 0 for noise.
        method: how the gradient is made and used; plain PGD unless told otherwise.
    """

    norm: str
    eps: float
    goal: str
    steps: int = 0
    target: int | None = None
    method: Method = PGD

    @property
    def condition(self) -> str:
        """The rows' condition: norm, radius, method if not PGD, goal, and the class aimed at."""
        parts = [budget(self.norm, self.eps)]
        parts += [self.method.name] if self.method != PGD else []
        parts += [self.goal]
        parts += [str(self.target)] if self.target is not None else []
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
        if attack.goal == "noise":
            return random_perturbation(images, norm=attack.norm, eps=attack.eps)
        fmodel = foolbox.PyTorchModel(model, bounds=(0, 1), device=images.device)
        made = []
        for x, y, rows, chunk in _chunked(model, images, labels):
            torch.manual_seed(seed + _APART * chunk)
            run = gradient_attack(
                attack.norm, attack.method, step_size=attack.eps / 5, steps=attack.steps, rows=rows
            )
            made.append(run(fmodel, x, _criterion(attack, y), epsilons=attack.eps)[1].detach())
    return torch.cat(made)


def _chunked(
    model: nn.Module, images: Tensor, labels: Tensor
) -> Iterator[tuple[Tensor, Tensor, Rows, int]]:
    """Batches that a memory holds, none across two chunks: pictures, labels, rows, chunk."""
    size = batch_of(model, images)
    chunks = zip(torch.split(images, CHUNK), torch.split(labels, CHUNK), strict=True)
    for chunk, (shown, named) in enumerate(chunks):
        for start in range(0, len(shown), size):
            stop = min(start + size, len(shown))
            rows = Rows(start, stop, len(shown))
            yield shown[start:stop], named[start:stop], rows, chunk


def batches(model: nn.Module, images: Tensor, labels: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """As many pictures at a time as the memory they lie in holds on their way through a model."""
    size = batch_of(model, images)
    return zip(torch.split(images, size), torch.split(labels, size), strict=True)


def _criterion(attack: Attack, labels: Tensor) -> Criterion:
    if attack.goal == "untargeted":
        return Misclassification(labels)
    if attack.goal == "targeted" and attack.target is not None:
        return TargetedMisclassification(torch.full_like(labels, attack.target))
    raise ValueError(f"attack goal {attack.goal} with target {attack.target}: see Attack")


def random_perturbation(
    images: Float[Tensor, "b 3 h w"], *, norm: str, eps: float
) -> Float[Tensor, "b 3 h w"]:
    """A random point on the sphere (L2) or a random corner of the cube (Linf), clipped to [0,1].

    Drawn from torch's global generator: seed it first.
    """
    direction = torch.randn(images.shape).to(images)
    if norm == "linf":
        return (images + eps * direction.sign()).clamp(0, 1)
    unit: Tensor = direction / direction.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
    return (images + eps * unit).clamp(0, 1)


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
        parts = torch.split(layout, batch_of(model, layout))
        return torch.cat([model(x).argmax(1) for x in parts])


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
        found["adv_hits_target_8bit"] = rounded == crafted.attack.target
    return found
