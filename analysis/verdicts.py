"""All hypotheses held against one run: the verdict table and its Markdown."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from analysis.evidence import Evidence
from analysis.factorial import of_means
from analysis.hypotheses import HYPOTHESES, Hypothesis
from analysis.sample import intact, of_source
from analysis.verdict import ALPHA, NOT_MEASURED, decide, holm

COLUMNS = [
    "key", "claim", "who", "unit", "scale", "direction", "matters", "detectable", "effect", "low",
    "high", "n", "p", "p_holm", "verdict", "note", "reason", "command",
]  # fmt: skip
#: what the words of the verdicts mean (``analysis.verdict.decide``)
RULES = (
    "Supported: the interval is on the claimed side of 0, the estimate reaches what matters, "
    f"and p after Holm's correction over all tests made is below {ALPHA:g}. Contradicted: the "
    "whole interval is short of what matters. A claim of no effect (within) is supported by an "
    "interval inside its bounds, each bound at 2.5 % and without Holm's correction, that is of "
    "p of an effect. Differences in progress are held against pictures, and against networks "
    "where the unit is one; correlations, mediation, distances of a family from the others and "
    "everything in dB hold the pictures fixed."
)
_NETWORK = ["arch", "training", "residual", "downsampling", "batch_norm"]


def verdicts(evidence: Evidence, hypotheses: Iterable[Hypothesis] = HYPOTHESES) -> pd.DataFrame:
    """One line a hypothesis: ``COLUMNS``. Holm's correction is over the tests this run allows.

    ``detectable`` is the smallest effect with p < .05 before Holm's correction in 80 % of runs of
    this n, stated before the effect; ``command`` makes the missing rows where the verdict is "not
    measured"; ``reason`` says why there is no effect there, or where this n does not even allow an
    estimate.
    """
    asked = list(hypotheses)
    effects = [one.design.effect(evidence) for one in asked]
    corrected = holm([effect.p for effect in effects])
    lines = [
        {
            "key": one.key, "claim": one.claim, "who": one.who, "unit": one.unit,
            "scale": one.scale, "direction": one.direction, "matters": one.matters,
            "detectable": effect.detectable, "effect": effect.value, "low": effect.low,
            "high": effect.high, "n": effect.n, "p": effect.p, "p_holm": p,
            "verdict": decide(effect, p, direction=one.direction, matters=one.matters),
            "note": effect.note, "reason": effect.reason, "command": one.command,
        }
        for one, effect, p in zip(asked, effects, corrected, strict=True)
    ]  # fmt: skip
    return pd.DataFrame(lines, columns=COLUMNS)


def verdict_table(found: pd.DataFrame, table: pd.DataFrame) -> str:
    """The verdicts as Markdown: counts, a line a claim tested, the other claims, and the key."""
    tested = found[found["verdict"] != NOT_MEASURED]
    counts = found["verdict"].value_counts()
    said = ", ".join(f"{n} {verdict}" for verdict, n in counts.items())
    titles = ["", "claim", "who", "units", "matters", "p < .05 before Holm in 80 %",
              "effect [95 %]", "p (Holm)", "verdict"]  # fmt: skip
    lines = [f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"]
    for one in tested.to_dict("records"):
        cells = [
            one["key"], one["claim"], one["who"], f"{one['n']} {one['unit']}",
            f"{least_of(one)} {one['scale']}", amount(one["detectable"]), effect_of(one),
            amount(one["p_holm"], 3), f"**{one['verdict']}**",
        ]  # fmt: skip
        lines.append(f"| {' | '.join(str(cell).replace('|', '/') for cell in cells)} |")
    shown = [*lines, "", _key(), *_seeds(table)] if len(tested) else []
    return "\n".join([f"{said.capitalize()}.", "", *shown, *_lacking(found)])


def _lacking(found: pd.DataFrame) -> list[str]:
    """What was not measured, by the command that makes it."""
    lacking = found[found["verdict"] == NOT_MEASURED]
    lines = []
    for command, part in lacking.groupby("command", sort=False):
        named = "; ".join(f"{one['key']} ({one['reason']})" for one in part.to_dict("records"))
        lines.append(f"- `{command}` would tell of {named}")
    return ["", "Not measured:", "", *lines] if lines else []


def _key() -> str:
    return (
        f"{RULES} What matters, and why, is fixed in `analysis/hypotheses.py`; `verdicts.csv` has "
        "Kendall's tau, values without each family, interactions and mixed effects; "
        "`correlations.csv` intervals over pictures and seeds, too, and reliability."
    )


def _seeds(table: pd.DataFrame) -> list[str]:
    """How much of the variance of networks' means over seeds other seeds would repeat."""
    whole = intact(table)
    trained = whole[whole["training"] != "random"]
    fooled = trained[~of_source(trained)]
    shares = {name: of_means(fooled if name == "fooling" else trained, name, same=_NETWORK)
              for name in ("fooling", "progress", "peak_excess")}  # fmt: skip
    known = [f"`{name}` {share:.2f}" for name, share in shares.items() if not math.isnan(share)]
    if not known:
        return []
    own = " (the source's for style only)" if of_source(trained).sum() > 1 else ""
    several = int((trained.groupby(_NETWORK, dropna=False).size() > 1).sum())
    return [
        "",
        f"Reliability of networks' means over their seeds, ICC(1,k), from the {several} that have "
        f"several{own}: {', '.join(known)}; a correlation between two such means is at most the "
        "root of their product, and with few of them these numbers are rough.",
    ]


def amount(value: float, digits: int = 2) -> str:
    """A number for a table; "-" where there is none."""
    return "-" if math.isnan(value) else f"{value:.{digits}f}"


def least_of(one: Mapping[Any, Any]) -> str:
    """The smallest effect that matters, with the sign claimed."""
    sign = {1: "+", -1: "-", 0: "within "}[int(one["direction"])]
    return f"{sign}{one['matters']:g}"


def effect_of(one: Mapping[Any, Any]) -> str:
    """Effect with its interval, or why this n allows none."""
    return str(one["reason"]) if math.isnan(one["effect"]) else interval_of(one)


def interval_of(one: Mapping[Any, Any]) -> str:
    """Effect with its interval, signed; "-" where there is none."""
    if math.isnan(one["effect"]):
        return "-"
    return f"{one['effect']:+.2f} [{one['low']:+.2f}, {one['high']:+.2f}]"
