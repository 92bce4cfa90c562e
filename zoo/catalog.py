"""The table of models: the one place where a model is added.

A CIFAR member is one line, ``_cifar("vgg_c10", "VGG", "standard")``, and the file that
``python -m zoo train vgg_c10.standard`` makes for it. ImageNet's members stand in
``catalog_imagenet.py`` and ``catalog_robust.py``.
"""

import difflib

from zoo.catalog_imagenet import IMAGENET, LITE
from zoo.catalog_robust import ROBUST
from zoo.spec import Committed, ModelSpec

SOURCE = "resnet50_c10.standard"
JUDGE = "tf_efficientnet_lite0.pypi"

# the article's taps: VGG's first activation of each stage, the outputs of ResNet's four stages
_VGG_TAPS = tuple(f"stages.conv{i}_1" for i in range(1, 5))
_RESNET_TAPS = tuple(f"stages.layer{i}" for i in range(1, 5))
_ARTICLE_TAPS = {
    "VGG": (_VGG_TAPS, "stages.conv4_2"),
    "ResNet": (_RESNET_TAPS, "stages.layer3"),
}


class UnknownModelError(KeyError):
    """A name that is not in the catalogue; the message names the nearest."""

    def __str__(self) -> str:  # noqa: D105  (a KeyError would print the repr)
        return str(self.args[0])


def _cifar(
    arch: str,
    family: str,
    training: str,
    *,
    seed: int = 0,
    residual: bool = False,
    epochs: int | None = None,
) -> ModelSpec:
    style, content = _ARTICLE_TAPS.get(family, (None, None))
    return ModelSpec(
        name=f"{arch}.{training}" + (f"-s{seed}" if seed else ""),
        family=family,
        dataset="cifar10",
        arch=arch,
        weights=Committed(),
        training=training,
        residual=residual,
        seed=seed,
        epochs=epochs,
        style_layers=style,
        content_layer=content,
    )


_MODELS = (
    _cifar("vgg_c10", "VGG", "standard"),
    _cifar("resnet18_c10", "ResNet", "standard", residual=True),
    _cifar("resnet50_c10", "ResNet", "standard", residual=True),
    _cifar("densenet_c10", "DenseNet", "standard"),
    _cifar("inception_c10", "Inception", "standard"),
    _cifar("vgg_c10", "VGG", "l2_05"),
    _cifar("resnet50_c10", "ResNet", "l2_05", residual=True),
    *IMAGENET,
    *ROBUST,
    *LITE,
)  # fmt: skip

ZOO: dict[str, ModelSpec] = {spec.name: spec for spec in _MODELS}


def find(name: str) -> ModelSpec:
    """The spec of this name: a line of the catalogue, any ``arch.tag`` of timm, ``arch.random``.

    Raises:
        UnknownModelError: no such name, or a bare architecture without its tag.
    """
    if name in ZOO:
        return ZOO[name]
    from zoo.unlisted import spec_of, tags  # timm is heavy, and most names have a line

    unlisted = spec_of(name, tuple(ZOO.values()))
    if unlisted:
        return unlisted
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
