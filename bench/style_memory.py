"""What stylising a picture takes in memory, reckoned from shapes before anything is computed."""

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


class MemoryShortError(RuntimeError):
    """Pictures too large for the free memory; the message says what to do."""


def check_memory(spec: ModelSpec, settings: StyleSettings, inputs: Inputs) -> None:
    """Refuse rather than swap; only where it may be needed is the network's own share reckoned.

    Raises:
        MemoryShortError: stylising the run's largest picture takes more memory than is free.
    """
    largest = max((*inputs.contents, *inputs.styles), key=_pixels)
    height, width = largest.pixels.shape[1:]
    free = free_bytes(torch.device(inputs.device))
    most = BYTES_A_PIXEL * height * width + _history(settings, height, width)
    if _FLOAT * parameters(spec) + most <= free:
        return
    needed = style_bytes(spec, settings, height, width)
    if needed > free:
        raise MemoryShortError(
            f"stylising {width}x{height} pixels with {spec.name} takes about {needed / 1e9:.1f} GB "
            f"of memory and {free / 1e9:.1f} GB are free: use a smaller --size"
        )


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
    weights = sum(p.numel() * p.element_size() for p in encoder.parameters())
    return weights, sum(sizes), max(sizes)


def _pixels(picture: Picture) -> int:
    return picture.pixels.shape[1:].numel()
