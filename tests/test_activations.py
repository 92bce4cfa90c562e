"""Taps are activations, in plain networks with known answers and in every family of timm."""

from collections import OrderedDict
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from zoo.activations import (
    TapError,
    adds_activations,
    first_activation,
    nearest_activation,
    outputs,
)
from zoo.catalog import find, members
from zoo.load import load_encoder
from zoo.spec import ModelSpec
from zoo.taps import content_tap, default_taps, matched_taps, skeleton, stage_taps

LISTED = list({spec.arch: spec for spec in members("imagenet")}.values())
NAMED = {
    "vgg11.tv_in1k": [f"features.{i}" for i in (1, 4, 9, 14, 19, 20)],
    "resnet50.tv_in1k": ["act1", "layer1", "layer2", "layer3", "layer4"],
    "densenet121.tv_in1k": [
        "features.norm0", *(f"features.transition{i}.norm" for i in (1, 2, 3)), "features.norm5",
    ],
    "inception_v3.tv_in1k": [
        "Conv2d_1a_3x3", "Conv2d_2b_3x3", "Conv2d_4a_3x3", "Mixed_5d", "Mixed_6e", "Mixed_7c",
    ],
    "efficientnet_b0.ra_in1k": [
        "bn1", *(f"blocks.{i}.0.bn1" for i in (1, 2, 3, 5)), "bn2",
    ],
    "convnext_tiny.fb_in1k": [
        "stages.0.blocks.0.mlp.act",
        *(f"stages.{i}.blocks.{last}.mlp.act" for i, last in enumerate((2, 2, 8, 2))),
    ],
    "vit_small_patch16_224.augreg_in1k": [f"blocks.{i}.mlp.act" for i in range(12)],
}  # fmt: skip


def net(**layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(layers))


def conv(stride: int = 1, channels: int = 3) -> nn.Conv2d:
    return nn.Conv2d(3, channels, 3, stride, padding=1)


class Plus(nn.Module):
    """The input plus something."""

    def __init__(self, other: nn.Module | float | None = None) -> None:
        super().__init__()
        self.other = other
        self.shift = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        if isinstance(self.other, nn.Module):
            return x + self.other(x)
        return x + (self.shift if self.other is None else self.other)


class Joined(nn.Module):
    """Two branches, concatenated."""

    def __init__(self, *branches: nn.Module) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self.branches], 1)


def activations(network: nn.Module) -> list[str]:
    return [output.module for output in outputs(network) if output.activation]


def test_nonlinearities_pooled_and_joined_are_activations_and_sums_are_not() -> None:
    network = net(
        conv=conv(), relu=nn.ReLU(), pool=nn.MaxPool2d(2), flat=Plus(1.0), gelu=nn.GELU(),
        joined=Joined(nn.ReLU(), net(pool=nn.AvgPool2d(3, 1, 1))), mixed=Joined(nn.ReLU(), Plus()),
    )  # fmt: skip
    assert set(activations(network)) == {
        "relu", "pool", "gelu", "joined", "joined.branches.0", "joined.branches.1",
        "joined.branches.1.pool", "mixed.branches.0",
    }  # fmt: skip


def test_a_nonlinearity_in_place_does_not_make_its_input_an_activation() -> None:
    network = net(conv=conv(), norm=nn.BatchNorm2d(3), act=nn.ReLU(inplace=True), out=conv())
    assert activations(network) == ["act"]


def test_what_one_tensor_is_called_is_the_outermost_module() -> None:
    network = net(stage=net(conv=conv(), act=nn.ReLU()), out=conv())
    found = outputs(network)
    assert {output.outermost for output in found if output.activation} == {"stage"}
    assert nearest_activation("stage", found) == "stage"
    assert nearest_activation("stage.act", found) == "stage.act"


def test_the_nearest_activation_is_behind_a_raw_tap_and_of_its_size() -> None:
    squeeze = net(pool=nn.AdaptiveAvgPool2d(1), act=nn.ReLU())
    network = net(before=nn.ReLU(), raw=conv(), gate=Plus(squeeze), act=nn.ReLU(), out=conv())
    assert nearest_activation("raw", outputs(network)) == "act"


