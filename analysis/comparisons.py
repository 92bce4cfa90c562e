"""Which sides the style laboratory compares: named pairs of networks under named conditions."""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from analysis.condition_tables import WITHOUT_PRIORS
from analysis.sample import SWITCHES, changes, factory, intact, said, units
from analysis.style_columns import START, TAPS

WEIGHT = "w100"  # the style weight every condition of the laboratory has
# what smoothing adds to a condition's name; the last one is SWAG's released code
SMOOTHINGS = ("softmax", "softmax-channel", "softmax-tempered", "layers1e-12+1e-12")
BEST_LAYERS = "best-layers"  # see analysis.tuned_layers: no rows are named so
ADAM = "adam"  # pixels by Adam without random views: the control of those
RANDOM_VIEWS = ("pixel+transforms", "fourier+transforms", "fourier-decorrelated+transforms")
PARAMETERIZATIONS = ("fourier", "fourier-decorrelated", ADAM, *RANDOM_VIEWS)
EQUAL_CONTENT = "equal-content"  # see analysis.equal_content: no rows are named so, either
TEXTURE = f"noise-start/{TAPS}/texture/w1"
PRIORS = RANDOM_VIEWS[-1]  # of the features suite, too: what held those pictures back
TAP_CHOICE = "taps, one by one"
ONE_BY_ONE = "one by one"  # groups that end so are too long for a summary
_OTHER_TAPS = re.compile(rf"{START}/(?P<taps>(?:article|without-first)(?:/content\d+)?)/{WEIGHT}")
_SOME_TAPS = re.compile(rf"{START}/(?P<taps>(?:single|subset)/[\d+]+|{TAPS}/content\d+)/{WEIGHT}")

Measured = Collection[tuple[str, str]]  # (model, condition) that there are pictures of


@dataclass(frozen=True)
class Side:
    """A network under a condition.

    Attributes:
        models: its weight seeds, one name each.
        condition: as rows name it.
        unit: what the network is one of several of, see ``sample.units``.
    """

    models: tuple[str, ...]
    condition: str
    unit: str = ""


@dataclass(frozen=True)
class Comparison:
    """First minus second.

    Attributes:
        group: what it belongs to, for the reader.
        name: of both sides.
        pairs: first and second side of every pair of networks that takes part.
        units: what pairs are counted by: those whose two units are the same are one.
        same_weights: whether both sides of a pair are one network, so that a seed which only one
            of them has is left out.
    """

    group: str
    name: str
    pairs: tuple[tuple[Side, Side], ...]
    units: str = "architectures"
    same_weights: bool = False


def condition(*variant: str, taps: str = TAPS, weight: str = WEIGHT) -> str:
    """The rows' condition of content-start transfer with this variant of the plain method."""
    return "/".join([START, taps, *variant, weight])


def comparisons(table: pd.DataFrame, measured: Measured) -> list[Comparison]:
    """Every comparison this run has pictures for, those about the source's architecture first.

    Args:
        table: columns model, family, role, training, robust, residual, downsampling, batch_norm,
            is_source.
        measured: see ``Measured``.
    """
    models = table.assign(arch=table["model"].str.partition(".")[0])
    models["network"] = models["model"].str.replace(r"-s\d+(?=\+|$)", "", regex=True)
    models = models.assign(unit=units(models)).sort_values("model")
    found = [
        *_trainings(models, robust=True), *_family(models),
        *_elsewhere(models, "equal content", condition(EQUAL_CONTENT)),
        *_elsewhere(models, "textures", TEXTURE),
        *_variants(models), *_taps(models, sorted({on for _, on in measured})),
        *_surgeries(models), *_switches(models), *_smoothings(models),
        *_trainings(models, robust=False),
        *_elsewhere(models, "features", WITHOUT_PRIORS), *_priors(models),
    ]  # fmt: skip
    known = [_measured(one, measured) for one in found]
    return [one for one in known if one.pairs]


