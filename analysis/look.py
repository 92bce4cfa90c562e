"""How every figure looks: one style, colours and markers of models, label placement, saving."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox

from analysis.sample import counted, of_source
from results.store import write_atomically

# A family keeps its colour and marker from run to run; others follow in alphabetical order.
_FAMILIES = ["VGG", "ResNet", "DenseNet", "Inception"]
_SHADES = 4  # of one colour that an eye can tell apart
MOST_NAMED = 16  # models in one figure
FADED = 0.4  # of a point that is shown and in no correlation
_COLOURS = [0, 3, 2, 4, 1, 5, 8, 9, 6, 7]  # positions in seaborn's "colorblind" palette
Dash = str | tuple[int, tuple[float, ...]]  # as matplotlib takes it
_BROKEN: tuple[Dash, ...] = ("--", (0, (2, 1)), (0, (7, 1.5, 1.5, 1.5)))  # dotted lines are noise
_MARKERS = ["o", "s", "D", "^", "v", "P", "X", "h", "<", ">"]
_STYLE: dict[Any, Any] = {
    "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": "0.4",
    "axes.grid": True, "grid.color": "0.92", "axes.axisbelow": True, "axes.titlesize": 10,
    "axes.titlelocation": "left", "axes.labelsize": 10, "font.size": 9, "legend.frameon": False,
    "legend.fontsize": 8, "xtick.color": "0.3", "ytick.color": "0.3", "figure.facecolor": "white",
    "svg.hashsalt": "whyvgg", "svg.fonttype": "path",
}  # fmt: skip


@dataclass(frozen=True)
class Appearance:
    """Colour (family, darker for further models), marker (family), line style (robust: broken)."""

    colour: str
    marker: str
    dash: Dash
    robust: bool


@contextmanager
def style() -> Iterator[None]:
    """The look of all figures, for one block; draw and save inside it."""
    with mpl.rc_context(), sns.axes_style("ticks"):
        mpl.rcParams.update(_STYLE)
        yield


def figure(width: float, height: float) -> Figure:
    """An empty figure in inches that needs no display and no pyplot state."""
    drawn = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(drawn)
    return drawn


def families(names: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Colour and marker of each family, colour-blind safe."""
    palette = sns.color_palette("colorblind")
    ordered = [*_FAMILIES, *sorted(set(names) - set(_FAMILIES))]
    return {
        name: (to_hex(palette[_COLOURS[i % 10]]), _MARKERS[i % 10])
        for i, name in enumerate(ordered)
        if name in set(names)
    }


def headliners(table: pd.DataFrame) -> list[str]:
    """The models a figure names: all of a small table, of a large one the trained zoo.

    That is contestants, twins and trained controls, as they are: neither matched nets nor copies
    that a surgery was done to.
    """
    names = list(table["model"])
    if len(names) <= MOST_NAMED or "role" not in table:
        return names
    whole = ~table["model"].astype(str).str.contains("+", regex=False)
    control = table["role"] == "control"
    if "training" in table:
        control &= table["training"] != "random"
    famous = (table["role"].isin(["contestant", "twin"]) | control) & whole
    return list(table.loc[famous, "model"]) or names[:MOST_NAMED]


def appearances(table: pd.DataFrame, *, among: pd.DataFrame | None = None) -> dict[str, Appearance]:
    """How each model of the table is drawn, by name; those a figure names get the first shades.

    Families look as they do in ``among``, the table itself if left out.
    """
    looks = families(list((table if among is None else among)["family"]))
    found: dict[str, Appearance] = {}
    ordered = table.assign(last=~table["model"].isin(headliners(table)))
    ordered = ordered.sort_values(["last", "model"])
    for (family, robust), models in ordered.groupby(["family", "robust"]):
        colour, marker = looks[str(family)]
        for i, name in enumerate(models["model"]):
            red, green, blue = (0.6 ** (i % _SHADES) * part for part in to_rgb(colour))
            shade = to_hex((red, green, blue))
            dash = _BROKEN[i % len(_BROKEN)] if robust else "-"
            found[name] = Appearance(shade, marker, dash, bool(robust))
    return found


def span(counts: pd.Series) -> str:
    """The least and the most of these counts, or the only one."""
    return " to ".join(map(str, sorted({int(counts.min()), int(counts.max())})))


