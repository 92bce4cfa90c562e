"""The style suite: content pictures in styles, by one model, scored by the judge."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import ClassVar

import torch

from bench.cells import Cell, digest
from bench.estimate import FORWARD, shaped, timed
from bench.inputs import Inputs, judge_model, untrained_twin
from bench.judge import Scores, picture_scores
from bench.pictures import Picture, save_png
from bench.spectrum import radial_power
from bench.style_memory import check_memory
from bench.stylize import StyleSettings, Stylized, stylize
from bench.suite import Row, Tick
from results.artifacts import picture_file
from zoo.load import load_encoder, style_refusal
from zoo.spec import ModelSpec
from zoo.taps import Taps, tap_set
from zoo.weights import weights_digest


@dataclass(frozen=True)
class Style:
    """Every content in every style, under one start and one tap set, at each style weight.

    Attributes:
        contents, styles: how many of the run's pictures are used, the first ones; None = all.
    """

    settings: StyleSettings
    contents: int | None = None
    styles: int | None = None
    name: ClassVar[str] = "style"
    version: ClassVar[int] = 3

    @property
    def label(self) -> str:
        """Start, taps, whatever departs from plain style transfer, and size."""
        return f"{self.settings.variant}/{self.settings.size}px"

    def at_size(self, size: int) -> "Style":
        """The same on pictures of another size."""
        return replace(self, settings=replace(self.settings, size=size))

    def refusal(self, spec: ModelSpec) -> str:
        """Why the model cannot make such pictures, for want of taps or size; empty if it can."""
        try:
            self._taps(spec)
        except ValueError as error:
            return str(error)
        return style_refusal(spec, self.settings.size)

    def depends(self, inputs: Inputs) -> list[str]:
        """The judge's weights and the pictures used."""
        contents, styles = self.pictures(inputs)
        return [weights_digest(inputs.judge), *(p.sha256 for p in (*contents, *styles))]

    def work(self, inputs: Inputs) -> int:
        """One tick a gradient evaluation."""
        return len(self.pairs(inputs)) * len(self.settings.weights) * self.settings.evaluations

    def seconds(self, spec: ModelSpec, inputs: Inputs) -> float:
        """Timed on the activations alone: Gram matrices cost little beside them.

        Under transforms the content picture passes the network at each evaluation, too.
        """
        taps, size = self._taps(spec), self.settings.size
        evaluation = _evaluation_seconds(shaped(spec), taps.every, size, inputs.device)
        again = self.settings.transforms and not self.settings.texture
        return evaluation * self.work(inputs) * (1 + FORWARD * again)

    def measure(self, spec: ModelSpec, inputs: Inputs, seed: int, tick: Tick) -> Iterable[Row]:
        """Traces and scores; the pictures go to the run's artifacts.

        Raises:
            bench.style_memory.MemoryShortError: the pictures are too large for the free memory.
        """
        self.check(spec, inputs)
        taps = self._taps(spec)
        encoder = load_encoder(spec, taps=taps.every, device=inputs.device)
        judge = judge_model(inputs.judge, inputs.device)
        untrained = judge_model(untrained_twin(inputs.judge), inputs.device)
        address = digest(Cell(spec, self, seed), inputs)
        for weight, (content, style) in product(self.settings.weights, self.pairs(inputs)):
            c, s = (picture.pixels[None].to(inputs.device) for picture in (content, style))
            made = stylize(
                encoder, c, s, content_layer=taps.content, style_layers=taps.style,
                weight=weight, settings=self.settings, seed=seed, tick=tick,
            )  # fmt: skip
            scores = picture_scores(judge, untrained, made.images, c, s)
            case, condition = pair_name(content, style), self.settings.condition(weight)
            facts = (*_measured(made, scores), *_spectrum("radial_power_style", s))
            for metric, step, value in facts:
                yield case, condition, metric, step, value
            file = picture_file(inputs.run, spec.name, condition, case, seed=seed)
            _save(made.images[0].cpu(), file, address=address)

    def check(self, spec: ModelSpec, inputs: Inputs) -> None:
        """Refuse pictures too large for the free memory, as ``measure`` does."""
        check_memory(spec, self.settings, inputs)

    def all_pictures(self, *, contents: bool, styles: bool) -> "Style":
        """The same on all of the run's contents, or styles, or both."""
        return replace(
            self,
            contents=None if contents else self.contents,
            styles=None if styles else self.styles,
        )

    def pictures(self, inputs: Inputs) -> tuple[tuple[Picture, ...], tuple[Picture, ...]]:
        """The contents and the styles used."""
        return inputs.contents[: self.contents], inputs.styles[: self.styles]

    def pairs(self, inputs: Inputs) -> list[tuple[Picture, Picture]]:
        """Content and style of every picture made."""
        return list(product(*self.pictures(inputs)))

    def _taps(self, spec: ModelSpec) -> Taps:
        return tap_set(spec, self.settings.taps, content=self.settings.content_tap)


