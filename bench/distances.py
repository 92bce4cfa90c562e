"""How far each picture is from its nearest error: minimal adversarial distances (foolbox inside).

Every attack gives an upper bound; the smallest over attacks is the picture's distance, and the
share of pictures further than eps is the robust accuracy at eps, for every eps at once.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import foolbox
import torch
from foolbox.attacks import (
    DDNAttack,
    HopSkipJumpAttack,
    L2ProjectedGradientDescentAttack,
    LInfFMNAttack,
    LinfProjectedGradientDescentAttack,
)
from foolbox.attacks.gradient_descent_base import normalize_lp_norms
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from bench.transfer import answers

_PGD = {"l2": L2ProjectedGradientDescentAttack, "linf": LinfProjectedGradientDescentAttack}
_ORDER = {"l2": 2.0, "linf": float("inf")}
_HALVINGS = 10


@dataclass(frozen=True)
class Search:
    """One way to look for the nearest error.

    Attributes:
        norm: ``l2`` or ``linf``, over pixels in [0,1].
        method: ``pgd`` (Madry et al. 2018, on a ladder of radii), ``ddn`` (Rony et al. 2019, L2),
            ``fmn`` (Pintor et al. 2021, Linf) or ``hop_skip_jump`` (Chen et al. 2020), which asks
            for answers only and so does not care how gradients look; with few queries its errors
            are several times too far, so it sees gross masking only.
        steps: iterations; of PGD at each radius, of size 2.5 eps / steps.
        eps: PGD's radii, ascending; pictures lost at one are not attacked at the next.
        restarts: random starts of PGD at each radius.
        queries: answers HopSkipJump asks for in its first step; later steps ask sqrt(step) as many.
        first: only so many of the pictures, None = all of them.
    """

    norm: str
    method: str
    steps: int
    eps: tuple[float, ...] = ()
    restarts: int = 1
    queries: int = 20
    first: int | None = None

    @property
    def condition(self) -> str:
        """The rows' condition: norm and method."""
        return f"{self.norm}/{self.method}"


@dataclass(frozen=True)
class Nearest:
    """The nearest errors one search found.

    Attributes:
        images: in [0,1]; the clean picture where none was found, or where it is an error itself.
        distance: in the search's norm; 0 where the clean answer is wrong, inf where none was found.
    """

    images: Float[Tensor, "b 3 h w"]
    distance: Float[Tensor, " b"]


def nearest(
    model: nn.Module,
    images: Float[Tensor, "b 3 h w"],
    labels: Int64[Tensor, " b"],
    *,
    search: Search,
    seed: int,
) -> Nearest:
    """The nearest error of every picture that this search finds.

    What an attack finds is pulled back along the straight line to the clean picture, then asked
    again: only an answer that is wrong counts, whatever the attack says of itself.

    Args:
        model: pixels in [0,1] to logits, in evaluation mode.
        images: in [0,1]; all are in memory at once, and HopSkipJump starts from one another.

    Raises:
        ValueError: an unknown norm or method, or a method that does not know the norm.
    """
    run = _METHODS.get((search.norm, search.method))
    if run is None:
        raise ValueError(f"no search {search.method} in norm {search.norm}: see Search")
    right = answers(model, images) == labels
    found = images.clone()
    if right.any():
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)  # foolbox draws from the global generator
            found[right] = run(model, images[right], labels[right], search)
    found = _pulled_back(model, images, found.clamp(0, 1), labels)
    wrong = answers(model, found) != labels
    length = _lengths(found - images, search.norm)
    return Nearest(
        torch.where(wrong.view(-1, 1, 1, 1), found, images),
        torch.where(wrong, length, torch.inf),
    )


def _lengths(delta: Float[Tensor, "b 3 h w"], norm: str) -> Float[Tensor, " b"]:
    lengths: Tensor = torch.linalg.vector_norm(delta.flatten(1), ord=_ORDER[norm], dim=1)
    return lengths


