"""CIFAR-size members of each family, built from timm's own blocks and registered with timm.

Every member keeps what sets its family apart on ImageNet (VGG's 2/2 max pools, ResNet's 3/2
convolutions and 1x1/2 shortcuts, DenseNet's 2/2 average pools, Inception's 3/2 max pool and 3/2
convolutions). A 32-pixel picture asks for a stem without stride; ResNet and DenseNet lose their
max pool with it, as in the CIFAR networks of He et al. 2016 and Huang et al. 2017. Widths are cut
to 0.5-2.5 M parameters; all members end at stride 8.

``timm.create_model("vgg_c10")`` makes an untrained network; weights come from ``zoo.load``.
"""

from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import Any

from timm.layers import BatchNormAct2d, ClassifierHead, ConvNormAct
from timm.models import generate_default_cfgs, register_model
from timm.models.densenet import DenseBlock, DenseTransition
from timm.models.inception_v3 import InceptionA, InceptionB, InceptionC, InceptionD, InceptionE
from timm.models.resnet import BasicBlock, Bottleneck, make_blocks
from torch import Tensor, nn

Tap = tuple[str, int, int]  # module name, channels, stride

CIFAR10 = {
    "input_size": (3, 32, 32),
    "num_classes": 10,
    "mean": (0.4914, 0.4822, 0.4465),
    "std": (0.2470, 0.2435, 0.2616),
}
default_cfgs = generate_default_cfgs(
    {
        name: CIFAR10
        for name in (
            "vgg_c10",
            "resnet18_c10",
            "resnet50_c10",
            "densenet_c10",
            "inception_c10",
            "alexnet_c10",
        )
    }
)


