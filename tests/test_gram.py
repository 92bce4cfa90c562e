import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.gram import gram_matrix, grams, relative_distance, style_distance


def test_a_constant_map_has_the_outer_product_of_its_values() -> None:
    values = torch.tensor([1.0, 2.0, -3.0])
    features = values.view(1, 3, 1, 1).expand(1, 3, 5, 7)
    torch.testing.assert_close(gram_matrix(features)[0], values.outer(values))


def test_channels_that_never_meet_have_a_diagonal_gram() -> None:
    features = torch.zeros(1, 2, 2, 2)
    features[0, 0, 0, 0], features[0, 1, 1, 1] = 2.0, 4.0
    torch.testing.assert_close(gram_matrix(features)[0], torch.tensor([[1.0, 0.0], [0.0, 4.0]]))


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10_000), scale=st.floats(0.1, 10))
def test_a_gram_is_symmetric_position_blind_and_quadratic(seed: int, scale: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(2, 4, 3, 5, generator=generator)
    gram = gram_matrix(features)
    shuffled = features.flatten(2)[:, :, torch.randperm(15, generator=generator)].view_as(features)
    torch.testing.assert_close(gram, gram.transpose(1, 2))
    torch.testing.assert_close(gram_matrix(shuffled), gram, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(gram_matrix(scale * features), scale**2 * gram, rtol=1e-3, atol=1e-4)
    assert torch.linalg.eigvalsh(gram).min() > -1e-4


def test_the_size_of_the_picture_does_not_matter() -> None:
    features = torch.rand(1, 3, 4, 4)
    torch.testing.assert_close(gram_matrix(features.repeat(1, 1, 2, 3)), gram_matrix(features))


def test_distances_are_relative_to_what_is_wanted() -> None:
    wanted = {"a": torch.full((1, 2, 2), 2.0), "b": torch.full((1, 2, 2), 5.0)}
    nothing = {tap: torch.zeros_like(gram) for tap, gram in wanted.items()}
    half = {"a": wanted["a"], "b": nothing["b"]}
    assert style_distance(wanted, wanted).item() == 0
    assert style_distance(nothing, wanted).item() == 1
    assert style_distance(half, wanted).item() == pytest.approx(0.5)
    assert relative_distance(3 * wanted["a"], wanted["a"]).item() == pytest.approx(4.0)


def test_one_style_serves_a_batch() -> None:
    wanted = grams({"a": torch.rand(1, 3, 4, 4)})
    found = grams({"a": torch.rand(5, 3, 4, 4)})
    assert style_distance(found, wanted).shape == (5,)


def test_weights_are_those_of_a_mean() -> None:
    wanted = {"a": torch.full((1, 2, 2), 2.0), "b": torch.full((1, 2, 2), 5.0)}
    half = {"a": wanted["a"], "b": torch.zeros(1, 2, 2)}  # distances 0 and 1
    assert style_distance(half, wanted, (1.0, 3.0)).item() == pytest.approx(0.75)
    assert style_distance(half, wanted, (10.0, 30.0)).item() == pytest.approx(0.75)
    assert style_distance(half, wanted, (1.0, 1e-12)).item() == pytest.approx(1e-12)
    equal = style_distance(half, wanted, (2.0, 2.0))
    torch.testing.assert_close(equal, style_distance(half, wanted))
