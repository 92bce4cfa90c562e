"""Every model as a source: named in the rows, its pictures made once."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from analysis.transfer_columns import clean_answers, transfer_facts
from bench.attacks import MI
from bench.cells import Cell, digest, run_cell
from bench.crafted import all_crafted, crafted
from bench.inputs import Inputs
from bench.sources import prefix, source_model
from bench.suite_transfer import Transfer
from bench.transfer import Attack, Crafted
from results.schema import validate
from results.store import held
from tests.tiny import ATTACKS, inputs, spec
from zoo.catalog import ZOO, UnknownModelError

VGG, RESNET, OTHER = spec("vgg_c10"), spec("resnet50_c10"), spec("resnet18_c10")
ATTACK = ATTACKS[:1]


@pytest.fixture(autouse=True)
def _in_the_catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    for known in (VGG, RESNET, OTHER):
        monkeypatch.setitem(ZOO, known.name, known)


def files(run: Path) -> list[str]:
    return sorted(file.name for file in (run / "artifacts/adversarial").glob("*.safetensors"))


def test_the_run_s_source_by_its_name_is_the_run_s_source(tmp_path: Path) -> None:
    fed = inputs(tmp_path)
    plain = run_cell(Cell(VGG, Transfer(ATTACK), 0), fed)
    named = run_cell(Cell(VGG, Transfer(ATTACK, sources=(RESNET.name,)), 0), fed)
    assert len(files(tmp_path)) == 1
    start = f"from={RESNET.name}/"
    assert named["condition"].str.startswith(start).all()
    named["condition"] = named["condition"].str.removeprefix(start)
    pd.testing.assert_frame_equal(plain, named)


def test_a_source_s_pictures_are_made_once_for_all_targets(tmp_path: Path) -> None:
    fed = inputs(tmp_path)
    for target in (VGG, OTHER, RESNET):
        for source in (VGG, OTHER):
            suite = Transfer(ATTACK, sources=(source.name,))
            validate(run_cell(Cell(target, suite, 0), fed))
    assert len(files(tmp_path)) == 2


def test_pictures_that_another_process_makes_come_last(tmp_path: Path) -> None:
    fed = inputs(tmp_path)
    first, *others = (Attack("l2", eps / 8, "noise") for eps in range(1, 4))
    crafted(fed, first, seed=0)
    (name,) = files(tmp_path)
    theirs = tmp_path / "artifacts" / "adversarial" / name
    theirs.unlink()
    with held(theirs, wait=True):
        pictures = all_crafted(fed, (first, *others), seed=0)
        assert [next(pictures).attack for _ in others] == others
    assert next(pictures).attack == first
    assert len(files(tmp_path)) == 3
    with held(theirs, wait=True):  # nobody waits for what is there
        assert [made.attack for made in all_crafted(fed, (first, *others), seed=0)] == [
            first, *others,
        ]  # fmt: skip


def test_rows_stand_in_the_attacks_order_whenever_pictures_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(fed: Inputs, attacks: Sequence[Attack], **which: Any) -> Iterator[Crafted]:
        return all_crafted(fed, attacks[::-1], **which)

    monkeypatch.setattr("bench.suite_transfer.all_crafted", late)
    attacks = tuple(Attack("l2", eps / 8, "noise") for eps in range(1, 8))
    rows = run_cell(Cell(VGG, Transfer(attacks), 0), inputs(tmp_path))
    assert list(rows["condition"].unique()) == ["clean", *(a.condition for a in attacks)]


def test_other_sources_make_other_pictures_under_other_addresses(tmp_path: Path) -> None:
    fed = inputs(tmp_path)
    named = [(), (VGG.name,), (OTHER.name,), (VGG.name, OTHER.name)]
    made = [crafted(fed, ATTACK[0], seed=0, sources=sources).images for sources in named]
    cells = [Cell(VGG, Transfer(ATTACK, sources=sources), 0) for sources in named]
    for i in range(len(named)):
        assert not any(torch.equal(made[i], made[j]) for j in range(i))
    assert len({digest(cell, fed) for cell in cells}) == len({cell.key for cell in cells}) == 4
    assert cells[3].key == f"transfer/{VGG.name}/from={VGG.name}+{OTHER.name}/seed0"


def test_a_method_makes_pictures_of_its_own(tmp_path: Path) -> None:
    fed = inputs(tmp_path)
    moved = replace(ATTACK[0], method=MI)
    rows = validate(run_cell(Cell(VGG, Transfer((*ATTACK, moved)), 0), fed))
    assert {"l2_0.50/untargeted", "l2_0.50/mi/untargeted"} <= set(rows["condition"])
    assert len(files(tmp_path)) == 2


def test_an_ensemble_answers_with_the_mean_of_its_logits(tmp_path: Path) -> None:
    fed = inputs(tmp_path)
    x = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    single = [source_model((known.name,), fed)(x) for known in (VGG, OTHER)]
    both = source_model((VGG.name, OTHER.name), fed)
    torch.testing.assert_close(both(x), (single[0] + single[1]) / 2)
    assert not both.training


def test_a_source_nobody_knows_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnknownModelError, match="vgg_c11"):
        digest(Cell(VGG, Transfer(ATTACK, sources=("vgg_c11.standard",)), 0), inputs(tmp_path))


def test_columns_of_the_run_s_source_ignore_the_other_sources(tmp_path: Path) -> None:
    fed = inputs(tmp_path)
    own = run_cell(Cell(VGG, Transfer(ATTACK), 0), fed)
    other = run_cell(Cell(VGG, Transfer(ATTACK, sources=(OTHER.name,)), 0), fed)
    rows = validate(pd.concat([own, other], ignore_index=True))
    pd.testing.assert_frame_equal(
        transfer_facts(rows, RESNET.name), transfer_facts(own, RESNET.name)
    )
    pd.testing.assert_frame_equal(clean_answers(rows), clean_answers(own))


def test_conditions_begin_with_the_source() -> None:
    assert prefix(()) == ""
    assert prefix(("a.b", "c.d")) == "from=a.b+c.d/"
    assert Attack("l2", 0.5, "noise").condition == "l2_0.50/noise"
