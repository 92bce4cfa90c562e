"""Runs on disk: one immutable parquet file a cell, one manifest a run.

A cell's file appears whole or not at all (temporary name, fsync, rename), so a cell whose file
exists is done, and a run can be killed at any moment.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock, Timeout

from results.schema import COLUMNS, VERSION, SchemaError, validate

RUNS = Path(__file__).parent / "runs"
REFERENCE = Path(__file__).parent / "reference"
_LATEST = "latest.txt"
_UNFINISHED = "unfinished"
_SECONDS = b"seconds"


class StoreError(RuntimeError):
    """A run that cannot be read or written; the message says what to do."""


def cell_file(run: Path, suite: str, digest: str) -> Path:
    """Where the cell with this digest lives."""
    return run / "cells" / suite / f"{digest}.parquet"


def write_cell(
    run: Path, suite: str, digest: str, rows: pd.DataFrame, *, seconds: float | None = None
) -> Path:
    """Validate rows and store them for good.

    Args:
        seconds: of wall time the cell took, kept beside the rows: no two runs agree on it.

    Raises:
        SchemaError: rows that do not fit the schema.
        StoreError: the disk is full or not writable; cells written before stay valid.
    """
    table = pa.Table.from_pandas(validate(rows), preserve_index=False)
    if seconds is not None:
        facts = {**(table.schema.metadata or {}), _SECONDS: f"{seconds:.3f}".encode()}
        table = table.replace_schema_metadata(facts)
    file = cell_file(run, suite, digest)
    write_atomically(file, lambda f: pq.write_table(table, f, compression="zstd"))
    return file


def write_atomically(file: Path, write: Any) -> None:
    """Call ``write(binary file)`` on a temporary name, sync it, and rename it into place.

    Raises:
        StoreError: the disk is full or not writable; nothing is left behind.
    """
    temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    try:
        with _writing(file):
            with temporary.open("wb") as out:
                write(out)
                out.flush()
                os.fsync(out.fileno())
            temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def held(file: Path, *, wait: bool) -> Iterator[bool]:
    """Whether this process alone may make the file now; the lock of one that is killed is free.

    Args:
        wait: until the process that makes it is done, which then makes it True.

    Raises:
        StoreError: the disk is full or not writable.
    """
    lock = FileLock(file.with_name(f".{file.name}.lock"))
    with _writing(file), suppress(Timeout):
        lock.acquire(blocking=wait)
    try:
        yield lock.is_locked
    finally:
        lock.release()


@contextmanager
def _writing(file: Path) -> Iterator[None]:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise StoreError(
            f"cannot write {file} ({error.strerror or error}): free some space or choose another "
            "--run, then run the same command again; finished cells are kept"
        ) from error


def read_run(run: Path) -> pd.DataFrame:
    """All rows of a run: those of the cells its manifest lists, where they are finished.

    Cells of older weights or settings may lie beside them; they are not listed any more.

    Raises:
        StoreError: no run there, no finished cell, an unreadable cell, or another schema version.
    """
    listed = read_manifest(run).get("cells", {}).values()
    files = [file for name in sorted(listed) if (file := cell_file(run, *name.split("/"))).exists()]
    if not files:
        raise StoreError(f"{run} has no finished cell: run python -m bench --run {run}")
    tables = [_read_cell(file) for file in files]
    rows: pd.DataFrame = pa.concat_tables(tables).to_pandas()
    return rows


def _read_cell(file: Path) -> pa.Table:
    try:
        return pq.read_table(file, columns=COLUMNS)
    except (OSError, ValueError, KeyError) as error:
        raise _damaged(file, error) from error


def _damaged(file: Path, error: Exception) -> StoreError:
    reason = " ".join(str(error).split())
    return StoreError(f"{file} is damaged ({reason}): delete it and run the bench again")


def cell_seconds(run: Path) -> dict[str, float]:
    """Wall time of each finished cell of the manifest, by its key; none where none was kept.

    Raises:
        StoreError: no run there, or an unreadable cell.
    """
    found = {}
    for key, name in read_manifest(run).get("cells", {}).items():
        file = cell_file(run, *name.split("/"))
        if not file.exists():
            continue
        try:
            facts = pq.read_schema(file).metadata or {}
        except (OSError, ValueError) as error:
            raise _damaged(file, error) from error
        if _SECONDS in facts:
            found[str(key)] = float(facts[_SECONDS])
    return found


def read_manifest(run: Path) -> dict[str, Any]:
    """The run's manifest.

    Raises:
        StoreError: no manifest, not JSON, or another schema version.
    """
    file = run / "manifest.json"
    try:
        manifest: dict[str, Any] = json.loads(file.read_text())
    except FileNotFoundError:
        raise StoreError(
            f"{run} is no run (no manifest.json): make one with python -m bench"
        ) from None
    except ValueError as error:
        raise StoreError(
            f"{file} is not JSON ({error}): delete it and run the bench again"
        ) from error
    if manifest.get("schema") != VERSION:
        raise StoreError(
            f"{run} has schema version {manifest.get('schema')}, this whyvgg reads {VERSION}: "
            "choose another --run, or the whyvgg that made it"
        )
    return manifest


def write_manifest(run: Path, content: Mapping[str, Any]) -> None:
    """Store the run's manifest and remember the run as the latest one."""
    text = json.dumps({"schema": VERSION, **content}, indent=2, sort_keys=True) + "\n"
    write_atomically(run / "manifest.json", lambda f: f.write(text.encode()))


def begin(run: Path) -> None:
    """Say that a run's report is not of all its cells; ``end`` takes that back.

    Raises:
        StoreError: the disk is full or not writable.
    """
    write_atomically(run / _UNFINISHED, lambda f: f.write(b"python -m bench goes on here\n"))


def end(run: Path) -> None:
    """Say that timing and analysis are of all cells."""
    (run / _UNFINISHED).unlink(missing_ok=True)


def ended(run: Path) -> bool:
    """Whether a run has a report and nothing was begun after it."""
    return (run / "analysis" / "report.html").exists() and not (run / _UNFINISHED).exists()


def remember(run: Path) -> None:
    """Make this run the one that ``python -m analysis`` reads when it is told none."""
    write_atomically(RUNS / _LATEST, lambda f: f.write(str(run.resolve()).encode()))


def latest_run() -> Path:
    """The run made last.

    Raises:
        StoreError: there is none.
    """
    try:
        return Path((RUNS / _LATEST).read_text())
    except FileNotFoundError:
        raise StoreError("no run yet: make one with python -m bench, or name one") from None


__all__ = [
    "REFERENCE", "RUNS", "SchemaError", "StoreError", "begin", "cell_file", "cell_seconds", "end",
    "ended", "latest_run", "read_manifest", "read_run", "remember", "write_atomically",
    "write_cell", "write_manifest",
]  # fmt: skip