def _measured(one: Comparison, measured: Measured) -> Comparison:
    """Without seeds that have no pictures, nor pairs that lose a side."""
    pairs = []
    for pair in one.pairs:
        first, second = (
            replace(side, models=tuple(m for m in side.models if (m, side.condition) in measured))
            for side in pair
        )
        if one.same_weights:
            first, second = _of_same_weights(first, second), _of_same_weights(second, first)
        if first.models and second.models:
            pairs.append((first, second))
    return replace(one, pairs=tuple(pairs))


def _of_same_weights(side: Side, other: Side) -> Side:
    known = {name.partition("+")[0] for name in other.models}
    kept = tuple(name for name in side.models if name.partition("+")[0] in known)
    return replace(side, models=kept)


def _seeds(models: pd.DataFrame, on: str = "") -> dict[str, Side]:
    """The networks among these models, by name."""
    return {
        str(name): Side(tuple(part["model"]), on or condition(), str(part["unit"].iloc[0]))
        for name, part in models.groupby("network", sort=False)
    }


def _zoo(models: pd.DataFrame) -> pd.DataFrame:
    whole = intact(models)
    return whole[whole["role"] != "matched"]


def _trainings(models: pd.DataFrame, *, robust: bool, on: str = "") -> Iterator[Comparison]:
    """Robust weights, or none that were learned, against standard ones of an architecture."""
    zoo = _zoo(models)
    first = set(zoo.loc[zoo["is_source"].astype(bool), "arch"])
    for arch in sorted(zoo["arch"].unique(), key=lambda name: (name not in first, name)):
        one = zoo[zoo["arch"] == arch]
        standard = _seeds(one[one["training"] == "standard"], on)
        chosen = one[one["robust"]] if robust else one[one["training"] == "random"]
        for training, part in chosen.groupby("training"):
            pairs = tuple(_crossed(_seeds(part, on).values(), standard.values()))
            group = "robust weights" if robust else "untrained weights"
            yield Comparison(group, f"{arch}: {training} - standard", pairs)


def _family(models: pd.DataFrame, family: str = "VGG", *, on: str = "") -> Iterator[Comparison]:
    """The family in question against every other architecture, and against the contestants' mean.

    AlexNet, a control, is shown and left out of the mean.
    """
    zoo = _zoo(models)
    zoo = zoo[zoo["training"] == "standard"]
    contestant = zoo["role"].isin(("contestant", "replicate"))
    ours = _seeds(zoo[contestant & (zoo["family"] == family)], on)
    others = _seeds(zoo[contestant & (zoo["family"] != family)], on)
    if not ours:
        return
    for name, side in {**others, **_seeds(zoo[zoo["role"] == "control"], on)}.items():
        yield Comparison(family, f"{family} - {name}", tuple(_crossed(ours.values(), [side])))
    together = Side(tuple(m for side in ours.values() for m in side.models), on or condition())
    if len(others) > 1:
        pairs = tuple((together, side) for side in others.values())
        yield Comparison(family, f"{family} - mean of the others", pairs)


def _elsewhere(models: pd.DataFrame, group: str, on: str) -> Iterator[Comparison]:
    """The two main comparisons under another condition."""
    for one in (*_trainings(models, robust=True, on=on), *_family(models, on=on)):
        yield replace(one, group=group, name=f"{group}: {one.name}")


def _priors(models: pd.DataFrame) -> Iterator[Comparison]:
    whole = intact(models)
    yield from _each_and_mean(
        "features",
        f"{PRIORS} - {WITHOUT_PRIORS} alone",
        whole,
        _seeds(whole, PRIORS),
        on=WITHOUT_PRIORS,
    )


