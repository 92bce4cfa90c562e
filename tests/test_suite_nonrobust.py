"""What a network learned from non-robust features: rows, and the table's columns."""

import math
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import torch

from analysis.nonrobust_columns import nonrobust_columns, nonrobust_section
from bench.cells import Cell, run_cell
from bench.suite_nonrobust import NonRobust
from bench.transfer import answers
from results.schema import validate
from tests.rows import facts, frame
from tests.tiny import inputs, spec
from zoo.datasets import to_float
from zoo.load import load_classifier

TAUGHT = replace(spec("vgg_c10"), name="vgg_c10.det", training="det", role="nonrobust")


def test_rows_say_which_images_get_their_true_label_or_the_next(tmp_path: Path) -> None:
    given, ticks = inputs(tmp_path), []
    rows = validate(run_cell(Cell(TAUGHT, NonRobust(), 0), given, tick=ticks.append))
    named = answers(load_classifier(TAUGHT), to_float(given.images.pixels))
    assert set(rows["condition"]) == {"det"}
    wanted = {"nonrobust_correct": 0, "nonrobust_next": 1}
    assert set(rows["metric"]) == set(wanted)
    for metric, steps in wanted.items():
        found = rows[rows["metric"] == metric]
        assert found["case"].tolist() == list(given.images.ids)
        hits = named == (given.images.labels + steps) % 10
        assert found["value"].tolist() == hits.float().tolist()
    assert len(ticks) == NonRobust().work(given)


def test_many_images_are_asked_in_parts() -> None:
    images = torch.rand(600, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    model = load_classifier(spec("vgg_c10"))
    whole = answers(model, images)
    assert torch.equal(whole[:100], answers(model, images[:100]))
    assert len(whole) == 600


def model(arch: str, training: str, seed: int = 0) -> dict[str, object]:
    return {"arch": arch, "training": training, "seed": seed}


def test_columns_stand_with_the_standard_weights_of_the_architecture() -> None:
    models = {
        "vgg_c10.standard": model("vgg_c10", "standard"),
        "vgg_c10.standard-s1": model("vgg_c10", "standard", 1),
        "vgg_c10.det": model("vgg_c10", "det"),
        "vgg_c10.rand": model("vgg_c10", "rand"),
        "resnet50_c10.det": model("resnet50_c10", "det"),
    }
    taught = {"vgg_c10.det": [1, 0, 0, 1], "vgg_c10.rand": [1, 1, 1, 0], "resnet50_c10.det": [1]}
    rows = frame(
        row
        for name, values in taught.items()
        for row in facts(name, name.split(".")[1], "nonrobust_correct", values, suite="nonrobust")
    )
    rows = pd.concat([rows, frame(
        facts("vgg_c10.det", "det", "nonrobust_next", [0, 1, 0, 0], suite="nonrobust")
    )])  # fmt: skip
    found = nonrobust_columns(rows, models, resamples=200)
    assert list(found.index) == ["vgg_c10.standard"]  # no standard ResNet-50 to stand with
    line = found.loc["vgg_c10.standard"]
    assert line["nonrobust_det"] == pytest.approx(0.5)
    assert line["nonrobust_rand"] == pytest.approx(0.75)
    assert line["nonrobust_det_next"] == pytest.approx(0.25)
    assert line["nonrobust_det_n"] == 4
    assert line["nonrobust_det_low"] < 0.5 < line["nonrobust_det_high"]


def test_the_section_has_a_line_for_each_network_that_learned() -> None:
    table = pd.DataFrame({
        "model": ["a", "b", "c"], "is_source": [True, False, False],
        "nonrobust_det": [0.25, 0.5, math.nan], "nonrobust_det_low": [0.2, 0.4, math.nan],
        "nonrobust_det_high": [0.3, 0.6, math.nan], "nonrobust_noise": [math.nan, 0.1, math.nan],
    })  # fmt: skip
    lines = nonrobust_section(table).splitlines()
    assert lines[0] == "| network | targets y + 1 | random noise, labels of uniform targets |"
    assert lines[2:5] == ["| `a` (source) | 0.25 [0.20, 0.30] | - |",
                          "| `b` | 0.50 [0.40, 0.60] | 0.10 |", ""]  # fmt: skip
    assert nonrobust_section(table[["model", "is_source"]]) == ""
    assert nonrobust_section(table.iloc[2:]) == ""


def test_a_matched_net_s_stand_with_its_own_cell() -> None:
    cells = [model("matched_c10", "standard") | {"residual": r} for r in (False, True)]
    models = {f"matched_c10.res{i}": cell for i, cell in enumerate(cells)}
    models["matched_c10.res1-det"] = cells[1] | {"training": "det"}
    rows = frame(
        facts("matched_c10.res1-det", "det", "nonrobust_correct", [1, 0], suite="nonrobust")
    )
    found = nonrobust_columns(rows, models, resamples=200)
    assert list(found.index) == ["matched_c10.res1"]


def test_a_run_without_such_rows_has_no_such_columns() -> None:
    rows = frame(facts("vgg_c10.standard", "clean", "clean_correct", [1]))
    assert nonrobust_columns(rows, {"vgg_c10.standard": model("vgg_c10", "standard")}).empty
