"""The eps ladder: budgets read from names, and lines where there are rungs enough."""

import numpy as np
import pandas as pd
import pytest

from analysis.ladder import COLUMNS, ladder, rungs
from analysis.sample import training_eps
from tests.worlds import zoo


@pytest.mark.parametrize(
    ("training", "eps"),
    [
        ("standard", 0.0), ("l2_025", 0.25), ("l2_05", 0.5), ("l2_1", 1.0), ("l2_3", 3.0),
        ("l2_eps0.1", 0.1), ("l2_eps0", 0.0), ("linf_eps4.0", None), ("l2_unstated", None),
        ("restricted_l2", None), ("random", None),
    ],
)  # fmt: skip
def test_budgets_are_read_from_names(training: str, eps: float | None) -> None:
    assert training_eps(training) == eps


def rising() -> pd.DataFrame:
    """Three rungs of net0, two of net1; progress is .2 + eps / 10, seeds scatter around it."""
    table = zoo(np.random.default_rng(0), n=2).assign(progress=0.2, arch="unknown")
    parts = [table]
    for training, eps in (("l2_025", 0.25), ("l2_1", 1.0)):
        for seed, off in ((0, 0.01), (1, -0.01)):
            tail = f"-s{seed}" if seed else ""
            parts.append(table.assign(
                model=[f"net{i}.{training}{tail}" for i in range(2)], training=training, seed=seed,
                role="twin", progress=0.2 + eps / 10 + off,
            ))  # fmt: skip
    whole = pd.concat(parts, ignore_index=True)
    whole = whole.assign(progress_low=whole["progress"] - 0.05, progress_high=whole["progress"])
    return whole[~whole["model"].str.startswith("net1.l2_1")]


def test_rungs_are_means_over_seeds_of_whole_ladders() -> None:
    found = rungs(rising())
    progress = found[found["column"] == "progress"]
    assert list(found.columns) == COLUMNS
    assert list(progress["arch"]) == ["net0"] * 3  # net1 is a pair of twins
    assert list(progress["eps"]) == [0.0, 0.25, 1.0]
    assert list(progress["value"]) == pytest.approx([0.2, 0.225, 0.3])
    assert list(progress["low"]) == pytest.approx([0.15, 0.175, 0.25])
    assert set(found["column"]) == {"progress", "peak_excess"}  # nobody measured robustness


def test_a_panel_a_score_and_a_line_an_architecture() -> None:
    drawn = ladder(rungs(rising()))
    assert [ax.get_ylabel() for ax in drawn.axes] == [
        "style progress", "stride-locked peak excess [dB]",
    ]  # fmt: skip
    (line,) = (bars[0] for bars in drawn.axes[0].containers)
    assert list(line.get_xdata()) == [0.0, 0.25, 1.0]
    assert drawn.axes[0].containers[0].get_label() == "net0"


def test_no_ladder_no_rungs() -> None:
    assert rungs(zoo(np.random.default_rng(0))).empty
    assert rungs(zoo(np.random.default_rng(0), n=3).drop(columns=["progress"])).empty
