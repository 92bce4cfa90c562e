"""The zoo as a list: rows, a table for the terminal, a page for the docs."""

from collections.abc import Sequence
from typing import Any

from rich.table import Table

from zoo.catalog import ZOO
from zoo.load import parameters
from zoo.spec import ROLES, ModelSpec
from zoo.weights import manifest

Listed = dict[str, Any]
# the manifest's accuracies and their columns
_COUNTED = {"cifar10_test": "clean", "foolbox_cifar10": "bundled", "pgd20_l2_0.5": "robust"}
_FEW = 100


def describe(spec: ModelSpec) -> Listed:
    """One row; accuracies are counts from the manifest, absent before training."""
    entry = manifest().get(spec.name, {})
    return {
        "name": spec.name,
        "family": spec.family,
        "dataset": spec.dataset,
        "training": spec.training,
        "seed": spec.seed,
        "residual": spec.residual,
        "downsampling": spec.downsampling,
        "batch_norm": spec.batch_norm,
        "role": spec.role,
        "weights": type(spec.weights).__name__.lower(),
        "params": parameters(spec),
        "sha256": entry.get("sha256"),
        "accuracies": entry.get("accuracies", {}),
    }


def table(rows: Sequence[Listed]) -> Table:
    """For a terminal."""
    caption = (
        "clean, robust: % of test images right, plain and under PGD-20 at L2 0.5; "
        "bundled: foolbox's images right"
    )
    shown = Table(box=None, padding=(0, 1), caption=caption)
    for column in ("name", "family", "role", "params", *_COUNTED.values()):
        shown.add_column(column, no_wrap=True)
    for row in rows:
        shown.add_row(row["name"], row["family"], row["role"], f"{row['params'] / 1e6:.2f} M",
                      *_accuracies(row))  # fmt: skip
    return shown


def page(rows: Sequence[Listed]) -> str:
    """As Markdown, one table a role; made by ``python -m zoo list --format markdown``."""
    lines = [
        "# The zoo",
        "",
        "Made by `python -m zoo list --format markdown > zoo/README.md`. Accuracies are % of the "
        "10,000 CIFAR-10 test images right, plain and under PGD-20 at L2 0.5 (MANIFEST.json has "
        "the counts); bundled: how many of foolbox's 20 images are named right; empty means not "
        "trained here.",
    ]
    for role, about in ROLES.items():
        lines += ["", f"## {role}: {about}", ""]
        lines += [f"| model | family | parameters | {' | '.join(_COUNTED.values())} |"]
        lines += ["|---|---|---|" + "---|" * len(_COUNTED)]
        lines += [
            f"| `{row['name']}` | {row['family']} | {row['params'] / 1e6:.2f} M | "
            f"{' | '.join(_accuracies(row))} |"
            for row in rows
            if row["role"] == role
        ]
    return "\n".join(lines) + "\n"


def everything() -> list[Listed]:
    """All rows, in the catalogue's order."""
    return [describe(spec) for spec in ZOO.values()]


def _accuracies(row: Listed) -> list[str]:
    counts = (row["accuracies"].get(kind) for kind in _COUNTED)
    return [_shown(count["correct"], count["n"]) if count else "" for count in counts]


def _shown(correct: int, n: int) -> str:
    """A rate in percent; of a few images their count, which no rate is exact enough for."""
    return f"{100 * correct / n:.1f}" if n >= _FEW else f"{correct}/{n}"
