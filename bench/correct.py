"""Which of the run's images a network gets right, as rows."""

from collections.abc import Iterator

from torch import nn

from bench.inputs import Inputs
from bench.suite import Row
from bench.transfer import answers


def correct_rows(
    model: nn.Module,
    inputs: Inputs,
    *,
    condition: str = "clean",
    batch: int = 250,
) -> Iterator[Row]:
    """One row an image: 1 where the answer is its label.

    Args:
        model: pixels in [0,1] to logits of the images' label space.
        batch: images in memory at once.
    """
    cases = iter(inputs.images.ids)
    for images, labels in inputs.images.batches(batch):
        given = answers(model, images.to(inputs.device)).cpu()
        for right in (given == labels).tolist():
            yield next(cases), condition, "clean_correct", 0, float(right)
