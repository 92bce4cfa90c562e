"""Which models a question is about: the sample is chosen before the numbers are seen.

Untrained networks, matched nets and operated copies answer other questions than the zoo does, and
the source attacks itself; a correlation over all of them would mix designs.
"""

import re
from typing import Any

import pandas as pd

SWITCHES = ("residual", "downsampling", "batch_norm")  # of the matched factory
_PLAIN_DOWNSAMPLING = "max22"  # VGG's, what others are held against
Change = tuple[str, Any, Any]  # a switch and two of its levels, first minus second
_ZOO = ("contestant", "twin", "replicate", "control")
_TRAINING = re.compile(r"l2_(?:eps)?(\d+(?:\.\d+)?|unstated)")
_USUAL = (0.5, 3.0)  # radii most papers train at, on CIFAR-10 and on ImageNet
_UNSTATED = -1.0  # a robust training whose radius nobody wrote down is a budget of its own


def intact(table: pd.DataFrame) -> pd.DataFrame:
    """The models no surgery was done to."""
    return table[~table["model"].astype(str).str.contains("+", regex=False)]


def usable(table: pd.DataFrame) -> pd.DataFrame:
    """The networks of the zoo, trained or not: no matched nets, no operated copies."""
    whole = intact(table)
    return whole[whole["role"].isin(_ZOO)]


def standard_zoo(table: pd.DataFrame, *, source: bool = False) -> pd.DataFrame:
    """The trained networks that somebody would use: no matched nets, no operated copies.

    An architecture counts by its standard and its usual robust weights: further rungs of a ladder
    of budgets are the same network once more, and would make a correlation of one architecture.

    Args:
        table: the model table.
        source: whether the source belongs, with further seeds of it, as where nothing is
            transferred.
    """
    zoo = usable(table)
    trained = zoo[(zoo["training"] != "random") & ~_further_rung(zoo)]
    return trained if source else trained[~of_source(trained)]


def of_source(table: pd.DataFrame) -> pd.Series:
    """Which models are the source or another seed of it.

    Examples made on a network fool its second training as they fool no other architecture: what
    such a seed receives is a ceiling to hold architectures against, and no architecture's point.
    """
    names = networks(table)
    return names.isin(names[table["is_source"].eq(True)]).rename("of_source")


def _further_rung(zoo: pd.DataFrame) -> pd.Series:
    """Which robust models are not of the usual budget, where their architecture has that too."""
    usual = zoo["training"].isin(usual_robust(zoo))
    return zoo["robust"].astype(bool) & ~usual & zoo["arch"].isin(zoo.loc[usual, "arch"])


def counted(table: pd.DataFrame) -> set[str]:
    """Names of the models that a figure shows in full: those a correlation has, and the source."""
    return set(standard_zoo(table, source=True)["model"])


def networks(table: pd.DataFrame) -> pd.Series:
    """Each model's name without its seed: what further seeds are seeds of."""
    return table["model"].astype(str).str.replace(r"-s\d+$", "", regex=True).rename("network")


def standard_networks(table: pd.DataFrame, *, source: bool = False) -> pd.DataFrame:
    """The standard zoo, one line a network: numbers are means over its seeds, the rest its first's.

    Another seed is another measurement of a network and no further network.
    """
    zoo = standard_zoo(table, source=source).sort_values("model")
    return _averaged(zoo, networks(zoo))


def _averaged(table: pd.DataFrame, groups: pd.Series) -> pd.DataFrame:
    names = groups.to_numpy()
    numbers = table.select_dtypes("number").columns
    first = table[table.columns.difference(numbers, sort=False)].groupby(names, sort=False).first()
    means = table[numbers].groupby(names, sort=False).mean()
    return pd.concat([first, means], axis=1)[list(table.columns)].reset_index(drop=True)


