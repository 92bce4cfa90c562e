"""Robust accuracy from minimal distances, and whether gradients hide errors.

Robust accuracy at eps is the share of pictures whose nearest known error is further than eps: an
upper bound on the truth, like every attack's. Gradient masking (Athalye et al. 2018) shows where
something that never saw the model's gradients, a search by answers or a picture made on another
network, comes nearer than every search by gradients: those pictures prove the latter failed.
"""

from functools import cache

import pandas as pd

from analysis.stats import Estimate, median, rate, wilson
from analysis.transfer_columns import spread

READ_AT = {"l2": (0.25, 0.5, 1.0), "linf": (2 / 255, 4 / 255, 8 / 255)}
BLIND = ("hop_skip_jump",)  # searches that ask for answers only
MASKED = 0.05  # a model is flagged when surely more than this share of its pictures is masked
# An attack's pictures lie on the sphere of its eps as float32 has it, up to 2e-7 outside: at .5, an
# error that transfer found at .50000012 is one within .5.
_ROUNDED = 1e-5
_NEARER = 0.99  # of the white-box distance: bisection leaves a thousandth
CURVE = ["model", "norm", "eps", "accuracy", "low", "high", "n"]
_KEY = ["model", "norm", "case"]
_wilson = cache(wilson)  # the same shares of as many pictures, model after model
_WAYS = ["white", "black", "transfer"]


def distance_facts(rows: pd.DataFrame, source: str | None) -> pd.DataFrame:
    """One line a model, norm and picture that the robustness suite measured.

    Columns: model, norm, case; ``right`` (the clean answer is); ``white``, ``black``, ``transfer``:
    distance to the nearest error found by gradients, by answers, and by pictures made on other
    networks (or noise), inf where none is an error, NaN where none was tried; ``nearest``, the
    smallest of the three; ``distance``, the smaller of white and black. The last is what transfer
    may be explained by (``analysis.excess``): an explanation must not contain what it explains.
    """
    searched = rows[(rows["suite"] == "robustness") & (rows["metric"] == "adv_distance")]
    if searched.empty:
        return pd.DataFrame(columns=[*_KEY, "right", *_WAYS, "nearest", "distance"])
    parts = searched["condition"].str.split("/", expand=True)
    kind = parts[1].isin(BLIND).map({True: "black", False: "white"})
    lines = searched.assign(norm=parts[0], kind=kind)
    facts = lines.pivot_table(index=_KEY, columns="kind", values="value", aggfunc="min")
    facts = facts.reindex(columns=["white", "black"])
    right = rows[(rows["suite"] == "robustness") & (rows["metric"] == "clean_correct")]
    flags = right.set_index(["model", "case"])["value"].eq(1).rename("right")
    facts = facts.join(flags, on=["model", "case"]).join(_transferred(rows, source))
    facts["nearest"] = facts[_WAYS].min(axis=1)
    facts["distance"] = facts[["white", "black"]].min(axis=1)
    return facts.rename_axis(columns=None).reset_index()


def _transferred(rows: pd.DataFrame, source: str | None) -> pd.Series:
    """The smallest norm at which a picture not made on the model itself is an error."""
    shown = rows[rows["suite"] == "transfer"]
    named = shown["condition"].str.extract(r"^from=([^/]+)/", expand=False).fillna(source)
    members = named.fillna("").str.split("+")
    own = pd.Series(
        [model in names for model, names in zip(shown["model"], members, strict=True)],
        index=shown.index, dtype=bool,
    )  # fmt: skip
    wide = shown[~own].pivot_table(
        index=["model", "case", "condition", "step", "seed"], columns="metric", values="value"
    )
    wide = wide.reindex(columns=["adv_correct", "perturbation_l2", "perturbation_linf"])
    lengths = {"perturbation_l2": "l2", "perturbation_linf": "linf"}
    fooled = wide["adv_correct"].eq(0)
    found = wide.rename(columns=lengths)[list(lengths.values())]
    found = found.where(fooled, float("inf")).where(wide["adv_correct"].notna())
    nearest = found.groupby(["model", "case"]).min().rename_axis(columns="norm").stack()
    return pd.Series(nearest, name="transfer").reorder_levels(_KEY)  # type: ignore[arg-type]


def robustness_columns(
    rows: pd.DataFrame, source: str | None, *, resamples: int = 2000, seed: int = 0
) -> pd.DataFrame:
    """One row a model the robustness suite measured, none if it measured none.

    Columns, each with _low, _high, _n unless marked *: ``robust[l2_0.50]``, ...: accuracy at that
    eps, in [0, 1], of all pictures; ``distance_l2``, ``distance_linf``: median distance to the
    nearest error, however found, over pictures the model gets right; ``masked_black_l2``,
    ``masked_transfer_l2``, ...: share of pictures on which a search by answers, or another
    network's picture, came nearer than all searches by gradients, each over the right pictures it
    was tried on; ``masking_l2``*, ...: 1 where one of these shares is above ``MASKED`` beyond
    doubt, else 0.
    """
    facts = distance_facts(rows, source)
    how = {"resamples": resamples, "seed": seed}
    lines: dict[str, dict[str, float]] = {}
    for (model, norm), part in facts.groupby(["model", "norm"]):
        line = lines.setdefault(str(model), {})
        for eps in READ_AT.get(str(norm), ()):
            name = f"robust[{norm}_{eps:.{2 if norm == 'l2' else 3}f}]"
            line |= spread(name, rate(part["nearest"] > eps * (1 + _ROUNDED), **how))
        right = part[part["right"]]
        line |= spread(f"distance_{norm}", median(right["nearest"], **how))
        masked = {way: _masked(right, way, **how) for way in ("black", "transfer")}
        for way, found in masked.items():
            line |= spread(f"masked_{way}_{norm}", found)
        known = [found.low > MASKED for found in masked.values() if found.n]
        line[f"masking_{norm}"] = float(any(known)) if known else float("nan")
    return pd.DataFrame.from_dict(lines, orient="index")


def _masked(right: pd.DataFrame, way: str, *, resamples: int, seed: int) -> Estimate:
    """Share of the pictures this way was tried on where it beats every search by gradients."""
    tried = right[right[way].notna()]
    return rate(tried[way] < _NEARER * tried["white"], resamples=resamples, seed=seed)


def robust_curves(facts: pd.DataFrame) -> pd.DataFrame:
    """Robust accuracy of every model at every eps where it changes: ``CURVE``.

    ``accuracy`` in [0, 1], of all ``n`` pictures, with its 95 % Wilson interval ``low``, ``high``.

    Args:
        facts: ``distance_facts(rows, source)``.
    """
    curves = []
    for (model, norm), part in facts.groupby(["model", "norm"]):
        reached = part["nearest"].sort_values().to_numpy()
        n = len(reached)
        standing = [n, *range(n - 1, -1, -1)]
        curve = pd.DataFrame({"eps": [0.0, *reached], "standing": standing})
        last = curve[curve["eps"] < float("inf")].groupby("eps", as_index=False).min()
        ends = [_wilson(k, n) for k in last["standing"].astype(int)]
        curves.append(last.assign(
            model=str(model), norm=str(norm), n=n, accuracy=[each.value for each in ends],
            low=[each.low for each in ends], high=[each.high for each in ends],
        ))  # fmt: skip
    return pd.concat(curves, ignore_index=True)[CURVE] if curves else pd.DataFrame(columns=CURVE)
