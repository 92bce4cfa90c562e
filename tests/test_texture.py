"""The texture distance against closed forms, shuffled pictures and textures known by eye."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.pictures import bundled
from bench.texture import SMALLEST_SIDE, texture_distance
from tests.test_quality import random_pictures


def photograph(name: str, size: int = 96) -> torch.Tensor:
    return bundled(name, size=size).pixels[None]


def test_a_texture_is_at_no_distance_from_itself_and_a_flat_picture_at_one() -> None:
    a = photograph("gravel")
    assert texture_distance(a, a).item() == 0
    for level in (0.0, 0.5, 1.0):
        assert texture_distance(torch.full_like(a, level), a).item() == pytest.approx(1, abs=1e-4)


@settings(max_examples=15, deadline=None)
@given(st.floats(0, 3), st.floats(-1, 1), st.integers(0, 3))
def test_scaling_the_contrast_has_a_closed_form(factor: float, shift: float, seed: int) -> None:
    """Quantiles scale with the contrast, and a constant added to a picture is in no band."""
    a = random_pictures(seed, 1, 3, 32, 40)
    found = texture_distance(factor * a + shift, a).item()
    assert found == pytest.approx((1 - factor) ** 2, rel=1e-3, abs=1e-4)


def test_where_the_texture_is_does_not_matter() -> None:
    a = photograph("gravel")
    moved = a.roll((17, 40), dims=(2, 3))
    assert texture_distance(moved, a) < 0.02
    assert texture_distance(a.flip(3).mT, a) < 0.05 < texture_distance(photograph("ihc"), a)


def test_halves_of_a_texture_are_nearer_than_other_textures() -> None:
    names = ("gravel", "grass", "ihc", "hubble_deep_field")
    halves = {name: photograph(name, 128).split(64, dim=3) for name in names}
    for name, (left, right) in halves.items():
        others = [texture_distance(left, halves[other][1]).item() for other in names]
        assert min(others) == texture_distance(left, right).item(), name


def test_the_more_of_a_texture_the_nearer() -> None:
    content, style = photograph("chelsea"), photograph("gravel")
    blends = [texture_distance((1 - t) * content + t * style, style).item() for t in (0, 0.5, 1)]
    assert blends == sorted(blends, reverse=True)


def test_scrambled_pixels_lose_the_texture_though_not_the_palette() -> None:
    a = photograph("ihc")
    order = torch.randperm(96 * 96, generator=torch.Generator().manual_seed(0))
    assert texture_distance(a.flatten(2)[:, :, order].unflatten(2, (96, 96)), a) > 0.3


def test_batches_are_pairs_and_the_global_generator_is_left_alone() -> None:
    a, b = photograph("gravel"), photograph("grass")
    before = torch.get_rng_state()
    both = texture_distance(torch.cat([a, b]), torch.cat([b, a]))
    assert both.shape == (2,) and both.dtype == torch.float64
    assert both[0] == texture_distance(a, b) and both[1] == texture_distance(b, a)
    assert torch.equal(before, torch.get_rng_state())


def test_no_texture_to_reach_and_no_numbers_give_none() -> None:
    a = photograph("gravel")
    assert texture_distance(a, torch.full_like(a, 0.3)).isnan()
    broken = a.clone()
    broken[0, 0, 0, 0] = torch.nan
    assert texture_distance(torch.cat([broken, a]), torch.cat([a, a])).isnan().tolist() == [
        True, False,
    ]  # fmt: skip


def test_what_cannot_be_compared_is_refused() -> None:
    a = photograph("gravel")
    with pytest.raises(ValueError, match="batches of 1 and 2"):
        texture_distance(a, torch.cat([a, a]))
    with pytest.raises(ValueError, match="shape"):
        texture_distance(a[0], a[0])
    with pytest.raises(ValueError, match="sides of 28 or more, got 27x96"):
        texture_distance(a, a[:, :, : SMALLEST_SIDE - 1])
    assert texture_distance(a, a[:, :, :SMALLEST_SIDE, :SMALLEST_SIDE]) >= 0
