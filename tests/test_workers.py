"""Several devices measure what one measures."""

import os
import pickle
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from bench import run as engine
from results import store
from tests.tiny import ATTACKS, plan, spec
from zoo.catalog import ZOO

VGG, RESNET = spec("vgg_c10"), spec("resnet18_c10")


@pytest.fixture(autouse=True)
def _no_latest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "RUNS", tmp_path / "runs")


def rows(run: Path) -> pd.DataFrame:
    return store.read_run(run).sort_values([*store.COLUMNS]).reset_index(drop=True)


def test_two_processes_give_the_rows_of_one(tmp_path: Path) -> None:
    one, two = (plan(tmp_path / name, VGG, RESNET) for name in ("one", "two"))
    assert engine.execute(one) == 4
    assert engine.execute(replace(two, devices=("cpu", "cpu"))) == 4
    assert engine.execute(two) == 0  # begun on two, nothing left for one
    pd.testing.assert_frame_equal(rows(tmp_path / "one"), rows(tmp_path / "two"))


def test_an_error_in_a_process_is_the_run_s_error(tmp_path: Path) -> None:
    lost = replace(plan(tmp_path / "run", VGG), devices=("cpu", "nonsense"))
    with pytest.raises(RuntimeError, match="nonsense"):
        engine.execute(lost)


def test_attacked_pictures_are_made_by_one_process_of_all(tmp_path: Path) -> None:
    script = tmp_path / "noted.py"
    script.write_text(
        textwrap.dedent(
            """
            import sys
            from dataclasses import replace
            from pathlib import Path

            from bench import crafted, run
            from tests.tiny import plan, spec

            craft = crafted.craft

            def noted(*given, attack, **options):
                print(attack.condition, flush=True)
                return craft(*given, attack=attack, **options)

            crafted.craft = noted
            if __name__ == "__main__":
                two = plan(Path(sys.argv[1]), spec("vgg_c10"), spec("resnet18_c10"))
                run.execute(replace(two, devices=("cpu", "cpu")))
            """
        )
    )
    command = [sys.executable, script, tmp_path / "run"]
    root = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    run = subprocess.run(command, env=root, capture_output=True, text=True, check=True)
    assert sorted(run.stdout.split()) == sorted(attack.condition for attack in ATTACKS)


def test_a_killed_run_leaves_no_process_behind(tmp_path: Path) -> None:
    """Workers share their parent's output, which ends when the last of them has."""
    script = tmp_path / "endless.py"
    script.write_text(
        textwrap.dedent(
            """
            import time
            from bench import workers

            def endless(cell, inputs):
                print("begun", flush=True)
                time.sleep(600)

            workers._measure = endless
            if __name__ == "__main__":
                list(workers.spread([(None, "a"), (None, "b")], None, ("cpu", "cpu")))
            """
        )
    )
    run = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True)
    assert run.stdout is not None
    assert [run.stdout.readline() for _ in range(2)] == ["begun\n"] * 2
    run.kill()
    run.communicate(timeout=60)


def test_every_spec_reaches_a_process() -> None:
    import bench.workers  # noqa: F401  (teaches pickle the specs' options)

    for model in ZOO.values():
        assert pickle.loads(pickle.dumps(model)) == model
