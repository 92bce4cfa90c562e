from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor

from bench.cells import Cell, digest, run_cell
from bench.pictures import bundled, load_folder
from bench.stylize import StyleSettings
from bench.suite_style import Style
from bench.suite_transfer import Transfer
from results.artifacts import picture_file
from results.schema import validate
from tests.tiny import ATTACKS, STYLE, cells, inputs, spec
from zoo.catalog import find
from zoo.datasets import bundled_cifar10, to_float
from zoo.taps import tap_set

VGG = spec("vgg_c10")
TRANSFER, STYLED = cells(VGG)


@pytest.mark.parametrize("cell", [TRANSFER, STYLED], ids=["transfer", "style"])
def test_a_cell_s_rows_fit_the_schema_and_come_again(cell: Cell, tmp_path: Path) -> None:
    ticks: list[float] = []
    rows = validate(run_cell(cell, inputs(tmp_path), tick=ticks.append))
    again = validate(run_cell(cell, inputs(tmp_path / "again")))
    pd.testing.assert_frame_equal(rows, again)
    assert set(rows["suite"]) == {cell.suite.name}
    assert set(rows["model"]) == {VGG.name}
    assert 0 < len(ticks) <= cell.suite.work(inputs(tmp_path)) + 25  # a line search may overshoot


def test_a_class_is_no_target_for_its_own_pictures(tmp_path: Path) -> None:
    rows = run_cell(TRANSFER, inputs(tmp_path))
    labels = dict(zip(inputs(tmp_path).images.ids, inputs(tmp_path).images.labels, strict=True))
    aimed = rows[rows["condition"].str.endswith("targeted/3")]
    assert set(aimed["case"]) == {case for case, label in labels.items() if int(label) != 3}
    assert set(rows.loc[rows["metric"] == "adv_hits_target", "condition"]) == {"l2_0.50/targeted/3"}


def test_the_source_s_pictures_are_made_once(tmp_path: Path) -> None:
    first, second = (cells(spec("vgg_c10", seed))[0] for seed in (0, 1))
    run_cell(first, inputs(tmp_path))
    files = {
        f: f.stat().st_mtime_ns for f in (tmp_path / "artifacts/adversarial").glob("*.safetensors")
    }
    run_cell(second, inputs(tmp_path))
    assert len(files) == 3
    assert files == {
        f: f.stat().st_mtime_ns for f in (tmp_path / "artifacts/adversarial").glob("*.safetensors")
    }


@pytest.mark.parametrize("damage", ["truncated", "other pictures"])
def test_damaged_adversarial_pictures_are_made_anew(tmp_path: Path, damage: str) -> None:
    rows = run_cell(TRANSFER, inputs(tmp_path))
    files = sorted((tmp_path / "artifacts/adversarial").glob("*.safetensors"))
    contents = [f.read_bytes() for f in files]
    for file, content in zip(files, contents, strict=True):
        # all-ones bytes decode as NaN: outside the ball
        broken = (
            content[:-9]
            if damage == "truncated"
            else content[:300] + b"\xff" * (len(content) - 300)
        )
        file.write_bytes(broken)
    pd.testing.assert_frame_equal(run_cell(TRANSFER, inputs(tmp_path)), rows)
    assert [f.read_bytes() for f in files] == contents


def _kept_attack(run: Path) -> tuple[Cell, Path]:
    """A cell of one attack, at L2 .5, that was run, and the file of its pictures."""
    cell = Cell(VGG, Transfer(ATTACKS[:1]), 0)
    run_cell(cell, inputs(run))
    (file,) = (run / "artifacts/adversarial").glob("*.safetensors")
    return cell, file


def _forge(file: Path, clean: Tensor, *, length: float, lowest: float) -> bytes:
    """Put the first picture so far from its clean one, towards grey, with one pixel so low."""
    kept = load_file(file)
    towards = 0.5 - clean[0]
    kept["images"][0] = clean[0] + towards * (length / towards.norm())
    if lowest < 0:
        kept["images"][0, 0, 0, 0] = lowest
    save_file(kept, file)
    return file.read_bytes()


