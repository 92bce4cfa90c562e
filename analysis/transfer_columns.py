"""From single answers to fooling rates: every denominator, the noise floor, targeted hits."""

from collections.abc import Mapping, Sequence

import pandas as pd

from analysis.iterations import steps_read
from analysis.stats import NOTHING, Estimate, bootstrap_means, interval, mean, rate, wilson

HEADLINE = "l2_0.50"  # the norm the main columns are read at, see analysis.iterations for the step

_ANSWERS = [
    "adv_correct", "adv_same_as_source", "adv_hits_target", "adv_correct_8bit",
    "adv_hits_target_8bit",
]  # fmt: skip
_NORMS = ["perturbation_l2", "perturbation_linf"]
_RATES = ["model", "condition", "step", "rate", "low", "high", "n", "read_at"]
_UNIT = ["model", "condition", "step", "case", "seed"]


def transfer_facts(
    rows: pd.DataFrame,
    source: str | None,
    *,
    labels: Mapping[str, int] | None = None,
    voters: Sequence[str] | None = None,
) -> pd.DataFrame:
    """One line a picture attacked on the run's source and a target model, with who gets it right.

    Columns: model, condition, step, case, seed; the schema's adv_* answers and perturbation norms
    (NaN where not measured); ``both`` (source and target right on the clean picture) and ``all``
    (every one of ``voters`` right, all models unless named); ``read_at``, the number of iterations
    that columns read the condition at (``iterations.steps_read``, over the pictures of all
    sources). Lines of a targeted attack carry the class in ``target`` and the condition
    "<norm>/targeted"; those aiming at the picture's own class are left out: by ``labels`` (class by
    case) where known, and where some model answered both the true class and the target, which only
    happens when they are one.
    """
    attacked = rows[(rows["suite"] == "transfer") & rows["metric"].isin(_ANSWERS + _NORMS)]
    read = steps_read(attacked)
    attacked = attacked[~attacked["condition"].str.startswith("from=")]
    facts = attacked.pivot(index=_UNIT, columns="metric", values="value").reset_index()
    facts = facts.reindex(columns=[*_UNIT, *_ANSWERS, *_NORMS]).rename_axis(columns=None)
    right = clean_answers(rows) == 1  # a model that was not asked is not known to be right
    pairs = right.reset_index().melt("case", var_name="model", value_name="target_right")
    facts = facts.merge(pairs, on=["case", "model"], how="left")
    known = right[source] if source in right else pd.Series(dtype=bool)
    facts["both"] = _flag(facts["target_right"]) & _flag(facts["case"].map(known))
    asked = right[right.columns.intersection(list(voters))] if voters is not None else right
    facts["all"] = _flag(facts["case"].map(asked.all(axis=1)))
    facts = _targeted(facts.drop(columns="target_right"), labels or {})
    return facts.assign(read_at=facts["condition"].map(read))


def clean_answers(rows: pd.DataFrame) -> pd.DataFrame:
    """Clean correctness, pictures x models: 1, 0, or NaN where the model was not asked."""
    clean = rows[rows["metric"] == "clean_correct"]
    answers: pd.DataFrame = clean.pivot_table(
        index="case", columns="model", values="value", aggfunc="min"
    )
    return answers


def _flag(column: pd.Series) -> pd.Series:
    return column.eq(True).fillna(False).astype(bool)


def _targeted(facts: pd.DataFrame, labels: Mapping[str, int]) -> pd.DataFrame:
    parts = facts["condition"].str.extract(r"^(?P<start>.+/targeted)/(?P<target>-?\d+)$")
    facts["target"] = pd.to_numeric(parts["target"])
    facts["condition"] = facts["condition"].where(parts["start"].isna(), parts["start"])
    is_class = (facts["adv_correct"] == 1) & (facts["adv_hits_target"] == 1)
    betrayed = is_class.groupby([facts["case"], facts["target"]], dropna=False).transform("max")
    own = (betrayed | (facts["case"].map(labels) == facts["target"])) & facts["target"].notna()
    return facts[~own].reset_index(drop=True)


