"""Loading changes no answer: folding, tapping and freezing are held against the plain network."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.lived_in import IMAGES, MEMBERS, NETS, deviation, each_net, lived_in, norms
from zoo import weights
from zoo.load import (
    Classifier,
    SizeError,
    load_classifier,
    load_encoder,
    untrained,
)
from zoo.spec import ModelSpec
from zoo.taps import matched_taps


def store(spec: ModelSpec, model: Classifier) -> ModelSpec:
    """The catalogue's entry of this architecture, holding the model's weights."""
    member = MEMBERS[spec.arch]
    weights.record(member.name, weights.save_checkpoint(member.name, model.net.state_dict()))
    return member


@each_net
def test_loaded_networks_are_those_that_were_saved(
    spec: ModelSpec, checkpoints: Callable[..., Path]
) -> None:
    model = lived_in(spec)
    loaded = load_classifier(store(spec, model))
    assert deviation(loaded(IMAGES), model(IMAGES)) < 0.02  # kept in half precision
    plain = load_classifier(MEMBERS[spec.arch], fold=False)
    assert norms(plain) == norms(model)
    assert deviation(plain(IMAGES), loaded(IMAGES)) < 1e-4


@each_net
def test_loaded_networks_are_frozen_and_ready(spec: ModelSpec) -> None:
    model = load_classifier(spec)
    assert not any(module.training for module in model.modules())
    assert not any(p.requires_grad for p in model.parameters())
    assert not any(getattr(module, "inplace", False) for module in model.modules())
    for name, p in model.named_parameters():
        assert p.dim() != 4 or p.is_contiguous(memory_format=torch.channels_last), name


@each_net
def test_normalisation_is_inside(spec: ModelSpec) -> None:
    model = untrained(spec).eval()
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in
                 [(0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)])  # fmt: skip
    torch.testing.assert_close(model(IMAGES), model.net((IMAGES - mean) / std))
    own = untrained(replace(spec, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))).eval()
    torch.testing.assert_close(own(IMAGES), own.net(2 * IMAGES - 1))


@each_net
def test_the_seed_decides_the_initial_weights(spec: ModelSpec) -> None:
    before = torch.get_rng_state(), np.random.get_state()[1].tolist()
    first, again, other = (
        torch.cat([p.flatten() for p in untrained(replace(spec, seed=seed)).parameters()])
        for seed in (0, 0, 1)
    )
    assert torch.equal(first, again)
    assert (first != other).float().mean() > 0.9
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.random.get_state()[1].tolist() == before[1]


@each_net
def test_taps_are_what_the_whole_network_computes_there(spec: ModelSpec) -> None:
    whole = load_classifier(spec)
    encoder = load_encoder(spec)
    expected: dict[str, Tensor] = {}
    for tap in matched_taps(whole.net):
        whole.net.get_submodule(tap).register_forward_hook(
            lambda _module, _inputs, output, tap=tap: expected.update({tap: output.clone()})
        )
    whole(IMAGES)
    seen = encoder(IMAGES)
    assert list(seen) == list(expected) == list(encoder.taps)
    for tap in seen:
        assert torch.equal(seen[tap], expected[tap]), tap  # no later layer wrote over it


@pytest.mark.parametrize("last", ["stages.conv1_1", "stages.conv2_2", "stages.conv4_2"])
def test_work_stops_at_the_last_tap(last: str) -> None:
    encoder = load_encoder(NETS["vgg_c10"], taps=["stages.conv1_1", last])
    worked: list[str] = []
    for name, module in encoder.classifier.net.named_modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.register_forward_hook(lambda *_, name=name: worked.append(name))
    encoder(IMAGES)
    convs = [f"stages.conv{stage}_{conv}" for stage in range(1, 5) for conv in (1, 2)]
    assert worked == [f"{name}.conv" for name in convs[: convs.index(last) + 1]]


def test_taps_come_in_the_asked_order_and_once() -> None:
    asked = ["stages.layer3", "stages.stem", "stages.layer3", "stages.layer1"]
    encoder = load_encoder(NETS["resnet18_c10"], taps=asked)
    assert list(encoder(IMAGES)) == ["stages.layer3", "stages.stem", "stages.layer1"]


@each_net
def test_gradients_flow_back_to_the_picture(spec: ModelSpec) -> None:
    encoder = load_encoder(spec)
    images = IMAGES.clone().requires_grad_()
    for tap, activation in encoder(images).items():
        (gradient,) = torch.autograd.grad(activation.square().mean(), images, retain_graph=True)
        assert gradient.isfinite().all(), tap
        assert gradient.abs().max() > 0, tap


@pytest.mark.parametrize(
    ("arch", "size"), [("vgg_c10", 4), ("vgg_c10", 7), ("inception_c10", 8), ("densenet_c10", 1)]
)
def test_a_picture_too_small_is_told_so(arch: str, size: int) -> None:
    encoder = load_encoder(NETS[arch])
    with pytest.raises(SizeError) as raised:
        encoder(torch.rand(1, 3, size, size))
    sentence = str(raised.value)
    assert sentence.startswith(f"a {size}x{size} picture is too small for the tap behind stages.")
    assert sentence.endswith("use a larger --size")
    assert len(encoder(IMAGES)) == len(encoder.taps)  # and it goes on working


def test_other_errors_are_not_called_small() -> None:
    encoder = load_encoder(NETS["vgg_c10"])
    with pytest.raises(RuntimeError) as raised:
        encoder(IMAGES.double())
    assert not isinstance(raised.value, SizeError)
    with pytest.raises(KeyError):
        load_encoder(NETS["vgg_c10"], taps=["stages.conv9_9"])


def test_an_encoder_answers_on_its_own_each_time() -> None:
    encoder = load_encoder(NETS["vgg_c10"])
    first = encoder(IMAGES)
    kept = {tap: activation.clone() for tap, activation in first.items()}
    encoder(1 - IMAGES)
    assert all(torch.equal(first[tap], kept[tap]) for tap in kept)
