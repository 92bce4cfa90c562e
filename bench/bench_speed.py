"""What our loading and training gain over the plain way, as a ratio in one table.

``tox -e speed``: in each group the plain network (parameters that want gradients, batch norms in
place, channels first) stands beside ours (frozen, folded, channels last). Both must give the same
gradient before they are timed. Large batches stand beside themselves, their memory kept or handed
back. Training stands beside the loop of tutorials: a loader that shifts and flips picture by
picture, float32, channels first; both must learn.
"""

import os
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset
from torchvision.transforms import v2

from bench.gram import grams, style_distance
from bench.stylize import StyleSettings
from zoo.catalog import find
from zoo.datasets import LabelledImages
from zoo.load import Classifier, Encoder, load_classifier, untrained
from zoo.memory import MOST, keep_freed
from zoo.precision import fastest
from zoo.recipes import Recipe, recipe_of
from zoo.robust import input_gradient
from zoo.spec import ModelSpec
from zoo.taps import tap_set
from zoo.train import fit

MODELS = os.environ.get("WHYVGG_MODELS", "vgg_c10.standard,resnet50_c10.standard").split(",")
BATCH, LEARNED = 20, 1280
FREED_BY_GLIBC = 32 * 2**20  # blocks as large as its own threshold grows
each_way = pytest.mark.parametrize("way", ["plain", "ours"])
each_model = pytest.mark.parametrize("name", MODELS)


