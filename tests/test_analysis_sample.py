"""Who counts as one of n."""

import numpy as np
import pandas as pd
import pytest

from analysis.association import _note, associate
from analysis.ladder import rungs
from analysis.sample import by_unit, of_source, standard_networks, standard_zoo
from tests.worlds import zoo


def test_a_second_seed_is_no_further_network() -> None:
    table = zoo(np.random.default_rng(0), n=6)
    again = table.assign(model=table["model"] + "-s1", role="replicate", seed=1)
    again["progress"] += 0.2
    one, both = standard_networks(table), standard_networks(pd.concat([table, again]))
    assert list(both["model"]) == list(one["model"]) == sorted(table["model"])
    assert list(both["family"]) == list(one["family"])
    assert both["progress"].to_numpy() == pytest.approx(one["progress"].to_numpy() + 0.1)
    assert associate(both, "fooling", "progress", resamples=100).n == 6


def test_a_second_seed_of_the_source_is_no_target_of_it() -> None:
    table = zoo(np.random.default_rng(0), n=6)
    table["is_source"] = table["model"] == table["model"][2]
    again = table.assign(model=table["model"] + "-s1", role="replicate", seed=1, is_source=False)
    whole = pd.concat([table, again], ignore_index=True)
    assert list(of_source(whole)) == [i in (2, 8) for i in range(12)]
    shown = standard_networks(whole)
    assert list(shown["model"]) == sorted(set(table["model"]) - {table["model"][2]})
    kept = standard_networks(whole, source=True)
    assert list(kept["model"]) == sorted(table["model"])


def test_an_architecture_counts_by_one_robust_budget() -> None:
    """Further rungs of a ladder are no points of a correlation, and all of them are the ladder."""
    table = zoo(np.random.default_rng(0), n=6)
    robust = [("net0", "l2_025"), ("net0", "l2_05"), ("net0", "l2_1"), ("net1", "l2_05"),
              ("net2", "linf_8")]  # fmt: skip
    more = [
        table[table["arch"] == arch].assign(
            model=f"{arch}.{training}", training=training, robust=True, role="twin"
        )
        for arch, training in robust
    ]
    whole = pd.concat([table, *more], ignore_index=True)
    shown = standard_zoo(whole)
    assert set(shown.loc[shown["robust"], "model"]) == {"net0.l2_05", "net1.l2_05", "net2.linf_8"}
    assert len(shown) == 6 + 3
    climbed = rungs(whole)
    assert set(climbed["eps"]) == {0.0, 0.25, 0.5, 1.0} and set(climbed["arch"]) == {"net0"}


def test_an_empty_zoo_stays_empty() -> None:
    assert standard_networks(zoo(np.random.default_rng(0), n=2).iloc[:0]).empty


def test_no_models_are_no_units() -> None:
    columns = ["model", "role", "residual", "downsampling", "batch_norm", "progress"]
    assert by_unit(pd.DataFrame(columns=columns)).empty


@pytest.mark.parametrize(
    ("families", "said"),
    [("abcd", "slope between families +1.00"), ("aabb", "slope within families +1.00, between")],
)
def test_a_note_has_the_slopes_there_are(families: str, said: str) -> None:
    values = [1.0, 2.0, 3.0, 5.0]
    models = pd.DataFrame({"family": list(families), "x": values, "y": values})
    note = _note(models, "x", "y", ())
    assert said in note and "nan" not in note
