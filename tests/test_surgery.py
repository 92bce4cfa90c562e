"""Surgeries: what they change, what they leave, and that the gradient spreads as they promise."""

from dataclasses import replace
from functools import lru_cache

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, conv2d, max_pool2d, pad

from bench.cells import Cell, digest
from bench.suite_transfer import Transfer
from tests.tiny import inputs, spec
from zoo import surgery
from zoo.catalog import ZOO, UnknownModelError, find
from zoo.coverage import strided_layers
from zoo.load import Encoder, load_classifier, load_encoder, parameters
from zoo.spec import SURGERIES, ModelSpec, RandomInit, operated
from zoo.surgery import SurgeryError, operate
from zoo.taps import tap_set

NETS = {s.arch: replace(s, weights=RandomInit()) for s in ZOO.values() if s.dataset == "cifar10"}
IMAGES = torch.rand(2, 3, 40, 40, generator=torch.Generator().manual_seed(0))
each_kernel = pytest.mark.parametrize(
    ("kernel", "stride", "padding"), [(3, 2, 1), (3, 2, 0), (7, 2, 3), (1, 2, 0), (11, 4, 2)]
)
POOLS = st.sampled_from([(2, 2, 0), (3, 2, 1), (3, 2, 0)])


def conv(kernel: int, stride: int, padding: int = 0, *, seed: int = 0) -> nn.Sequential:
    layer = nn.Conv2d(3, 5, kernel, stride, padding)
    generator = torch.Generator().manual_seed(seed)
    for p in layer.parameters():
        p.data = torch.randn(p.shape, generator=generator)
    return nn.Sequential(layer).requires_grad_(False)


def after(net: nn.Sequential, name: str) -> nn.Sequential:
    operate(net, [name])
    return net


def gradient(net: nn.Module, side: int = 24) -> Tensor:
    image = torch.zeros(1, 3, side, side, requires_grad=True)
    (found,) = torch.autograd.grad(net(image).sum(), image)
    return found[0]


def sizes(encoder: Encoder) -> dict[str, torch.Size]:
    return {tap: x.shape for tap, x in encoder(IMAGES).items()}


@lru_cache
def intact_sizes(arch: str) -> dict[str, torch.Size]:
    return sizes(load_encoder(NETS[arch], taps=tap_set(NETS[arch], "matched").every))


def test_every_name_has_its_operation() -> None:
    assert tuple(surgery._SURGERIES) == SURGERIES


@pytest.mark.parametrize("name", SURGERIES)
@pytest.mark.parametrize("arch", NETS)
def test_every_small_network_accepts_every_surgery(arch: str, name: str) -> None:
    plain, cut = NETS[arch], operated(NETS[arch], name)
    assert tap_set(cut, "matched") == tap_set(plain, "matched")
    loaded = load_classifier(cut)
    assert loaded(IMAGES).isfinite().all()
    assert sizes(Encoder(loaded, tap_set(cut, "matched").every)) == intact_sizes(arch)
    assert parameters(cut) == parameters(plain)


CHANGED = {
    ("vgg_c10", "average-pool"): ["stages.pool1", "stages.pool2", "stages.pool3"],
    ("vgg_c10", "box-kernels"): [],
    ("resnet18_c10", "blur-pool"): [],
    ("resnet18_c10", "box-kernels"): [
        f"stages.layer{i}.0.{which}" for i in (2, 3, 4) for which in ("conv1", "downsample.0")
    ],
    ("densenet_c10", "average-pool"): [],
    ("densenet_c10", "box-kernels"): [],
    ("inception_c10", "blur-pool"): ["stages.pool", "stages.mixed6a", "stages.mixed7a"],
}


