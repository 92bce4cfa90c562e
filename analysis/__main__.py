"""``python -m analysis``: a run's table, summary and figures."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table
from typer.core import TyperGroup

from analysis import plots
from analysis.any_plot import ColumnError, any_plot
from analysis.association import correlate
from analysis.compare import compare, differing, in_words
from analysis.contact_sheet import write_sheets
from analysis.correlations import correlations, facts_of
from analysis.evidence import gather
from analysis.figures import (
    FigureError,
    contrast_figures,
    every_figure,
    figures,
    further_figures,
    named,
)
from analysis.lab import lab_tables
from analysis.lab_contrasts import contrasts
from analysis.lens import lens_tables
from analysis.lens_words import lens_section
from analysis.look import save
from analysis.notes import renew
from analysis.pareto import grid_points, main_grid, write_best
from analysis.readme import write_readme
from analysis.report.page import write_page
from analysis.sample import downsampling, of_source, standard_networks
from analysis.summary import summary
from analysis.switches import factory_effects, factory_section
from analysis.tables import Run, build, load, write
from analysis.transfer_columns import condition_rates, transfer_facts
from analysis.verdicts import verdicts
from analysis.written import number
from results.store import SchemaError, StoreError, cell_seconds, latest_run, write_atomically

DEFAULT = "report"


class _Default(TyperGroup):
    """``python -m analysis RUN`` means ``python -m analysis report RUN``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        named = args and (args[0] in self.commands or args[0] in ctx.help_option_names)
        parsed: list[str] = super().parse_args(ctx, args if named else [DEFAULT, *args])
        return parsed


app = typer.Typer(cls=_Default, add_completion=False, rich_markup_mode="markdown")
Resamples = Annotated[int, typer.Option(min=100, help="Bootstrap resamples.")]
Seed = Annotated[int, typer.Option(min=0, help="Seed of every bootstrap.")]

PAIRS = [(x, y) for x in ("fooling", "fooling_adjusted", "fooling_joint", "fooling_all",
                           "accuracy") for y in ("progress", "peak_excess")]  # fmt: skip
_SHOWN = {
    "accuracy": "acc.", "fooling": "fooled [95 %]", "fooling_n": "n", "fooling_noise": "noise",
    "targeted": "targ.", "progress": "progress [95 %]", "peak_excess": "peak dB",
}  # fmt: skip
_WITH_INTERVAL = ("fooling", "progress")


@app.callback()
def door() -> None:
    """Turn a run's rows into answers; without a command's name, `report` is meant.

    Examples:

    - `python -m analysis` (the run made last)

    - `python -m analysis results/runs/quick --resamples 10000`

    - `python -m analysis plot results/runs/quick --x accuracy --y progress --hue role`

    - `python -m analysis plot scatter results/runs/quick`

    - `python -m analysis compare results/reference/quick results/runs/quick`
    """


