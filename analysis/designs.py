"""Study designs over the model table: each a frozen question put to a run.

Every design answers with an ``Effect``; where the run lacks what it needs, the effect says so.
"""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.association import associate
from analysis.contrasts import mediated, paired, set_apart
from analysis.evidence import Evidence, lacking
from analysis.factorial import SWITCHES, main_effect
from analysis.sample import by_training, factory, standard_networks
from analysis.verdict import Effect, missing

STANDARD, RANDOM = ("standard",), ("random",)
_NO_FACTORY = "no matched nets in this run"
ROBUST = ("l2_05", "l2_3", "restricted_l2")  # one budget a data set, where most twins exist


@dataclass(frozen=True)
class Association:
    """Rank association of two columns over the networks of the standard zoo (``associate``).

    Attributes:
        x, y: columns of the model table.
        given: columns held fixed.
        without: a family left out.
        matched: whether the matched nets take part, first seeds only.
    """

    x: str
    y: str
    given: tuple[str, ...] = ()
    without: str = ""
    matched: bool = False

    def effect(self, evidence: Evidence) -> Effect:
        """Spearman's rho; the source is left out."""
        absent = lacking(evidence.table, self.x, self.y, *self.given)
        if absent:
            return missing(absent)
        models = standard_networks(evidence.table)
        if self.matched:
            nets = factory(evidence.table)
            models = pd.concat([models, nets[nets["seed"] == 0]])
        models = models[models["family"] != self.without]
        return associate(
            models, self.x, self.y, given=self.given, resamples=evidence.resamples,
            seed=evidence.seed,
        )  # fmt: skip


@dataclass(frozen=True)
class Twins:
    """Mean over architectures of one training minus another: y(first) - y(second)."""

    y: str
    first: tuple[str, ...]
    second: tuple[str, ...] = STANDARD

    def effect(self, evidence: Evidence) -> Effect:
        """Paired over architectures, seeds of one averaged."""
        absent = lacking(evidence.table, self.y)
        if absent:
            return missing(absent)
        pairs = by_training(evidence.table, self.y, self.first, self.second)
        return paired(pairs["first"] - pairs["second"], note=", ".join(map(str, pairs.index)))


@dataclass(frozen=True)
class Switch:
    """Main effect of one switch of the factory: y(first) - y(second)."""

    y: str
    switch: str
    first: Any
    second: Any

    def effect(self, evidence: Evidence) -> Effect:
        """Over matched nets and seeds (``main_effect``)."""
        nets = factory(evidence.table)
        absent = lacking(nets, self.y) if len(nets) else _NO_FACTORY
        return missing(absent) if absent else main_effect(
            nets, self.y, self.switch, self.first, self.second
        )  # fmt: skip


@dataclass(frozen=True)
class Mediation:
    """What of a switch's effect on y passes through a mediator, over the matched nets."""

    y: str
    switch: str
    through: str

    def effect(self, evidence: Evidence) -> Effect:
        """See ``mediated``."""
        nets = factory(evidence.table)
        absent = lacking(nets, self.y, self.through) if len(nets) else _NO_FACTORY
        if absent:
            return missing(absent)
        others = [c for c in SWITCHES if c != self.switch]
        return mediated(nets, self.switch, self.through, self.y, given=others, seed=evidence.seed)


@dataclass(frozen=True)
class Apart:
    """How far a family lies from the rest of the standard zoo, given covariates.

    Attributes:
        y: column of the model table.
        family: the family in question.
        given: columns held fixed.
        trainings: which weights; empty = all.
        source: whether the source is among the others.
    """

    y: str
    family: str
    given: tuple[str, ...] = ()
    trainings: tuple[str, ...] = ()
    source: bool = False

    def effect(self, evidence: Evidence) -> Effect:
        """See ``set_apart``."""
        absent = lacking(evidence.table, self.y, *self.given)
        if absent:
            return missing(absent)
        models = standard_networks(evidence.table, source=self.source)
        if self.trainings:
            models = models[models["training"].isin(self.trainings)]
        return set_apart(models, self.y, models["family"] == self.family, given=self.given)
