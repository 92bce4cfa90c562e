"""Does transfer hang on the lattice of strides? Perturbations shifted by one pixel against by two.

Odena et al. 2016 conjecture that the uneven gradients of strided layers exaggerate adversarial
examples, and leave it open. A perturbation shifted by two pixels still lies on a lattice of stride
two, shifted by one it does not. Where that lattice carries transfer, the first pixel costs more
than the second. But two pixels also part a perturbation further from its picture's content than
one does, so ``extra``, lost_1 minus lost_2, has no zero of its own to be compared with: only the
difference between groups of pairs, all shifted alike, cancels that.

All matched nets halve by two, hence the pairs of both groups share the lattice of stride two. What
the "shared" group has in common is the operator that halves, and with it the places its gradients
favour, if they do: convolutions 3/2 favour some, pools 2/2 and convolutions 4/2 cover all alike.
So a difference says that sharing the operator makes transfer hang on the lattice more than sharing
the stride alone; none does not say that the lattice, which all share, carries nothing. Matched nets
alone are compared: among famous ones the same downsampling goes with the same family.
"""

from collections.abc import Mapping
from itertools import product

import numpy as np
import pandas as pd

from analysis.edit_columns import WHOLE, edit_facts, right_pictures
from analysis.matrix import summarised
from analysis.stats import Floats
from analysis.transfer_columns import clean_answers

_EDITS = (WHOLE, "shift_1", "shift_2")
GROUPS = ("shared", "other", "shared - other")
MEASURES = ("fooling", "lost_1", "lost_2", "extra")


def lattice_shift(
    rows: pd.DataFrame,
    source: str | None,
    downsampling: Mapping[str, str],
    *,
    resamples: int = 2000,
    seed: int = 0,
) -> pd.DataFrame:
    """Three lines: pairs of nets that halve by one operator, other pairs, and the difference.

    Columns: group (``GROUPS``); pairs; n pictures; ``fooling``, the unedited perturbation's rate;
    ``lost_1`` and ``lost_2``, that rate minus the one after a shift by 1 and by 2 pixels;
    ``extra``, lost_1 minus lost_2. Rates count pictures that source and target get right and are
    averaged over the pairs of a group; each has _low and _high, 95 % over pictures, the same draw
    for all pairs. Empty unless both groups have a pair.

    Args:
        rows: of a run.
        source: the run's own, which conditions do not name.
        downsampling: of the nets compared, by name.
    """
    facts = edit_facts(rows, source)
    nets = list(downsampling)
    facts = facts[facts["source"].isin(nets) & facts["model"].isin(nets)]
    facts = facts[(facts["source"] != facts["model"]) & facts["edit"].isin(_EDITS)]
    pairs = sorted(set(zip(facts["source"], facts["model"], strict=True)))
    shared = np.array([downsampling[a] == downsampling[b] for a, b in pairs], bool)
    if len(set(shared)) < 2:
        return pd.DataFrame()
    cases = sorted(facts["case"].unique())
    wrong = _wrong(facts, pairs, cases, clean_answers(rows))
    n = len(cases)
    drawn = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=resamples)
    rates = _rates(wrong, np.concatenate([np.ones((1, n)), drawn]))
    measures = _measures(rates)
    means = [np.nanmean(measures[:, :, which], axis=2) for which in (shared, ~shared)]
    counted = [
        int((~np.isnan(wrong[which][:, 0])).any(axis=0).sum()) for which in (shared, ~shared)
    ]
    sizes = [int(shared.sum()), int((~shared).sum())]
    found = zip(
        GROUPS, (*sizes, sum(sizes)), (*counted, min(counted)), (*means, means[0] - means[1]),
        strict=True,
    )  # fmt: skip
    return pd.DataFrame(
        [
            {
                "group": group, "pairs": size, "n": pictures,
                **{key: value for name, series in zip(MEASURES, part, strict=True)
                   for key, value in summarised(
                       name, series, pictures=pictures, bounds=_bounds(name, group)
                   ).items()},
            }
            for group, size, pictures, part in found
        ]
    )  # fmt: skip


def _bounds(name: str, group: str) -> tuple[float, float]:
    """Where a measure of a group can lie at most."""
    low, high = (0.0, 1.0) if name == "fooling" else (-1.0, 1.0)
    return (low - high, high - low) if group == GROUPS[2] else (low, high)


def _wrong(
    facts: pd.DataFrame, pairs: list[tuple[str, str]], cases: list[str], clean: pd.DataFrame
) -> Floats:
    """Pairs x edits x pictures: 1 = fooled, 0 = not, NaN where source or target errs anyway."""
    answers = facts.set_index(["source", "model", "edit", "case"])["adv_correct"]
    every = pd.MultiIndex.from_tuples([(*p, e, c) for p, e, c in product(pairs, _EDITS, cases)])
    cube = 1 - answers.reindex(every).to_numpy(float).reshape(len(pairs), len(_EDITS), len(cases))
    right = np.array([np.isin(cases, right_pictures(clean, list(pair))) for pair in pairs], bool)
    complete = right & ~np.isnan(cube).any(axis=1)
    kept: Floats = np.where(complete[:, None, :], cube, np.nan)
    return kept


def _rates(wrong: Floats, counts: Floats) -> Floats:
    """Rates "e r p" where each picture counts as often as "r n" says; NaN over no picture."""
    hits = np.einsum("pen,rn->erp", np.nan_to_num(wrong), counts)
    of = np.einsum("pen,rn->erp", (~np.isnan(wrong)).astype(float), counts)
    rates: Floats = np.divide(hits, of, out=np.full(hits.shape, np.nan), where=of > 0)
    return rates


def _measures(rates: Floats) -> Floats:
    """``MEASURES`` "m r p" from the rates of ``_EDITS`` "e r p"."""
    whole, first, second = rates
    measures: Floats = np.stack([whole, whole - first, whole - second, second - first])
    return measures


def in_words(table: pd.DataFrame) -> str:
    """The conjecture's answer in one sentence, from ``lattice_shift``."""
    (line,) = table[table["group"] == GROUPS[2]].to_dict("records")
    value, low, high = (float(line[key]) for key in ("extra", "extra_low", "extra_high"))
    if low > 0:
        verdict = "transfer hangs on the lattice more between nets that share the operator"
    elif high < 0:
        verdict = "transfer hangs on the lattice less between nets that share the operator"
    else:
        verdict = "no clear sign that sharing the operator, beyond its stride, matters"
    return (
        f"A perturbation shifted by one pixel instead of two loses {value:+.3f} "
        f"[{low:+.3f}, {high:+.3f}] more of its fooling rate between matched nets that halve by "
        "the same operator than between others, which halve by two as well "
        f"(n = {int(line['n'])} pictures, {int(line['pairs'])} pairs): {verdict}."
    )