def condition_rates(facts: pd.DataFrame, *, resamples: int = 2000, seed: int = 0) -> pd.DataFrame:
    """Rates of every model, condition and step, with low, high, n and read_at.

    ``rate`` in [0, 1] is the fooling rate over pictures that source and target get right; for
    "<norm>/targeted" it is the share of (picture, target class) pairs answered with the target,
    over the targets that were aimed at with every number of iterations (see ``_same_targets``).
    low and high are its 95 % interval over the n pictures, each resampled with all its classes;
    read_at is the step that columns read the condition at.
    """
    kept = facts[facts["both"] & _same_targets(facts)]
    wrong = (1 - kept["adv_correct"]).where(kept["target"].isna(), kept["adv_hits_target"])
    lines = []
    for key, part in kept.assign(rate=wrong).groupby(["model", "condition", "step"]):
        found = rate(part["rate"], clusters=part["case"], resamples=resamples, seed=seed)
        if found.n:
            read = int(part["read_at"].iloc[0])
            lines.append((*key, found.value, found.low, found.high, found.n, read))
    return pd.DataFrame(lines, columns=_RATES)


def _same_targets(facts: pd.DataFrame) -> pd.Series:
    """Whether a line's rate compares with that of its condition's other steps.

    Some classes are easier to reach than others, so a curve over steps counts targets measured at
    all of them. Where no target was, only the step that is read stays.
    """
    steps = facts.groupby("condition")["step"].transform("nunique")
    own = facts.groupby(["condition", "target"], dropna=False)["step"].transform("nunique")
    everywhere = own == steps
    comparable = everywhere.groupby(facts["condition"]).transform("any")
    kept = everywhere.where(comparable, facts["step"] == facts["read_at"])
    return kept | facts["target"].isna()


def as_read(facts: pd.DataFrame, condition: str) -> pd.DataFrame:
    """The lines of a condition at the number of iterations it is read at, see ``steps_read``."""
    return facts[(facts["condition"] == condition) & (facts["step"] == facts["read_at"])]


def spread(name: str, found: Estimate) -> dict[str, float]:
    """An estimate as four columns: name, name_low, name_high, name_n."""
    return {
        name: found.value, f"{name}_low": found.low, f"{name}_high": found.high,
        f"{name}_n": found.n,
    }  # fmt: skip


def transfer_columns(
    rows: pd.DataFrame,
    models: list[str],
    source: str | None,
    *,
    headline: str = HEADLINE,
    labels: Mapping[str, int] | None = None,
    voters: Sequence[str] | None = None,
    resamples: int = 2000,
    seed: int = 0,
) -> pd.DataFrame:
    """Clean accuracy and transfer rates, one row a model; all rates in [0, 1], NaN if unmeasured.

    Columns (each with _low, _high, _n unless marked *): accuracy; fooling_all, fooling,
    fooling_joint: wrong answers over all pictures, over those source and target get right, over
    those all models get right; fooling_noise: random noise of the same norm, same pictures as
    fooling; fooling_adjusted = (F - F_noise) / (1 - F_noise), at most 1, below 0 where noise
    hurts more, paired over pictures; fooling_same and fooling_other: the source's mistake
    (Waseda et al. 2021) or another; targeted: hits over (picture, class) pairs, class neither the
    picture's nor the target's clean answer, interval clustered by picture, with targeted_pairs*;
    fooling_8bit, targeted_8bit: after rounding to 256 levels; perturbation_l2*,
    perturbation_linf*; fooling[norm]* of every other norm.
    """
    facts = transfer_facts(rows, source, labels=labels, voters=voters)
    clean = clean_answers(rows)
    lines = {
        model: _one_model(
            facts[facts["model"] == model],
            clean[model].dropna() if model in clean else pd.Series(dtype=float),
            headline=headline,
            how={"resamples": resamples, "seed": seed},
        )
        for model in models
    }
    columns = pd.DataFrame.from_dict(lines, orient="index")
    rates = condition_rates(facts, resamples=resamples, seed=seed)
    return columns.join(_other_norms(rates, headline))


