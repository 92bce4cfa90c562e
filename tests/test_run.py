import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import torch

from bench import run as engine
from bench.inputs import Inputs
from results import store
from tests.tiny import PLANS, inputs, plan, spec
from zoo.datasets import bundled_cifar10
from zoo.evaluate import AccuracyError

VGG, RESNET = spec("vgg_c10"), spec("resnet18_c10")


@pytest.fixture(autouse=True)
def _no_latest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "RUNS", tmp_path / "runs")


def rows(run: Path) -> pd.DataFrame:
    return store.read_run(run).sort_values([*store.COLUMNS]).reset_index(drop=True)


def test_a_run_does_each_cell_once(tmp_path: Path) -> None:
    assert engine.execute(plan(tmp_path / "run", VGG)) == 2
    before = rows(tmp_path / "run")
    assert engine.execute(plan(tmp_path / "run", VGG)) == 0
    pd.testing.assert_frame_equal(rows(tmp_path / "run"), before)


def test_a_new_model_computes_its_own_cells_only(tmp_path: Path) -> None:
    run = tmp_path / "run"
    engine.execute(plan(run, VGG))
    assert engine.execute(plan(run, VGG, RESNET)) == 2
    assert set(rows(run)["model"]) == {VGG.name, RESNET.name}
    manifest = store.read_manifest(run)
    assert manifest["models"][RESNET.name]["family"] == "ResNet"
    assert manifest["source"] == "resnet50_c10.random-s0"
    assert (manifest["device"], manifest["devices"]) == ("cpu", ["cpu"])
    assert manifest["precision"] == {
        "weights": "float32",
        "compute": "float32",
        "tf32_matmul": torch.backends.cuda.matmul.allow_tf32,
        "tf32_cudnn": torch.backends.cudnn.allow_tf32,
    }


def test_cells_of_older_weights_are_not_read(tmp_path: Path) -> None:
    run = tmp_path / "run"
    engine.execute(plan(run, VGG))
    retrained = replace(VGG, seed=5)  # the name stays, the weights do not
    assert engine.execute(plan(run, retrained)) == 2
    assert not rows(run).duplicated(store.COLUMNS[:-1]).any()


def test_models_that_are_not_measured_are_named_until_they_are(tmp_path: Path) -> None:
    run = tmp_path / "run"
    without = plan(run, VGG, RESNET).without({RESNET: AccuracyError("of another model")})
    engine.execute(replace(without, skipped={**without.skipped, "vgg11.tv_in1k": "not here"}))
    assert store.read_manifest(run)["skipped"] == {
        RESNET.name: "of another model",
        "vgg11.tv_in1k": "not here",
    }
    engine.execute(plan(run, VGG, RESNET))
    assert store.read_manifest(run)["skipped"] == {"vgg11.tv_in1k": "not here"}


def test_other_images_want_another_run(tmp_path: Path) -> None:
    run = tmp_path / "run"
    engine.execute(plan(run, VGG))
    other: Inputs = inputs(run, images=bundled_cifar10())
    with pytest.raises(store.StoreError, match="made with other images: choose another --run"):
        engine.execute(engine.make_plan("tiny", plan(run, VGG).cells, other))


def test_a_full_disk_keeps_what_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = tmp_path / "run"
    real, calls = engine.write_cell, []

    def second_fails(*arguments: object, seconds: float) -> object:
        calls.append(arguments)
        if len(calls) == 2:
            raise store.StoreError("cannot write: free some space")
        return real(*arguments, seconds=seconds)

    monkeypatch.setattr(engine, "write_cell", second_fails)
    with pytest.raises(store.StoreError, match="free some space"):
        engine.execute(plan(run, VGG))
    monkeypatch.undo()
    assert engine.execute(plan(run, VGG)) == 1


SCRIPT = """
import sys
from pathlib import Path
import torch
from bench.run import execute
from tests.tiny import PLANS, spec
torch.set_num_threads(1)
execute(PLANS[sys.argv[2]](Path(sys.argv[1]), spec("vgg_c10"), spec("resnet18_c10")))
"""


@pytest.mark.parametrize("kind", PLANS)
def test_a_run_killed_in_the_middle_goes_on_to_the_same_rows(kind: str, tmp_path: Path) -> None:
    broken, whole = tmp_path / "broken", tmp_path / "whole"
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    command = [sys.executable, "-c", SCRIPT, str(broken), kind]
    process = subprocess.Popen(command, env=environment)
    deadline = time.monotonic() + 120
    while not list(broken.glob("cells/*/*.parquet")) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    done = len(list(broken.glob("cells/*/*.parquet")))
    assert 1 <= done < 4
    assert engine.execute(PLANS[kind](broken, VGG, RESNET)) == 4 - done
    engine.execute(PLANS[kind](whole, VGG, RESNET))
    pd.testing.assert_frame_equal(rows(broken), rows(whole))
