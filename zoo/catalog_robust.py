"""The robust ImageNet members of the catalogue, and the standard twins trained beside them.

Salman et al. 2020: clean top-1 as on huggingface.co/madrylab/robust-imagenet-models. Engstrom et
al. 2019: the robustness library's three ResNet-50, clean top-1 as in its README; and the two
ResNet-50 of nine classes behind "Adversarial Robustness as a Prior" (robust_representations), the
article's, for which neither accuracy nor eps is stated beside the files.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from zoo.catalog_imagenet import IMAGENET
from zoo.spec import ModelSpec, Pickled

_HUB = "https://huggingface.co/madrylab/robust-imagenet-models/resolve/main"
_DROPBOX = "https://www.dropbox.com/s"
_PLAIN = {spec.name: spec for spec in IMAGENET}

# timm's name: {recipe: accuracy in percent}
_SALMAN: Mapping[str, Mapping[str, float]] = {
    "resnet18": {
        "l2_eps0": 69.79, "l2_eps0.1": 68.77, "l2_eps0.5": 65.49, "l2_eps1": 62.32,
        "l2_eps3": 53.12, "l2_eps5": 45.59, "linf_eps4.0": 52.49, "linf_eps8.0": 42.11,
    },
    "resnet50": {
        "l2_eps0": 75.80, "l2_eps0.1": 74.78, "l2_eps0.5": 73.16, "l2_eps1": 70.43,
        "l2_eps3": 62.83, "l2_eps5": 56.13, "linf_eps4.0": 63.86, "linf_eps8.0": 54.53,
    },
    "wide_resnet50_2": {
        "l2_eps0": 76.97, "l2_eps0.1": 76.74, "l2_eps0.5": 75.11, "l2_eps1": 73.41,
        "l2_eps3": 66.90, "l2_eps5": 60.94, "linf_eps4.0": 68.41, "linf_eps8.0": 60.82,
    },
    "resnext50_32x4d": {"l2_eps0": 77.38, "l2_eps3": 66.25},
    "densenet161": {"l2_eps0": 77.37, "l2_eps3": 66.98},
    "vgg16_bn": {"l2_eps0": 73.66, "l2_eps3": 57.19},
}  # fmt: skip
_FILES = {"densenet161": "densenet"}  # where the repository names an architecture otherwise


def _salman(arch: str, recipe: str, accuracy: float) -> ModelSpec:
    url = f"{_HUB}/{_FILES.get(arch, arch)}_{recipe}.ckpt"
    return _pickled(f"{arch}.salman_{recipe}", recipe, url, accuracy)


def _pickled(name: str, recipe: str, url: str, accuracy: float | None) -> ModelSpec:
    arch = name.partition(".")[0]
    return replace(
        _PLAIN[f"{arch}.tv_in1k"],
        name=name,
        training="standard" if recipe == "l2_eps0" else recipe,
        weights=Pickled(url, accuracy and round(accuracy / 100, 4)),
    )


def _nine(spec: ModelSpec) -> ModelSpec:
    return replace(
        spec, dataset="restricted_imagenet", arch_options=MappingProxyType({"num_classes": 9})
    )


ROBUST: tuple[ModelSpec, ...] = (
    *(
        _salman(arch, recipe, accuracy)
        for arch, recipes in _SALMAN.items()
        for recipe, accuracy in recipes.items()
    ),
    _pickled(
        "resnet50.engstrom_l2_eps3", "l2_eps3",
        f"{_DROPBOX}/knf4uimlqsi1yz8/imagenet_l2_3_0.pt?dl=1", 57.90,
    ),
    _pickled(
        "resnet50.engstrom_linf_eps4", "linf_eps4",
        f"{_DROPBOX}/axfuary2w1cnyrg/imagenet_linf_4.pt?dl=1", 62.42,
    ),
    _pickled(
        "resnet50.engstrom_linf_eps8", "linf_eps8",
        f"{_DROPBOX}/yxn15a9zklz3s8q/imagenet_linf_8.pt?dl=1", 47.91,
    ),
    _nine(_pickled(
        "resnet50.restricted_l2", "l2_unstated", "http://andrewilyas.com/RestrictedImageNet.pt",
        None,
    )),
    _nine(_pickled(
        "resnet50.restricted_standard", "l2_eps0",
        "https://robustmodels.s3.amazonaws.com/RestrictedImageNetNat.pt", None,
    )),
)  # fmt: skip
