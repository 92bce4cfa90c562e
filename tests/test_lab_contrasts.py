"""Comparisons of the laboratory: planted effects come back, intervals cover, gaps make no line."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.comparisons import ONE_BY_ONE, PRIORS, TEXTURE, condition
from analysis.condition_tables import WITHOUT_PRIORS
from analysis.lab_contrasts import COLUMNS, contrast_table, contrasts
from analysis.tables import build, load
from tests.rows import MODELS, Row, build_run, facts, frame

CASES = [f"chelsea+style{i}" for i in range(4)]
VGG, R50, ROBUST = "vgg_c10.standard", "resnet50_c10.standard", "resnet50_c10.l2_05"
DENSE, RANDOM = "densenet_c10.standard", "vgg_c10.random"


def about(model: str, **more: object) -> dict[str, object]:
    training = model.split(".")[1].partition("+")[0].partition("-s")[0]
    return {
        "model": model, "family": {"vgg": "VGG"}.get(model[:3], "other"), "role": "contestant",
        "training": training, "robust": training.startswith("l2"), "residual": "resnet" in model,
        "downsampling": "", "batch_norm": True, "is_source": model == R50, **more,
    }  # fmt: skip


def pictures(model: str, progress: list[float], on: str = "", peak: float = 3.0) -> list[Row]:
    """Progress a case, and a peak at period 2 so far above the style's."""
    how = {"suite": "style", "cases": CASES[: len(progress)]}
    ones = [1.0] * len(progress)
    return [
        row
        for metric, values in [
            ("judge_style_distance", [1 - p for p in progress]),
            ("judge_style_distance_content", ones), ("peak_2", [peak] * len(ones)),
            ("peak_2_style", ones),
        ]
        for row in facts(model, on or condition(), metric, values, **how)
    ]  # fmt: skip


def lines(rows: list[Row], *models: dict[str, object], score: str = "progress") -> pd.DataFrame:
    found = contrasts(frame(rows), pd.DataFrame(list(models)))
    return found[found["score"] == score].set_index("comparison")


def test_a_paired_difference_is_student_s_over_pictures() -> None:
    base, gaps = [0.1, 0.5, 0.2, 0.9], [0.10, 0.14, 0.08, 0.12]
    rows = pictures(R50, base, peak=9.0)
    rows += pictures(ROBUST, [b + g for b, g in zip(base, gaps, strict=True)], peak=7.0)
    line = lines(rows, about(R50), about(ROBUST)).loc["resnet50_c10: l2_05 - standard"]
    wanted = stats.ttest_1samp(gaps, 0)
    ends = wanted.confidence_interval(0.95)
    assert line["effect"] == pytest.approx(0.11)
    assert (line["low"], line["high"]) == pytest.approx((ends.low, ends.high))
    assert line["p"] == pytest.approx(wanted.pvalue)
    assert line[["n_pictures", "n_networks", "n_seeds", "unit"]].tolist() == [4, 1, 1, "pictures"]
    peaks = lines(rows, about(R50), about(ROBUST), score="excess_2")
    assert peaks["effect"].tolist() == pytest.approx([-2.0])
    assert peaks["low"].isna().all()  # all alike: nothing to measure scatter by


def test_only_shared_pictures_count_and_two_have_no_interval() -> None:
    rows = pictures(R50, [0.1, 0.2]) + pictures(ROBUST, [0.2, 0.4, 0.9, 0.9])
    line = lines(rows, about(R50), about(ROBUST)).iloc[0]
    assert (line["effect"], line["n_pictures"]) == (pytest.approx(0.15), 2)
    assert math.isnan(line["low"]) and math.isnan(line["p"]) and line["unit"] == "none"


def test_the_family_stands_against_each_and_against_their_mean() -> None:
    rows = pictures(VGG, [0.5, 0.6, 0.7]) + pictures(R50, [0.2, 0.2, 0.3])
    rows += pictures(DENSE, [0.1, 0.3, 0.2]) + pictures(ROBUST, [0.9] * 3)
    found = lines(rows, *map(about, (VGG, R50, DENSE, ROBUST)))
    assert found.loc[f"VGG - {R50}", "effect"] == pytest.approx(0.6 - 0.7 / 3)
    assert found.loc[f"VGG - {DENSE}", "effect"] == pytest.approx(0.4)
    mean = found.loc["VGG - mean of the others"]
    assert mean["effect"] == pytest.approx((0.6 - 0.7 / 3 + 0.4) / 2)
    assert (mean["n_networks"], mean["unit"]) == (2, "architectures x pictures")
    assert f"VGG - {ROBUST}" not in found.index


