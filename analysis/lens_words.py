"""The attack lens in plain words; every sentence follows the numbers, whichever way they point."""

from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd

from analysis import lattice_shift
from analysis.lens import lens_draws
from analysis.matrix import summarised
from analysis.sample import standard_zoo
from analysis.stats import Floats
from analysis.tables import Run

_SAID = {
    "sends": "Fooling rate as a source",
    "receives": "Fooling rate as a target",
    "sends_minus_receives": "The first minus the second, over the same partners",
    "receives_excess": "Fooling rate as a target beyond what its own distances predict",
}


def lens_section(
    run: Run,
    table: pd.DataFrame,
    lens: Mapping[str, pd.DataFrame],
    *,
    resamples: int = 2000,
    seed: int = 0,
) -> str:
    """A list in Markdown, empty where the lens was not run.

    Args:
        run: whose rows.
        table: its model table.
        lens: ``lens_tables``.
        resamples: of the bootstrap.
        seed: of the bootstrap.
    """
    untrained = table.loc[table["training"] == "random", "model"].astype(str).tolist()
    drawn, pictures = lens_draws(
        run.rows, run.source, untrained={*untrained, *run.untrained_sources},
        resamples=resamples, seed=seed,
    )  # fmt: skip
    zoo = standard_zoo(table, source=True)
    plain = zoo[~zoo["robust"]]
    family = dict(zip(plain["model"].astype(str), plain["family"].astype(str), strict=True))
    lines = [_compared(_SAID[name], series, family, pictures) for name, series in drawn.items()]
    if "lattice-shift" in lens:
        lines.append(lattice_shift.in_words(lens["lattice-shift"]))
    return "\n".join(f"- {line}" for line in lines if line)


def _compared(
    said: str, series: Mapping[str, Floats], family: Mapping[str, str], pictures: int
) -> str:
    """VGG against the mean of the other families, with the interval of the difference."""
    known = {name: values for name, values in series.items()
             if name in family and not np.isnan(values[0])}  # fmt: skip
    ours = [name for name in known if family[name] == "VGG"]
    others = sorted({family[name] for name in known} - {"VGG"})
    if not ours or not others:
        return ""
    vgg = _mean(known, ours)
    rest = np.mean(
        [_mean(known, [name for name in known if family[name] == other]) for other in others],
        axis=0,
    )
    gap = summarised("gap", vgg - rest, pictures=pictures, bounds=(-1.0, 1.0))
    decided = gap["gap_low"] > 0 or gap["gap_high"] < 0
    return (
        f"{said}: VGG {vgg[0]:.2f}, the mean of {len(others)} other families {rest[0]:.2f}, hence "
        f"{gap['gap']:+.2f} [{gap['gap_low']:+.2f}, {gap['gap_high']:+.2f}] (95 %, paired over "
        f"n = {pictures} pictures; standard weights, {len(known)} networks, families averaged "
        f"first): {'a difference' if decided else 'no clear difference'}."
    )


def _mean(series: Mapping[str, Floats], names: Collection[str]) -> Floats:
    found: Floats = np.mean([series[name] for name in names], axis=0)
    return found
