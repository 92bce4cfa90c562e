"""The door: what it writes, what it says, and how it fails."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from analysis.__main__ import app
from analysis.association import correlate
from analysis.evidence import gather
from analysis.summary import summary
from analysis.tables import build, load
from analysis.verdicts import verdicts
from results import store
from tests.rows import MODELS, SOURCE, build_run, facts
from tests.rows import store as store_rows


def call(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    run = build_run(tmp_path_factory.mktemp("runs") / "quick", images=40)
    return run, call(run, "--resamples", "200", "--seed", "1")


def test_everything_is_written(done: tuple[Path, Result]) -> None:
    run, result = done
    assert result.exit_code == 0, result.output
    figures = ["scatter", "conditions", "attack-curve", "convergence", "spectra", "pictures",
               "verdicts"]  # fmt: skip
    assert not list((run / "analysis").glob("article*"))  # it made no picture with those taps
    tables = {f"{name}.csv" for name in (
        "models", "verdicts", "correlations", "conditions", "convergence", "contrasts",
        "conditions-style",
    )}  # fmt: skip
    expected = {"report.html", "summary.md", "content-start_matched.webp", *tables} | {
        *(f"{f}.{k}" for f in figures for k in ("png", "svg"))
    }
    assert {file.name for file in (run / "analysis").rglob("*.*")} == expected
    assert all(name in result.output for name in expected)


def test_the_table_fits_100_columns(done: tuple[Path, Result]) -> None:
    run, result = done
    lines = [line for line in result.output.splitlines() if str(run) not in line]
    assert max(map(len, lines)) <= 100
    assert "…" not in result.output
    assert all(name in result.output for name in MODELS)
    assert f"{SOURCE} *" in result.output


def test_nothing_else_in_the_run_changes(tmp_path: Path) -> None:
    run = build_run(tmp_path / "run", images=10, suites=("transfer",))
    before = {file: file.read_bytes() for file in run.rglob("*") if file.is_file()}
    call(run, "--resamples", "100")
    after = {file: file.read_bytes() for file in before}
    assert before == after


def test_same_rows_same_products(tmp_path: Path) -> None:
    products = []
    for name in ("one", "two"):
        run = build_run(tmp_path / name / "run", images=20, models=list(MODELS)[:3])
        assert call(run, "--resamples", "100").exit_code == 0
        products.append({f.name: f.read_bytes() for f in (run / "analysis").rglob("*.*")})
    assert products[0] == products[1]


def test_one_suite_is_enough(tmp_path: Path) -> None:
    for suite, absent in [("transfer", "convergence.png"), ("style", "conditions.png")]:
        run = build_run(tmp_path / suite, images=10, suites=(suite,), models=list(MODELS)[:2])
        result = call(run, "--resamples", "100")
        assert result.exit_code == 0, result.output
        assert not (run / "analysis" / absent).exists()
        assert "no rho" in result.output


def test_pictures_of_the_article_s_taps_get_its_figure(tmp_path: Path) -> None:
    run = build_run(tmp_path / "run", images=5, suites=("style",), models=[SOURCE])
    folder = run / "artifacts" / "style" / SOURCE
    for file in list(folder.iterdir()):
        file.rename(folder / file.name.replace("_matched_", "_article_"))
    result = call(run, "--resamples", "100")
    assert result.exit_code == 0, result.output
    drawn = {file.name for file in (run / "analysis").glob("article-*.png")}
    assert drawn == {f"article-chelsea+{style}.png" for style in ("coffee", "hubble", "ihc")}


def test_the_main_columns_are_read_at_the_run_s_own_norm(tmp_path: Path) -> None:
    rows = facts(SOURCE, "clean", "clean_correct", [1, 1]) + facts(
        SOURCE, "l2_3.00/untargeted", "adv_correct", [0, 0], step=40
    )
    run = load(store_rows(tmp_path, rows, {SOURCE: "ResNet"}, headline="l2_3.00"))
    table = build(run, resamples=100)
    assert table["fooling_all"].tolist() == [1.0]
    assert "Attack: l2_3.00, untargeted, 40 iterations." in summary(
        run, table, [], verdicts(gather(run, table, resamples=100))
    )


def test_one_model_is_enough(tmp_path: Path) -> None:
    run = build_run(tmp_path / "run", images=10, models=["vgg_c10.standard"])
    result = call(run, "--resamples", "100")
    assert result.exit_code == 0, result.output
    text = (run / "analysis" / "summary.md").read_text()
    assert "Too few for any statement" in text
    assert "no VGG and another non-robust target to compare" in text


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda run: (run / "manifest.json").unlink(), "is no run"),
        (lambda run: (run / "manifest.json").write_text('{"schema": 7}'), "schema version 7"),
        (lambda run: next(run.glob("cells/*/*")).write_bytes(b"x"), "is damaged"),
        (lambda run: (run / "benchmark.json").write_text("{"), "not pytest-benchmark's JSON"),
        (lambda run: (run / "artifacts/style/index.json").write_text("{"), "index.json is damaged"),
    ],
)
def test_errors_are_one_sentence(tmp_path: Path, damage: object, message: str) -> None:
    run = build_run(tmp_path / "run", images=5, models=[SOURCE, "vgg_c10.standard"])
    assert callable(damage)
    damage(run)
    result = call(run, "--resamples", "100")
    assert result.exit_code == 2
    assert message in result.stderr and "Traceback" not in result.output
    assert len(result.stderr.strip().splitlines()) == 1


def test_the_latest_run_is_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "RUNS", tmp_path)
    assert "no run yet" in call().stderr
    store.remember(build_run(tmp_path / "run", images=10, suites=("transfer",)))
    assert call("--resamples", "100").exit_code == 0
    assert (tmp_path / "run" / "analysis" / "models.csv").exists()


def test_help_has_examples() -> None:
    text = call("--help").output
    assert "python -m analysis" in text and "--resamples" in text


def words(run: Path) -> str:
    loaded = load(run)
    table = build(loaded, resamples=100)
    found = [correlate(table, "fooling", "progress", resamples=100)]
    return summary(loaded, table, found, verdicts(gather(loaded, table, resamples=100)))


def test_the_summary_has_the_numbers(done: tuple[Path, Result]) -> None:
    run, _ = done
    text = (run / "analysis" / "summary.md").read_text()
    table = pd.read_csv(run / "analysis" / "models.csv").set_index("model")
    assert "7 models (2 robust) of 4 families" in text
    assert "Transfer: 40 pictures. Style: 3 content-style pairs." in text
    assert f"{table.loc['vgg_c10.standard', 'fooling']:.2f} [" in text
    assert "only |rho| >= 0.92" in text  # tanh(2.80 / sqrt(3))
    assert "without VGG" in text
    assert "Random noise of norm l2_0.50" in text


def verdict_run(run: Path, vgg: list[int], dense: list[int]) -> Path:
    rows = []
    for model, right in [(SOURCE, [0] * 8), ("vgg_c10.standard", vgg),
                         ("densenet_c10.standard", dense)]:  # fmt: skip
        rows += facts(model, "clean", "clean_correct", [1] * 8)
        rows += facts(model, "l2_0.50/untargeted", "adv_correct", right, step=3)
    families = {name: MODELS[name][0] for name in MODELS if "standard" in name}
    return store_rows(run, rows, families)


@pytest.mark.parametrize(
    ("vgg", "dense", "verdict"),
    [
        ([1] * 8, [0] * 8, r"VGG's estimate \*\*is\*\* the lowest"),
        ([0] * 8, [1] * 8, r"VGG's estimate \*\*is not\*\* the lowest"),
        ([1] * 8, [1] * 8, "VGG ties for the lowest estimate"),
    ],
)
def test_the_verdict_follows_the_rows(
    tmp_path: Path, vgg: list[int], dense: list[int], verdict: str
) -> None:
    text = words(verdict_run(tmp_path / "run", vgg, dense))
    assert len(re.findall(verdict, text)) == 3  # one a denominator
    assert "No noise of norm" in text


def test_the_sentence_follows_the_sign(tmp_path: Path) -> None:
    run = build_run(tmp_path / "run", images=150)
    assert "more of one goes with less of the other" in words(run)
    manifest = json.loads((run / "manifest.json").read_text())
    for entry in manifest["models"].values():
        entry["family"] = "one"
    (run / "manifest.json").write_text(json.dumps(manifest))
    text = words(run)
    assert "The models come from 1 family" in text
