"""Parameter names and shapes of other libraries become timm's."""

import pytest
import torch
from torch import Tensor, nn

from zoo.convert import CheckpointError, as_timm, classifier_of


def test_a_matrix_becomes_the_convolution_it_is() -> None:
    """torchvision's first VGG layer after the pool reads 7x7 positions, as a matrix."""
    matrix, bias, head = nn.Linear(4 * 7 * 7, 5), torch.rand(3), torch.rand(3, 5)
    state = {
        "features.0.weight": torch.rand(4, 3, 3, 3),
        "classifier.0.weight": matrix.weight.detach(), "classifier.0.bias": matrix.bias.detach(),
        "classifier.6.weight": head, "classifier.6.bias": bias,
    }  # fmt: skip
    wanted = {
        "features.0.weight": (4, 3, 3, 3), "pre_logits.fc1.weight": (5, 4, 7, 7),
        "pre_logits.fc1.bias": (5,), "head.fc.weight": (3, 5), "head.fc.bias": (3,),
    }  # fmt: skip
    found = as_timm(state, wanted)
    assert list(found) == list(wanted)
    features = torch.rand(2, 4, 7, 7)
    convolved = nn.functional.conv2d(
        features, found["pre_logits.fc1.weight"], found["pre_logits.fc1.bias"]
    )
    torch.testing.assert_close(convolved.flatten(1), matrix(features.flatten(1)))
    assert torch.equal(found["head.fc.weight"], head)


def test_missing_counters_of_batch_norms_are_zero() -> None:
    found = as_timm({"bn.weight": torch.ones(2)}, {"bn.weight": (2,), "bn.num_batches_tracked": ()})
    assert found["bn.num_batches_tracked"] == 0


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"a": torch.ones(2), "c": torch.ones(1)}, "1 tensors are left over"),
        ({}, "0 tensors are left over .none. where 1 are missing .a."),
        ({"a": torch.ones(3)}, r"has a of shape \(3,\) where the network has a of \(2,\)"),
        ({"b": torch.ones(1, 3)}, "has b of shape"),
    ],
)
def test_another_architecture_is_refused(state: dict[str, Tensor], message: str) -> None:
    with pytest.raises(CheckpointError, match=message):
        as_timm(state, {"a": (2,)})


def test_two_networks_in_one_file_are_refused() -> None:
    with pytest.raises(CheckpointError, match="two different tensors w"):
        classifier_of({"module.model.w": torch.ones(1), "module.attacker.model.w": torch.zeros(1)})


@pytest.mark.parametrize("name", ["w", "module.w", "model.w", "module.model.model.w"])
def test_every_wrapping_is_stripped(name: str) -> None:
    assert list(classifier_of({name: torch.ones(1), "normalize.mean": torch.ones(3)})) == ["w"]