class StagedNet(nn.Module):
    """Named stages in sequence, global average pooling, one linear layer.

    ``feature_info`` lists the taps as timm does (``module``, ``num_chs``, ``reduction``): the first
    full-resolution activation, then the last activation at every stride. All are ReLU outputs.
    """

    def __init__(
        self, stages: "OrderedDict[str, nn.Module]", taps: list[Tap], num_classes: int
    ) -> None:
        super().__init__()
        self.stages = nn.Sequential(stages)
        self.feature_info = [
            {"module": f"stages.{name}", "num_chs": channels, "reduction": stride}
            for name, channels, stride in taps
        ]
        self.num_classes = num_classes
        self.num_features = taps[-1][1]
        self.head = ClassifierHead(self.num_features, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        for module in self.modules():
            start_at_nothing = getattr(module, "zero_init_last", None)
            if callable(start_at_nothing):
                start_at_nothing()  # as timm: a residual branch begins as the identity

    def forward_features(self, x: Tensor) -> Tensor:
        """Images "b 3 h w" (normalised) to the last activation "b c h/s w/s"."""
        out: Tensor = self.stages(x)
        return out

    def forward(self, x: Tensor) -> Tensor:
        """Images "b 3 h w" (normalised) to logits "b k"."""
        logits: Tensor = self.head(self.forward_features(x))
        return logits


class ConvAct(nn.Sequential):
    """Convolution with bias and ReLU: timm's ConvNormAct for networks without norms."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, *, stride: int = 1, padding: int
    ) -> None:
        conv = nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=padding)
        super().__init__(OrderedDict(conv=conv, act=nn.ReLU()))


def _vgg(widths: tuple[int, ...], convs: int, num_classes: int) -> StagedNet:
    stages: OrderedDict[str, nn.Module] = OrderedDict()
    taps: list[Tap] = [("conv1_1", widths[0], 1)]
    previous = 3
    for stage, width in enumerate(widths, start=1):
        for conv in range(1, convs + 1):
            stages[f"conv{stage}_{conv}"] = ConvNormAct(previous, width, kernel_size=3)
            previous = width
        taps.append((f"conv{stage}_{convs}", width, 2 ** (stage - 1)))
        if stage < len(widths):
            stages[f"pool{stage}"] = nn.MaxPool2d(2, 2)
    return StagedNet(stages, taps, num_classes)


def _resnet(
    block: type[nn.Module],
    depths: tuple[int, ...],
    widths: tuple[int, ...],
    stem: int,
    num_classes: int,
) -> StagedNet:
    stages: OrderedDict[str, nn.Module] = OrderedDict(stem=ConvNormAct(3, stem, kernel_size=3))
    blocks, info = make_blocks((block,) * 4, widths, depths, stem, norm_layer=nn.BatchNorm2d)
    stages.update(blocks)
    # timm counts from a stem of stride 4; this one has stride 1
    taps = [("stem", stem, 1)]
    taps += [(str(i["module"]), int(i["num_chs"]), int(i["reduction"]) // 4) for i in info]
    return StagedNet(stages, taps, num_classes)


def _densenet(growth: int, depths: tuple[int, ...], num_classes: int) -> StagedNet:
    width = growth
    stages: OrderedDict[str, nn.Module] = OrderedDict(stem=ConvNormAct(3, width, kernel_size=3))
    taps: list[Tap] = [("stem", width, 1)]
    for index, depth in enumerate(depths, start=1):
        stages[f"block{index}"] = DenseBlock(depth, width, bn_size=2, growth_rate=growth)
        width += depth * growth
        if index < len(depths):
            stages[f"transition{index}"] = DenseTransition(width, width // 2)
            # a dense block ends in raw convolutions; the next module's norm holds their activation
            taps.append((f"transition{index}.norm", width, 2 ** (index - 1)))
            width //= 2
        else:
            stages["norm"] = BatchNormAct2d(width)
            taps.append(("norm", width, 2 ** (index - 1)))
    return StagedNet(stages, taps, num_classes)


def _thin_conv(divisor: int) -> Callable[..., nn.Module]:
    """Inception's blocks fix their widths; this convolution divides them all."""

    def conv(inputs: int, outputs: int, **options: Any) -> nn.Module:
        options = {"padding": 0} | options
        thin: nn.Module = ConvNormAct(inputs // divisor, outputs // divisor, **options)
        return thin

    return conv


def _inception(divisor: int, stem: int, num_classes: int) -> StagedNet:
    conv = _thin_conv(divisor)
    a, c = partial(InceptionA, conv_block=conv), partial(InceptionC, conv_block=conv)
    stages: OrderedDict[str, nn.Module] = OrderedDict(
        stem1=ConvNormAct(3, stem // divisor, kernel_size=3),
        stem2=conv(stem, stem, kernel_size=3, padding=1),
        pool=nn.MaxPool2d(3, 2, padding=1),
        mixed5a=a(stem, pool_features=32),
        mixed5b=a(256, pool_features=64),
        mixed6a=InceptionB(288, conv_block=conv),
        mixed6b=c(768, channels_7x7=128),
        mixed6c=c(768, channels_7x7=128),
        mixed7a=InceptionD(768, conv_block=conv),
        mixed7b=InceptionE(1280, conv_block=conv),
    )
    taps = [("stem1", stem, 1), ("stem2", stem, 1), ("mixed5b", 288, 2)]
    taps += [("mixed6c", 768, 4), ("mixed7b", 2048, 8)]
    return StagedNet(stages, [(n, ch // divisor, s) for n, ch, s in taps], num_classes)


@register_model
def vgg_c10(pretrained: bool = False, *, num_classes: int = 10, **_: Any) -> StagedNet:
    """VGG with batch norm: two 3x3 convolutions a stage, 2/2 max pools."""
    return _vgg((32, 64, 128, 256), 2, num_classes)


@register_model
def resnet18_c10(pretrained: bool = False, *, num_classes: int = 10, **_: Any) -> StagedNet:
    """ResNet-18: basic blocks (2, 2, 2, 2)."""
    return _resnet(BasicBlock, (2, 2, 2, 2), (16, 32, 64, 128), 16, num_classes)


@register_model
def resnet50_c10(pretrained: bool = False, *, num_classes: int = 10, **_: Any) -> StagedNet:
    """ResNet-50: bottleneck blocks (3, 4, 6, 3)."""
    return _resnet(Bottleneck, (3, 4, 6, 3), (8, 20, 48, 112), 16, num_classes)


@register_model
def densenet_c10(pretrained: bool = False, *, num_classes: int = 10, **_: Any) -> StagedNet:
    """DenseNet-BC: four dense blocks, bottlenecks of twice the growth rate."""
    return _densenet(32, (1, 3, 6, 8), num_classes)


@register_model
def inception_c10(pretrained: bool = False, *, num_classes: int = 10, **_: Any) -> StagedNet:
    """Inception-v3's blocks A to E at a quarter of their width."""
    return _inception(4, 128, num_classes)


@register_model
def alexnet_c10(pretrained: bool = False, *, num_classes: int = 10, **_: Any) -> StagedNet:
    """AlexNet's five convolutions and overlapping 3/2 max pools; no batch norm, no hidden layers.

    The first convolution, 11/4 on ImageNet, is 5/1 here; the classifier pools before it answers.
    """
    plan = {"conv1": (48, 5, 1), "conv2": (128, 5, 2), "conv3": (192, 3, 4)}
    plan |= {"conv4": (128, 3, 4), "conv5": (128, 3, 4)}
    stages: OrderedDict[str, nn.Module] = OrderedDict()
    previous = 3
    for name, (width, kernel, stride) in plan.items():
        stages[name] = ConvAct(previous, width, kernel, padding=kernel // 2)
        if name in ("conv1", "conv2"):
            stages[f"pool{stride}"] = nn.MaxPool2d(3, 2, padding=1)
        previous = width
    taps: list[Tap] = [("conv1", 48, 1), ("conv2", 128, 2), ("conv5", 128, 4)]
    return StagedNet(stages, taps, num_classes)
