"""Named changes to a network whose weights are already there; nothing is trained again.

average-pool: strided max pools become average pools (Gatys et al. 2016).
blur-pool: they become a max pool without stride and a strided binomial blur (Zhang 2019).
box-kernels: strided convolutions whose stride does not divide their kernel are preceded by an
    average over the stride's length, merged into their weights: 3/2 becomes 4/2, a 1x1/2 shortcut
    becomes ResNet-D's. Every weight then reaches each input place equally (cf. Odena et al. 2016).
pad-kernels: the same kernels padded with zeros instead (3/2 to 4/2). The function is unchanged,
    and so is its gradient: the control for whoever counts taps and not weights.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from timm.layers import BlurPool2d
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from zoo.coverage import StridedLayer, strided_layers


class SurgeryError(ValueError):
    """A network that a surgery does not fit."""


def operate(net: nn.Module, surgery: Sequence[str]) -> tuple[str, ...]:
    """Perform these surgeries one after another, in place.

    Returns:
        The names of the modules that were changed; none where a network has nothing to change.

    Raises:
        SurgeryError: the network has a layer that the surgery cannot treat.
    """
    return tuple(name for one in surgery for name in _SURGERIES[one](net))


def _average_pool(net: nn.Module) -> list[str]:
    return _replace_max_pools(
        net,
        lambda pool: nn.AvgPool2d(
            pool.kernel, pool.stride, pool.padding, ceil_mode=pool.ceil, count_include_pad=False
        ),
    )


def _blur_pool(net: nn.Module) -> list[str]:
    return _replace_max_pools(net, _blurred)


def _blurred(pool: StridedLayer) -> nn.Module:
    if pool.ceil or pool.stride != (2, 2):
        raise SurgeryError(f"{pool.name} has no blurred twin: its stride is {pool.stride}, or it "
                           "rounds sizes up")  # fmt: skip
    return nn.Sequential(nn.MaxPool2d(pool.kernel, 1, pool.padding), BlurPool2d(stride=2))


def _replace_max_pools(net: nn.Module, make: Callable[[StridedLayer], nn.Module]) -> list[str]:
    pools = [layer for layer in strided_layers(net) if layer.kind == "max_pool"]
    by_name = {pool.name: pool for pool in pools}
    if len({(pool.name, pool.kernel, pool.stride) for pool in pools}) > len(by_name):
        raise SurgeryError("one module calls several kinds of max pool: none can stand for all")
    for name, pool in by_name.items():
        module = net.get_submodule(name)
        own = isinstance(module, nn.MaxPool2d)
        net.set_submodule(name, make(pool) if own else _PoolInside(module, make(pool)))
    return list(by_name)


class _PoolInside(nn.Module):
    """A block that calls ``functional.max_pool2d`` itself, answered by another module."""

    def __init__(self, block: nn.Module, pool: nn.Module) -> None:
        super().__init__()
        self.block, self.pool = block, pool

    def forward(self, x: Tensor) -> Tensor:
        with _Answer(self.pool):
            out: Tensor = self.block(x)
        return out


class _Answer(TorchFunctionMode):
    def __init__(self, pool: nn.Module) -> None:
        super().__init__()
        self.pool = pool

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if func is functional.max_pool2d:
            return self.pool(args[0])
        return func(*args, **(kwargs or {}))


def _box_kernels(net: nn.Module) -> list[str]:
    def smeared(conv: nn.Conv2d) -> Tensor:
        down, across = conv.stride
        shifted = [
            functional.pad(conv.weight, (x, across - 1 - x, y, down - 1 - y))
            for y in range(down)
            for x in range(across)
        ]
        return torch.stack(shifted).mean(0)

    return _grow_kernels(net, smeared)


def _pad_kernels(net: nn.Module) -> list[str]:
    def padded(conv: nn.Conv2d) -> Tensor:
        down, across = (-k % s for k, s in zip(conv.kernel_size, conv.stride, strict=True))
        return functional.pad(conv.weight, (0, across, 0, down))

    return _grow_kernels(net, padded)


def _grow_kernels(net: nn.Module, weight: Callable[[nn.Conv2d], Tensor]) -> list[str]:
    changed = []
    for name, module in list(net.named_modules()):
        if isinstance(module, nn.Conv2d) and _undivided(module):
            if type(module) is not nn.Conv2d or module.dilation != (1, 1):
                raise SurgeryError(f"{name} is no plain convolution: its kernel cannot grow")
            net.set_submodule(name, _grown(module, weight(module).detach()))
            changed.append(name)
    return changed


def _undivided(conv: nn.Conv2d) -> bool:
    return any(k % s for k, s in zip(conv.kernel_size, conv.stride, strict=True))


def _grown(conv: nn.Conv2d, weight: Tensor) -> nn.Module:
    """The convolution with a kernel that reaches further down and to the right."""
    top, left = map(int, conv.padding)
    height, width = weight.shape[2:]
    down, across = height - conv.kernel_size[0], width - conv.kernel_size[1]
    with torch.device("meta"):  # its initialisation would draw random numbers for nothing
        new = nn.Conv2d(
            conv.in_channels, conv.out_channels, (height, width), (conv.stride[0], conv.stride[1]),
            groups=conv.groups, bias=False,
        )  # fmt: skip
    new.weight, new.bias = nn.Parameter(weight), conv.bias
    return nn.Sequential(nn.ZeroPad2d((left, left + across, top, top + down)), new)


_SURGERIES: dict[str, Callable[[nn.Module], list[str]]] = {
    "average-pool": _average_pool,
    "blur-pool": _blur_pool,
    "box-kernels": _box_kernels,
    "pad-kernels": _pad_kernels,
}
