"""The main job: measure models, time them, and let the analysis speak."""

import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bench.choose import choose, find_conditions, find_preset, require
from bench.dry import absent_lines, fetched, plan_lines
from bench.forecast import forecast
from bench.inputs import Inputs
from bench.lab import CONDITIONS
from bench.labelled import check_published, labelled_images
from bench.optimize import LossError
from bench.pictures import Picture, PictureError, bundled, load_folder
from bench.preset import Preset
from bench.presets import PRESETS
from bench.run import Plan, execute, make_plan, measure_cost
from bench.style_memory import MemoryShortError
from bench.suite import Checked
from bench.suite_transfer import Transfer
from results.schema import SchemaError
from results.store import RUNS, StoreError, end, ended, read_manifest
from zoo.activations import TapError
from zoo.catalog import UnknownModelError, find
from zoo.datasets import DataError
from zoo.evaluate import AccuracyError
from zoo.files import DiskError
from zoo.labels import LabelError
from zoo.load import DeviceError, SizeError, usable
from zoo.spec import ModelSpec
from zoo.surgery import SurgeryError
from zoo.terminal import run_app
from zoo.weights import OFFLINE, WeightsError

EXPECTED = (
    AccuracyError, DataError, DeviceError, DiskError, LabelError, LossError, MemoryShortError,
    PictureError, SchemaError, SizeError, StoreError, SurgeryError, TapError, UnknownModelError,
    WeightsError,
)  # fmt: skip

_PRESETS = "; ".join(f"{p.name}: {p.about}" for p in PRESETS.values())
_CONDITIONS = "; ".join(f"{name}: {e.about}" for name, e in CONDITIONS.items())
console = Console()
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


Models = Annotated[str, typer.Option(help="names, joined by commas; default: the preset's")]
Content = Annotated[Path | None, typer.Option(help="folder of your content pictures")]
Styles = Annotated[Path | None, typer.Option("--style", help="folder of your style pictures")]
Size = Annotated[int, typer.Option(help="short side of stylised pictures; 0 = the preset's")]
Device = Annotated[str, typer.Option(help="cpu, cuda, mps, or several: cuda:0,cuda:1")]
Offline = Annotated[bool, typer.Option("--offline", help="fetch nothing, skip what is missing")]
Seed = Annotated[int, typer.Option(help="of random starts and noise")]
Full = Annotated[bool, typer.Option("--full", help="every experiment on all models and pictures")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="print the plan and its time")]


