"""Which part of a perturbation carries transfer: fooling rates after each edit."""

import pandas as pd

from analysis.stats import mean, rate
from analysis.transfer_columns import clean_answers, spread

WHOLE = "whole"
SWAP = "swap"
_FACTS = ["adv_correct", "adv_same_as_source", "perturbation_l2"]
_UNIT = ["source", "model", "edit", "case"]


def edit_rates(
    rows: pd.DataFrame, source: str | None, *, resamples: int = 2000, seed: int = 0
) -> pd.DataFrame:
    """One line a source, target and edit, over pictures source and target get right.

    Columns: source, target, edit ("low_0.125", "shift_1", ...); fooling in [0, 1] and ``lost``, the
    unedited perturbation's rate minus this one, paired over pictures, each with _low, _high, _n;
    ``norm_share``, mean L2 norm over the unedited one's.
    """
    facts = edit_facts(rows, source)
    if facts.empty:
        return pd.DataFrame()
    clean, lines = clean_answers(rows), []
    for (made_on, target), every in facts.groupby(["source", "model"]):
        pair = every[
            every["case"].isin(right_pictures(clean, [str(target), *str(made_on).split("+")]))
        ]
        fooled = 1 - pair.pivot(index="case", columns="edit", values="adv_correct")
        lengths = pair.groupby("edit")["perturbation_l2"].mean().to_dict()
        for edit in map(str, fooled.columns):
            lost = fooled[WHOLE] - fooled[edit] if WHOLE in fooled else fooled[edit].iloc[:0]
            lines.append({
                "source": made_on, "target": target, "edit": edit,
                **spread("fooling", rate(fooled[edit], resamples=resamples, seed=seed)),
                **spread("lost", mean(lost, resamples=resamples, seed=seed)),
                "norm_share": lengths[edit] / lengths.get(WHOLE, float("nan")),
            })  # fmt: skip
    return pd.DataFrame(lines)


def edit_facts(rows: pd.DataFrame, source: str | None) -> pd.DataFrame:
    """One line a picture, source, target (``model``) and edit: its answer and its norm.

    Columns: source, model, edit, case, adv_correct, adv_same_as_source, perturbation_l2.
    """
    shown = rows[(rows["suite"] == "edits") & rows["metric"].isin(_FACTS)]
    pattern = r"^(?:from=(?P<source>[^/]+)/)?.+/(?P<edit>[^/]+)$"
    parts = shown["condition"].str.extract(pattern)
    shown = shown.assign(source=parts["source"].fillna(source), edit=parts["edit"])
    wide = shown.pivot_table(index=_UNIT, columns="metric", values="value")
    return wide.reindex(columns=_FACTS).rename_axis(columns=None).reset_index()


def consistency_floor(
    rows: pd.DataFrame, source: str | None, *, resamples: int = 2000, seed: int = 0
) -> pd.DataFrame:
    """One line a source and target: ``consistency_floor`` with _low, _high, over its _n errors.

    Of the target's errors under another picture's perturbation, the share in the class the source
    errs to under this picture's own: what ``consistency`` is where nothing but chance and what all
    perturbations share makes two networks agree.
    """
    facts = edit_facts(rows, source)
    swapped = facts[facts["edit"] == SWAP]
    clean, lines = clean_answers(rows), []
    for (made_on, target), part in swapped.groupby(["source", "model"]):
        right = right_pictures(clean, [str(target), *str(made_on).split("+")])
        errors = part[part["case"].isin(right) & part["adv_correct"].eq(0)]
        found = rate(errors["adv_same_as_source"], resamples=resamples, seed=seed)
        lines.append({"source": made_on, "target": target, **spread("consistency_floor", found)})
    return pd.DataFrame(lines, columns=None if lines else ["source", "target"])


def right_pictures(clean: pd.DataFrame, models: list[str]) -> list[str]:
    """The pictures that all of these models get right, by ``clean_answers``."""
    flags = clean.reindex(columns=models).eq(1).all(axis=1)
    return list(map(str, flags.index[flags]))


def perturbation_peaks(rows: pd.DataFrame, *, resamples: int = 2000, seed: int = 0) -> pd.DataFrame:
    """One row a source: ``perturbation_peak_2``, ...: mean stride-locked peak of its perturbations.

    In dB, with _low, _high, _n over pictures; see ``bench.spectrum.stride_peak``.
    """
    own = rows[(rows["suite"] == "edits") & rows["condition"].str.endswith("/perturbation")]
    peaks = own[own["metric"].str.startswith("peak_")]
    lines: dict[str, dict[str, float]] = {}
    for (model, metric), part in peaks.groupby(["model", "metric"]):
        # a source may stand in the run twice, by its name and as the run's own
        values = part.groupby("case")["value"].mean()
        found = mean(values, resamples=resamples, seed=seed)
        lines.setdefault(str(model), {}).update(spread(f"perturbation_{metric}", found))
    return pd.DataFrame.from_dict(lines, orient="index")
