"""What architectures learn from the source's non-robust features (Ilyas et al. 2019, Fig. 3)."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis.sample import SWITCHES
from analysis.stats import rate
from analysis.transfer_columns import spread
from analysis.written import number

_ENDINGS = {"nonrobust_correct": "", "nonrobust_next": "_next"}
_GROUPS = ["model", "condition", "metric"]


def nonrobust_columns(
    rows: pd.DataFrame,
    models: Mapping[str, Mapping[str, Any]],
    *,
    resamples: int = 2000,
    seed: int = 0,
) -> pd.DataFrame:
    """Accuracy on true labels after training on each kind of data, one row a network.

    Columns nonrobust_det, nonrobust_rand, nonrobust_noise, in [0, 1], each with _low, _high, _n,
    and nonrobust_det_next, ..., the share of answers that are the class after the true one;
    indexed by the model that has the network's standard weights of the first seed. A network is an
    architecture, a matched net its cell of the factory.

    Args:
        models: name to the manifest's facts (``arch``, ``training``, ``seed``, switches).
    """
    answers = rows[rows["metric"].isin(_ENDINGS)]
    standard = {
        _network(facts): name
        for name, facts in models.items()
        if facts.get("training") == "standard" and not facts.get("seed") and "arch" in facts
    }
    lines: dict[str, dict[str, float]] = {}
    for (model, kind, metric), values in answers.groupby(_GROUPS)["value"]:
        owner = standard.get(_network(models.get(str(model), {})))
        if owner:
            name = f"nonrobust_{kind}{_ENDINGS[str(metric)]}"
            found = spread(name, rate(values, resamples=resamples, seed=seed))
            lines.setdefault(owner, {}).update(found)
    return pd.DataFrame.from_dict(lines, orient="index")


_TAUGHT = {
    "det": "targets y + 1", "det_next": "next class, of targets y + 1", "rand": "uniform targets",
    "noise": "random noise, labels of uniform targets",
}  # fmt: skip


def nonrobust_section(table: pd.DataFrame) -> str:
    """The accuracies as Markdown, a line a network that learned from any set; "" without one.

    Args:
        table: the model table.
    """
    kinds = [kind for kind in _TAUGHT if f"nonrobust_{kind}" in table]
    taught = table.dropna(subset=[f"nonrobust_{kind}" for kind in kinds], how="all")
    if not kinds or taught.empty:
        return ""
    lines = ["| network | " + " | ".join(_TAUGHT[kind] for kind in kinds) + " |",
             "|---" * (len(kinds) + 1) + "|"]  # fmt: skip
    for row in taught.to_dict("records"):
        name = f"`{row['model']}`" + (" (source)" if row["is_source"] else "")
        cells = [number(row, f"nonrobust_{kind}") for kind in kinds]
        lines.append("| " + " | ".join([name, *cells]) + " |")
    return "\n".join([*lines, "", _CAPTION])


_CAPTION = (
    "Share of untouched test images whose true class (or next one, where said) a network names "
    "that learned from scratch, from the source's adversarial pictures and the labels they were "
    "pushed to (Ilyas et al. 2019, sec. 3.2), or from noise as large; it stands with the standard "
    "weights of its architecture. Robust features teach the next class of targets y + 1 and "
    "nothing of uniform ones; noise should teach nothing, .10. Brackets: 95 %, over images; one "
    "training each."
)


def _network(facts: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(facts.get(name) for name in ("arch", *SWITCHES))
