"""Numbers written beside a reference run are those of its tables."""

import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from statsmodels.stats.multitest import multipletests

from analysis.figures import textures
from analysis.notes import QUOTED, renewed, rows_of
from analysis.pareto import grid_points, main_grid
from analysis.readme import read_verdicts
from analysis.style_columns import style_curves, style_facts, with_excess
from analysis.tables import load
from results.store import REFERENCE, cell_seconds, read_manifest, read_run
from zoo.datasets import LabelledImages, balanced
from zoo.weights import manifest

_INTERVALS = re.compile(r"([+-]?\d+\.\d+) \[([+-]?\d+\.\d+), ([+-]?\d+\.\d+)\]")


@pytest.mark.parametrize(("run", "least"), [("style-lab", 60), ("cifar10", 40)])
def test_every_interval_beside_a_run_is_of_the_row_it_names(run: str, least: int) -> None:
    folder: Path = REFERENCE / run
    note = (folder / "README.md").read_text()
    assert renewed(note, rows_of(folder)) == note
    marked = re.findall(rf"{QUOTED.pattern}<!-- ", note)
    assert len(marked) > least
    assert len(marked) == len(_INTERVALS.findall(note))  # it quotes nothing else


def test_every_interval_beside_the_attack_lens_is_in_a_table_or_the_summary() -> None:
    folder = REFERENCE / "attack-lens"
    summary = (folder / "analysis" / "summary.md").read_text()
    known = set(_intervals(folder / "analysis"))
    rounded = {d: {tuple(round(v, d) + 0.0 for v in line) for line in known} for d in (2, 3)}
    quoted = _INTERVALS.findall((folder / "README.md").read_text())
    assert len(quoted) > 30
    for value, low, high in quoted:
        if f"{value} [{low}, {high}]" in summary:
            continue
        numbers = (float(value), float(low), float(high))
        assert numbers in rounded[len(value.partition(".")[2])], numbers


def _intervals(folder: Path) -> Iterator[tuple[float, float, float]]:
    """Every number with ends that a table of the folder has, where the ends' names are its own."""
    for file in sorted(folder.glob("*.csv")):
        table = pd.read_csv(file)
        named = [n for n in table if {f"{n}_low", f"{n}_high"} <= set(table.columns)]
        columns = [(n, f"{n}_low", f"{n}_high") for n in named]
        if {"low", "high"} <= set(table.columns):
            columns += [(n, "low", "high") for n in {"rate", "ratio", "accuracy"} & set(table)]
        for names in columns:
            yield from table[list(names)].dropna().itertuples(index=False, name=None)


def test_the_judges_agreement_is_the_one_measured() -> None:
    folder = REFERENCE / "style-lab"
    judges = pd.read_csv(folder / "analysis" / "judges.csv").set_index("judge")
    said = f"Kendall's W = {judges.loc['(all)', 'kendall_w']:.2f}"
    assert said in (folder / "README.md").read_text()


@pytest.mark.parametrize("run", ["cifar10", "style-lab", "attack-lens"])
def test_the_time_of_a_run_is_that_of_its_cells(run: str) -> None:
    folder = REFERENCE / run
    minutes = round(sum(cell_seconds(folder).values()) / 60)
    assert f"Its cells took {minutes} minutes of one core" in (folder / "README.md").read_text()
    if run == "cifar10":
        assert minutes <= 120  # an hour of two cores


@pytest.mark.parametrize("run", ["cifar10", "style-lab", "attack-lens"])
def test_a_run_is_committed_with_the_cells_of_its_manifest_and_no_others(run: str) -> None:
    folder = REFERENCE / run
    kept = {f"{file.parent.name}/{file.stem}" for file in (folder / "cells").rglob("*.parquet")}
    assert kept == set(read_manifest(folder)["cells"].values())


@pytest.mark.data
def test_the_full_run_s_images_are_a_hundred_a_class_of_the_test_set(
    cifar10_test: LabelledImages,
) -> None:
    chosen = cifar10_test.subset(balanced(cifar10_test.labels.tolist(), 1000))
    assert chosen.labels.bincount().tolist() == [100] * 10
    assert read_manifest(REFERENCE / "cifar10")["images"] == {"n": 1000, "sha256": chosen.sha256}


def test_what_is_said_of_untrained_networks_palettes_is_counted() -> None:
    table = pd.read_csv(REFERENCE / "style-lab" / "analysis" / "contrasts.csv")
    untrained = table[table["comparison"].str.endswith(": random - standard")]
    palette = untrained[untrained["score"] == "palette_progress"]["effect"]
    assert (int((palette > 0).sum()), len(palette)) == (5, 6)
    said = (REFERENCE / "style-lab" / "README.md").read_text()
    assert "palette prefers five of the six untrained" in said


