"""The command line of the zoo: list, show, check and train its models."""

import json
from pathlib import Path
from typing import Annotated, Literal

import torch
import typer
from rich.console import Console

from zoo.catalog import ZOO, UnknownModelError, find
from zoo.datasets import DataError, LabelledImages, bundled_cifar10, load_cifar10
from zoo.evaluate import accuracy
from zoo.listing import everything, page, table
from zoo.load import DeviceError, SizeError, load_classifier, load_encoder, usable
from zoo.produce import AccuracyError, measured, moved, produce, training_images
from zoo.spec import Committed, ModelSpec
from zoo.terminal import run_app
from zoo.train import TrainingError
from zoo.weights import WeightsError, manifest

EXPECTED = (
    AccuracyError, DataError, DeviceError, SizeError, TrainingError, UnknownModelError,
    WeightsError,
)  # fmt: skip
WORK = Path(".training")

app = typer.Typer(
    help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)
Name = Annotated[str, typer.Argument(help="arch.tag, as python -m zoo list shows it")]
Device = Annotated[str, typer.Option(help="cpu, cuda, cuda:1, mps")]
Work = Annotated[Path, typer.Option(help="where unfinished trainings are kept")]
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
    size: Annotated[int, typer.Option(help="side of the test picture for the taps")] = 128,
    device: Device = "cpu",
    all: Annotated[bool, typer.Option("--all", help="every trained CIFAR member")] = False,
    data: Annotated[Path | None, typer.Option(help="CIFAR-10: recompute all accuracies")] = None,
) -> None:
    """Load models, show taps and parameters, count right answers; with --data, compare accuracies.

    Examples:

      python -m zoo check resnet50_c10.l2_05

      python -m zoo check --all --data ~/data/cifar10
    """
    if bool(name) == all:
        raise UnknownModelError("name one model, or say --all")
    chosen = [find(name)] if name else [ZOO[known] for known in manifest()]
    test = load_cifar10(data, "test") if data else None
    wrong = [spec.name for spec in chosen if not _sound(spec, size, usable(device), test)]
    if wrong:
        raise AccuracyError(f"not what is recorded: {', '.join(wrong)}: train them again")


def _sound(spec: ModelSpec, size: int, device: str, test: LabelledImages | None) -> bool:
    """Print one model's facts; whether its accuracies are the recorded ones."""
    model = load_classifier(spec, device=device)
    encoder = load_encoder(spec, device=device)
    with torch.no_grad():
        taps = encoder(torch.rand(1, 3, size, size, device=device))
    folded = sum(p.numel() for p in model.parameters())
    typer.echo(f"{spec.name}: {folded:,} parameters (batch norms folded)")
    for tap, activation in taps.items():
        typer.echo(f"tap {tap}: {tuple(activation.shape[1:])} from {size} px")
    if spec.dataset == "cifar10":
        got = accuracy(model, bundled_cifar10())
        typer.echo(f"{got.correct} of foolbox's {got.n} CIFAR-10 pictures right")
    if test is None or not isinstance(spec.weights, Committed):
        return True
    recorded = manifest()[spec.name]["accuracies"]
    differences = moved(recorded, measured(model, test, title=spec.name))
    typer.echo("; ".join(differences) or "accuracies as recorded")
    return not differences


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
    typer.echo(f"{kind}: {len(images)} pictures, {json.dumps(about)}")


def main() -> None:
    """Run the app; what a user can mend is one sentence and exit code 2."""
    run_app(app, EXPECTED)


if __name__ == "__main__":
    main()