def test_a_network_that_ends_a_stage_raw_is_tapped_before() -> None:
    network = net(first=nn.ReLU(), last=nn.ReLU(), raw=conv(), down=conv(2), act=nn.ReLU())
    assert nearest_activation("raw", outputs(network)) == "last"


def test_a_tap_without_an_activation_of_its_size_stays_where_it_is() -> None:
    found = outputs(net(first=nn.ReLU(), down=net(raw=conv(2)), out=conv()))
    assert nearest_activation("down.raw", found) == "down"


def test_a_network_without_activations_is_refused() -> None:
    found = outputs(net(raw=conv(), out=conv()))
    with pytest.raises(TapError, match="no layer of this network gives an activation"):
        first_activation(found)
    with pytest.raises(TapError, match="nothing does not give one tensor once"):
        nearest_activation("nothing", found)


@pytest.mark.parametrize(
    ("network", "adds"),
    [
        (net(conv=conv(), plus=Plus(conv())), True),
        (net(conv=conv(), plus=Plus(nn.Identity())), True),
        (net(conv=conv(), plus=Plus(2.0)), False),
        (net(conv=conv(), plus=Plus()), False),  # a parameter is no activation
        (net(conv=conv(), joined=Joined(conv(), conv())), False),
    ],
)
def test_residual_additions_are_seen(network: nn.Module, adds: bool) -> None:
    assert adds_activations(network) == adds


def test_looking_leaves_the_network_as_it_was() -> None:
    network = net(conv=conv(), norm=nn.BatchNorm2d(3), act=nn.ReLU()).train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    outputs(network)
    adds_activations(network)
    assert network.training
    assert all(torch.equal(network.state_dict()[name], old) for name, old in before.items())
    assert not any(module._forward_hooks for module in network.modules())


@pytest.mark.parametrize("name", NAMED)
def test_the_matched_taps_of_each_family(name: str) -> None:
    assert list(matched_taps(skeleton(find(name)))) == NAMED[name]


@pytest.mark.parametrize("spec", LISTED, ids=[spec.name for spec in LISTED])
def test_every_listed_network_is_tapped_at_activations(spec: ModelSpec) -> None:
    network = skeleton(spec).eval()
    taps, seen = matched_taps(network), {}
    for tap in taps:
        network.get_submodule(tap).register_forward_hook(
            lambda module, inputs, output, tap=tap: seen.update({tap: output.grad_fn})
        )
    network(torch.empty(1, *network.pretrained_cfg["input_size"], device="meta"))

    def made_of(node: Any) -> set[str]:
        if node.name() in {"CatBackward0", "MaxPool2DWithIndicesBackward0", "AvgPool2DBackward0"}:
            return set().union(*(made_of(f) for f, _ in node.next_functions))
        return {node.name()}

    nonlinear = {f"{name}Backward0" for name in ("Relu", "Hardtanh", "Silu", "Gelu")}
    for tap in taps:
        assert made_of(seen[tap]) <= nonlinear, tap


#: the least value a nonlinearity gives: hard swish
LEAST = -0.375


@pytest.mark.parametrize(
    "arch", ["densenet121", "efficientnet_b0", "convnext_tiny", "vit_small_patch16_224"]
)
def test_taps_are_maps_of_activations_in_numbers(arch: str) -> None:
    spec = find(f"{arch}.random")
    images = 4 * torch.rand(2, 3, 96, 160, generator=torch.Generator().manual_seed(0))
    encoder = load_encoder(spec)
    assert encoder.taps == default_taps(spec)
    for tap, features in encoder(images).items():
        height, width = features.shape[2:]
        assert height * 160 == width * 96, tap
        assert features.min() >= LEAST, tap
    raw = load_encoder(spec, taps=[content_tap(encoder.classifier.net)])
    assert min(float(f.min()) for f in raw(images).values()) < LEAST  # timm's own tap is linear


def test_a_judge_keeps_timm_s_own_taps() -> None:
    judge = find("tf_efficientnet_lite0.pypi")
    assert default_taps(judge) == stage_taps(skeleton(judge))
    assert "blocks.4" in default_taps(judge)
