"""Smoothing against closed forms: even maps, exact shares, no underflow, scales that cancel."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.gram import grams, relative_distance
from bench.smoothing import DOWNSCALED, SMOOTHINGS, smooth

SOFT = pytest.mark.parametrize("kind", ["softmax", "softmax-channel"])
FEATURES = torch.randn(2, 4, 5, 6, generator=torch.Generator().manual_seed(0))


def test_none_is_nothing() -> None:
    assert smooth(FEATURES, "none") is FEATURES


@SOFT
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


@SOFT
def test_large_maps_do_not_underflow(kind: str) -> None:
    soft = {"tap": smooth(torch.rand(1, 64, 256, 256).relu(), kind)}
    assert float(grams(soft)["tap"].square().sum()) > 1


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
