"""What every suite offers: a frozen set of settings that can measure one model."""

from collections.abc import Callable, Iterable
from typing import ClassVar, Protocol, runtime_checkable

from bench.inputs import Inputs
from zoo.spec import ModelSpec

Tick = Callable[[float], None]
Row = tuple[str, str, str, int, float]  # case, condition, metric, step, value


class Suite(Protocol):
    """One kind of measurement, a frozen dataclass whose fields are its settings.

    A new suite is a new file with such a class, named in a preset; nothing lists all suites.

    Attributes:
        name: the rows' suite and the cells' folder.
        version: raised when the rows change meaning, so that old cells are measured anew.
    """

    name: ClassVar[str]
    version: ClassVar[int]

    @property
    def label(self) -> str:
        """What tells two cells of one model and suite apart, as a path; may be empty."""
        ...

    def depends(self, inputs: Inputs) -> list[str]:
        """Digests of all inputs besides the model that the rows depend on."""
        ...

    def work(self, inputs: Inputs) -> int:
        """How many ticks one cell takes."""
        ...

    def seconds(self, spec: ModelSpec, inputs: Inputs) -> float:
        """Expected seconds of one cell, from timing one step here and now."""
        ...

    def measure(self, spec: ModelSpec, inputs: Inputs, seed: int, tick: Tick) -> Iterable[Row]:
        """The rows of one cell; ``tick`` after each unit of work with the loss, or 0."""
        ...


@runtime_checkable
class Checked(Protocol):
    """What suites offer that may be too large for this machine."""

    def check(self, spec: ModelSpec, inputs: Inputs) -> None:
        """Refuse before anything is computed, as ``measure`` does."""
        ...


class OnImages:
    """What suites share whose cells are one a model and depend on the run's images alone."""

    @property
    def label(self) -> str:
        """Nothing: a run has one such cell a model and seed."""
        return ""

    def depends(self, inputs: Inputs) -> list[str]:
        """The images."""
        return [inputs.images_sha256]
