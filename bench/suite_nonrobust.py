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
from zoo.nonrobust import targets
from zoo.spec import ModelSpec


@dataclass(frozen=True)
class NonRobust(OnImages):
    """Accuracy on the true labels (Ilyas et al. 2019, Fig. 3): what non-robust features teach.

    Beside it the share of answers that are the next class: D_det labels every picture of a class
    with the next one, so that is what its robust features teach.
    """

    name: ClassVar[str] = "nonrobust"
    version: ClassVar[int] = 2

    def work(self, inputs: Inputs) -> int:
        """One pass over the images."""
        return 1

    def seconds(self, spec: ModelSpec, inputs: Inputs) -> float:
        """One forward pass."""
        return step_seconds(spec, inputs) * FORWARD

    def measure(self, spec: ModelSpec, inputs: Inputs, seed: int, tick: Tick) -> Iterable[Row]:
        """Whether each image gets its true label, or the next; conditions are kinds of data."""
        images = inputs.images
        given = answers(contestant(spec, inputs), to_float(images.pixels).to(inputs.device)).cpu()
        wanted = {
            "nonrobust_correct": images.labels,
            "nonrobust_next": targets(images.labels, "det"),
        }
        for metric, labels in wanted.items():
            for case, hit in zip(images.ids, (given == labels).tolist(), strict=True):
                yield case, spec.training, metric, 0, float(hit)
        tick(0.0)
