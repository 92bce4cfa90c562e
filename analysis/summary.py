"""A run in plain words; every sentence follows the numbers, whichever way they point."""

import math
from collections.abc import Sequence
from itertools import combinations

import pandas as pd

from analysis.association import Correlation
from analysis.iterations import steps_read
from analysis.lab_contrasts import contrast_table
from analysis.nonrobust_columns import nonrobust_section
from analysis.sample import intact, standard_networks, standard_zoo
from analysis.stats import FEWEST_MODELS, detectable_rho, spearman
from analysis.style_columns import START, TAPS
from analysis.tables import Run
from analysis.transfer_columns import paired_difference, transfer_facts
from analysis.verdicts import verdict_table
from analysis.written import number

MAIN = {
    "accuracy": "accuracy", "fooling": "fooling", "fooling_joint": "fooling, joint",
    "fooling_all": "fooling, all", "fooling_noise": "noise", "fooling_adjusted": "adjusted",
    "targeted": "targeted", "progress": "progress", "peak_excess": "peak excess [dB]",
    "log_auc": "log AUC",
}  # fmt: skip
JUDGED = (
    "progress", "texture_progress", "palette_progress", "random_progress", "progress_by_others",
)  # fmt: skip
DENOMINATORS = {
    "fooling": "pictures source and target get right",
    "fooling_joint": "pictures all models get right", "fooling_all": "all pictures",
}  # fmt: skip


def summary(
    run: Run,
    table: pd.DataFrame,
    correlations: Sequence[Correlation],
    verdicts: pd.DataFrame,
    laboratory: pd.DataFrame | None = None,
    *,
    factory: str = "",
    lens: str = "",
) -> str:
    """The run's summary as Markdown.

    Args:
        run: for its manifest and the number of pictures.
        table: its model table.
        correlations: over its standard zoo, the headline ones first; every one is reported.
        verdicts: on the hypotheses, see ``analysis.verdicts.verdicts``.
        laboratory: ``analysis.lab_contrasts.contrasts``; None or empty leaves its section out.
        factory: ``analysis.switches.factory_section``.
        lens: what the attack lens says, see ``analysis.lens_words.lens_section``.
    """
    taught = nonrobust_section(table)
    parts = [
        f"# {run.manifest.get('preset', 'unnamed preset')}: {run.path.name}\n",
        _what(run, table),
        "## Verdicts\n\n" + verdict_table(verdicts, table),
        "## Models\n\n" + _table(table),
        _key(run),
        "## Transfer and style\n\n" + _correlations(correlations),
        _caveat(table, correlations),
        "## VGG here\n\n" + "\n".join(f"- {line}" for line in _verdicts(run, table)),
        *_laboratory(laboratory),
        *(["## The matched factory\n\n" + factory] if factory else []),
        *(["## Attack lens\n\n" + lens] if lens else []),
        *(["## What non-robust features teach\n\n" + taught] if taught else []),
        "## Judges\n\n" + _judges(table),
        "## Noise floor\n\n" + _noise(run, table),
    ]
    return "\n\n".join(part.rstrip("\n") for part in parts) + "\n"


def _laboratory(compared: pd.DataFrame | None) -> list[str]:
    if compared is None or compared.empty:
        return []
    return ["## Comparisons of the style laboratory\n\n" + contrast_table(compared)]


def _what(run: Run, table: pd.DataFrame) -> str:
    transfer = run.rows[run.rows["suite"] == "transfer"]
    style = run.rows[run.rows["suite"] == "style"]
    whole = intact(table)
    robust, families = int(whole["robust"].sum()), table["family"].nunique()
    copies = len(table) - len(whole)
    return (
        f"{_count(len(whole), 'model')} ({robust} robust) of {families} "
        f"{'family' if families == 1 else 'families'}"
        f"{f' and {copies} operated copies of them' if copies else ''}; source of the attacks: "
        f"`{run.source or 'not named'}`. "
        f"Transfer: {_count(transfer['case'].nunique(), 'picture')}. "
        f"Style: {_count(style['case'].nunique(), 'content-style pair')}."
    )


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def _table(table: pd.DataFrame) -> str:
    lines = ["| model | " + " | ".join(MAIN.values()) + " |", "|---" * (len(MAIN) + 1) + "|"]
    for row in table.to_dict("records"):
        name = f"`{row['model']}`" + (" (source)" if row["is_source"] else "")
        cells = [number(row, key) for key in MAIN]
        lines.append("| " + " | ".join([name, *cells]) + " |")
    return "\n".join(lines)