@app.callback(invoke_without_command=True)
def bench(
    context: typer.Context,
    preset: Annotated[
        str, typer.Option(help=f"default: quick, for ImageNet's models imagenet-mini. {_PRESETS}")
    ] = "",
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
    _go_offline(offline or dry_run)
    wanted = find_preset(preset, models)
    wanted = wanted.full() if full else wanted
    _run(wanted, models, run, data, content, style, size, images, device, seed, dry_run)


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
    _go_offline(offline or dry_run)
    wanted = find_conditions(condition)
    wanted = wanted.full() if full else wanted
    if models:
        named = tuple(spec.name for spec in choose(wanted, models).here)
        experiments = tuple(replace(e, models=named) for e in wanted.experiments)
        wanted = replace(wanted, experiments=experiments)
    _run(wanted, models, run, None, content, style, size, 0, device, seed, dry_run)


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
    chosen = find_preset(preset)
    specs = tuple(find(name.strip()) for name in models.split(",") if name) or chosen.members()
    counted = forecast(chosen, specs)
    for suite, tera in {**counted, "all": sum(counted.values())}.items():
        hours = tera / tflops / 3600
        console.print(f"{suite}: {tera:,.0f} * 10^12 operations, {hours:.2g} h", highlight=False)


def _go_offline(wanted: bool) -> None:
    if wanted:
        os.environ[OFFLINE] = "1"


def _run(
    preset: Preset, models: str, run: Path | None, data: Path | None, content: Path | None,
    style: Path | None, size: int, images: int, device: str, seed: int, dry_run: bool,
) -> None:  # fmt: skip
    """Choose the models, then plan and do the run, or tell of it."""
    wanted = preset.at_size(size) if size else preset
    wanted = replace(wanted, images=images or wanted.images)
    wanted = wanted.all_pictures(contents=content is not None, styles=style is not None)
    if wanted.needs_data and data is None:
        raise DataError(f"preset {wanted.name} needs --data: a folder of {wanted.dataset} images")
    chosen = choose(wanted, models)
    if dry_run:
        absent = fetched(wanted, chosen)
        _say(absent_lines(wanted, absent))
        if absent and (not chosen.here or find(wanted.source) in absent):
            return  # nothing can be addressed without its source, or timed that is not here
    _say(() if dry_run else chosen.skipped)
    require(wanted, chosen)
    _say(wanted.without_style(chosen.here))
    plan = _plan(wanted, chosen.here, run, data, content, style, device, seed)
    plan = replace(plan, skipped={spec.name: reason for spec, reason in chosen.absent})
    _do(plan, data, dry_run=dry_run)


def _say(lines: Iterable[str]) -> None:
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _do(plan: Plan, data: Path | None, *, dry_run: bool) -> None:
    for cell, _ in plan.open:
        if isinstance(cell.suite, Checked):
            cell.suite.check(cell.spec, plan.inputs)
    if dry_run:
        _say(plan_lines(plan))
        return
    try:
        plan = _check(plan, data) if data else plan
        done = execute(plan)
    except KeyboardInterrupt:
        console.print("stopped: finished cells are kept, the same command goes on")
        raise typer.Exit(130) from None
    target = plan.inputs.run
    if not done and ended(target):
        page = target / "analysis" / "report.html"
        console.print(f"nothing to do: all {len(plan.cells)} cells are in {target}\n{page}")
        return
    side = plan.inputs.images.pixels.shape[-1]
    # all models of the run, those of earlier calls too: one machine and one file for one column
    measure_cost(target, sorted(read_manifest(target)["models"]), plan.inputs.device, side=side)
    # a process of its own: no room imports the one after it
    code = subprocess.run([sys.executable, "-m", "analysis", str(target)], check=False).returncode
    if not code:
        end(target)
    raise typer.Exit(code)


def _plan(
    preset: Preset, specs: tuple[ModelSpec, ...], run: Path | None, data: Path | None,
    content: Path | None, style: Path | None, device: str, seed: int,
) -> Plan:  # fmt: skip
    devices = tuple(usable(name.strip()) for name in device.split(","))
    source, judge = find(preset.source), find(preset.judge)
    inputs = Inputs(
        run=run or RUNS / preset.name,
        images=labelled_images(preset, data, (source, *specs)),
        contents=_pictures(content, preset.contents, preset.size),
        styles=_pictures(style, preset.styles, preset.size),
        source=source,
        judge=judge,
        device=devices[0],
    )
    cells = preset.cells(specs, seed=seed)
    if not cells:
        raise UnknownModelError(
            f"preset {preset.name} has nothing to measure on {', '.join(s.name for s in specs)}: "
            "its taps, weights or surgery are for other models"
        )
    return make_plan(preset.name, cells, inputs, headline=preset.headline, devices=devices)


def _check(plan: Plan, data: Path) -> Plan:
    """The plan without models that miss their published accuracies; says which and why.

    Raises:
        AccuracyError: the source is one of them, or none is left.
    """
    # the source makes the attacks of every cell, whether or not it is measured itself
    attacked = any(isinstance(cell.suite, Transfer) for cell, _ in plan.open)
    open_specs = [*([plan.inputs.source] if attacked else []), *(c.spec for c, _ in plan.open)]
    specs = dict.fromkeys(spec for spec in open_specs if spec.dataset == "imagenet")
    found = check_published(specs, data, len(plan.inputs.images), plan.inputs.device)
    _say(found.warnings)
    _say(str(error) for error in found.refused.values())
    kept = plan.without(found.refused)
    if plan.inputs.source in found.refused:
        raise found.refused[plan.inputs.source]
    if not kept.cells:
        raise next(iter(found.refused.values()))
    return kept


def _pictures(folder: Path | None, names: tuple[str, ...], size: int) -> tuple[Picture, ...]:
    """The user's pictures, or the preset's bundled ones."""
    if folder:
        return load_folder(folder, size=size)
    return tuple(bundled(name, size=size) for name in names)


def main() -> None:
    """Run the app; what a user can mend is one sentence and exit code 2."""
    run_app(app, EXPECTED)


if __name__ == "__main__":
    main()
