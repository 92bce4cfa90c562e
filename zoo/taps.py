"""Which activations of a network are compared: the tap sets."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from timm.models import create_model
from torch import nn

import zoo.architectures
import zoo.matched  # noqa: F401  (both register CIFAR members with timm)
from zoo.activations import Output, TapError, first_activation, nearest_activation, outputs
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
    every = _every(spec.arch, tuple(spec.arch_options.items()), spec.surgery)
    matched = every.style
    taps = _article(spec) if kind == "article" else Taps(every.content, _some(matched, kind))
    return taps if content is None else Taps(_nth(matched, content), taps.style)


@lru_cache(maxsize=256)
def _every(arch: str, options: tuple[tuple[str, Any], ...], surgery: tuple[str, ...]) -> Taps:
    """The matched taps of an architecture: weights have no say in them."""
    net = _skeleton(arch, options, surgery)
    found = outputs(net)
    return Taps(nearest_activation(content_tap(net), found), _matched(net, found))


def default_taps(spec: ModelSpec) -> tuple[str, ...]:
    """The matched taps of a contestant, timm's own of a judge."""
    return (stage_taps if spec.role == "judge" else matched_taps)(skeleton(spec))


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
    return _skeleton(spec.arch, tuple(spec.arch_options.items()), spec.surgery)


def _skeleton(
    arch: str, options: tuple[tuple[str, Any], ...], surgery: tuple[str, ...]
) -> nn.Module:
    with torch.device("meta"):
        net: nn.Module = create_model(arch, **dict(options))
        operate(net, surgery)
    return net


def matched_taps(net: nn.Module) -> tuple[str, ...]:
    """The same choice for every network: its first activation and one activation at each stride.

    The article gave VGG its first full-resolution activation and ResNet none; this rule gives each
    network the same. Strides and stages are timm's (``feature_info``); where timm's own tap is no
    activation, the nearest one of its size is taken (``zoo.activations.nearest_activation``).
    """
    return _matched(net, outputs(net))


def _matched(net: nn.Module, found: list[Output]) -> tuple[str, ...]:
    first = first_activation(found)
    stages = [nearest_activation(str(row["module"]), found) for row in _feature_info(net)]
    return tuple(dict.fromkeys([first, *stages]))


def stage_taps(net: nn.Module) -> tuple[str, ...]:
    """The network's first activation and timm's own taps, activations or not: a judge's taps."""
    first = first_activation(outputs(net))
    return tuple(dict.fromkeys([first, *(str(row["module"]) for row in _feature_info(net))]))


def content_tap(net: nn.Module, *, stride: int = 8) -> str:
    """timm's own deepest tap at this stride or a finer one; its first where all are coarser."""
    rows = _feature_info(net)
    fine = [row for row in rows if row["reduction"] <= stride]
    return str((fine[-1] if fine else rows[0])["module"])


def _feature_info(net: nn.Module) -> list[dict[str, Any]]:
    """timm's list of taps, which is an object in some networks and a plain list in others."""
    info: Any = getattr(net, "feature_info", ())
    rows: list[dict[str, Any]] = info.get_dicts() if hasattr(info, "get_dicts") else info
    if not rows:
        raise TapError("timm names no stages of this network: leave it to the attacks")
    return rows
