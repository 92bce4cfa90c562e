"""Every untargeted rate of a run is read at one number of iterations."""

import pandas as pd
import pytest

from analysis.iterations import steps_read
from analysis.matrix import pair_rates, transfer_matrix
from analysis.transfer_columns import (
    condition_rates,
    paired_difference,
    transfer_columns,
    transfer_facts,
)
from tests.rows import SOURCE, Row, facts, frame

VGG, DENSE = "vgg_c10.standard", "densenet_c10.standard"
HEAD, MOMENTUM = "l2_0.50/untargeted", "l2_0.50/mi/untargeted"


def steps_of(steps: dict[str, list[int]]) -> pd.DataFrame:
    lines = [(name, step) for name, known in steps.items() for step in known]
    return pd.DataFrame(lines, columns=["condition", "step"])


def test_untargeted_conditions_share_the_largest_number_all_reach() -> None:
    known = {
        HEAD: [5, 20, 40, 80], MOMENTUM: [40], f"from={VGG}/{HEAD}": [40],
        "l2_1.00/untargeted": [20, 60], "l2_0.50/targeted/0": [80], "l2_0.50/targeted/6": [300],
        "l2_0.50/noise": [0],
    }  # fmt: skip
    assert steps_read(steps_of(known)) == {
        HEAD: 40, MOMENTUM: 40, f"from={VGG}/{HEAD}": 40, "l2_1.00/untargeted": 20,
        "l2_0.50/targeted": 300, "l2_0.50/targeted/0": 300, "l2_0.50/targeted/6": 300,
        "l2_0.50/noise": 0,
    }  # fmt: skip
    assert steps_read(steps_of({HEAD: [40], MOMENTUM: [10]})) == {HEAD: 40, MOMENTUM: 10}
    assert steps_read(steps_of({})) == {}


def curve() -> list[Row]:
    """The headline goes on to 80 iterations, where it fools more; all else stops at 40."""
    rows: list[Row] = []
    for target in (SOURCE, VGG, DENSE):
        rows += facts(target, "clean", "clean_correct", [1] * 8)
        for condition in (HEAD, MOMENTUM, f"from={VGG}/{HEAD}", f"from={DENSE}/{HEAD}"):
            wrong = [0] * 4 + [1] * 4 if target == VGG else [0] * 2 + [1] * 6
            rows += facts(target, condition, "adv_correct", wrong, step=40)
        rows += facts(target, HEAD, "adv_correct", [0] * 7 + [1], step=80)
    return rows


def test_columns_pairs_and_differences_are_read_there() -> None:
    rows = frame(curve())
    found = transfer_columns(rows, [VGG], SOURCE, resamples=50).loc[VGG]
    assert found["fooling"] == found["fooling_all"] == found["fooling_joint"] == 0.5
    assert found["fooling[l2_0.50/mi]"] == 0.5
    matrix = transfer_matrix(rows, SOURCE)
    assert matrix is not None
    pairs = pair_rates(matrix, resamples=50).set_index(["source", "target"])["fooling"]
    assert pairs[(SOURCE, VGG)] == pairs[(DENSE, VGG)] == 0.5
    answers = transfer_facts(rows, SOURCE)
    gap = paired_difference(answers, VGG, DENSE, headline="l2_0.50", resamples=50, seed=0)
    assert gap.value == pytest.approx(0.25)


def test_a_curve_keeps_its_steps_and_says_which_is_read() -> None:
    rates = condition_rates(transfer_facts(frame(curve()), SOURCE), resamples=50)
    ours = rates[(rates["model"] == VGG) & (rates["condition"] == HEAD)]
    assert dict(zip(ours["step"], ours["rate"], strict=True)) == {40: 0.5, 80: 7 / 8}
    assert set(rates["read_at"]) == {40}
