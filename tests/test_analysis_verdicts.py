"""Verdicts on worlds whose truth is known, and on runs that cannot have one."""

import math
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.association import associate, bca_interval, family_slopes, partial_spearman
from analysis.contrasts import mediated, paired
from analysis.correlations import correlations
from analysis.designs import Apart, Association, Mediation, Switch
from analysis.evidence import Evidence
from analysis.factorial import main_effect, of_means, reliability, spearman_brown
from analysis.hypotheses import HYPOTHESES
from analysis.outlier import set_apart
from analysis.picture_designs import Twins
from analysis.sample import factory, standard_zoo
from analysis.verdict import (
    CONTRADICTED,
    NOT_MEASURED,
    SUPPORTED,
    UNDECIDED,
    decide,
)
from analysis.verdict_plots import forest, scaled
from analysis.verdicts import COLUMNS, verdict_table, verdicts
from tests.worlds import nets, pictures, zoo

HOW = {"resamples": 200, "seed": 0}
WORLDS = 200


def evidence(table: pd.DataFrame) -> Evidence:
    known = table.assign(
        robust_training=table["robust"].astype(float), log_params=np.log10(table["params"])
    )
    return Evidence(
        known, pd.DataFrame({"condition": [], "model": [], "case": [], "run": []}), **HOW
    )


def plausible(k: int, n: int, rate: float) -> bool:
    """Whether k of n agrees with this rate, at 1 %."""
    return bool(stats.binomtest(k, n, rate).pvalue > 0.01)


def test_partial_rho_has_its_closed_form() -> None:
    x, y, z = np.random.default_rng(0).normal(size=(3, 30))
    a, b, c = (stats.spearmanr(*pair).statistic for pair in ((x, y), (x, z), (y, z)))
    assert float(partial_spearman(x, y)) == pytest.approx(a)
    expected = (a - b * c) / math.sqrt((1 - b**2) * (1 - c**2))
    assert float(partial_spearman(x, y, z)) == pytest.approx(expected)
    assert math.isnan(float(partial_spearman(x, x * 0)))
    assert math.isnan(float(partial_spearman(x, z, z)))


def test_our_bca_is_scipy_s() -> None:
    x, y = np.random.default_rng(1).normal(size=(2, 25))
    y = y + x
    ours = bca_interval([x, y], resamples=4000, seed=0)
    theirs = stats.bootstrap(
        (x, y), lambda a, b, axis=-1: partial_spearman(a, b), paired=True, vectorized=True,
        method="BCa", n_resamples=4000, rng=np.random.default_rng(5),
    ).confidence_interval  # fmt: skip
    np.testing.assert_allclose(ours, theirs, atol=0.04)


def test_null_worlds_are_called_by_chance_only() -> None:
    found = []
    for seed in range(WORLDS):
        table = zoo(np.random.default_rng(seed), n=12)
        found.append(associate(table, "fooling", "progress", given=["accuracy"], **HOW))
    assert plausible(sum(effect.p < 0.05 for effect in found), WORLDS, 0.05)
    called = [decide(e, e.p, direction=-1, matters=0.5) == SUPPORTED for e in found]
    assert stats.binomtest(sum(called), WORLDS, 0.025, alternative="greater").pvalue > 0.01
    covered = sum(e.low <= 0 <= e.high for e in found)
    assert stats.binomtest(covered, WORLDS, 0.95, alternative="less").pvalue > 0.01


def test_planted_rho_is_covered_and_found_as_often_as_power_says() -> None:
    truth, n = -0.7, 13  # 13 models show .7 with 80 %
    rho = 6 / math.pi * math.asin(truth / 2)  # Spearman's, of a Gaussian pair
    covered = hits = 0
    for seed in range(WORLDS):
        rng = np.random.default_rng(seed)
        table = zoo(rng, n=n)
        x, noise = rng.normal(size=(2, n))
        table["fooling"], table["progress"] = x, truth * x + math.sqrt(1 - truth**2) * noise
        found = associate(table, "fooling", "progress", **HOW)
        covered += found.low <= rho <= found.high
        hits += found.p < 0.05
    assert stats.binomtest(covered, WORLDS, 0.95, alternative="less").pvalue > 0.01
    assert 0.6 < hits / WORLDS < 0.85


def test_a_confounder_is_seen_through() -> None:
    rng = np.random.default_rng(0)
    table, cause = zoo(rng, n=40), rng.normal(size=40)
    table["accuracy"] = cause
    table["fooling"] = cause + rng.normal(0, 0.3, 40)
    table["progress"] = -cause + rng.normal(0, 0.3, 40)
    table["robust[l2_0.25]"] = rng.normal(size=40)
    found = verdicts(evidence(table)).set_index("key")
    assert found.loc["H1a", "verdict"] == SUPPORTED
    assert found.loc["H1b", "verdict"] != SUPPORTED
    assert abs(found.loc["H1b", "effect"]) < 0.4 < abs(found.loc["H1a", "effect"])
    assert "Kendall's tau -" in found.loc["H1a", "note"]
    assert "without VGG -" in found.loc["H1a", "note"]