def _key(run: Run) -> str:
    transfer = run.rows[run.rows["suite"] == "transfer"]
    steps = steps_read(transfer).get(f"{run.headline}/untargeted")
    read = f", {_count(steps, 'iteration')}" if steps else ""
    return (
        f"Attack: {run.headline}, untargeted{read}. Fooling counts pictures that "
        "source and target get right, joint those that all models get right, all every picture; "
        f"adjusted is (F - noise) / (1 - noise). Style: {START}, {TAPS} taps, mean over the "
        "pairs of pictures and the style weights that all models share; progress 0 = untouched, "
        "1 = reached; peak excess = the largest stride-locked "
        "peak above the style picture's own; log AUC = mean log10 of the loss over its start. "
        "Brackets: 95 %, over pictures. `models.csv` has every column."
    )


def _correlations(correlations: Sequence[Correlation]) -> str:
    families = sorted({name for found in correlations for name in found.without_family})
    titles = ["x", "y", "rho", "95 %", "n", "p", *(f"without {name}" for name in families)]
    lines = [f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"]
    for found in correlations:
        cells = [f"`{found.x}`", f"`{found.y}`", _rho(found.rho), "-", str(found.n), "-"]
        if not found.reason:
            cells[3], cells[5] = f"[{found.low:+.2f}, {found.high:+.2f}]", f"{found.p:.3f}"
        cells += [_rho(found.without_family.get(name, math.nan)) for name in families]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*map(_in_words, correlations[:2]), "", *lines])


def _rho(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:+.2f}"


def _in_words(found: Correlation) -> str:
    """One sentence a reader can quote, for either sign and for neither."""
    pair = f"`{found.x}` and `{found.y}`"
    if found.reason:
        return f"- {pair}: no rho, {found.reason}."
    rest = [rho for rho in found.without_family.values() if not math.isnan(rho)]
    steady = rest and all(rho * found.rho > 0 for rho in rest)
    clear = (found.low > 0 or found.high < 0) and found.p < 0.05
    trend = f"more of one goes with {'more' if found.rho > 0 else 'less'} of the other"
    return (
        f"- {pair}: {trend if clear else 'no clear relation'} (rho = {found.rho:+.2f}, 95 % "
        f"[{found.low:+.2f}, {found.high:+.2f}], n = {found.n}, p = {found.p:.3f}); the sign "
        f"{'stays' if steady else 'does not stay'} the same whichever family is left out."
    )


def _caveat(table: pd.DataFrame, correlations: Sequence[Correlation]) -> str:
    n = max((found.n for found in correlations), default=0)
    if math.isnan(detectable_rho(n)):
        return (
            f"**What {_count(n, 'model')} can show.** Too few for any statement about a "
            "correlation: four models besides the source are the least, a dozen a beginning."
        )
    families = standard_zoo(table)["family"].nunique()
    known = "1 family" if families == 1 else f"{families} families"
    return (
        f"**What {n} models can show.** At 80 % power (two-sided, 5 %, Fisher's z) only |rho| >= "
        f"{detectable_rho(n):.2f} would be found; an interval that includes 0 is no evidence of "
        f"no relation. The models come from {known} and are not independent within one, so "
        "intervals and p describe these models only, and a rho that changes sign when one family "
        "is left out rests on that family."
    )


def _verdicts(run: Run, table: pd.DataFrame) -> list[str]:
    targets = standard_zoo(table)
    targets = targets[~targets["robust"]]
    return [
        *(_least_fooled(targets, name) for name in DENOMINATORS),
        *_paired(run, targets),
        _best_and_worst(table, "progress", "style progress", "{:.2f}"),
        _best_and_worst(table, "peak_excess", "stride-locked peak excess", "{:.1f} dB"),
    ]


