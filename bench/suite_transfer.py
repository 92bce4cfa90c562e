"""The transfer suite: adversarial pictures of a source, shown to one target.

Conditions of the rows: see ``bench.transfer``, with the source in front as ``bench.sources`` writes
it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from bench.correct import correct_rows
from bench.crafted import all_crafted
from bench.estimate import FORWARD, step_seconds
from bench.inputs import Inputs
from bench.sources import Names, OnSources, contestant, prefix, source_specs
from bench.suite import Row, Tick
from bench.transfer import Attack, facts
from zoo.datasets import to_float
from zoo.spec import ModelSpec


@dataclass(frozen=True)
class Transfer(OnSources):
    """The attacks made on a source and shown to the target."""

    attacks: tuple[Attack, ...]
    sources: Names = ()
    name: ClassVar[str] = "transfer"
    version: ClassVar[int] = 2

    def work(self, inputs: Inputs) -> int:
        """One tick an attack."""
        return len(self.attacks)

    def seconds(self, spec: ModelSpec, inputs: Inputs) -> float:
        """Two forward passes an attack; a source's own cell also makes the pictures."""
        made_on = source_specs(self.sources, inputs)
        shown = 2 * len(self.attacks) * FORWARD
        made = sum(a.steps for a in self.attacks) if spec in made_on else 0
        return step_seconds(spec, inputs) * (shown + made)

    def measure(self, spec: ModelSpec, inputs: Inputs, seed: int, tick: Tick) -> Iterable[Row]:
        """Facts for each image under each attack."""
        target = contestant(spec, inputs)
        ids, labels = inputs.images.ids, inputs.images.labels.to(inputs.device)
        clean = to_float(inputs.images.pixels).to(inputs.device)
        yield from correct_rows(target, inputs, condition=f"{prefix(self.sources)}clean")
        found = {}
        for made in all_crafted(inputs, self.attacks, seed=seed, sources=self.sources):
            found[made.attack] = facts(target, clean, labels, made)
            tick(0.0)
        for attack in self.attacks:
            condition = f"{prefix(self.sources)}{attack.condition}"
            # a class is no target for its own pictures
            shown = [i for i, label in enumerate(labels.tolist()) if label != attack.target]
            for metric, values in found[attack].items():
                for i in shown:
                    yield ids[i], condition, metric, attack.steps, float(values[i])
