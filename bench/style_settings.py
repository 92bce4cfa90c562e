"""How pictures are optimised: the settings of one kind of style transfer, and its name."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class StyleSettings:
    """How pictures are optimised.

    Attributes:
        size: short side of the pictures, pixels.
        start: ``content`` or ``noise`` (Gaussian, where artifacts show best).
        taps: which activations carry style, see ``zoo.taps.tap_set``.
        weights: style weights, each against a content loss of weight 1; both losses are relative.
        evaluations: gradient evaluations a picture, line searches included.
        parameterization: what is optimised, see ``bench.parameterize``.
        transforms: whether the network sees a new random view at each evaluation, optimised by
            Adam; without them the loss is deterministic, optimised by L-BFGS.
        adam: optimise by Adam without random views, too: their control.
        smoothing: of the activations before they are compared, see ``bench.smoothing``.
        layer_weights: of the last style taps in the style loss, in their order; those before them
            weigh 1. Only their ratios count.
        content_tap: place of the content tap among the matched taps, from 0; None = the tap set's.
        texture: leave the content loss out; from a noise start this is texture synthesis (Gatys et
            al. 2015).
    """

    size: int = 128
    start: str = "content"
    taps: str = "matched"
    weights: tuple[float, ...] = (1.0, 100.0)
    evaluations: int = 120
    parameterization: str = "pixel"
    transforms: bool = False
    adam: bool = False
    smoothing: str = "none"
    layer_weights: tuple[float, ...] = ()
    content_tap: int | None = None
    texture: bool = False

    @property
    def variant(self) -> str:
        """Start, taps and whatever departs from plain style transfer, joined by slashes."""
        return "/".join([f"{self.start}-start", self.taps, *self._extras()])

    def condition(self, weight: float) -> str:
        """The rows' condition for one style weight; file names need it free of underscores."""
        return f"{self.variant}/w{weight:g}"

    def _extras(self) -> Iterator[str]:
        if self.transforms:
            yield f"{self.parameterization}+transforms"
        elif self.parameterization != "pixel":
            yield self.parameterization
        if self.adam and not self.transforms:
            yield "adam"
        if self.smoothing != "none":
            yield self.smoothing
        if self.layer_weights:
            yield "layers" + "+".join(f"{weight:g}" for weight in self.layer_weights)
        if self.content_tap is not None:
            yield f"content{self.content_tap}"
        if self.texture:
            yield "texture"
