"""Evidence of several runs as one, so that a claim may use what no single run has.

Rows are never mixed, and neither are cells of a column: runs attack different images and stylise
different pictures, so half a column from each would compare networks by their runs. A column comes
whole from the first run that measured it, with its interval and its n; models that this run did not
measure have none. Pictures stay all of them, marked by their run, for two machines make the same
picture a little differently: what compares pictures takes both from one run.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations

import pandas as pd

from analysis.evidence import Evidence, Origin
from analysis.tables import FACTS
from results.store import StoreError

_ABOUT = ["model", *FACTS, "is_source", "log_params", "robust_training"]  # known of any model
_COMPANIONS = ("_low", "_high", "_n")


def pool(parts: Sequence[Evidence]) -> Evidence:
    """One evidence of several, the earlier ones first; how to resample is the first one's.

    Args:
        parts: at least one, each of one run, in order of preference.

    Raises:
        StoreError: they were made on different sources, judges, sizes, weights or pictures.
    """
    origins = tuple(one for part in parts for one in part.origins)
    for first, second in combinations(origins, 2):
        _agree(first, second)
    marked = [part.pictures.assign(run=place) for place, part in enumerate(parts)]
    pictures = pd.concat(marked, ignore_index=True)
    table = _pooled([part.table for part in parts])
    return replace(parts[0], table=table, pictures=pictures, origins=origins)


def _agree(first: Origin, second: Origin) -> None:
    """Refuse two runs whose numbers do not compare."""
    for what, a, b in _shared(first, second):
        if a != b:
            raise StoreError(
                f"{first.run} and {second.run} cannot be pooled, {what} differs ({a}, {b}): "
                "renew one of them, or name runs that agree"
            )


def _shared(first: Origin, second: Origin) -> Iterator[tuple[str, object, object]]:
    yield "the source", first.source, second.source
    yield "the judge", first.judge, second.judge
    if first.sizes and second.sizes:
        yield "the size of pictures", _listed(first.sizes), _listed(second.sizes)
    yield from _by_name("the sha256 of", first.weights, second.weights)
    yield from _by_name("the sha256 of picture", first.pictures, second.pictures)


def _by_name(
    what: str, first: Mapping[str, str], second: Mapping[str, str]
) -> Iterator[tuple[str, object, object]]:
    for name in sorted(first.keys() & second.keys()):
        yield f"{what} {name}", first[name][:12], second[name][:12]


def _listed(sizes: frozenset[str]) -> str:
    return " and ".join(sorted(sizes))


def _pooled(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Whole columns, each from the first table with a number in it; one row a model of any."""
    known = [name for name in _ABOUT if all(name in table for table in tables)]
    about = pd.concat([table[known] for table in tables]).drop_duplicates("model")
    about = about.sort_values("model").set_index("model")
    columns: dict[str, pd.Series] = {}
    for name in dict.fromkeys(name for table in tables for name in table if name not in known):
        chosen = _first_with(tables, _stem(str(name), tables))
        if name in chosen:
            columns[str(name)] = chosen.set_index("model")[name]
    return about.join(pd.DataFrame(columns, index=about.index)).reset_index()


def _first_with(tables: Sequence[pd.DataFrame], column: str) -> pd.DataFrame:
    """The first table with a number in this column; the first that has it where none does."""
    having = [table for table in tables if column in table]
    return next((table for table in having if table[column].notna().any()), having[0])


def _stem(name: str, tables: Sequence[pd.DataFrame]) -> str:
    """The column that this one is an end of the interval of, or the n; else its own name."""
    stems = [name.removesuffix(end) for end in _COMPANIONS if name.endswith(end)]
    return next((stem for stem in stems if any(stem in table for table in tables)), name)
