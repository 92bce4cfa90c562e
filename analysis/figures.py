"""Which figures a run has rows for, by file name, and which pictures it kept."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from analysis import lab_plots, lens_plots, plots, style_plots, verdict_plots
from analysis.activation_table import entropy_over_depth
from analysis.ladder import ladder, rungs
from analysis.look import headliners
from analysis.pareto import grid_points, main_grid, pareto
from analysis.sample import by_unit, sample_of
from analysis.style_columns import (
    TAPS,
    comparable,
    headline,
    largest_weight,
    parts,
    style_curves,
)
from analysis.switches import factory_figure, has_factory
from analysis.tables import Run
from analysis.tap_plot import tap_choices, taps
from analysis.transfer_columns import condition_rates, transfer_facts
from results.artifacts import condition_and_case
from results.store import StoreError

_TAUGHT = ("nonrobust_det", "fooling")


def figures(
    run: Run, table: pd.DataFrame, *, resamples: int, seed: int
) -> Iterator[tuple[str, Callable[[], Figure]]]:
    """The figures this run has rows for: file name and what draws it."""
    facts = transfer_facts(run.rows, run.source, labels=run.manifest.get("labels"))
    rates = condition_rates(facts, resamples=resamples, seed=seed)
    if table[["fooling", "progress"]].notna().all(axis=1).any():
        yield "scatter", lambda: plots.transfer_and_style(table, resamples=resamples, seed=seed)
    if "nonrobust_det" in table and table[[*_TAUGHT]].notna().all(axis=1).any():
        asked = sample_of(table, matched=True, trainings=("standard",))
        sample = by_unit(asked.dropna(subset=[*_TAUGHT]))
        yield (
            "nonrobust",
            lambda: plots.pair(table, *_TAUGHT, sample=sample, resamples=resamples, seed=seed),
        )
    steps = rungs(table)
    if len(steps):
        yield "ladder", lambda: ladder(steps)
    if has_factory(table):
        yield "factory", lambda: factory_figure(table)
    if len(rates):
        yield "conditions", lambda: plots.conditions(headlined(rates, table))
    for condition, curve in headlined(rates, table).groupby("condition"):
        if curve["step"].nunique() > 1:
            name = _curve_name(str(condition), run.headline)
            yield name, partial(plots.attack_curve, curve, table)
    losses = comparable(headlined(headline(style_curves(run.rows, "loss_style")), table))
    if len(losses):
        yield "convergence", lambda: style_plots.convergence(losses, table)
    power = headlined(strongest(style_curves(run.rows, "radial_power")), table)
    if len(power):
        yield "spectra", lambda: style_plots.spectra(power, table)
    texture = headlined(textures(style_curves(run.rows, "radial_power")), table)
    if not texture["model"].str.startswith("(").all():
        yield "spectra-texture", lambda: style_plots.spectra(texture, table)
    grid = main_grid(grid_points(run.rows))
    if len(grid):
        yield "pareto", lambda: pareto(grid, table)
    index = headlined(shown_pictures(run.path), table)
    if len(index):
        yield "pictures", lambda: style_plots.picture_grid(index, run.path)
    listed = listed_pictures(run.path)
    for case, pair in listed[listed["taps"] == "article"].groupby("case"):
        whole = pd.concat([pair, listed[listed["model"].str.startswith("(")]])
        yield f"article-{case}", partial(style_plots.weight_grid, whole, run.path)


class FigureError(ValueError):
    """A figure that a run does not have."""


def every_figure(
    run: Run, table: pd.DataFrame, answers: Callable[[], pd.DataFrame],
    lens: dict[str, pd.DataFrame], lab: dict[str, pd.DataFrame], compared: pd.DataFrame,
    *, resamples: int, seed: int,
) -> dict[str, Callable[[], Figure]]:  # fmt: skip
    """What draws each figure of a run, by file name.

    Args:
        run: its rows.
        table: its model table.
        answers: calls the verdicts (``analysis.verdicts.verdicts``).
        lens, lab: ``analysis.lens.lens_tables`` and ``analysis.lab.lab_tables``.
        compared: ``analysis.lab_contrasts.contrasts``.
        resamples, seed: of every bootstrap.
    """
    simple = dict(figures(run, table, resamples=resamples, seed=seed))
    further = further_figures(run, table, answers, lens, lab)
    return simple | further | dict(contrast_figures(compared))


def further_figures(
    run: Run, table: pd.DataFrame, answers: Callable[[], pd.DataFrame],
    lens: dict[str, pd.DataFrame], lab: dict[str, pd.DataFrame],
) -> dict[str, Callable[[], Figure]]:  # fmt: skip
    """Those of ``every_figure`` that need more than the model table."""
    return dict([
        *lens_figures(run, table, lens), *lab_figures(lab, table),
        ("verdicts", lambda: verdict_plots.forest(answers())),
    ])  # fmt: skip


def named(drawn: dict[str, Callable[[], Figure]], name: str) -> Figure:
    """The figure of this name.

    Raises:
        FigureError: there is none; the message has those there are.
    """
    if name not in drawn:
        raise FigureError(f"this run has no figure {name}: choose one of {', '.join(drawn)}")
    return drawn[name]()


def headlined(lines: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """Those of the models that a figure has room for, and of no model."""
    untouched = lines["model"].str.startswith("(")
    return lines[untouched | lines["model"].isin(headliners(table))]


def _curve_name(condition: str, headline: str) -> str:
    """The headline's curve has the plain name."""
    method = condition.removesuffix("/untargeted").removeprefix(headline)
    return "attack-curve" + method.replace("/", "-")