def test_variants_stand_against_the_plain_method_of_the_same_network() -> None:
    rows = pictures(R50, [0.1, 0.2, 0.3]) + pictures(VGG, [0.4, 0.5, 0.6])
    for variant in ("fourier-decorrelated+transforms", "softmax", "softmax-tempered"):
        rows += pictures(R50, [0.3, 0.5, 0.4], condition(variant))
        rows += pictures(VGG, [0.4, 0.4, 0.6], condition(variant))
    rows += pictures(VGG, [0.7, 0.7, 0.8], condition(taps="article"))
    found = lines(rows, about(R50), about(VGG))
    name = "fourier-decorrelated+transforms - pixel"
    assert found.loc[f"{R50}: {name}", "effect"] == pytest.approx(0.2)
    assert found.loc[f"mean over networks: {name}", "effect"] == pytest.approx((0.2 - 0.1 / 3) / 2)
    assert found.loc[f"{VGG}: article - matched", "effect"] == pytest.approx(0.7 / 3)
    for kind in ("softmax", "softmax-tempered"):
        assert found.loc[f"residual networks: {kind} - plain", "effect"] == pytest.approx(0.2)
    assert found.loc["non-residual networks: softmax - plain", "n_networks"] == 1


def test_random_views_stand_against_their_own_optimiser_too() -> None:
    rows: list[Row] = []
    for name, plain in ((VGG, 0.4), (R50, 0.2)):
        for on, gain in (("", 0.0), ("adam", -0.1), ("pixel+transforms", 0.1)):
            noisy = [plain + gain + e for e in (0.1, 0.2, 0.2 + gain / 10)]
            rows += pictures(name, noisy, condition(on) if on else "")
    found = lines(rows, about(VGG), about(R50))["effect"]
    for name in (VGG, R50, "mean over networks"):
        assert found[f"{name}: pixel+transforms - pixel"] == pytest.approx(0.1 + 0.01 / 3)
        assert found[f"{name}: adam - pixel"] == pytest.approx(-0.1 - 0.01 / 3)
        assert found[f"{name}: pixel+transforms - adam"] == pytest.approx(0.2 + 0.02 / 3)


def test_smoothing_stands_against_layer_weights_chosen_on_other_pictures() -> None:
    """Of three pairs the first layer weights suit two, and the last pair is best by the second."""
    layers = {"layers1": [0.5, 0.5, 0.1], "layers2+4": [0.4, 0.4, 0.9]}
    rows = pictures(R50, [0.2, 0.3, 0.4]) + pictures(R50, [0.6, 0.7, 0.8], condition("softmax"))
    for on, progress in layers.items():
        rows += pictures(R50, progress, condition(on))
    # what smoothing is, is no part of the search, nor are other style weights
    rows += pictures(R50, [1.0, 1.0, 1.0], condition("layers1e-12+1e-12"))
    rows += pictures(R50, [1.0, 1.0, 1.0], condition("layers9", weight="w1000"))
    found = lines(rows, about(R50))
    # means over the other two: .3 and .65 (twice), .5 and .4
    best = (0.4 + 0.4 + 0.1) / 3
    assert found.loc[f"{R50}: softmax - best-layers", "effect"] == pytest.approx(0.7 - best)
    assert found.loc["residual networks: softmax - best-layers", "n_pictures"] == 3
    assert found.loc["residual networks: best-layers - plain", "effect"] == pytest.approx(
        best - 0.3
    )
    downscaled = f"{R50}: layers1e-12+1e-12 - best-layers"
    assert found.loc[downscaled, "effect"] == pytest.approx(1 - best)


def test_one_pair_of_pictures_or_one_set_of_layer_weights_leaves_nothing_to_choose() -> None:
    rows = pictures(VGG, [0.2]) + pictures(VGG, [0.6], condition("softmax"))
    rows += pictures(VGG, [0.3], condition("layers1")) + pictures(VGG, [0.4], condition("layers2"))
    rows += pictures(R50, [0.2, 0.3]) + pictures(R50, [0.6, 0.7], condition("softmax"))
    rows += pictures(R50, [0.3, 0.4], condition("layers1"))
    found = lines(rows, about(VGG), about(R50))
    assert len(found) and not found.index.str.contains("best-layers").any()


