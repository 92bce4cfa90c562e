"""Figures hold what they should, and the same rows give the same bytes."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import same_color, to_hex, to_rgb
from matplotlib.figure import Figure

from analysis import plots, style_plots
from analysis.association import correlate
from analysis.figures import headlined, shown_pictures
from analysis.look import (
    FADED,
    MOST_NAMED,
    appearances,
    families,
    figure,
    headliners,
    place_labels,
    save,
    style,
)
from analysis.style_columns import headline, style_curves
from analysis.tables import Run, build, load
from analysis.transfer_columns import condition_rates, transfer_facts
from tests.rows import MODELS, SOURCE, STYLES, build_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return load(build_run(tmp_path_factory.mktemp("runs") / "run", images=40))


@pytest.fixture(scope="module")
def table(run: Run) -> pd.DataFrame:
    return build(run, resamples=100)


@pytest.fixture(scope="module")
def rates(run: Run) -> pd.DataFrame:
    return condition_rates(transfer_facts(run.rows, run.source))


def texts(drawn: Figure) -> list[str]:
    return [text.get_text() for ax in drawn.axes for text in ax.texts]


def test_scatter_has_every_model_and_label(table: pd.DataFrame) -> None:
    drawn = plots.transfer_and_style(table, resamples=100)
    assert len(drawn.axes) == 2
    for ax in drawn.axes:
        assert len(ax.collections) == len(MODELS)
        assert {text.get_text() for text in ax.texts} == set(MODELS)
        assert "n = 6" in ax.get_title(loc="left")
        assert [line for line in ax.get_lines() if line.get_label() == "fit"]
    legend = [text.get_text() for text in drawn.legends[0].get_texts()]
    assert {"VGG", "ResNet", "robust training"} <= set(legend)


def test_source_hollow_and_robust_ringed(table: pd.DataFrame) -> None:
    drawn = plots.transfer_and_style(table, resamples=100)
    for model, points in zip(table.to_dict("records"), drawn.axes[0].collections, strict=True):
        face, edge = points.get_facecolor()[0], points.get_edgecolor()[0]
        assert same_color(face, "white") == bool(model["is_source"])
        assert same_color(edge, "black") == bool(model["robust"])


def test_the_source_s_second_seed_is_hollow_and_in_no_rho(table: pd.DataFrame) -> None:
    source = table[table["is_source"]]
    again = source.assign(model=source["model"] + "-s1", role="replicate", is_source=False)
    again["fooling"] = 0.99
    before, drawn = (
        plots.transfer_and_style(t, resamples=100) for t in (table, pd.concat([table, again]))
    )
    titles = [[ax.get_title(loc="left") for ax in one.axes] for one in (before, drawn)]
    assert titles[0] == titles[1]
    faces = [points.get_facecolor()[0] for points in drawn.axes[0].collections]
    assert sum(same_color(face, "white") for face in faces) == 2
    said = [text.get_text() for text in drawn.legends[0].get_texts()]
    assert "source and its seeds (not in rho)" in said


def test_labels_do_not_cover_each_other(table: pd.DataFrame) -> None:
    drawn = plots.transfer_and_style(table, resamples=100)
    drawn.draw_without_rendering()
    for ax in drawn.axes:
        boxes = [text.get_window_extent() for text in ax.texts]
        pairs = [(a, b) for i, a in enumerate(boxes) for b in boxes[i + 1 :]]
        assert not any(a.overlaps(b) for a, b in pairs)


def test_crowded_labels_move_away_from_each_other() -> None:
    with style():
        drawn = figure(6, 4)
        ax = drawn.subplots()
        points = pd.DataFrame({"x": [0.5] * 5, "y": [0.5, 0.5, 0.51, 0.49, 0.5]})
        notes = place_labels(ax, points.assign(label=[f"a long label {i}" for i in range(5)]))
        drawn.draw_without_rendering()
        boxes = [note.get_window_extent() for note in notes]
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[i + 1 :])


def test_three_models_get_no_line_and_a_reason(table: pd.DataFrame) -> None:
    with style():
        ax = plots.scatter(table.iloc[:3], "fooling", "progress", ax=figure(5, 4).subplots())
    assert "3 of the 4 models needed" in ax.get_title(loc="left")
    assert not [line for line in ax.get_lines() if line.get_label() == "fit"]


def test_unmeasured_models_are_not_drawn(table: pd.DataFrame) -> None:
    some = table.assign(progress=table["progress"].where(table["model"] != SOURCE))
    with style():
        ax = plots.scatter(some, "fooling", "progress", ax=figure(5, 4).subplots())
    assert len(ax.collections) == len(MODELS) - 1


def test_families_differ_in_colour_and_marker() -> None:
    looks = families(["VGG", "Swin", "ResNet", "AlexNet"])
    assert len({colour for colour, _ in looks.values()}) == 4
    assert len({marker for _, marker in looks.values()}) == 4
    assert looks["VGG"] == families(["VGG"])["VGG"]  # whoever else is there


def test_models_of_a_family_differ(table: pd.DataFrame) -> None:
    looks = appearances(table)
    assert len({(look.colour, look.dash) for look in looks.values()}) == len(MODELS)


def test_the_rungs_of_a_ladder_differ_in_their_lines() -> None:
    rungs = pd.DataFrame({
        "model": [f"r50.l2_{eps}" for eps in ("025", "05", "1")], "family": "ResNet",
        "robust": True, "role": "catalog",
    })  # fmt: skip
    dashes = {look.dash for look in appearances(rungs).values()}
    assert len(dashes) == 3
    assert not dashes & {"-", ":"}  # standard weights; noise


@pytest.mark.parametrize(("n", "lines", "columns"), [(1, 1, 1), (4, 1, 4), (5, 2, 3), (9, 3, 3)])
def test_panels_stand_in_even_lines(n: int, lines: int, columns: int) -> None:
    drawn, panels, last = style_plots.panel_grid(n, 1, 1)
    places = panels[0].get_gridspec()
    assert (places.nrows, places.ncols) == (lines, columns)
    assert len(panels) == n
    assert {ax for ax in drawn.axes if ax.get_visible()} == set(panels)
    assert last is panels[columns - 1]


def test_convergence_has_a_curve_a_model_and_panel(run: Run, table: pd.DataFrame) -> None:
    curves = headline(style_curves(run.rows, "loss_style"))
    drawn = style_plots.convergence(curves, table)
    titles = [ax.get_title(loc="left") for ax in drawn.axes]
    assert titles == [f"chelsea + {name}" for name in sorted(STYLES)]
    for ax in drawn.axes:
        assert ax.get_yscale() == "log"
        lines = {str(line.get_label()): line for line in ax.get_lines()}
        assert set(lines) == set(MODELS)
        assert same_color(lines[SOURCE].get_color(), appearances(table)[SOURCE].colour)
    chosen = curves[(curves["model"] == SOURCE) & (curves["case"] == "chelsea+coffee")]
    expected = 10 ** np.log10(chosen["value"]).groupby(chosen["step"]).mean()
    assert np.asarray(drawn.axes[0].get_lines()[0].get_ydata()).size == len(expected)
    line = next(x for x in drawn.axes[0].get_lines() if x.get_label() == SOURCE)
    assert np.asarray(line.get_ydata(), dtype=float) == pytest.approx(expected.to_numpy())


def test_spectra_mark_the_strides(run: Run, table: pd.DataFrame) -> None:
    curves = headline(style_curves(run.rows, "radial_power"))
    own = curves[curves["model"] == SOURCE].assign(model="(style)")
    drawn = style_plots.spectra(pd.concat([curves, own]), table)
    shown = [ax for ax in drawn.axes if ax.get_visible()]
    assert {ax.get_title(loc="left") for ax in shown} == set(MODELS)
    marks = [line.get_xdata()[0] for line in shown[0].get_lines() if "n/" in str(line.get_label())]
    assert marks == [80, 40, 20, 10]
    assert sum(line.get_linestyle() == ":" for line in shown[0].get_lines()) == 1
    assert "dotted" in drawn.get_supxlabel()


def test_heat_map_annotates_every_cell(rates: pd.DataFrame) -> None:
    drawn = plots.conditions(rates)
    last = rates[rates["step"] == rates["read_at"]]
    assert len(texts(drawn)) == len(last) == len(MODELS) * 7
    assert texts(drawn)[0] == f"{100 * last['rate'].iloc[0]:.0f}"
    assert "l2_0.50\ntargeted hits\n20 steps" in [
        t.get_text() for t in drawn.axes[0].get_xticklabels()
    ]


def test_attack_curve_has_every_step(rates: pd.DataFrame, table: pd.DataFrame) -> None:
    curve = rates[rates["condition"] == "l2_0.50/untargeted"]
    ax = plots.attack_curve(curve, table).axes[0]
    assert len(ax.get_lines()) == len(MODELS)
    assert all(len(line.get_xdata()) == 6 for line in ax.get_lines())
    order = [text.get_text() for text in ax.get_legend().get_texts()]
    assert order[0] == SOURCE


def test_picture_grid_leaves_missing_pictures_empty(tmp_path: Path) -> None:
    run = build_run(tmp_path, images=5, models=[SOURCE, "vgg_c10.standard"])
    index = shown_pictures(run)
    assert set(index["weight"].dropna()) == {"w1000"}
    (run / index.loc[index["model"] == SOURCE, "file"].iloc[0]).unlink()
    drawn = style_plots.picture_grid(index, run)
    assert len(drawn.axes) == 4 * 3
    assert sum(len(ax.images) for ax in drawn.axes) == 4 * 3 - 1
    assert drawn.axes[0].get_ylabel() == "(style)"
    assert drawn.axes[0].get_title(loc="left") == "chelsea +\ncoffee"


def test_a_picture_of_several_seeds_is_shown_once(tmp_path: Path) -> None:
    run = build_run(tmp_path, images=5, models=[SOURCE])
    before = shown_pictures(run)
    (file, *_) = sorted((run / "artifacts" / "style" / SOURCE).glob("content-start*.png"))
    file.with_stem(f"{file.stem}__s1").write_bytes(file.read_bytes())
    pd.testing.assert_frame_equal(shown_pictures(run), before)
    file.unlink()  # the second seed alone: the same case, from its own file
    alone = shown_pictures(run)
    assert list(alone["case"]) == list(before["case"])
    assert alone["file"].str.endswith("__s1.png").sum() == 1


def test_pictures_may_be_listed(tmp_path: Path) -> None:
    run = build_run(tmp_path, images=5, models=[SOURCE])
    listed = shown_pictures(run).drop(columns=["start", "taps", "weight"])
    listed = listed[listed["model"] != "(content)"]
    listed.to_json(run / "artifacts" / "style" / "index.json", orient="records")
    drawn = style_plots.picture_grid(shown_pictures(run), run)
    assert [len(ax.images) for ax in drawn.axes] == [1] * 6


def test_same_rows_same_bytes(table: pd.DataFrame, tmp_path: Path) -> None:
    stored = []
    for name in ("one", "two"):
        files = save(plots.transfer_and_style(table, resamples=50), tmp_path / name / "figure")
        assert [file.suffix for file in files] == [".png", ".svg"]
        stored.append([file.read_bytes() for file in files])
    assert stored[0] == stored[1]
    assert b"<dc:date>" not in stored[0][1]


def test_colours_are_seaborns_colour_blind_palette() -> None:
    import seaborn as sns

    palette = {to_hex(colour) for colour in sns.color_palette("colorblind")}
    assert {colour for colour, _ in families(list("abcdef")).values()} <= palette


def crowd(n: int) -> pd.DataFrame:
    """A table of n models, the first five of them contestants."""
    values = np.random.default_rng(0).random((n, 2))
    return pd.DataFrame(
        {
            "model": [f"net{i:02d}.standard" for i in range(n)],
            "arch": [f"net{i:02d}" for i in range(n)],
            "family": "VGG", "training": "standard", "robust": False, "is_source": False,
            "role": ["contestant"] * 5 + ["matched"] * (n - 5),
            "fooling": values[:, 0], "progress": values[:, 1],
        }
    )  # fmt: skip


@pytest.mark.parametrize(("n", "named"), [(MOST_NAMED, MOST_NAMED), (MOST_NAMED + 1, 5), (40, 5)])
def test_a_large_zoo_shows_all_and_names_the_contestants(n: int, named: int) -> None:
    drawn = plots.pair(crowd(n), "fooling", "progress", resamples=100)
    (ax,) = drawn.axes
    assert len(ax.collections) == n
    assert len(ax.texts) == named


def test_a_further_rung_of_a_ladder_is_faded_and_in_no_rho() -> None:
    table = crowd(MOST_NAMED + 4)
    steps = ["l2_025", "l2_05", "l2_1"]
    table.loc[:2, "training"], table.loc[:2, "robust"] = steps, True
    table.loc[:3, "arch"] = "net03"
    table.loc[4:5, "role"] = "contestant"
    drawn = plots.pair(table, "fooling", "progress", resamples=100)
    (ax,) = drawn.axes
    assert "n = 4" in ax.get_title(loc="left")  # standard weights of three, and L2 .5
    names = {text.get_text() for text in ax.texts}
    assert names == {f"net{i:02d}.standard" for i in (1, 3, 4, 5)}
    faded = [dots.get_alpha() == FADED for dots in ax.collections]
    assert faded[:6] == [True, False, True, False, False, False] and all(faded[6:])


def test_a_sample_of_its_own_is_drawn_in_full_and_has_the_rho() -> None:
    table = crowd(MOST_NAMED + 4)
    nets = table[table["role"] == "matched"].iloc[:6]
    drawn = plots.pair(table, "fooling", "progress", sample=nets, resamples=100)
    (ax,) = drawn.axes
    assert ax.get_title(loc="left") == plots.describe(
        correlate(nets, "fooling", "progress", resamples=100)
    )
    whole = {name for name, dots in zip(table["model"], ax.collections, strict=True)
             if dots.get_alpha() == 1}  # fmt: skip
    assert whole == set(table["model"][:5]) | set(nets["model"])
    alone = plots.pair(nets, "fooling", "progress", sample=nets, resamples=100)
    assert [text.get_text() for text in alone.legends[0].get_texts()] == ["VGG"]


def test_the_key_of_two_columns_names_the_families_shown() -> None:
    other = crowd(6).assign(family=["ResNet"] + ["VGG"] * 5)
    other.loc[0, "fooling"] = np.nan
    drawn = plots.pair(other, "fooling", "progress", resamples=100)
    names = [text.get_text() for text in drawn.legends[0].get_texts()]
    assert names == ["VGG", "untrained, matched, further eps (not in rho)"]


@pytest.mark.parametrize("count", [1, 5, 9])
def test_the_key_is_as_wide_as_the_page_at_most_and_complete(count: int) -> None:
    known = ["VGG", "ResNet", "DenseNet", "Inception", "AlexNet", "EfficientNet", "ConvNeXt",
             "Matched net", "ViT"]  # fmt: skip
    table = crowd(20).assign(family=[known[i % count] for i in range(20)])
    drawn = plots.pair(table, "fooling", "progress", resamples=100)
    drawn.draw_without_rendering()
    (key,) = drawn.legends
    box = key.get_window_extent()
    assert drawn.bbox.x0 <= box.x0 and box.x1 <= drawn.bbox.x1
    names = {text.get_text() for text in key.get_texts()}
    assert names >= set(known[:count]) | {"untrained, matched, further eps (not in rho)"}


def test_a_large_table_without_roles_names_as_many_as_fit() -> None:
    assert len(headliners(crowd(40).assign(role="matched"))) == MOST_NAMED


def test_a_large_table_names_contestants_and_twins_that_no_surgery_was_done_to() -> None:
    table = crowd(MOST_NAMED + 3).assign(role="contestant")
    table.loc[0, "role"], table.loc[1, "role"] = "twin", "matched"
    table.loc[2, "model"] += "+blur-pool"
    assert headliners(table) == [*table["model"][:1], *table["model"][3:]]


def test_a_large_table_names_controls_that_were_trained() -> None:
    table = crowd(MOST_NAMED + 3).assign(role="matched", training="standard")
    table.loc[:1, "role"] = "control"
    table.loc[1, "training"] = "random"
    assert headliners(table) == [table["model"][0]]


def test_many_models_of_a_family_keep_its_colour_visible() -> None:
    colours = {look.colour for look in appearances(crowd(40)).values()}
    assert len(colours) == 4
    assert all(sum(to_rgb(colour)) > 0.2 for colour in colours)


def test_a_named_model_keeps_its_family_s_colour_whatever_comes_before_it() -> None:
    table = crowd(40).assign(role=["matched"] * 35 + ["contestant"] * 5)
    assert appearances(table)["net35.standard"].colour == families(["VGG"])["VGG"][0]


def test_lines_and_pictures_of_a_large_zoo_are_the_contestants() -> None:
    table = crowd(MOST_NAMED + 1)
    lines = pd.DataFrame({"model": [*table["model"], "(style)"], "value": 0.0})
    assert list(headlined(lines, table)["model"]) == [*table["model"][:5], "(style)"]
