"""The main job: measure models, time them, and let the analysis speak."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.console import Console

from bench.forecast import forecast
from bench.inputs import Inputs
from bench.lab import CONDITIONS
from bench.labelled import check_published, labelled_images
from bench.optimize import LossError
from bench.pictures import Picture, PictureError, bundled, load_folder
from bench.preset import Preset
from bench.presets import PRESETS
from bench.run import Plan, execute, make_plan, measure_cost
from bench.style_memory import MemoryShortError, check_memory
from bench.suite_style import Style
from results.schema import SchemaError
from results.store import RUNS, StoreError
from zoo.catalog import UnknownModelError, find
from zoo.datasets import DataError
from zoo.evaluate import AccuracyError
from zoo.labels import LabelError
from zoo.load import DeviceError, SizeError, usable
from zoo.spec import Committed, Hub, ModelSpec, Pickled
from zoo.terminal import run_app
from zoo.weights import OFFLINE, WeightsError, manifest, weights_digest

EXPECTED = (
    AccuracyError, DataError, DeviceError, LabelError, LossError, MemoryShortError, PictureError,
    SchemaError, SizeError, StoreError, UnknownModelError, WeightsError,
)  # fmt: skip

_PRESETS = "; ".join(f"{p.name}: {p.about}" for p in PRESETS.values())
_CONDITIONS = "; ".join(f"{name}: {e.about}" for name, e in CONDITIONS.items())
console = Console()
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


Models = Annotated[str, typer.Option(help="names, joined by commas; default: the preset's")]
Content = Annotated[Path | None, typer.Option(help="folder of your content pictures")]
Styles = Annotated[Path | None, typer.Option("--style", help="folder of your style pictures")]
Size = Annotated[int, typer.Option(help="short side of the pictures; 0 = the preset's")]
Device = Annotated[str, typer.Option(help="cpu, cuda, mps, or several: cuda:0,cuda:1")]
Offline = Annotated[bool, typer.Option("--offline", help="fetch nothing, skip what is missing")]
Seed = Annotated[int, typer.Option(help="of random starts and noise")]
Full = Annotated[bool, typer.Option("--full", help="every experiment on all models and pictures")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="print the plan and its time")]


@app.callback(invoke_without_command=True)
def bench(
    context: typer.Context,
    preset: Annotated[str, typer.Option(help=_PRESETS)] = "quick",
    models: Models = "",
    run: Annotated[
        Path | None, typer.Option(help="run directory; default results/runs/PRESET")
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="folder of CIFAR-10 or ImageNet; default: 20 bundled images"),
    ] = None,
    content: Content = None,
    style: Styles = None,
    size: Size = 0,
    images: Annotated[int, typer.Option(help="how many are attacked; 0 = the preset's")] = 0,
    device: Device = "cpu",
    seed: Seed = 0,
    full: Full = False,
    dry_run: DryRun = False,
    offline: Offline = False,
) -> None:
    """Measure the zoo: transfer from the source, style transfer, cost; then analyse.

    Finished cells are kept: after Ctrl-C or a crash the same command goes on, and a second
    identical run does nothing.

    Examples:

      python -m bench

      python -m bench --models vgg_c10.standard,resnet50_c10.standard --run results/runs/two

      python -m bench --data ~/data/cifar10 --style my/paintings --dry-run

      python -m bench --preset imagenet --data ~/data/imagenet/val --device cuda
    """
    if context.invoked_subcommand:
        return
    _go_offline(offline)
    chosen = _preset(preset).full() if full else _preset(preset)
    plan = _plan(chosen, models, run, data, content, style, size, images, device, seed)
    _do(plan, data, dry_run=dry_run)


@app.command("style")
def style_lab(
    condition: Annotated[str, typer.Option(help=f"names, joined by commas; {_CONDITIONS}")],
    models: Models = "",
    run: Annotated[
        Path | None, typer.Option(help="run directory; default results/runs/style")
    ] = None,
    content: Content = None,
    style: Styles = None,
    size: Size = 0,
    device: Device = "cpu",
    seed: Seed = 0,
    full: Full = False,
    dry_run: DryRun = False,
    offline: Offline = False,
) -> None:
    """Put models through conditions of the style laboratory.

    Examples:

      python -m bench style --condition plain,box-kernels --models resnet50_c10.standard

      python -m bench style --condition fourier --style my/paintings --size 256 --run results/runs/f
    """
    _go_offline(offline)
    chosen = _named_conditions(condition)
    chosen = chosen.full() if full else chosen
    if models:
        named = tuple(spec.name for spec in _models(chosen, models))
        experiments = tuple(replace(e, models=named) for e in chosen.experiments)
        chosen = replace(chosen, experiments=experiments)
    plan = _plan(chosen, models, run, None, content, style, size, 0, device, seed)
    _do(plan, None, dry_run=dry_run)


@app.command("forecast")
def forecast_cost(
    preset: Annotated[str, typer.Option(help="name of a preset")] = "imagenet",
    models: Models = "",
    tflops: Annotated[
        float, typer.Option(min=0.001, help="10^12 operations a second the device keeps up")
    ] = 10.0,
) -> None:
    """Estimate a preset's time on a device that is not here; needs no weights and no data.

    Operations are counted, not timed: starting kernels, the judge and statistics come on top.

    Examples:

      python -m bench forecast --preset imagenet --tflops 20
    """
    chosen = _preset(preset)
    specs = tuple(find(name.strip()) for name in models.split(",") if name) or chosen.members()
    counted = forecast(chosen, specs)
    for suite, tera in {**counted, "all": sum(counted.values())}.items():
        hours = tera / tflops / 3600
        console.print(f"{suite}: {tera:,.0f} * 10^12 operations, {hours:.2g} h", highlight=False)


def _go_offline(wanted: bool) -> None:
    if wanted:
        os.environ[OFFLINE] = "1"


def _preset(name: str) -> Preset:
    if name not in PRESETS:
        raise UnknownModelError(f"no preset {name}: choose one of {', '.join(PRESETS)}")
    return PRESETS[name]


def _named_conditions(names: str) -> Preset:
    """The laboratory with these conditions only."""
    chosen = [name.strip() for name in names.split(",")]
    for name in chosen:
        if name not in CONDITIONS:
            raise UnknownModelError(f"no condition {name}: choose some of {', '.join(CONDITIONS)}")
    experiments = tuple(CONDITIONS[name] for name in dict.fromkeys(chosen))
    return replace(PRESETS["style-lab"], name="style", experiments=experiments)


def _do(plan: Plan, data: Path | None, *, dry_run: bool) -> None:
    for cell, _ in plan.open:
        if isinstance(cell.suite, Style):
            check_memory(cell.spec, cell.suite.settings, plan.inputs)
    if dry_run:
        _show(plan)
        return
    try:
        if data:
            _check(plan, data)
        done = execute(plan)
    except KeyboardInterrupt:
        console.print("stopped: finished cells are kept, the same command goes on")
        raise typer.Exit(130) from None
    target = plan.inputs.run
    page = target / "analysis" / "report.html"
    if not done and page.exists():
        console.print(f"nothing to do: all {len(plan.cells)} cells are in {target}\n{page}")
        return
    side = plan.inputs.images.pixels.shape[-1]
    names = sorted({c.spec.name for c in plan.cells})
    measure_cost(target, names, plan.inputs.device, side=side)
    # a process of its own: no room imports the one after it
    code = subprocess.run([sys.executable, "-m", "analysis", str(target)], check=False).returncode
    raise typer.Exit(code)


def _plan(
    preset: Preset, models: str, run: Path | None, data: Path | None, content: Path | None,
    style: Path | None, size: int, images: int, device: str, seed: int,
) -> Plan:  # fmt: skip
    chosen = preset.at_size(size) if size else preset
    chosen = replace(chosen, images=images or chosen.images)
    if chosen.needs_data and data is None:
        raise DataError(
            f"preset {chosen.name} needs --data: a folder of {chosen.dataset} test images"
        )
    devices = tuple(usable(name.strip()) for name in device.split(","))
    source, judge = find(chosen.source), find(chosen.judge)
    specs = _models(chosen, models)
    inputs = Inputs(
        run=run or RUNS / chosen.name,
        images=labelled_images(chosen, data, (source, *specs)),
        contents=_pictures(content, chosen.contents, chosen.size),
        styles=_pictures(style, chosen.styles, chosen.size),
        source=source,
        judge=judge,
        device=devices[0],
    )
    cells = chosen.cells(specs, seed=seed)
    if not cells:
        raise UnknownModelError(
            f"preset {chosen.name} has nothing to measure on {', '.join(s.name for s in specs)}: "
            "its taps, weights or surgery are for other models"
        )
    return make_plan(chosen.name, cells, inputs, headline=chosen.headline, devices=devices)


def _check(plan: Plan, data: Path) -> None:
    """Hold ImageNet members with cells to do against their published accuracies."""
    todo = dict.fromkeys(cell.spec for cell, _ in plan.open if cell.spec.dataset == "imagenet")
    check_published(todo, data, len(plan.inputs.images), plan.inputs.device)


def _pictures(folder: Path | None, names: tuple[str, ...], size: int) -> tuple[Picture, ...]:
    """The user's pictures, or the preset's bundled ones."""
    if folder:
        return load_folder(folder, size=size)
    return tuple(bundled(name, size=size) for name in names)


def _models(preset: Preset, names: str) -> tuple[ModelSpec, ...]:
    """The named models, or those of the preset that are trained."""
    if names:
        return _named(tuple(find(name.strip()) for name in names.split(",")))
    if preset.needs_data:
        weights_digest(find(preset.source))  # without its source a run is none
    return tuple(spec for spec in preset.members() if preset.models or _ready(spec))


def _named(specs: tuple[ModelSpec, ...]) -> tuple[ModelSpec, ...]:
    """Those of several that can be measured; a single one fails with its own reason later."""
    found = tuple(spec for spec in specs if len(specs) == 1 or _ready(spec))
    if not found:
        raise UnknownModelError("none of the named models can be measured: see the reasons above")
    return found


def _ready(spec: ModelSpec) -> bool:
    """Whether a model can be measured; if not, say why."""
    if isinstance(spec.weights, Committed) and spec.name not in manifest():
        console.print(f"skipped {spec.name}: not trained yet (python -m zoo train {spec.name})")
        return False
    if isinstance(spec.weights, Hub | Pickled):
        try:
            weights_digest(spec)
        except WeightsError as error:
            console.print(f"skipped {spec.name}: {error}", markup=False, soft_wrap=True)
            return False
    return True


def _show(plan: Plan) -> None:
    """Print the open cells with their expected time."""
    total = 0.0
    for cell, address in plan.open:
        expected = cell.suite.seconds(cell.spec, plan.inputs)
        total += expected
        console.print(f"{cell.key}  {address[:8]}  about {expected:.0f} s", highlight=False)
    done = len(plan.cells) - len(plan.open)
    console.print(
        f"{len(plan.open)} cells to do, {done} done; about {total / 60:.1f} minutes on "
        f"{plan.inputs.device} with {torch.get_num_threads()} threads, then timing and analysis"
    )


def main() -> None:
    """Run the app; what a user can mend is one sentence and exit code 2."""
    run_app(app, EXPECTED)


if __name__ == "__main__":
    main()
