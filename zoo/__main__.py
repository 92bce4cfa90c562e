"""The command line of the zoo: list, show, check and train its models."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
import typer
from rich.console import Console
from rich.table import Table

from zoo.catalog import ZOO, UnknownModelError, find
from zoo.datasets import DataError, LabelledImages, balanced, bundled_cifar10, load_cifar10
from zoo.evaluate import AccuracyError, Pgd, accept, accuracy, robust_accuracy
from zoo.imagenet import bundled_imagenet, load_imagenet, restrict, view_of
from zoo.load import (
    DeviceError,
    SizeError,
    load_classifier,
    load_encoder,
    parameters,
    untrained,
    usable,
)  # fmt: skip
from zoo.spec import Committed, ModelSpec
from zoo.terminal import bar, run_app
from zoo.train import TrainingError, fit, recipe_of
from zoo.weights import WeightsError, manifest, record, save_checkpoint

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
Data = Annotated[Path, typer.Option(help="CIFAR-10: parquet files, class folders or torchvision's")]


def describe(spec: ModelSpec) -> dict[str, Any]:
    """One row of the list; accuracies are counts from the manifest, absent before training."""
    entry = manifest().get(spec.name, {})
    return {
        "name": spec.name,
        "family": spec.family,
        "dataset": spec.dataset,
        "training": spec.training,
        "seed": spec.seed,
        "residual": spec.residual,
        "role": spec.role,
        "weights": type(spec.weights).__name__.lower(),
        "params": parameters(spec),
        "sha256": entry.get("sha256"),
        "accuracies": entry.get("accuracies", {}),
    }


@app.command("list")
def list_models(
    format: Annotated[Literal["table", "json"], typer.Option()] = "table",
) -> None:
    """All models of the catalogue.

    Example: python -m zoo list --format json
    """
    rows = [describe(spec) for spec in ZOO.values()]
    if format == "json":
        typer.echo(json.dumps(rows, indent=1))
        return
    caption = "clean, robust: % of test images right, plain and under PGD-20 at L2 0.5"
    table = Table(box=None, padding=(0, 1), caption=caption)
    for column in ("name", "family", "dataset", "params", "clean", "robust"):
        table.add_column(column, no_wrap=True)
    for row in rows:
        accuracies = row["accuracies"]
        table.add_row(
            *(row[column] for column in ("name", "family", "dataset")),
            f"{row['params'] / 1e6:.2f} M",
            *(_percent(accuracies.get(kind)) for kind in ("cifar10_test", "pgd20_l2_0.5")),
        )
    Console().print(table)


def _percent(count: dict[str, int] | None) -> str:
    return f"{100 * count['correct'] / count['n']:.1f}" if count else ""


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
    name: Name,
    weights: Annotated[
        Literal["own", "random"], typer.Option(help="random: untrained, of any architecture")
    ] = "own",
    data: Annotated[
        Path | None, typer.Option(help="pictures to count on; default: foolbox's 20")
    ] = None,
    images: Annotated[int, typer.Option(help="how many of --data, spread over classes")] = 1000,
    size: Annotated[int, typer.Option(help="side of the test picture for the taps")] = 128,
    device: Device = "cpu",
) -> None:
    """Load one model; show its taps, parameters and accuracy; refuse what was not published.

    Examples:

      python -m zoo check resnet50_c10.l2_05

      python -m zoo check mobilenetv3_small_100 --weights random

      python -m zoo check resnet50.salman_l2_eps3 --data ~/data/imagenet/val
    """
    spec = find(name if weights == "own" else f"{name.split('.')[0]}.random")
    model = load_classifier(spec, device=usable(device))
    encoder = load_encoder(spec, device=device)
    with torch.no_grad():
        taps = encoder(torch.rand(1, 3, size, size, device=device))
    for tap, activation in taps.items():
        typer.echo(f"tap {tap}: {tuple(activation.shape[1:])} from {size} px")
    typer.echo(f"{sum(p.numel() for p in model.parameters()):,} parameters (batch norms folded)")
    pictures = _pictures(spec, data, images)
    got = accuracy(model, pictures)
    whose = data or "foolbox's"
    typer.echo(f"{got.correct} of {got.n} pictures right ({whose}, {pictures.space})")
    accept(spec, got)


def _pictures(spec: ModelSpec, data: Path | None, n: int) -> LabelledImages:
    """Labelled pictures as this model was published to see them."""
    if spec.dataset == "cifar10":
        test = load_cifar10(data, "test") if data else bundled_cifar10()
        return test.subset(balanced(test.labels.tolist(), n))
    view = view_of(spec)
    pictures = load_imagenet(data, view, n=n) if data else bundled_imagenet(view)
    return restrict(pictures) if spec.dataset == "restricted_imagenet" else pictures


@app.command()
def train(
    name: Name,
    data: Data,
    device: Device = "cpu",
    work: Annotated[Path, typer.Option(help="where unfinished trainings are kept")] = WORK,
    threads: Annotated[int, typer.Option(help="CPU threads; 0 = torch's choice")] = 0,
) -> None:
    """Train one catalogue entry; interrupted at any moment, the same command goes on.

    Example: python -m zoo train vgg_c10.standard --data ~/data/cifar10
    """
    spec = find(name)
    if not isinstance(spec.weights, Committed):
        raise TrainingError(f"{name} has weights of its own: only CIFAR members are trained here")
    if threads:
        torch.set_num_threads(threads)
    recipe = recipe_of(spec)
    images, test = load_cifar10(data, "train"), load_cifar10(data, "test")
    model = untrained(spec)
    batches = len(images) // recipe.batch_size
    with bar(f"training {name}", total=recipe.epochs * batches) as progress:
        fit(
            model, recipe, images, seed=spec.seed, checkpoint=work / f"{name}.pt",
            device=torch.device(usable(device)),
            report=lambda epoch, loss, right: progress.say(
                f"epoch {epoch}/{recipe.epochs}: loss {loss:.3f}, {100 * right:.1f} % right"
            ),
            start=lambda epoch: progress.to(epoch * batches),
            tick=lambda loss: progress.step(f"loss {loss:.3f}"),
        )  # fmt: skip
    entry: dict[str, Any] = {
        **save_checkpoint(name, model.net.state_dict()),
        "arch": spec.arch,
        "recipe": {"name": spec.training, **asdict(recipe)},
        "seed": spec.seed,
        "data": {"n": len(images), "sha256": images.sha256},
        "torch": torch.__version__,
    }
    record(name, entry)
    record(name, {**entry, "accuracies": _accuracies(spec, test, device)})
    typer.echo(f"{name}: {json.dumps(manifest()[name]['accuracies'])}")


def _accuracies(spec: ModelSpec, test: LabelledImages, device: str) -> dict[str, Any]:
    """Measured on the fp16 file as it will be loaded, not on the network in memory."""
    model = load_classifier(spec, device=device)
    with bar(f"PGD-20 on {spec.name}", total=len(test)) as progress:
        robust = robust_accuracy(
            model, test, attack=Pgd(), seed=0, tick=lambda n: progress.step("", n)
        )
    return {
        "cifar10_test": {**asdict(accuracy(model, test)), "data_sha256": test.sha256},
        "pgd20_l2_0.5": {**asdict(robust), "attack": asdict(Pgd())},
        "foolbox_cifar10": asdict(accuracy(model, bundled_cifar10())),
    }


def main() -> None:
    """Run the app; what a user can mend is one sentence and exit code 2."""
    run_app(app, EXPECTED)


if __name__ == "__main__":
    main()