def test_an_outlier_is_found_and_only_there() -> None:
    called = 0
    for seed in range(WORLDS):
        table = zoo(np.random.default_rng(seed), n=12)
        effect = set_apart(table, "progress", table["model"] == "net0.standard", given=["fooling"])
        called += effect.p < 0.05
    assert plausible(called, WORLDS, 0.05)
    table = zoo(np.random.default_rng(3), n=12)
    table["progress"] = 0.5 * table["fooling"] + np.random.default_rng(4).normal(0, 0.02, 12)
    table.loc[table["family"] == "VGG", "progress"] += 0.2
    effect = Apart("progress", "VGG", given=("fooling", "robust_training")).effect(evidence(table))
    assert effect.value == pytest.approx(0.2, abs=0.05) and effect.p < 0.001
    assert "3 of 12 models" in effect.note


def test_the_factory_gives_back_what_was_planted() -> None:
    table = nets(np.random.default_rng(0))
    found = verdicts(evidence(table)).set_index("key")
    assert found.loc["H7a", "effect"] == pytest.approx(-0.15, abs=0.02)
    assert found.loc["H7a", "verdict"] == SUPPORTED
    assert found.loc["H8", "effect"] == pytest.approx(-0.05 / 4, abs=0.02)
    assert found.loc["H8", "verdict"] == CONTRADICTED  # far below .05
    assert "interacts with downsampling x batch_norm (p = " in found.loc["H8", "note"]
    assert found.loc["H4c", "effect"] == pytest.approx(6, abs=0.6)
    assert found.loc["H4c", "verdict"] == SUPPORTED
    assert found.loc["H7a", "n"] == 16  # cells, whatever the seeds
    assert found.loc["H7a", "detectable"] < 0.03


def test_a_factory_without_effect_is_called_by_chance_only() -> None:
    called = 0
    for seed in range(100):
        table = nets(np.random.default_rng(seed))
        table["progress"] = np.random.default_rng(seed).normal(size=len(table))
        called += main_effect(table, "progress", "batch_norm", True, False).p < 0.05
    assert plausible(called, 100, 0.05)


def test_one_seed_and_missing_cells_still_answer_or_say_why() -> None:
    table = nets(np.random.default_rng(0), seeds=1)
    assert main_effect(table, "progress", "residual", True, False).p < 0.01
    few = main_effect(table.iloc[[0, 5, 8, 12, 15]], "progress", "residual", True, False)
    assert math.isnan(few.value) and "too few" in few.reason
    alone = main_effect(table.iloc[:1], "progress", "residual", True, False)
    assert "no switch differs" in alone.reason
    half = main_effect(table[table["residual"]], "progress", "residual", True, False)
    assert "no matched nets with residual" in half.reason


def test_a_mediator_carries_what_was_planted() -> None:
    rng = np.random.default_rng(0)
    table = nets(rng, noise=0.0)
    table["entropy_share"] = 0.9 - 0.4 * table["residual"] + rng.normal(0, 0.05, len(table))
    table["progress"] = 0.5 * table["entropy_share"] + rng.normal(0, 0.01, len(table))
    found = Mediation("progress", "residual", "entropy_share").effect(evidence(table))
    assert found.value == pytest.approx(-0.2, abs=0.03)
    assert found.high < 0 and found.p < 0.01
    table["entropy_share"] = rng.normal(size=len(table))
    idle = mediated(table, "residual", "entropy_share", "progress")
    assert idle.low < 0 < idle.high


def test_paired_differences_are_student_s() -> None:
    gaps = [0.1, 0.3, 0.2, math.nan]
    found = paired(gaps)
    test = stats.ttest_1samp(gaps[:3], 0)
    assert (found.p, found.n) == (pytest.approx(test.pvalue), 3)
    ends = test.confidence_interval()
    assert (found.low, found.high) == (pytest.approx(ends.low), pytest.approx(ends.high))
    assert paired([]).reason == "0 pairs, 3 are needed"
    assert paired([0.24, 0.25]).reason == "2 pairs (+0.24, +0.25), 3 are needed"
    assert "do not differ" in paired([0.1, 0.1, 0.1]).reason


def twins() -> pd.DataFrame:
    table = zoo(np.random.default_rng(0), n=5)
    rest = []
    for training, gain in (("l2_05", 0.1), ("random", 0.0)):
        names = [f"{arch}.{training}" for arch in table["arch"]]
        more = np.random.default_rng(1).normal(gain, 0.01, 5)
        rest.append(table.assign(model=names, training=training, robust=training == "l2_05",
                                 role="control" if training == "random" else "twin",
                                 progress=table["progress"] + more))  # fmt: skip
    return pd.concat([table, *rest], ignore_index=True)


