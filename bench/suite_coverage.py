"""The coverage suite: where a network's strides should leave a lattice, from its layers alone."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from bench.inputs import Inputs
from bench.suite import Row, Tick
from zoo.coverage import by_period, strided_layers
from zoo.spec import ModelSpec
from zoo.taps import skeleton, tap_set


@dataclass(frozen=True)
class Coverage:
    """The static prediction up to the last of a set of taps (``zoo.coverage``).

    The rows' case is ``network``, their condition the taps, their step the period in pixels.
    """

    taps: str = "matched"
    name: ClassVar[str] = "coverage"
    version: ClassVar[int] = 1

    @property
    def label(self) -> str:
        """The taps."""
        return self.taps

    def depends(self, inputs: Inputs) -> list[str]:
        """Nothing but the network."""
        return []

    def work(self, inputs: Inputs) -> int:
        """One tick."""
        return 1

    def seconds(self, spec: ModelSpec, inputs: Inputs) -> float:
        """Nothing is computed."""
        return 0.0

    def measure(self, spec: ModelSpec, inputs: Inputs, seed: int, tick: Tick) -> Iterable[Row]:
        """The largest unevenness among the layers of each period."""
        layers = strided_layers(skeleton(spec), taps=tap_set(spec, self.taps).every)
        for period, value in by_period(layers).items():
            yield "network", self.taps, "coverage_unevenness", period, value
        tick(0.0)
