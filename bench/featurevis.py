"""Pictures that excite one channel or one logit the most (Olah et al. 2017).

Without priors, gradient steps on the pixels and nothing else, only robust networks give pictures a
person recognises (Engstrom et al. 2019). Fourier coefficients and random views are the priors.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt

import torch
from jaxtyping import Float
from torch import Tensor

from bench.optimize import LossError, Tick
from bench.parameterize import GREY, parameterization
from bench.transforms import random_view
from zoo.load import Classifier, Encoder

Objective = Callable[[Tensor], Tensor]  # pictures "b 3 h w" to what each of them excites, "b"

STEP = 0.01  # root mean square of one step over a picture's parameters, in units of pixels
NOISE = 0.01  # standard deviation of the grey start


@dataclass(frozen=True)
class VisSettings:
    """How pictures are optimised.

    Attributes:
        size: side of the pictures, pixels.
        steps: of the ascent.
        parameterization: what is optimised, see ``bench.parameterize``.
        transforms: whether the network sees a new random view at each step.
    """

    size: int = 96
    steps: int = 128
    parameterization: str = "pixel"
    transforms: bool = False

    @property
    def condition(self) -> str:
        """The rows' condition."""
        return self.parameterization + ("+transforms" if self.transforms else "")


@dataclass(frozen=True)
class Visualised:
    """Pictures in [0,1], and what their objectives were at the start and at the end, unviewed."""

    images: Float[Tensor, "b 3 h w"]
    start: Float[Tensor, " b"]
    end: Float[Tensor, " b"]


def maximise(
    objective: Objective,
    count: int,
    *,
    settings: VisSettings,
    seed: int,
    device: torch.device | str = "cpu",
    tick: Tick = lambda _: None,
) -> Visualised:
    """Ascend each picture's objective by steps of equal length, cut back to [0,1] after each.

    Args:
        objective: each picture's value must depend on that picture alone.
        count: how many pictures it takes at once.
        seed: of the starts, which are equal in all pictures, and of the views.
        tick: called with the negative mean objective at each step.

    Raises:
        LossError: the objective is no number.
    """
    space = parameterization(settings.parameterization, settings.size, settings.size)
    generator = torch.Generator().manual_seed(seed)
    images = _grey(settings.size, generator).to(device).repeat(count, 1, 1, 1)
    parameters = space.encode(images)
    with torch.no_grad():
        before = objective(images)
    for _ in range(settings.steps):
        view_seed = int(torch.randint(2**31, (), generator=generator))
        x = parameters.detach().requires_grad_()
        pictures = space.decode(x)
        if settings.transforms:
            pictures = random_view(pictures, seed=view_seed)
        values = objective(pictures.contiguous(memory_format=torch.channels_last))
        if not values.isfinite().all():
            raise LossError(
                "an activation is no number: check the weights (python -m zoo check NAME)"
            )
        (gradient,) = torch.autograd.grad(values.sum(), x)
        images = space.decode(parameters + _step(gradient)).clamp(0, 1)
        parameters = space.encode(images)
        tick(-float(values.mean().detach()))
    with torch.no_grad():
        return Visualised(images, before, objective(images))


def channels(encoder: Encoder, tap: str, chosen: Sequence[int]) -> Objective:
    """The mean over positions of one channel of a tap for each picture."""

    def objective(images: Tensor) -> Tensor:
        found: Tensor = encoder(images)[tap]
        return found[range(len(chosen)), list(chosen)].mean(dim=(1, 2))

    return objective


def logits(classifier: Classifier, classes: Sequence[int]) -> Objective:
    """The logit of one class for each picture."""

    def objective(images: Tensor) -> Tensor:
        found: Tensor = classifier(images)
        return found[range(len(classes)), list(classes)]

    return objective


def alive(encoder: Encoder, tap: str, count: int, *, size: int, seed: int) -> tuple[int, ...]:
    """At most so many channels of a tap, evenly spaced among those that answer to the start.

    A rectified channel that is 0 everywhere has no gradient, and its picture would stay grey.
    """
    device = encoder.classifier.mean.device
    with torch.no_grad():
        found = encoder(_grey(size, torch.Generator().manual_seed(seed)).to(device))[tap]
    living = (found.mean(dim=(0, 2, 3)) > 0).nonzero().flatten().tolist()
    n = min(count, len(living))
    return tuple(living[i * len(living) // n] for i in range(n))


def _grey(size: int, generator: torch.Generator) -> Float[Tensor, "1 3 h w"]:
    return GREY + NOISE * torch.randn(1, 3, size, size, generator=generator)


def _step(gradient: Tensor) -> Tensor:
    """The gradient of each picture at the step's length; none where there is no gradient."""
    length = gradient.flatten(1).norm(dim=1).clamp(min=torch.finfo(gradient.dtype).tiny)
    scale = STEP * sqrt(gradient[0].numel()) / length
    step: Tensor = gradient * scale.view(-1, *[1] * (gradient.dim() - 1))
    return step