def _variants(models: pd.DataFrame) -> Iterator[Comparison]:
    """Other parameterisations, everything else equal."""
    whole = intact(models)
    for variant in PARAMETERIZATIONS:
        yield from _each_and_mean(
            "parameterisation", f"{variant} - pixel", whole, _seeds(whole, condition(variant)),
        )  # fmt: skip
    for variant in RANDOM_VIEWS:  # optimised by Adam, so that L-BFGS is no part of this difference
        yield from _each_and_mean(
            "parameterisation", f"{variant} - {ADAM}", whole, _seeds(whole, condition(variant)),
            on=condition(ADAM),
        )  # fmt: skip


def _taps(models: pd.DataFrame, measured: Iterable[str]) -> Iterator[Comparison]:
    """Every other choice of taps that was measured against the matched ones."""
    whole = intact(models)
    for pattern, group in ((_OTHER_TAPS, "taps"), (_SOME_TAPS, TAP_CHOICE)):
        for found in filter(None, map(pattern.fullmatch, measured)):
            name = f"{found['taps']} - {TAPS}"
            yield from _each_and_mean(group, name, whole, _seeds(whole, found[0]))


def _surgeries(models: pd.DataFrame) -> Iterator[Comparison]:
    whole = intact(models)
    parts = models["model"].str.partition("+")
    for surgery in sorted(set(parts[2]) - {""}):
        changed = models[parts[2] == surgery]
        changed = changed.assign(network=changed["network"].str.partition("+")[0])
        yield from _each_and_mean("surgery", f"{surgery} - intact", whole, _seeds(changed))


def _each_and_mean(
    group: str, name: str, whole: pd.DataFrame, changed: dict[str, Side], *, on: str = ""
) -> Iterator[Comparison]:
    """Every network changed against itself, plain or under ``on``, and the mean over units."""
    plain = _seeds(whole, on)
    long = set(whole.loc[whole["role"] == "matched", "network"])
    pairs = {key: (side, plain[key]) for key, side in changed.items() if key in plain}
    for key, pair in pairs.items():
        named = f"{group}, matched nets {ONE_BY_ONE}" if key in long else group
        yield Comparison(named, f"{key}: {name}", (pair,), same_weights=True)
    if len(pairs) > 1:
        together = tuple(pairs.values())
        yield Comparison(group, f"mean over networks: {name}", together, same_weights=True)


def _switches(models: pd.DataFrame) -> Iterator[Comparison]:
    """Matched nets that differ in one switch only."""
    nets = factory(models)
    for switch, first, second in changes(models):
        others = [name for name in SWITCHES if name != switch]
        pairs: list[tuple[Side, Side]] = []
        for _, part in nets.groupby(others):
            sides = [_seeds(part[part[switch] == level]) for level in (first, second)]
            pairs += _crossed(*(side.values() for side in sides))
        name = said((switch, first, second))
        yield Comparison("matched nets", name, tuple(pairs), "matched pairs")


def _smoothings(models: pd.DataFrame) -> Iterator[Comparison]:
    """Against the plain method, and against layer weights that were tuned as freely."""
    whole = intact(models)
    against_plain = [(one, "plain", "") for one in (*SMOOTHINGS, BEST_LAYERS)]
    tuned = [(one, BEST_LAYERS, condition(BEST_LAYERS)) for one in SMOOTHINGS]
    for variant, second, on in (*against_plain, *tuned):
        changed, known = _seeds(whole, condition(variant)), _seeds(whole, on)
        name = f"{variant} - {second}"
        for residual, whose in ((True, "residual"), (False, "non-residual")):
            some = set(whole.loc[whole["residual"].astype(bool) == residual, "network"])
            pairs = tuple((changed[key], known[key]) for key in changed if key in some)
            yield Comparison("smoothing", f"{whose} networks: {name}", pairs, same_weights=True)
        for key in changed if on else ():  # few networks have tuned weights, so each is shown
            pair = (changed[key], known[key])
            yield Comparison("smoothing", f"{key}: {name}", (pair,), same_weights=True)


def _crossed(first: Iterable[Side], second: Collection[Side]) -> Sequence[tuple[Side, Side]]:
    """Each of the first with each of the second."""
    return [(a, b) for a in first for b in second]
