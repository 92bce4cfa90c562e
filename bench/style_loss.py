"""The loss of style transfer for one content and one style picture (Gatys et al. 2016)."""

from collections.abc import Callable
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

from bench.gram import grams, relative_distance, style_distance
from bench.smoothing import smooth
from bench.style_settings import StyleSettings
from bench.transforms import random_view
from zoo.load import Encoder


class StyleLoss:
    """Pixels "1 3 h w" to total and style loss: weight * style distance + content distance.

    Both distances are relative (see ``bench.gram``). Under transforms each call takes a new random
    view of the picture, and compares its content with the same view of the content picture. A
    texture has no content distance.

    Args:
        content, style: pictures "1 3 h w" in [0,1].
        seed: of the views.

    Raises:
        ValueError: more layer weights than style taps.
    """

    def __init__(
        self,
        encoder: Encoder,
        content: Float[Tensor, "1 3 h w"],
        style: Float[Tensor, "1 3 h2 w2"],
        *,
        content_layer: str,
        style_layers: tuple[str, ...],
        weight: float,
        settings: StyleSettings,
        seed: int,
    ) -> None:
        self.encoder, self.content, self.settings = encoder, content, settings
        self.content_layer, self.style_layers, self.weight = content_layer, style_layers, weight
        self._layer_weights = _aligned(settings.layer_weights, len(style_layers))
        self._views = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            shown = self._activations(style)
            self._largest = {tap: x.amax() for tap, x in shown.items()}
            self._wanted_content = self._encode(content)[content_layer]
            self._wanted_style = self._grams(self._smoothed(shown))

    def __call__(self, x: Float[Tensor, "1 3 h w"]) -> tuple[Tensor, Tensor]:
        """Total and style loss of one picture."""
        view, wanted_content = self._view(), self._wanted_content
        found = self._encode(view(x))
        wanted, weights = self._wanted_style, self._layer_weights
        style_loss = style_distance(self._grams(found), wanted, weights).sum()
        if self.settings.texture:
            return self.weight * style_loss, style_loss
        if self.settings.transforms:
            with torch.no_grad():
                wanted_content = self._encode(view(self.content))[self.content_layer]
        content_loss = relative_distance(found[self.content_layer], wanted_content).sum()
        return self.weight * style_loss + content_loss, style_loss

    def raw(self, x: Float[Tensor, "1 3 h w"]) -> Float[Tensor, "taps 2"]:
        """||G(x) - G(s)||_F^2 and ||G(s)||_F^2 at each style tap, in the network's own units."""
        with torch.no_grad():
            found = self._grams(self._encode(x))
        pairs = [
            [(found[tap] - wanted).square().sum(), wanted.square().sum()]
            for tap, wanted in self._wanted_style.items()
        ]
        return torch.tensor(pairs, dtype=torch.float64)

    def _view(self) -> Callable[[Tensor], Tensor]:
        """The next random view, or none."""
        if not self.settings.transforms:
            return lambda images: images
        return partial(random_view, seed=int(torch.randint(2**31, (), generator=self._views)))

    def _encode(self, images: Tensor) -> dict[str, Tensor]:
        return self._smoothed(self._activations(images))

    def _activations(self, images: Tensor) -> dict[str, Tensor]:
        found: dict[str, Tensor] = self.encoder(
            images.contiguous(memory_format=torch.channels_last)
        )
        return found

    def _smoothed(self, found: dict[str, Tensor]) -> dict[str, Tensor]:
        kind = self.settings.smoothing
        return {tap: smooth(x, kind, self._largest[tap]) for tap, x in found.items()}

    def _grams(self, activations: dict[str, Tensor]) -> dict[str, Tensor]:
        return grams({tap: activations[tap] for tap in self.style_layers})


def _aligned(weights: tuple[float, ...], taps: int) -> tuple[float, ...] | None:
    """One weight a tap, given those of the last ones; None = equal."""
    if len(weights) > taps:
        raise ValueError(f"{len(weights)} layer weights for {taps} style taps: give fewer")
    return (1.0,) * (taps - len(weights)) + weights if weights else None
