"""Recorded accuracies, counted again."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from zoo.catalog import find
from zoo.datasets import LabelledImages
from zoo.files import keep_json, kept_json
from zoo.load import load_classifier
from zoo.produce import measured
from zoo.weights import manifest

#: share of pictures that may change sides on another machine: rounding alone moves borderline ones
SLACK = {"cifar10_test": 0.001, "pgd20_l2_0.5": 0.006, "foolbox_cifar10": 0.0}


def recounted(
    test: LabelledImages, *, device: str, file: Path
) -> Iterator[tuple[str, list[str], str]]:
    """Every trained network, what of it is found otherwise than recorded, and on which pictures.

    Args:
        file: keeps what was found for a later call that goes on, and is gone after the last one.
    """
    entries, kept = manifest(), kept_json(file)
    for number, (name, entry) in enumerate(entries.items(), 1):
        recorded = entry.get("accuracies", {})
        counted_on = recorded.get("cifar10_test", {}).get("data_sha256", test.sha256)
        if not recorded:  # stopped before it was measured
            yield name, ["never measured"], counted_on
            continue
        title = f"{name}, {number} of {len(entries)}"
        what = f"{entry['sha256']} {test.sha256} {device} {torch.__version__}"
        if what not in kept:
            kept[what] = measured(load_classifier(find(name), device=device), test, title=title)
            keep_json(file, kept)
        yield name, differences(recorded, kept[what]), counted_on
    file.unlink(missing_ok=True)


def differences(recorded: dict[str, Any], found: dict[str, Any]) -> list[str]:
    """Which accuracies differ by more than another machine's rounding explains."""
    return [
        f"{kind}: {count['correct']} recorded, {found[kind]['correct']} found, of {count['n']}"
        for kind, count in recorded.items()
        if abs(count["correct"] - found[kind]["correct"]) > SLACK[kind] * count["n"]
    ]
