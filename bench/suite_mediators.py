"""Mediators of transfer: what one network is like, and how alike two are, on each picture.

Two suites: ``sensitivity`` of every model (conditions ``clean`` and, for the loss under noise,
``l2_0.50/noise``), ``alignment`` of a target with a source (conditions as ``bench.sources`` writes
them).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from bench.estimate import FORWARD, step_seconds
from bench.inputs import Inputs
from bench.mediators import alignment, gradient_norms, gradients, loss_variance
from bench.sources import Names, OnSources, contestant, prefix, source_model
from bench.suite import OnImages, Row, Tick
from bench.transfer import budget
from zoo.datasets import to_float
from zoo.spec import ModelSpec


@dataclass(frozen=True)
class Sensitivity(OnImages):
    """Gradient size, and the loss's variance under noise.

    Attributes:
        norm, eps: of the noise.
        draws: of noise a picture.
        batch: pictures in memory at once.
    """

    norm: str = "l2"
    eps: float = 0.5
    draws: int = 16
    batch: int = 100
    name: ClassVar[str] = "sensitivity"
    version: ClassVar[int] = 1

    def work(self, inputs: Inputs) -> int:
        """One tick a batch."""
        return -(-len(inputs.images) // self.batch)

    def seconds(self, spec: ModelSpec, inputs: Inputs) -> float:
        """One gradient, and the draws forward."""
        return step_seconds(spec, inputs) * (1 + self.draws * FORWARD)

    def measure(self, spec: ModelSpec, inputs: Inputs, seed: int, tick: Tick) -> Iterable[Row]:
        """Two facts a picture."""
        model = contestant(spec, inputs)
        noise = f"{budget(self.norm, self.eps)}/noise"
        cases = iter(inputs.images.ids)
        for pixels, y in inputs.images.batches(self.batch):
            x, labels = pixels.to(inputs.device), y.to(inputs.device)
            sizes = gradient_norms(gradients(model, x, labels)).tolist()
            varied = loss_variance(
                model, x, labels, norm=self.norm, eps=self.eps, draws=self.draws, seed=seed
            ).tolist()
            for size, variance in zip(sizes, varied, strict=True):
                case = next(cases)
                yield case, "clean", "gradient_norm", 0, size
                yield case, noise, "loss_variance", 0, variance
            tick(0.0)


@dataclass(frozen=True)
class Alignment(OnSources):
    """The cosine between the model's and a source's input gradients."""

    sources: Names = ()
    name: ClassVar[str] = "alignment"
    version: ClassVar[int] = 1

    def work(self, inputs: Inputs) -> int:
        """One tick."""
        return 1

    def seconds(self, spec: ModelSpec, inputs: Inputs) -> float:
        """The gradients of both."""
        return 2 * step_seconds(spec, inputs)

    def measure(self, spec: ModelSpec, inputs: Inputs, seed: int, tick: Tick) -> Iterable[Row]:
        """One cosine a picture."""
        x = to_float(inputs.images.pixels).to(inputs.device)
        labels = inputs.images.labels.to(inputs.device)
        both = (contestant(spec, inputs), source_model(self.sources, inputs))
        own, theirs = (gradients(model, x, labels) for model in both)
        for case, cosine in zip(inputs.images.ids, alignment(own, theirs).tolist(), strict=True):
            yield case, f"{prefix(self.sources)}clean", "gradient_alignment", 0, cosine
        tick(0.0)