def _pulled_back(model: nn.Module, clean: Tensor, found: Tensor, labels: Tensor) -> Tensor:
    """The error nearest to the clean picture on the line between, by bisection."""

    def at(share: Tensor) -> Tensor:
        return clean + share.view(-1, 1, 1, 1) * (found - clean)

    low, high = torch.zeros_like(labels, dtype=clean.dtype), torch.ones_like(labels).to(clean)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        wrong = answers(model, at(middle)) != labels
        low, high = torch.where(wrong, low, middle), torch.where(wrong, middle, high)
    # at(1) may differ from what was found by rounding
    return torch.where((high < 1).view(-1, 1, 1, 1), at(high), found)


def _pgd(model: nn.Module, images: Tensor, labels: Tensor, search: Search) -> Tensor:
    attack = _PGD[search.norm](rel_stepsize=2.5 / search.steps, steps=search.steps)
    found, standing = images.clone(), torch.ones_like(labels, dtype=torch.bool)
    for eps in search.eps:
        for _ in range(search.restarts):
            index = standing.nonzero().flatten()
            if not len(index):
                return found
            target = _foolbox(model, images)
            _, clipped, success = attack(target, images[index], labels[index], epsilons=eps)
            found[index[success]] = clipped[success]
            standing[index[success]] = False
    return found


def _minimised(
    make: Callable[[Search], Any],
) -> Callable[[nn.Module, Tensor, Tensor, Search], Tensor]:
    def run(model: nn.Module, images: Tensor, labels: Tensor, search: Search) -> Tensor:
        found: Tensor = make(search)(_foolbox(model, images), images, labels, epsilons=None)[0]
        return found

    return run


class _HopSkipJump(HopSkipJumpAttack):
    """HopSkipJump with steps that do not depend on the batch."""

    def approximate_gradients(self, *arguments: Any, **options: Any) -> Any:
        # foolbox divides by the norm of the whole batch, so each picture shortens the others' steps
        estimate = super().approximate_gradients(*arguments, **options)
        return normalize_lp_norms(estimate, p=2)


def _hop_skip_jump(model: nn.Module, images: Tensor, labels: Tensor, search: Search) -> Tensor:
    start, known = _starts(images, answers(model, images), labels, search.norm)
    found = images.clone()
    if known.any():
        attack = _HopSkipJump(
            steps=search.steps,
            initial_gradient_eval_steps=search.queries,
            constraint=search.norm,
        )
        found[known] = attack.run(
            _foolbox(model, images), images[known], labels[known], starting_points=start[known]
        )
    return found


def _starts(
    images: Tensor, given: Tensor, labels: Tensor, norm: str
) -> tuple[Tensor, Bool[Tensor, " b"]]:
    """For each picture the nearest other one that gets another answer, and whether there is one.

    foolbox starts from uniform noise, which many networks give one answer: a thousand draws later
    it fails.
    """
    flat = images.flatten(1)
    apart = torch.cdist(flat, flat, p=_ORDER[norm])
    apart = apart.masked_fill(given[None, :] == labels[:, None], torch.inf)
    best = apart.min(dim=1)
    return images[best.indices], best.values.isfinite()


def _foolbox(model: nn.Module, images: Tensor) -> foolbox.PyTorchModel:
    return foolbox.PyTorchModel(model, bounds=(0, 1), device=images.device)


# foolbox's L2FMNAttack is not among them: in 3.3.4 its projection divides a norm by itself and so
# never shrinks the ball.
_METHODS: dict[tuple[str, str], Callable[[nn.Module, Tensor, Tensor, Search], Tensor]] = {
    ("l2", "pgd"): _pgd,
    ("linf", "pgd"): _pgd,
    ("l2", "ddn"): _minimised(lambda search: DDNAttack(steps=search.steps)),
    ("linf", "fmn"): _minimised(lambda search: LInfFMNAttack(steps=search.steps)),
    ("l2", "hop_skip_jump"): _hop_skip_jump,
    ("linf", "hop_skip_jump"): _hop_skip_jump,
}