def _one_model(
    facts: pd.DataFrame,
    clean: pd.Series,
    *,
    headline: str,
    how: dict[str, int],
) -> dict[str, float]:
    chosen = as_read(facts, f"{headline}/untargeted")
    both, joint = chosen[chosen["both"]], chosen[chosen["all"]]
    noise = facts[(facts["condition"] == f"{headline}/noise") & facts["both"]]
    aimed = as_read(facts, f"{headline}/targeted")
    aimed = aimed[aimed["both"]]  # on these the clean answer is the class, hence never the target

    def share(values: pd.Series, of: pd.DataFrame) -> Estimate:
        return rate(values, clusters=of["case"], **how)

    wrong = 1 - both["adv_correct"]
    return {
        **spread("accuracy", rate(clean, **how)),
        **spread("fooling_all", share(1 - chosen["adv_correct"], chosen)),
        **spread("fooling", share(wrong, both)),
        **spread("fooling_joint", share(1 - joint["adv_correct"], joint)),
        **spread("fooling_noise", share(1 - noise["adv_correct"], noise)),
        **spread("fooling_adjusted", _adjusted(both, noise, how)),
        **spread("fooling_same", share(both["adv_same_as_source"], both)),
        **spread("fooling_other", share(wrong - both["adv_same_as_source"], both)),
        **spread("targeted", share(aimed["adv_hits_target"], aimed)),
        **spread("targeted_8bit", share(aimed["adv_hits_target_8bit"], aimed)),
        "targeted_pairs": len(aimed[["case", "target"]].drop_duplicates()),
        **spread("fooling_8bit", share(1 - both["adv_correct_8bit"], both)),
        **{name: float(chosen[name].mean()) for name in _NORMS},
    }


def _adjusted(attacked: pd.DataFrame, noise: pd.DataFrame, how: dict[str, int]) -> Estimate:
    """(F - F_noise) / (1 - F_noise) over pictures that have both."""
    pairs = pd.concat(
        [1 - frame.groupby("case")["adv_correct"].mean() for frame in (attacked, noise)], axis=1
    ).dropna()
    if pairs.empty:
        return NOTHING
    fooled, floor = (float(value) for value in pairs.mean())
    if floor == 1:
        return NOTHING  # noise alone fools on every picture: nothing is left to explain
    if fooled in (0.0, 1.0):  # unanimous: see stats.rate
        ends = wilson(round(fooled * len(pairs)), len(pairs))
        low, high = ((end - floor) / (1 - floor) for end in (ends.low, ends.high))
    else:
        drawn = bootstrap_means(pairs.to_numpy(), clusters=None, **how)
        drawn = drawn[drawn[:, 1] < 1]
        low, high = interval((drawn[:, 0] - drawn[:, 1]) / (1 - drawn[:, 1]))
    value = (fooled - floor) / (1 - floor)
    return Estimate(value, min(low, value), max(high, value), len(pairs))


def paired_difference(
    facts: pd.DataFrame, first: str, second: str, *, headline: str, resamples: int, seed: int
) -> Estimate:
    """Fooling rate of one target minus another's, in [-1, 1], over pictures both rates count."""
    chosen = as_read(facts, f"{headline}/untargeted")
    chosen = chosen[chosen["both"]]
    wrong = [
        1 - chosen[chosen["model"] == model].groupby("case")["adv_correct"].mean()
        for model in (first, second)
    ]
    return mean((wrong[0] - wrong[1]).dropna(), resamples=resamples, seed=seed)


def _other_norms(rates: pd.DataFrame, headline: str) -> pd.DataFrame:
    untargeted = rates[rates["condition"].str.endswith("/untargeted")]
    chosen = untargeted[untargeted["step"].eq(untargeted["read_at"])]
    lines: dict[str, dict[str, float]] = {}
    for found in chosen[chosen["condition"] != f"{headline}/untargeted"].to_dict("records"):
        name = f"fooling[{found['condition'].removesuffix('/untargeted')}]"
        estimate = Estimate(found["rate"], found["low"], found["high"], found["n"])
        lines.setdefault(str(found["model"]), {}).update(spread(name, estimate))
    return pd.DataFrame.from_dict(lines, orient="index")