@each_model
@each_way
def test_attack_step(benchmark: BenchmarkFixture, name: str, way: str) -> None:
    """One input gradient of a batch of 20 pictures of 32 pixels."""
    ours, plain = load_classifier(find(name)), _plain(find(name))
    x = torch.rand(BATCH, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    y = torch.arange(BATCH) % 10
    steps = {
        "ours": lambda: input_gradient(ours, x.contiguous(memory_format=torch.channels_last), y),
        "plain": lambda: _backward(lambda p: cross_entropy(plain(p), y, reduction="sum"), x),
    }
    _compare(benchmark, f"attack step, {name}", steps, way)


@each_way
def test_large_batch(benchmark: BenchmarkFixture, way: str) -> None:
    """Input gradients of as many pictures as go at once, through the network that leaves most."""
    model = load_classifier(find("densenet_c10.standard"))
    x = torch.rand(MOST, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    y = torch.arange(MOST) % 10
    keep_freed(*{"ours": (), "plain": (FREED_BY_GLIBC,)}[way])
    benchmark.group = f"input gradients of {MOST} pictures, densenet_c10.standard"
    benchmark.pedantic(input_gradient, (model, x, y), rounds=3, warmup_rounds=1)  # type: ignore[no-untyped-call]


@each_model
@each_way
def test_style_evaluation(benchmark: BenchmarkFixture, name: str, way: str) -> None:
    """One style loss with its gradient on one picture."""
    spec, size = find(name), StyleSettings().size
    taps = tap_set(spec, "matched").every
    ours, plain = Encoder(load_classifier(spec), taps), _Hooked(_plain(spec), taps)
    generator = torch.Generator().manual_seed(0)
    x, style = torch.rand(2, 1, 3, size, size, generator=generator)
    with torch.no_grad():
        wanted = grams(plain(style))

    def evaluation() -> Tensor:
        pixels = x.contiguous(memory_format=torch.channels_last).requires_grad_()
        loss = style_distance(grams(ours(pixels)), wanted).sum()
        gradient: Tensor = torch.autograd.grad(loss, pixels)[0]
        return gradient

    steps = {
        "ours": evaluation,
        "plain": lambda: _backward(lambda p: style_distance(grams(plain(p)), wanted).sum(), x),
    }
    _compare(benchmark, f"style evaluation, {name}", steps, way)


@each_way
def test_training(benchmark: BenchmarkFixture, way: str, tmp_path: Path) -> None:
    """An epoch of 1,280 pictures, ten batches of the standard recipe: 1,200 a second are 1,067 ms.

    The colour is the class, so that one epoch is enough to see the loss fall.
    """
    spec, device = find("vgg_c10.standard"), torch.device("cpu")
    recipe = replace(recipe_of(spec), epochs=1, precision=fastest(device))
    labels = torch.arange(LEARNED) % 3
    pixels = torch.randint(60, 140, (LEARNED, 3, 32, 32)).byte()
    pixels[torch.arange(LEARNED), labels] += 90
    images = LabelledImages(tuple(map(str, range(LEARNED))), pixels, labels)
    checkpoints, losses = (tmp_path / f"{i}.pt" for i in count()), list[float]()

    def ours(model: Classifier, checkpoint: Path) -> None:
        fit(model, recipe, images, seed=0, checkpoint=checkpoint, device=device, tick=losses.append)

    def plain(model: Classifier, _: Path) -> None:
        losses.extend(_tutorial(model, recipe, images))

    benchmark.group = f"training, {LEARNED:,} pictures, {spec.name}"
    benchmark.pedantic(  # type: ignore[no-untyped-call]
        {"ours": ours, "plain": plain}[way], rounds=5, warmup_rounds=1,
        setup=lambda: ((untrained(spec), next(checkpoints)), {}),
    )  # fmt: skip
    batches = LEARNED // recipe.batch_size
    assert len(losses) == 6 * batches
    assert losses[batches - 1] < losses[0]


def _tutorial(model: Classifier, recipe: Recipe, images: LabelledImages) -> list[float]:
    shown = v2.Compose(
        [
            v2.RandomCrop(32, padding=recipe.crop_padding, padding_mode="reflect"),
            v2.RandomHorizontalFlip(),
            v2.ToDtype(torch.float32, scale=True),
        ]
    )
    loader = DataLoader(
        TensorDataset(images.pixels, images.labels), batch_size=recipe.batch_size, shuffle=True,
        drop_last=True,
        collate_fn=lambda pairs: (torch.stack([shown(x) for x, _ in pairs]),
                                  torch.stack([y for _, y in pairs])),
    )  # fmt: skip
    optimizer = torch.optim.SGD(
        model.parameters(), lr=recipe.peak_lr, momentum=recipe.momentum, nesterov=True,
        weight_decay=recipe.weight_decay, fused=False,
    )  # fmt: skip
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=recipe.peak_lr, total_steps=len(loader)
    )
    model.train()
    losses = []
    for x, y in loader:
        loss = cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    return losses


class _Hooked:
    """Taps as tutorials read them: the whole network runs, hooks keep what passes."""

    def __init__(self, classifier: Classifier, taps: tuple[str, ...]) -> None:
        self.classifier, self.found = classifier, dict[str, Tensor]()
        for tap in taps:
            classifier.net.get_submodule(tap).register_forward_hook(
                lambda module, inputs, output, tap=tap: self.found.update({tap: output})
            )

    def __call__(self, images: Tensor) -> dict[str, Tensor]:
        self.classifier(images)
        return dict(self.found)


def _plain(spec: ModelSpec) -> Classifier:
    model = load_classifier(spec, fold=False).to(memory_format=torch.contiguous_format)
    return model.requires_grad_(True)


def _backward(loss: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    pixels = x.clone().requires_grad_()
    loss(pixels).backward()  # type: ignore[no-untyped-call]
    assert pixels.grad is not None
    return pixels.grad


def _compare(
    benchmark: BenchmarkFixture, group: str, steps: dict[str, Callable[[], Tensor]], way: str
) -> None:
    gradients = {kind: step() for kind, step in steps.items()}
    scale = gradients["plain"].abs().max()
    assert (gradients["ours"] - gradients["plain"]).abs().max() < 1e-3 * scale
    benchmark.group = group
    benchmark.pedantic(steps[way], rounds=9, warmup_rounds=2)  # type: ignore[no-untyped-call]
