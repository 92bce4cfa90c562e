"""The README's verdicts are the reference runs'."""

import math
import re
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from analysis import readme
from analysis.__main__ import app
from analysis.evidence import Evidence
from analysis.hypotheses import HYPOTHESES
from analysis.readme import (
    BEGIN,
    END,
    README,
    evidence_of,
    origin_line,
    read_verdicts,
    reference_runs,
    verdict_lines,
    with_verdicts,
    write_readme,
)
from analysis.sample import standard_networks
from analysis.verdicts import COLUMNS, verdicts
from results.store import REFERENCE, StoreError
from tests.rows import MODELS, build_run


def line(key: str, verdict: str, **more: object) -> dict[str, object]:
    base = dict.fromkeys(COLUMNS, "") | {
        "key": key, "claim": "A|B.", "who": "someone", "scale": "dB", "unit": "models", "n": 7,
        "effect": 1.234, "low": -1.0, "high": 2.0, "direction": 1, "matters": 3.0, "p_holm": 0.041,
        "verdict": verdict, "command": "tox -e bench",
    }  # fmt: skip
    return base | more


FOUND = pd.DataFrame([line("H1", "supported"), line("H2", "not measured")], columns=COLUMNS)


@pytest.fixture(scope="module")
def called() -> tuple[Evidence, pd.DataFrame]:
    """The verdicts of the committed runs, computed anew."""
    evidence = evidence_of(reference_runs())
    return evidence, verdicts(evidence)


def test_the_table_of_verdicts_is_what_the_reference_runs_say(
    called: tuple[Evidence, pd.DataFrame],
) -> None:
    committed, found = read_verdicts(), called[1]
    numbers = list(found.select_dtypes("number").columns)
    words = ["key", "claim", "who", "unit", "scale", "verdict", "reason"]
    stale = "run python -m analysis readme"
    for name in words:
        assert list(committed[name].fillna("")) == list(found[name]), stale
    pd.testing.assert_frame_equal(
        committed[numbers].astype(float), found[numbers].astype(float), rtol=1e-4
    )


def test_the_readme_is_in_step_with_the_table(called: tuple[Evidence, pd.DataFrame]) -> None:
    text, found = README.read_text(), read_verdicts()
    origin = origin_line(called[0], found)
    assert with_verdicts(text, found, origin) == text, "run python -m analysis readme"


def test_what_is_said_in_short_is_what_the_table_says() -> None:
    verdict = read_verdicts().set_index("key")["verdict"].str.removesuffix(" at this n")
    short = README.read_text().partition("In short")[2].partition(BEGIN)[0]
    said = re.findall(r"\((H\d+\w?(?:, H\d+\w?)*) (\w+)\)", short)
    assert len(said) == short.count("(H") > 5
    for keys, word in said:
        assert set(verdict[keys.split(", ")]) == {word}, keys
    effects = read_verdicts().set_index("key")["effect"]
    assert "the sign he expected" in short and (effects[["H1a", "H1b"]] < 0).all()
    assert "its estimate is below" in short and (effects[["H10a", "H10c"]] < 0).all()
    robust = read_verdicts().set_index("key").loc["H3a", "note"]
    assert "in every architecture tried" in short and re.search(r"\b(\d+) of \1 above 0", robust)
    kernels = read_verdicts().set_index("key").loc["H4d"]
    assert "in every estimate" in short and kernels["note"].startswith("0 of ")
    assert f"after Holm's correction p is {kernels['p_holm']:.3f}".replace("0.", ".") in short


def test_what_is_said_of_the_picture_is_what_it_shows() -> None:
    models = pd.read_csv(REFERENCE / "cifar10" / "analysis" / "models.csv")
    assert "among the standard networks in it there is none" in README.read_text()
    shown = standard_networks(models)
    standard = shown[shown["training"] == "standard"]
    assert len(standard) == 5 and len(shown) == 10
    assert abs(standard["fooling"].corr(standard["progress"], method="spearman")) < 0.2
    assert shown["fooling"].corr(shown["progress"], method="spearman") < -0.5


