"""Folding changes no answer, and a twin follows the network it was copied from."""

import pytest
import torch

from tests.lived_in import IMAGES, NETS, deviation, each_net, lived_in, norms
from zoo.fold import FoldedTwin, fold_batch_norm
from zoo.spec import ModelSpec
from zoo.taps import matched_taps

#: batch norms without a convolution right before them: DenseNet's, which follow a concatenation
UNFOLDED = {"densenet_c10": 1 + 3 + 6 + 8 + 4}


@each_net
def test_folding_batch_norms_changes_no_answer(spec: ModelSpec) -> None:
    model = lived_in(spec)
    before, had = model(IMAGES), norms(model)
    taps = matched_taps(model.net)
    folded = fold_batch_norm(model, IMAGES)
    assert norms(model) == had - len(folded) == UNFOLDED.get(spec.arch, 0)
    assert deviation(model(IMAGES), before) < 1e-4
    assert matched_taps(model.net) == taps


def test_folding_checks_its_own_result(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zoo.fold.fuse_conv_bn_eval", lambda conv, norm: conv)
    with pytest.raises(ArithmeticError, match="folding batch norms moved the logits"):
        fold_batch_norm(lived_in(NETS["vgg_c10"]), IMAGES)


@each_net
def test_a_twin_answers_as_its_network_does_by_now(spec: ModelSpec) -> None:
    model = lived_in(spec, seed=1).train().requires_grad_(True)
    twin = FoldedTwin(model, IMAGES)
    changed = lived_in(spec, seed=2)
    model.load_state_dict(changed.state_dict())
    expected = changed(IMAGES)
    assert deviation(twin.of(model)(IMAGES), expected) < 1e-4
    assert model.training
    assert all(p.requires_grad for p in model.parameters())
    state = changed.state_dict()
    assert all(torch.equal(tensor, state[name]) for name, tensor in model.state_dict().items())