def legend(drawn: Figure, table: pd.DataFrame, *, full: Collection[str] | None = None) -> None:
    """The key to families, robust training and the source, below all panels, within the page.

    Args:
        table: the models shown.
        full: those that are not faded; None = ``sample.counted``.
    """
    faded = set(table["model"]) - set(counted(table) if full is None else full)
    entries = [
        Line2D([], [], color=colour, marker=marker, ls="", ms=7, mec="none", label=name)
        for name, (colour, marker) in families(list(table["family"])).items()
    ]
    ring: dict[str, Any] = {"color": "0.75", "marker": "o", "ls": "", "ms": 7}
    if table["robust"].any():
        entries.append(Line2D([], [], mec="black", mew=1.5, label="robust training", **ring))
    if table["is_source"].any():
        hollow = ring | {"color": "0.4", "mfc": "none", "mew": 1.2}
        seeds = " and its seeds" if of_source(table).sum() > 1 else ""
        entries.append(Line2D([], [], label=f"source{seeds} (not in rho)", **hollow))
    if faded:
        small = ring | {"color": "0.4", "ms": 4.5, "alpha": FADED, "mec": "none"}
        others = "untrained, matched, further eps (not in rho)"
        entries.append(Line2D([], [], label=others, **small))
    for rows in range(1, len(entries) + 1):
        columns = -(-len(entries) // rows)
        key = drawn.legend(handles=entries, loc="outside lower center", ncols=columns,
                           columnspacing=1.2, handletextpad=0.2)  # fmt: skip
        if columns == 1 or key.get_window_extent().width <= drawn.bbox.width:
            return
        key.remove()


def line_legend(ax: Axes) -> None:
    """The key to a figure of lines, right of its last panel, in the order the lines end."""
    lines = [line for line in ax.get_lines() if not str(line.get_label()).startswith("_")]
    lines.sort(key=lambda line: -float(np.asarray(line.get_ydata(), dtype=float)[-1]))
    ax.legend(handles=lines, loc="center left", bbox_to_anchor=(1.02, 0.5), handlelength=2.6,
              title="broken: robust", title_fontsize=8, alignment="left")  # fmt: skip


def save(drawn: Figure, file: Path) -> list[Path]:
    """Store as file.png (200 dpi) and file.svg; equal figures give equal bytes.

    Raises:
        StoreError: the disk is full or not writable.
    """
    metadata: Mapping[str, dict[str, Any]] = {"png": {"Software": None}, "svg": {"Date": None}}
    files = []
    for kind, facts in metadata.items():
        buffer = BytesIO()
        with style():
            drawn.savefig(buffer, format=kind, dpi=200, metadata=facts)
        files.append(file.with_name(f"{file.name}.{kind}"))
        content = buffer.getvalue()
        write_atomically(files[-1], lambda out, content=content: out.write(content))
    return files


def place_labels(ax: Axes, points: pd.DataFrame, *, bars: Sequence[Bbox] = ()) -> list[Annotation]:
    """Write each point's label beside it where it covers least; the same points, the same places.

    Args:
        ax: on a ``figure``, with its limits settled.
        points: columns x, y (data units) and label.
        bars: boxes in data units that labels should rather not cover.
    """
    drawn = ax.get_figure(root=True)
    assert drawn is not None and isinstance(drawn.canvas, FigureCanvasAgg)  # figure() made it
    drawn.draw_without_rendering()  # settles the layout, hence where points are
    renderer: Any = drawn.canvas.get_renderer()  # type: ignore[no-untyped-call]
    scale = drawn.dpi / 72
    centres = ax.transData.transform(points[["x", "y"]].to_numpy(float))
    taken = [Bbox.from_bounds(x - 5 * scale, y - 5 * scale, 10 * scale, 10 * scale)
             for x, y in centres]  # fmt: skip
    faint = [bar.transformed(ax.transData).padded(1.5 * scale) for bar in bars]
    inside = ax.get_window_extent(renderer)
    notes = []
    for (x, y), label in zip(centres, points["label"], strict=True):
        note = ax.annotate(
            label, tuple(ax.transData.inverted().transform((x, y))), (0, 0),
            textcoords="offset points", fontsize=8, va="center", annotation_clip=False,
            in_layout=False, path_effects=[withStroke(linewidth=2, foreground="white")], zorder=4,
        )  # fmt: skip
        box = note.get_window_extent(renderer)
        spots = list(_spots(box.width / scale, box.height / scale))
        boxes = [Bbox.from_bounds(x + dx * scale, y + (dy - box.height / scale / 2) * scale,
                                  box.width, box.height) for dx, dy in spots]  # fmt: skip
        costs = [_cost(b, taken, faint, inside) + 0.5 * i for i, b in enumerate(boxes)]
        best = int(np.argmin(costs))
        note.set_position(spots[best])
        taken.append(boxes[best])
        notes.append(note)
        if best >= 8:
            _leader(ax, (x, y), boxes[best])
    return notes


def _spots(width: float, height: float) -> Iterator[tuple[float, float]]:
    """Left ends of a label's middle line, in points from its point: near ones first."""
    for gap in (7.0, 16.0, 28.0, 42.0):
        rise = gap + height / 2
        yield from [
            (gap, 0), (-gap - width, 0), (-width / 2, rise), (-width / 2, -rise),
            (gap * 0.7, rise * 0.7), (gap * 0.7, -rise * 0.7),
            (-gap * 0.7 - width, rise * 0.7), (-gap * 0.7 - width, -rise * 0.7),
        ]  # fmt: skip


def _cost(box: Bbox, taken: Sequence[Bbox], faint: Sequence[Bbox], inside: Bbox) -> float:
    cost = sum(_overlap(box, other) for other in taken)
    cost += 0.7 * sum(_overlap(box, other) for other in faint)
    return cost + 3 * (box.width * box.height - _overlap(box, inside))


def _overlap(a: Bbox, b: Bbox) -> float:
    wide = min(a.x1, b.x1) - max(a.x0, b.x0)
    high = min(a.y1, b.y1) - max(a.y0, b.y0)
    return float(max(wide, 0) * max(high, 0))


def _leader(ax: Axes, point: tuple[float, float], box: Bbox) -> None:
    end = (np.clip(point[0], box.x0, box.x1), np.clip(point[1], box.y0, box.y1))
    ends = ax.transData.inverted().transform([point, end])
    ax.plot(*ends.T, color="0.6", lw=0.6, zorder=1.5, scalex=False, scaley=False)
