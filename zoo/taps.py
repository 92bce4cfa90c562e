"""Which activations of a network are compared: the tap sets."""

from dataclasses import dataclass
from typing import Any

import torch
from timm.models import create_model
from torch import nn

import zoo.architectures
import zoo.matched  # noqa: F401  (both register CIFAR members with timm)
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


def tap_set(spec: ModelSpec, kind: str, *, content: int | None = None) -> Taps:
    """A model's taps.

    Args:
        kind: ``matched`` (see ``matched_taps``), ``article`` (as Nakano 2019 chose), or some of the
            matched ones: ``without-first``, ``single/<k>``, ``subset/<k>+<l>``, counted from 0.
        content: place of the content tap among the matched ones; None = as the kind has it.

    Raises:
        ValueError: the article named no taps for this family, or there is no such kind or place.
    """
    net = skeleton(spec)
    matched = matched_taps(net)
    taps = _article(spec) if kind == "article" else Taps(content_tap(net), _some(matched, kind))
    return taps if content is None else Taps(_nth(matched, content), taps.style)


def _article(spec: ModelSpec) -> Taps:
    if spec.style_layers is None or spec.content_layer is None:
        raise ValueError(f"the article names no taps for {spec.name}: use matched ones")
    return Taps(spec.content_layer, spec.style_layers)


def _some(matched: tuple[str, ...], kind: str) -> tuple[str, ...]:
    match kind.split("/"):
        case ["matched"]:
            return matched
        case ["without-first"]:
            return matched[1:]
        case ["single" | "subset", places]:
            return tuple(_nth(matched, int(place)) for place in places.split("+"))
    raise ValueError(
        f"no tap set {kind}: choose matched, article, without-first, single/<k> or subset/<k>+<l>"
    )


def _nth(matched: tuple[str, ...], place: int) -> str:
    if not 0 <= place < len(matched):
        raise ValueError(f"no tap {place}: choose 0 to {len(matched) - 1}")
    return matched[place]


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
