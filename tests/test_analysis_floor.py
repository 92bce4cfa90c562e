"""The untrained source's floor counts pictures the model gets right, whatever the source says."""

import pandas as pd
import pytest

from analysis.floor_columns import floor_columns
from analysis.matrix import transfer_matrix
from tests.rows import facts, frame

SOURCE, TARGET, UNTRAINED = "resnet50_c10.standard", "vgg_c10.standard", "resnet50_c10.random"
HEAD = "l2_0.50/untargeted"


def rows() -> pd.DataFrame:
    floor = f"from={UNTRAINED}/{HEAD}"
    return frame(
        [
            *facts(TARGET, "clean", "clean_correct", [1, 1, 1, 1, 0]),
            *facts(SOURCE, "clean", "clean_correct", [1, 1, 1, 1, 1]),
            *facts(TARGET, HEAD, "adv_correct", [0, 0, 1, 1, 0], step=40),
            *facts(TARGET, floor, "adv_correct", [0, 1, 1, 1, 0], step=40),
            # fewer iterations of the same attack are no further evidence
            *facts(TARGET, floor, "adv_correct", [0, 0, 0, 0, 0], step=10),
        ]
    )


def test_the_floor_is_the_share_of_right_pictures_that_go_wrong() -> None:
    found = floor_columns(rows(), [UNTRAINED], resamples=200)
    assert list(found.index) == [TARGET]
    assert found.loc[TARGET, "fooling_untrained"] == pytest.approx(1 / 4)
    assert found.loc[TARGET, "fooling_untrained_n"] == 4
    low, high = found.loc[TARGET, ["fooling_untrained_low", "fooling_untrained_high"]]
    assert low <= 1 / 4 <= high


def test_the_floor_counts_the_pictures_of_the_rate_it_is_a_floor_of() -> None:
    missed = frame(facts(SOURCE, "clean", "clean_correct", [0], suite="robustness"))
    found = floor_columns(pd.concat([rows(), missed]), [UNTRAINED], source=SOURCE, resamples=200)
    assert found.loc[TARGET, "fooling_untrained"] == 0  # the source errs on the picture that went
    assert found.loc[TARGET, "fooling_untrained_n"] == 3


@pytest.mark.parametrize("untrained", [[], ["vgg_c10.random"]])
def test_without_such_rows_there_is_no_column(untrained: list[str]) -> None:
    assert floor_columns(rows(), untrained).empty


def test_a_source_of_unknown_answers_is_not_in_the_matrix() -> None:
    matrix = transfer_matrix(rows(), SOURCE)
    assert matrix is not None
    assert matrix.sources == [SOURCE]
