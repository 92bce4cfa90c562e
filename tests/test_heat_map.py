"""What a heat map says of its cells' certainty."""

import math

import pandas as pd

from analysis.heat_map import certainty


def test_the_reach_is_that_of_the_longer_side() -> None:
    rate, low = pd.Series([0.0, 0.5]), pd.Series([0.0, 0.38])
    high, n = pd.Series([0.161, 0.62]), pd.Series([20, 64])
    assert certainty(rate, low, high, n) == (
        "n = 20 to 64 pictures a cell; 95 % intervals reach at most 16 points either way"
    )


def test_cells_without_intervals_say_none() -> None:
    nothing = pd.Series([math.nan])
    assert certainty(pd.Series([0.5]), nothing, nothing, pd.Series([7])) == "n = 7 pictures a cell"
