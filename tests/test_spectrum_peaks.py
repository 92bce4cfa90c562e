"""The stride-locked peak against planted patterns."""

import io
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bench.pictures import bundled
from bench.spectrum import PERIODS, artifact_scores, luma, power_spectrum, stride_peak

SIZE = 128


def noise(*shape, seed=0, scale=0.1):
    generator = torch.Generator().manual_seed(seed)
    values = torch.randn(shape, generator=generator, dtype=torch.float64) * scale + 0.5
    return values[:, None].expand(-1, 3, -1, -1)


def stripes(period, height=SIZE, width=SIZE, axis=1):
    """Half the period dark, half light: -1 and 1."""
    side = (height, width)[axis]
    wave = torch.where(torch.arange(side) % period < period / 2, 1.0, -1.0).double()
    wave = wave[None, :] if axis else wave[:, None]
    return wave.expand(height, width)


def chelsea(size=SIZE):
    return bundled("chelsea", size=size).pixels[None].double()


def peak(images, period, **options):
    return stride_peak(power_spectrum(images), period=period, **options)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("period", PERIODS)
def test_stripes_peak_at_their_own_period_only(period, axis):
    plain = noise(4, SIZE, SIZE)
    planted = plain + 0.05 * stripes(period, axis=axis)
    before, after = artifact_scores(plain), artifact_scores(planted)
    for other in PERIODS:
        gain = (after[f"peak_{other}"] - before[f"peak_{other}"]).max().item()
        assert gain > 10 if other == period else gain < 0.5


def test_a_lattice_peaks_at_the_divisors_of_its_period_too():
    comb = torch.zeros(SIZE, SIZE, dtype=torch.float64)
    comb[::8, ::8] = 1
    plain = noise(1, SIZE, SIZE, scale=0.05)
    gains = [(peak(plain + comb, p) - peak(plain, p)).item() for p in PERIODS]
    assert min(gains[:3]) > 10 and gains[3] < 0.5


def test_a_checkerboard_is_seen_on_the_diagonal_not_on_the_axes():
    plain = noise(1, SIZE, SIZE)
    board = plain + 0.05 * stripes(2, axis=0) * stripes(2, axis=1)
    assert abs(peak(board, 2) - peak(plain, 2)) < 0.5
    assert peak(board, 2, diagonal=True) > peak(plain, 2, diagonal=True) + 10
    oblique = plain + 0.05 * stripes(8, axis=0) * stripes(8, axis=1)
    assert peak(oblique, 8, diagonal=True) > 10 > peak(oblique, 8)


@pytest.mark.parametrize("period", [4, 8])
@pytest.mark.parametrize("sign", [1, -1])
def test_oblique_lines_count_whichever_way_they_lean(period, sign):
    y, x = torch.meshgrid(torch.arange(SIZE), torch.arange(SIZE), indexing="ij")
    wave = (2 * math.pi / period * (x + sign * y)).cos()
    plain = noise(1, SIZE, SIZE)
    gain = peak(plain + 0.1 * wave, period, diagonal=True) - peak(plain, period, diagonal=True)
    assert gain > 10
    assert abs(peak(plain + 0.1 * wave, period) - peak(plain, period)) < 0.5


@pytest.mark.parametrize("period", PERIODS)
def test_peak_grows_with_the_amplitude(period):
    amplitudes = [0, 0.01, 0.02, 0.05, 0.1, 0.2]
    pictures = torch.cat([chelsea() + a * stripes(period) for a in amplitudes])
    peaks = peak(pictures, period)
    assert (peaks.diff() > 0).all()
    assert peaks[0] < 3 and peaks[-1] > 15


def test_blocks_of_changing_sign_are_no_line():
    # JPEG's borders repeat every 8 pixels but step up here and down there: nothing adds up.
    picture = Image.fromarray((chelsea()[0].permute(1, 2, 0).numpy() * 255).astype(np.uint8))
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=10, subsampling=0)
    blocky = torch.from_numpy(np.array(Image.open(stream))).permute(2, 0, 1)[None] / 255
    steps = luma(blocky)[0].diff(dim=1).abs().mean(dim=0)
    assert steps[7::8].mean() > 1.5 * steps.mean()
    assert peak(blocky, 8).item() == pytest.approx(peak(chelsea(), 8).item(), abs=3)
    same_sign = blocky + 0.02 * stripes(8)
    assert peak(same_sign, 8) > peak(blocky, 8) + 5


@settings(max_examples=25, deadline=None)
@given(st.integers(0, SIZE - 1), st.integers(0, SIZE - 1), st.sampled_from(PERIODS))
def test_shifting_hardly_changes_a_peak(down, across, period):
    # the mean over eight: of one picture the noise floor alone moves by 2 dB at some shifts
    planted = noise(8, SIZE, SIZE, scale=0.05) + 0.2 * stripes(period)
    shifted = planted.roll((down, across), dims=(2, 3))
    expected = peak(planted, period).mean().item()
    assert peak(shifted, period).mean().item() == pytest.approx(expected, abs=1.5)


def test_peaks_do_not_depend_on_contrast_brightness_or_orientation():
    images = chelsea() + 0.02 * stripes(4)
    for period in PERIODS:
        expected = peak(images, period).item()
        for other in (0.3 * images + 0.2, images.flip(3), images.flip(2), images.mT):
            assert peak(other, period).item() == pytest.approx(expected, abs=0.5)


def test_the_ring_keeps_clear_of_zero_frequency():
    images = noise(1, 200, 88)
    assert not artifact_scores(images)["peak_16"].isnan()
    small = artifact_scores(noise(1, 200, 87))
    assert small["peak_16"].isnan() and not small["peak_8"].isnan()
    smallest = artifact_scores(noise(1, 32, 32))
    assert smallest["peak_8"].isnan() and not smallest["peak_4"].isnan()
    # At 128 pixels the ring of period 16 ends 3 bins from zero frequency: slow waves do not reach.
    wave = torch.cos(2 * math.pi * torch.arange(SIZE, dtype=torch.float64) / SIZE)
    slow = noise(1, SIZE, SIZE) + 0.4 * wave
    plain = noise(1, SIZE, SIZE)
    assert peak(slow, 16).item() == pytest.approx(peak(plain, 16).item(), abs=1e-6)


def test_a_period_under_two_is_refused():
    with pytest.raises(ValueError, match="at least 2"):
        peak(noise(1, 64, 64), 1)
