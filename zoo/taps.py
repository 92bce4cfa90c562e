"""Which activations of a network are compared: the tap sets."""

from dataclasses import dataclass
from typing import Any

import torch
from timm.models import create_model
from torch import nn

import zoo.architectures  # noqa: F401  (registers the CIFAR members with timm)
from zoo.spec import ModelSpec
from zoo.surgery import operate


@dataclass(frozen=True)
class Taps:
    """Module names: one carries content, several carry style."""

    content: str
    style: tuple[str, ...]

    @property
    def every(self) -> tuple[str, ...]:
        """All of them; the content tap may be a style tap too."""
        return tuple(dict.fromkeys([*self.style, self.content]))


def tap_set(spec: ModelSpec, kind: str) -> Taps:
    """A model's taps, ``matched`` (see ``matched_taps``) or ``article`` (as Nakano 2019 chose).

    Raises:
        ValueError: the article named no taps for this family.
    """
    if kind == "article":
        if spec.style_layers is None or spec.content_layer is None:
            raise ValueError(f"the article names no taps for {spec.name}: use matched ones")
        return Taps(spec.content_layer, spec.style_layers)
    net = skeleton(spec)
    return Taps(content_tap(net), matched_taps(net))


def skeleton(spec: ModelSpec) -> nn.Module:
    """The spec's architecture after its surgeries, without memory behind its weights."""
    with torch.device("meta"):
        net: nn.Module = create_model(spec.arch, **spec.arch_options)
        operate(net, spec.surgery)
    return net


def matched_taps(net: nn.Module) -> tuple[str, ...]:
    """The same choice for every network: its first activation and timm's tap at each stride.

    The article gave VGG its first full-resolution activation and ResNet none; this rule gives each
    network the same.
    """
    stages = [str(row["module"]) for row in _feature_info(net)]
    return tuple(dict.fromkeys([_first_activation(net), *stages]))


def content_tap(net: nn.Module, *, stride: int = 8) -> str:
    """The matched tap that carries content: the deepest one at this stride or a finer one."""
    return str([row for row in _feature_info(net) if row["reduction"] <= stride][-1]["module"])


def _feature_info(net: nn.Module) -> list[dict[str, Any]]:
    """timm's list of taps, which is an object in some networks and a plain list in others."""
    info: Any = net.feature_info
    rows: list[dict[str, Any]] = info.get_dicts() if hasattr(info, "get_dicts") else info
    return rows


def _first_activation(net: nn.Module) -> str:
    """Name of the first nonlinearity's module; a norm with its activation inside counts as one."""
    modules = dict(net.named_modules())
    first: str = next(n for n, m in modules.items() if type(m).__module__.endswith("activation"))
    parent = first.rpartition(".")[0]
    while parent and "Act" in type(modules[parent]).__name__:
        first, parent = parent, parent.rpartition(".")[0]
    return first
