"""From a catalogue entry to its recorded weight file: data, learning rate, training, accuracies."""

import shutil
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from zoo import nonrobust
from zoo.catalog import SOURCE, find
from zoo.datasets import LabelledImages, bundled_cifar10, load_cifar10
from zoo.evaluate import Pgd, accuracy, robust_accuracy
from zoo.load import Classifier, load_classifier, untrained
from zoo.precision import fastest
from zoo.recipes import Recipe, asked, recipe_of
from zoo.search import EPOCHS, SHOWN, rates
from zoo.spec import Committed, ModelSpec
from zoo.terminal import bar
from zoo.train import TrainingError, fit
from zoo.weights import manifest, record, save_checkpoint, weights_digest


def produce(spec: ModelSpec, data: Path, work: Path, device: str) -> dict[str, Any]:
    """Train one entry, write its file and its line of the manifest; return the accuracies.

    Interrupted at any moment, the same call goes on where it was.

    Args:
        data: CIFAR-10, see ``zoo.datasets``.
        work: where unfinished trainings and derived data sets are kept.

    Raises:
        TrainingError: the entry's weights are not made here, or the training cannot go on.
        zoo.datasets.DataError, zoo.weights.WeightsError: see their messages.
    """
    if not isinstance(spec.weights, Committed):
        raise TrainingError(f"{spec.name} has weights of its own: only committed ones are trained")
    recipe, test = recipe_of(spec), load_cifar10(data, "test")
    recipe = replace(recipe, precision=fastest(torch.device(device), recipe.precision))
    images, made = training_images(recipe.data, data, work, device)
    tried = _search(spec, recipe, images, work, device)
    if tried:
        recipe = replace(recipe, peak_lr=max(tried, key=lambda rate: tried[rate]))
    model = untrained(spec)
    recipe = _fit(spec, model, recipe, images, work, device)
    entry = {
        **save_checkpoint(spec.name, model.net.state_dict()),
        "arch": spec.arch,
        "recipe": {"name": spec.recipe or spec.training, **asdict(recipe)},
        "search": {str(rate): score for rate, score in tried.items()},
        "seed": spec.seed,
        "data": {"n": len(images), "sha256": images.sha256, **made},
        "torch": torch.__version__,
    }
    record(spec.name, entry)
    accuracies = measured(load_classifier(spec, device=device), test, title=spec.name)
    record(spec.name, {**entry, "accuracies": accuracies})
    recorded: dict[str, Any] = manifest()[spec.name]["accuracies"]
    return recorded


def training_images(
    kind: str, data: Path, work: Path, device: str
) -> tuple[LabelledImages, dict[str, Any]]:
    """CIFAR-10's training images, or the data set of this kind made from them, and how.

    Raises:
        zoo.weights.WeightsError: the source that makes it is not trained.
    """
    images = load_cifar10(data, "train")
    if kind == "cifar10":
        return images, {}
    source = find(SOURCE)
    file = nonrobust.kept(work, kind, weights_digest(source), images.sha256)
    parts = file.with_suffix(".parts")
    if not file.exists():
        with bar(f"making {kind}", total=len(images)) as progress:
            made = nonrobust.make(
                load_classifier(source, device=device), images, kind, parts=parts,
                tick=lambda n: progress.step("", n),
            )  # fmt: skip
        nonrobust.save(made, file)
    made = nonrobust.load(file)
    shutil.rmtree(parts, ignore_errors=True)  # also those of a run stopped before it came here
    return made.images, {"kind": kind, "source": weights_digest(source), **made.about}


def _search(
    spec: ModelSpec, recipe: Recipe, images: LabelledImages, work: Path, device: str
) -> dict[float, float]:
    if not recipe.tried:
        return {}
    first = spec.name.removesuffix(f"-s{spec.seed}")  # all seeds share what the first one found
    known = manifest().get(first, {})
    found = {float(rate): score for rate, score in known.get("search", {}).items()}
    on_these = found and known["data"]["sha256"] == images.sha256
    if on_these and asked(known["recipe"]) == asked(asdict(recipe)):
        return found
    name = replace(spec, seed=0)
    steps = EPOCHS * (SHOWN // recipe.batch_size)  # of one rate
    with bar(f"learning rate of {spec.name}", total=len(recipe.tried) * steps) as progress:
        return rates(
            lambda: untrained(name), recipe, images,
            file=work / f"{first}.rates.json",
            device=torch.device(device), start=lambda found: progress.to(found * steps),
            tick=lambda loss: progress.step(f"loss {loss:.3f}"),
        )  # fmt: skip


def _fit(
    spec: ModelSpec,
    model: Classifier,
    recipe: Recipe,
    images: LabelledImages,
    work: Path,
    device: str,
) -> Recipe:
    batches = len(images) // recipe.batch_size
    with bar(f"training {spec.name}", total=recipe.epochs * batches) as progress:
        return fit(
            model, recipe, images, seed=spec.seed, checkpoint=work / f"{spec.name}.pt",
            device=torch.device(device),
            report=lambda epoch, loss, right: progress.say(
                f"epoch {epoch}/{recipe.epochs}: loss {loss:.3f}, {100 * right:.1f} % right"
            ),
            start=lambda epoch: progress.to(epoch * batches),
            tick=lambda loss: progress.step(f"loss {loss:.3f}"),
        )  # fmt: skip


def measured(model: Classifier, test: LabelledImages, *, title: str) -> dict[str, Any]:
    """Counts of right answers of the file as it is loaded, not of the network in memory."""
    with bar(f"PGD-20 on {title}", total=len(test)) as progress:
        robust = robust_accuracy(
            model, test, attack=Pgd(), seed=0, tick=lambda n: progress.step("", n)
        )
    return {
        "cifar10_test": {**asdict(accuracy(model, test)), "data_sha256": test.sha256},
        "pgd20_l2_0.5": {**asdict(robust), "attack": asdict(Pgd())},
        "foolbox_cifar10": asdict(accuracy(model, bundled_cifar10())),
    }