@pytest.mark.parametrize(("arch", "name"), CHANGED)
def test_it_changes_these_modules_and_no_others(arch: str, name: str) -> None:
    net, plain = (load_classifier(NETS[arch], fold=False).net for _ in range(2))
    changed = operate(net, [name])
    assert list(changed) == CHANGED[arch, name]
    untouched = {n: p for n, p in plain.named_parameters() if not n.startswith(changed)}
    kept = dict(net.named_parameters())
    assert untouched and all(torch.equal(kept[n], p) for n, p in untouched.items())
    if not changed:
        assert torch.equal(net(IMAGES), plain(IMAGES))
    else:
        assert not torch.allclose(net(IMAGES), plain(IMAGES), atol=1e-4)


def test_no_max_pool_with_a_stride_is_left() -> None:
    for arch in ("vgg_c10", "inception_c10"):
        for name in ("average-pool", "blur-pool"):
            net = load_classifier(operated(NETS[arch], name)).net
            assert not [la for la in strided_layers(net) if la.kind == "max_pool"]


@settings(max_examples=25, deadline=None)
@given(pool=POOLS, height=st.integers(7, 14), width=st.integers(7, 14), seed=st.integers(0, 9))
def test_average_pooling_is_the_mean_of_the_same_windows(
    pool: tuple[int, int, int], height: int, width: int, seed: int
) -> None:
    x = torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed))
    found = after(nn.Sequential(nn.MaxPool2d(*pool)), "average-pool")(x)
    assert torch.equal(found, avg_pool2d(x, *pool, count_include_pad=False))
    assert found.shape == max_pool2d(x, *pool).shape


@settings(max_examples=25, deadline=None)
@given(pool=POOLS, height=st.integers(7, 14), width=st.integers(7, 14), seed=st.integers(0, 9))
def test_blur_pooling_is_a_binomial_mean_of_all_windows(
    pool: tuple[int, int, int], height: int, width: int, seed: int
) -> None:
    x = torch.rand(1, 1, height, width, generator=torch.Generator().manual_seed(seed))
    found = after(nn.Sequential(nn.MaxPool2d(*pool)), "blur-pool")(x)
    row = torch.tensor([0.25, 0.5, 0.25])
    dense = pad(max_pool2d(x, pool[0], 1, pool[2]), (1, 1, 1, 1), mode="reflect")
    expected = conv2d(dense, row.outer(row)[None, None], stride=2)
    torch.testing.assert_close(found, expected)
    assert found.shape == max_pool2d(x, *pool).shape


class Functional(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return max_pool2d(x, kernel_size=2, stride=2) + 1


def test_a_pool_called_as_a_function_is_replaced_too() -> None:
    net = nn.Sequential(nn.Identity(), Functional())
    assert operate(net, ["average-pool"]) == ("1",)
    torch.testing.assert_close(net(IMAGES), avg_pool2d(IMAGES, 2) + 1)
    torch.testing.assert_close(max_pool2d(IMAGES, 2), Functional()(IMAGES) - 1)  # outside: as ever


@each_kernel
@pytest.mark.parametrize("side", [23, 24])
def test_padding_a_kernel_changes_nothing(
    kernel: int, stride: int, padding: int, side: int
) -> None:
    x = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(0))
    plain, net = (conv(kernel, stride, padding) for _ in range(2))
    assert operate(net, ["pad-kernels"]) == ("0",)
    assert net[0][1].kernel_size[0] % stride == 0
    torch.testing.assert_close(net(x), plain(x), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(gradient(net), gradient(plain), atol=1e-5, rtol=1e-5)
    assert strided_layers(net)[0].unevenness == 0  # which is why taps alone are not counted on


@pytest.mark.parametrize("arch", ["resnet18_c10", "resnet50_c10", "inception_c10"])
@pytest.mark.parametrize("side", [40, 41])
def test_padded_kernels_leave_whole_networks_as_they_are(arch: str, side: int) -> None:
    x = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(0))
    plain, cut = (load_classifier(s) for s in (NETS[arch], operated(NETS[arch], "pad-kernels")))
    torch.testing.assert_close(cut(x), plain(x), atol=1e-4, rtol=1e-4)


