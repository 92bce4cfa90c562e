"""Marked numbers of a note follow the table; whatever is not marked stays."""

from pathlib import Path

import pandas as pd
import pytest

from analysis.notes import renew, renewed, rows_of
from results.store import StoreError

TABLE = pd.DataFrame({
    "comparison": ["VGG - r50", "VGG - r50"], "score": ["progress", "excess_2"],
    "effect": [0.123, -4.56], "low": [-0.1, -9.0], "high": [0.35, 0.04],
})  # fmt: skip
NOTE = (
    "VGG: +0.99 [+0.98, +1.00]<!-- VGG - r50 | progress -->, unmarked +0.10 [+0.00, +0.20], and "
    "+1.0 [+0.0, +2.0]<!-- VGG - r50 | excess_2 --> dB (5 pairs)."
)
WANTED = (
    "VGG: +0.12 [-0.10, +0.35]<!-- VGG - r50 | progress -->, unmarked +0.10 [+0.00, +0.20], and "
    "-4.6 [-9.0, +0.0]<!-- VGG - r50 | excess_2 --> dB (5 pairs)."
)


def test_marked_numbers_follow_the_table_with_their_digits() -> None:
    assert renewed(NOTE, TABLE) == WANTED
    assert renewed(WANTED, TABLE) == WANTED


def test_a_note_is_renewed_in_place(tmp_path: Path) -> None:
    (tmp_path / "analysis").mkdir()
    (tmp_path / "README.md").write_text(NOTE)
    with pytest.raises(StoreError, match=r"contrasts\.csv cannot be read: name an analysed run"):
        renew(tmp_path)
    TABLE.to_csv(tmp_path / "analysis" / "contrasts.csv", index=False)
    assert renew(tmp_path).read_text() == WANTED


def test_a_mark_without_a_row_is_refused() -> None:
    with pytest.raises(StoreError, match=r"no row VGG - r50 \| palette in this run"):
        renewed("+0.1 [+0.0, +0.2]<!-- VGG - r50 | palette -->", TABLE)


def test_a_number_without_an_interval_is_refused() -> None:
    lone = TABLE.assign(low=[float("nan")] * 2)
    with pytest.raises(StoreError, match="has no interval in this run"):
        renewed(NOTE, lone)


def test_scores_of_models_are_rows_too_and_take_a_sign_only_where_one_stood(tmp_path: Path) -> None:
    (tmp_path / "analysis").mkdir()
    TABLE.to_csv(tmp_path / "analysis" / "contrasts.csv", index=False)
    pd.DataFrame({
        "model": ["vgg", "r50"], "robust[l2_0.25]": [0.384, -0.2], "params": [1, 2],
        "robust[l2_0.25]_low": [0.3, -0.41], "robust[l2_0.25]_high": [0.4, 0.1],
    }).to_csv(tmp_path / "analysis" / "models.csv", index=False)  # fmt: skip
    rows = rows_of(tmp_path)
    assert len(rows) == len(TABLE) + 2
    note = (
        "{} [0.1, 0.2]<!-- vgg | robust[l2_0.25] -->, {} [+0.1, +0.2]<!-- r50 | robust[l2_0.25] -->"
    )
    wanted = note.format("0.4", "-0.2").replace("[0.1, 0.2]", "[0.3, 0.4]")
    wanted = wanted.replace("[+0.1, +0.2]", "[-0.4, +0.1]")
    assert renewed(note.format("0.9", "+0.9"), rows) == wanted
    plain = "0.9 [0.1, 0.2]<!-- r50 | robust[l2_0.25] -->"
    assert renewed(plain, rows).startswith("-0.2 [-0.4, 0.1]<")
    with pytest.raises(StoreError, match=r"no row vgg \| params"):
        renewed("1.0 [1.0, 1.0]<!-- vgg | params -->", rows)