def test_twins_are_compared_within_their_architecture() -> None:
    found = verdicts(replace(evidence(twins()), pictures=pictures(twins()))).set_index("key")
    assert found.loc["H3a", "effect"] == pytest.approx(0.1, abs=0.02)
    assert found.loc["H3a", "verdict"] == SUPPORTED
    assert found.loc["H9", "verdict"] == SUPPORTED  # untrained ones do as well
    assert found.loc["H3a", "n"] == found.loc["H9", "n"] == found.loc["H4a", "n"] == 5
    assert "no architecture has pictures" in Twins("progress", ("l2_05",)).effect(
        evidence(twins())
    ).reason  # fmt: skip


def test_twins_are_compared_on_pictures_that_all_of_them_have() -> None:
    table = twins().iloc[:10]
    shown = pictures(table)
    first = shown["model"] == "net0.l2_05"
    shown.loc[first & (shown["case"] == "c+x"), "progress"] = 99.0
    shown = shown[~((shown["model"] == "net1.standard") & (shown["case"] == "c+x"))]
    found = Twins("progress", ("l2_05",)).effect(replace(evidence(table), pictures=shown))
    assert found.value == pytest.approx(0.1, abs=0.02) and found.n == 5


def test_what_robust_weights_do_on_one_picture_is_in_their_interval() -> None:
    table, shown = twins().iloc[:10], pictures(twins())
    alike = Twins("progress", ("l2_05",)).effect(replace(evidence(table), pictures=shown))
    on_one = shown["model"].str.endswith("l2_05") & (shown["case"] == "c+x")
    shown.loc[on_one, "progress"] += 0.3
    apart = Twins("progress", ("l2_05",)).effect(replace(evidence(table), pictures=shown))
    assert apart.value == pytest.approx(alike.value + 0.1)
    assert apart.low < 0 < alike.low


def test_only_the_standard_zoo_is_correlated() -> None:
    table = pd.concat([twins(), nets(np.random.default_rng(0))], ignore_index=True)
    table.loc[0, "is_source"] = True
    operated = table.iloc[[1]].assign(model="net1.standard+blur-pool")
    alexnet = table.iloc[[2]].assign(model="alexnet_c10.standard", role="control")
    table = pd.concat([table, operated, alexnet], ignore_index=True)
    kept = standard_zoo(table)
    assert set(kept["training"]) == {"standard", "l2_05"} and set(kept["role"]) <= {
        "contestant", "twin", "control",
    }  # fmt: skip
    assert len(kept) == 5 + 5 - 1 + 1
    assert "alexnet_c10.standard" in set(kept["model"])
    assert len(standard_zoo(table, source=True)) == len(kept) + 1
    assert len(factory(table)) == 32


def test_slopes_within_and_between_families_are_told_apart() -> None:
    table = zoo(np.random.default_rng(0), n=20)
    centre = table["family"].map({name: i for i, name in enumerate(table["family"].unique())})
    inner = np.random.default_rng(1).normal(size=20)
    inner -= pd.Series(inner).groupby(table["family"]).transform("mean")
    table["x"], table["y"] = centre + inner, -2.0 * centre + 1.0 * inner
    assert family_slopes(table, "x", "y") == (pytest.approx(1), pytest.approx(-2))
    assert all(map(math.isnan, family_slopes(table.assign(x=1.0), "x", "y")))


def test_reliability_is_the_share_that_seeds_repeat() -> None:
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"arch": np.repeat(np.arange(300), 2)})
    table["score"] = np.repeat(rng.normal(size=300), 2) + rng.normal(size=600)
    assert reliability(table, "score", same=["arch"]) == pytest.approx(0.5, abs=0.1)
    assert math.isnan(reliability(table.iloc[:2], "score", same=["arch"]))
    assert math.isnan(reliability(table, "absent", same=["arch"]))


def test_means_over_seeds_are_more_reliable_than_one_seed() -> None:
    assert spearman_brown(0.5, 1) == 0.5 and spearman_brown(0.5, 2) == pytest.approx(2 / 3)
    rng, n = np.random.default_rng(0), 600
    table = pd.DataFrame({"arch": np.repeat(np.arange(n), 2)})
    truth = np.repeat(rng.normal(size=n), 2)
    table["score"] = truth + rng.normal(size=2 * n)
    mean = table["score"].groupby(table["arch"]).mean()
    share = np.corrcoef(mean, truth[::2])[0, 1] ** 2  # what a correlation with the truth shrinks by
    assert of_means(table, "score", same=["arch"]) == pytest.approx(share, abs=0.05)
    # where half of the networks have one seed: the harmonic mean of 1 and 2
    some = table.drop(index=range(1, n, 2))
    single = reliability(some, "score", same=["arch"])
    expected = spearman_brown(single, 4 / 3)
    assert of_means(some, "score", same=["arch"]) == pytest.approx(expected)
    assert math.isnan(of_means(table.iloc[:2], "score", same=["arch"]))
    noise = table.assign(score=np.tile([0.0, 1.0], n))
    assert of_means(noise, "score", same=["arch"]) == 0


