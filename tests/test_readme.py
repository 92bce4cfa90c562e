"""The README's verdicts are the reference run's."""

from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from analysis import readme
from analysis.__main__ import app
from analysis.hypotheses import HYPOTHESES
from analysis.readme import (
    BEGIN,
    END,
    README,
    read_verdicts,
    verdict_lines,
    with_verdicts,
    write_readme,
)
from analysis.tables import write
from analysis.verdicts import COLUMNS
from results.store import StoreError


def line(key: str, verdict: str, **more: object) -> dict[str, object]:
    base = dict.fromkeys(COLUMNS, "") | {
        "key": key, "claim": "A|B.", "who": "someone", "scale": "dB", "unit": "models", "n": 7,
        "effect": 1.234, "low": -1.0, "high": 2.0, "verdict": verdict, "command": "tox -e bench",
    }  # fmt: skip
    return base | more


FOUND = pd.DataFrame([line("H1", "supported"), line("H2", "not measured")], columns=COLUMNS)


def test_the_readme_is_in_step_with_the_reference_run() -> None:
    text = README.read_text()
    assert with_verdicts(text, read_verdicts()) == text, "run python -m analysis readme"


def test_the_reference_run_answers_every_hypothesis() -> None:
    found = read_verdicts()
    assert list(found["key"]) == [one.key for one in HYPOTHESES]
    assert list(found["claim"]) == [one.claim for one in HYPOTHESES]


def test_tested_claims_are_lines_and_the_others_named() -> None:
    text = verdict_lines(FOUND)
    assert "| H1 | A/B. | someone | +1.23 [-1.00, +2.00] dB | 7 models | **supported** |" in text
    assert "Not measured in this run: H2; `tox -e bench` would tell." in text
    none = verdict_lines(FOUND.iloc[1:])
    assert "|" not in none and none.startswith("Not measured")


def test_only_what_is_between_the_marks_changes(tmp_path: Path) -> None:
    file = tmp_path / "README.md"
    file.write_text(f"above\n{BEGIN}\nold\n{END}\nbelow\n")
    write(FOUND, tmp_path, name="verdicts")
    write_readme(file, tmp_path / "analysis" / "verdicts.csv")
    text = file.read_text()
    assert text.startswith(f"above\n{BEGIN}\n| | claim") and text.endswith(f"\n{END}\nbelow\n")
    assert "old" not in text and "H1" in text
    write_readme(file, tmp_path / "analysis" / "verdicts.csv")
    assert file.read_text() == text


@pytest.mark.parametrize("text", ["none", f"{BEGIN}", f"{END}{BEGIN}", f"{BEGIN}{BEGIN}{END}"])
def test_a_readme_without_its_marks_is_refused(text: str) -> None:
    with pytest.raises(StoreError, match="no place for verdicts"):
        with_verdicts(text, FOUND)


def test_what_is_no_table_of_verdicts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="run python -m analysis first"):
        read_verdicts(tmp_path / "none.csv")
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(StoreError, match="other columns"):
        read_verdicts(tmp_path / "other.csv")


def test_the_command_names_what_it_wrote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "README.md"
    file.write_text(f"{BEGIN}{END}\n")
    monkeypatch.setattr(readme, "README", file)
    done = CliRunner().invoke(app, ["readme"])
    assert done.exit_code == 0 and str(file) in done.output
    file.write_text("no marks")
    refused = CliRunner().invoke(app, ["readme"])
    assert refused.exit_code == 2 and "no place" in refused.stderr
