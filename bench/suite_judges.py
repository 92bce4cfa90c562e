"""The judges suite: how near the style a network finds the pictures optimised for another one.

Gatys's distance is only as neutral as the network it is measured in. With every network of a run as
a judge of every other's pictures, what one says of its own stands beside what the others say.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from typing import ClassVar

import torch

from bench.cells import Cell, digest
from bench.estimate import timed
from bench.inputs import Inputs
from bench.judge import gram_distances
from bench.kept import kept_pictures
from bench.sources import Names, prefix, source_specs
from bench.style_memory import check_forward
from bench.style_settings import StyleSettings
from bench.suite import Row, Tick
from bench.suite_style import Style, pair_name
from zoo.load import Encoder, load_encoder
from zoo.spec import ModelSpec


@dataclass(frozen=True)
class Judges:
    """Gram distances, at the judge's matched taps, of the pictures one network was optimised for.

    The rows' model is the judge, their condition that of the pictures behind ``from=OPTIMISED/``.

    Attributes:
        style: the suite that made the pictures.
        sources: the one network they were optimised for; none = the run's source.
    """

    style: Style
    sources: Names = ()
    name: ClassVar[str] = "judges"
    version: ClassVar[int] = 1

    @property
    def settings(self) -> StyleSettings:
        """How the pictures were made."""
        return self.style.settings

    @property
    def label(self) -> str:
        """Whose pictures, and how they were made."""
        return f"{prefix(self.sources)}{self.style.label}"

    def at_size(self, size: int) -> "Judges":
        """The same of pictures of another size."""
        return replace(self, style=self.style.at_size(size))

    def all_pictures(self, *, contents: bool, styles: bool) -> "Judges":
        """The same of pictures of all of the run's contents, or styles, or both."""
        return replace(self, style=self.style.all_pictures(contents=contents, styles=styles))

    def depends(self, inputs: Inputs) -> list[str]:
        """The address of the cell that made the pictures; its seed is in this cell's own."""
        return [digest(Cell(self._optimised(inputs), self.style, 0), inputs)]

    def check(self, spec: ModelSpec, inputs: Inputs) -> None:
        """Refuse pictures too large for the free memory, as ``measure`` does."""
        check_forward(spec, inputs)

    def work(self, inputs: Inputs) -> int:
        """One tick a picture."""
        return len(self.style.pairs(inputs)) * len(self.settings.weights)

    def seconds(self, spec: ModelSpec, inputs: Inputs) -> float:
        """Three forward passes a picture; making them is the style cell's time."""
        encoder = _encoder(spec, inputs.device)
        x = torch.rand(1, 3, self.settings.size, self.settings.size, device=inputs.device)
        with torch.no_grad():
            return 3 * timed(lambda: encoder(x), device=inputs.device) * self.work(inputs)

    def measure(self, spec: ModelSpec, inputs: Inputs, seed: int, tick: Tick) -> Iterable[Row]:
        """Two rows a picture: its distance to the style, and the untouched content's.

        Raises:
            bench.style_memory.MemoryShortError: the pictures are too large for the free memory.
        """
        self.check(spec, inputs)
        kept = kept_pictures(self.style, self._optimised(inputs), inputs, seed=seed)
        encoder = _encoder(spec, inputs.device)
        for weight, (content, style) in product(self.settings.weights, self.style.pairs(inputs)):
            condition, case = self.settings.condition(weight), pair_name(content, style)
            pictures = (kept[condition, case], content.pixels, style.pixels)
            found = gram_distances(encoder, *(x[None].to(inputs.device) for x in pictures))
            metrics = ("judge_style_distance", "judge_style_distance_content")
            for metric, values in zip(metrics, found, strict=True):
                if not math.isnan(values[0]):  # a style that excites nothing has no distance
                    yield case, f"{prefix(self.sources)}{condition}", metric, 0, float(values[0])
            tick(0.0)

    def _optimised(self, inputs: Inputs) -> ModelSpec:
        (spec,) = source_specs(self.sources, inputs)
        return spec


@lru_cache(maxsize=1)  # the cells of one judge follow one another
def _encoder(spec: ModelSpec, device: str) -> Encoder:
    return load_encoder(spec, device=device)
