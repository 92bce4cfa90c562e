"""Intervals over crossed samples cover what they say, and are the textbook's where that has one."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.crossed import crossed, laid_out, paired_or_crossed
from analysis.stats import Floats


def covered(grids: list[Floats]) -> float:
    found = [paired_or_crossed(grid) for grid in grids]
    return float(np.mean([one.low <= 0 <= one.high for one in found]))


@pytest.mark.parametrize("pictures_n", [3, 6])
def test_the_paired_interval_covers_what_it_says(pictures_n: int) -> None:
    rng = np.random.default_rng(1)
    grids = [rng.normal(0, 0.1, (1, pictures_n)) for _ in range(2000)]
    assert covered(grids) == pytest.approx(0.95, abs=0.015)


@pytest.mark.parametrize("shape", [(4, 6), (3, 2), (6, 6)])
@pytest.mark.parametrize("spread", [(1, 1, 0.1), (1, 0, 1), (0, 1, 1), (0, 0, 1)])
def test_the_crossed_interval_is_hardly_ever_too_narrow(
    shape: tuple[int, int], spread: tuple[float, float, float]
) -> None:
    rng = np.random.default_rng(2)
    u, c = shape
    networks, cases, rest = spread
    grids = [
        rng.normal(0, networks, (u, 1)) + rng.normal(0, cases, (1, c)) + rng.normal(0, rest, shape)
        for _ in range(1000)
    ]
    assert covered(grids) > 0.92


def test_additive_grids_have_the_textbook_s_error() -> None:
    """Rows 0 and 2, columns 0, 2 and 4: MS 6, 8 and 0, so the variance is 14 / 6."""
    grid = np.array([[0.0, 2, 4], [2, 4, 6]])
    found = crossed(grid)
    df = 14**2 / (6**2 / 1 + 8**2 / 2)
    half = math.sqrt(14 / 6) * float(stats.t.ppf(0.975, df))
    assert found.value == pytest.approx(3)
    assert (found.low, found.high) == pytest.approx((3 - half, 3 + half))


# units, contents, styles, and how far each spreads beside the rest
@pytest.mark.parametrize("shape", [(1, 2, 3), (4, 2, 3)])
@pytest.mark.parametrize(
    "spread", [(1, 0, 1, 1), (1, 0, 1, 0.5), (1, 1, 1, 1), (1, 0.3, 1, 0.1), (0, 0, 0, 1)]
)
def test_pictures_that_share_a_style_are_not_taken_for_independent(
    shape: tuple[int, int, int], spread: tuple[float, float, float, float]
) -> None:
    rng = np.random.default_rng(3)
    u, c, s = shape
    units, contents, styles, rest = spread
    grids = [
        rng.normal(0, units * (u > 1), (u, 1, 1)) + rng.normal(0, contents, (1, c, 1))
        + rng.normal(0, styles, (1, 1, s)) + rng.normal(0, rest, shape)
        for _ in range(1000)
    ]  # fmt: skip
    assert covered(grids) > 0.94
    flat = [paired_or_crossed(grid.reshape(u, -1)) for grid in grids]
    if u == 1 and styles and rest < 1:  # what made this necessary
        assert np.mean([one.low <= 0 <= one.high for one in flat]) < 0.9


def test_pictures_are_laid_out_by_content_and_style_whatever_their_order() -> None:
    names = ["cat+b", "dog+a", "cat+a", "dog+b", "dog+c", "cat+c"]
    grid = pd.DataFrame([[2.0, 4, 1, 5, 6, 3], [12.0, 14, 11, 15, 16, 13]], columns=names)
    assert laid_out(grid).tolist() == [[[1, 2, 3], [4, 5, 6]], [[11, 12, 13], [14, 15, 16]]]
    assert laid_out(grid[names[:5]]).shape == (2, 5)  # cat met no c: not crossed


def test_one_content_leaves_the_styles_as_pictures() -> None:
    values = pd.DataFrame([[0.1, 0.2, 0.4]], columns=["cat+a", "cat+b", "cat+c"])
    found = paired_or_crossed(laid_out(values))
    error = float(np.std([0.1, 0.2, 0.4], ddof=1)) / math.sqrt(3)
    half = error * float(stats.t.ppf(0.975, 2))
    assert (found.low, found.high) == pytest.approx((0.7 / 3 - half, 0.7 / 3 + half))