def test_networks_of_one_architecture_are_one_unit() -> None:
    rows: list[Row] = []
    for name, gain in ((VGG, 0.3), (R50, 0.1), (ROBUST, 0.2)):
        noisy = zip((0.1, 0.2, 0.4), (0.01, -0.01, 0.0), strict=True)
        rows += pictures(name, [0.1, 0.2, 0.4])
        rows += pictures(name, [v + gain + e for v, e in noisy], condition("softmax"))
        rows += pictures(name, [v + gain for v in (0.11, 0.19, 0.4)], condition("fourier"))
    found = lines(rows, *map(about, (VGG, R50, ROBUST)))
    mean = found.loc["mean over networks: fourier - pixel"]
    assert mean["effect"] == pytest.approx((0.3 + 0.15) / 2)
    assert mean[["n_networks", "n_units"]].tolist() == [3, 2]
    alone = found.loc["residual networks: softmax - plain"]
    assert alone["effect"] == pytest.approx(0.15)
    assert alone[["n_networks", "n_units", "unit"]].tolist() == [2, 1, "pictures"]


def test_checkerboards_and_lattices_are_compared_where_measured() -> None:
    rows = pictures(VGG, [0.1, 0.2, 0.3]) + pictures(R50, [0.1, 0.2, 0.3])
    for name, level in ((VGG, 1.0), (R50, 4.0)):
        for metric, gain in (("board_2", 0.0), ("board_8", 0.5), ("lattice_4", 1.0),
                             ("peak_16", 2.0)):  # fmt: skip
            for own, values in (
                (metric, [level + gain, level, level]),
                (f"{metric}_style", [1.0] * 3),
            ):
                rows += facts(name, condition(), metric=own, values=values, suite="style",
                              cases=CASES[:3])  # fmt: skip
    table = pd.DataFrame([about(VGG), about(R50)])
    found = contrasts(frame(rows), table)
    scores = found.set_index("score")["effect"]
    for score in ("board_excess_2", "board_excess_8", "lattice_excess_4", "excess_16"):
        assert scores[score] == pytest.approx(-3.0), score
    assert "lattice_excess_8" not in scores
    (title,) = [line for line in contrast_table(found).splitlines() if "comparison |" in line]
    assert "board(2) [dB]" in title and "lattice" not in title and title.count("board") == 1


def test_textures_are_compared_by_how_many_times_further_they_are() -> None:
    """Half the distance on every pair, though progress has no bound where styles are near."""
    rows = pictures(VGG, [0.1, 0.2, 0.3]) + pictures(R50, [0.1, 0.2, 0.3])
    for name, times in ((VGG, 0.5), (R50, 1.0)):
        for metric, values in (
            ("texture_distance", [0.3 * times, 0.5 * times, 0.6 * times]),
            ("texture_distance_content", [0.1, 0.5, 1.2]),
        ):
            rows += facts(name, condition(), metric, values, suite="style", cases=CASES[:3])
    table = pd.DataFrame([about(VGG), about(R50)])
    scores = contrasts(frame(rows), table).set_index("score")["effect"]
    assert scores["texture_log2_ratio"] == pytest.approx(-1.0)
    assert "texture_progress" not in scores


def test_operated_copies_stand_against_the_intact_network() -> None:
    rows: list[Row] = []
    for name, gain in ((VGG, 0.1), (R50, 0.3)):
        rows += pictures(name, [0.1, 0.2, 0.4])
        noisy = zip((0.1, 0.2, 0.4), (0.01, -0.01, 0.0), strict=True)
        rows += pictures(f"{name}+blur-pool", [v + gain + e for v, e in noisy])
    found = lines(rows, *map(about, (VGG, R50, f"{VGG}+blur-pool", f"{R50}+blur-pool")))
    assert found.loc[f"{VGG}: blur-pool - intact", "effect"] == pytest.approx(0.1)
    mean = found.loc["mean over networks: blur-pool - intact"]
    assert (mean["effect"], mean["n_networks"]) == (pytest.approx(0.2), 2)


def test_a_seed_measured_one_way_only_is_no_part_of_its_network_s_difference() -> None:
    plain, changed = [0.1, 0.2, 0.4], [0.2, 0.31, 0.5]
    rows = pictures(VGG, plain) + pictures(f"{VGG}-s1", [0.9, 0.9, 0.9])
    rows += pictures(VGG, changed, condition("fourier")) + pictures(f"{VGG}+blur-pool", changed)
    rows += pictures(VGG, changed, condition("softmax"))
    found = lines(rows, *map(about, (VGG, f"{VGG}-s1", f"{VGG}+blur-pool")))
    names = [f"{VGG}: fourier - pixel", f"{VGG}: blur-pool - intact",
             "non-residual networks: softmax - plain"]  # fmt: skip
    assert found.loc[names, "effect"].tolist() == pytest.approx([0.31 / 3] * 3)
    assert (found.loc[names, "n_seeds"] == 1).all() and (
        found.loc[names, "unit"] == "pictures"
    ).all()


