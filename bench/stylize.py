"""Neural style transfer (Gatys et al. 2016; Nakano 2019's protocol)."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from bench.optimize import Tick, adam, lbfgs
from bench.parameterize import parameterization
from bench.style_loss import StyleLoss
from bench.style_settings import StyleSettings
from zoo.load import Encoder

__all__ = ["StyleSettings", "Stylized", "stylize"]


@dataclass(frozen=True)
class Stylized:
    """Pictures and how the loss went.

    Attributes:
        images: in [0,1], clamped after the last step.
        trace: for each picture "k 2": total and relative style loss at each gradient evaluation.
        clipped: share of pixel values the clamp changed, 0..1.
        diverged: the loss became no number, or ended above its start; the picture is then the last
            one with a finite loss.
        iterations, failures: of the optimiser and of its line searches (``bench.optimize``).
        layers: for each picture "taps 2": the raw squared Gram distance that is left at each style
            tap, and the style's own energy there, both in the network's own units.
    """

    images: Float[Tensor, "b 3 h w"]
    trace: tuple[Float[Tensor, "k 2"], ...]
    clipped: tuple[float, ...]
    diverged: tuple[bool, ...]
    iterations: tuple[int, ...]
    failures: tuple[int, ...]
    layers: tuple[Float[Tensor, "taps 2"], ...]


def stylize(
    encoder: Encoder,
    content: Float[Tensor, "b 3 h w"],
    style: Float[Tensor, "b 3 h2 w2"],
    *,
    content_layer: str,
    style_layers: tuple[str, ...],
    weight: float,
    settings: StyleSettings,
    seed: int,
    tick: Tick = lambda _: None,
) -> Stylized:
    """Give each content picture the style of its partner.

    Minimises ``weight * style_distance + relative content distance``. Every pair has an optimiser
    of its own, so a batch gives what single pairs give.

    Args:
        encoder: taps at least ``content_layer`` and ``style_layers``.
        tick: called with the total loss at each gradient evaluation.

    Raises:
        zoo.load.SizeError: the pictures are smaller than the taps need.
        bench.optimize.LossError: the loss is no number at the very first evaluation.
    """
    results = []
    for i in range(len(content)):
        c, s = content[i : i + 1], style[i : i + 1]
        losses = StyleLoss(
            encoder, c, s, content_layer=content_layer, style_layers=style_layers, weight=weight,
            settings=settings, seed=seed,
        )  # fmt: skip
        results.append(_one(losses, _start(c, settings.start, seed), settings, tick))
    images, *facts = zip(*results, strict=True)
    return Stylized(torch.cat(images), *map(tuple, facts))


def _one(
    losses: StyleLoss, start: Tensor, settings: StyleSettings, tick: Tick
) -> tuple[Tensor, Tensor, float, bool, int, int, Tensor]:
    """The fields of ``Stylized`` for one picture."""
    space = parameterization(settings.parameterization, *start.shape[-2:])
    minimise = adam if settings.transforms or settings.adam else lbfgs
    found = minimise(
        lambda p: losses(space.decode(p)), space.encode(start), settings.evaluations, tick
    )
    final, trace = space.decode(found.parameters), found.trace
    diverged = len(trace) > 1 and (trace[-1][0] > trace[0][0] or not trace[-1][0] < math.inf)
    kept = torch.tensor([pair for pair in trace if pair[0] < math.inf], dtype=torch.float64)
    clipped = float(((final < 0) | (final > 1)).float().mean())
    shown = final.clamp(0, 1)
    return shown, kept, clipped, diverged, found.iterations, found.failures, losses.raw(shown)


def _start(content: Tensor, start: str, seed: int) -> Tensor:
    if start == "content":
        return content.clone().contiguous()
    generator = torch.Generator().manual_seed(seed)
    noise = 0.5 + 0.15 * torch.randn(content.shape, generator=generator)
    return noise.to(content).clamp(0, 1)
