"""Spectral scores against closed forms and planted answers."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.pictures import bundled
from bench.spectrum import (
    PERIODS,
    artifact_scores,
    luma,
    power_spectrum,
    radial_power,
    total_variation,
)

SIZE = 128


def noise(*shape, seed=0, scale=0.1):
    generator = torch.Generator().manual_seed(seed)
    values = torch.randn(shape, generator=generator, dtype=torch.float64) * scale + 0.5
    return values[:, None].expand(-1, 3, -1, -1)


def chelsea(size=SIZE):
    return bundled("chelsea", size=size).pixels[None].double()


@pytest.mark.parametrize("value", [0.0, 0.3, 1.0])
def test_a_constant_picture_scores_zero(value):
    scores = artifact_scores(torch.full((2, 3, SIZE, 144), value))
    assert list(scores) == [
        *(f"peak_{p}" for p in PERIODS),
        *(f"board_{p}" for p in PERIODS),
        "high_frequency_share",
        "spectral_slope",
        "total_variation",
    ]
    for score in scores.values():
        assert score.shape == (2,) and score.dtype == torch.float64
        assert score.tolist() == pytest.approx([0, 0], abs=1e-9)
    assert radial_power(torch.full((1, 3, 32, 32), value)).tolist()[0] == pytest.approx([-200] * 17)


@pytest.mark.parametrize(("height", "width"), [(96, 160), (SIZE, SIZE), (101, 133), (160, 97)])
def test_white_noise_scores_zero(height, width):
    scores = artifact_scores(noise(64, height, width))
    for period in PERIODS:
        peaks = scores[f"peak_{period}"]
        assert (10 ** (peaks / 10)).mean().item() == pytest.approx(1, abs=0.3)
        assert peaks.mean().item() == pytest.approx(0, abs=1.5)
    assert scores["spectral_slope"].mean().item() == pytest.approx(0, abs=0.06)
    # All of the unit square but the disc of radius 1/4.
    share = scores["high_frequency_share"].mean().item()
    assert share == pytest.approx(1 - math.pi / 16, abs=0.01)


def test_power_density_is_the_variance_of_white_noise():
    assert power_spectrum(noise(64, 64, 96)).mean().item() == pytest.approx(0.01, rel=0.02)
    assert radial_power(noise(64, 64, 96))[:, 4:].mean().item() == pytest.approx(-20, abs=0.2)


@pytest.mark.parametrize("slope", [-1.0, -2.0, -3.0])
@pytest.mark.parametrize(("height", "width"), [(SIZE, SIZE), (127, 180)])
def test_slope_of_a_power_law(slope, height, width):
    spectrum = torch.fft.fft2(noise(16, height, width)[:, 0])
    down, across = torch.fft.fftfreq(height), torch.fft.fftfreq(width)
    radius = torch.hypot(down[:, None], across).double().clamp(min=1 / width)
    grey = torch.fft.ifft2(spectrum * radius ** (slope / 2)).real
    found = artifact_scores(grey[:, None].expand(-1, 3, -1, -1))["spectral_slope"]
    assert found.mean().item() == pytest.approx(slope, abs=0.1)


@pytest.mark.parametrize("k", [2, 5, 17, 31, 32])
@pytest.mark.parametrize(("height", "width"), [(64, 64), (64, 192), (192, 64)])
def test_a_wave_lands_in_its_own_bin(k, height, width):
    for side, across in ((height, False), (width, True)):
        cycles = k * side // 64
        wave = torch.cos(2 * math.pi * cycles * torch.arange(side, dtype=torch.float64) / side)
        grey = (wave[None, :] if across else wave[:, None]).expand(1, height, width)
        profile = radial_power(grey[:, None].expand(-1, 3, -1, -1))
        assert profile.shape == (1, 33)
        assert profile[0].argmax() == k


def test_the_slope_is_that_of_the_lower_half_of_the_frequencies():
    image = noise(4, SIZE, SIZE)
    spectrum = torch.fft.rfft2(image)
    radius = torch.hypot(torch.fft.fftfreq(SIZE)[:, None], torch.fft.rfftfreq(SIZE)[None])
    without_highs = torch.fft.irfft2(spectrum * (radius < 0.3), s=(SIZE, SIZE))
    slopes = [artifact_scores(pictures)["spectral_slope"] for pictures in (image, without_highs)]
    assert (slopes[0] - slopes[1]).abs().max() < 0.1
    assert artifact_scores(without_highs)["high_frequency_share"].max() < 0.35


def test_a_photograph_scores_like_one():
    scores = artifact_scores(chelsea())
    assert all(scores[f"peak_{period}"] < 3 for period in PERIODS)
    assert -3.2 < scores["spectral_slope"] < -1.8
    assert scores["high_frequency_share"] < 0.1


def test_batches_dtypes_and_devices_agree():
    images = torch.cat([noise(1, 96, 96), chelsea(96)])
    for key, together in artifact_scores(images).items():
        alone = torch.cat([artifact_scores(image[None])[key] for image in images])
        assert together.tolist() == pytest.approx(alone.tolist(), rel=1e-9, abs=1e-9)
        single = artifact_scores(images.float().requires_grad_())[key]
        assert not single.requires_grad
        assert single.tolist() == pytest.approx(together.tolist(), rel=1e-4, abs=1e-4)


def test_a_diverged_picture_leaves_its_neighbours_alone():
    images = torch.cat([chelsea(), chelsea(), chelsea()])
    images[0, 1, 5, 5], images[2, 0, 9, 9] = torch.nan, torch.inf
    scores, alone = artifact_scores(images), artifact_scores(chelsea())
    for key, score in scores.items():
        assert score[1].item() == pytest.approx(alone[key].item())
        assert not score[0].isfinite() and not score[2].isfinite()


def test_luma_is_rec_601():
    colours = torch.eye(3)[:, :, None, None]
    assert luma(colours).flatten().tolist() == pytest.approx([0.299, 0.587, 0.114])


def test_total_variation_of_ramps():
    ramp = torch.linspace(0, 1, 33, dtype=torch.float64).expand(1, 3, 33, 33)
    assert total_variation(ramp).item() == pytest.approx(1 / 32)
    assert total_variation((ramp + ramp.mT) / 2).item() == pytest.approx(1 / 32)
    board = (torch.arange(32)[:, None] + torch.arange(40) + 0.0).remainder(2).expand(1, 3, 32, 40)
    assert total_variation(board).item() == pytest.approx(2)


@settings(max_examples=25, deadline=None)
@given(st.floats(0, 4), st.floats(-1, 1), st.integers(0, 99))
def test_total_variation_scales_with_contrast(factor, offset, seed):
    images = noise(2, 32, 40, seed=seed)
    expected = factor * total_variation(images)
    assert torch.allclose(total_variation(factor * images + offset), expected, atol=1e-12)


@pytest.mark.parametrize(
    ("shape", "dtype", "message"),
    [
        ((1, 3, 31, 64), torch.float32, "sides of 32 or more"),
        ((1, 3, 64, 31), torch.float32, "sides of 32 or more"),
        ((3, 64, 64), torch.float32, "shape"),
        ((0, 3, 64, 64), torch.float32, "shape"),
        ((1, 1, 64, 64), torch.float32, "shape"),
        ((1, 3, 64, 64), torch.uint8, "floating"),
    ],
)
def test_bad_input_is_refused(shape, dtype, message):
    with pytest.raises(ValueError, match=message):
        artifact_scores(torch.zeros(shape, dtype=dtype))
