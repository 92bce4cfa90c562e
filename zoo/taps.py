"""Which activations of a network are compared: the tap sets."""

from dataclasses import dataclass
from typing import Any

import torch
from timm.models import create_model
from torch import nn

import zoo.architectures  # noqa: F401  (registers the CIFAR members with timm)
from zoo.activations import Output, nearest_activation, outputs
from zoo.spec import ModelSpec


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
    found = outputs(net)
    return Taps(nearest_activation(content_tap(net), found), _matched(net, found))


def default_taps(spec: ModelSpec) -> tuple[str, ...]:
    """The matched taps of a contestant, timm's own of a judge."""
    return (stage_taps if spec.role == "judge" else matched_taps)(skeleton(spec))


def skeleton(spec: ModelSpec) -> nn.Module:
    """The spec's architecture without memory behind its weights."""
    with torch.device("meta"):
        net: nn.Module = create_model(spec.arch, **spec.arch_options)
    return net


def matched_taps(net: nn.Module) -> tuple[str, ...]:
    """The same choice for every network: its first activation and one activation at each stride.

    The article gave VGG its first full-resolution activation and ResNet none; this rule gives each
    network the same. Strides and stages are timm's (``feature_info``); where timm's own tap is no
    activation, the nearest one of its size is taken (``zoo.activations.nearest_activation``).
    """
    return _matched(net, outputs(net))


def _matched(net: nn.Module, found: list[Output]) -> tuple[str, ...]:
    first = next(output.outermost for output in found if output.activation)
    stages = [nearest_activation(str(row["module"]), found) for row in _feature_info(net)]
    return tuple(dict.fromkeys([first, *stages]))


def stage_taps(net: nn.Module) -> tuple[str, ...]:
    """The network's first activation and timm's own taps, activations or not: a judge's taps."""
    first = next(output.outermost for output in outputs(net) if output.activation)
    return tuple(dict.fromkeys([first, *(str(row["module"]) for row in _feature_info(net))]))


def content_tap(net: nn.Module, *, stride: int = 8) -> str:
    """timm's own deepest tap at this stride or a finer one; its first where all are coarser."""
    rows = _feature_info(net)
    fine = [row for row in rows if row["reduction"] <= stride]
    return str((fine[-1] if fine else rows[0])["module"])


def _feature_info(net: nn.Module) -> list[dict[str, Any]]:
    """timm's list of taps, which is an object in some networks and a plain list in others."""
    info: Any = net.feature_info
    rows: list[dict[str, Any]] = info.get_dicts() if hasattr(info, "get_dicts") else info
    return rows
