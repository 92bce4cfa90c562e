"""Study designs over the model table: each a frozen question put to a run.

Every design answers with an ``Effect``; where the run lacks what it needs, the effect says so.
"""

from dataclasses import dataclass, replace
from typing import Any

from analysis.association import associate, partial_spearman
from analysis.contrasts import mediated
from analysis.crossed import laid_out, paired_or_crossed
from analysis.evidence import Evidence, lacking
from analysis.factorial import main_effect
from analysis.outlier import set_apart
from analysis.picture_designs import matched_pairs
from analysis.sample import (
    SWITCHES,
    by_unit,
    factory,
    sample_of,
    units,
)
from analysis.verdict import Effect, missing

STANDARD, RANDOM = ("standard",), ("random",)
_FEWEST = 3  # pictures, and pairs of nets, for their scatter, as among the comparisons
_NO_FACTORY = "no matched nets in this run"


@dataclass(frozen=True)
class Association:
    """Rank association of two columns over the architectures of the standard zoo (``associate``).

    Robust twins and seeds of an architecture are averaged first: counted as networks of their own,
    they call scores that merely cluster by architecture a relation in one null world of eight.

    Attributes:
        x, y: columns of the model table.
        given: columns held fixed.
        without: a family left out.
        matched: whether the matched nets take part, a cell a unit.
        trainings: which weights; empty = all. The source's robust twins stay where it is left out,
            so over all weights its architecture is a point of another training than the others.
    """

    x: str
    y: str
    given: tuple[str, ...] = ()
    without: str = ""
    matched: bool = False
    trainings: tuple[str, ...] = ()

    def effect(self, evidence: Evidence) -> Effect:
        """Spearman's rho; the source is left out."""
        absent = lacking(evidence.table, self.x, self.y, *self.given)
        if absent:
            return missing(absent)
        models = sample_of(evidence.table, matched=self.matched, trainings=self.trainings)
        models = models[models["family"] != self.without]
        columns = [self.x, self.y, *self.given]
        used = models.dropna(subset=columns)
        found = associate(
            by_unit(used), self.x, self.y, given=self.given, resamples=evidence.resamples,
            seed=evidence.seed,
        )  # fmt: skip
        if found.reason:
            without = f" without {self.without}" if self.without else ""
            return replace(found, reason=f"{found.reason}{without}")
        ranked = (used[name].to_numpy(float) for name in columns if used[name].nunique() > 1)
        plain = float(partial_spearman(*ranked))
        return replace(found, note=f"over all {len(used)} networks {plain:+.2f}; {found.note}")


@dataclass(frozen=True)
class Switch:
    """Main effect of one switch of the factory: y(first) - y(second)."""

    y: str
    switch: str
    first: Any
    second: Any

    def effect(self, evidence: Evidence) -> Effect:
        """Over cells of the factory, seeds averaged, crossed with pictures where y is of pictures.

        Where it is not, and in the note, the pictures are held fixed (``main_effect``).
        """
        nets = factory(evidence.table)
        absent = lacking(nets, self.y) if len(nets) else _NO_FACTORY
        if absent:
            return missing(absent)
        held = main_effect(nets, self.y, self.switch, self.first, self.second)
        if held.reason:
            return held
        grid = matched_pairs(evidence, self.y, self.switch, self.first, self.second)
        enough = min(grid.shape) >= _FEWEST
        over = paired_or_crossed(laid_out(grid)) if enough else missing("too few of either")
        if over.reason:
            return replace(held, note=f"pictures held fixed; {held.note}")
        fixed = f"{held.value:+.2g} [{held.low:+.2g}, {held.high:+.2g}]"
        return replace(over, n=2 * len(grid), note=f"pictures held fixed {fixed}; {held.note}")


@dataclass(frozen=True)
class Mediation:
    """What of a switch's effect on y passes through a mediator, over cells of the factory."""

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
        return mediated(
            by_unit(nets), self.switch, self.through, self.y, given=others, seed=evidence.seed
        )


@dataclass(frozen=True)
class Apart:
    """How far a family lies from the rest of the standard zoo, given covariates.

    Attributes:
        y: column of the model table.
        family: the family in question.
        given: columns held fixed.
        trainings: which weights; empty = all.
        source: whether the source is among the others.
        matched: whether the matched nets are among the others, a cell a unit.
        without: families left out of the others.
    """

    y: str
    family: str
    given: tuple[str, ...] = ()
    trainings: tuple[str, ...] = ()
    source: bool = False
    matched: bool = False
    without: tuple[str, ...] = ()

    def effect(self, evidence: Evidence) -> Effect:
        """See ``set_apart``."""
        absent = lacking(evidence.table, self.y, *self.given)
        if absent:
            return missing(absent)
        models = sample_of(
            evidence.table, matched=self.matched, trainings=self.trainings, source=self.source
        )
        models = models[~models["family"].isin(self.without)]
        chosen = models["family"] == self.family
        return set_apart(models, self.y, chosen, given=self.given, within=units(models))
