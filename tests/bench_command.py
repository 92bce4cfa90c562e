"""``python -m bench`` as a user calls it, in a place of its own."""

import sys
from pathlib import Path

import pytest

from bench import __main__ as cli
from results import store
from zoo.weights import OFFLINE

SMALL = "vgg_c10.standard"


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "RUNS", tmp_path / "runs")
    monkeypatch.setattr(cli, "RUNS", tmp_path / "runs")
    monkeypatch.setattr(cli.console, "width", 200, raising=False)
    monkeypatch.setenv(OFFLINE, "0")  # so that what --offline sets ends with the test


def call(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["bench", *arguments])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    return int(stop.value.code or 0)


def no_network(*_: object, **__: object) -> None:
    raise OSError("no route to host")