def factory_rows() -> tuple[list[Row], list[dict[str, object]]]:
    """Residual connections take .1, conv32 takes .05 from max22, batch norm does nothing."""
    rng = np.random.default_rng(0)
    rows, models = [], []
    for residual in (False, True):
        for kind in ("max22", "conv32"):
            for norm in (False, True):
                for seed in ("", "-s1"):
                    name = f"matched_c10.res{residual:d}_{kind}_bn{norm:d}{seed}"
                    level = 0.5 - 0.1 * residual - 0.05 * (kind == "conv32")
                    rows += pictures(name, list(level + rng.normal(0, 0.001, 4)))
                    models.append(about(name, role="matched", residual=residual, batch_norm=norm,
                                        downsampling=kind, training="standard"))  # fmt: skip
    return rows, models


def test_switches_are_read_from_matched_pairs() -> None:
    rows, models = factory_rows()
    found = lines(rows, *models)
    for name, effect in [
        ("residual: on - off", -0.1), ("downsampling: conv32 - max22", -0.05),
        ("batch_norm: on - off", 0.0),
    ]:  # fmt: skip
        line = found.loc[name]
        assert line["effect"] == pytest.approx(effect, abs=0.002)
        assert line["low"] < effect < line["high"]
        assert (line["n_networks"], line["n_seeds"]) == (4, 2)
        assert line["unit"] == "matched pairs x pictures"
    assert not found["group"].isin(["VGG", "robust weights"]).any()


def test_seeds_are_the_units_where_one_network_has_several() -> None:
    rows = pictures(VGG, [0.5, 0.6, 0.7])
    for seed, level in (("", 0.0), ("-s1", 0.02), ("-s2", 0.07)):
        rows += pictures(f"{RANDOM}{seed}", [0.3 + level, 0.5 + level, 0.4 + level])
    models = [about(name, role="control") for name in (RANDOM, f"{RANDOM}-s1", f"{RANDOM}-s2")]
    line = lines(rows, about(VGG), *models).loc["vgg_c10: random - standard"]
    assert line["effect"] == pytest.approx(0.43 - 0.6)
    assert (line["n_seeds"], line["unit"]) == (3, "seeds x pictures")


def test_twins_of_one_seed_are_paired() -> None:
    rows: list[Row] = []
    for seed, level in (("", 0.1), ("-s1", 0.4)):
        rows += pictures(f"{R50}{seed}", [level, level + 0.1, level + 0.2])
        rows += pictures(f"{ROBUST}{seed}", [level + 0.2, level + 0.31, level + 0.4])
    models = [about(f"{name}{seed}") for name in (R50, ROBUST) for seed in ("", "-s1")]
    line = lines(rows, *models).iloc[0]
    assert line["effect"] == pytest.approx(0.61 / 3)
    assert line["high"] - line["low"] < 0.1  # levels of seeds fall out of the difference


def test_no_second_side_is_no_line() -> None:
    alone = contrasts(frame(pictures(VGG, [0.1, 0.2, 0.3])), pd.DataFrame([about(VGG)]))
    assert alone.empty and list(alone.columns) == COLUMNS
    other = frame(facts(VGG, "clean", "clean_correct", [1.0]))
    assert contrasts(other, pd.DataFrame([about(VGG)])).empty
    at_w1 = pictures(VGG, [0.1, 0.2], "content-start/matched/w1")
    at_w1 += pictures(R50, [0.1, 0.2], "content-start/matched/w1")
    assert contrasts(frame(at_w1), pd.DataFrame([about(VGG), about(R50)])).empty


def test_the_summary_has_a_line_a_comparison(tmp_path: Path) -> None:
    loaded = load(build_run(tmp_path / "run", suites=("style",)))
    table = build(loaded, resamples=100)
    found = contrasts(loaded.rows, table)
    text = contrast_table(found)
    assert f"| VGG - {R50} | +0.2" in text and "contents crossed with styles" in text
    assert "resnet50_c10: l2_05 - standard" in text
    assert found["comparison"].iloc[0].startswith("resnet50_c10: ")
    assert set(MODELS) >= {VGG, R50}
    alone = found.assign(group=f"surgery, {ONE_BY_ONE}")
    assert contrast_table(alone).startswith("No two sides")


def test_alexnet_is_shown_beside_the_family_and_left_out_of_the_mean() -> None:
    alex = "alexnet_c10.standard"
    rows = pictures(VGG, [0.5, 0.6, 0.7]) + pictures(R50, [0.2, 0.2, 0.3])
    rows += pictures(DENSE, [0.1, 0.3, 0.2]) + pictures(alex, [0.9, 0.9, 0.9])
    found = lines(rows, *map(about, (VGG, R50, DENSE)), about(alex, role="control"))
    assert found.loc[f"VGG - {alex}", "effect"] == pytest.approx(-0.3)
    assert found.loc["VGG - mean of the others", "n_networks"] == 2