def test_what_is_said_of_matched_nets_with_and_without_batch_norm_is_their_range() -> None:
    folder = REFERENCE / "attack-lens"
    models = pd.read_csv(folder / "analysis" / "models.csv")
    pairs = pd.read_csv(folder / "analysis" / "pairs.csv")
    pairs = pairs[pairs["source"] == "resnet50_c10.standard"].set_index("target")
    models = models.join(pairs["excess"].rename("from_source"), on="model")
    nets = models[models["role"] == "matched"].groupby("batch_norm")
    said = (folder / "README.md").read_text()
    for column, words in (
        ("robust[l2_0.25]", "{} to {} of the images against {} to {} with it"),
        ("fooling", "{} to {} against {} to {}, and less"),
        ("from_source", "excess {} to {}, where that of all eight twins is positive, {} to {}."),
    ):
        ends = nets[column].agg(["min", "max"]).to_numpy().ravel()
        assert words.format(*(f"{end:.2f}" for end in ends)) in said, column
    wide = models[models["role"] == "matched"].pivot(
        index=["residual", "downsampling"], columns="batch_norm", values="fooling"
    )
    assert len(wide) == 8 and (wide[False] < wide[True]).all()


def test_what_is_said_of_entropies_under_each_softmax_is_counted() -> None:
    folder = REFERENCE / "style-lab"
    taps = pd.read_csv(folder / "analysis" / "activations.csv")
    at, shares = ["model", "taps", "tap"], ["activation_entropy_share", "gram_entropy_share"]
    plain, softmax, tempered = (
        taps[taps["smoothing"] == name].set_index(at)[shares].sort_index()
        for name in ("none", "softmax", "softmax-tempered")
    )
    maps, grams = (softmax > plain).sum()
    said = f"at {maps} of {len(plain)} taps and that of Gram matrices at {grams}"
    assert said in (folder / "README.md").read_text()
    assert (tempered > plain).all(axis=None) and len(tempered) == len(plain)


def test_what_is_said_of_two_makes_of_processor_is_measured() -> None:
    here, there = (
        with_excess(style_facts(load(REFERENCE / run).rows)).set_index(
            ["condition", "model", "case"]
        )
        for run in ("cifar10", "style-lab")
    )
    both = here.index.intersection(there.index)
    both = both[both.get_level_values("condition") == "content-start/matched/w100"]
    text = (REFERENCE / "cifar10" / "README.md").read_text()
    count = both.get_level_values("model").nunique()
    assert f"made {len(both)} of these pictures, too, of {count} networks" in text
    scores = ["progress", "palette_progress", "excess_2", "content_ssim"]
    here, there = here.loc[both, scores], there.loc[both, scores]
    moved = (here != there).any(axis=1)
    models = moved[moved].index.get_level_values("model").unique()
    assert models.str.startswith("inception_c10.").all() and len(models) == 3
    assert f"All scores of {count - len(models)} networks' pictures" in text
    assert f"Inception's {moved.sum()}, of three sets of weights, did not" in text
    spread = (here - there)[moved].std()
    r = here[moved].corrwith(there[moved])
    words = "{:.3f} in progress (standard deviation, r = {:.2f}), {:.3f} in palette (r = {:.2f})"
    numbers = [(spread[name], r[name]) for name in scores]
    said = words.format(*numbers[0], *numbers[1])
    assert f"{said} and {numbers[2][0]:.1f} dB in the stride-locked peak at period 2" in text
    assert f"period 2 (r = {numbers[2][1]:.2f})" in text


def test_the_grid_of_the_laboratory_is_the_one_told_of() -> None:
    folder = REFERENCE / "style-lab"
    best = pd.read_csv(folder / "analysis" / "equal-content.csv")
    said = (folder / "README.md").read_text()
    assert best["model"].nunique() == 8 and "that all eight fronts reach" in said
    assert best["layers"].nunique() == 3 and "three weightings of the layers" in said
    grid = main_grid(grid_points(load(folder).rows))
    assert (grid["weight"].min(), grid["weight"].max()) == (1, 10_000)
    assert "from 1 to 10,000" in said
    models = [name for name in read_manifest(folder)["models"] if "+" not in name]
    assert f", {len(models)} with the untrained ones" in said
    minutes = sum(cell_seconds(folder).values()) / 60
    assert f"{minutes:.0f} minutes of one core, {minutes / 2:.0f} of two" in said
    robust = best[best["model"] == "resnet50_c10.l2_05"].groupby("case")["content"].min()
    assert (robust == best.groupby("case")["least"].first()).all()  # its front is the last to begin


