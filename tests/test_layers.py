"""Layer displacements against singular values, and the suite on an untrained network."""

from collections import OrderedDict
from pathlib import Path

import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from bench.cells import Cell, run_cell
from bench.layers import Layer, displacement, random_displacement, spread
from bench.suite_layers import Layers
from results.schema import validate
from tests.nets import ONE, ZERO
from tests.tiny import inputs, spec
from zoo.load import Classifier, Encoder
from zoo.taps import tap_set

SIDE = 6
GREY = torch.full((5, 3, SIDE, SIDE), 0.5)
PIXELS = 3 * SIDE * SIDE
norms = pytest.mark.parametrize(("norm", "eps"), [("l2", 0.3), ("linf", 0.02)])


def linear_tap(weight: Tensor) -> Layer:
    """An encoder whose tap is weight @ pixels."""
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=False)
    layer.weight = nn.Parameter(weight, requires_grad=False)
    net = nn.Sequential(OrderedDict(flat=nn.Flatten(), tap=layer))
    encoder = Encoder(Classifier(net, ZERO, ONE), ["tap"])
    return lambda images: encoder(images)["tap"]


def gaussian(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(4))


def test_the_largest_displacement_of_a_linear_layer_is_its_top_singular_value_times_eps() -> None:
    turn, _, back = torch.linalg.svd(gaussian(20, PIXELS), full_matrices=False)
    weight = turn @ torch.diag(torch.tensor([5.0] + [3.0] * 19)) @ back
    found = displacement(linear_tap(weight), GREY, norm="l2", eps=0.3, steps=40, seed=0)
    torch.testing.assert_close(found, torch.full((5,), 0.3 * 5.0), rtol=0.003, atol=0)


def test_a_single_unit_under_linf_moves_by_the_sum_of_its_weights() -> None:
    weight = gaussian(1, PIXELS)
    found = displacement(linear_tap(weight), GREY, norm="linf", eps=0.02, steps=10, seed=0)
    torch.testing.assert_close(found, torch.full((5,), 0.02 * float(weight.abs().sum())))


@norms
def test_a_quadratic_layer_at_its_centre_moves_by_the_square_of_the_radius(
    norm: str, eps: float
) -> None:
    """f = sum a d^2: at most a_max eps^2 in the L2 ball, sum(a) eps^2 at the cube's corners."""
    weight = torch.rand(PIXELS, generator=torch.Generator().manual_seed(4))
    weight[7] = 5.0

    def layer(images: Tensor) -> Tensor:
        return ((images - 0.5).flatten(1).square() * weight).sum(dim=1, keepdim=True)

    found = displacement(layer, GREY, norm=norm, eps=eps, steps=60, seed=0)
    largest = float(weight.max() if norm == "l2" else weight.sum()) * eps**2
    torch.testing.assert_close(found, torch.full((5,), largest), rtol=0.01, atol=0)


@pytest.mark.parametrize("scale", [0.1, 7.0])
def test_a_scaled_identity_moves_all_ways_alike(scale: float) -> None:
    layer = linear_tap(scale * torch.eye(PIXELS))
    images = 0.3 + 0.4 * torch.rand(GREY.shape, generator=torch.Generator().manual_seed(0))
    pushed = displacement(layer, images, norm="l2", eps=0.2, steps=3, seed=0)
    drifted = random_displacement(layer, images, norm="l2", eps=0.2, seed=0)
    expected = torch.full((5,), 0.2 * scale)
    torch.testing.assert_close(pushed, expected, rtol=1e-4, atol=0)
    torch.testing.assert_close(drifted, expected, rtol=1e-4, atol=0)
    apart = torch.pdist(images.flatten(1)).mean() * scale
    torch.testing.assert_close(spread(layer(images)).mean(), apart)
    # hence R = eps / E||x1 - x2||, whatever the scale
    ratio = pushed.mean() / spread(layer(images)).mean()
    torch.testing.assert_close(ratio, 0.2 * scale / apart, rtol=1e-4, atol=0)


@norms
def test_noise_has_the_mean_square_of_a_random_direction(norm: str, eps: float) -> None:
    weight = gaussian(20, PIXELS)
    many = torch.full((4000, 3, SIDE, SIDE), 0.5)
    found = random_displacement(linear_tap(weight), many, norm=norm, eps=eps, seed=0)
    # E||W d||^2 = ||W||_F^2 E||d||^2 / n for directions without a preference
    length = eps**2 if norm == "l2" else eps**2 * PIXELS
    expected = float(weight.square().sum()) * length / PIXELS
    assert float(found.square().mean()) == pytest.approx(expected, rel=0.03)


@given(st.integers(0, 1000), st.sampled_from(["l2", "linf"]), st.integers(1, 4))
@settings(max_examples=25, deadline=None)
def test_the_adversary_is_never_weaker_than_its_own_start(seed: int, norm: str, steps: int) -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten()).requires_grad_(False)
    images = torch.rand(3, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))
    how = {"norm": norm, "eps": 0.05, "seed": seed}
    pushed = displacement(net, images, steps=steps, **how)
    assert (pushed >= random_displacement(net, images, **how) * (1 - 1e-5)).all()


def test_the_spread_of_points_on_a_line() -> None:
    found = spread(torch.tensor([[0.0, 0.0], [3.0, 4.0], [6.0, 8.0]]))
    assert found.tolist() == [7.5, 5.0, 7.5]


def test_near_neighbours_keep_their_distance() -> None:
    points = torch.full((2, 1000), 100.0)
    points[1, 0] += 0.01
    torch.testing.assert_close(spread(points), torch.full((2,), 0.01), rtol=1e-2, atol=0)


def test_one_picture_has_no_spread() -> None:
    with pytest.raises(ValueError, match="two pictures"):
        spread(torch.zeros(1, 4))


def test_a_cell_holds_every_tap_radius_and_picture(tmp_path: Path) -> None:
    suite = Layers(eps=(0.25, 0.5), steps=2, first=5, batch=3)
    cell, fed = Cell(spec("vgg_c10"), suite, 0), inputs(tmp_path)
    ticks: list[float] = []
    rows = validate(run_cell(cell, fed, tick=ticks.append))
    pd.testing.assert_frame_equal(rows, validate(run_cell(cell, fed)))
    assert len(ticks) == suite.work(fed)
    taps = tap_set(cell.spec, "matched").every
    expected = {*taps, *(f"{tap}/l2_{eps}" for tap in taps for eps in ("0.25", "0.50"))}
    assert set(rows["condition"]) == expected
    assert (rows.groupby(["condition", "metric"])["case"].nunique() == 5).all()
    depths = rows[rows["metric"] == "layer_spread"].groupby("condition")["step"].first()
    assert [depths[tap] for tap in taps] == list(range(1, len(taps) + 1))
    wide = rows.pivot(index=["case", "condition"], columns="metric", values="value").dropna(
        subset="layer_displacement"
    )
    assert (wide["layer_displacement"] >= wide["layer_displacement_noise"] * (1 - 1e-5)).all()
    assert cell.key == "layers/vgg_c10.random-s0/l2/seed0"