def test_textures_are_compared_as_pictures_are() -> None:
    rows: list[Row] = []
    for model, progress in ((VGG, 0.5), (R50, 0.4), (ROBUST, 0.7)):
        rows += pictures(model, [progress, progress + 0.01, progress], TEXTURE)
    found = lines(rows, *map(about, (VGG, R50, ROBUST)))
    assert found.loc["textures: resnet50_c10: l2_05 - standard", "effect"] == pytest.approx(0.3)
    assert found.loc[f"textures: VGG - {R50}", "effect"] == pytest.approx(0.1)
    assert set(found["group"]) == {"textures"}


def test_every_choice_of_taps_is_compared_and_kept_out_of_the_summary() -> None:
    rows = pictures(VGG, [0.4, 0.5, 0.6])
    for place, taps in enumerate(("single/0", "subset/0+1", "matched/content2", "without-first")):
        level = 0.1 * (place + 1)
        rows += pictures(VGG, [0.4 + level, 0.5 + level, 0.61 + level], condition(taps=taps))
    table = pd.DataFrame([about(VGG)])
    found = contrasts(frame(rows), table)
    some = found[(found["score"] == "progress")].set_index("comparison")["effect"]
    assert some[f"{VGG}: single/0 - matched"] == pytest.approx(0.1 + 0.01 / 3)
    assert some[f"{VGG}: matched/content2 - matched"] == pytest.approx(0.3 + 0.01 / 3)
    assert "without-first" in contrast_table(found) and "single/0" not in contrast_table(found)


def test_networks_are_compared_at_the_content_that_all_can_keep() -> None:
    """Means over .3, where the robust net's front begins, to .6, where the other one's ends."""
    places = {"w10": (0.1, 0.3), "w100": (0.4, 0.5), "w1000": (0.6, 0.9)}  # content of both
    styles = {"w10": (0.9, 0.7), "w100": (0.6, 0.5), "w1000": (0.4, 0.3)}
    rows: list[Row] = []
    for layers in ("layers1", "layers2+2"):
        for weight, content in places.items():
            for side, model in enumerate((R50, ROBUST)):
                on = condition(layers, weight=weight)
                far = styles[weight][side] + 0.02 * (layers != "layers1")
                rows += pictures(model, [1 - far, 1 - far - 0.01, 1 - far], on)
                rows += facts(model, on, "judge_content_distance", [content[side]] * 3,
                              suite="style", cases=CASES[:3])  # fmt: skip
    # what stands for a smoothing is no point of the grid, however good
    rows += pictures(R50, [0.99] * 3, condition("layers1e-12+1e-12"))
    rows += facts(R50, condition("layers1e-12+1e-12"), "judge_content_distance", [0.01] * 3,
                  suite="style", cases=CASES[:3])  # fmt: skip
    found = lines(rows, about(R50), about(ROBUST))
    name = "equal content: resnet50_c10: l2_05 - standard"
    standard, robust = 0.9 / 3 + 0.6 * 2 / 3, 0.7 * 2 / 3 + 0.5 / 3
    assert found.loc[name, "effect"] == pytest.approx((1 - robust) - (1 - standard))
    assert found.loc[name, "n_pictures"] == 3
    assert "resnet50_c10: l2_05 - standard" not in found.index  # nothing at plain weights


def test_features_are_compared_where_both_networks_have_the_class() -> None:
    rows: list[Row] = []
    cases = ["logit-0", "logit-1", "logit-2"]
    for model, shares, tap in (
        (VGG, [0.5, 0.6, 0.7, 0.1], "a-c1"),
        (R50, [0.3, 0.5, 0.4, 0.9], "b-c1"),
    ):
        for on, less in ((WITHOUT_PRIORS, 0.0), (PRIORS, 0.2)):
            values = [share - less * (1 + place) for place, share in enumerate(shares)]
            rows += facts(model, on, "high_frequency_share", values, suite="features",
                          cases=[*cases, tap])  # fmt: skip
    found = lines(rows, about(VGG), about(R50), score="high_frequency_share")
    line = found.loc[f"features: VGG - {R50}"]
    assert (line["effect"], line["n_pictures"]) == (pytest.approx(0.2), 3)
    alone = found.loc[f"{VGG}: {PRIORS} - {WITHOUT_PRIORS} alone"]
    assert (alone["effect"], alone["n_pictures"]) == (pytest.approx(-0.5), 4)
