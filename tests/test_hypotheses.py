"""Each hypothesis asks for columns that its command makes, of the models it is about."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.designs import STANDARD, Apart, Association
from analysis.evidence import Evidence
from analysis.hypotheses import HYPOTHESES, Hypothesis
from analysis.picture_designs import RobustTwins
from analysis.sample import usual_robust
from bench.experiment import Experiment
from bench.presets import PRESETS
from bench.suite_activations import Activations
from bench.suite_coverage import Coverage
from bench.suite_layers import Layers
from bench.suite_nonrobust import NonRobust
from bench.suite_robustness import Robustness
from bench.suite_style import Style
from bench.suite_transfer import Transfer
from tests.worlds import nets, pictures, zoo
from zoo.catalog import ZOO

MAKES = {
    "fooling": Transfer, "accuracy": Transfer, "progress": Style, "peak_excess": Style,
    "robust[l2_0.25]": Robustness, "early_layer_ratio": Layers, "early_layer_doublings": Layers,
    "entropy_share": Activations, "unevenness": Coverage, "nonrobust_det": NonRobust,
}  # fmt: skip
BY_KEY = {one.key: one for one in HYPOTHESES}


def columns(design: Any) -> set[str]:
    """The columns of the model table that a design reads, but those the manifest gives."""
    named = [getattr(design, field, "") for field in ("x", "y", "through")]
    return {*named, *getattr(design, "given", ())} - {"", "log_params"}


def experiments(one: Hypothesis) -> Iterator[Experiment]:
    for name in re.findall(r"--preset ([\w-]+)", one.command):
        yield from PRESETS[name].experiments


@pytest.mark.parametrize("one", HYPOTHESES, ids=lambda one: one.key)
def test_a_command_makes_every_column_its_claim_reads(one: Hypothesis) -> None:
    for column in columns(one.design):
        makers = [
            part for part in experiments(one)
            if any(isinstance(suite, MAKES[column]) for suite in part.suites)
        ]  # fmt: skip
        assert makers, column
        if getattr(one.design, "matched", False):
            # a matched net that was taught non-robust features answers for its cell
            roles = {"matched", "nonrobust"}
            assert any(part.roles is None or roles & set(part.roles) for part in makers), column


@pytest.mark.parametrize("key", ["H5", "H7b", "H7d", "H4d", "H4e", "H4f", "H4g"])
def test_conditions_are_those_of_the_laboratory(key: str) -> None:
    design: Any = BY_KEY[key].design
    styles = [
        (part, suite) for part in experiments(BY_KEY[key]) for suite in part.suites
        if isinstance(suite, Style)
    ]  # fmt: skip
    for variant, surgery in ((design.variant, design.surgery), (design.baseline, "")):
        wanted = [p for p in ("content-start/matched", variant, "w100") if p]
        assert any(
            "/".join(wanted) in map(suite.settings.condition, suite.settings.weights)
            and part.surgery == ((surgery,) if surgery else ())
            for part, suite in styles
        ), (variant, surgery)  # fmt: skip


def world(rng: np.random.Generator) -> pd.DataFrame:
    """Six architectures with standard weights and the factory, all scores noise."""
    networks = zoo(rng, n=6)
    networks.loc[5, ["model", "family", "is_source"]] = ["source.standard", "ResNet", True]
    table = pd.concat([networks, nets(rng)], ignore_index=True)
    for column in ("fooling", "accuracy", "progress", "early_layer_ratio", "entropy_share"):
        table[column] = rng.normal(size=len(table))
    table["robust[l2_0.25]"] = rng.random(len(table))
    return table.assign(log_params=np.log10(table["params"]), robust_training=0.0)


def of(table: pd.DataFrame) -> Evidence:
    empty = pd.DataFrame({"condition": [], "model": [], "case": [], "run": []})
    return Evidence(table, empty, resamples=100)


def test_robust_twins_are_no_points_of_an_association_of_standard_networks() -> None:
    table = world(np.random.default_rng(0))
    twin = table.iloc[[5]].assign(model="source.l2_05", training="l2_05", is_source=False)
    twin = twin.assign(fooling=-9.0, progress=9.0)  # the extreme point of every relation
    mixed = of(pd.concat([table, twin], ignore_index=True))
    for key in ("H1a", "H1b"):
        design = BY_KEY[key].design
        assert isinstance(design, Association) and design.trainings == STANDARD
        found = design.effect(mixed)
        assert found.n == 5 + 16  # the source is left out; a cell of the factory is a unit
        assert found == design.effect(of(table))


@pytest.mark.parametrize("key", ["H10a", "H10b", "H10c"])
def test_an_outlier_is_held_against_architectures_and_cells(key: str) -> None:
    found = BY_KEY[key].design.effect(of(world(np.random.default_rng(1))))
    assert not found.reason and found.n == 5 + 16, found.reason


def test_a_family_may_be_none_of_the_others() -> None:
    table = zoo(np.random.default_rng(2), n=10).assign(early_layer_doublings=0.0)
    rng = np.random.default_rng(3)
    table["early_layer_doublings"] = rng.normal(0, 0.01, 10) - (table["family"] == "VGG")
    table.loc[table["family"] == "AlexNet", "early_layer_doublings"] -= 9
    assert isinstance(BY_KEY["H6b"].design, Apart)
    found = BY_KEY["H6b"].design.effect(of(table))
    assert found.value == pytest.approx(-1, abs=0.05) and "2 of 8 models" in found.note


def catalogued(dataset: str) -> pd.DataFrame:
    """The catalogue's members of a data set as a model table."""
    members = [spec for spec in ZOO.values() if spec.dataset == dataset]
    return pd.DataFrame({
        "model": [spec.name for spec in members], "arch": [spec.arch for spec in members],
        "role": [spec.role for spec in members], "training": [spec.training for spec in members],
        "is_source": False, "family": [spec.family for spec in members],
        "seed": [spec.seed for spec in members],
    })  # fmt: skip


def test_robust_twins_are_found_on_every_data_set() -> None:
    assert usual_robust(catalogued("cifar10")) == ("l2_05",)
    table = catalogued("imagenet")
    assert usual_robust(table) == ("l2_eps3",)  # nobody's eps .5, nor Linf
    eps3 = table["training"] == "l2_eps3"
    gain = table["arch"].map({name: i / 100 for i, name in enumerate(table["arch"].unique())})
    others = np.where(table["training"] == "standard", 0.2, 9.0)
    table["progress"] = np.where(eps3, 0.3 + gain, others)
    shown = pictures(table.assign(peak_excess=0.0))
    found = RobustTwins("progress").effect(replace(of(table), pictures=shown))
    assert found.n == table.loc[eps3, "arch"].nunique() >= 6
    assert 0.1 <= found.value < 0.5 and found.note.startswith("l2_eps3; ")


def test_a_budget_that_is_not_stated_is_one_of_its_own() -> None:
    names = ("resnet50.standard", "resnet50.restricted_l2")
    table = pd.DataFrame({"model": names, "training": ["standard", "l2_unstated"]})
    table = table.assign(arch="resnet50", role="contestant", is_source=False, progress=[0.1, 0.2])
    assert usual_robust(table) == ("l2_unstated",)
    assert usual_robust(table.iloc[1:]) == ()
    assert "no architecture with standard" in RobustTwins("progress").effect(of(table[:1])).reason