@dataclass(frozen=True)
class Diagonal(Style):
    """The first content in the first style, the second in the second, and so on.

    Pictures that share a content or a style are alike, so a few that share neither say more about
    pictures nobody made than as many of all combinations do (``analysis.crossed``).
    """

    def depends(self, inputs: Inputs) -> list[str]:
        """Not what all combinations of these pictures depend on."""
        return [*super().depends(inputs), "diagonal"]

    def pairs(self, inputs: Inputs) -> list[tuple[Picture, Picture]]:
        """As many as there are contents and styles of."""
        return list(zip(*self.pictures(inputs), strict=False))

    def all_pictures(self, *, contents: bool, styles: bool) -> Style:
        """All combinations of what is named with the first content, or the styles, of the run."""
        if not contents and not styles:
            return self
        return Style(self.settings, None if contents else 1, None if styles else self.styles)


@lru_cache(maxsize=512)  # conditions of one network, and seeds of one architecture
def _evaluation_seconds(spec: ModelSpec, taps: tuple[str, ...], size: int, device: str) -> float:
    encoder = load_encoder(spec, taps=taps, device=device)
    x = torch.rand(1, 3, size, size, device=device).requires_grad_()

    def closure() -> None:
        total = torch.stack([a.square().mean() for a in encoder(x).values()]).sum()
        torch.autograd.grad(total, x)

    return timed(closure, device=device)


def _measured(made: Stylized, scores: Scores) -> Iterable[tuple[str, int, float]]:
    """Metric, step and value of everything known about one picture."""
    for step, (total, style) in enumerate(made.trace[0].tolist()):
        yield "loss_total", step, total
        yield "loss_style", step, style
    yield "diverged", 0, float(made.diverged[0])
    yield "evaluations", 0, float(len(made.trace[0]))
    yield "iterations", 0, float(made.iterations[0])
    yield "line_search_failures", 0, float(made.failures[0])
    for tap, (left, energy) in enumerate(made.layers[0].tolist()):
        if not math.isnan(left):  # not even the last good picture has one
            yield "gram_distance_raw", tap, left
        yield "gram_energy_style", tap, energy
    yield "clipped_share", 0, made.clipped[0]
    yield from _spectrum("radial_power", made.images)
    for metric, values in scores.items():
        if not torch.isnan(values[0]):  # a score the picture is too small for is no row
            yield metric, 0, float(values[0])


def _spectrum(metric: str, images: torch.Tensor) -> Iterable[tuple[str, int, float]]:
    for frequency, power in enumerate(radial_power(images)[0].tolist()):
        yield metric, frequency, power


def pair_name(content: Picture, style: Picture) -> str:
    """The case of a stylised picture."""
    return f"{content.name}+{style.name}"


def keep_originals(run: Path, contents: Iterable[Picture], styles: Iterable[Picture]) -> None:
    """The untouched pictures, beside the stylised ones."""
    for role, pictures in (("(content)", contents), ("(style)", styles)):
        for picture in pictures:
            _save(picture.pixels, picture_file(run, role, "original", picture.name))


def _save(pixels: torch.Tensor, file: Path, *, address: str = "") -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    save_png(pixels, file, address=address)
