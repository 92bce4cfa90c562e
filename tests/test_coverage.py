"""The static predictor against autograd, published values and networks known by heart."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from timm.layers import BlurPool2d
from timm.models import create_model
from torch import nn
from torch.nn.functional import conv2d

from tests.tiny import spec
from zoo.catalog import find
from zoo.coverage import axis_coverage, by_period, strided_layers, unevenness
from zoo.taps import matched_taps, skeleton


@pytest.mark.parametrize(
    ("kernel", "stride", "expected"),
    [(3, 1, 0), (2, 2, 0), (4, 2, 0), (7, 2, 0.203), (11, 4, 0.224), (3, 2, 0.484), (1, 2, 1.732)],
)
def test_known_values(kernel: int, stride: int, expected: float) -> None:
    axis = axis_coverage([1.0] * kernel, stride)
    assert unevenness([axis, axis]) == pytest.approx(expected, abs=5e-4)


@settings(max_examples=40, deadline=None)
@given(
    kernel=st.integers(1, 7), stride=st.integers(1, 4), dilation=st.integers(1, 3),
    padding=st.integers(0, 3),
)  # fmt: skip
def test_it_is_the_gradient_of_a_kernel_of_ones(
    kernel: int, stride: int, dilation: int, padding: int
) -> None:
    image = torch.zeros(1, 1, 60, 60, requires_grad=True)
    ones = torch.ones(1, 1, kernel, kernel)
    out = conv2d(image, ones, stride=stride, dilation=dilation, padding=padding)
    (gradient,) = torch.autograd.grad(out.sum(), image)
    axis = axis_coverage([1.0] * kernel, stride, dilation=dilation, padding=padding)
    middle = torch.tensor([[axis[y % stride] * axis[x % stride] for x in range(24, 36)]
                           for y in range(24, 36)])  # fmt: skip
    assert torch.equal(gradient[0, 0, 24:36, 24:36], middle)
    period = gradient[0, 0, 24 : 24 + stride, 24 : 24 + stride]
    spread = float(period.std(correction=0) / period.mean())
    assert unevenness([axis, axis]) == pytest.approx(spread, abs=1e-6)


def test_axes_may_differ() -> None:
    tall = unevenness([axis_coverage([1.0] * 3, 2), axis_coverage([1.0] * 2, 2)])
    assert tall == pytest.approx(1 / 3)  # one axis: .5 / 1.5


def layers(name: str, *, taps: bool = True):
    net = skeleton(find(name))
    return strided_layers(net, taps=matched_taps(net) if taps else ())


def test_vgg_covers_evenly_at_every_period() -> None:
    assert by_period(layers("vgg19.tv_in1k")) == dict.fromkeys([2, 4, 8, 16, 32], 0)
    assert {layer.kind for layer in layers("vgg19.tv_in1k")} == {"max_pool"}


def test_resnet_s_strides_and_periods() -> None:
    found = layers("resnet50.tv_in1k")
    assert [(la.name, la.kernel[0], la.stride[0], la.period) for la in found] == [
        ("conv1", 7, 2, 2),
        ("maxpool", 3, 2, 4),
        ("layer2.0.conv2", 3, 2, 8),
        ("layer2.0.downsample.0", 1, 2, 8),
        ("layer3.0.conv2", 3, 2, 16),
        ("layer3.0.downsample.0", 1, 2, 16),
        ("layer4.0.conv2", 3, 2, 32),
        ("layer4.0.downsample.0", 1, 2, 32),
    ]
    assert list(by_period(found)) == [2, 4, 8, 16, 32]
    assert list(by_period(found).values()) == pytest.approx([0.203, 0.484] + [1.732] * 3, abs=1e-3)


def test_pools_called_as_functions_are_seen() -> None:
    found = strided_layers(skeleton(spec("inception_c10")))
    assert [(la.name, la.kind, la.period) for la in found if la.kind == "max_pool"] == [
        ("stages.pool", "max_pool", 2),
        ("stages.mixed6a", "max_pool", 4),
        ("stages.mixed7a", "max_pool", 8),
    ]
    assert {la.unevenness for la in found} == {unevenness([(2, 1), (2, 1)])}


def test_periods_are_exact_without_padding() -> None:
    assert [la.period for la in layers("inception_v3.tv_in1k") if la.kind == "max_pool"] == [
        4, 8, 16, 32,
    ]  # fmt: skip


def test_average_pools_and_blurs_are_even() -> None:
    net = nn.Sequential(
        nn.Conv2d(3, 4, 1), nn.AvgPool2d(2), BlurPool2d(stride=2), nn.Conv2d(4, 4, 3, 2)
    )
    found = strided_layers(net)
    assert [la.kind for la in found] == ["avg_pool", "convolution", "convolution"]
    assert [la.unevenness for la in found] == pytest.approx([0, 0, 0.484], abs=1e-3)
    assert [la.period for la in found] == [2, 4, 8]


def test_layers_behind_the_last_tap_do_not_count() -> None:
    net = skeleton(spec("vgg_c10"))
    for tap, expected in [
        ("stages.conv1_2", []),
        ("stages.conv2_1", [2]),
        ("stages.pool2", [2, 4]),
    ]:
        assert [la.period for la in strided_layers(net, taps=["stages.conv1_1", tap])] == expected
    assert len(strided_layers(net)) == 3


def test_a_real_network_is_left_as_it_was() -> None:
    net = create_model("vgg_c10").train()
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    strided_layers(net, taps=["stages.conv2_1"])
    after = net.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in net.modules())
    assert net(torch.rand(2, 3, 32, 32)).isfinite().all()
