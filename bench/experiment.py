"""Suites that belong together, and the models they are for."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from bench.cells import Cell
from bench.suite import Suite
from bench.suite_judges import Judges
from bench.suite_style import Style
from zoo.spec import ModelSpec, operated
from zoo.surgery import operate
from zoo.taps import skeleton


@dataclass(frozen=True)
class Experiment:
    """A part of a preset.

    Attributes:
        about: one line for ``--help``.
        models: names; None = every model of a run that the other fields admit.
        roles: whose turn it is; None = every role but networks trained on non-robust features,
            which are asked one question only.
        seeds: whether further seeds of a model take part where none are named.
        untrained: whether it is for untrained networks or for trained ones; None = for both.
        surgery: what is done to each model first; models it would not change are left out.
        from_each: whether the suites are repeated with every model of the run as their source.
        covered: whether other experiments measure it all where every model takes part in them.
    """

    about: str
    suites: tuple[Suite, ...]
    models: tuple[str, ...] | None = None
    roles: tuple[str, ...] | None = None
    seeds: bool = True
    untrained: bool | None = None
    surgery: tuple[str, ...] = ()
    from_each: bool = False
    covered: bool = False

    def cells(self, models: tuple[ModelSpec, ...], *, seed: int) -> tuple[Cell, ...]:
        """The plan for those of these models that take part.

        All suites and sources of one model follow one another, so that it is loaded once.
        """
        chosen = [spec for spec in models if self._takes(spec)]
        return tuple(
            Cell(operated(spec, *self.surgery), suite, seed)
            for spec in chosen
            for suite in self._of(chosen)
            if not isinstance(suite, Style) or not suite.refusal(spec)
        )

    def refusals(self, spec: ModelSpec) -> tuple[str, ...]:
        """Of each style suite that is meant for a model: why it cannot take part, or nothing."""
        styles = [s for s in self.suites if isinstance(s, Style)] if self._takes(spec) else []
        return tuple(suite.refusal(spec) for suite in styles)

    def at_size(self, size: int) -> "Experiment":
        """The same with style transfer on pictures of another size."""
        return self._pictured(lambda suite: suite.at_size(size))

    def all_pictures(self, *, contents: bool, styles: bool) -> "Experiment":
        """The same models on all of the run's contents, or styles, or both."""
        return self._pictured(lambda suite: suite.all_pictures(contents=contents, styles=styles))

    def everywhere(self) -> "Experiment":
        """The same on every model and every picture of a run.

        Networks trained on non-robust features keep their own question.
        """
        roles = self.roles if self.roles == ("nonrobust",) else None
        wide = self.all_pictures(contents=True, styles=True)
        return replace(wide, models=None, roles=roles, seeds=True, untrained=None)

    def _pictured(self, change: Callable[[Style | Judges], Suite]) -> "Experiment":
        """The same with what has settings of pictures changed."""
        suites = (change(s) if isinstance(s, Style | Judges) else s for s in self.suites)
        return replace(self, suites=tuple(suites))

    def _of(self, sources: list[ModelSpec]) -> tuple[Suite, ...]:
        if not self.from_each:
            return self.suites
        suites: tuple[Any, ...] = self.suites
        return tuple(
            replace(suite, sources=(source.name,)) for suite in suites for source in sources
        )

    def _takes(self, spec: ModelSpec) -> bool:
        if self.models:
            named = spec.name in self.models
        else:
            admitted = spec.role in self.roles if self.roles else spec.role != "nonrobust"
            named = admitted and (self.seeds or spec.seed == 0)
        if self.untrained is not None and self.untrained != (spec.training == "random"):
            return False
        return named and (not self.surgery or _changes(spec, self.surgery))


@lru_cache(maxsize=1024)
def _changes(spec: ModelSpec, surgery: tuple[str, ...]) -> bool:
    """Whether a surgery finds anything to change in the network."""
    return bool(operate(skeleton(spec), surgery))
