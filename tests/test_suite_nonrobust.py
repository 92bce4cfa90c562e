"""What a network learned from non-robust features: rows, and the table's columns."""

import math
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from analysis.nonrobust_columns import (
    Ints,
    matching_p,
    nonrobust_columns,
    nonrobust_section,
)
from bench.cells import Cell, run_cell
from bench.suite_nonrobust import NonRobust
from bench.transfer import answers
from results.schema import validate
from tests.rows import Row, facts, frame
from tests.tiny import inputs, spec
from zoo.datasets import to_float
from zoo.load import load_classifier

TAUGHT = replace(spec("vgg_c10"), name="vgg_c10.det", training="det", role="nonrobust")


def test_rows_have_the_answer_and_the_true_class_of_each_image(tmp_path: Path) -> None:
    given, ticks = inputs(tmp_path), []
    rows = validate(run_cell(Cell(TAUGHT, NonRobust(), 0), given, tick=ticks.append))
    named = answers(load_classifier(TAUGHT), to_float(given.images.pixels))
    assert set(rows["condition"]) == {"det"}
    wanted = {"nonrobust_answer": named, "nonrobust_label": given.images.labels}
    assert set(rows["metric"]) == set(wanted)
    for metric, classes in wanted.items():
        found = rows[rows["metric"] == metric]
        assert found["case"].tolist() == list(given.images.ids)
        assert found["value"].tolist() == classes.tolist()
    assert len(ticks) == NonRobust().work(given)


def test_many_images_are_asked_in_parts() -> None:
    images = torch.rand(600, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    model = load_classifier(spec("vgg_c10"))
    whole = answers(model, images)
    assert torch.equal(whole[:100], answers(model, images[:100]))
    assert len(whole) == 600


def model(arch: str, training: str, seed: int = 0) -> dict[str, object]:
    return {"arch": arch, "training": training, "seed": seed}


def taught(name: str, answers: list[int], labels: list[int]) -> list[Row]:
    kind = name.replace("-", ".").rpartition(".")[2]
    parts = {"nonrobust_answer": answers, "nonrobust_label": labels}
    return [row for metric, values in parts.items()
            for row in facts(name, kind, metric, values, suite="nonrobust")]  # fmt: skip


def test_columns_stand_with_the_standard_weights_of_the_architecture() -> None:
    models = {
        "vgg_c10.standard": model("vgg_c10", "standard"),
        "vgg_c10.standard-s1": model("vgg_c10", "standard", 1),
        "vgg_c10.det": model("vgg_c10", "det"),
        "vgg_c10.rand": model("vgg_c10", "rand"),
        "resnet50_c10.det": model("resnet50_c10", "det"),
    }
    rows = frame([
        *taught("vgg_c10.det", [0, 0, 1, 2], [0, 2, 0, 2]),  # the second answer is the next class
        *taught("vgg_c10.rand", [0, 1, 2, 2], [0, 1, 2, 0]),
        *taught("resnet50_c10.det", [0], [0]),
    ])  # fmt: skip
    found = nonrobust_columns(rows, models, resamples=200)
    assert list(found.index) == ["vgg_c10.standard"]  # no standard ResNet-50 to stand with
    line = found.loc["vgg_c10.standard"]
    assert line["nonrobust_det"] == pytest.approx(0.5)
    assert line["nonrobust_rand"] == pytest.approx(0.75)
    assert line["nonrobust_det_next"] == pytest.approx(0.5)
    assert line["nonrobust_rand_next"] == 0
    assert line["nonrobust_rand_p"] == pytest.approx(1 / 6)  # of all six orders the best
    assert line["nonrobust_det_n"] == 4
    assert line["nonrobust_det_low"] < 0.5 < line["nonrobust_det_high"]


def test_the_section_has_a_line_for_each_network_that_learned() -> None:
    table = pd.DataFrame({
        "model": ["a", "b", "c"], "is_source": [True, False, False],
        "nonrobust_det": [0.25, 0.5, math.nan], "nonrobust_det_low": [0.2, 0.4, math.nan],
        "nonrobust_det_high": [0.3, 0.6, math.nan], "nonrobust_noise": [math.nan, 0.1, math.nan],
        "nonrobust_det_p": [0.0021, math.nan, math.nan],
    })  # fmt: skip
    lines = nonrobust_section(table).splitlines()
    assert lines[0] == "| network | targets y + 1 | random noise, labels of uniform targets |"
    assert lines[2:5] == ["| `a` (source) | 0.25 [0.20, 0.30], p 0.002 | - |",
                          "| `b` | 0.50 [0.40, 0.60] | 0.10 |", ""]  # fmt: skip
    assert nonrobust_section(table[["model", "is_source"]]) == ""
    assert nonrobust_section(table.iloc[2:]) == ""


def test_a_matched_net_s_stand_with_its_own_cell() -> None:
    cells = [model("matched_c10", "standard") | {"residual": r} for r in (False, True)]
    models = {f"matched_c10.res{i}": cell for i, cell in enumerate(cells)}
    models["matched_c10.res1-det"] = cells[1] | {"training": "det"}
    rows = frame(taught("matched_c10.res1-det", [0, 1], [0, 0]))
    found = nonrobust_columns(rows, models, resamples=200)
    assert list(found.index) == ["matched_c10.res1"]


def test_a_run_without_such_rows_has_no_such_columns() -> None:
    rows = frame(facts("vgg_c10.standard", "clean", "clean_correct", [1]))
    assert nonrobust_columns(rows, {"vgg_c10.standard": model("vgg_c10", "standard")}).empty


LABELS = np.arange(10).repeat(100)


@pytest.mark.parametrize(
    ("answers", "p"),
    [
        (LABELS, 1 / math.factorial(10)),  # no other order is right as often
        (np.full(1000, 3), 1),  # each order is right for one class
        ((LABELS + 1) % 10, 1),  # none is right less often
    ],
    ids=["right", "one answer", "next class"],
)
def test_the_chance_of_a_matching_by_hand(answers: Ints, p: float) -> None:
    assert matching_p(answers, LABELS) == pytest.approx(p)


def test_two_answers_are_both_right_in_25_of_90_matchings() -> None:
    """One answer for each half of the classes."""
    answers = np.where(LABELS < 5, 0, 9)
    assert matching_p(answers, LABELS) == pytest.approx(25 / 90)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=40))
def test_a_matching_s_chance_is_that_of_all_orders_gone_through(pairs: list[list[int]]) -> None:
    answers, labels = np.array(pairs).T
    orders = [
        np.array(order) for order in permutations(range(max(answers.max(), labels.max()) + 1))
    ]
    hits = np.array([(order[answers] == labels).sum() for order in orders])
    assert matching_p(answers, labels) == pytest.approx((hits >= hits[0]).mean())


@pytest.mark.parametrize("classes", [12, 13])
def test_more_classes_than_can_be_counted_have_no_p(classes: int) -> None:
    labels = np.arange(classes)
    assert math.isnan(matching_p(labels, labels)) == (classes == 13)


def test_what_leans_by_luck_is_rarely_called_knowledge() -> None:
    """Networks whose answers follow kinds of pictures, by names that were drawn."""
    found = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        leaning = rng.dirichlet(np.full(10, 0.2), 10)  # of each class, few answers
        answers = np.array([rng.choice(10, p=leaning[label]) for label in LABELS])
        found.append(matching_p(rng.permutation(10)[answers], LABELS))
    assert 2 < sum(p < 0.05 for p in found) < 20
    assert sum(p < 0.5 for p in found) == pytest.approx(100, abs=25)
