"""The page: complete, self-contained, honest where nothing was measured, and the same twice."""

import re
from pathlib import Path

import pytest

from analysis.evidence import gather
from analysis.hypotheses import HYPOTHESES
from analysis.report.charts import scatter
from analysis.report.page import page, write_page
from analysis.tables import Run, build, load
from analysis.verdicts import verdicts
from results.store import StoreError
from tests.rows import MODELS, STYLES, build_run


def written(run: Run) -> str:
    table = build(run, resamples=100)
    return page(run, table, verdicts(gather(run, table, resamples=100)))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return load(build_run(tmp_path_factory.mktemp("runs") / "quick", images=20))


@pytest.fixture(scope="module")
def text(run: Run) -> str:
    return written(run)


def test_the_page_needs_nothing_else(text: str) -> None:
    markup = re.sub(r"<script>.*?</script>", "", text, flags=re.DOTALL)
    assert not re.findall(r'<(?:link|img)[^>]+(?:src|href)="(?!data:)', markup)
    assert "<script src" not in text
    assert len(text) < 10_000_000
    assert re.search(r"window\.vegaEmbed ?=", text) and 'vegaEmbed("#chart"' in text


def test_every_hypothesis_model_and_picture_is_there(text: str) -> None:
    assert text.count('<article class="card') == len(HYPOTHESES)
    assert all(f"<h3>{one.key}: " in text for one in HYPOTHESES)
    assert text.count("<tr><td>") == 2 * len(MODELS)  # gallery and table
    assert text.count("data-model=") == len(MODELS) * len(STYLES)
    assert all(alt for alt in re.findall(r'<img src="data:[^>]+alt="([^"]*)"', text))


def test_the_same_run_gives_the_same_page(run: Run, text: str) -> None:
    assert written(run) == text


def test_points_show_pictures_and_axes_are_chosen(run: Run) -> None:
    chart = scatter(build(run, resamples=100), {"vgg_c10.standard": "data:x"})
    assert chart is not None
    assert [p["value"] for p in chart["params"] if "bind" in p] == ["fooling", "progress"]
    (points,) = chart["datasets"].values()
    images = {point["model"]: point["image"] for point in points}
    assert images["vgg_c10.standard"] == "data:x"


def test_names_cannot_break_the_page(run: Run) -> None:
    named = Run(run.path, run.rows, dict(run.manifest) | {"preset": "<script>alert(1)</script>"})
    assert "<script>alert" not in written(named)


def test_a_run_without_style_has_an_honest_page(tmp_path: Path) -> None:
    bare = load(
        build_run(tmp_path / "run", images=5, suites=("transfer",), models=list(MODELS)[:2])
    )
    text = written(bare)
    assert "This run kept no pictures" in text
    assert text.count('class="card unmeasured"') == len(HYPOTHESES)
    assert "tox -e bench -- --preset style-lab" in text


def test_a_damaged_picture_is_one_sentence(tmp_path: Path) -> None:
    broken = load(build_run(tmp_path / "run", images=5, models=list(MODELS)[:2]))
    next((broken.path / "artifacts" / "style").glob("vgg*/*w1000*")).write_bytes(b"x")
    table = build(broken, resamples=100)
    with pytest.raises(StoreError, match="damaged or gone"):
        write_page(broken, table, verdicts(gather(broken, table, resamples=100)))
