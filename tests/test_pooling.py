"""Pooled evidence: whole columns, pictures by run, and nothing that does not compare."""

from dataclasses import replace

import pandas as pd
import pytest

from analysis.evidence import Evidence, Origin, origin
from analysis.pooling import pool
from results.store import StoreError

FIRST = Origin("cifar10", "r50", "lite0", {"vgg": "aa", "r50": "bb"}, {"ihc": "11"},
               frozenset({"128px"}), 1000)  # fmt: skip
SECOND = Origin("lens", "r50", "lite0", {"vgg": "aa", "alex": "cc"}, {"coffee": "22"},
                frozenset(), 100)  # fmt: skip


def part(source: Origin, models: list[str], cases: list[str], **columns: object) -> Evidence:
    table = pd.DataFrame({"model": models, "family": [m.upper() for m in models], **columns})
    pictures = pd.DataFrame({
        "model": "vgg", "case": cases, "condition": "c", "seed": 0, "progress": 0.1 * len(cases),
    })  # fmt: skip
    return Evidence(table.assign(arch=models, is_source=False), pictures, 100, 0, (source,))


@pytest.fixture
def parts() -> list[Evidence]:
    nothing = [None, None]
    return [
        part(FIRST, ["vgg", "r50"], ["ihc"], fooling=[0.3, None], fooling_low=nothing,
             fooling_n=[9, 0], ratio=nothing, ratio_n=[0, 0]),
        part(SECOND, ["vgg", "alex"], ["ihc", "coffee"], fooling=[0.9, 0.8],
             fooling_low=[0.7, 0.6], ratio=[0.1, 0.2], ratio_n=[5, 5]),
    ]  # fmt: skip


def test_a_column_comes_whole_and_with_its_interval(parts: list[Evidence]) -> None:
    table = pool(parts).table.set_index("model")
    assert list(table.index) == ["alex", "r50", "vgg"]
    assert table.loc["vgg", "fooling"] == 0.3
    # no cell of another run where the first one did not measure, neither of its ends
    assert table.loc[["alex", "r50"], "fooling"].isna().all()
    assert table["fooling_low"].isna().all()
    assert table["ratio"].dropna().to_dict() == {"alex": 0.2, "vgg": 0.1}
    assert table["ratio_n"].dropna().to_dict() == {"alex": 5, "vgg": 5}
    assert table.loc["alex", "family"] == "ALEX" and table.loc["r50", "is_source"] == False  # noqa: E712


def test_pictures_keep_their_run(parts: list[Evidence]) -> None:
    pictures = pool(parts).pictures.set_index(["run", "case"])["progress"]
    assert pictures.round(6).to_dict() == {(0, "ihc"): 0.1, (1, "ihc"): 0.2, (1, "coffee"): 0.2}


def test_one_part_stays_what_it_was(parts: list[Evidence]) -> None:
    alone = pool(parts[:1])
    pd.testing.assert_frame_equal(
        alone.table.set_index("model").sort_index(),
        parts[0].table.set_index("model").sort_index(), check_like=True,
    )  # fmt: skip
    assert [one.run for one in pool(parts).origins] == ["cifar10", "lens"]


@pytest.mark.parametrize(
    ("other", "what"),
    [
        (replace(SECOND, source="vgg"), "the source"),
        (replace(SECOND, judge="lite1"), "the judge"),
        (replace(SECOND, sizes=frozenset({"64px"})), "the size of pictures"),
        (replace(SECOND, weights={"vgg": "ff"}), "the sha256 of vgg"),
        (replace(SECOND, pictures={"ihc": "ff"}), "the sha256 of picture ihc"),
    ],
)
def test_what_does_not_compare_is_refused(parts: list[Evidence], other: Origin, what: str) -> None:
    with pytest.raises(StoreError, match=f"cifar10 and lens cannot be pooled, {what} differs"):
        pool([parts[0], replace(parts[1], origins=(other,))])


def test_an_origin_is_read_from_a_manifest() -> None:
    found = origin("run", {
        "source": "r50", "judge": "lite0", "models": {"vgg": {"sha256": "aa"}},
        "pictures": {"ihc": "11"}, "images": {"n": 7},
        "cells": {"style/vgg/content-start/matched/128px/seed0": "style/x", "transfer/v/s": "t/y"},
    })  # fmt: skip
    assert found == Origin("run", "r50", "lite0", {"vgg": "aa"}, {"ihc": "11"},
                           frozenset({"128px"}), 7)  # fmt: skip
    assert origin("bare", {}) == Origin("bare")
