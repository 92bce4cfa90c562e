"""The activations suite: how peaky each tap's activations are on each picture, without training."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import torch

from bench.estimate import timed
from bench.inputs import Inputs
from bench.peakiness import peakiness
from bench.smoothing import SMOOTHINGS, smooth
from bench.style_memory import check_forward
from bench.suite import Row, Tick
from zoo.load import load_encoder
from zoo.spec import ModelSpec
from zoo.taps import tap_set


@dataclass(frozen=True)
class Activations:
    """Entropy and peakiness of one set of taps, as they are and smoothed.

    The rows' case is the picture, their condition ``<taps>/<place>/<tap>``, places counted from 0
    in the order of the forward pass; ``/<smoothing>`` follows where there is one.
    """

    taps: str = "matched"
    smoothings: tuple[str, ...] = SMOOTHINGS
    name: ClassVar[str] = "activations"
    version: ClassVar[int] = 1

    @property
    def label(self) -> str:
        """The taps."""
        return self.taps

    def depends(self, inputs: Inputs) -> list[str]:
        """The pictures."""
        return list(inputs.pictures_sha256)

    def check(self, spec: ModelSpec, inputs: Inputs) -> None:
        """Refuse pictures too large for the free memory, as ``measure`` does."""
        check_forward(spec, inputs)

    def work(self, inputs: Inputs) -> int:
        """One tick a picture."""
        return len({p.name for p in (*inputs.contents, *inputs.styles)})

    def seconds(self, spec: ModelSpec, inputs: Inputs) -> float:
        """One forward pass a picture, and some for entropies and Gram matrices in float64."""
        encoder = load_encoder(spec, taps=tap_set(spec, self.taps).style, device=inputs.device)
        x = torch.rand(1, 3, *inputs.contents[0].pixels.shape[1:], device=inputs.device)
        with torch.no_grad():
            step = timed(lambda: encoder(x), device=inputs.device)
        return step * self.work(inputs) * (1 + 2 * len(self.smoothings))

    def measure(self, spec: ModelSpec, inputs: Inputs, seed: int, tick: Tick) -> Iterable[Row]:
        """Rows per picture, tap and smoothing.

        Raises:
            bench.style_memory.MemoryShortError: the pictures are too large for the free memory.
        """
        self.check(spec, inputs)
        taps = tap_set(spec, self.taps).style
        encoder = load_encoder(spec, taps=taps, device=inputs.device)
        pictures = {p.name: p.pixels for p in (*inputs.contents, *inputs.styles)}
        for case, pixels in pictures.items():
            with torch.no_grad():
                found = encoder(pixels[None].to(inputs.device))
            for place, tap in enumerate(taps):
                for smoothing in self.smoothings:
                    plain = f"{self.taps}/{place}/{tap}"
                    condition = plain if smoothing == "none" else f"{plain}/{smoothing}"
                    for metric, values in peakiness(smooth(found[tap], smoothing)).items():
                        if not torch.isnan(values[0]):  # a tap of zeros has no entropy
                            yield case, condition, metric, 0, float(values[0])
            tick(0.0)
