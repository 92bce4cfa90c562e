"""Artifact scores put in order what an eye would: planted lattices, JPEG, noise, photographs."""

import io
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bench.lattice import lattice_score, lattice_scores
from bench.pictures import CONTENTS, bundled
from bench.spectrum import PERIODS, artifact_scores

SIZE = 128
PHOTOGRAPHS = torch.cat([bundled(name, size=SIZE).pixels[None] for name in CONTENTS])


def board(block: int, amplitude: float) -> torch.Tensor:
    """A checkerboard of square blocks, plus and minus the amplitude: "h w"."""
    sign = torch.where(torch.arange(SIZE) // block % 2 == 0, 1.0, -1.0)
    return amplitude * torch.outer(sign, sign)


def comb(period: int, amplitude: float) -> torch.Tensor:
    """Raised lines a pixel wide down and across, as uneven coverage leaves them: "h w"."""
    line = (torch.arange(SIZE) % period == 0).float()
    return amplitude * torch.maximum(line[:, None], line[None, :])


def jpeg(images: torch.Tensor, quality: int) -> torch.Tensor:
    found = []
    for image in images:
        stream = io.BytesIO()
        levels = (image * 255).round().byte().permute(1, 2, 0).numpy()
        Image.fromarray(levels).save(stream, "JPEG", quality=quality, subsampling=0)
        found.append(torch.from_numpy(np.array(Image.open(stream))).permute(2, 0, 1) / 255)
    return torch.stack(found)


def noise(n: int = 1, scale: float = 0.1) -> torch.Tensor:
    drawn = torch.randn(n, 1, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    return (0.5 + scale * drawn).expand(-1, 3, -1, -1)


@pytest.mark.parametrize("period", [2, 4, 8, 16])
@pytest.mark.parametrize("amplitude", [0.01, 0.3])
def test_blocks_and_nothing_else_score_their_size(period: int, amplitude: float) -> None:
    blocks = 0.5 + board(period, amplitude).expand(1, 3, SIZE, SIZE)
    # 127 steps are no whole number of periods, hence the tolerance
    assert lattice_score(blocks, period=period).item() == pytest.approx(period, rel=0.02)
    assert lattice_score(blocks, period=2 * period).item() == pytest.approx(period, rel=0.15)
    assert lattice_score(blocks, period=3).item() < 1.5


@pytest.mark.parametrize("value", [0.0, 0.4])
def test_flat_pictures_ramps_and_stripes_a_pixel_wide_have_no_lattice(value: float) -> None:
    flat = torch.full((1, 3, SIZE, SIZE), value)
    ramp = flat + torch.arange(SIZE) / SIZE
    for images in (flat, ramp, flat + board(1, 0.2)):
        for score in lattice_scores(images).values():
            assert score.item() == pytest.approx(1, abs=1e-4)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 31), st.integers(0, 31), st.floats(0.1, 3), st.sampled_from([4, 8]))
def test_position_contrast_and_orientation_do_not_matter(
    down: int, across: int, factor: float, period: int
) -> None:
    images = noise() + board(period, 0.2)
    expected = lattice_score(images, period=period).item()
    for other in (images.roll((down, across), dims=(2, 3)), factor * images - 0.1, images.mT):
        assert lattice_score(other, period=period).item() == pytest.approx(expected, rel=0.03)


@pytest.mark.parametrize("period", [4, 8, 16])
def test_the_score_grows_with_the_amplitude_of_a_planted_checkerboard(period: int) -> None:
    scores = [
        lattice_score(PHOTOGRAPHS + board(period, a), period=period)
        for a in (0.0, 0.02, 0.05, 0.1, 0.2)
    ]
    for weaker, stronger in pairwise(scores[1:]):
        assert (stronger > weaker).all()
    assert (scores[-1] > scores[0]).all()


def test_jpeg_s_blocks_grow_with_its_compression() -> None:
    """What the spectrum's peak cannot see (tests/test_spectrum_peaks.py)."""
    clean, fine, coarse = (
        lattice_score(images, period=8).mean()
        for images in (PHOTOGRAPHS, jpeg(PHOTOGRAPHS, 50), jpeg(PHOTOGRAPHS, 5))
    )
    assert clean < fine < coarse and coarse > 1.3 * clean
    apart = lattice_score(jpeg(PHOTOGRAPHS, 5), period=7) / lattice_score(PHOTOGRAPHS, period=7)
    assert apart.mean() < 1.2


@pytest.mark.parametrize("period", PERIODS)
def test_pictures_without_a_lattice_score_less_than_pictures_with_one(period: int) -> None:
    """Noise and photographs below every planted comb, whichever of the two scores one asks."""
    plain = torch.cat([PHOTOGRAPHS, noise(3)])
    planted = PHOTOGRAPHS + comb(period, 0.3)
    spectrum = [artifact_scores(x)[f"peak_{period}"] for x in (plain, planted)]
    steps = [lattice_scores(x)[f"lattice_{period}"] for x in (plain, planted)]
    own = spectrum[0][: len(PHOTOGRAPHS)]
    assert (spectrum[1] > own + 3).all()  # as the suite compares: with the picture's own peak
    if period < 16:  # where a photograph's own large shapes do not reach
        assert spectrum[0].max() < spectrum[1].min()
    if period > 2:  # at two pixels a comb is stripes a pixel wide
        assert steps[0].max() < steps[1].min()


def test_white_noise_is_not_mistaken_for_a_lattice() -> None:
    scores = lattice_scores(noise(8))
    assert all(float(score.max()) < 1.1 for score in scores.values())
    # a smoother picture's few steps are noisier: the clean level is a photograph's own
    assert all(float(score.min()) >= 1 for score in lattice_scores(PHOTOGRAPHS).values())


def test_small_and_broken_pictures() -> None:
    scores = lattice_scores(noise()[..., :16, :40])
    assert scores["lattice_16"].isnan() and not scores["lattice_8"].isnan()
    broken = noise(2).clone()
    broken[0, 0, 3, 3] = torch.nan
    assert lattice_score(broken, period=4).isnan().tolist() == [True, False]
    for period in (1, 40):
        with pytest.raises(ValueError, match=f"got {period} in 16x40"):
            lattice_score(noise()[..., :16, :40], period=period)
