"""Random views: nothing made up comes into sight, a ramp shows the angle and the scale."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.transforms import DEGREES, JITTER, ZOOM, random_view

SIZES = [(16, 16), (32, 48), (96, 64)]
SEEDS = st.integers(0, 2**31)


@pytest.mark.parametrize(("height", "width"), SIZES)
@settings(max_examples=25, deadline=None)
@given(seed=SEEDS, value=st.floats(-1, 2))
def test_a_constant_picture_stays_constant(
    height: int, width: int, seed: int, value: float
) -> None:
    image = torch.full((1, 3, height, width), value)
    torch.testing.assert_close(random_view(image, seed=seed), image, atol=1e-5, rtol=1e-5)


@settings(max_examples=25, deadline=None)
@given(seed=SEEDS)
def test_a_ramp_shows_an_angle_a_scale_and_a_shift_within_bounds(seed: int) -> None:
    ramp = torch.arange(64.0).expand(1, 3, 64, 64)
    seen = random_view(torch.cat([ramp, ramp.mT]), seed=seed)[:, 0, 20:44, 20:44]
    down, across = (seen.diff(dim=axis).mean(dim=(1, 2)) for axis in (1, 2))
    slope = torch.hypot(down, across)
    assert ((slope > 1 / (1 + ZOOM) - 1e-3) & (slope < 1 / (1 - ZOOM) + 1e-3)).all()
    angle = torch.atan2(down[0], across[0]).abs()
    assert float(angle) <= math.radians(DEGREES) + 1e-3
    centre = seen.mean(dim=(1, 2)) - 31.5
    assert centre.abs().max() <= (JITTER + 0.5) / (1 - ZOOM) * 1.2  # turned, so a little of both
    assert seen.std(dim=0).max() > 0  # the two ramps are turned alike, not made equal


def test_the_same_seed_is_the_same_view() -> None:
    image = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    first, again, other = (random_view(image, seed=s) for s in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(random_view(image[1:], seed=1), first[1:])  # all pictures alike


def test_the_global_generator_is_left_alone() -> None:
    before = torch.get_rng_state()
    random_view(torch.rand(1, 3, 16, 16, generator=torch.Generator()), seed=5)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_gradients_reach_the_picture(height: int, width: int) -> None:
    image = torch.full((1, 3, height, width), 0.5).requires_grad_()
    (gradient,) = torch.autograd.grad(random_view(image, seed=3).sum(), image)
    assert float(gradient.sum()) == pytest.approx(image.numel(), rel=1e-4)  # weights sum to 1
    assert (gradient[..., height // 2, width // 2] > 0.5).all()
