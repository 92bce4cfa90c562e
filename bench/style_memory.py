"""What stylising a picture takes in memory, reckoned from shapes before anything is computed."""

from collections.abc import Callable
from functools import lru_cache

import torch
from torch import Tensor, nn

from bench.inputs import Inputs
from bench.optimize import HISTORY
from bench.pictures import Picture
from bench.style_loss import StyleLoss
from bench.style_settings import StyleSettings
from zoo.load import load_encoder, parameters
from zoo.memory import BYTES_A_PIXEL, free_bytes
from zoo.spec import ModelSpec
from zoo.taps import Taps, tap_set

_FLOAT = 4
_AT_HAND = (
    10  # copies of the picture: the last good one, gradients, ends of a line search's bracket
)
_IN_FLIGHT = 2  # of the largest activation: the gradients on both sides of its layer
_SCORING = 1_000  # bytes a pixel for judges, spectra and sorted patches, afterwards
_TOGETHER = 3  # pictures whose activations are compared at once
_STATISTICS = 8  # float32 maps as large as four in float64: values, shares, their logarithms, sums


class MemoryShortError(RuntimeError):
    """Pictures too large for the free memory; the message says what to do."""


def check_memory(spec: ModelSpec, settings: StyleSettings, inputs: Inputs) -> None:
    """Refuse rather than swap; only where it may be needed is the network's own share reckoned.

    Raises:
        MemoryShortError: stylising the run's largest picture takes more memory than is free.
    """
    height, width = _largest(inputs)
    history = _history(settings, height, width)
    _check("stylising", spec, inputs, history, lambda: style_bytes(spec, settings, height, width))


def check_forward(spec: ModelSpec, inputs: Inputs) -> None:
    """The same where pictures are only looked at, without a gradient.

    Raises:
        MemoryShortError: the activations of the run's largest picture take more than is free.
    """
    height, width = _largest(inputs)
    _check("looking at", spec, inputs, 0, lambda: forward_bytes(spec, height, width))


def _check(
    doing: str, spec: ModelSpec, inputs: Inputs, kept: int, reckoned: Callable[[], int]
) -> None:
    """Refuse what is reckoned to take more than is free, if a bound from above does so, too."""
    height, width = _largest(inputs)
    free = free_bytes(torch.device(inputs.device))
    if _FLOAT * parameters(spec) + BYTES_A_PIXEL * height * width + kept <= free:
        return
    needed = reckoned()
    if needed > free:
        raise MemoryShortError(
            f"{doing} {width}x{height} pixels with {spec.name} takes about {needed / 1e9:.1f} GB "
            f"of memory and {free / 1e9:.1f} GB are free: use a smaller --size"
        )


def forward_bytes(spec: ModelSpec, height: int, width: int) -> int:
    """Peak memory of looking at a picture at the matched taps, in bytes, to a factor of three.

    Weights, the taps' activations of an output, its content and its style at once, and what
    statistics hold of the largest one in double precision.
    """
    weights, taps, largest = _looked(spec, height, width)
    return weights + _TOGETHER * taps + _STATISTICS * largest


@lru_cache(maxsize=256)
def _looked(spec: ModelSpec, height: int, width: int) -> tuple[int, int, int]:
    """Bytes of the weights, of all matched taps' activations, of the largest of them."""
    encoder = load_encoder(spec).to("meta")
    with torch.no_grad():
        found = encoder(torch.empty(1, 3, height, width, device="meta")).values()
    sizes = [tap.numel() * tap.element_size() for tap in found]
    return _weights(encoder), sum(sizes), max(sizes)


def _weights(encoder: nn.Module) -> int:
    return sum(p.numel() * p.element_size() for p in encoder.parameters())


def style_bytes(spec: ModelSpec, settings: StyleSettings, height: int, width: int) -> int:
    """Peak memory of one cell in bytes, beside what the process holds: right to a factor of two.

    The larger of what optimising holds (weights, all that a forward pass to the last tap keeps for
    the gradient, the optimiser's history) and of what scoring takes.
    """
    taps = tap_set(spec, settings.taps, content=settings.content_tap)
    weights, kept, largest = _traced(spec, taps, settings.smoothing, height, width)
    optimising = kept + _IN_FLIGHT * largest + _history(settings, height, width)
    return weights + max(optimising, _SCORING * height * width)


def _history(settings: StyleSettings, height: int, width: int) -> int:
    """What the optimiser keeps, in bytes: a step and a change of gradient for each iteration."""
    steps = 1 if settings.transforms else min(HISTORY, settings.evaluations)
    return (2 * steps + _AT_HAND) * 3 * height * width * _FLOAT


@lru_cache(maxsize=256)
def _traced(
    spec: ModelSpec, taps: Taps, smoothing: str, height: int, width: int
) -> tuple[int, int, int]:
    """Bytes of the weights, of all that one evaluation keeps for its gradient, of the largest."""
    encoder = load_encoder(spec, taps=taps.every).to("meta")  # folded first, as it is run
    found: dict[int, tuple[Tensor, int]] = {}

    def pack(tensor: Tensor) -> Tensor:
        if not isinstance(tensor, nn.Parameter):
            storage = tensor.untyped_storage()
            # kept, so that no other tensor takes its place in memory and is counted as the same
            found[storage._cdata] = (tensor, storage.nbytes())
        return tensor

    picture = torch.empty(1, 3, height, width, device="meta")
    losses = StyleLoss(
        encoder, picture, picture, content_layer=taps.content, style_layers=taps.style, weight=1.0,
        settings=StyleSettings(smoothing=smoothing), seed=0,
    )  # fmt: skip
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        losses(picture.clone().requires_grad_())
    sizes = [size for _, size in found.values()]
    return _weights(encoder), sum(sizes), max(sizes)


def _largest(inputs: Inputs) -> tuple[int, int]:
    """Height and width of the run's largest picture."""
    height, width = max((*inputs.contents, *inputs.styles), key=_pixels).pixels.shape[1:]
    return height, width


def _pixels(picture: Picture) -> int:
    return picture.pixels.shape[1:].numel()
