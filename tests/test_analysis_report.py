"""The page: complete, self-contained, honest where nothing was measured, and the same twice."""

import base64
import re
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from analysis.correlations import correlations, facts_of
from analysis.evidence import gather
from analysis.hypotheses import HYPOTHESES
from analysis.report.charts import AXES, scatter
from analysis.report.drawn import _words, on_page
from analysis.report.gallery import gallery, spectra
from analysis.report.page import page, write_page
from analysis.tables import Run, build, load
from analysis.verdicts import verdicts
from results.store import REFERENCE, StoreError
from tests.rows import MODELS, SOURCE, STYLES, build_run


def written(run: Run, drawn: Mapping[str, Path] | None = None) -> str:
    table = build(run, resamples=100)
    evidence = gather(run, table, resamples=100)
    pairs = correlations(evidence, facts_of(run, evidence.pictures))
    return page(run, table, verdicts(evidence), pairs, drawn or {})


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
    assert len(text) < 8_000_000
    assert re.search(r"window\.vegaEmbed ?=", text) and 'vegaEmbed("#chart"' in text


def test_every_hypothesis_model_and_picture_is_there(text: str) -> None:
    cards, lines = text.count('<article class="card'), text.count('<tr><th scope="row">H')
    assert cards and lines and cards + lines == len(HYPOTHESES)
    assert all(
        f"<h3>{one.key}: " in text or f'<th scope="row">{one.key}</th>' in text
        for one in HYPOTHESES
    )
    assert text.count("data-model=") == len(MODELS) * len(STYLES)
    assert text.count('<details class="model"') == len(MODELS)
    assert all(f'id="model-{name}"' in text and f'href="#model-{name}"' in text for name in MODELS)
    assert all(alt for alt in re.findall(r'<img src="data:[^>]+alt="([^"]*)"', text))
    assert len(re.findall('alt="style picture of', text)) == len(STYLES)


def test_a_model_s_section_has_its_numbers(run: Run, text: str) -> None:
    section = text.split('id="model-vgg_c10.standard"')[1].split("</details>")[0]
    table = build(run, resamples=100).set_index("model")
    assert f"{table.loc['vgg_c10.standard', 'progress']:.2f} [" in section
    assert section.count("data-case=") == len(STYLES) and "nan" not in section
    assert "data:image" not in section  # the gallery's are borrowed


def test_formulae_are_mathematics(text: str) -> None:
    assert text.count("<math ") == text.count("</math>") >= 9
    assert all(name in text for name in ("Gatys et al. 2016", "Odena et al. 2016", "Efron 1987"))
    methods = text.split('id="methods"')[1]
    for title, source in (
        ("Partial rank correlation", "Freedman &amp; Lane 1983"),
        ("Reliability", "ICC(1,k)"),
        ("Factorial and mixed models", "Laird &amp; Ware 1982"),
        ("Mediation", "MacKinnon et al."),
        ("Outlier shift", "Crawford &amp; Howell 1998"),
        ("Holm", "Holm 1979"),
        ("Verdict", "Schuirmann 1987"),
    ):
        entry = methods.split(f"<dt>{title}")[1].split("<dt>")[0]
        assert "<math " in entry and source in entry