@app.command(DEFAULT)
def analyse(
    run: Annotated[
        Path | None, typer.Argument(help="A run's directory; the run made last if left out.")
    ] = None,
    resamples: Resamples = 2000,
    seed: Seed = 0,
) -> None:
    """Turn a run's rows into verdicts, tables, a summary, report.html and figures."""
    errors = Console(stderr=True)
    console = Console(width=max(errors.width, 100))  # a pipe says 80, which cuts the table
    with _mended(errors), errors.status("reading the rows") as status:
        loaded = load(run or latest_run())
        status.update("computing the table")
        table = build(loaded, resamples=resamples, seed=seed)
        how = {"resamples": resamples, "seed": seed}
        zoo = standard_networks(table)
        found = [correlate(zoo, x, y, **how) for x, y in PAIRS]
        status.update("testing the hypotheses")
        evidence = gather(loaded, table, **how)
        answers = verdicts(evidence)
        pairs = correlations(evidence, facts_of(loaded, evidence.pictures))
        compared = contrasts(loaded.rows, table)
        lens = lens_tables(loaded.rows, loaded.source, downsampling=downsampling(table), **how)
        words = lens_section(loaded, table, lens, **how)
        effects = factory_effects(table)
        text = summary(loaded, table, found, answers, compared, lens=words,
                       factory=factory_section(effects))  # fmt: skip
        files = [
            write(table, loaded.path), write(answers, loaded.path, name="verdicts"),
            write(pairs, loaded.path, name="correlations"), _write_summary(loaded, text),
        ]  # fmt: skip
        files += [write(compared, loaded.path, name="contrasts")] if len(compared) else []
        files += [write(effects, loaded.path, name="factory")] if len(effects) else []
        grid = main_grid(grid_points(loaded.rows))
        files += write_best(grid, loaded.path) if len(grid) else []
        files += [write(part, loaded.path, name=name) for name, part in lens.items()]
        attacked = transfer_facts(loaded.rows, loaded.source, labels=loaded.manifest.get("labels"))
        rates = condition_rates(attacked, **how)
        files += [write(rates, loaded.path, name="conditions")] if len(rates) else []
        lab = lab_tables(loaded.rows, loaded.source, cell_seconds(loaded.path), **how)
        files += [write(part, loaded.path, name=name) for name, part in lab.items()]
        status.update("laying out contact sheets")
        files += write_sheets(loaded.path, loaded.rows)
        drawn: dict[str, Path] = {}
        every = every_figure(loaded, table, lambda: answers, lens, lab, compared, **how)
        for name, draw in every.items():
            status.update(f"drawing {name}")
            saved = save(draw(), loaded.path / "analysis" / name)
            drawn[name] = saved[0]
            files += saved
        status.update("writing the page")
        # the last line is what to open
        files.append(write_page(loaded, table, answers, pairs, drawn))
    console.print(main_table(table))
    for line in found[:2]:
        text = f"{line.x} and {line.y}: {plots.describe(line)}"
        console.print(text, highlight=False, markup=False, soft_wrap=True)
    for file in files:
        _say(console, file)


@app.command("plot")
def plot_columns(
    what: Annotated[str, typer.Argument(metavar="NAME|RUN", help="A figure's name, or the run.")],
    run: Annotated[
        Path | None, typer.Argument(help="A run's directory, after a figure's name.")
    ] = None,
    x: Annotated[str, typer.Option(help="A column of models.csv.")] = "fooling",
    y: Annotated[str, typer.Option(help="Another one.")] = "progress",
    hue: Annotated[str, typer.Option(help="What colours the points.")] = "family",
    resamples: Resamples = 2000,
    seed: Seed = 0,
) -> None:
    """Draw one of the report's figures again, or any column of models.csv against any other.

    With a NAME (`scatter`, `convergence`, `verdicts`, ...) it is RUN/analysis/NAME.png and .svg,
    and the columns go unused; without, RUN/analysis/plot-X-Y.png and .svg.
    """
    with _mended(Console(stderr=True)):
        loaded = load(run or Path(what))
        how = {"resamples": resamples, "seed": seed}
        table = build(loaded, resamples=resamples, seed=seed)
        if run:
            name, drawn = what, _figure(loaded, table, what, **how)
        else:
            name = re.sub(r"[^\w.-]+", "_", f"plot-{x}-{y}")
            drawn = any_plot(table, x, y, hue=hue, **how)
        for file in save(drawn, loaded.path / "analysis" / name):
            _say(Console(), file)


def _figure(run: Run, table: pd.DataFrame, name: str, **how: int) -> Figure:
    """The figure of this name, as the report draws it; tables only where it needs them."""
    drawn = dict(figures(run, table, **how))
    if name not in drawn:
        lens = lens_tables(run.rows, run.source, downsampling=downsampling(table), **how)
        lab = lab_tables(run.rows, run.source, cell_seconds(run.path), **how)

        def answers() -> pd.DataFrame:
            return verdicts(gather(run, table, **how))

        drawn |= further_figures(run, table, answers, lens, lab)
    if name not in drawn:
        drawn |= dict(contrast_figures(contrasts(run.rows, table)))
    return named(drawn, name)