def test_the_robust_network_is_not_ahead_at_equal_content() -> None:
    table = pd.read_csv(REFERENCE / "style-lab" / "analysis" / "contrasts.csv")
    lines = table[table["comparison"] == "equal content: resnet50_c10: l2_05 - standard"]
    lines = lines.set_index("score")
    assert lines.loc["progress", "effect"] < 0 and lines.loc["palette_progress", "high"] < 0
    said = (REFERENCE / "style-lab" / "README.md").read_text()
    assert "the robust ResNet-50 is behind rather than ahead" in said
    readme = (REFERENCE.parents[1] / "README.md").read_text()
    assert "grid of weights can keep, the robust ResNet-50 is not ahead" in readme


def test_texture_puts_the_resnets_of_one_picture_last() -> None:
    folder = REFERENCE / "style-lab"
    facts = style_facts(load(folder).rows)
    here = facts[(facts["condition"] == "content-start/matched/w100")
                 & (facts["case"] == "china+coffee")].set_index("model")  # fmt: skip
    famous = here[here.index.str.contains("_c10.(?:standard|l2_05)$")]["texture_progress"]
    last = famous.nsmallest(4)
    assert last.index.str.startswith("resnet").all() and last.max() < -1
    assert last.idxmin() == "resnet50_c10.l2_05"
    assert f"the robust ResNet-50 lowest ({last.min():.1f})" in (folder / "README.md").read_text()


def test_what_is_said_of_the_full_run_without_an_interval_is_measured() -> None:
    folder = REFERENCE / "cifar10"
    models = pd.read_csv(folder / "analysis" / "models.csv").set_index("model")
    said = (folder / "README.md").read_text()
    ends = models[models["role"] == "matched"].groupby("batch_norm")["fooling"].agg(["min", "max"])
    low, high = ends.loc[False], ends.loc[True]
    assert low["max"] < high["min"]
    words = "{:.2f} to {:.2f} against {:.2f} to {:.2f}, two seeds each"
    assert words.format(*low, *high) in said
    weights = {about["sha256"] for about in read_manifest(folder)["models"].values()}
    made = {
        name.removesuffix("_c10.det"): facts
        for name, facts in manifest().items()
        if name.endswith("c10.det") and facts["sha256"] in weights
    }
    assert {facts["data"]["steps"] for facts in made.values()} == {40} and len(made) == 5
    (hit,) = {facts["data"]["hit"] for facts in made.values()}
    assert f"names that class in {100 * hit:.0f} % of them" in said
    tested = {name: facts["accuracies"]["cifar10_test"] for name, facts in made.items()}
    words = "DenseNet, Inception, VGG and ResNet-18 name {:.1f}, {:.1f}, {:.1f} and {:.1f} %"
    order = [tested[name] for name in ("densenet", "inception", "vgg", "resnet18")]
    assert words.format(*(100 * one["correct"] / one["n"] for one in order)) in said
    assert f"{len(read_manifest(folder)['models'])} networks" in said
    uniform, controls = (
        [manifest()[f"{arch}_c10.{kind}"] for arch in ("vgg", "resnet50")]
        for kind in ("rand", "noise")
    )
    for how in (one["data"] for one in uniform):
        share = f"{100 * how['hit']:.0f} %"
        assert f"`rand`: {how['steps']} steps, the new class named in {share}" in said
        assert f"the same {how['hit'] * how['n']:,.0f} hits among {how['n']:,} pictures" in said
    moved, still = (
        [100 * one["accuracies"]["cifar10_test"]["correct"] / 10_000 for one in both]
        for both in (uniform, controls)
    )
    assert f"and {moved[0]:.1f} % of all 10,000, ResNet-50 in" in said
    assert f"and {moved[1]:.1f} %: less than" in said
    assert "and of all 10,000 images {:.1f} and {:.1f} %".format(*still) in said
    assert round(moved[0] - still[0]) == 8 and moved[1] < still[1]
    searched = [100 * s for one in (*uniform, *controls) for s in one["search"].values()]
    assert f"pictures at each rate, {min(searched):.1f} to {max(searched):.1f} %." in said
    assert len(searched) == 24
    taught = models.dropna(subset="nonrobust_det").drop("resnet50_c10.standard")  # the source
    assert taught["nonrobust_det"].idxmin() == taught["fooling"].idxmax() == "resnet18_c10.standard"
    assert taught["fooling"].idxmin() == "vgg_c10.standard"
    times = taught["nonrobust_det_next"] / taught["nonrobust_det"]
    assert (round(times.min()), round(times.max())) == (2, 4)
    famous = [f"{arch}_c10.standard" for arch in ("vgg", "resnet18", "inception", "densenet")]
    seeds = models.loc[[f"{name}-s1" for name in famous], "fooling"].to_numpy()
    fooled = models.loc[famous, "fooling"]
    ends = abs(seeds - fooled).max(), fooled.max() - fooled.min()
    words = "more than {:.2f} from its first, and the architectures lie {:.2f} apart"
    assert words.format(*ends) in said
    ceiling = models.loc["resnet50_c10.standard-s1", "fooling"]
    assert ceiling > fooled.max()
    famous.append("resnet50_c10.standard")
    shown = models.loc[famous, "progress"]
    again = models.loc[[f"{name}-s1" for name in famous], "progress"].to_numpy()
    both = (shown + again) / 2
    words = "seeds lie at most {:.2f} from the first, and the five architectures lie {:.2f} apart"
    assert words.format(abs(again - shown).max(), both.max() - both.min()) in said


