"""A whole run in seconds: untrained CIFAR members, one small pair of pictures, two attacks."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from bench.cells import Cell
from bench.distances import Search
from bench.inputs import Inputs
from bench.pictures import bundled
from bench.run import Plan, make_plan
from bench.stylize import StyleSettings
from bench.suite_layers import Layers
from bench.suite_robustness import Robustness
from bench.suite_style import Style
from bench.suite_transfer import Transfer
from bench.transfer import Attack
from zoo.catalog import JUDGE, find
from zoo.datasets import bundled_cifar10
from zoo.spec import ModelSpec, RandomInit

ATTACKS = (
    Attack("l2", 0.5, "untargeted", steps=2),
    Attack("l2", 0.5, "targeted", steps=2, target=3),
    Attack("l2", 0.5, "noise"),
)
STYLE = StyleSettings(size=48, weights=(10.0,), evaluations=3)


def spec(arch: str, seed: int = 0) -> ModelSpec:
    """An untrained network, said to be one."""
    known = find(f"{arch}.standard")
    return replace(
        known, name=f"{arch}.random-s{seed}", training="random", weights=RandomInit(), seed=seed
    )


def inputs(run: Path, **changes: object) -> Inputs:
    """Eight bundled images, chelsea in the style of coffee."""
    plain = Inputs(
        run=run,
        images=bundled_cifar10().subset(range(8)),
        contents=(bundled("chelsea", size=48),),
        styles=(bundled("coffee", size=48),),
        source=spec("resnet50_c10"),
        judge=find(JUDGE),
        device="cpu",
    )
    return replace(plain, **changes)


def cells(*models: ModelSpec, seed: int = 0) -> tuple[Cell, ...]:
    """One transfer and one style cell a model."""
    return (
        *(Cell(model, Transfer(ATTACKS), seed) for model in models),
        *(Cell(model, Style(STYLE), seed) for model in models),
    )


def plan(run: Path, *models: ModelSpec, seed: int = 0) -> Plan:
    """The plan of a tiny run."""
    return make_plan("tiny", cells(*models, seed=seed), inputs(run))


def lens_plan(run: Path, *models: ModelSpec, seed: int = 0) -> Plan:
    """The plan of a tiny attack lens: minimal distances and layers of every model."""
    searches = (Search("l2", "pgd", steps=2, eps=(0.25, 0.5)), Search("linf", "fmn", steps=2))
    suites = (Robustness(searches, batch=4), Layers(eps=(0.25,), steps=2, batch=4))
    planned = tuple(Cell(model, suite, seed) for model in models for suite in suites)
    return make_plan("tiny", planned, inputs(run))


PLANS: dict[str, Callable[..., Plan]] = {"transfer and style": plan, "lens": lens_plan}
