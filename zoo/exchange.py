"""One picture and one label for networks of different sizes and classes.

Adversarial pictures are exchanged as pixels in [0,1] at one size. Each network resizes them to its
own input itself, so the gradient of a source passes through its resizing, and every answer is
read in the label space of the run.
"""

import torch
from jaxtyping import Float
from timm.models import get_pretrained_cfg
from torch import Tensor, nn
from torch.nn.functional import interpolate

from zoo.labels import answering_in
from zoo.load import load_classifier
from zoo.memory import batch_size
from zoo.spec import ModelSpec


class Resized(nn.Module):
    """A classifier that brings pictures to its own size first, clipped to [0,1]."""

    def __init__(self, classifier: nn.Module, size: int, interpolation: str) -> None:
        super().__init__()
        self.classifier, self.size, self.interpolation = classifier, size, interpolation

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b k"]:
        """Square images in [0,1] of any size to logits."""
        if images.shape[-1] != self.size:
            images = interpolate(
                images, (self.size, self.size), mode=self.interpolation, antialias=True
            ).clamp(0, 1)
        logits: Tensor = self.classifier(images)
        return logits


def batch_of(model: nn.Module, images: Tensor) -> int:
    """How many of these pictures go through a network at once, at the side it really gets."""
    sides = [module.size for module in model.modules() if isinstance(module, Resized)]
    return batch_size(max(sides, default=images.shape[-1]), images.device)


def load_contestant(
    spec: ModelSpec, *, space: str, device: torch.device | str = "cpu"
) -> nn.Module:
    """The spec's classifier for exchanged pictures: images in [0,1] to logits of ``space``.

    Raises:
        WeightsError: see ``zoo.load.load_classifier``.
        LabelError: its answers cannot be read in this space.
    """
    cfg = get_pretrained_cfg(spec.arch)
    classifier = load_classifier(spec, device=device)
    resized = Resized(classifier, cfg.input_size[-1], cfg.interpolation).eval()
    return answering_in(resized, spec.dataset, space)
