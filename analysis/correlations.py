"""Every claimed association with all that a careful reader asks of it, one line a pair."""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis.association import associate, family_slopes, without_families
from analysis.evidence import Evidence
from analysis.factorial import of_means
from analysis.mixed import mixed_slope
from analysis.nested import IMAGES, PICTURES, Facts, as_facts, nested
from analysis.sample import networks, standard_networks, standard_zoo
from analysis.style_columns import PERIODS, comparable, headline
from analysis.tables import Run
from analysis.transfer_columns import as_read, clean_answers, transfer_facts
from analysis.verdict import Effect

PAIRS = (
    ("fooling", "progress"), ("fooling", "peak_excess"), ("accuracy", "progress"),
    ("nonrobust_det", "fooling"),
)  # fmt: skip
COLUMNS = [
    "x", "y", "n", "networks", "rho", "low", "high", "nested_low", "nested_high", "tau", "tau_low",
    "tau_high", "p", "detectable", "slope_within", "slope_between", "slope_mixed",
    "slope_mixed_low", "slope_mixed_high", "mixed_note", "x_over_units", "y_over_units",
    "x_over_seeds", "y_over_seeds", "ceiling", "reason",
]  # fmt: skip


def facts_of(run: Run, pictures: pd.DataFrame) -> dict[str, Facts]:
    """What the main scores are means of, by column: answers to images, numbers of pictures.

    Args:
        run: its rows.
        pictures: ``Evidence.pictures``.
    """
    answers = transfer_facts(run.rows, run.source, labels=run.manifest.get("labels"))
    attacked = as_read(answers, f"{run.headline}/untargeted")
    attacked = attacked[attacked["both"]].assign(wrong=lambda lines: 1 - lines["adv_correct"])
    clean = clean_answers(run.rows).melt(ignore_index=False, value_name="right").reset_index()
    main = comparable(headline(pictures)) if len(pictures) else pictures
    found = {
        "fooling": as_facts(attacked, IMAGES, ["wrong"]),
        "accuracy": as_facts(clean, IMAGES, ["right"]),
        "progress": as_facts(main, PICTURES, ["progress"]),
        "peak_excess": as_facts(main, PICTURES, [f"excess_{period}" for period in PERIODS]),
    }
    return {name: facts for name, facts in found.items() if facts is not None}


def correlations(evidence: Evidence, facts: Mapping[str, Facts]) -> pd.DataFrame:
    """``PAIRS`` over the standard zoo: ``COLUMNS``, and ``without_FAMILY`` for each family.

    rho with low and high is ``associate``'s, over networks with seeds averaged; nested_low,
    nested_high and Kendall's tau with its ends are ``nested``'s, over the same; slope_within and
    slope_between are ``family_slopes``, slope_mixed has a random intercept an architecture;
    x_over_units is ``unit_reliability`` over images or pictures, x_over_seeds that of means over
    seeds (``of_means``), as rho is of such means, and ceiling the root of all known ones' product:
    what a perfect rho would shrink to.
    """
    zoo = standard_zoo(evidence.table)
    zoo = zoo.assign(network=networks(zoo), architecture=zoo["model"].str.split(".").str[0])
    means = standard_networks(evidence.table)
    return pd.DataFrame([_pair(zoo, means, x, y, evidence, facts) for x, y in PAIRS]).reindex(
        columns=[*COLUMNS, *(f"without_{name}" for name in sorted(zoo["family"].unique()))]
    )


def _pair(
    zoo: pd.DataFrame, means: pd.DataFrame, x: str, y: str, evidence: Evidence,
    facts: Mapping[str, Facts],
) -> dict[str, Any]:  # fmt: skip
    effect = associate(means, x, y, resamples=evidence.resamples, seed=evidence.seed)
    line: dict[str, Any] = {
        "x": x, "y": y, "n": effect.n, "rho": effect.value, "low": effect.low, "high": effect.high,
        "p": effect.p, "detectable": effect.detectable, "reason": effect.reason,
    }  # fmt: skip
    if effect.reason:
        return line
    used = zoo.dropna(subset=[x, y])
    left_out = without_families(means.dropna(subset=[x, y]), x, y)
    line |= {f"without_{name}": rho for name, rho in left_out.items()}
    line["slope_within"], line["slope_between"] = family_slopes(used, x, y)
    line |= _mixed(mixed_slope(used, x, y, within="architecture"))
    shares = {
        f"{side}_over_seeds": of_means(used, column, same=["network"])
        for side, column in (("x", x), ("y", y))
    }
    found = nested(used, x, y, facts, resamples=evidence.resamples, seed=evidence.seed)
    if found is not None:
        line |= {
            "networks": found.networks, "nested_low": found.rho_low,
            "nested_high": found.rho_high, "tau": found.tau, "tau_low": found.tau_low,
            "tau_high": found.tau_high,
        }  # fmt: skip
        shares |= {"x_over_units": found.reliability_x, "y_over_units": found.reliability_y}
    return line | shares | {"ceiling": _ceiling(shares)}


def _mixed(effect: Effect) -> dict[str, Any]:
    return {
        "slope_mixed": effect.value, "slope_mixed_low": effect.low, "slope_mixed_high": effect.high,
        "mixed_note": effect.reason or effect.note,
    }  # fmt: skip


def _ceiling(shares: Mapping[str, float]) -> float:
    known = [max(share, 0.0) for share in shares.values() if not math.isnan(share)]
    return math.sqrt(math.prod(known)) if known else math.nan
