"""The robustness suite: how far each picture is from this model's nearest error.

Conditions of the rows: ``clean``; ``l2/pgd``, ``linf/hop_skip_jump``, ... with the iterations as
step.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from bench.correct import correct_rows
from bench.distances import Search, nearest
from bench.estimate import FORWARD, step_seconds
from bench.inputs import Inputs
from bench.sources import contestant
from bench.suite import OnImages, Row, Tick
from zoo.spec import ModelSpec


@dataclass(frozen=True)
class Robustness(OnImages):
    """An ensemble of searches; the nearest error over all of them is the picture's distance.

    Attributes:
        batch: pictures in memory at once; HopSkipJump starts from pictures of the same batch.
    """

    searches: tuple[Search, ...]
    batch: int = 50
    name: ClassVar[str] = "robustness"
    version: ClassVar[int] = 1

    def work(self, inputs: Inputs) -> int:
        """One tick a search and batch."""
        return sum(-(-_count(search, inputs) // self.batch) for search in self.searches)

    def seconds(self, spec: ModelSpec, inputs: Inputs) -> float:
        """As if no picture were lost at PGD's first radius: too long for networks that are weak."""
        n = len(inputs.images)
        steps = sum(_steps(s) * _count(s, inputs) / n for s in self.searches)
        return step_seconds(spec, inputs) * steps

    def measure(self, spec: ModelSpec, inputs: Inputs, seed: int, tick: Tick) -> Iterable[Row]:
        """One distance for each image and search."""
        model = contestant(spec, inputs)
        yield from correct_rows(model, inputs, batch=self.batch)
        for search in self.searches:
            chosen = inputs.images.first(search.first)
            cases = iter(chosen.ids)
            for x, y in chosen.batches(self.batch):
                found = nearest(
                    model, x.to(inputs.device), y.to(inputs.device), search=search, seed=seed
                )
                for value in found.distance.tolist():
                    yield next(cases), search.condition, "adv_distance", search.steps, value
                tick(0.0)


def _count(search: Search, inputs: Inputs) -> int:
    return len(inputs.images.first(search.first))


def _steps(search: Search) -> float:
    """Attack steps of one search, an answer being half of one."""
    if search.method == "hop_skip_jump":
        asked = sum(search.queries * math.sqrt(step + 1) + 20 for step in range(search.steps))
        return FORWARD * asked
    return search.steps * max(1, len(search.eps)) * search.restarts