def units(table: pd.DataFrame) -> pd.Series:
    """What each model is one more measurement of: its architecture, for matched nets their cell.

    Robust twins and seeds share an architecture, and with it most of what a score depends on, so
    three ResNet-50 are one unit of a claim about architectures.
    """
    names = table["model"].astype(str).str.split(".", n=1).str[0]
    if not set(SWITCHES) <= set(table.columns):
        return names.rename("unit")
    cells = names
    for switch in SWITCHES:
        cells = cells + "/" + table[switch].astype(str)
    return names.where(table["role"] != "matched", cells).rename("unit")


def sample_of(
    table: pd.DataFrame, *, matched: bool, trainings: tuple[str, ...] = (), source: bool = False
) -> pd.DataFrame:
    """The standard networks of some trainings, all if none are named, with matched nets or without.

    Args:
        table: the model table.
        source: see ``standard_zoo``.
    """
    models = standard_networks(table, source=source)
    if matched:
        models = pd.concat([models, factory(table)], ignore_index=True)
    return models[models["training"].isin(trainings)] if trainings else models


def by_unit(table: pd.DataFrame) -> pd.DataFrame:
    """One line a unit: numbers are means over its models, the rest its first's."""
    return _averaged(table, units(table))


def factory(table: pd.DataFrame) -> pd.DataFrame:
    """The matched nets, every seed a line."""
    whole = intact(table)
    return whole[whole["role"] == "matched"]


def changes(table: pd.DataFrame) -> list[Change]:
    """Every change of one switch that there are matched nets for."""
    nets = factory(table)
    kinds = sorted(set(nets["downsampling"].dropna()) - {_PLAIN_DOWNSAMPLING})
    found: list[Change] = [("downsampling", kind, _PLAIN_DOWNSAMPLING) for kind in kinds]
    found += [("residual", True, False), ("batch_norm", True, False)]
    return [one for one in found if set(one[1:]) <= set(nets[one[0]])]


def said(change: Change) -> str:
    """``residual: on - off``, as comparisons are named."""
    words = {True: "on", False: "off"}
    switch, first, second = change
    return f"{switch}: {words.get(first, first)} - {words.get(second, second)}"


def downsampling(table: pd.DataFrame) -> dict[str, str]:
    """How each matched net halves the picture, by name."""
    nets = factory(table)
    return dict(zip(nets["model"].astype(str), nets["downsampling"].astype(str), strict=True))


def training_eps(training: str) -> float | None:
    """L2 radius of an adversarial training by its name; 0 for a standard one, None for others.

    ``l2_025`` is .25 and ``l2_05`` .5, as CIFAR members are named; ``l2_3`` and ``l2_eps0.1`` say
    what they mean.
    """
    if training == "standard":
        return 0.0
    named = _TRAINING.fullmatch(training)
    if named is None or named[1] == "unstated":
        return None
    digits = named[1]
    plain = "." in digits or not digits.startswith("0")
    return float(digits if plain else f"0.{digits[1:]}")


def usual_robust(table: pd.DataFrame) -> tuple[str, ...]:
    """Names of the L2-robust trainings of one budget: the one most architectures have a twin at.

    An architecture may have a ladder of them, which averaged would be no budget at all. Of budgets
    with as many twins the ones most papers train at go first, then the larger. Scores are not
    looked at. Empty where no architecture has standard and L2-robust weights.

    Args:
        table: the model table.
    """
    whole = usable(table)
    twinned = whole[whole["arch"].isin(whole.loc[whole["training"] == "standard", "arch"])]
    robust = twinned[twinned["training"].astype(str).str.fullmatch(_TRAINING)]
    budgets = robust["training"].map(lambda name: training_eps(str(name)) or _UNSTATED)
    counts = robust.groupby(budgets)["arch"].nunique()
    if counts.empty:
        return ()
    best = max(counts.index, key=lambda eps: (counts[eps], eps in _USUAL, eps))
    return tuple(sorted(robust.loc[budgets == best, "training"].unique()))