def test_what_is_said_of_judges_lattices_and_home_is_counted() -> None:
    folder = REFERENCE / "style-lab" / "analysis"
    seen = pd.read_csv(folder / "judgements.csv").pivot(
        index="judge", columns="model", values="progress"
    )
    vgg, plain, robust = "vgg_c10.standard", "resnet50_c10.standard", "resnet50_c10.l2_05"
    others = seen.drop([vgg, plain])
    assert len(others) == 19 and int((others[vgg] < others[plain]).sum()) == 15
    gain = (seen[robust] - seen[plain])[~seen.index.str.startswith("(")]
    kind = gain.index.str.partition(".").get_level_values(2)
    assert (gain[kind != "standard"] > 0).all()
    standard = gain[kind == "standard"].drop(plain)
    assert len(standard) == 5 and list(standard.index[standard > 0]) == ["alexnet_c10.standard"]
    models = pd.read_csv(folder / "models.csv").set_index("model")
    assert models["home_bonus"].idxmax() == vgg
    fit = pd.read_csv(folder / "lattice-fit.csv")
    fit = fit[fit["condition"] == "content-start/matched/w100"].set_index("period")
    assert (fit["models"] == 33).all()
    fit = fit["rho"]
    said = (folder.parent / "README.md").read_text()
    assert f"period 2, rho {fit['2']:.2f} over 33 networks, and at 4, {fit['4']:.2f}; at 8" in said
    assert pd.isna(fit["16"])
    assert "fifteen of the nineteen judges that are neither" in said
    assert "all robust and all untrained ones" in said and "four of the five other" in said


def test_what_is_said_of_five_robust_twins_is_counted() -> None:
    table = pd.read_csv(REFERENCE / "cifar10" / "analysis" / "contrasts.csv")
    twins = table[table["comparison"].str.endswith(": l2_05 - standard")].set_index("score")
    progress, palette = twins.loc["progress"], twins.loc["palette_progress"]
    said = (REFERENCE / "cifar10" / "README.md").read_text()
    assert len(progress) == len(palette) == 5 and (progress["effect"] > 0).all()
    assert int((progress["low"] > 0).sum()) == 2
    assert "Progress rises in all five, surely in two" in said
    assert int((palette["low"] > 0).sum()) == 4
    assert "Palette rises in four of them surely" in said
    ends = read_verdicts().set_index("key").loc["H4a", "high"]
    assert f"(H4a undecided; the interval ends at {ends:+.2f})" in said


def test_what_is_said_of_the_factory_is_counted() -> None:
    folder = REFERENCE / "cifar10"
    said = (folder / "README.md").read_text()
    found = pd.read_csv(folder / "analysis" / "factory.csv").set_index(["comparison", "score"])
    ways = ("avg22", "conv32", "conv42")
    ends = [found.loc[(f"nets, downsampling: {way} - max22", "fooling")] for way in ways]
    widest = max(abs(one[end]) for one in ends for end in ("low", "high"))
    assert 0.05 < widest < 0.06 and "end within 0.06 of nought" in said
    peaks = [
        found.loc[(f"nets, downsampling: {way} - max22, more by residual: on - off", "peak_excess")]
        for way in ways
    ]
    assert [one["low"] > 0 for one in peaks] == [False, False, True]
    assert peaks[1]["effect"] > 0 and "of residual nets more than that of plain ones" in said
    reached = {name: one["accuracies"]["cifar10_test"] for name, one in manifest().items()}
    share = {name: one["correct"] / one["n"] for name, one in reached.items()}
    nets = {name: value for name, value in share.items() if name.startswith("matched_c10.")}
    nets = {name: value for name, value in nets.items() if not name.endswith("det")}
    neither = [v for name, v in nets.items() if ".res0_" in name and "_bn0" in name]
    others = [v for v in nets.values() if v not in neither]
    assert len(neither) == 8 and len(others) == 24
    words = "with neither residual connections nor batch norm name {:.0f} to {:.0f} %"
    assert f"The four nets {words.format(100 * min(neither), 100 * max(neither))}" in said
    assert f"all others {100 * min(others):.0f} to {100 * max(others):.0f};" in said
    assert f"AlexNet names {100 * share['alexnet_c10.standard']:.0f}." in said


