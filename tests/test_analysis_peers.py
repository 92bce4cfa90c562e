"""Our statistics against pingouin's, which counts another way or one table at a time."""

import numpy as np
import pandas as pd
import pingouin
import pytest

from analysis.association import partial_spearman
from analysis.contrasts import mediated, paired
from analysis.factorial import reliability

RNG = np.random.default_rng(0)
TABLE = pd.DataFrame(RNG.normal(size=(24, 4)), columns=["x", "y", "z", "w"]).assign(
    y=lambda table: table["y"] + table["x"] + table["z"]
)


@pytest.mark.parametrize("given", [[], ["z"], ["z", "w"]])
def test_a_partial_rank_correlation_is_pingouin_s(given: list[str]) -> None:
    ours = float(partial_spearman(*(TABLE[name].to_numpy() for name in ("x", "y", *given))))
    theirs = (
        pingouin.partial_corr(TABLE, "x", "y", given, method="spearman") if given
        else pingouin.corr(TABLE["x"], TABLE["y"], method="spearman")
    )  # fmt: skip
    assert ours == pytest.approx(theirs["r"].item(), abs=1e-9)


def test_a_paired_difference_is_pingouin_s() -> None:
    gaps = (TABLE["y"] - TABLE["x"] + 0.3)[:7]
    ours, theirs = paired(gaps), pingouin.ttest(gaps, 0).iloc[0]
    assert ours.p == pytest.approx(theirs["p_val"])
    assert (ours.low, ours.high) == pytest.approx(tuple(theirs["CI95"]), abs=0.006)  # two decimals
    # power at the effect we call detectable, the scatter as measured
    size = ours.detectable / float(np.std(gaps, ddof=1))
    power = pingouin.power_ttest(d=size, n=7, alpha=0.05, contrast="one-sample")
    assert power == pytest.approx(0.8, abs=0.02)


@pytest.mark.filterwarnings("ignore:The inplace keyword")  # of pandas, in pingouin
def test_reliability_is_pingouin_s_first_intraclass_correlation() -> None:
    networks, seeds = np.repeat(np.arange(12), 2), np.tile([0, 1], 12)
    scores = np.repeat(RNG.normal(size=12), 2) + 0.5 * RNG.normal(size=24)
    table = pd.DataFrame({"network": networks, "seed": seeds, "score": scores})
    found = pingouin.intraclass_corr(table, targets="network", raters="seed", ratings="score")
    single = found.loc[found["Type"].str.contains("1,1|ICC1$"), "ICC"].item()
    assert reliability(table, "score", same=["network"]) == pytest.approx(single, abs=1e-6)


def test_a_mediated_effect_is_pingouin_s() -> None:
    cause = np.tile([0.0, 1.0], 12)
    through = cause + TABLE["z"]
    table = pd.DataFrame({"cause": cause, "through": through, "y": through + TABLE["w"]})
    ours = mediated(table, "cause", "through", "y")
    theirs = pingouin.mediation_analysis(table, "cause", "through", "y", n_boot=2000, seed=0)
    theirs = theirs.set_index("path")
    assert ours.value == pytest.approx(theirs.loc["Indirect", "coef"], rel=1e-6)
    # Monte Carlo over both paths against a bootstrap of lines
    width = theirs.loc["Indirect", "CI97.5"] - theirs.loc["Indirect", "CI2.5"]
    assert ours.high - ours.low == pytest.approx(width, rel=0.25)