def test_many_pictures_lose_quality_then_pairs(run: Run) -> None:
    whole = gallery(run)
    size = sum(len(uri) for row in whole.made.values() for uri in row.values())
    size += sum(len(row[whole.cases[0]]) for row in whole.made.values())  # on hover
    assert (whole.left_out, len(whole.cases)) == (0, len(STYLES))
    assert gallery(run, most=int(0.9 * size)).left_out == 0
    least = gallery(run, most=size // 4)
    assert least.left_out == len(STYLES) - len(least.cases) > 0
    assert set(least.made) == set(whole.made)
    assert gallery(run, most=1).cases == whole.cases[:1]


def test_spectra_are_the_rows_means(run: Run) -> None:
    found = spectra(run, gallery(run))
    assert (found["side"], found["first"]) == (160, 2)
    assert set(found["power"]) == set(MODELS)
    line = found["power"]["resnet18_c10.standard"]["chelsea+ihc"]
    assert len(line) == 80 - 2 + 1
    assert line[-1] - line[-2] == pytest.approx(8, abs=2)  # the lattice of period 2


def test_correlations_are_on_the_page(text: str) -> None:
    part = text.split('id="correlations"')[1].split("</table>")[0]
    assert "<td>fooling</td><td>progress</td><td>6</td><td>-" in part
    assert "no column nonrobust_det" in part


def test_the_same_run_gives_the_same_page(run: Run, text: str) -> None:
    assert written(run) == text


def test_points_show_pictures_and_axes_are_chosen(run: Run) -> None:
    chart = scatter(build(run, resamples=100), {"vgg_c10.standard": "data:x"})
    assert chart is not None
    assert [p["value"] for p in chart["params"] if "bind" in p] == ["fooling", "progress"]
    (points,) = chart["datasets"].values()
    images = {point["model"]: point["image"] for point in points}
    assert images["vgg_c10.standard"] == "data:x"
    assert all(
        point["fooling_low"] <= point["fooling"] <= point["fooling_high"] for point in points
    )


def test_every_robust_accuracy_is_an_axis() -> None:
    read = [f"robust[l2_{eps}]" for eps in ("0.25", "0.50", "1.00")]
    assert set(read) < set(AXES)
    known = pd.DataFrame(
        {
            "model": ["a", "b"],
            "family": "VGG",
            "training": "standard",
            "role": "contestant",
            "robust": False,
            "is_source": False,
        }
    )
    chart = scatter(known.assign(**dict.fromkeys(read[:2], 0.5)), {})  # fmt: skip
    assert chart is not None
    assert chart["params"][0]["bind"]["labels"][0] == "accuracy under L2 0.25"


def picture_file(file: Path, side: int) -> Path:
    noise = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    Image.fromarray(noise).save(file)
    return file


def test_figures_are_on_the_page_in_words_and_small(run: Run, tmp_path: Path) -> None:
    names = ("spectra", "verdicts", "attack-curve-mi", "a-new-one", "pictures")
    text = written(run, {name: picture_file(tmp_path / f"{name}.png", 60) for name in names})
    part = text.split('<h2 id="figures">')[1].split("<h2")[0]
    assert re.findall(r"<figcaption><b>([\w-]+)</b>", part) == [
        "verdicts", "attack-curve-mi", "spectra", "a-new-one",  # the gallery has the pictures
    ]  # fmt: skip
    alts = re.findall(r'<img src="data:image/webp[^>]+alt="([^"]+)"', part)
    assert len(alts) == 4 and alts[0].startswith("Forest plot") and alts[1].endswith("(mi)")
    assert 'href="#figures"' in text and "No figure was drawn" in written(run)


def test_every_figure_of_a_reference_run_has_words() -> None:
    names = {file.stem for file in REFERENCE.glob("*/analysis/*.png")} - {"pictures"}  # gallery
    assert len(names) > 15
    assert not {name for name in names if not _words(name)[1]}


def test_figures_shrink_and_the_last_ones_find_no_room(tmp_path: Path) -> None:
    large = picture_file(tmp_path / "large.png", 1500)
    (shown,), left = on_page({"verdicts": large})
    opened = Image.open(BytesIO(base64.b64decode(shown.uri.partition(",")[2])))
    assert opened.format == "WEBP" and opened.width == 1100 and not left
    assert shown.width == 1500 // 2
    small = picture_file(tmp_path / "small.png", 20)
    found, left = on_page({"spectra": large, "verdicts": small}, most=2000)
    assert [one.name for one in found] == ["verdicts"] and left == ["spectra"]
    with pytest.raises(StoreError, match=r"gone\.png is damaged or gone"):
        on_page({"scatter": tmp_path / "gone.png"})


def test_names_cannot_break_the_page(run: Run) -> None:
    named = Run(run.path, run.rows, dict(run.manifest) | {"preset": "<script>alert(1)</script>"})
    assert "<script>alert" not in written(named)


def test_a_run_without_style_has_an_honest_page(tmp_path: Path) -> None:
    bare = load(
        build_run(tmp_path / "run", images=5, suites=("transfer",), models=list(MODELS)[:2])
    )
    text = written(bare)
    assert "This run kept no pictures" in text
    assert text.count('<tr><th scope="row">H') == len(HYPOTHESES)
    assert "tox -e bench -- --preset style-lab" in text


def few(folder: Path) -> Run:
    return load(build_run(folder / "run", images=5, models=list(MODELS)[:3]))


def without_style(folder: Path) -> Run:
    return load(build_run(folder / "run", images=5, models=list(MODELS)[:3], suites=("transfer",)))


def with_holes(folder: Path) -> Run:
    run = few(folder)
    lost = run.rows["metric"].eq("judge_style_distance") & (run.rows["model"] == SOURCE)
    return Run(run.path, run.rows[~lost & (run.rows["metric"] != "clean_correct")], run.manifest)


def one_family(folder: Path) -> Run:
    run = few(folder)
    models = {name: about | {"family": "VGG"} for name, about in run.manifest["models"].items()}
    return Run(run.path, run.rows, dict(run.manifest) | {"models": models})


@pytest.mark.parametrize("make", [few, without_style, with_holes, one_family])
def test_a_poor_run_has_an_honest_page(make: Callable[[Path], Run], tmp_path: Path) -> None:
    text = written(make(tmp_path))
    visible = re.sub(r"<(script|style)\b.*?</\1>", "", text, flags=re.DOTALL)
    assert not re.search(r"\bnan\b", visible)
    assert 'class="card supported"' not in text
    assert "Not measured in this run" in text and "needed" in text
    assert all(f"{one.key}: " in text or f">{one.key}</th>" in text for one in HYPOTHESES)


def test_the_page_says_how_it_was_made(run: Run) -> None:
    manifest = dict(run.manifest) | {"threads": 3, "judge": "a judge"}
    part = written(Run(run.path, run.rows, manifest)).split('id="manifest"')[1]
    assert "<dt>threads</dt><dd><code>3<" in part and "a judge" in part
    assert f"{SOURCE} {'0' * 16}" in part


def test_a_damaged_picture_is_one_sentence(tmp_path: Path) -> None:
    broken = load(build_run(tmp_path / "run", images=5, models=list(MODELS)[:2]))
    next((broken.path / "artifacts" / "style").glob("vgg*/*w1000*")).write_bytes(b"x")
    table = build(broken, resamples=100)
    evidence = gather(broken, table, resamples=100)
    with pytest.raises(StoreError, match="damaged or gone"):
        write_page(broken, table, verdicts(evidence), correlations(evidence, {}))