def test_what_the_rungs_of_the_ladder_reach_is_what_their_training_measured() -> None:
    found = [
        manifest()[f"resnet50_c10.{rung}"]["accuracies"] for rung in ("l2_025", "l2_05", "l2_1")
    ]
    plain, robust = (
        [f"{one[test]['correct'] / one[test]['n']:.1%}"[:-1] for one in found]
        for test in ("cifar10_test", "pgd20_l2_0.5")
    )
    said = (REFERENCE / "cifar10" / "README.md").read_text()
    assert {one["cifar10_test"]["n"] for one in found} == {10_000}
    assert "{}, {} and {} % of the 10,000 test images".format(*plain) in said
    assert "{}, {} and {} % under L2 .5".format(*robust) in said


def test_what_is_said_of_coarse_frequencies_in_textures_is_measured() -> None:
    folder = REFERENCE / "style-lab"
    power = textures(style_curves(load(folder).rows, "radial_power"))
    coarse = power.groupby(["model", "step"])["value"].mean().unstack().sort_index(axis=1)
    coarse = coarse.iloc[:, :4].mean(axis=1)
    above = (coarse - coarse["(style)"]).round()
    famous = above[above.index.str.endswith("_c10.standard")].drop("alexnet_c10.standard")
    robust = above[above.index.str.endswith("l2_05")]
    assert famous.idxmax() == "densenet_c10.standard" and famous.max() == -6
    assert famous.idxmin() == "resnet18_c10.standard" and famous.min() == -18
    assert (famous["vgg_c10.standard"], above["alexnet_c10.standard"]) == (-12, 1)
    assert (len(robust), robust.min(), robust.max()) == (5, 2, 3)
    said = (folder / "README.md").read_text()
    assert "lack 6 (DenseNet) to 18 dB (ResNet-18)" in said and "VGG's 12, while" in said
    assert "robust ones have 2 to 3 more than it and AlexNet's, the exception, 1." in said


def test_what_is_said_of_luck_is_counted() -> None:
    folder = REFERENCE / "cifar10"
    said = (folder / "README.md").read_text()
    models = pd.read_csv(folder / "analysis" / "models.csv").set_index("model")
    luck = models.filter(regex="^nonrobust_[a-z]+_p$").rename(index=lambda n: n.split("_")[0])
    luck = (100 * luck).stack().dropna()
    words = "or better in {:.1f} % of matchings, ResNet-50's in {:.0f} %, the controls' in {:.0f}"
    by_uniform = [("vgg", "rand"), ("resnet50", "rand"), ("vgg", "noise"), ("resnet50", "noise")]
    values = [luck[arch, f"nonrobust_{kind}_p"] for arch, kind in by_uniform]
    assert f"{words.format(*values[:3])} and {values[3]:.0f} %." in said
    values = [luck[arch, "nonrobust_det_p"]
              for arch in ("densenet", "inception", "vgg", "resnet50", "resnet18")]  # fmt: skip
    words = "{:.1f} % for DenseNet, {:.1f} for Inception, {:.1f} for VGG, {:.1f} for ResNet-50"
    assert f"{words.format(*values)} and {values[4]:.0f} for ResNet-18;" in said
    assert len(luck) == 9
    holm = pd.Series(100 * multipletests(luck / 100, method="holm")[1], luck.index)
    assert holm.min() == holm["densenet", "nonrobust_det_p"] > 5
    assert f"by little ({holm.min():.1f}), VGG's by uniform targets is " in said
    assert f"uniform targets is {holm['vgg', 'nonrobust_rand_p']:.0f}. So of no single" in said
    rows = read_run(folder)
    vgg = rows[(rows["model"] == "vgg_c10.rand") & (rows["metric"] == "nonrobust_answer")]
    assert vgg["value"].nunique() == 3 and "gives three of the ten" in said
