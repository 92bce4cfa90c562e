"""Models without a line in the catalogue: any of timm's pretrained ones, and untrained networks."""

import inspect
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from types import MappingProxyType

from timm.models import (
    get_pretrained_cfg,
    is_model,
    is_model_pretrained,
    list_pretrained,
    model_entrypoint,
)
from torch import nn

from zoo.activations import adds_activations
from zoo.spec import Hub, ModelSpec, Pickled, RandomInit
from zoo.taps import skeleton

# timm's modules whose networks go by one name; the others are "other"
_FAMILIES = {
    "vgg": "VGG",
    "resnet": "ResNet",
    "densenet": "DenseNet",
    "inception_v3": "Inception",
    "inception_v4": "Inception",
    "inception_resnet_v2": "Inception",
    "efficientnet": "EfficientNet",
    "convnext": "ConvNeXt",
    "vision_transformer": "ViT",
}
_RANDOM = re.compile(r"random(?:-s([1-9]\d*))?")
_DIGEST = re.compile(r"-([0-9a-f]{8,64})\.[\w.]+$")  # as torch.hub writes and reads names
_IMAGENET = 1000


def spec_of(name: str, listed: Iterable[ModelSpec]) -> ModelSpec | None:
    """A spec for a name that has no line; None where timm knows nothing of it.

    ``arch.tag`` are timm's weights of that name, ``arch.random`` and ``arch.random-s1`` the
    architecture's own initialisation under seed 0 and 1. Only classifiers of ImageNet's 1,000
    classes are taken, and architectures that have a line.

    Args:
        listed: the catalogue; an untrained network takes its family and taps from there.
    """
    arch, _, tag = name.partition(".")
    untrained = _RANDOM.fullmatch(tag)
    if untrained:
        seed = int(untrained[1] or 0)
        line = next((s for s in listed if s.arch.split(".")[0] == arch), None) or _inferred(arch)
        return line and replace(
            line, name=name, weights=RandomInit(), training="random", seed=seed, role="contestant"
        )
    return _inferred(name) if tag and is_model_pretrained(name) else None


def tags(arch: str) -> list[str]:
    """The names timm's weights of this architecture go by."""
    known: list[str] = list_pretrained(f"{arch}.*") if is_model(arch) else []
    return known


@lru_cache(maxsize=64)
def _inferred(name: str) -> ModelSpec | None:
    arch = name.partition(".")[0]
    cfg = get_pretrained_cfg(name) if is_model(arch) else None
    if cfg is None or cfg.num_classes != _IMAGENET:
        return None
    module = model_entrypoint(arch).__module__.rpartition(".")[2]
    spec = ModelSpec(
        name=name,
        family=_FAMILIES.get(module, "other"),
        dataset="imagenet",
        arch=name,
        # timm's older weights are on no hub, but pickles on its own pages
        weights=Hub() if cfg.hf_hub_id or not cfg.url else _of_page(cfg.url),
    )
    net = skeleton(spec)
    return replace(spec, residual=adds_activations(net), arch_options=_any_size(net))


def _of_page(url: str) -> Pickled:
    """A file whose name ends in the first digits of its sha256, where it does."""
    digits = _DIGEST.search(url)
    return Pickled(url, sha256=digits and digits[1])


# options by which timm's transformers take pictures of other sizes than their own
_ANY_SIZE = MappingProxyType({"dynamic_img_size": True, "strict_img_size": False})


def _any_size(net: nn.Module) -> Mapping[str, bool]:
    """Those of the options that a network's class has."""
    known = inspect.signature(type(net)).parameters
    return MappingProxyType({k: value for k, value in _ANY_SIZE.items() if k in known})
