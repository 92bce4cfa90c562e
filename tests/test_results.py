"""The schema refuses what does not fit; the store never leaves half a file."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from results import store
from results.schema import COLUMNS, METRICS, SchemaError, dictionary, validate
from tests.rows import Row, frame

ROW: Row = ("transfer", "vgg_c10.standard", "image0", "clean", "clean_correct", 0, 0, 1.0)


def row(**changes: object) -> pd.DataFrame:
    return frame([ROW]).assign(**changes)


def test_good_rows_come_back_in_order() -> None:
    rows = frame([ROW])[COLUMNS[::-1]]
    assert list(validate(rows).columns) == COLUMNS
    types = validate(rows).dtypes[["step", "seed", "value"]]
    assert types.tolist() == ["int64", "int64", "float64"]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (row(metric="fooling"), "unknown metric fooling"),
        (row(value=1.5), r"clean_correct = 1.5 is outside \[0, 1\]"),
        (row(value=-0.1), "outside"),
        (row(value=float("nan")), "clean_correct = nan is outside"),
        (frame([ROW, ROW]), "two rows share the key"),
        (row().drop(columns="seed"), "rows have columns"),
        (row(extra=1), "rows have columns"),
    ],
)
def test_bad_rows_are_refused(rows: pd.DataFrame, message: str) -> None:
    with pytest.raises(SchemaError, match=message):
        validate(rows)


def test_bad_rows_leave_no_file(tmp_path: Path) -> None:
    with pytest.raises(SchemaError):
        store.write_cell(tmp_path, "transfer", "abc", row(value=2.0))
    assert not any(tmp_path.rglob("*.parquet"))


def test_the_dictionary_has_every_metric() -> None:
    assert all(f"`{name}`" in dictionary() for name in METRICS)


CELLS = {"transfer/a": "transfer/abc", "style/a": "style/def"}


def test_wall_time_stands_beside_the_rows(tmp_path: Path) -> None:
    store.write_manifest(tmp_path, {"preset": "x", "cells": {**CELLS, "style/b": "style/open"}})
    store.write_cell(tmp_path, "transfer", "abc", row(), seconds=12.3456)
    store.write_cell(tmp_path, "style", "def", row(suite="style"))
    assert store.cell_seconds(tmp_path) == {"transfer/a": 12.346}
    assert len(store.read_run(tmp_path)) == 2  # one with the time and one without go together
    store.cell_file(tmp_path, "style", "def").write_bytes(b"PAR1")
    with pytest.raises(store.StoreError, match=r"def.parquet is damaged .* delete it"):
        store.cell_seconds(tmp_path)


def test_a_run_comes_back_as_written(tmp_path: Path) -> None:
    store.write_manifest(tmp_path, {"preset": "x", "cells": CELLS})
    store.write_cell(tmp_path, "transfer", "abc", row())
    store.write_cell(tmp_path, "style", "def", row(suite="style"))
    assert len(store.read_run(tmp_path)) == 2
    assert store.read_manifest(tmp_path)["preset"] == "x"


def test_a_run_without_cells_says_what_to_do(tmp_path: Path) -> None:
    store.write_manifest(tmp_path, {})
    with pytest.raises(store.StoreError, match="no finished cell: run python -m bench --run"):
        store.read_run(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "is no run"),
        ("{", "is not JSON"),
        (json.dumps({"schema": 99}), "has schema version 99, this whyvgg reads 1"),
        (json.dumps({"preset": "x"}), "has schema version None"),
    ],
)
def test_manifests_that_cannot_be_read(tmp_path: Path, text: str | None, message: str) -> None:
    if text is not None:
        (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(store.StoreError, match=message):
        store.read_manifest(tmp_path)


def test_a_cell_no_longer_listed_is_not_read(tmp_path: Path) -> None:
    store.write_manifest(tmp_path, {"cells": {"a": "transfer/new"}})
    store.write_cell(tmp_path, "transfer", "abc", row(value=0.0))
    store.write_cell(tmp_path, "transfer", "new", row(value=1.0))
    assert store.read_run(tmp_path)["value"].tolist() == [1.0]


def test_a_damaged_cell_is_named(tmp_path: Path) -> None:
    store.write_manifest(tmp_path, {"cells": CELLS})
    file = store.write_cell(tmp_path, "transfer", "abc", row())
    file.write_bytes(file.read_bytes()[:50])
    with pytest.raises(store.StoreError, match=r"abc\.parquet is damaged"):
        store.read_run(tmp_path)


def test_a_cell_of_another_shape_is_named(tmp_path: Path) -> None:
    store.write_manifest(tmp_path, {"cells": CELLS})
    file = store.write_cell(tmp_path, "transfer", "abc", row())
    pd.DataFrame({"a": [1]}).to_parquet(file)
    with pytest.raises(store.StoreError, match=r"abc\.parquet is damaged"):
        store.read_run(tmp_path)


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(store.StoreError, match=r"No space left on device.*free some space"):
        store.write_cell(tmp_path, "transfer", "abc", row())
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_failed_write_keeps_the_old_file(tmp_path: Path) -> None:
    file = tmp_path / "file"
    store.write_atomically(file, lambda out: out.write(b"old"))

    def fail(out: object) -> None:
        raise OSError(errno.EIO, "broken")

    with pytest.raises(store.StoreError, match="broken"):
        store.write_atomically(file, fail)
    assert file.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_readers_never_see_half_a_file(tmp_path: Path) -> None:
    file = tmp_path / "file"

    def write(out: object) -> None:
        assert not file.exists()
        out.write(b"whole")  # type: ignore[attr-defined]

    store.write_atomically(file, write)
    assert file.read_bytes() == b"whole"


def test_a_temporary_file_is_no_cell(tmp_path: Path) -> None:
    store.write_manifest(tmp_path, {"cells": CELLS})
    store.write_cell(tmp_path, "transfer", "abc", row())
    (tmp_path / "cells" / "transfer" / ".killed.parquet.1.tmp").write_bytes(b"half")
    assert len(store.read_run(tmp_path)) == 1


def test_the_latest_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "RUNS", tmp_path / "runs")
    with pytest.raises(store.StoreError, match="no run yet"):
        store.latest_run()
    store.remember(tmp_path / "one")
    store.remember(tmp_path / "two")
    assert store.latest_run() == (tmp_path / "two").resolve()


def test_a_file_is_made_by_one_process_and_a_killed_one_holds_nothing(tmp_path: Path) -> None:
    file = tmp_path / "new" / "pictures"
    holder = (
        "import sys, time; from pathlib import Path; from results.store import held\n"
        "with held(Path(sys.argv[1]), wait=False) as free: print(free, flush=True), time.sleep(600)"
    )
    root = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    command = [sys.executable, "-c", holder, file]
    with subprocess.Popen(command, env=root, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None and other.stdout.readline() == "True\n"
        with store.held(file, wait=False) as free:
            assert not free
        other.kill()
    with store.held(file, wait=False) as free:
        assert free


def test_a_folder_that_cannot_be_written_holds_nothing(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("no folder")
    with (
        pytest.raises(store.StoreError, match="choose another --run"),
        store.held(tmp_path / "taken" / "pictures", wait=True),
    ):
        pytest.fail("held nothing")
