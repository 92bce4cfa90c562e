"""The table of models: the one place where a model is added.

A CIFAR member is one line, ``_cifar("vgg_c10", _VGG, "standard")``, and the file that
``python -m zoo train vgg_c10.standard`` makes for it. ImageNet's members stand in
``catalog_imagenet.py`` and ``catalog_robust.py``.
"""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from types import MappingProxyType
from typing import Any

from zoo.catalog_imagenet import IMAGENET, LITE
from zoo.catalog_robust import ROBUST
from zoo.spec import SURGERIES, Committed, ModelSpec, RandomInit, operated

SOURCE = "resnet50_c10.standard"
JUDGE = "tf_efficientnet_lite0.pypi"

# the article's taps: VGG's first activation of each stage, the outputs of ResNet's four stages
_VGG_TAPS = tuple(f"stages.conv{i}_1" for i in range(1, 5))
_RESNET_TAPS = tuple(f"stages.layer{i}" for i in range(1, 5))

#: the sixteen cells of the factory: tag to the options of ``matched_c10``
SWITCHES: dict[str, Mapping[str, Any]] = {
    f"res{residual:d}_{downsampling}_bn{batch_norm:d}": MappingProxyType(
        {"residual": residual, "downsampling": downsampling, "batch_norm": batch_norm}
    )
    for residual, downsampling, batch_norm in product(
        (False, True), ("max22", "avg22", "conv32", "conv42"), (False, True)
    )
}


class UnknownModelError(KeyError):
    """A name that is not in the catalogue; the message names the nearest."""

    def __str__(self) -> str:  # noqa: D105  (a KeyError would print the repr)
        return str(self.args[0])


@dataclass(frozen=True)
class _Traits:
    """What all weights of one CIFAR architecture share; see ``ModelSpec``."""

    family: str
    residual: bool = False
    downsampling: str = ""
    batch_norm: bool = True
    style_layers: tuple[str, ...] | None = None
    content_layer: str | None = None


_VGG = _Traits("VGG", False, "max22", True, _VGG_TAPS, "stages.conv4_2")
_RESNET = _Traits("ResNet", True, "conv32", True, _RESNET_TAPS, "stages.layer3")
_DENSENET = _Traits("DenseNet", downsampling="avg22")
_INCEPTION = _Traits("Inception")
_ALEXNET = _Traits("AlexNet", downsampling="max32", batch_norm=False)
_FIVE = {
    "vgg_c10": _VGG,
    "resnet18_c10": _RESNET,
    "resnet50_c10": _RESNET,
    "densenet_c10": _DENSENET,
    "inception_c10": _INCEPTION,
}


def _cifar(
    arch: str,
    traits: _Traits,
    training: str,
    role: str = "contestant",
    *,
    seed: int = 0,
    recipe: str | None = None,
) -> ModelSpec:
    random = training == "random"
    return ModelSpec(
        name=f"{arch}.{training}" + (f"-s{seed}" if seed else ""),
        dataset="cifar10",
        arch=arch,
        weights=RandomInit() if random else Committed(),
        training=training,
        recipe=recipe,
        seed=seed,
        role=role,
        **vars(traits),
    )


def _matched(
    tag: str, options: Mapping[str, Any], *, seed: int = 0, training: str = "standard"
) -> ModelSpec:
    standard = training == "standard"
    return ModelSpec(
        name=f"matched_c10.{tag}" + ("" if standard else f"-{training}") + f"-s{seed}" * bool(seed),
        family="Matched net",
        dataset="cifar10",
        arch="matched_c10",
        arch_options=options,
        weights=Committed(),
        training=training,
        recipe="tuned" if standard else None,
        residual=options["residual"],
        downsampling=options["downsampling"],
        batch_norm=options["batch_norm"],
        seed=seed,
        role="matched" if standard else "nonrobust",
    )


_SOURCE, _SMALL = ("resnet50_c10", _RESNET), ("vgg_c10", _VGG)
_CONTROL = ("alexnet_c10", _ALEXNET)  # the article names it for its robustness

_MODELS = (
    *(_cifar(*arch, "standard") for arch in _FIVE.items()),
    *(_cifar(*arch, "l2_05") for arch in (_SMALL, _SOURCE)),
    *(_cifar(*arch, "l2_05", "twin") for arch in _FIVE.items() if arch not in (_SMALL, _SOURCE)),
    *(_cifar(*_SOURCE, training, "twin") for training in ("l2_025", "l2_1")),
    *(_cifar(*arch, "standard", "replicate", seed=1) for arch in _FIVE.items()),
    *(_cifar(*a, "random", "control", seed=seed) for a in (*_FIVE.items(), _CONTROL)
      for seed in range(3)),
    _cifar(*_CONTROL, "standard", "control", recipe="tuned"),
    *(_matched(*net, seed=seed) for seed in range(2) for net in SWITCHES.items()),
    *(_cifar(*arch, "det", "nonrobust") for arch in _FIVE.items()),
    *(_matched(*net, training="det") for net in SWITCHES.items()),
    *(_cifar(*a, kind, "nonrobust") for kind in ("rand", "noise") for a in (_SOURCE, _SMALL)),
    *IMAGENET,
    *ROBUST,
    *LITE,
)  # fmt: skip

ZOO: dict[str, ModelSpec] = {spec.name: spec for spec in _MODELS}


def find(name: str) -> ModelSpec:
    """The spec of this name: a line of the catalogue, any ``arch.tag`` of timm, ``arch.random``.

    ``arch.tag+surgery`` is the model after a surgery.

    Raises:
        UnknownModelError: no such name or surgery, or a bare architecture without its tag.
    """
    name, *surgery = name.split("+")
    for one in surgery:
        if one not in SURGERIES:
            raise UnknownModelError(f"no surgery {one}: choose one of {', '.join(SURGERIES)}")
    if name in ZOO:
        return operated(ZOO[name], *surgery)
    from zoo.unlisted import spec_of, tags  # timm is heavy, and most names have a line

    unlisted = spec_of(name, tuple(ZOO.values()))
    if unlisted:
        return operated(unlisted, *surgery)
    tagged = [known for known in ZOO if known.split(".")[0] == name] or tags(name)
    near = tagged or difflib.get_close_matches(name, ZOO, n=3, cutoff=0.4)
    hint = (
        f"did you mean {' or '.join(near[:3])}?" if near else "python -m zoo list shows all names"
    )
    reason = "names no weights" if tagged else "is not in the catalogue"
    raise UnknownModelError(f"{name} {reason}: {hint}")


def members(dataset: str, *, role: str = "contestant") -> tuple[ModelSpec, ...]:
    """All catalogue entries of one data set and role, in the catalogue's order."""
    return tuple(s for s in ZOO.values() if s.dataset == dataset and s.role == role)
