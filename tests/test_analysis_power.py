"""Power is what is stated, and nulls over pictures err as seldom as stated."""

from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.association import associate
from analysis.contrasts import mediated
from analysis.evidence import Evidence
from analysis.factorial import main_effect
from analysis.outlier import set_apart
from analysis.picture_designs import Rung, Taps, Twins
from analysis.style_columns import ARTICLE
from analysis.verdict import Effect
from tests.worlds import nets, zoo

SOURCE, VGG, ROBUST = "resnet50_c10.standard", "vgg_c10.standard", "resnet50_c10.l2_05"
CASES = [f"{content}+{style}" for content, style in product("abc", "xyz")]


def share_called(found: Sequence[Effect]) -> float:
    p = np.array([effect.p for effect in found])
    assert np.isfinite(p).all()
    return float((p < 0.05).mean())


def apart(rng: np.random.Generator, truth: float) -> Effect:
    table = zoo(rng)
    table["progress"] = rng.normal(size=len(table)) + table["accuracy"]
    vgg = table["family"] == "VGG"
    table.loc[vgg, "progress"] += truth
    return set_apart(table, "progress", vgg, given=["accuracy"])


def related(rng: np.random.Generator, truth: float) -> Effect:
    x, y = rng.multivariate_normal([0, 0], [[1, truth], [truth, 1]], 20).T
    table = zoo(rng).assign(fooling=x, progress=y)
    return associate(table, "fooling", "progress", resamples=50)


def related_given(rng: np.random.Generator, truth: float) -> Effect:
    x, y = rng.multivariate_normal([0, 0], [[1, truth], [truth, 1]], 20).T
    table = zoo(rng)
    cause = rng.normal(size=20)
    table = table.assign(fooling=x + cause, progress=y + cause, accuracy=cause)
    return associate(table, "fooling", "progress", given=["accuracy"], resamples=50)


def switched(rng: np.random.Generator, truth: float) -> Effect:
    table = nets(rng, noise=1.0, seeds=1)
    table["progress"] += (truth + 0.15) * table["residual"]  # the world's own is -.15
    return main_effect(table, "progress", "residual", True, False)


def carried(rng: np.random.Generator, truth: float) -> Effect:
    """Joint significance of both paths, of which the mediator's own is the weak one."""
    table = nets(rng, noise=0.0, seeds=1)
    table["entropy_share"] = 2.0 * table["residual"] + rng.normal(size=len(table))
    table["progress"] = truth / 2 * table["entropy_share"] + rng.normal(size=len(table))
    return mediated(table, "residual", "entropy_share", "progress", draws=200)


@pytest.mark.parametrize(
    ("design", "least"),
    [
        (apart, 0.72),
        # Fisher's z is of Pearson's r: ranks of 20 show a little less
        (related, 0.65),
        (related_given, 0.60),  # the larger of two p
        (switched, 0.72),
        (carried, 0.72),
    ],
)
def test_an_effect_as_large_as_stated_is_found_in_four_runs_of_five(
    design: Callable[[np.random.Generator, float], Effect], least: float
) -> None:
    stated = float(np.mean([design(np.random.default_rng(s), 0.0).detectable for s in range(100)]))
    assert np.isfinite(stated) and stated > 0
    found = [design(np.random.default_rng(1000 + s), stated) for s in range(150)]
    assert least < share_called(found) < 0.92
    half = [design(np.random.default_rng(1000 + s), stated / 2) for s in range(50)]
    assert share_called(half) < share_called(found) - 0.2


def of(lines: list[dict[str, object]], *, archs: int = 0) -> Evidence:
    """The source, its twin and VGG, and as many other architectures with a twin each."""
    more = [f"net{i}.{training}" for i in range(archs) for training in ("standard", "l2_05")]
    names = [SOURCE, VGG, ROBUST, *more]
    table = pd.DataFrame({"model": names})
    parts = table["model"].str.split(".")
    table = table.assign(
        arch=parts.str[0], training=parts.str[1], seed=0, is_source=table["model"] == SOURCE,
        role=np.where(parts.str[1] == "l2_05", "twin", "contestant"),
        robust=parts.str[1] == "l2_05",
        family=np.where(table["model"] == VGG, "VGG", "ResNet"),
    )  # fmt: skip
    return Evidence(table, pd.DataFrame(lines).assign(weight="w100", run=0))


def scatter(rng: np.random.Generator) -> dict[str, float]:
    """One value a pair of pictures: contents and styles are samples, too."""
    contents, styles = rng.normal(size=3), rng.normal(size=3)
    rest = 0.3 * rng.normal(size=(3, 3))
    values = (contents[:, None] + styles[None] + rest).ravel()
    return dict(zip(CASES, values.tolist(), strict=True))


def made(model: str, values: dict[str, float], taps: str = "matched") -> list[dict[str, object]]:
    return [
        {"model": model, "case": case, "progress": value,
         "condition": f"content-start/{taps}/w100"} for case, value in values.items()
    ]  # fmt: skip


def shifted(values: dict[str, float], by: float) -> dict[str, float]:
    return {case: value + by for case, value in values.items()}


def none(rng: np.random.Generator) -> dict[str, float]:
    return dict.fromkeys(CASES, 0.0)


def rung(rng: np.random.Generator) -> Effect:
    return Rung("progress", "l2_05").effect(
        of(made(SOURCE, none(rng)) + made(ROBUST, scatter(rng)))
    )


def taps(rng: np.random.Generator) -> Effect:
    lines = made(SOURCE, none(rng)) + made(SOURCE, none(rng), ARTICLE)
    lead = dict(zip(CASES, (100 + 0.1 * rng.normal(size=9)).tolist(), strict=True))
    kept = {case: lead[case] - gap for case, gap in scatter(rng).items()}
    return Taps("VGG").effect(of(lines + made(VGG, kept) + made(VGG, lead, ARTICLE)))


def twins(rng: np.random.Generator) -> Effect:
    gaps = scatter(rng)  # alike in all architectures, which differ as well
    lines = made(SOURCE, none(rng)) + made(ROBUST, shifted(gaps, rng.normal()))
    for i in range(4):
        lines += made(f"net{i}.standard", none(rng))
        lines += made(f"net{i}.l2_05", shifted(gaps, rng.normal()))
    return Twins("progress", ("l2_05",)).effect(of(lines, archs=4))


@pytest.mark.parametrize("design", [rung, taps, twins])
def test_pictures_that_scatter_are_no_effect(
    design: Callable[[np.random.Generator], Effect],
) -> None:
    found = [design(np.random.default_rng(seed)) for seed in range(150)]
    p = [effect.p for effect in found]
    assert np.isfinite(p).all() and min(p) < 0.2
    called = sum(one < 0.05 for one in p)
    assert stats.binomtest(called, len(p), 0.05, alternative="greater").pvalue > 0.01
