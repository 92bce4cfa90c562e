"""The edits suite: one attack's perturbations, filtered, shifted or swapped, shown to one target.

Conditions of the rows: the attack's, then the edit: ``l2_0.50/untargeted/low_0.125``. The source's
own cell also holds the spectrum of the unedited perturbation: radial power with the frequency bin
as step, and the stride-locked peaks that the pictures' size leaves room for.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

import torch

from bench.correct import correct_rows
from bench.crafted import crafted
from bench.edits import Edit, edited
from bench.estimate import FORWARD, step_seconds
from bench.inputs import Inputs
from bench.sources import Names, OnSources, contestant, prefix, source_specs
from bench.spectrum import PERIODS, power_spectrum, radial_power, stride_peak
from bench.suite import Row, Tick
from bench.transfer import Attack, answers
from zoo.datasets import to_float
from zoo.spec import ModelSpec


@dataclass(frozen=True)
class Edits(OnSources):
    """The attack whose perturbations are edited, and the edits."""

    attack: Attack
    edits: tuple[Edit, ...]
    sources: Names = ()
    name: ClassVar[str] = "edits"
    version: ClassVar[int] = 2

    def work(self, inputs: Inputs) -> int:
        """One tick an edit."""
        return len(self.edits)

    def seconds(self, spec: ModelSpec, inputs: Inputs) -> float:
        """One forward pass an edit; the pictures are the transfer suite's."""
        return step_seconds(spec, inputs) * (1 + len(self.edits)) * FORWARD

    def measure(self, spec: ModelSpec, inputs: Inputs, seed: int, tick: Tick) -> Iterable[Row]:
        """Facts for each image under each edit."""
        target = contestant(spec, inputs)
        ids, labels = inputs.images.ids, inputs.images.labels.to(inputs.device)
        clean = to_float(inputs.images.pixels).to(inputs.device)
        made = crafted(inputs, self.attack, seed=seed, sources=self.sources)
        start = f"{prefix(self.sources)}{self.attack.condition}"
        yield from correct_rows(target, inputs, condition=f"{prefix(self.sources)}clean")
        if source_specs(self.sources, inputs) == (spec,):
            yield from _spectra(ids, f"{start}/perturbation", made.images - clean)
        for edit in self.edits:
            shown = edited(made.images, clean, labels, edit)
            given = answers(target, shown)
            wrong = given != labels
            found = {
                "adv_correct": ~wrong,
                "adv_same_as_source": wrong & (given == made.source_answers),
                "perturbation_l2": (shown - clean).flatten(1).norm(dim=1),
            }
            for metric, values in found.items():
                for case, value in zip(ids, values.tolist(), strict=True):
                    condition = f"{start}/{edit.condition}"
                    yield case, condition, metric, self.attack.steps, float(value)
            tick(0.0)


def _spectra(ids: tuple[str, ...], condition: str, delta: torch.Tensor) -> Iterator[Row]:
    power = power_spectrum(delta)
    for case, bins in zip(ids, radial_power(delta).tolist(), strict=True):
        for step, value in enumerate(bins):
            yield case, condition, "radial_power", step, value
    for period in PERIODS:
        for case, value in zip(ids, stride_peak(power, period=period).tolist(), strict=True):
            if value == value:  # a ring without room gives NaN
                yield case, condition, f"peak_{period}", 0, value
