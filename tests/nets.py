"""Networks with closed-form answers, behind the same doors as real ones."""

from collections import OrderedDict

import torch
from torch import nn

from zoo.load import Classifier, Encoder

ZERO, ONE = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)


def pixels_as_features() -> Encoder:
    """An encoder whose only tap, "pixels", is the picture itself."""
    net = nn.Sequential(OrderedDict(pixels=nn.Identity(), rest=nn.Identity()))
    return Encoder(Classifier(net, ZERO, ONE), ["pixels"])


def linear(weight: torch.Tensor, bias: float = 0.0) -> Classifier:
    """Two classes, logits (w.x + b, -w.x - b): the margin is linear in the pixels."""
    layer = nn.Linear(weight.numel(), 2)
    with torch.no_grad():
        layer.weight.copy_(torch.stack([weight.flatten(), -weight.flatten()]))
        layer.bias.copy_(torch.tensor([bias, -bias]))
    net = nn.Sequential(nn.Flatten(), layer)
    return Classifier(net, ZERO, ONE).eval().requires_grad_(False)  # type: ignore[no-any-return]


class Ball(nn.Module):
    """Two classes, 1 within a radius of a centre and 0 outside: the boundary is a sphere."""

    def __init__(self, centre: torch.Tensor, radius: float) -> None:
        super().__init__()
        self.centre, self.radius = centre, radius

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits (0, r^2 - |x - c|^2), quadratic in the pixels."""
        inside = self.radius**2 - (images - self.centre).flatten(1).square().sum(dim=1)
        return torch.stack([torch.zeros_like(inside), inside], dim=1)
