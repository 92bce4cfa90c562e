"""What architectures learn from the source's non-robust features (Ilyas et al. 2019, Fig. 3)."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.sample import SWITCHES
from analysis.stats import rate
from analysis.transfer_columns import spread
from analysis.written import number

Ints = npt.NDArray[np.int64]

_GROUPS = ["model", "condition"]
_MOST_CLASSES = 12


def nonrobust_columns(
    rows: pd.DataFrame,
    models: Mapping[str, Mapping[str, Any]],
    *,
    resamples: int = 2000,
    seed: int = 0,
) -> pd.DataFrame:
    """Accuracy on true labels after training on each kind of data, one row a network.

    Columns nonrobust_det, nonrobust_rand, nonrobust_noise, in [0, 1], each with _low, _high, _n,
    its ``matching_p`` as _p, and nonrobust_det_next, ..., the share of answers that are the class
    after the true one; indexed by the model that has the network's standard weights of the first
    seed. A network is an architecture, a matched net its cell of the factory.

    Args:
        models: name to the manifest's facts (``arch``, ``training``, ``seed``, switches).
    """
    standard = {
        _network(facts): name
        for name, facts in models.items()
        if facts.get("training") == "standard" and not facts.get("seed") and "arch" in facts
    }
    lines: dict[str, dict[str, float]] = {}
    for (model, kind), given in _answers(rows).groupby(_GROUPS):
        owner = standard.get(_network(models.get(str(model), {})))
        if owner:
            answers, labels = (given[part].to_numpy(int) for part in _PARTS)
            name, classes = f"nonrobust_{kind}", labels.max() + 1
            hits = {name: answers == labels, f"{name}_next": answers == (labels + 1) % classes}
            found = lines.setdefault(owner, {})
            for column, hit in hits.items():
                found |= spread(column, rate(hit, resamples=resamples, seed=seed))
            found[f"{name}_p"] = matching_p(answers, labels)
    return pd.DataFrame.from_dict(lines, orient="index")


_PARTS = ("nonrobust_answer", "nonrobust_label")


def _answers(rows: pd.DataFrame) -> pd.DataFrame:
    """A line an image: model, condition, and its ``_PARTS``."""
    parts = rows[rows["metric"].isin(_PARTS)]
    wide = parts.pivot(index=[*_GROUPS, "case", "seed"], columns="metric", values="value")
    return wide.reset_index()


def matching_p(answers: Ints, labels: Ints) -> float:
    """Chance that answers matched with classes at random are right as often, one-sided and exact.

    A network that has learned nothing of classes still gives some answers to some kinds of
    pictures, and how these happen to fall on classes moves its accuracy by more than a bracket over
    images shows. So its answers are named by every order of the classes, the true one included.
    Orders are counted, not gone through: those of the first answers that use up the same classes
    and are right as often go on together.

    Args:
        answers: index of the class named, one an image.
        labels: index of the true class.

    Returns:
        In (0, 1]; nan for more than 12 classes, since time and memory double with each.
    """
    classes = int(max(answers.max(), labels.max())) + 1
    if classes > _MOST_CLASSES:
        return math.nan
    met = np.zeros((classes, classes), dtype=int)
    np.add.at(met, (answers, labels), 1)
    ways = {0: np.eye(1, len(labels) + 1, dtype=int)[0]}  # classes used, as bits: orders by hits
    for hits in met:
        grown: dict[int, Ints] = {}
        for used, orders in ways.items():
            for label in range(classes):
                if not used & 1 << label:
                    more = grown.setdefault(used | 1 << label, np.zeros_like(orders))
                    more[hits[label] :] += orders[: len(orders) - hits[label]]
        ways = grown
    (orders,) = ways.values()
    return float(orders[met.trace() :].sum() / orders.sum())


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
        cells = [number(row, f"nonrobust_{kind}") + _luck(row, kind) for kind in kinds]
        lines.append("| " + " | ".join([name, *cells]) + " |")
    return "\n".join([*lines, "", _CAPTION])


def _luck(row: Mapping[Any, Any], kind: str) -> str:
    p = row.get(f"nonrobust_{kind}_p", math.nan)
    return "" if math.isnan(p) else f", p {p:.3f}"


_CAPTION = (
    "Share of untouched test images whose true class (or next one, where said) a network names "
    "that learned from scratch, from the source's adversarial pictures and the labels they were "
    "pushed to (Ilyas et al. 2019, sec. 3.2), or from noise as large; it stands with the standard "
    "weights of its architecture. Robust features teach the next class of targets y + 1 and "
    "nothing of uniform ones; noise should teach nothing, .10. Brackets: 95 %, over images; p: how "
    "often answers matched with classes at random are right as often; one training each."
)


def _network(facts: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(facts.get(name) for name in ("arch", *SWITCHES))
