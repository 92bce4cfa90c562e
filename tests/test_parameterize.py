"""Parameterisations against closed forms: waves, constants, deltas, single colours."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.parameterize import Fourier, Pixel, colour_matrix, frequency_scale, parameterization

KINDS = ("pixel", "fourier", "fourier-decorrelated")
SIDES = st.integers(2, 24)


def pictures(height: int, width: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=20, deadline=None)
@given(height=SIDES, width=SIDES, seed=st.integers(0, 99))
def test_a_picture_comes_back(kind: str, height: int, width: int, seed: int) -> None:
    space, images = parameterization(kind, height, width), pictures(height, width, seed)
    torch.testing.assert_close(space.decode(space.encode(images)), images, atol=1e-5, rtol=0)


@pytest.mark.parametrize("kind", KINDS)
def test_pictures_of_0_and_1_come_back(kind: str) -> None:
    images = pictures(16, 20).round()
    space = parameterization(kind, 16, 20)
    torch.testing.assert_close(space.decode(space.encode(images)), images, atol=1e-5, rtol=0)


@pytest.mark.parametrize("kind", KINDS)
def test_parameters_are_real_and_the_pictures_follow_them(kind: str) -> None:
    space = parameterization(kind, 8, 12)
    parameters = space.encode(pictures(8, 12)).clone().requires_grad_()
    assert parameters.dtype == torch.float32
    (gradient,) = torch.autograd.grad(space.decode(parameters).square().sum(), parameters)
    assert gradient.isfinite().all() and gradient.abs().max() > 0


def test_pixels_are_passed_through_untouched() -> None:
    images = pictures(8, 8)
    assert Pixel().encode(images) is images and Pixel().decode(images) is images


@pytest.mark.parametrize(("height", "width"), [(32, 32), (30, 48)])
@pytest.mark.parametrize("k", [1, 2, 4, 8])
def test_one_coefficient_is_a_wave_of_amplitude_one_over_frequency(
    height: int, width: int, k: int
) -> None:
    parameters = torch.zeros(1, 3, height, width // 2 + 1, 2)
    parameters[0, 1, 0, k, 0] = 1.0
    image = Fourier(height, width).decode(parameters) - 0.5
    wave = torch.cos(2 * math.pi * k * torch.arange(width) / width)
    scale = float(frequency_scale(height, width)[0, k])
    expected = 2 * scale / math.sqrt(height * width) * wave
    torch.testing.assert_close(image[0, 1], expected.expand(height, width), atol=1e-6, rtol=1e-4)
    assert image[0, [0, 2]].abs().max() == 0
    assert scale * k == pytest.approx(float(frequency_scale(height, width)[0, 1]))


def test_energy_per_parameter_falls_with_the_square_of_the_frequency() -> None:
    energies = []
    for k in (2, 4, 8):
        parameters = torch.zeros(1, 3, 64, 33, 2)
        parameters[..., k, k, :] = 1.0
        energies.append(float((Fourier(64, 64).decode(parameters) - 0.5).square().sum()))
    assert energies[0] / energies[1] == pytest.approx(4, rel=1e-4)
    assert energies[1] / energies[2] == pytest.approx(4, rel=1e-4)


def test_a_constant_picture_is_one_coefficient() -> None:
    parameters = Fourier(10, 14).encode(torch.full((1, 3, 10, 14), 0.8))
    constant = 0.3 * math.sqrt(140) / float(frequency_scale(10, 14)[0, 0])
    assert parameters[0, :, 0, 0, 0].tolist() == pytest.approx([constant] * 3, rel=1e-5)
    parameters[..., 0, 0, 0] = 0
    assert parameters.abs().max() < 1e-5


@pytest.mark.parametrize("decorrelated", [False, True])
def test_nothing_is_grey(decorrelated: bool) -> None:
    image = Fourier(8, 8, decorrelated).decode(torch.zeros(1, 3, 8, 5, 2))
    assert torch.equal(image, torch.full((1, 3, 8, 8), 0.5))


@pytest.mark.parametrize(("height", "width"), [(16, 16), (15, 22)])
def test_white_parameters_keep_their_energy(height: int, width: int) -> None:
    """A delta has equal energy at every frequency, so its scaled twin has the mean of scale^2."""
    delta = torch.zeros(1, 3, height, width)
    delta[0, :, 3, 4] = 1.0
    white = torch.view_as_real(torch.fft.rfft2(delta, norm="ortho"))
    image = Fourier(height, width).decode(white) - 0.5
    assert image.square().sum(dim=(2, 3))[0].tolist() == pytest.approx([1.0] * 3, rel=1e-5)


def test_each_decorrelated_channel_is_one_colour() -> None:
    space = Fourier(6, 8, decorrelated=True)
    for channel in range(3):
        parameters = torch.zeros(1, 3, 6, 5, 2)
        parameters[0, channel, 0, 0, 0] = math.sqrt(48) / frequency_scale(6, 8)[0, 0]
        colour = space.decode(parameters)[0, :, 2, 3] - 0.5
        torch.testing.assert_close(colour, colour_matrix()[:, channel].float())


def test_the_colours_are_a_square_root_of_a_covariance() -> None:
    matrix = colour_matrix()
    lengths = matrix.norm(dim=0)
    assert float(lengths.max()) == pytest.approx(1)
    assert lengths.tolist() == sorted(lengths.tolist(), reverse=True)
    cosines = (matrix / lengths).T @ (matrix / lengths)
    torch.testing.assert_close(cosines, torch.eye(3).double(), atol=0.12, rtol=0)  # two digits
    grey = matrix[:, 0] / lengths[0] @ torch.full((3,), 1 / math.sqrt(3)).double()
    assert float(grey) > 0.999  # the first channel is brightness


def test_colours_of_that_covariance_become_uncorrelated() -> None:
    white = torch.randn(3, 40_000, generator=torch.Generator().manual_seed(0)).double()
    images = (colour_matrix() @ white).reshape(1, 3, 200, 200) + 0.5
    parameters = Fourier(200, 200, decorrelated=True).encode(images)
    scaled = parameters * frequency_scale(200, 200)[..., None]
    spread = torch.corrcoef(scaled.transpose(0, 1).flatten(1))
    torch.testing.assert_close(spread, torch.eye(3).double(), atol=0.03, rtol=0)
    raw = torch.corrcoef(images.transpose(0, 1).flatten(1))
    assert raw.min() > 0.7


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(ValueError, match="choose one of pixel, fourier, fourier-decorrelated"):
        parameterization("wavelet", 8, 8)
