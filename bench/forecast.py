"""What a preset costs on a device that is not here: operations counted on shapes alone."""

from pathlib import Path

import torch

from bench.estimate import COUNTED
from bench.inputs import Inputs
from bench.pictures import bundled
from bench.preset import Preset
from zoo.catalog import find
from zoo.datasets import LabelledImages
from zoo.spec import ModelSpec
from zoo.terminal import bar


def forecast(preset: Preset, models: tuple[ModelSpec, ...]) -> dict[str, float]:
    """10^12 operations (multiplications and additions) of each suite, over these models.

    No weights, no data and no computing: networks are shapes on torch's ``meta`` device, images
    are counted as the preset asks for them. Style transfer is counted without the Gram matrices
    and the judge, attacks without the bookkeeping.
    """
    inputs = _shapes(preset)
    cells = preset.cells(models, seed=0)
    found = dict.fromkeys((cell.suite.name for cell in cells), 0.0)
    with bar("counting operations", total=len(cells)) as progress:
        for cell in cells:
            found[cell.suite.name] += cell.suite.seconds(cell.spec, inputs)
            progress.step(cell.spec.name)
    return found


def _shapes(preset: Preset) -> Inputs:
    """As many images and pictures of the right sizes as the preset asks for."""
    n = preset.images
    images = LabelledImages(
        tuple(map(str, range(n))),
        torch.zeros(1, 3, preset.side, preset.side, dtype=torch.uint8).expand(n, -1, -1, -1),
        torch.zeros(n, dtype=torch.int64),
        preset.dataset,
    )
    contents, styles = (
        tuple(bundled(name, size=preset.size) for name in names)
        for names in (preset.contents, preset.styles)
    )
    source, judge = find(preset.source), find(preset.judge)
    return Inputs(Path(), images, contents, styles, source, judge, COUNTED)
