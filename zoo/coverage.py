"""How unevenly strided layers spread their gradients over their inputs, from the layers alone.

In the backward pass each output of a layer of kernel k and stride s writes to k places in a row,
and the next output to k places s further on. Where s does not divide k, some places are written to
more often than others, on a lattice of period s (Odena et al. 2016). Trained weights do not enter:
every tap of a kernel counts as one. So a kernel padded with zeros is taken for a larger one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from math import comb, prod, sqrt
from statistics import fmean, pvariance
from typing import Any

import torch
from timm.layers import BlurPool2d
from torch import nn
from torch.func import functional_call
from torch.utils._python_dispatch import TorchDispatchMode

Pair = tuple[int, int]  # down, across

_ATEN = torch.ops.aten
_KINDS = {
    _ATEN.convolution.default: "convolution",
    _ATEN.max_pool2d_with_indices.default: "max_pool",
    _ATEN.avg_pool2d.default: "avg_pool",
}
_SIDE = 2**14  # of the traced picture: rounding at unpadded borders is nothing beside it


@dataclass(frozen=True)
class StridedLayer:
    """One layer with a stride, as a forward pass called it.

    Attributes:
        name: of the module that called it.
        kind: ``convolution``, ``max_pool`` or ``avg_pool``.
        before: product of the strides between the picture and its input.
        ceil: whether its output size is rounded up.
        taps: weights along either axis where they are fixed; None = trained, each counts as 1.
    """

    name: str
    kind: str
    kernel: Pair
    stride: Pair
    padding: Pair
    dilation: Pair
    before: int
    ceil: bool = False
    taps: tuple[float, ...] | None = None

    @property
    def period(self) -> int:
        """Pixels of the picture after which its lattice repeats."""
        return self.before * max(self.stride)

    @property
    def unevenness(self) -> float:
        """Coefficient of variation of its coverage, 0 = even.

        For a max pool an upper guide only: it writes to one place of its window.
        """
        axes = [
            axis_coverage(self.taps or [1.0] * k, s, dilation=d, padding=p)
            for k, s, d, p in zip(
                self.kernel, self.stride, self.dilation, self.padding, strict=True
            )
        ]
        return unevenness(axes)


def axis_coverage(
    taps: Sequence[float], stride: int, *, dilation: int = 1, padding: int = 0
) -> tuple[float, ...]:
    """How much is written to the input positions 0 .. stride - 1, and so to all i modulo stride.

    The sum of the taps j with (j * dilation - padding) mod stride = i; borders apart.
    """
    covered = [0.0] * stride
    for j, weight in enumerate(taps):
        covered[(j * dilation - padding) % stride] += weight
    return tuple(covered)


def unevenness(axes: Iterable[Sequence[float]]) -> float:
    """sqrt(prod(1 + v) - 1), v the squared coefficient of variation of the coverage of each axis.

    The coefficient of variation of the outer product of the axes' coverages.
    """
    return sqrt(prod(1 + pvariance(axis) / fmean(axis) ** 2 for axis in axes) - 1)


def by_period(layers: Iterable[StridedLayer]) -> dict[int, float]:
    """The largest unevenness among the layers of each period, by period."""
    found: dict[int, float] = {}
    for layer in layers:
        found[layer.period] = max(found.get(layer.period, 0.0), layer.unevenness)
    return dict(sorted(found.items()))


def strided_layers(net: nn.Module, *, taps: Iterable[str] = ()) -> tuple[StridedLayer, ...]:
    """Every layer with a stride, in the order of the forward pass, functional calls included.

    Args:
        net: pictures "1 3 h w" in; its numbers are neither used nor changed.
        taps: modules; layers behind the last of them are left out. None named: no layer is.
    """
    trace = _Trace(net)
    waiting = set(taps)
    state = {n: t.to("meta") for n, t in (*net.named_parameters(), *net.named_buffers())}
    handles = []
    for name, module in net.named_modules():
        handles.append(module.register_forward_pre_hook(partial(trace.enter, name)))
        handles.append(module.register_forward_hook(partial(trace.leave, name, waiting)))
    try:
        with torch.no_grad(), trace:
            functional_call(net, state, (torch.empty(1, 3, _SIDE, _SIDE, device="meta"),))
    except _LastTap:
        pass
    finally:
        for handle in handles:
            handle.remove()
    return tuple(trace.found)


class _LastTap(Exception):
    """Every tap has been passed."""


class _Trace(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Records strided layers while a network runs."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.net, self.inside, self.found = net, list[str](), list[StridedLayer]()

    def enter(self, name: str, *_: object) -> None:
        self.inside.append(name)

    def leave(self, name: str, waiting: set[str], *_: object) -> None:
        self.inside.pop()
        if name in waiting:
            waiting.remove(name)
            if not waiting:
                raise _LastTap

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in _KINDS:
            self._record(_KINDS[func], _named(func, args, kwargs or {}))
        return func(*args, **(kwargs or {}))

    def _record(self, kind: str, call: dict[str, Any]) -> None:
        if call.get("transposed"):
            return
        kernel = _pair(call["kernel_size"] if "kernel_size" in call else call["weight"].shape[2:])
        stride = _pair(call["stride"] or kernel)
        name, picture = self.inside[-1], call["self" if "self" in call else "input"]
        blur = isinstance(self.net.get_submodule(name), BlurPool2d)
        if max(stride) > 1:
            self.found.append(
                StridedLayer(
                    name=name,
                    kind=kind,
                    kernel=kernel,
                    stride=stride,
                    padding=_pair(call["padding"]),
                    dilation=_pair(call.get("dilation", 1)),
                    before=round(_SIDE / picture.shape[-1]),
                    ceil=bool(call.get("ceil_mode", False)),
                    taps=_binomial(kernel[0]) if blur else None,
                )
            )


def _named(func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments of an operator's call by name, defaults included."""
    expected = func._schema.arguments
    given = {e.name: value for e, value in zip(expected, args, strict=False)}
    return {e.name: e.default_value for e in expected} | given | kwargs


def _pair(values: int | Sequence[int]) -> Pair:
    if isinstance(values, int):
        return values, values
    return int(values[0]), int(values[-1])


def _binomial(n: int) -> tuple[float, ...]:
    return tuple(float(comb(n - 1, j)) for j in range(n))