@app.command("compare")
def compare_runs(
    before: Annotated[Path, typer.Argument(help="A run's directory.")],
    after: Annotated[Path, typer.Argument(help="Another one, where compare.csv is written.")],
    resamples: Resamples = 2000,
    seed: Seed = 0,
) -> None:
    """Say what two manifests differ in, and which numbers moved beyond their intervals."""
    with _mended(Console(stderr=True)):
        first, second = (load(run) for run in (before, after))
        tables = [build(run, resamples=resamples, seed=seed) for run in (first, second)]
        facts = [
            facts_of(run, gather(run, table).pictures)
            for run, table in zip((first, second), tables, strict=True)
        ]
        found = compare(tables[0], tables[1], (facts[0], facts[1]))
        file = write(found, after, name="compare")
    shown = Table(box=None, padding=(0, 1), header_style="bold")
    for title in ("model", "column", "before", "after", "change [95 %]"):
        shown.add_column(title)
    for one in found[found["moved"]].to_dict("records"):
        ends = f"{one['change']:+.3g} [{one['low']:+.3g}, {one['high']:+.3g}]"
        shown.add_row(one["model"], one["column"], f"{one['before']:.3g}", f"{one['after']:.3g}",
                      ends)  # fmt: skip
    console = Console()
    for line in differing(first.manifest, second.manifest):
        _say(console, line)
    if found["moved"].any():
        console.print(shown)
    _say(console, in_words(found))
    _say(console, file)


@app.command("readme")
def update_readme(
    runs: Annotated[
        list[Path] | None,
        typer.Argument(help="Runs, the preferred ones first; the reference runs if left out."),
    ] = None,
) -> None:
    """Pool runs, call the verdicts once, and write them into README.md and results/reference."""
    with _mended(Console(stderr=True)):
        for file in write_readme(runs or ()):
            _say(Console(), file)


@app.command("notes")
def update_note(
    run: Annotated[Path, typer.Argument(help="A run's directory with a README.md in it.")],
) -> None:
    """Renew the marked numbers of a run's README.md from its tables.

    Example: python -m analysis notes results/reference/style-lab
    """
    with _mended(Console(stderr=True)):
        _say(Console(), renew(run))


@contextmanager
def _mended(errors: Console) -> Iterator[None]:
    """What a user can mend is one sentence and exit code 2."""
    try:
        yield
    except (StoreError, SchemaError, ColumnError, FigureError) as error:
        errors.print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(2) from None


def _say(console: Console, what: object) -> None:
    console.print(str(what), highlight=False, markup=False, soft_wrap=True)


def _write_summary(run: Run, text: str) -> Path:
    file = run.path / "analysis" / "summary.md"
    write_atomically(file, lambda out: out.write(text.encode()))
    return file


def main_table(table: pd.DataFrame) -> Table:
    """The main columns for a terminal of 100 characters."""
    shown = Table(box=None, padding=(0, 1), header_style="bold")
    shown.add_column("model", overflow="fold", max_width=30)
    for title in _SHOWN.values():
        shown.add_column(title, justify="right", no_wrap=True)
    left_out = set(table.loc[of_source(table), "model"])
    for row in table.to_dict("records"):
        cells = [f"{row[key]:.0f}" if key.endswith("_n") else
                 number(row, key, interval=key in _WITH_INTERVAL) for key in _SHOWN]  # fmt: skip
        name = f"{row['model']} *" if row["model"] in left_out else str(row["model"])
        shown.add_row(name, *cells)
    shown.caption = "* source (white box) and its seeds: in no correlation"
    return shown


if __name__ == "__main__":
    app()
