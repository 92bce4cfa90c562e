"""The factory's nets differ in their switches and in nothing else."""

from itertools import pairwise

import pytest
import torch
from torch import nn

from zoo.catalog import SWITCHES, members
from zoo.load import parameters, untrained
from zoo.spec import ModelSpec

NETS = [spec for spec in members("cifar10", role="matched") if not spec.seed]
each = pytest.mark.parametrize("spec", NETS, ids=[spec.name for spec in NETS])


def kinds(net: nn.Module, *types: type[nn.Module]) -> list[nn.Module]:
    return [module for module in net.modules() if isinstance(module, types)]


def test_there_is_one_net_a_cell() -> None:
    assert len(SWITCHES) == len(NETS) == 16
    assert len({(s.residual, s.downsampling, s.batch_norm) for s in NETS}) == 16


def test_sizes_are_within_ten_percent() -> None:
    sizes = [parameters(spec) for spec in NETS]
    assert max(sizes) < 1.1 * min(sizes)
    assert max(sizes) <= 1e6


@each
def test_the_switches_do_what_they_say(spec: ModelSpec) -> None:
    net = untrained(spec).net
    striding = [conv for conv in kinds(net, nn.Conv2d) if conv.stride == (2, 2)]
    halving = {
        "max22": kinds(net, nn.MaxPool2d),
        "avg22": kinds(net, nn.AvgPool2d),
        "conv32": [conv for conv in striding if conv.kernel_size == (3, 3)],
        "conv42": [conv for conv in striding if conv.kernel_size == (4, 4)],
    }
    assert {kind for kind, modules in halving.items() if modules} == {spec.downsampling}
    assert len(halving[spec.downsampling]) == 3
    assert bool(kinds(net, nn.BatchNorm2d)) == spec.batch_norm
    convs = kinds(net, nn.Conv2d)
    assert len(convs) == 12
    assert all((conv.bias is None) == spec.batch_norm for conv in convs)


@each
def test_a_residual_net_begins_with_blocks_that_do_nothing(spec: ModelSpec) -> None:
    net = untrained(spec).net.eval()
    x = torch.rand(1, 16, 8, 8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        out = net.stages.block1(x)
    assert torch.equal(out, x) == spec.residual  # x >= 0 passes the last ReLU


@each
def test_gradients_reach_every_parameter(spec: ModelSpec) -> None:
    net = untrained(spec).net
    for module in kinds(net, nn.BatchNorm2d):
        nn.init.ones_(module.weight)
    for block in ("block1", "block2", "block3", "block4"):
        nn.init.normal_(net.stages.get_submodule(block).conv2.weight, std=0.05)
    x = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    net(x).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())


def test_seeds_and_switches_change_the_weights() -> None:
    first, second = (
        s for s in members("cifar10", role="matched") if s.name.split("-s")[0] == NETS[0].name
    )
    assert (first.seed, second.seed) == (0, 1)
    weights = [untrained(s).net.stages.stem[0].weight for s in (first, second)]
    assert not torch.equal(*weights)


def test_widths_grow_with_the_stride() -> None:
    for spec in NETS:
        rows = untrained(spec).net.feature_info
        assert all(a["num_chs"] <= b["num_chs"] for a, b in pairwise(rows))
        assert [row["reduction"] for row in rows] == [1, 1, 2, 4, 8]
