"""The sheet of what excites channels and logits, without and with priors, scores underneath."""

import math
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from analysis.condition_tables import FEATURE_SCORES, WITHOUT_PRIORS
from analysis.sheet import encoded, sheet
from results.artifacts import feature_file

_CHANNEL = r"^(?P<tap>.+)-c\d+$"
_LOGIT = r"^logit-(?P<logit>\d+)$"
_PLACE = ["logits", "order", "nth"]
_FORMS = dict(zip(FEATURE_SCORES, ("high {:.2f}", "slope {:+.1f}"), strict=True))


def feature_sheets(run: Path, rows: pd.DataFrame) -> Iterator[tuple[str, bytes]]:
    """File name and WEBP bytes of the sheet; none where no such picture was made.

    Lines are networks, each without priors first, columns channels in the order of the taps, then
    logits. Under each picture: what it excites, its share of high frequencies in [0, 1] and its
    spectral slope (0 white noise, -2 photographs). Of several seeds the first is shown.
    """
    made = rows[rows["suite"] == "features"]
    if made.empty:
        return
    made = made[made["seed"] == made.groupby(["model", "condition"])["seed"].transform("min")]
    scores = made.pivot_table(
        index=["model", "condition", "case", "seed"], columns="metric", values="value", sort=False
    ).reset_index()
    scores["priors"] = scores["condition"] != WITHOUT_PRIORS
    scores = scores.join(_columns(scores))
    keys = ["model", "priors", "condition"]
    lines = sorted(set(scores[keys].itertuples(index=False, name=None)))
    columns = sorted(set(scores[_PLACE].itertuples(index=False, name=None)))
    places = {}
    for line in scores.to_dict("records"):
        i = lines.index(tuple(line[key] for key in keys))
        j = columns.index((line["logits"], line["order"], line["nth"]))
        said = [form.format(line[name]) for name, form in _FORMS.items()
                if not math.isnan(line.get(name, math.nan))]  # fmt: skip
        of = (str(line["model"]), str(line["condition"]), str(line["case"]))
        file = feature_file(run, *of, seed=int(line["seed"]))
        places[i, j] = (file, f"{line['case']}\n{' '.join(said)}")
    if any(file.exists() for file, _ in places.values()):
        heads = [f"logit {order}" if logits else f"tap {order}, channel {nth + 1}"
                 for logits, order, nth in columns]  # fmt: skip
        names = [f"{model}\n{condition}" for model, _, condition in lines]
        yield "features.webp", encoded(sheet(names, heads, places))


def _columns(scores: pd.DataFrame) -> pd.DataFrame:
    """Where each picture goes: channels, then logits; taps counted from 1, channels from 0."""
    tap = scores["case"].str.extract(_CHANNEL)["tap"]
    logit = scores["case"].str.extract(_LOGIT)["logit"]
    each = [scores["model"], scores["condition"]]
    order = tap.groupby(each, group_keys=False).transform(lambda taps: pd.factorize(taps)[0] + 1)
    nth = scores.assign(tap=tap.fillna("")).groupby(["model", "condition", "tap"]).cumcount()
    known = logit.notna()
    return pd.DataFrame({
        "logits": known, "order": order.where(~known, pd.to_numeric(logit)).astype(int),
        "nth": nth.where(~known, 0),
    })  # fmt: skip
