"""The layers suite: how far every tap of a model can be moved, by an adversary and by chance.

Conditions of the rows: ``stages.conv1_1`` for the spread between pictures,
``stages.conv1_1/l2_0.50`` for displacements. Their step is the tap's place in depth, from 1.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

import torch

from bench.estimate import FORWARD, step_seconds
from bench.inputs import Inputs
from bench.layers import Layer, displacement, random_displacement, spread
from bench.suite import Row, Tick
from bench.transfer import budget
from zoo.datasets import LabelledImages
from zoo.load import load_encoder
from zoo.spec import ModelSpec
from zoo.taps import tap_set


@dataclass(frozen=True)
class Layers:
    """Radii at which every matched tap is moved.

    Attributes:
        eps: radii of the balls, in ``norm`` over pixels in [0,1].
        steps: of gradient ascent, at each radius.
        first: only so many of the run's pictures, None = all.
        batch: pictures in memory at once; the spread keeps all activations of one tap.
    """

    eps: tuple[float, ...]
    norm: str = "l2"
    steps: int = 50
    first: int | None = None
    batch: int = 50
    name: ClassVar[str] = "layers"
    version: ClassVar[int] = 1

    @property
    def label(self) -> str:
        """The norm."""
        return self.norm

    def depends(self, inputs: Inputs) -> list[str]:
        """The pictures."""
        return [inputs.images_sha256]

    def work(self, inputs: Inputs) -> int:
        """One tick a radius; how many taps there are is the model's affair."""
        return len(self.eps)

    def seconds(self, spec: ModelSpec, inputs: Inputs) -> float:
        """Each tap costs a part of the network; on average half of it."""
        share = len(inputs.images.first(self.first)) / len(inputs.images)
        taps = len(tap_set(spec, "matched").every)
        steps = len(self.eps) * (self.steps + 3 * FORWARD) * taps / 2
        return step_seconds(spec, inputs) * share * steps

    def measure(self, spec: ModelSpec, inputs: Inputs, seed: int, tick: Tick) -> Iterable[Row]:
        """One spread a tap and picture, two displacements a tap, radius and picture."""
        chosen = inputs.images.first(self.first)
        taps = tap_set(spec, "matched").every
        # one encoder a tap: each stops where its tap is, and gradients go no deeper
        layers = {tap: _layer(spec, tap, inputs.device) for tap in taps}
        for depth, (tap, layer) in enumerate(layers.items(), start=1):
            shown = [x.to(inputs.device) for x, _ in chosen.batches(self.batch)]
            between = spread(torch.cat([layer(x).flatten(1) for x in shown]))
            for case, value in zip(chosen.ids, between.tolist(), strict=True):
                yield case, tap, "layer_spread", depth, value
        for eps in self.eps:
            for depth, (tap, layer) in enumerate(layers.items(), start=1):
                condition = f"{tap}/{budget(self.norm, eps)}"
                for case, pushed, drifted in self._moved(layer, chosen, inputs.device, eps, seed):
                    yield case, condition, "layer_displacement", depth, pushed
                    yield case, condition, "layer_displacement_noise", depth, drifted
            tick(0.0)

    def _moved(
        self, layer: Layer, images: LabelledImages, device: str, eps: float, seed: int
    ) -> Iterator[tuple[str, float, float]]:
        """Picture, displacement by the adversary, displacement by chance."""
        cases = iter(images.ids)
        for pixels, _ in images.batches(self.batch):
            x = pixels.to(device)
            pushed = displacement(
                layer, x, norm=self.norm, eps=eps, steps=self.steps, seed=seed
            ).tolist()
            drifted = random_displacement(layer, x, norm=self.norm, eps=eps, seed=seed).tolist()
            for push, drift in zip(pushed, drifted, strict=True):
                yield next(cases), push, drift


def _layer(spec: ModelSpec, tap: str, device: str) -> Layer:
    encoder = load_encoder(spec, taps=[tap], device=device)
    return lambda images: encoder(images)[tap]