def test_the_quick_run_speaks_only_alone(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no reference run"):
        reference_runs(tmp_path)
    for name in ("quick", "attack-lens", "cifar10"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "manifest.json").write_text("{}")
        if name == "quick":
            assert reference_runs(tmp_path) == [tmp_path / "quick"]
    assert [run.name for run in reference_runs(tmp_path)] == ["cifar10", "attack-lens"]


def test_the_reference_run_answers_every_hypothesis() -> None:
    found = read_verdicts()
    assert list(found["key"]) == [one.key for one in HYPOTHESES]
    assert list(found["claim"]) == [one.claim for one in HYPOTHESES]


def test_tested_claims_are_lines_and_the_others_named() -> None:
    text = verdict_lines(FOUND)
    said = (
        "| H1 | A/B. *someone* | +1.23 [-1.00, +2.00] dB | +3 | 7 models | 0.041 | **supported** |"
    )
    assert said in text
    assert "Not measured: H2; `tox -e bench` would tell, once the networks they ask for" in text
    none = verdict_lines(FOUND.iloc[1:])
    assert "|" not in none and none.startswith("Not measured")


def test_what_this_n_cannot_estimate_says_why() -> None:
    few = pd.DataFrame([line("H3", "undecided at this n", effect=math.nan, reason="3 of 4 models")])
    assert "| 3 of 4 models | +3 | 7 models | 0.041 | **undecided at this n** |" in verdict_lines(
        few
    )


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("reference")
    return [
        build_run(folder / name, models=list(MODELS)[:4], images=10, suites=(suite,))
        for name, suite in (("one", "transfer"), ("two", "style"))
    ]


def test_only_what_is_between_the_marks_changes(tmp_path: Path, runs: list[Path]) -> None:
    file, table = tmp_path / "README.md", tmp_path / "verdicts.csv"
    file.write_text(f"above\n{BEGIN}\nold\n{END}\nbelow\n")
    written = write_readme(runs, readme=file, verdicts_file=table)
    assert [one.name for one in written] == [
        "verdicts.csv", "verdicts.png", "verdicts.svg", "README.md",
    ]  # fmt: skip
    text = file.read_text()
    assert text.startswith(f"above\n{BEGIN}\nFrom `one` (4 networks), `two` (4 ")
    assert text.endswith(f"\n{END}\nbelow\n") and "\nold\n" not in text and "| H1a |" in text
    found = read_verdicts(table).set_index("key")  # rates of the one, progress of the other
    assert found.loc["H1a", "n"] == 3 and found.loc["H1a", "verdict"] == "undecided at this n"
    write_readme(runs, readme=file, verdicts_file=table)
    assert file.read_text() == text


@pytest.mark.parametrize("text", ["none", f"{BEGIN}", f"{END}{BEGIN}", f"{BEGIN}{BEGIN}{END}"])
def test_a_readme_without_its_marks_is_refused(text: str) -> None:
    with pytest.raises(StoreError, match="no place for verdicts"):
        with_verdicts(text, FOUND, "From one.")


def test_what_is_no_table_of_verdicts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="run python -m analysis readme"):
        read_verdicts(tmp_path / "none.csv")
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(StoreError, match="other columns"):
        read_verdicts(tmp_path / "other.csv")


def test_the_command_names_what_it_wrote(
    tmp_path: Path, runs: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "README.md"
    file.write_text(f"{BEGIN}{END}\n")
    monkeypatch.setattr(readme, "README", file)
    monkeypatch.setattr(readme, "VERDICTS", tmp_path / "verdicts.csv")
    done = CliRunner().invoke(app, ["readme", *map(str, runs)])
    assert done.exit_code == 0 and str(file) in done.output
    file.write_text("no marks")
    refused = CliRunner().invoke(app, ["readme", str(runs[0])])
    assert refused.exit_code == 2 and "no place" in refused.stderr
