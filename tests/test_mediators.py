"""Gradient size, alignment and loss variance of linear models, and the suites."""

from pathlib import Path

import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity

from bench.cells import Cell, digest, run_cell
from bench.mediators import alignment, gradient_norms, gradients, loss_variance
from bench.suite_mediators import Alignment, Sensitivity
from results.schema import validate
from tests.nets import linear
from tests.tiny import inputs, spec
from zoo.catalog import ZOO

SHAPE = (3, 8, 8)
GREY = torch.full((4, *SHAPE), 0.5)
ZEROS = torch.zeros(4, dtype=torch.int64)


def weight(seed: int) -> Tensor:
    return torch.randn(SHAPE, generator=torch.Generator().manual_seed(seed))


def on_the_boundary(w: Tensor) -> nn.Module:
    """Two classes with logits +-(w.x + b), which grey pictures are exactly between."""
    return linear(w, bias=-float((0.5 * w).sum()))


def test_the_gradient_norm_of_a_linear_model() -> None:
    """d/dx of log(1 + exp(-2 m)) is -2 w sigmoid(-2 m): on the boundary, w."""
    w = weight(1)
    found = gradients(on_the_boundary(w), GREY, ZEROS)
    torch.testing.assert_close(found, -w.expand_as(found), atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(gradient_norms(found), w.norm().expand(4))


@given(st.integers(0, 1000), st.integers(0, 1000), st.floats(0.1, 10))
@settings(max_examples=25, deadline=None)
def test_the_alignment_of_linear_models_is_the_cosine_of_their_weights(
    first: int, second: int, scale: float
) -> None:
    a, b = weight(first), weight(second)
    found = alignment(
        gradients(on_the_boundary(scale * a), GREY, ZEROS),
        gradients(on_the_boundary(b), GREY, ZEROS),
    )
    expected = cosine_similarity(a.flatten(), b.flatten(), dim=0).expand(4)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
    assert (found <= 1).all() and (found >= -1).all()


def test_a_gradient_of_nothing_is_aligned_with_nothing() -> None:
    assert alignment(torch.zeros(2, *SHAPE), torch.ones(2, *SHAPE)).tolist() == [0, 0]
    tiny = 1e-12 * torch.ones(2, *SHAPE)
    torch.testing.assert_close(alignment(tiny, tiny), torch.ones(2))


class Loss(nn.Module):
    """Logits (0, softplus-inverse of s.x): the cross-entropy of class 0 is s.x + c, linear."""

    def __init__(self, slope: Tensor) -> None:
        super().__init__()
        self.slope = slope

    def forward(self, images: Tensor) -> Tensor:
        loss = 5 + ((images - 0.5) * self.slope).flatten(1).sum(dim=1).double()
        return torch.stack([torch.zeros_like(loss), torch.expm1(loss).log()], dim=1)


def test_the_variance_of_a_linear_loss_is_its_slope_s_share_of_the_noise() -> None:
    """Var(s.d) = eps^2 |s|^2 / n for d uniform on the sphere of radius eps in n dimensions."""
    slope = weight(2)
    many = torch.full((500, *SHAPE), 0.5)
    found = loss_variance(
        Loss(slope), many, torch.zeros(500).long(), norm="l2", eps=0.4, draws=8, seed=0
    )
    expected = 0.4**2 * float(slope.square().sum()) / slope.numel()
    assert float(found.mean()) == pytest.approx(expected, rel=0.1)
    assert found.shape == (500,)


def test_a_flat_loss_does_not_vary_and_one_draw_is_refused() -> None:
    flat = Loss(torch.zeros(SHAPE))
    how = {"norm": "l2", "eps": 0.4, "seed": 0}
    found = loss_variance(flat, GREY, ZEROS, draws=3, **how)
    torch.testing.assert_close(found, torch.zeros(4, dtype=torch.float64))
    with pytest.raises(ValueError, match="two draws"):
        loss_variance(flat, GREY, ZEROS, draws=1, **how)


def test_cells_of_both_suites(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fed, vgg, resnet = inputs(tmp_path), spec("vgg_c10"), spec("resnet18_c10")
    for known in (vgg, resnet):
        monkeypatch.setitem(ZOO, known.name, known)
    suite = Sensitivity(draws=2, batch=3)
    ticks: list[float] = []
    rows = validate(run_cell(Cell(vgg, suite, 0), fed, tick=ticks.append))
    pd.testing.assert_frame_equal(rows, validate(run_cell(Cell(vgg, suite, 0), fed)))
    assert len(ticks) == suite.work(fed) == 3
    assert rows.groupby(["condition", "metric"]).size().to_dict() == {
        ("clean", "gradient_norm"): 8, ("l2_0.50/noise", "loss_variance"): 8,
    }  # fmt: skip
    there = Cell(vgg, Alignment((resnet.name,)), 0)
    back = Cell(resnet, Alignment((vgg.name,)), 0)
    values = [validate(run_cell(cell, fed))["value"] for cell in (there, back)]
    pd.testing.assert_series_equal(*values, rtol=1e-4)
    own = validate(run_cell(Cell(vgg, Alignment((vgg.name,)), 0), fed))
    assert own["value"].to_list() == pytest.approx([1.0] * 8, abs=1e-5)
    assert own["condition"].unique().tolist() == [f"from={vgg.name}/clean"]
    assert digest(there, fed) != digest(Cell(vgg, Alignment((vgg.name,)), 0), fed)
