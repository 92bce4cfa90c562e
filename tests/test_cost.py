"""What a step costs is timed for real, found by the table, and known of every model of a run."""

import subprocess
from pathlib import Path

import pytest
import typer

from analysis.tables import _costs
from bench import __main__ as cli
from bench import bench_cost
from bench.run import measure_cost
from results import store
from tests.tiny import lens_plan, spec
from zoo import weights

SMALL = "resnet18_c10.standard"


def test_the_table_finds_what_was_timed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)  # else the inner pytest times nothing
    monkeypatch.chdir(tmp_path)
    run = Path("run")  # relative to where the user stands
    run.mkdir()
    measure_cost(run, [SMALL], "cpu")
    costs = _costs(tmp_path / "run" / "benchmark.json", [SMALL])
    assert list(costs) == ["attack_step_s", "style_closure_s"]
    assert costs.loc[SMALL].between(1e-6, 60).all()


def test_models_of_earlier_calls_are_timed_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    timed: list[list[str]] = []
    monkeypatch.setattr(store, "RUNS", tmp_path / "runs")
    monkeypatch.setattr(cli, "measure_cost", lambda _, models, *__, **___: timed.append(models))
    monkeypatch.setattr("bench.run._commit", lambda: None)
    failed = subprocess.CompletedProcess("analysis", 1)
    monkeypatch.setattr("bench.__main__.subprocess.run", lambda *_, **__: failed)
    names = []
    for arch in ("vgg_c10", "resnet18_c10"):
        model = spec(arch)
        with pytest.raises(typer.Exit):
            cli._do(lens_plan(tmp_path / "run", model), None, dry_run=False)
        names.append(model.name)
    assert timed == [names[:1], sorted(names)]


def test_a_model_whose_weights_are_gone_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "CHECKPOINTS", tmp_path)
    with pytest.raises(pytest.skip.Exception, match=r"resnet18_c10.l2_05 is not trained yet"):
        bench_cost._here("resnet18_c10.l2_05")
