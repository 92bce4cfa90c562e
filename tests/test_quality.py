"""Palette distance and structural similarity against closed forms."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.linalg import sqrtm
from torchvision.transforms.v2.functional import gaussian_blur

from bench.pictures import bundled
from bench.quality import content_edges, content_ssim, palette_distance


def random_pictures(seed, *shape):
    generator = torch.Generator().manual_seed(seed)
    mixing = torch.rand(shape[0], 3, 3, generator=generator, dtype=torch.float64)
    colours = torch.rand(shape, generator=generator, dtype=torch.float64)
    return torch.einsum("bij,bjhw->bihw", mixing, colours) / 3


def photograph(name, size=64):
    return bundled(name, size=size).pixels[None]


# Few and round values, so that flat, grey and equal pictures turn up.
PICTURES = arrays(np.float64, (1, 3, 4, 5), elements=st.sampled_from([0.0, 0.1, 0.5, 1.0])).map(
    torch.from_numpy
)


@settings(max_examples=100, deadline=None)
@given(PICTURES, PICTURES)
def test_palette_distance_is_a_distance(a, b):
    distance = palette_distance(a, b).item()
    assert distance >= 0
    assert palette_distance(b, a).item() == pytest.approx(distance, abs=1e-12)
    assert palette_distance(a, a).item() == pytest.approx(0, abs=1e-14)
    mean_gap = (a.mean(dim=(2, 3)) - b.mean(dim=(2, 3))).square().sum().item()
    assert distance >= mean_gap - 1e-12


@settings(max_examples=50, deadline=None)
@given(PICTURES, arrays(np.float64, 3, elements=st.floats(-1, 1)).map(torch.from_numpy))
def test_shifting_the_colours_costs_the_shift_squared(a, shift):
    shifted = a + shift[:, None, None]
    expected = shift.square().sum().item()
    assert palette_distance(a, shifted).item() == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("factor", [0.0, 0.5, 2.0])
def test_scaling_the_contrast_has_a_closed_form(factor):
    a = random_pictures(1, 3, 3, 20, 30)
    mean = a.mean(dim=(2, 3), keepdim=True)
    expected = (1 - factor) ** 2 * (a - mean).square().sum(dim=1).mean(dim=(1, 2))
    assert torch.allclose(palette_distance(a, mean + factor * (a - mean)), expected)


def test_palette_distance_is_the_formula_and_takes_any_two_sizes():
    a, b = random_pictures(2, 4, 3, 20, 30), random_pictures(3, 4, 3, 11, 7)
    for found, x, y in zip(palette_distance(a, b), a.numpy(), b.numpy(), strict=True):
        x, y = x.reshape(3, -1), y.reshape(3, -1)
        s1, s2 = np.cov(x, bias=True), np.cov(y, bias=True)
        root = sqrtm(s1)
        spread = np.trace(s1 + s2 - 2 * sqrtm(root @ s2 @ root).real)
        expected = ((x.mean(axis=1) - y.mean(axis=1)) ** 2).sum() + spread
        assert found.item() == pytest.approx(expected, rel=1e-9)


def test_palette_distance_ignores_where_the_pixels_are():
    a = photograph("coffee")
    shuffled = a.flatten(2)[:, :, torch.randperm(64 * 64)].unflatten(2, (32, 128))
    assert palette_distance(a, shuffled).item() == pytest.approx(0, abs=1e-12)
    assert palette_distance(a, photograph("ihc")) > 0.05


def test_grey_and_flat_pictures_have_defined_distances():
    grey = random_pictures(4, 1, 3, 16, 16)[:, :1].expand(-1, 3, -1, -1)
    flat = torch.full((1, 3, 1, 1), 0.25)
    assert palette_distance(grey, grey.clone()).item() == pytest.approx(0, abs=1e-14)
    assert palette_distance(flat, torch.ones(1, 3, 2, 2)).item() == pytest.approx(3 * 0.75**2)
    expected = (grey - 0.25).square().sum(dim=1).mean().item()
    assert palette_distance(grey, flat.double()).item() == pytest.approx(expected)


def test_ssim_of_a_picture_with_itself_is_one():
    a = torch.cat([photograph("chelsea"), photograph("ihc")])
    assert content_ssim(a, a).tolist() == pytest.approx([1, 1])
    assert content_ssim(torch.zeros(1, 3, 11, 11), torch.zeros(1, 3, 11, 11)).item() == 1


def test_ssim_of_two_flat_pictures_has_a_closed_form():
    a, b = (torch.full((1, 3, 16, 20), value, dtype=torch.float64) for value in (0.25, 0.75))
    expected = (2 * 0.25 * 0.75 + 0.01**2) / (0.25**2 + 0.75**2 + 0.01**2)
    assert content_ssim(a, b).item() == pytest.approx(expected)


def test_ssim_falls_with_noise_is_symmetric_and_sees_structure():
    a = photograph("chelsea")
    noise = torch.randn(a.shape, generator=torch.Generator().manual_seed(0))
    levels = [0, 0.02, 0.05, 0.1, 0.3]
    noisy = torch.cat([a + level * noise for level in levels])
    scores = content_ssim(a.expand(len(levels), -1, -1, -1), noisy)
    assert scores.dtype == torch.float64 and scores.shape == (len(levels),)
    assert (scores.diff() < 0).all() and scores[-1] < 0.5
    assert torch.allclose(scores, content_ssim(noisy, a.expand_as(noisy)))
    assert content_ssim(a, 1 - a) < 0


def test_edges_are_where_they_are_whatever_the_colours() -> None:
    a = photograph("chelsea")
    assert content_edges(a, a).item() == pytest.approx(1)
    for same in (a + 0.2, 1 - a):
        assert content_edges(a, same).item() == pytest.approx(1, abs=1e-5)
    flat = torch.full_like(a, 0.5)
    assert content_edges(flat, 0 * flat).item() == 1
    assert content_edges(a, flat) < 0.6
    mirrored = content_edges(a, a.flip(3))
    assert mirrored < 0.6 and mirrored.item() == pytest.approx(content_edges(a.flip(3), a).item())
    assert content_edges(0.1 * a, 0.1 * a.flip(3)).item() == pytest.approx(
        mirrored.item(), abs=1e-5
    )


def test_edges_fade_with_blur() -> None:
    a = photograph("chelsea")
    blurred = torch.cat([gaussian_blur(a, 21, sigma) for sigma in (0.3, 0.7, 1.5, 3.0)])
    scores = content_edges(a.expand(4, -1, -1, -1), blurred)
    assert (scores.diff() < 0).all() and scores[-1] < 0.7


def test_a_diverged_picture_leaves_its_neighbours_alone():
    a = photograph("chelsea").repeat(3, 1, 1, 1)
    b = a.clone()
    b[0, 0, 0, 0], b[2, 1, 3, 3] = torch.nan, -torch.inf
    for score in (
        palette_distance(a, b), palette_distance(b, a), content_ssim(a, b), content_edges(a, b),
    ):  # fmt: skip
        assert score.isnan().tolist() == [True, False, True]


def test_gradients_and_low_precision_are_no_obstacle():
    a, b = photograph("chelsea").requires_grad_(), photograph("ihc")
    for measure in (palette_distance, content_ssim):
        exact = measure(a, b)
        assert not exact.requires_grad
        assert measure(a.bfloat16(), b.bfloat16()).item() == pytest.approx(exact.item(), abs=0.02)


@pytest.mark.parametrize("measure", [palette_distance, content_ssim, content_edges])
@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        (torch.zeros(2, 3, 16, 16), torch.zeros(1, 3, 16, 16), "batches of 2 and 1"),
        (torch.zeros(3, 16, 16), torch.zeros(3, 16, 16), "shape"),
        (torch.zeros(1, 3, 0, 16), torch.zeros(1, 3, 0, 16), "shape"),
        (torch.zeros(1, 3, 16, 16), torch.zeros(1, 3, 16, 16).byte(), "uint8"),
    ],
)
def test_bad_input_is_refused(measure, a, b, message):
    with pytest.raises(ValueError, match=message):
        measure(a, b)


def test_ssim_refuses_unequal_sizes_and_small_pictures():
    with pytest.raises(ValueError, match="equal shapes"):
        content_ssim(torch.zeros(1, 3, 16, 16), torch.zeros(1, 3, 16, 17))
    with pytest.raises(ValueError, match="at least 11"):
        content_ssim(torch.zeros(1, 3, 10, 16), torch.zeros(1, 3, 10, 16))
