"""Which models a question is about: the sample is chosen before the numbers are seen.

Untrained networks, matched nets and operated copies answer other questions than the zoo does, and
the source attacks itself; a correlation over all of them would mix designs.
"""

from collections.abc import Collection

import pandas as pd

SWITCHES = ("residual", "downsampling", "batch_norm")  # of the matched factory
_ZOO = ("contestant", "twin", "replicate", "control")


def intact(table: pd.DataFrame) -> pd.DataFrame:
    """The models no surgery was done to."""
    return table[~table["model"].astype(str).str.contains("+", regex=False)]


def standard_zoo(table: pd.DataFrame, *, source: bool = False) -> pd.DataFrame:
    """The trained networks that somebody would use: no matched nets, no operated copies.

    Args:
        table: the model table.
        source: whether the source belongs, as where nothing is transferred.
    """
    whole = intact(table)
    kept = whole["role"].isin(_ZOO) & (whole["training"] != "random")
    return whole[kept] if source else whole[kept & ~whole["is_source"].astype(bool)]


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


def by_unit(table: pd.DataFrame) -> pd.DataFrame:
    """One line a unit: numbers are means over its models, the rest its first's."""
    return _averaged(table, units(table))


def factory(table: pd.DataFrame) -> pd.DataFrame:
    """The matched nets, every seed a line."""
    whole = intact(table)
    return whole[whole["role"] == "matched"]


def downsampling(table: pd.DataFrame) -> dict[str, str]:
    """How each matched net halves the picture, by name."""
    nets = factory(table)
    return dict(zip(nets["model"].astype(str), nets["downsampling"].astype(str), strict=True))


def by_training(
    table: pd.DataFrame, column: str, first: Collection[str], second: Collection[str]
) -> pd.DataFrame:
    """One line an architecture that has both: mean ``first`` and ``second`` over its seeds.

    Args:
        table: the model table.
        column: what is averaged.
        first, second: names of trainings; an architecture has at most one of each.
    """
    whole = intact(table)
    whole = whole[whole["role"].isin(_ZOO)]
    sides = {
        name: whole[whole["training"].isin(list(trainings))].groupby("arch")[column].mean()
        for name, trainings in (("first", first), ("second", second))
    }
    return pd.DataFrame(sides).dropna()
