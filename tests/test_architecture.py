"""The drawing of the rooms in CONTRIBUTING.md, held against the code."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from zoo.catalog import ZOO

ROOT = Path(__file__).parents[1]
ROOMS = ("zoo", "bench", "results", "analysis")
EDGES = {("bench", "zoo"), ("bench", "results"), ("analysis", "results")}
FILES = [file for room in ROOMS for file in sorted((ROOT / room).rglob("*.py"))]
TORCHES = {"torch", "torchvision", "timm", "foolbox", "robustness", "safetensors"}

each_file = pytest.mark.parametrize("file", FILES, ids=[str(f.relative_to(ROOT)) for f in FILES])


def nodes(file: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(file.read_text())))


def imported(file: Path) -> Iterator[str]:
    """Dotted names of the modules a file imports, anywhere in it."""
    for node in nodes(file):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file} imports relatively"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and "import_module" in ast.unparse(node.func):
            yield from (arg.value for arg in node.args if isinstance(arg, ast.Constant))


def packages(file: Path) -> set[str]:
    return {name.split(".")[0] for name in imported(file)}


def test_there_is_something_to_check() -> None:
    assert len(FILES) > 20
    assert {file.relative_to(ROOT).parts[0] for file in FILES} == set(ROOMS)


def test_rooms_import_along_three_edges_only() -> None:
    seen = {
        (file.relative_to(ROOT).parts[0], package)
        for file in FILES
        for package in packages(file) & {*ROOMS, "tests"}
    }
    assert {(a, b) for a, b in seen if a != b} == EDGES


@each_file
def test_only_zoo_and_bench_compute_with_torch(file: Path) -> None:
    if file.relative_to(ROOT).parts[0] in {"results", "analysis"} or file.name == "spec.py":
        assert not packages(file) & TORCHES


@each_file
def test_only_one_file_names_the_robustness_library(file: Path) -> None:
    if file != ROOT / "zoo" / "robust.py":
        assert "robustness" not in packages(file)


@each_file
def test_files_are_of_a_size_to_be_read(file: Path) -> None:
    assert len(file.read_text().splitlines()) <= 300
    assert file.stem not in {"utils", "util", "helpers", "misc", "common"}


@each_file
def test_no_import_takes_everything(file: Path) -> None:
    assert not [name for name in imported(file) if name.endswith("*")]


@each_file
def test_every_module_says_what_it_holds(file: Path) -> None:
    assert ast.get_docstring(ast.parse(file.read_text()))


@each_file
def test_no_model_is_a_special_case(file: Path) -> None:
    """Comparisons with a model, a family or an architecture belong in the catalogue, as data."""
    if file.name == "catalog.py" or file.relative_to(ROOT).parts[0] not in {"zoo", "bench"}:
        return
    families = {spec.family.lower() for spec in ZOO.values()}
    for node in nodes(file):
        if not isinstance(node, ast.Compare):
            continue
        for side in (node.left, *node.comparators):
            words = [c.value for c in ast.walk(side) if isinstance(c, ast.Constant)]
            named = [w for w in words if isinstance(w, str) and w.lower().startswith((*families,))]
            assert not named, f"{file}:{node.lineno}: {ast.unparse(node)}"


@each_file
def test_no_code_runs_a_pickle(file: Path) -> None:
    pickles = {"pickle", "cPickle", "dill", "joblib", "cloudpickle", "shelve"}
    assert not packages(file) & pickles
    # under another name a call would not be seen below
    assert not {"torch.load", "torch.serialization.load", "torch.hub"} & {*imported(file)}
    for node in nodes(file):
        if isinstance(node, ast.Call):
            call, name = ast.unparse(node), ast.unparse(node.func)
            assert name != "torch.load" or "weights_only=True" in call, call
            # timm's own loading unpickles what it fetches
            assert "pretrained=True" not in call.replace(" ", ""), call
            assert "allow_pickle=True" not in call, call
            assert not name.endswith("read_pickle"), call
            assert "torch.hub" not in name, call
            assert "pickle_module" not in call, call
            assert "add_safe_globals" not in name, call
            # only there, and only for names that stand for nothing
            assert not name.endswith("safe_globals") or file.name == "convert.py", call
            assert name not in {"eval", "exec", "__import__"}, call


@pytest.mark.parametrize(
    ("modules", "absent"),
    [
        ("zoo.spec, zoo.catalog", "torch"),
        ("results.store, results.schema", "torch"),
        ("analysis.tables, analysis.stats, analysis.plots, analysis.__main__", "torch"),
        ("analysis.tables, results.store", "zoo"),
        ("analysis.__main__", "bench"),
        ("results.store", "matplotlib"),
    ],
)
def test_light_rooms_stay_light(modules: str, absent: str) -> None:
    code = f"import sys, {modules}; sys.exit({absent!r} in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=60)
    assert done.returncode == 0, f"import {modules} loads {absent}"


def test_importing_the_zoo_touches_neither_network_nor_global_generator(tmp_path: Path) -> None:
    code = (
        "import socket, torch\n"
        "def refuse(*_): raise SystemExit('asked the network')\n"
        "socket.socket.connect = refuse\n"
        "before = torch.get_rng_state()\n"
        "import zoo.load, zoo.produce, zoo.robust, zoo.evaluate, zoo.__main__\n"
        "assert torch.equal(before, torch.get_rng_state())\n"
    )
    path = {"PYTHONPATH": str(ROOT), "PATH": "", "HOME": str(tmp_path), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=path, timeout=60, capture_output=True
    )
    assert done.returncode == 0, done.stderr.decode()
    assert not [f for f in tmp_path.iterdir() if not f.name.startswith(".")]
