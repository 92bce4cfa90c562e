"""The lattice conjecture from planted rows."""

import math

import numpy as np
import pandas as pd
import pytest

from analysis.lattice_shift import GROUPS, in_words, lattice_shift
from tests.rows import Row, facts, frame

HOW = {"resamples": 300, "seed": 0}
NETS = {"net.a0": "max22", "net.a1": "max22", "net.b0": "conv32", "net.b1": "conv32"}
N = 40


def planted(first: float, *, right: int = N) -> pd.DataFrame:
    """All pictures fooled; a shift by 1 spares this share within a lattice, by 2 a quarter.

    Between lattices both shifts spare a quarter. The last N - right pictures are wrong anyway.
    """
    rows: list[Row] = []
    for target, own in NETS.items():
        rows += facts(target, "clean", "clean_correct", [1] * right + [0] * (N - right))
        for source, other in NETS.items():
            spared = {"whole": 0.0, "shift_2": 0.25, "shift_1": first if own == other else 0.25}
            for edit, share in spared.items():
                answers = (np.arange(N) < share * N).astype(float).tolist()
                condition = f"from={source}/l2_0.50/untargeted/{edit}"
                rows += facts(target, condition, "adv_correct", answers, suite="edits", step=40)
    return frame(rows)


def test_what_the_first_pixel_costs_more_within_a_lattice() -> None:
    found = lattice_shift(planted(0.75), None, NETS, **HOW).set_index("group")
    assert list(found.index) == list(GROUPS)
    assert found["pairs"].tolist() == [4, 8, 12]  # a net against itself is white box
    assert set(found["n"]) == {N}
    assert found["fooling"].tolist() == [1, 1, 0]
    assert found.loc["shared", ["lost_1", "lost_2", "extra"]].tolist() == [0.75, 0.25, 0.5]
    assert found.loc["other", ["lost_1", "lost_2", "extra"]].tolist() == [0.25, 0.25, 0]
    gap = found.loc["shared - other"]
    assert gap["extra"] == pytest.approx(0.5)
    # one draw for all pairs: pictures spared by both shifts add nothing, a binomial half is left
    width = 2 * 1.96 * math.sqrt(0.25 / N)
    assert gap["extra_high"] - gap["extra_low"] == pytest.approx(width, rel=0.2)
    assert "+0.500" in in_words(found.reset_index())
    assert "n = 40 pictures, 12 pairs): transfer hangs on the lattice more" in in_words(
        found.reset_index()
    )
    assert "than between others, which halve by two as well" in in_words(found.reset_index())


def test_without_a_difference_the_interval_has_none() -> None:
    found = lattice_shift(planted(0.25), None, NETS, **HOW)
    assert found["extra"].tolist() == [0, 0, 0]
    assert "no clear sign" in in_words(found)


def test_a_second_pixel_that_costs_every_pair_alike_cancels() -> None:
    """By two pixels every picture is spared, by one a quarter, whoever made it for whom."""
    rows = planted(0.25)
    second = rows["condition"].str.endswith("shift_2") & rows["metric"].eq("adv_correct")
    found = lattice_shift(rows.assign(value=rows["value"].mask(second, 1.0)), None, NETS, **HOW)
    assert found["extra"].tolist() == [-0.75, -0.75, 0]
    assert "no clear sign" in in_words(found)


def test_pictures_somebody_errs_on_anyway_are_left_out() -> None:
    found = lattice_shift(planted(0.75, right=20), None, NETS, **HOW).set_index("group")
    assert set(found["n"]) == {20}
    assert found.loc["shared", "lost_1"] == pytest.approx(1.0)  # the spared ones come first


def test_one_kind_of_pair_answers_nothing() -> None:
    assert lattice_shift(planted(0.75), None, {"net.a0": "max22", "net.a1": "max22"}, **HOW).empty
    assert lattice_shift(planted(0.75), None, {}, **HOW).empty
