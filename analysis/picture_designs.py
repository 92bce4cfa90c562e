"""Study designs over pictures: the same networks, or pairs of pictures, under two conditions."""

from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from analysis.contrasts import paired
from analysis.crossed import laid_out, paired_or_crossed
from analysis.evidence import Evidence
from analysis.sample import (
    SWITCHES,
    factory,
    intact,
    standard_zoo,
    units,
    usable,
    usual_robust,
)
from analysis.style_columns import ARTICLE, PERIODS, START, TAPS, comparable
from analysis.verdict import Effect, missing

_WEIGHT = "w100"  # the style weight every condition of the laboratory has
_PAIR = ["model", "case"]


@dataclass(frozen=True)
class Condition:
    """Style transfer under a condition minus its baseline, paired over architectures.

    Attributes:
        y: a column of ``style_facts``, or ``peak_excess``.
        variant: what the condition adds to the plain one, as rows name it; empty = nothing.
        surgery: what was done to the networks first; empty = nothing.
        only: values that columns of the model table must have.
        without: a family left out.
        baseline: what it is compared with, named as ``variant`` is; empty = the plain condition.
    """

    y: str
    variant: str = ""
    surgery: str = ""
    only: tuple[tuple[str, Any], ...] = ()
    without: str = ""
    baseline: str = ""

    def effect(self, evidence: Evidence) -> Effect:
        """Over units (``sample.units``) crossed with pictures; networks of a unit are averaged.

        ``peak_excess`` is a maximum of means over pictures, so units alone are its sample.
        """
        changed = _of_condition(evidence.pictures, self.variant)
        plain = _of_condition(evidence.pictures, self.baseline)
        if changed.empty or plain.empty:
            return missing("no network was measured both ways")
        if self.surgery:
            ending = f"+{self.surgery}"
            changed = changed[changed["model"].str.endswith(ending)]
            changed = changed.assign(model=changed["model"].str.removesuffix(ending))
        chosen = intact(evidence.table)
        for column, value in self.only:
            chosen = chosen[chosen[column] == value]
        chosen = chosen[(chosen["training"] != "random") & (chosen["family"] != self.without)]
        sides = [_by_model(side, self.y) for side in _alike(changed, plain)]
        known = (sides[0] - sides[1]).reindex(chosen["model"]).dropna(how="all")
        if known.empty:
            return missing("no network was measured both ways")
        gaps = known.dropna(axis=1)
        if gaps.empty:
            return missing("no pair of pictures was shown to all of the networks")
        names = chosen.assign(unit=units(chosen)).set_index("model")["unit"]
        grid = gaps.groupby(names.reindex(gaps.index)).mean()
        note = f"{len(gaps)} networks" + ", pictures held fixed" * (grid.shape[1] == 1)
        return _with_pictures(paired(grid.mean(axis=1), note=note), grid)


def _of_condition(pictures: pd.DataFrame, variant: str, *, taps: str = TAPS) -> pd.DataFrame:
    """The pictures of one condition."""
    name = "/".join(part for part in (START, taps, variant, _WEIGHT) if part)
    return pictures[pictures["condition"] == name]


