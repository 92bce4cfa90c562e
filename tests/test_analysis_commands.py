"""plot and compare: what they draw, what they call moved, and how they refuse."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from typer.testing import CliRunner, Result

from analysis.__main__ import app
from analysis.compare import COLUMNS, compare, differing, in_words
from analysis.nested import Facts
from tests.rows import MODELS, build_run


def call(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_run(tmp_path_factory.mktemp("runs") / "quick", images=30)


def test_any_column_against_any_other(run: Path) -> None:
    done = call("plot", run, "--x", "accuracy", "--y", "peak_excess", "--hue", "robust",
                "--resamples", "100")  # fmt: skip
    assert done.exit_code == 0, done.output
    for kind in ("png", "svg"):
        assert (run / "analysis" / f"plot-accuracy-peak_excess.{kind}").exists()


def test_a_figure_of_the_report_by_its_name(run: Path) -> None:
    for name in ("scatter", "verdicts"):
        done = call("plot", name, run, "--resamples", "100")
        assert done.exit_code == 0, done.output
        for kind in ("png", "svg"):
            assert (run / "analysis" / f"{name}.{kind}").exists()
    done = call("plot", "scater", run, "--resamples", "100")
    assert done.exit_code == 2 and len(done.stderr.strip().splitlines()) == 1
    assert "no figure scater: choose one of scatter, " in done.stderr
    assert done.stderr.strip().endswith("verdicts")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--x", "foolin"), "did you mean fooling"),
        (("--x", "family"), "is no number"),
        (("--x", "nonrobust_det"), "no column nonrobust_det"),
        (("--x", "progress_low", "--y", "attack_step_s", "--hue", "nothing"), "no column nothing"),
    ],
)
def test_a_column_that_is_none(run: Path, options: tuple[str, ...], message: str) -> None:
    done = call("plot", run, *options, "--resamples", "100")
    assert done.exit_code == 2
    assert message in done.stderr and len(done.stderr.strip().splitlines()) == 1


def numbers(*values: tuple[float, float, float]) -> pd.DataFrame:
    lines = {name: {"a": v, "a_low": low, "a_high": high}
             for name, (v, low, high) in zip("xyz", values, strict=False)}  # fmt: skip
    return pd.DataFrame.from_dict(lines, orient="index").rename_axis("model").reset_index()


def test_what_moved_is_further_than_both_intervals() -> None:
    before = numbers((0.5, 0.4, 0.6), (0.5, 0.4, 0.6), (0.5, 0.4, 0.6))
    after = numbers((0.62, 0.52, 0.72), (0.7, 0.6, 0.8))
    found = compare(before, after).set_index("model")
    assert list(found.reset_index()[COLUMNS]) == COLUMNS and len(found) == 2
    assert not found.loc["x", "moved"] and found.loc["y", "moved"]  # root two of a half width
    assert found.loc["x", "low"] == pytest.approx(0.12 - 0.1 * 2**0.5)
    assert list(found.index) == ["y", "x"]
    assert in_words(compare(before, after)).startswith("1 of 2 numbers moved")
    assert "no model" in in_words(compare(before, before.iloc[:0]))


def test_the_same_cases_are_compared_one_by_one() -> None:
    tables = [pd.DataFrame({"model": ["a"], "x": [v], "x_low": [0.0], "x_high": [1.0]})
              for v in (0.5, 0.6)]  # fmt: skip
    values = np.array([0.2, 0.5, 0.8, 0.4])
    sides = [
        {"x": Facts("images", cases, ("a",), seen[None, :, None])}
        for cases, seen in (
            (("i", "j", "k", "old"), values),
            (("i", "j", "k", "new"), values + np.array([0.1, 0.11, 0.09, 7.0])),
        )
    ]
    wide = compare(tables[0], tables[1]).iloc[0]
    narrow = compare(tables[0], tables[1], (sides[0], sides[1])).iloc[0]
    assert (wide["cases"], narrow["cases"]) == (0, 3)
    assert not wide["moved"] and narrow["moved"]
    test = stats.ttest_1samp([0.1, 0.11, 0.09], 0).confidence_interval()
    assert (narrow["low"], narrow["high"]) == (pytest.approx(test.low), pytest.approx(test.high))
    assert narrow["before"] == pytest.approx(0.5) and narrow["change"] == pytest.approx(0.1)


def test_manifests_say_what_else_differs() -> None:
    before = {"threads": 2, "versions": {"torch": "1", "numpy": "2"}, "cells": {"a": "b"}}
    after = {"threads": 4, "versions": {"torch": "3", "numpy": "2"}, "device": "cuda"}
    assert differing(before, after) == [
        'device: not recorded -> "cuda"', "threads: 2 -> 4", 'versions.torch: "1" -> "3"',
    ]  # fmt: skip
    assert not differing(before, before)


def test_seeds_are_read_from_the_cells() -> None:
    first = {"cells": {"style/vgg/128px/seed0": "a", "transfer/vgg/seed0": "b"}, "threads": 2}
    other = {"cells": {"style/vgg/128px/seed3": "c", "transfer/vgg/seed3": "d"}, "threads": 2}
    assert differing(first, other) == ["seeds: 0 -> 3"]
    assert not differing(first, first | {"cells": {"transfer/vgg/seed0": "e"}})
    pooled = {"cells": first["cells"] | other["cells"], "threads": 2}
    assert differing(first, pooled) == ["seeds: 0 -> [0, 3]"]
    assert differing({"cells": {}, "threads": 2}, first) == ["seeds: not recorded -> 0"]


def test_a_run_does_not_differ_from_itself(run: Path, tmp_path: Path) -> None:
    done = call("compare", run, run, "--resamples", "100")
    assert done.exit_code == 0, done.output
    assert "0 of" in done.output and "moved beyond" in done.output
    other = build_run(tmp_path / "other", images=30, models=list(MODELS)[:2], seed=1)
    assert call("compare", run, other, "--resamples", "100").exit_code == 0
    assert (other / "analysis" / "compare.csv").exists()
    assert call("compare", run, tmp_path / "none").exit_code == 2


def test_the_default_command_has_a_name(run: Path) -> None:
    help_text = call("--help").output
    assert all(name in help_text for name in ("report", "plot", "compare"))
    assert "--resamples" in call("report", "--help").output