def _vgg_and_rival(targets: pd.DataFrame, name: str) -> tuple[pd.Series, pd.Series] | None:
    """The least fooled VGG and the least fooled target of another family."""
    rated = targets.dropna(subset=name).sort_values([name, "model"])
    is_vgg = rated["family"] == "VGG"
    if not is_vgg.any() or is_vgg.all():
        return None
    return rated[is_vgg].iloc[0], rated[~is_vgg].iloc[0]


def _least_fooled(targets: pd.DataFrame, name: str) -> str:
    over = f"Fooling over {DENOMINATORS[name]}"
    pair = _vgg_and_rival(targets, name)
    if pair is None:
        return f"{over}: no VGG and another non-robust target to compare."
    vgg, rival = pair
    numbers = ", ".join(f"{model['model']} {number(dict(model), name)}" for model in pair)
    if vgg[name] == rival[name]:
        return f"{over}: VGG ties for the lowest estimate of non-robust targets ({numbers})."
    verdict = "is" if vgg[name] < rival[name] else "is not"
    return f"{over}: VGG's estimate **{verdict}** the lowest of non-robust targets ({numbers})."


def _paired(run: Run, targets: pd.DataFrame) -> list[str]:
    pair = _vgg_and_rival(targets, "fooling")
    if pair is None:
        return []
    names = [str(model["model"]) for model in pair]
    facts = transfer_facts(run.rows, run.source, labels=run.manifest.get("labels"))
    gap = paired_difference(facts, *names, headline=run.headline, resamples=2000, seed=0)
    if not gap.n:
        return []
    decided = gap.high < 0 or gap.low > 0
    return [
        f"On the {_count(gap.n, 'picture')} that the source, {names[0]} and {names[1]} all get "
        f"right, the first's rate minus the second's is {gap.value:+.2f} [{gap.low:+.2f}, "
        f"{gap.high:+.2f}] (95 %, paired over pictures): "
        f"{'a difference' if decided else 'no clear difference'} between these two networks."
    ]


def _best_and_worst(table: pd.DataFrame, column: str, label: str, form: str) -> str:
    rated = table.dropna(subset=column).sort_values([column, "model"])
    if len(rated) < 2:
        return f"{label.capitalize()}: not measured on two models."
    low, high = rated.iloc[0], rated.iloc[-1]
    ends = [f"{row['model']} {form.format(row[column])}" for row in (high, low)]
    return f"{label.capitalize()}: highest {ends[0]}, lowest {ends[1]}."


def _judges(table: pd.DataFrame) -> str:
    """Whether judges of style rank the networks alike, so that none of them decides alone."""
    names = [name for name in JUDGED if name in table and table[name].notna().any()]
    rated = standard_networks(table, source=True).dropna(subset=names)
    if len(names) < 2 or len(rated) < FEWEST_MODELS:
        return (
            f"{_count(len(rated), 'model')} and {_count(len(names), 'judge')}: too few to compare."
        )
    ranks = {
        (a, b): float(spearman(rated[a], rated[b])) for a, b in combinations(names, 2)
    }  # fmt: skip
    known = {pair: rho for pair, rho in ranks.items() if not math.isnan(rho)}
    if not known:
        return "No judge tells the models apart."
    worst = min(known, key=lambda pair: known[pair])
    return (
        f"{len(names)} judges ({', '.join(f'`{name}`' for name in names)}) rank "
        f"{_count(len(rated), 'model')}: mean Spearman's rho = "
        f"{sum(known.values()) / len(known):+.2f} over pairs of judges, least for `{worst[0]}` and "
        f"`{worst[1]}` ({known[worst]:+.2f}). Where judges disagree, a claim about style rests on "
        "the choice of one."
    )


def _noise(run: Run, table: pd.DataFrame) -> str:
    rated = table[~table["is_source"]].dropna(subset="fooling_noise")
    if rated.empty:
        return f"No noise of norm {run.headline} in this run, so no rate is adjusted for it."
    worst = rated.sort_values(["fooling_noise", "model"]).iloc[-1]
    return (
        f"Random noise of norm {run.headline} fools targets on "
        f"{rated['fooling_noise'].min():.1%} to {rated['fooling_noise'].max():.1%} of pictures "
        f"(most: {worst['model']}); a fooling rate near its own floor says nothing about transfer."
    )