def lens_figures(
    run: Run, table: pd.DataFrame, lens: dict[str, pd.DataFrame]
) -> Iterator[tuple[str, Callable[[], Figure]]]:
    """The attack lens's figures this run has rows for: file name and what draws it."""
    if "robust-curves" in lens:
        curves = headlined(lens["robust-curves"], table)
        yield "robustness", lambda: lens_plots.robustness(curves, table)
    if "layers" in lens:
        yield "layers", lambda: lens_plots.layers(lens["layers"], table)
    if "pairs" in lens:
        for name, block in blocks(lens["pairs"], table).items():
            yield name, partial(lens_plots.matrix, block)
    if "edits" in lens:
        sources = set(lens["edits"]["source"])
        main = run.source if run.source in sources else min(sources)
        yield "edits", lambda: lens_plots.edits(lens["edits"], str(main))


def blocks(pairs: pd.DataFrame, table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Pairs of the transfer matrix by figure: all in one, or matched nets apart.

    They stand apart where they met few of the others, so that most of one figure would be empty.
    """
    known = pairs["fooling"].notna()
    if known.mean() > 0.5:
        return {"matrix": pairs}
    nets = set(table.loc[table["role"] == "matched", "model"])
    sent, got = pairs["source"].isin(nets), pairs["target"].isin(nets)
    found = {"matrix": pairs[~sent & ~got & known], "matrix-matched": pairs[sent & got & known]}
    return {name: block for name, block in found.items() if len(block)}


def lab_figures(
    tables: dict[str, pd.DataFrame], table: pd.DataFrame
) -> Iterator[tuple[str, Callable[[], Figure]]]:
    """The style laboratory's figures these tables have lines for: file name and what draws it.

    Args:
        tables: ``lab.lab_tables``.
        table: the model table.
    """
    if "judgements" in tables:
        yield (
            "judges",
            lambda: lab_plots.judge_matrix(tables["judgements"], tables.get("judges")),
        )
    if "lattices" in tables:
        yield "lattices", lambda: lab_plots.lattices(tables["lattices"], tables["lattice-fit"])
    if "features" in tables:
        yield "features", lambda: lab_plots.feature_spectra(tables["features"])
    if "activations" in tables:
        yield "activations", lambda: entropy_over_depth(tables["activations"], table)


def contrast_figures(compared: pd.DataFrame) -> Iterator[tuple[str, Callable[[], Figure]]]:
    """The figures of ``lab_contrasts.contrasts``: file name and what draws it."""
    if len(choices := tap_choices(compared)):
        yield "taps", lambda: taps(choices)


def strongest(lines: pd.DataFrame) -> pd.DataFrame:
    """Lines of the main condition at its largest weight, and whatever belongs to no model."""
    main = headline(lines)
    chosen = main["weight"] == largest_weight(main)
    return pd.concat([main[chosen], lines[lines["model"].str.startswith("(")]])


def textures(lines: pd.DataFrame) -> pd.DataFrame:
    """Lines of textures from noise, and whatever belongs to no model, such as the styles' own."""
    made = lines["condition"].str.fullmatch(rf"noise-start/{TAPS}/texture/w[^/]+")
    return lines[made | lines["model"].str.startswith("(")]


def listed_pictures(run: Path) -> pd.DataFrame:
    """The pictures on disk: model, case, condition, file (within run), start, taps, weight."""
    root = run / "artifacts" / "style"
    listed = root / "index.json"
    try:
        found = json.loads(listed.read_text()) if listed.exists() else _named(run, root)
        index = pd.DataFrame(found, columns=["model", "case", "condition", "file"], dtype=str)
    except (OSError, ValueError) as error:
        raise StoreError(f"{listed} is damaged ({error}): run the bench again") from error
    index[["start", "taps", "weight"]] = parts(index["condition"])
    return index


def shown_pictures(run: Path) -> pd.DataFrame:
    """Those of the main condition, with the untouched ones; none where none was made."""
    shown = strongest(listed_pictures(run))
    made = ~shown["model"].str.startswith("(")
    return shown if made.any() else shown.iloc[:0]


def _named(run: Path, root: Path) -> list[tuple[str, str, str, str]]:
    """Pictures by their places (``results.artifacts``), each shown once, from its first seed."""
    files = sorted(root.glob("*/*__*.png"), key=lambda file: (file.parent.name, file.stem))
    found: dict[tuple[str, str, str], str] = {}
    for file in files:
        condition, case = condition_and_case(file)
        key = (file.parent.name, case, condition)
        found.setdefault(key, str(file.relative_to(run)))
    return [(*key, file) for key, file in found.items()]
