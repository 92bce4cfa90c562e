"""The notebook runs on the reference run as it is, and holds no outputs of another one."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
NOTEBOOK = ROOT / "notebooks" / "why_vgg.ipynb"
SECONDS = 120  # a stuck kernel, not a slow one


def test_it_keeps_no_outputs() -> None:
    cells = json.loads(NOTEBOOK.read_text())["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert 6 <= len(code) <= 12
    assert not [cell for cell in code if cell["outputs"] or cell["execution_count"]]


def test_it_assumes_no_model() -> None:
    cells = json.loads(NOTEBOOK.read_text())["cells"]
    text = "".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    assert "_c10" not in text and "tv_in1k" not in text


def test_every_cell_runs() -> None:
    command = [
        sys.executable, "-m", "pytest", "--nbmake", f"--nbmake-timeout={SECONDS}", "-q",
        "-p", "no:cacheprovider", "-o", "addopts=", "-o", "filterwarnings=default", str(NOTEBOOK),
    ]  # fmt: skip
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True,
        timeout=SECONDS + 60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:]
    assert "1 passed" in done.stdout
