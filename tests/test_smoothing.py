"""Smoothing against closed forms: even maps, exact shares, no underflow, scales that cancel."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.gram import grams, relative_distance
from bench.peakiness import peakiness
from bench.smoothing import DOWNSCALED, SMOOTHINGS, smooth

SOFT = pytest.mark.parametrize("kind", ["softmax", "softmax-channel"])
ALL = pytest.mark.parametrize("kind", SMOOTHINGS[1:])
FEATURES = torch.randn(2, 4, 5, 6, generator=torch.Generator().manual_seed(0))


def test_none_is_nothing() -> None:
    assert smooth(FEATURES, "none") is FEATURES


@ALL
@settings(max_examples=20, deadline=None)
@given(value=st.floats(-50, 50))
def test_an_even_map_becomes_ones(kind: str, value: float) -> None:
    even = torch.full((1, 3, 4, 5), value)
    torch.testing.assert_close(smooth(even, kind), torch.ones(1, 3, 4, 5))


def test_entries_are_shares_of_the_whole_map_or_of_their_channel() -> None:
    shares = FEATURES.exp()
    whole = shares / shares.sum(dim=(1, 2, 3), keepdim=True) * 120
    torch.testing.assert_close(smooth(FEATURES, "softmax"), whole)
    channel = shares / shares.sum(dim=(2, 3), keepdim=True) * 30
    torch.testing.assert_close(smooth(FEATURES, "softmax-channel"), channel)


@SOFT
def test_a_constant_added_changes_nothing(kind: str) -> None:
    torch.testing.assert_close(smooth(FEATURES + 7, kind), smooth(FEATURES, kind))
    loud = FEATURES.clone()
    loud[:, 1] += 3  # one channel louder: seen over the whole map only
    same = torch.allclose(smooth(loud, kind), smooth(FEATURES, kind), rtol=1e-4)
    assert same == (kind == "softmax-channel")


@ALL
def test_large_maps_do_not_underflow(kind: str) -> None:
    soft = {"tap": smooth(torch.rand(1, 64, 256, 256).relu(), kind)}
    assert float(grams(soft)["tap"].square().sum()) > 1


def test_a_tempered_map_does_not_see_its_scale() -> None:
    tempered = smooth(FEATURES, "softmax-tempered")
    torch.testing.assert_close(smooth(1000 * FEATURES, "softmax-tempered"), tempered)
    by_hand = smooth(FEATURES * (3 / FEATURES.amax()), "softmax")
    torch.testing.assert_close(tempered, by_hand)
    one = smooth(FEATURES[:1].relu(), "softmax-tempered")
    assert float(one.amax() / one.amin()) == pytest.approx(math.e**3)


def test_maps_that_are_compared_share_a_temperature() -> None:
    """Else a picture could be brought to the style's by its largest entry alone."""
    largest = FEATURES.amax()
    quiet = smooth(FEATURES / 2, "softmax-tempered", largest)
    torch.testing.assert_close(quiet, smooth(FEATURES * (1.5 / largest), "softmax"))
    assert not torch.allclose(quiet, smooth(FEATURES, "softmax-tempered", largest))


@settings(max_examples=20, deadline=None)
@given(scale=st.floats(1e-3, 1e3), seed=st.integers(0, 99))
def test_tempered_maps_are_less_peaky_and_those_of_the_paper_need_not_be(
    scale: float, seed: int
) -> None:
    sparse = torch.randn(1, 8, 16, 16, generator=torch.Generator().manual_seed(seed)).relu() ** 2
    shares = {
        kind: float(peakiness(smooth(scale * sparse, kind))["activation_entropy_share"][0])
        for kind in ("none", "softmax", "softmax-tempered")
    }
    assert shares["softmax-tempered"] > shares["none"]
    if scale > 10:
        assert shares["softmax"] < shares["none"]


def test_a_dead_tap_stays_even() -> None:
    dead = torch.zeros(1, 2, 3, 3)
    torch.testing.assert_close(smooth(dead, "softmax-tempered"), torch.ones(1, 2, 3, 3))
    assert not smooth(FEATURES[:1], "softmax-tempered", torch.tensor(0.0)).isnan().any()


def test_channels_last_changes_nothing() -> None:
    last = FEATURES.contiguous(memory_format=torch.channels_last)
    for kind in SMOOTHINGS:
        torch.testing.assert_close(smooth(last, kind), smooth(FEATURES, kind))


def test_the_released_factor_is_a_layer_weight_and_cancels_in_a_relative_distance() -> None:
    """Why scaling is no smoothing here: .001 on the map is .001^4 on the raw squared distance."""
    one, other = FEATURES[:1].double(), FEATURES[1:].double()
    plain, scaled = (
        [grams({"tap": factor * x})["tap"] for x in (one, other)] for factor in (1.0, 0.001)
    )
    torch.testing.assert_close(relative_distance(*scaled), relative_distance(*plain))
    raw = [(a - b).square().sum() for a, b in (plain, scaled)]
    assert float(raw[1] / raw[0]) == pytest.approx(DOWNSCALED[0])


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="choose one of none, softmax, softmax-channel"):
        smooth(FEATURES, "blur")
