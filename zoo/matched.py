"""The matched factory: one plan, three switches, so that a difference has one cause.

Stem, then four stages of one block (two 3x3 convolutions), joined by transitions that halve the
picture. The switches: an identity addition round each block; how a transition halves; batch norm.
Nothing else differs: the addition has no parameters, pooling transitions keep the convolution that
striding ones stride, and 4/2 kernels pay for their size with a narrower last stage. VGG sits in one
corner (no addition, max pool), ResNet in another (addition, 3/2 convolution).
"""

from collections import OrderedDict
from typing import Any

from timm.layers import ConvNormAct
from timm.models import generate_default_cfgs, register_model
from torch import Tensor, nn

from zoo.architectures import CIFAR10, ConvAct, StagedNet, Tap

default_cfgs = generate_default_cfgs({"matched_c10": CIFAR10})
#: kernel and stride of a transition's convolution, and the pool before it, if any
_TRANSITIONS: dict[str, tuple[int, int, type[nn.Module] | None]] = {
    "max22": (3, 1, nn.MaxPool2d),
    "avg22": (3, 1, nn.AvgPool2d),
    "conv32": (3, 2, None),
    "conv42": (4, 2, None),
}
_WIDTHS = {3: (16, 32, 64, 128), 4: (16, 32, 64, 112)}


def _conv(inputs: int, outputs: int, kernel: int, stride: int, batch_norm: bool) -> nn.Module:
    """Convolution, norm or bias, ReLU."""
    layer = ConvNormAct if batch_norm else ConvAct
    conv: nn.Module = layer(inputs, outputs, kernel, stride=stride, padding=1)
    return conv


class Block(nn.Module):
    """Two 3x3 convolutions of one width, with an identity addition round them or without."""

    def __init__(self, width: int, *, residual: bool, batch_norm: bool) -> None:
        super().__init__()
        self.residual = residual
        self.conv1 = _conv(width, width, 3, 1, batch_norm)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=not batch_norm)
        self.bn2 = nn.BatchNorm2d(width) if batch_norm else nn.Identity()
        self.act2 = nn.ReLU()

    def zero_init_last(self) -> None:
        """A residual branch starts at nothing, as in timm; a plain block has no other path."""
        if self.residual:
            last = self.bn2 if isinstance(self.bn2, nn.BatchNorm2d) else self.conv2
            nn.init.zeros_(last.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Activations "b c h w" to activations of the same shape."""
        out: Tensor = self.bn2(self.conv2(self.conv1(x)))
        activation: Tensor = self.act2(out + x if self.residual else out)
        return activation


@register_model
def matched_c10(
    pretrained: bool = False,
    *,
    residual: bool = False,
    downsampling: str = "max22",
    batch_norm: bool = True,
    num_classes: int = 10,
    **_: Any,
) -> StagedNet:
    """One net of the factory; ``downsampling``: ``max22``, ``avg22``, ``conv32`` or ``conv42``."""
    kernel, stride, pool = _TRANSITIONS[downsampling]
    widths = _WIDTHS[kernel]
    stages: OrderedDict[str, nn.Module] = OrderedDict(stem=_conv(3, widths[0], 3, 1, batch_norm))
    taps: list[Tap] = [("stem", widths[0], 1)]
    for index, width in enumerate(widths):
        if index:
            if pool:
                stages[f"pool{index}"] = pool(2)
            stages[f"down{index}"] = _conv(widths[index - 1], width, kernel, stride, batch_norm)
        stages[f"block{index + 1}"] = Block(width, residual=residual, batch_norm=batch_norm)
        taps.append((f"block{index + 1}", width, 2**index))
    return StagedNet(stages, taps, num_classes)
