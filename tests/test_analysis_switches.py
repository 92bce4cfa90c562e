"""Planted causes come out of the factory's table and figure, and intervals cover what they say."""

import numpy as np
import pandas as pd
import pytest

from analysis.factorial import interaction
from analysis.switches import (
    COLUMNS,
    factory_effects,
    factory_figure,
    factory_section,
    has_factory,
)
from tests.worlds import nets, zoo

ON_RESIDUAL, ON_NORM = ("residual", True, False), ("batch_norm", True, False)
AVERAGED = ("downsampling", "avg22", "max22")


def row(found: pd.DataFrame, comparison: str, score: str) -> pd.Series:
    (line,) = found[(found["comparison"] == comparison) & (found["score"] == score)].iloc
    return line


def test_planted_effects_come_out() -> None:
    found = factory_effects(nets(np.random.default_rng(0)))
    assert list(found.columns) == COLUMNS
    assert set(found["n_cells"]) == {16}
    residual = row(found, "nets, residual: on - off", "progress")
    assert residual["low"] < -0.15 < residual["high"] < 0
    peaks = row(found, "nets, downsampling: conv32 - max22", "peak_excess")
    assert peaks["low"] < 6 < peaks["high"]
    # average pools cost .05 with batch norm only
    name = "nets, downsampling: avg22 - max22, more by batch_norm: on - off"
    both = row(found, name, "progress")
    assert both["low"] < -0.05 < both["high"] < 0
    none = row(found, "nets, residual: on - off, more by batch_norm: on - off", "progress")
    assert none["low"] < 0 < none["high"]


def test_the_section_says_each_effect_in_its_score_s_digits() -> None:
    found = factory_effects(nets(np.random.default_rng(0)))
    text = factory_section(found)
    wanted = row(found, "nets, residual: on - off", "progress")
    said = f"{wanted['effect']:+.2f} [{wanted['low']:+.2f}, {wanted['high']:+.2f}]"
    (line,) = (line for line in text.splitlines() if line.startswith("| residual: on - off |"))
    assert f" {said} |" in line
    assert len(text.splitlines()) == 2 + 12 + 2
    assert factory_section(found.iloc[:0]) == ""


def test_an_interaction_is_the_difference_of_differences() -> None:
    table = nets(np.random.default_rng(1))
    found = interaction(table, "progress", ON_RESIDUAL, ON_NORM)
    means = table.groupby(["residual", "batch_norm"])["progress"].mean()
    plain = means[True, True] - means[False, True] - means[True, False] + means[False, False]
    assert found.value == pytest.approx(plain)
    turned = interaction(table, "progress", ON_NORM, ON_RESIDUAL)
    assert (turned.value, turned.low, turned.high) == pytest.approx(
        (found.value, found.low, found.high)
    )


def test_intervals_of_interactions_cover_what_was_planted() -> None:
    """Cells scatter by more than seeds, so seeds as units would cover far too rarely."""
    covered, worlds = 0, 200
    for seed in range(worlds):
        rng = np.random.default_rng(seed)
        table = nets(rng, noise=0.01)
        cells = table["model"].str.replace(r"-s\d+$", "", regex=True)
        drawn = dict(zip(cells.unique(), rng.normal(0, 0.05, cells.nunique()), strict=True))
        both = table["residual"] & table["batch_norm"]
        table["progress"] = cells.map(drawn) + 0.2 * both + rng.normal(0, 0.01, len(table))
        found = interaction(table, "progress", ON_RESIDUAL, ON_NORM)
        covered += found.low <= 0.2 <= found.high
    assert 0.9 < covered / worlds < 0.985


@pytest.mark.parametrize("missing", ["residual", "downsampling"])
def test_a_factory_with_a_switch_that_does_not_vary(missing: str) -> None:
    table = nets(np.random.default_rng(2))
    part = table[table[missing] == table[missing].iloc[0]]
    found = factory_effects(part)
    assert len(found) and not found["comparison"].str.contains(missing).any()
    gone = next(one for one in (ON_RESIDUAL, AVERAGED) if one[0] == missing)
    assert f"{missing} with batch_norm" in interaction(part, "progress", gone, ON_NORM).reason


def test_pairs_of_switches_that_are_not_all_there_have_no_interaction() -> None:
    table = nets(np.random.default_rng(2), seeds=1)
    part = table[~(table["residual"] & table["batch_norm"])]
    effect = interaction(part, "progress", ON_RESIDUAL, ON_NORM)
    assert effect.reason == "not all of residual with batch_norm is there"
    found = factory_effects(part)
    assert set(found["n_cells"]) == {12}
    alone = row(found, "nets, residual: on - off", "progress")
    assert alone["low"] < -0.15 < alone["high"]


def test_a_zoo_without_a_factory_has_no_table() -> None:
    table = zoo(np.random.default_rng(3))
    pair = nets(np.random.default_rng(3)).iloc[:4]  # two cells
    for some in (table, pair):
        assert not has_factory(some)
        assert list(factory_effects(some).columns) == COLUMNS and factory_effects(some).empty


def test_the_figure_shows_every_net_and_every_cell_s_mean() -> None:
    table = nets(np.random.default_rng(4))
    drawn = factory_figure(table)
    shown = [ax for ax in drawn.axes if ax.axison]
    assert [ax.get_ylabel() for ax in shown] == ["style progress", "stride-locked peak [dB]"]
    points = [line for line in shown[0].get_lines() if line.get_linestyle() == "None"]
    seen = np.sort(np.concatenate([line.get_ydata() for line in points]))
    assert seen == pytest.approx(np.sort(table["progress"]))
    means = [line for line in shown[0].get_lines() if line.get_linestyle() != "None"]
    cells = table.groupby(["residual", "downsampling", "batch_norm"])["progress"].mean()
    drawn_means = np.sort(np.concatenate([line.get_ydata() for line in means]))
    assert drawn_means == pytest.approx(np.sort(cells))
    said = [text.get_text() for text in drawn.legends[0].get_texts()]
    assert said == [
        "plain, no batch norm", "residual, no batch norm", "plain, batch norm",
        "residual, batch norm",
    ]  # fmt: skip
