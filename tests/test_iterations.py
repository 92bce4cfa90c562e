"""Every untargeted rate of a run is read at one number of iterations."""

import pandas as pd
import pytest

from analysis import plots
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


def aimed(target: int, step: int, hits: list[int]) -> list[Row]:
    condition = f"l2_0.50/logit/targeted/{target}"
    correct = [1 - hit for hit in hits]
    return [
        *facts(VGG, condition, "adv_correct", correct, step=step),
        *facts(VGG, condition, "adv_hits_target", hits, step=step),
    ]


def right() -> list[Row]:
    return [row for name in (SOURCE, VGG) for row in facts(name, "clean", "clean_correct", [1] * 4)]


def test_a_targeted_curve_counts_the_same_targets_at_every_step() -> None:
    """Target 0 is hard, target 6, easy, was aimed at with 80 iterations alone."""
    rows = right() + aimed(0, 20, [0] * 4) + aimed(0, 80, [1, 0, 0, 0])
    rows += aimed(6, 80, [1] * 4)
    rates = condition_rates(transfer_facts(frame(rows), SOURCE), resamples=50).set_index("step")
    assert rates["rate"].to_dict() == {20: 0.0, 80: 0.25}
    # no target at both: no curve, and the step that is read
    apart = right() + aimed(0, 20, [0] * 4) + aimed(6, 80, [1] * 4)
    rates = condition_rates(transfer_facts(frame(apart), SOURCE), resamples=50).set_index("step")
    assert rates["rate"].to_dict() == {80: 1.0}


def test_figures_say_the_step_and_what_is_counted() -> None:
    rows = right() + aimed(0, 20, [0] * 4) + aimed(0, 300, [1, 0, 0, 0])
    rows += facts(VGG, HEAD, "adv_correct", [0, 1, 1, 1], step=40)
    rows += facts(VGG, "l2_0.50/noise", "adv_correct", [1] * 4)
    rates = condition_rates(transfer_facts(frame(rows), SOURCE), resamples=50)
    table = pd.DataFrame({"model": [VGG], "family": "VGG", "robust": False})
    drawn = plots.conditions(rates)
    names = [text.get_text() for text in drawn.axes[0].get_xticklabels()]
    assert names == [
        "l2_0.50\nlogit\ntargeted hits\n300 steps", "l2_0.50\nnoise",
        "l2_0.50\nuntargeted\n40 steps",
    ]  # fmt: skip
    for condition, label in ((HEAD, "fooling rate"), ("l2_0.50/logit/targeted", "targeted hits")):
        curve = plots.attack_curve(rates[rates["condition"] == condition], table)
        assert curve.axes[0].get_ylabel() == label
