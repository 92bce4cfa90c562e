"""The command line of the zoo: list, show, check and train its models."""

import json
import os
from pathlib import Path
from typing import Annotated, Literal

import torch
import typer
from rich.console import Console

from zoo.activations import TapError, own_size
from zoo.catalog import UnknownModelError, find
from zoo.datasets import DataError, LabelledImages, balanced, bundled_cifar10, load_cifar10
from zoo.evaluate import (
    AccuracyError,
    accept,
    accuracy,
    published_accuracy,
    shows_all_classes,
    unjudged,
)
from zoo.files import DiskError
from zoo.imagenet import bundled_imagenet, load_imagenet, view_of
from zoo.listing import everything, page, table
from zoo.load import DeviceError, SizeError, load_classifier, load_encoder, usable
from zoo.produce import produce, training_images
from zoo.recheck import recounted
from zoo.spec import ModelSpec
from zoo.surgery import SurgeryError
from zoo.terminal import run_app
from zoo.train import TrainingError
from zoo.weights import OFFLINE, WeightsError, manifest

EXPECTED = (
    AccuracyError, DataError, DeviceError, DiskError, SizeError, SurgeryError, TrainingError,
    UnknownModelError, WeightsError,
)  # fmt: skip
WORK = Path(".training")

app = typer.Typer(
    help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)
Name = Annotated[str, typer.Argument(help="arch.tag, as python -m zoo list shows it")]
Device = Annotated[str, typer.Option(help="cpu, cuda, cuda:1, mps")]
Work = Annotated[Path, typer.Option(help="where unfinished work is kept")]
Data = Annotated[Path, typer.Option(help="CIFAR-10: parquet files, class folders or torchvision's")]


@app.command("list")
def list_models(
    format: Annotated[Literal["table", "json", "markdown"], typer.Option()] = "table",
) -> None:
    """All models of the catalogue.

    Examples:

      python -m zoo list --format json

      python -m zoo list --format markdown > zoo/README.md
    """
    rows = everything()
    if format == "json":
        typer.echo(json.dumps(rows, indent=1))
    elif format == "markdown":
        typer.echo(page(rows), nl=False)
    else:
        Console().print(table(rows))


@app.command()
def show(name: Name) -> None:
    """Everything known about one model: spec, recipe, digests, accuracies.

    Example: python -m zoo show vgg_c10.standard
    """
    spec = find(name)
    known = {"spec": vars(spec) | {"arch_options": dict(spec.arch_options)}}
    known |= {"manifest": manifest().get(name, {})}
    typer.echo(json.dumps(known, indent=1, default=str))


@app.command()
def check(
    name: Annotated[str, typer.Argument(help="arch.tag; not with --all")] = "",
    weights: Annotated[
        Literal["own", "random"], typer.Option(help="random: untrained, of any architecture")
    ] = "own",
    data: Annotated[
        Path | None, typer.Option(help="pictures to count on; default: foolbox's 20")
    ] = None,
    images: Annotated[int, typer.Option(help="how many of --data, spread over classes")] = 1000,
    size: Annotated[int, typer.Option(help="side of the test picture; 0 = the model's own")] = 0,
    device: Device = "cpu",
    all: Annotated[
        bool, typer.Option("--all", help="recompute what is recorded of every trained member")
    ] = False,
    work: Work = WORK,
    offline: Annotated[bool, typer.Option("--offline", help="fetch nothing")] = False,
) -> None:
    """Load one model; show its taps, parameters and accuracy; refuse what was not published.

    Stopped at any moment, --all goes on where it was.

    Examples:

      python -m zoo check resnet50_c10.l2_05

      python -m zoo check mobilenetv3_small_100 --weights random

      python -m zoo check resnet50.salman_l2_eps3 --data ~/data/imagenet/val

      python -m zoo check --all --data ~/data/cifar10
    """
    if offline:
        os.environ[OFFLINE] = "1"
    if bool(name) == all:
        raise UnknownModelError("name one model, or say --all")
    if all:
        _compare(data, work, usable(device))
        return
    spec = find(name if weights == "own" else f"{name.split('.')[0]}.random")
    model = load_classifier(spec, device=usable(device))
    _show_taps(spec, size or own_size(model.net)[-1], device)
    typer.echo(f"{sum(p.numel() for p in model.parameters()):,} parameters (batch norms folded)")
    pictures = _pictures(spec, data, images)
    got = accuracy(model, pictures)
    whose = data or "foolbox's"
    typer.echo(f"{got.correct} of {got.n} pictures right ({whose}, {pictures.space})")
    if shows_all_classes(pictures):
        accept(spec, got)
    elif published_accuracy(spec) is not None:
        typer.echo(unjudged(pictures))


