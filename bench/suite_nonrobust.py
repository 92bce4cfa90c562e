"""The non-robust suite: a network trained on non-robust features, asked about untouched images."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from bench.estimate import FORWARD, step_seconds
from bench.inputs import Inputs
from bench.sources import contestant
from bench.suite import OnImages, Row, Tick
from bench.transfer import answers
from zoo.datasets import to_float
from zoo.spec import ModelSpec


@dataclass(frozen=True)
class NonRobust(OnImages):
    """Answers beside true labels (Ilyas et al. 2019, Fig. 3): what non-robust features teach."""

    name: ClassVar[str] = "nonrobust"
    version: ClassVar[int] = 3

    def work(self, inputs: Inputs) -> int:
        """One pass over the images."""
        return 1

    def seconds(self, spec: ModelSpec, inputs: Inputs) -> float:
        """One forward pass."""
        return step_seconds(spec, inputs) * FORWARD

    def measure(self, spec: ModelSpec, inputs: Inputs, seed: int, tick: Tick) -> Iterable[Row]:
        """The class named and the true one of each image; conditions are kinds of data."""
        images = inputs.images
        given = answers(contestant(spec, inputs), to_float(images.pixels).to(inputs.device)).cpu()
        parts = {"nonrobust_answer": given, "nonrobust_label": images.labels}
        for metric, classes in parts.items():
            for case, index in zip(images.ids, classes.tolist(), strict=True):
                yield case, spec.training, metric, 0, float(index)
        tick(0.0)