@pytest.mark.parametrize(
    ("length", "lowest", "stays"),
    [(0.5 * 1.0001, 0.0, False), (0.0, -1e-3, False), (0.5 * 1.000005, 0.0, True)],
    ids=["beyond eps", "below black", "a rounding beyond eps"],
)
def test_stored_pictures_are_verified_when_read(
    length: float, lowest: float, stays: bool, tmp_path: Path
) -> None:
    cell, file = _kept_attack(tmp_path)
    made = file.read_bytes()
    clean = to_float(inputs(tmp_path).images.pixels)
    forged = _forge(file, clean, length=length, lowest=lowest)
    assert forged != made
    run_cell(cell, inputs(tmp_path))
    assert file.read_bytes() == (forged if stays else made)


def test_stylised_pictures_are_kept(tmp_path: Path) -> None:
    run_cell(STYLED, inputs(tmp_path))
    file = picture_file(tmp_path, VGG.name, STYLE.condition(10.0), "chelsea+coffee")
    with Image.open(file) as picture:
        assert picture.size == (48, 48)


def test_pictures_of_different_shapes_go_together(tmp_path: Path) -> None:
    for name, shape in (("wide", (80, 50)), ("tall", (48, 100))):
        noise = Image.effect_noise(shape, 80).convert("RGB")
        noise.save(tmp_path / f"{name}.png")
    own = load_folder(tmp_path, size=48)
    rows = validate(run_cell(STYLED, inputs(tmp_path / "run", contents=own, styles=own)))
    pairs = {f"{a}+{b}" for a in ("tall", "wide") for b in ("tall", "wide")}
    assert set(rows["case"]) == pairs


def test_an_address_follows_everything_the_rows_depend_on(tmp_path: Path) -> None:
    base = inputs(tmp_path)
    fewer = replace(base, images=bundled_cifar10().subset(range(4)))
    other_style = replace(base, styles=(bundled("ihc", size=48),))
    addresses = [
        digest(TRANSFER, base),
        digest(TRANSFER, fewer),
        digest(TRANSFER, replace(base, source=spec("resnet50_c10", 1))),
        digest(replace(TRANSFER, seed=1), base),
        digest(cells(spec("vgg_c10", 1))[0], base),
        digest(STYLED, base),
        digest(STYLED, other_style),
        digest(replace(STYLED, suite=Style(replace(STYLE, evaluations=4))), base),
    ]
    assert len(set(addresses)) == len(addresses)
    assert digest(TRANSFER, other_style) == addresses[0]
    assert digest(STYLED, fewer) == addresses[5]


def test_the_article_s_taps_differ_from_the_matched_ones() -> None:
    for name in ("vgg_c10.standard", "resnet50_c10.standard"):
        article, matched = (tap_set(find(name), kind) for kind in ("article", "matched"))
        assert set(article.style) != set(matched.style)
    assert "stages.conv1_1" in tap_set(find("vgg_c10.standard"), "article").style
    assert "stages.stem" not in tap_set(find("resnet50_c10.standard"), "article").style


def test_article_taps_are_refused_where_the_article_has_none() -> None:
    with pytest.raises(ValueError, match="use matched ones"):
        tap_set(find("densenet_c10.standard"), "article")


def test_a_suite_may_take_some_of_the_pictures(tmp_path: Path) -> None:
    both = inputs(tmp_path, styles=tuple(bundled(n, size=48) for n in ("coffee", "ihc")))
    some = Cell(VGG, Style(STYLE, styles=1), 0)
    rows = run_cell(some, both)
    assert set(rows["case"]) == {"chelsea+coffee"}
    assert some.suite.work(both) == STYLE.evaluations
    assert digest(some, both) == digest(some, inputs(tmp_path))  # the others do not matter
    assert digest(STYLED, both) != digest(STYLED, inputs(tmp_path))


def test_keys_name_the_cell() -> None:
    assert TRANSFER.key == "transfer/vgg_c10.random-s0/seed0"
    noise = Cell(VGG, Style(StyleSettings(start="noise", taps="article")), 2)
    assert noise.key == "style/vgg_c10.random-s0/noise-start/article/128px/seed2"
    views = Cell(VGG, Style(StyleSettings(parameterization="fourier", transforms=True)), 0)
    assert "/content-start/matched/fourier+transforms/128px/" in views.key
