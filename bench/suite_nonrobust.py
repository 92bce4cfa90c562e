"""The non-robust suite: a network trained on non-robust features, asked about untouched images."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import torch

from bench.estimate import timed
from bench.inputs import Inputs
from bench.suite import Row, Tick
from bench.transfer import answers
from zoo.load import load_classifier
from zoo.spec import ModelSpec


@dataclass(frozen=True)
class NonRobust:
    """Accuracy on the true labels (Ilyas et al. 2019, Fig. 3): what non-robust features teach."""

    name: ClassVar[str] = "nonrobust"
    version: ClassVar[int] = 1

    @property
    def label(self) -> str:
        """Nothing: the model's own name says what it was trained on."""
        return ""

    def depends(self, inputs: Inputs) -> list[str]:
        """The images."""
        return [inputs.images_sha256]

    def work(self, inputs: Inputs) -> int:
        """One pass over the images."""
        return 1

    def seconds(self, spec: ModelSpec, inputs: Inputs) -> float:
        """One forward pass, timed on 20 images."""
        model = load_classifier(spec, device=inputs.device)
        x = torch.rand(20, *inputs.images.pixels.shape[1:], device=inputs.device)
        return timed(lambda: answers(model, x)) * len(inputs.images) / 20

    def measure(self, spec: ModelSpec, inputs: Inputs, seed: int, tick: Tick) -> Iterable[Row]:
        """Whether each image gets its true label; the condition is the training data's kind."""
        model = load_classifier(spec, device=inputs.device)
        right: list[bool] = []
        for images, labels in inputs.images.batches(250):
            right += (answers(model, images.to(inputs.device)).cpu() == labels).tolist()
        for case, value in zip(inputs.images.ids, right, strict=True):
            yield case, spec.training, "nonrobust_correct", 0, float(value)
        tick(0.0)