@each_kernel
def test_box_kernels_spread_any_weights_evenly(kernel: int, stride: int, padding: int) -> None:
    plain, net = (conv(kernel, stride, padding, seed=kernel) for _ in range(2))
    operate(net, ["box-kernels"])
    uneven, even = (gradient(n, 48)[:, 16:32, 16:32] for n in (plain, net))
    assert (even.amax((1, 2)) - even.amin((1, 2))).max() < 1e-4 * uneven.abs().max()
    assert (uneven.amax((1, 2)) - uneven.amin((1, 2))).min() > 0.1 * uneven.abs().max()
    torch.testing.assert_close(even.mean((1, 2)), uneven.mean((1, 2)), rtol=1e-4, atol=1e-4)


def test_a_box_kernel_is_the_kernel_on_an_averaged_picture() -> None:
    x = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    plain, net = (conv(3, 2, 1) for _ in range(2))
    operate(net, ["box-kernels"])
    averaged = avg_pool2d(pad(x, (1, 2, 1, 2)), 2, 1)
    expected = conv2d(averaged, plain[0].weight, plain[0].bias, stride=2)
    torch.testing.assert_close(net(x), expected, atol=1e-5, rtol=1e-5)


def test_a_box_shortcut_is_resnet_d_s() -> None:
    x = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    plain, net = (conv(1, 2) for _ in range(2))
    operate(net, ["box-kernels"])
    expected = conv2d(avg_pool2d(x, 2), plain[0].weight, plain[0].bias)
    torch.testing.assert_close(net(x), expected, atol=1e-5, rtol=1e-5)


def test_kernels_that_strides_divide_and_layers_without_stride_stay() -> None:
    net = nn.Sequential(nn.Conv2d(3, 3, 4, 2), nn.Conv2d(3, 3, 3), nn.MaxPool2d(3, 1))
    assert operate(net, ["box-kernels", "pad-kernels", "average-pool", "blur-pool"]) == ()


@pytest.mark.parametrize(
    ("layer", "name"),
    [
        (nn.Conv2d(3, 3, 3, 2, dilation=2), "box-kernels"),
        (nn.MaxPool2d(3, 2, ceil_mode=True), "blur-pool"),
        (nn.MaxPool2d(3, 3), "blur-pool"),
    ],
)
def test_what_cannot_be_treated_is_refused(layer: nn.Module, name: str) -> None:
    with pytest.raises(SurgeryError):
        operate(nn.Sequential(layer), [name])


def test_surgeries_draw_no_random_numbers() -> None:
    net = load_classifier(NETS["resnet18_c10"]).net
    before = torch.get_rng_state()
    operate(net, ["box-kernels"])
    assert torch.equal(torch.get_rng_state(), before)


def test_an_operated_model_has_its_own_name_and_the_same_weights() -> None:
    cut = find("resnet50_c10.standard+box-kernels")
    assert cut == operated(find("resnet50_c10.standard"), "box-kernels")
    assert (cut.name, cut.intact) == ("resnet50_c10.standard+box-kernels", "resnet50_c10.standard")
    twice = find("vgg_c10.standard+average-pool+pad-kernels")
    assert twice.surgery == ("average-pool", "pad-kernels")
    loaded = load_classifier(find("vgg_c10.standard+average-pool")).state_dict()
    plain = load_classifier(find("vgg_c10.standard")).state_dict()
    assert all(torch.equal(loaded[key], plain[key]) for key in plain)


@pytest.mark.parametrize("name", ["vgg_c10.standard+facelift", "vgg_c10.standard+"])
def test_a_surgery_that_does_not_exist_is_refused(name: str) -> None:
    with pytest.raises(UnknownModelError, match="choose one of average-pool, blur-pool"):
        find(name)
    with pytest.raises(ValueError, match="no surgery"):
        operated(find("vgg_c10.standard"), name.partition("+")[2])


def test_the_surgery_is_part_of_the_address(tmp_path) -> None:
    plain: ModelSpec = spec("vgg_c10")
    pretended = replace(plain, surgery=("average-pool",))  # the same name, another network
    addresses = {digest(Cell(s, Transfer(()), 0), inputs(tmp_path)) for s in (plain, pretended)}
    assert len(addresses) == 2
