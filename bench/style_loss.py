"""The loss of style transfer for one content and one style picture (Gatys et al. 2016)."""

import torch
from jaxtyping import Float
from torch import Tensor

from bench.gram import grams, relative_distance, style_distance
from bench.style_settings import StyleSettings
from bench.transforms import random_view
from zoo.load import Encoder


class StyleLoss:
    """Pixels "1 3 h w" to total and style loss: weight * style distance + content distance.

    Both distances are relative (see ``bench.gram``). Under transforms each call takes a new random
    view of the picture, and compares its content with the same view of the content picture.

    Args:
        content, style: pictures "1 3 h w" in [0,1].
        seed: of the views.
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
        self._views = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            self._wanted_content = self._encode(content)[content_layer]
            self._wanted_style = self._grams(self._encode(style))

    def __call__(self, x: Float[Tensor, "1 3 h w"]) -> tuple[Tensor, Tensor]:
        """Total and style loss of one picture."""
        wanted_content = self._wanted_content
        if self.settings.transforms:
            seed = int(torch.randint(2**31, (), generator=self._views))
            x = random_view(x, seed=seed)
            with torch.no_grad():
                seen = self._encode(random_view(self.content, seed=seed))
            wanted_content = seen[self.content_layer]
        found = self._encode(x)
        style_loss = style_distance(self._grams(found), self._wanted_style).sum()
        content_loss = relative_distance(found[self.content_layer], wanted_content).sum()
        return self.weight * style_loss + content_loss, style_loss

    def _encode(self, images: Tensor) -> dict[str, Tensor]:
        found: dict[str, Tensor] = self.encoder(
            images.contiguous(memory_format=torch.channels_last)
        )
        return found

    def _grams(self, activations: dict[str, Tensor]) -> dict[str, Tensor]:
        return grams({tap: activations[tap] for tap in self.style_layers})
