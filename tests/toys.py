"""Small pictures and a small network that learns them, in a fraction of a second."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from zoo.architectures import StagedNet, _vgg
from zoo.datasets import LabelledImages
from zoo.recipes import Recipe
from zoo.train import fit

SHORT = Recipe(epochs=4, batch_size=16, peak_lr=0.1, crop_padding=2)


def toy_images(n: int, size: int = 8, *, classes: int = 3, seed: int = 0) -> LabelledImages:
    """Noise around grey with one colour channel raised: the channel is the class."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(n) % classes
    pixels = torch.randint(60, 140, (n, 3, size, size), generator=generator)
    pixels[torch.arange(n), labels % 3] += 90
    return LabelledImages(tuple(f"toy{i}" for i in range(n)), pixels.byte(), labels)


def tiny_net(seed: int = 0, *, width: int = 8) -> StagedNet:
    """A VGG of two convolutions and three classes."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return _vgg((4, width), 1, 3)


IMAGES = toy_images(96)


def train(
    folder: Path,
    recipe: Recipe = SHORT,
    *,
    net: nn.Module | None = None,
    images: LabelledImages = IMAGES,
    seed: int = 0,
    **calls: Callable[..., Any],
) -> nn.Module:
    """Fit a tiny network, six batches an epoch; its checkpoint is ``net.pt`` in this folder."""
    net = net or tiny_net()
    device = torch.device("cpu")
    fit(net, recipe, images, seed=seed, checkpoint=folder / "net.pt", device=device, **calls)
    return net