def test_the_ceiling_is_that_of_means_over_seeds() -> None:
    table, rng = zoo(np.random.default_rng(0), n=12), np.random.default_rng(1)
    again = table.assign(model=table["model"] + "-s1", role="replicate", seed=1)
    for column in ("fooling", "progress"):
        again[column] = table[column] + rng.normal(0, 0.2, 12)
    both = pd.concat([table, again], ignore_index=True)
    line = correlations(evidence(both), {}).set_index(["x", "y"]).loc[("fooling", "progress")]
    both["network"] = both["model"].str.removesuffix("-s1")
    single = [reliability(both, name, same=["network"]) for name in ("fooling", "progress")]
    assert line["x_over_seeds"] == pytest.approx(2 * single[0] / (1 + single[0]))
    assert line["ceiling"] == pytest.approx(
        math.sqrt(math.prod(spearman_brown(one, 2) for one in single))
    )


@pytest.mark.parametrize("n", [0, 1, 3])
def test_few_models_get_an_honest_page(n: int) -> None:
    table = zoo(np.random.default_rng(0), n=20).iloc[:n]
    found = verdicts(evidence(table))
    assert list(found.columns) == COLUMNS and len(found) == len(HYPOTHESES)
    assert found["verdict"].isin({NOT_MEASURED, UNDECIDED}).all()
    lacking = found[found["verdict"] == NOT_MEASURED]
    assert (lacking["reason"] != "").all()
    text = verdict_table(found, table)
    assert "- `tox -e bench -- --preset cifar10 --data DIR` would tell of H" in text
    lines = [line for line in text.splitlines() if line.startswith("| H")]
    assert len(lines) + len(lacking) == len(HYPOTHESES)
    assert all(f"{key} (" in text for key in lacking["key"])


def test_holes_constants_and_one_family_are_survived() -> None:
    table = zoo(np.random.default_rng(0), n=12)
    for hostile in (
        table.assign(progress=np.nan),
        table.assign(progress=0.3),
        table.assign(family="VGG"),
        table.assign(fooling=table["fooling"].where(table.index > 8)),
        pd.concat([table, nets(np.random.default_rng(0)).assign(progress=0.5, peak_excess=1.0)]),
    ):
        found = verdicts(evidence(hostile))
        assert not found["verdict"].eq(SUPPORTED).any()
        assert forest(found).axes


def test_each_hypothesis_is_one_of_its_kind_and_names_its_command() -> None:
    keys = [one.key for one in HYPOTHESES]
    assert len(set(keys)) == len(keys)
    assert {key.rstrip("abcdefg") for key in keys} == {f"H{i}" for i in range(1, 12)}
    assert all(one.command.startswith("tox -e bench") for one in HYPOTHESES)
    assert all(one.who and one.claim.endswith(".") for one in HYPOTHESES)
    for kind in (Association, Twins, Switch, Apart):
        assert any(isinstance(one.design, kind) for one in HYPOTHESES)


def test_seeds_of_a_contestant_and_its_replicate_are_one_network() -> None:
    table = zoo(np.random.default_rng(0), n=6)
    again = table.assign(model=table["model"] + "-s1", role="replicate", seed=1)
    text = verdict_table(verdicts(evidence(table)), pd.concat([table, again]))
    assert "`progress` 1.00" in text
    assert "Reliability" not in verdict_table(verdicts(evidence(table)), table)


def test_the_forest_points_the_claimed_way() -> None:
    one = {"direction": -1, "matters": 0.5}
    assert scaled(-1.0, one) == 2.0
    assert scaled(-1.0, one | {"direction": 0}) == -2.0
    found = verdicts(evidence(nets(np.random.default_rng(0))))
    drawn = forest(found)
    labels = [label.get_text() for label in drawn.axes[0].get_yticklabels()]
    known = list(found.loc[found["verdict"] != NOT_MEASURED, "key"])
    assert 0 < len(known) < len(HYPOTHESES)
    assert [label.split()[0] for label in labels] == known
    below = drawn.axes[0].get_xlabel().partition("not measured: ")[2]
    named = re.split(r",\s+", below)  # over as many lines as they need
    assert sorted([*known, *named]) == sorted(one.key for one in HYPOTHESES)
    assert forest(found[found["verdict"] == NOT_MEASURED]).axes
