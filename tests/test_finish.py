"""A run is over when its analysis is of all its cells, and not before."""

import subprocess
from pathlib import Path

import pytest
import typer

from bench import __main__ as cli
from bench.run import Plan, execute
from results import store
from tests.tiny import lens_plan, spec

VGG, RESNET = spec("vgg_c10"), spec("resnet18_c10")


@pytest.fixture
def analysed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The exit codes the analysis is to end with, the next one last; it writes a report at 0."""
    codes: list[int] = []

    def analyse(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        code = codes.pop()
        page = Path(command[-1]) / "analysis" / "report.html"
        if not code:
            page.parent.mkdir(exist_ok=True)
            page.touch()
        return subprocess.CompletedProcess(command, code)

    monkeypatch.setattr(store, "RUNS", tmp_path / "runs")
    monkeypatch.setattr(cli, "measure_cost", lambda *_, **__: None)
    monkeypatch.setattr("bench.__main__.subprocess.run", analyse)
    monkeypatch.setattr("bench.run._commit", lambda: None)
    return codes


def do(plan: Plan) -> int | None:
    """The exit code of the analysis; None where there was nothing to do."""
    try:
        cli._do(plan, None, dry_run=False)
    except typer.Exit as stop:
        return stop.exit_code
    return None


def test_a_report_that_lacks_a_model_is_not_the_end(tmp_path: Path, analysed: list[int]) -> None:
    run = tmp_path / "run"
    analysed += [0]
    assert do(lens_plan(run, VGG)) == 0
    assert do(lens_plan(run, VGG)) is None
    analysed += [0, 2]
    assert do(lens_plan(run, VGG, RESNET)) == 2  # the old report is still there
    assert do(lens_plan(run, VGG, RESNET)) == 0
    assert do(lens_plan(run, VGG, RESNET)) is None


def test_a_run_that_measures_nothing_leaves_the_manifest(
    tmp_path: Path, analysed: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    analysed += [0]
    assert do(lens_plan(run, VGG)) == 0
    before = store.read_manifest(run)
    monkeypatch.setattr("bench.run._commit", lambda: "another")
    assert do(lens_plan(run, VGG)) is None
    assert store.read_manifest(run) == before


def test_timing_that_is_stopped_is_taken_up_again(
    tmp_path: Path, analysed: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    run = tmp_path / "run"
    analysed += [0, 0]
    assert do(lens_plan(run, VGG)) == 0
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(cli, "measure_cost", stopped)
        do(lens_plan(run, VGG, RESNET))
    assert do(lens_plan(run, VGG, RESNET)) == 0


def test_cells_that_were_there_and_are_listed_anew_want_a_report(
    tmp_path: Path, analysed: list[int]
) -> None:
    run = tmp_path / "run"
    analysed += [0, 0]
    execute(lens_plan(run, VGG, RESNET))
    assert do(lens_plan(run, VGG)) == 0
    manifest = store.read_manifest(run)
    kept = {key: cell for key, cell in manifest["cells"].items() if VGG.name in key}
    store.write_manifest(run, manifest | {"cells": kept})
    assert do(lens_plan(run, VGG)) is None
    assert do(lens_plan(run, VGG, RESNET)) == 0