def _show_taps(spec: ModelSpec, size: int, device: str) -> None:
    try:
        with torch.no_grad():
            taps = load_encoder(spec, device=device)(torch.rand(1, 3, size, size, device=device))
    except TapError as error:  # no backbone for style, and a classifier all the same
        typer.echo(f"no taps: {error}")
        return
    for tap, activation in taps.items():
        typer.echo(f"tap {tap}: {tuple(activation.shape[1:])} from {size} px")


def _pictures(spec: ModelSpec, data: Path | None, n: int) -> LabelledImages:
    """Labelled pictures as this model was published to see them."""
    if spec.dataset == "cifar10":
        test = load_cifar10(data, "test") if data else bundled_cifar10()
        return test.subset(balanced(test.labels.tolist(), n))
    view = view_of(spec)
    if data is None:
        return bundled_imagenet(view, space=spec.dataset)
    return load_imagenet(data, view, n=n, space=spec.dataset)


def _compare(data: Path | None, work: Path, device: str) -> None:
    """Hold all recorded accuracies against those found here and now."""
    if data is None:
        raise DataError("--all needs --data: the CIFAR-10 folder the accuracies were counted on")
    test = load_cifar10(data, "test")
    wrong, elsewhere = [], False
    for name, found, counted_on in recounted(test, device=device, file=work / "recounted.json"):
        typer.echo(f"{name}: {'; '.join(found) or 'as recorded'}")
        wrong += [name] if found else []
        elsewhere |= bool(found) and counted_on != test.sha256
    if wrong:
        other = f"{data} has other pixels than they were counted on"
        advice = other if elsewhere else "train them again"
        raise AccuracyError(f"not what is recorded: {', '.join(wrong)}: {advice}")


@app.command()
def train(
    name: Name,
    data: Data,
    device: Device = "cpu",
    work: Work = WORK,
    threads: Annotated[int, typer.Option(help="CPU threads; 0 = torch's choice")] = 0,
) -> None:
    """Train one catalogue entry; interrupted at any moment, the same command goes on.

    Example: python -m zoo train vgg_c10.standard --data ~/data/cifar10
    """
    if threads:
        torch.set_num_threads(threads)
    accuracies = produce(find(name), data, work, usable(device))
    typer.echo(f"{name}: {json.dumps(accuracies)}")


@app.command()
def nonrobust(
    kind: Annotated[Literal["det", "rand", "noise"], typer.Argument(help="see zoo/nonrobust.py")],
    data: Data,
    device: Device = "cpu",
    work: Work = WORK,
) -> None:
    """Make a data set of non-robust features from the source; trainings do so when they need it.

    Example: python -m zoo nonrobust det --data ~/data/cifar10
    """
    images, about = training_images(kind, data, work, usable(device))
    about = {"n": len(images), "sha256": images.sha256, **about}
    typer.echo(f"{kind}: {json.dumps(about)}")


def main() -> None:
    """Run the app; what a user can mend is one sentence and exit code 2."""
    run_app(app, EXPECTED)


if __name__ == "__main__":
    main()
