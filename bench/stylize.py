"""Neural style transfer by L-BFGS on the pixels (Gatys et al. 2016; Nakano 2019's protocol)."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from bench.gram import grams, relative_distance, style_distance
from zoo.load import Encoder

Tick = Callable[[float], None]


@dataclass(frozen=True)
class StyleSettings:
    """How pictures are optimised.

    Attributes:
        size: short side of the pictures, pixels.
        start: ``content`` or ``noise`` (Gaussian, where artifacts show best).
        taps: ``matched`` or ``article`` (DESIGN: the article's own choice is a confound).
        weights: style weights, each against a content loss of weight 1; both losses are relative.
        evaluations: gradient evaluations a picture, line searches included.
    """

    size: int = 128
    start: str = "content"
    taps: str = "matched"
    weights: tuple[float, ...] = (1.0, 100.0)
    evaluations: int = 120

    def condition(self, weight: float) -> str:
        """The rows' condition for one style weight."""
        return f"{self.start}-start/{self.taps}/w{weight:g}"


@dataclass(frozen=True)
class Stylized:
    """Pictures and how the loss went.

    Attributes:
        images: in [0,1], clamped after the last step.
        trace: for each picture "k 2": total and relative style loss at each gradient evaluation.
        clipped: share of pixel values the clamp changed, 0..1.
        diverged: the loss became no number, or ended above its start; the picture is then the last
            one with a finite loss.
    """

    images: Float[Tensor, "b 3 h w"]
    trace: tuple[Float[Tensor, "k 2"], ...]
    clipped: tuple[float, ...]
    diverged: tuple[bool, ...]


class LossError(ArithmeticError):
    """A loss that is no number from the start; the message says what to do."""


class _NotFinite(Exception):
    """The loss became no number in mid-optimisation."""


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

    Minimises ``weight * style_distance + relative content distance``. Every pair has an L-BFGS of
    its own with strong Wolfe line search, so a batch gives what single pairs give.

    Args:
        encoder: taps at least ``content_layer`` and ``style_layers``.
        tick: called with the total loss at each gradient evaluation.

    Raises:
        zoo.load.SizeError: the pictures are smaller than the taps need.
        LossError: the loss is no number at the very first evaluation.
    """
    results = [
        _one(
            encoder, content[i : i + 1], style[i : i + 1], content_layer, style_layers,
            weight, settings, seed, tick,
        )
        for i in range(len(content))
    ]  # fmt: skip
    images, traces, clipped, diverged = zip(*results, strict=True)
    return Stylized(torch.cat(images), tuple(traces), tuple(clipped), tuple(diverged))


def _one(
    encoder: Encoder,
    content: Tensor,
    style: Tensor,
    content_layer: str,
    style_layers: tuple[str, ...],
    weight: float,
    settings: StyleSettings,
    seed: int,
    tick: Tick,
) -> tuple[Tensor, Tensor, float, bool]:
    with torch.no_grad():
        wanted_content = _encode(encoder, content)[content_layer]
        activations = _encode(encoder, style)
        wanted_style = grams({tap: activations[tap] for tap in style_layers})

    def losses(x: Tensor) -> tuple[Tensor, Tensor]:
        found = _encode(encoder, x)
        style_loss = style_distance(grams({t: found[t] for t in style_layers}), wanted_style).sum()
        content_loss = relative_distance(found[content_layer], wanted_content).sum()
        return weight * style_loss + content_loss, style_loss

    start = _start(content, settings.start, seed)
    final, trace = _minimise(losses, start, settings.evaluations, tick)
    diverged = len(trace) > 1 and (trace[-1][0] > trace[0][0] or not trace[-1][0] < math.inf)
    kept = torch.tensor([pair for pair in trace if pair[0] < math.inf], dtype=torch.float64)
    clipped = float(((final < 0) | (final > 1)).float().mean())
    return final.clamp(0, 1), kept, clipped, diverged


def _minimise(
    losses: Callable[[Tensor], tuple[Tensor, Tensor]], start: Tensor, evaluations: int, tick: Tick
) -> tuple[Tensor, list[tuple[float, float]]]:
    """L-BFGS (Liu & Nocedal 1989), strong Wolfe: the last finite x, and all losses."""
    x = start.clone().requires_grad_()
    finite, trace = start, []
    optimizer = torch.optim.LBFGS(
        [x], max_iter=evaluations, max_eval=evaluations, history_size=50,
        tolerance_grad=0, tolerance_change=0, line_search_fn="strong_wolfe",
    )  # fmt: skip

    def closure() -> Tensor:
        nonlocal finite
        total, style_loss = losses(x)
        trace.append((float(total.detach()), float(style_loss.detach())))
        if not math.isfinite(trace[-1][0]):
            raise _NotFinite
        finite = x.detach().clone()
        (gradient,) = torch.autograd.grad(total, x)
        x.grad = gradient.contiguous()  # L-BFGS flattens it, which channels-last would refuse
        tick(trace[-1][0])
        return total.detach()

    try:
        optimizer.step(closure)  # type: ignore[no-untyped-call]
    except _NotFinite:
        if len(trace) == 1:
            raise LossError(
                "the style loss is no number at its first evaluation: check the weights "
                "(python -m zoo check NAME) and the pictures"
            ) from None
        return finite, trace
    return x.detach(), trace


def _encode(encoder: Encoder, images: Tensor) -> dict[str, Tensor]:
    found: dict[str, Tensor] = encoder(images.contiguous(memory_format=torch.channels_last))
    return found


def _start(content: Tensor, start: str, seed: int) -> Tensor:
    if start == "content":
        return content.clone().contiguous()
    generator = torch.Generator().manual_seed(seed)
    noise = 0.5 + 0.15 * torch.randn(content.shape, generator=generator)
    return noise.to(content).clamp(0, 1)
