"""The non-robust suite: a network trained on non-robust features, asked about untouched images."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from bench.correct import correct_rows
from bench.estimate import FORWARD, step_seconds
from bench.inputs import Inputs
from bench.sources import contestant
from bench.suite import OnImages, Row, Tick
from zoo.spec import ModelSpec


@dataclass(frozen=True)
class NonRobust(OnImages):
    """Accuracy on the true labels (Ilyas et al. 2019, Fig. 3): what non-robust features teach."""

    name: ClassVar[str] = "nonrobust"
    version: ClassVar[int] = 1

    def work(self, inputs: Inputs) -> int:
        """One pass over the images."""
        return 1

    def seconds(self, spec: ModelSpec, inputs: Inputs) -> float:
        """One forward pass."""
        return step_seconds(spec, inputs) * FORWARD

    def measure(self, spec: ModelSpec, inputs: Inputs, seed: int, tick: Tick) -> Iterable[Row]:
        """Whether each image gets its true label; the condition is the training data's kind."""
        model = contestant(spec, inputs)
        yield from correct_rows(model, inputs, condition=spec.training, metric="nonrobust_correct")
        tick(0.0)
