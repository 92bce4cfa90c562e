"""The cell: one (suite, model, settings, seed), its address, and what it measures.

A cell's address is a digest of everything its rows depend on, so a finished file never goes stale:
new weights, pictures or settings make a new address.
"""

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path

import pandas as pd
import torch

from bench.crafted import crafted
from bench.inputs import Inputs, judge_model, source_model
from bench.judge import Scores, picture_scores
from bench.pictures import Picture, save_png
from bench.spectrum import radial_power
from bench.stylize import StyleSettings, Stylized, stylize
from bench.transfer import Attack, answers, facts
from zoo.datasets import to_float
from zoo.load import content_tap, load_classifier, load_encoder, matched_taps, untrained
from zoo.spec import ModelSpec
from zoo.weights import weights_digest

Tick = Callable[[float], None]
Row = tuple[str, str, str, int, float]  # case, condition, metric, step, value


@dataclass(frozen=True)
class TransferSettings:
    """The attacks made on the source and shown to the target."""

    attacks: tuple[Attack, ...]


Settings = TransferSettings | StyleSettings
VERSIONS = {"transfer": 1, "style": 1}  # raised when a suite's rows change meaning


@dataclass(frozen=True)
class Cell:
    """One unit of work, of resuming and of storage."""

    suite: str
    spec: ModelSpec
    settings: Settings
    seed: int

    @property
    def key(self) -> str:
        """What the cell is, in words that stay the same when weights or pictures change."""
        parts = [self.suite, self.spec.name]
        if isinstance(self.settings, StyleSettings):
            parts += [f"{self.settings.start}-start", self.settings.taps, f"{self.settings.size}px"]
        return "/".join([*parts, f"seed{self.seed}"])


def digest(cell: Cell, inputs: Inputs) -> str:
    """The cell's address: 32 hex digits.

    Raises:
        zoo.weights.WeightsError: the model's weights are not to be had.
    """
    shared = {
        "transfer": lambda: [weights_digest(inputs.source), inputs.images_sha256],
        "style": lambda: [weights_digest(inputs.judge), *inputs.pictures_sha256],
    }
    content = {
        "suite": [cell.suite, VERSIONS[cell.suite]],
        "model": [cell.spec.name, cell.spec.arch, dict(cell.spec.arch_options)],
        "taps": [cell.spec.style_layers, cell.spec.content_layer],
        "weights": weights_digest(cell.spec),
        "inputs": shared[cell.suite](),
        "settings": asdict(cell.settings),
        "seed": cell.seed,
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]


def run_cell(cell: Cell, inputs: Inputs, *, tick: Tick = lambda _: None) -> pd.DataFrame:
    """Measure one cell.

    Args:
        tick: called once per unit of work (``work``) with the current loss, or 0.

    Raises:
        zoo.weights.WeightsError, zoo.load.SizeError: see their messages.
    """
    measure = {"transfer": _transfer, "style": _style}[cell.suite]
    rows = pd.DataFrame(
        measure(cell, inputs, tick), columns=["case", "condition", "metric", "step", "value"]
    )
    return rows.assign(suite=cell.suite, model=cell.spec.name, seed=cell.seed)


def work(cell: Cell, inputs: Inputs) -> int:
    """How many ticks the cell takes."""
    if isinstance(cell.settings, TransferSettings):
        return len(cell.settings.attacks)
    s = cell.settings
    return len(inputs.contents) * len(inputs.styles) * len(s.weights) * s.evaluations


def _transfer(cell: Cell, inputs: Inputs, tick: Tick) -> Iterable[Row]:
    assert isinstance(cell.settings, TransferSettings)
    target = load_classifier(cell.spec, device=inputs.device)
    source = source_model(inputs.source, inputs.device)
    clean, labels = to_float(inputs.images.pixels).to(inputs.device), inputs.images.labels
    labels = labels.to(inputs.device)
    right = answers(target, clean) == labels
    rows = [
        (case, "clean", "clean_correct", 0, float(v))
        for case, v in zip(inputs.images.ids, right, strict=True)
    ]
    for attack in cell.settings.attacks:
        made = crafted(source, inputs, attack, seed=cell.seed)
        # a class is no target for its own pictures
        shown = [i for i, label in enumerate(labels.tolist()) if label != attack.target]
        cases = [inputs.images.ids[i] for i in shown]
        for metric, values in facts(target, clean, labels, made).items():
            rows += [
                (case, attack.condition, metric, attack.steps, float(values[i]))
                for case, i in zip(cases, shown, strict=True)
            ]
        tick(0.0)
    return rows


def _style(cell: Cell, inputs: Inputs, tick: Tick) -> Iterable[Row]:
    settings = cell.settings
    assert isinstance(settings, StyleSettings)
    encoder_taps, content_layer, style_layers = layers(cell.spec, settings.taps)
    encoder = load_encoder(cell.spec, taps=encoder_taps, device=inputs.device)
    judge = judge_model(inputs.judge, inputs.device)
    rows: list[Row] = []
    for weight, content, style in product(settings.weights, inputs.contents, inputs.styles):
        c, s = (picture.pixels[None].to(inputs.device) for picture in (content, style))
        made = stylize(
            encoder, c, s, content_layer=content_layer, style_layers=style_layers,
            weight=weight, settings=settings, seed=cell.seed, tick=tick,
        )  # fmt: skip
        scores = picture_scores(judge, made.images, c, s)
        case, condition = f"{content.name}+{style.name}", settings.condition(weight)
        rows += [(case, condition, *measured) for measured in _measured(made, scores)]
        _save(made.images[0].cpu(), picture_file(inputs.run, cell.spec.name, condition, case))
    return rows


def _measured(made: Stylized, scores: Scores) -> Iterable[tuple[str, int, float]]:
    """Metric, step and value of everything known about one picture."""
    for step, (total, style) in enumerate(made.trace[0].tolist()):
        yield "loss_total", step, total
        yield "loss_style", step, style
    yield "diverged", 0, float(made.diverged[0])
    yield "evaluations", 0, float(len(made.trace[0]))
    yield "clipped_share", 0, made.clipped[0]
    for frequency, power in enumerate(radial_power(made.images)[0].tolist()):
        yield "radial_power", frequency, power
    for metric, values in scores.items():
        if not torch.isnan(values[0]):  # a score the picture is too small for is no row
            yield metric, 0, float(values[0])


def layers(spec: ModelSpec, taps: str) -> tuple[tuple[str, ...], str, tuple[str, ...]]:
    """All taps, the content layer and the style layers under one tap set.

    Raises:
        ValueError: the article named no taps for this family.
    """
    if taps == "article":
        if spec.style_layers is None or spec.content_layer is None:
            raise ValueError(f"the article names no taps for {spec.name}: use matched ones")
        return (*spec.style_layers, spec.content_layer), spec.content_layer, spec.style_layers
    net = untrained(spec).net
    style = matched_taps(net)
    content = content_tap(net)
    return (*style, content), content, style


def picture_file(run: Path, model: str, condition: str, case: str) -> Path:
    """Where a stylised picture lies, named by what it is."""
    return run / "artifacts" / "style" / model / f"{condition.replace('/', '_')}__{case}.png"


def keep_originals(run: Path, contents: Iterable[Picture], styles: Iterable[Picture]) -> None:
    """The untouched pictures, beside the stylised ones."""
    for role, pictures in (("(content)", contents), ("(style)", styles)):
        for picture in pictures:
            _save(picture.pixels, picture_file(run, role, "original", picture.name))


def _save(pixels: torch.Tensor, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    save_png(pixels, file)