def _alike(
    first: pd.DataFrame, second: pd.DataFrame, *, together: bool = False
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What one run made of a network and a pair of pictures both ways, the first such run's.

    A picture that only one side has would be counted as the effect, and so would be the difference
    of the machines that two runs were made on. ``together``: all networks' pictures of a pair are
    of one run, for they are compared with each other as well.
    """
    both = first[[*_PAIR, "run"]].merge(second[[*_PAIR, "run"]]).drop_duplicates()
    both = _of_one_run(both, "model") if together else both.sort_values("run")
    both = both.drop_duplicates(_PAIR)
    return first.merge(both), second.merge(both)


def _of_one_run(made: pd.DataFrame, whole: str) -> pd.DataFrame:
    """Each pair of pictures from the run that has most of what is compared, the first of such.

    Args:
        made: columns case, run and ``whole``.
        whole: what is counted; NaN where a line is one side of nothing.
    """
    known = made.groupby(["case", "run"])[whole].nunique().reset_index()
    best = known.sort_values([whole, "run"], ascending=[False, True]).drop_duplicates("case")
    return made.merge(best[["case", "run"]])


def _complete(made: pd.DataFrame, key: pd.Series, side: pd.Series) -> pd.DataFrame:
    """The pictures, each pair of them from the run with most keys that have both sides.

    Args:
        made: columns model, case, run.
        key, side: by model; what the two sides are sides of, and which one a model is.
    """
    named = made.assign(key=made["model"].map(key), side=made["model"].map(side))
    sides = named.groupby(["case", "run", "key"])["side"].transform("nunique")
    chosen = _of_one_run(named.assign(key=named["key"].where(sides == 2)), "key")
    return chosen.drop(columns=["key", "side"])


def _by_model(shown: pd.DataFrame, y: str) -> pd.DataFrame:
    """Models x pairs of pictures; of ``peak_excess`` one column, the largest mean over them."""
    columns = [f"excess_{p}" for p in PERIODS] if y == "peak_excess" else [y]
    known = [column for column in columns if column in shown]
    if not known or shown.empty:
        return pd.DataFrame()
    if y == "peak_excess":
        return shown.groupby("model")[known].mean().max(axis=1).to_frame(y)
    wide: pd.DataFrame = shown.pivot_table(index="model", columns="case", values=y)
    return wide


@dataclass(frozen=True)
class Twins:
    """One training minus another of the same architecture, paired over architectures.

    Attributes:
        y: a column of ``style_facts``, or ``peak_excess``.
        first, second: names of trainings; an architecture has at most one of each.
    """

    y: str
    first: tuple[str, ...]
    second: tuple[str, ...] = ("standard",)

    def effect(self, evidence: Evidence) -> Effect:
        """Over architectures crossed with the pictures all of them have; seeds are averaged."""
        grid = _retrained(evidence, self.y, self.first, self.second)
        if grid.empty:
            return missing("no architecture has pictures with both trainings")
        note = ", ".join(map(str, grid.index))
        return _with_pictures(paired(grid.mean(axis=1), note=note), grid)


@dataclass(frozen=True)
class RobustTwins:
    """As ``Twins``, robust minus standard weights, at one budget (``usual_robust``)."""

    y: str

    def effect(self, evidence: Evidence) -> Effect:
        """The note begins with the trainings compared."""
        trainings = usual_robust(evidence.table)
        if not trainings:
            return missing("no architecture with standard and L2-robust weights in this run")
        found = Twins(self.y, trainings).effect(evidence)
        return found if found.reason else replace(
            found, note=f"{' and '.join(trainings)}; {found.note}"
        )  # fmt: skip


@dataclass(frozen=True)
class Rung:
    """As ``Twins`` where few architectures have the trainings: a claim about these networks."""

    y: str
    first: str
    second: str = "standard"

    def effect(self, evidence: Evidence) -> Effect:
        """Over contents crossed with styles, mean over architectures that have both."""
        grid = _retrained(evidence, self.y, (self.first,), (self.second,))
        if grid.empty:
            return missing("no network was measured both ways")
        gaps = grid.mean(axis=0)
        note = ", ".join(map(str, grid.index))
        return _with_pictures(paired(gaps, note=note), gaps.to_frame().T)


def _retrained(
    evidence: Evidence, y: str, first: tuple[str, ...], second: tuple[str, ...]
) -> pd.DataFrame:
    """Architectures that have both trainings x pictures: first minus second, plain method."""
    zoo = usable(evidence.table).set_index("model")
    sides = [zoo.loc[zoo["training"].isin(trainings), "arch"] for trainings in (first, second)]
    plain = _of_condition(evidence.pictures, "")
    sides = [arch[arch.index.isin(plain["model"])] for arch in sides]
    archs = pd.concat([side[side.isin(sides[1 - i])] for i, side in enumerate(sides)])
    if archs.empty:
        return pd.DataFrame()
    shown = plain[plain["model"].isin(archs.index)]
    is_first = pd.Series(archs.index.isin(sides[0].index), index=archs.index)
    made = _by_model(comparable(_complete(shown, archs, is_first)), y)
    means = [made.groupby(archs[archs.index.isin(side.index)]).mean() for side in sides]
    return (means[0] - means[1]).dropna(how="all").dropna(axis=1)


def matched_pairs(
    evidence: Evidence, y: str, switch: str, first: object, second: object
) -> pd.DataFrame:
    """Pairs of matched nets that differ in one switch x pictures all nets have: first - second.

    By the plain method, seeds averaged; without columns where a picture has no y of its own.
    """
    nets = factory(evidence.table).set_index("model")
    plain = _of_condition(evidence.pictures, "")
    shown = plain[plain["model"].isin(nets.index)]
    if y not in shown or shown.empty:
        return pd.DataFrame()
    others = [name for name in SWITCHES if name != switch]
    nets = nets[nets[switch].isin([first, second])]
    cells = nets[others].astype(str).agg("/".join, axis=1)
    shown = shown[shown["model"].isin(nets.index)]
    made = _by_model(_complete(shown, cells, nets[switch]), y).dropna(axis=1)
    known = nets.loc[made.index]
    sides = [
        made[known[switch] == level].groupby([known[name] for name in others]).mean()
        for level in (first, second)
    ]
    return (sides[0] - sides[1]).dropna()


@dataclass(frozen=True)
class Taps:
    """By how much matched taps shrink a family's lead over the source, if it has one.

    Attributes:
        family: the family whose lead it is; its contestants with standard weights are measured.
    """

    family: str
    y: str = "progress"

    def effect(self, evidence: Evidence) -> Effect:
        """Over contents crossed with styles: the claim is about these networks.

        Style taps only: the article's content taps differ, too, and are left out of it. Without a
        lead under the article's style taps, its interval above 0, there is no effect.
        """
        models = standard_zoo(evidence.table, source=True)
        models = models[(models["training"] == "standard") & (models["role"] == "contestant")]
        ours = list(models.loc[models["family"] == self.family, "model"])
        source = list(models.loc[models["is_source"].astype(bool), "model"])
        pictures = evidence.pictures[evidence.pictures["model"].isin([*ours, *source])]
        taps = [_of_condition(pictures, "", taps=name) for name in (ARTICLE, TAPS)]
        article, matched = (_by_model(side, self.y).T for side in _alike(*taps, together=True))
        note = f"{', '.join(ours)} against {', '.join(source)}"
        shrunk = _gap(article.sub(matched), ours, source, note)
        if shrunk.reason:
            return shrunk
        lead = _gap(article.where(matched.notna()), ours, source, note)
        # a gap that falls below 0, or from below it, is no lead made smaller
        if not lead.low > 0:
            return missing(f"no lead to shrink: {_lead(lead)} under the article's taps", shrunk.n)
        return replace(shrunk, note=f"from a lead of {_lead(lead)}; {shrunk.note}")


def _lead(found: Effect) -> str:
    return found.reason or f"{found.value:+.2f} [{found.low:+.2f}, {found.high:+.2f}]"


def _gap(values: pd.DataFrame, first: list[str], second: list[str], note: str) -> Effect:
    sides = [values.reindex(columns=names).mean(axis=1) for names in (first, second)]
    gap = (sides[0] - sides[1]).dropna()
    if gap.empty:
        return missing("no network was measured both ways")
    return _with_pictures(paired(gap, note=note), gap.to_frame().T)


def _with_pictures(found: Effect, grid: pd.DataFrame) -> Effect:
    """A paired effect's count and note, with the interval of its grid "units pictures"."""
    if found.reason or grid.shape[1] == 1:
        return found
    return replace(paired_or_crossed(laid_out(grid)), n=found.n, note=found.note)
