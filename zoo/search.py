"""The learning rate, chosen on held-out training pictures: a network must not fail by neglect."""

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from zoo.datasets import LabelledImages
from zoo.evaluate import accuracy
from zoo.files import keep_json, kept_json
from zoo.recipes import Recipe, asked
from zoo.train import DivergedError, fit

SHOWN, HELD, EPOCHS = 10_000, 5_000, 2


def rates(
    make: Callable[[], nn.Module],
    recipe: Recipe,
    images: LabelledImages,
    *,
    file: Path,
    device: torch.device,
    start: Callable[[int], None] = lambda _: None,
    tick: Callable[[float], None] = lambda _: None,
) -> dict[float, float]:
    """Held-out accuracy, 0..1, after a short training at each of ``recipe.tried``.

    Every rate gets the same start, pictures and order. A training that diverges counts as 0.

    Args:
        make: a freshly initialised network, the same one every time.
        file: keeps what was found, rate by rate, for a search that was stopped and for other seeds
            of the network; what was found by another recipe or on other pictures counts nothing.
            Checkpoints lie beside it while the search goes on.
        start: called once with the number of rates found before; ``tick`` after each batch with
            its loss.

    Raises:
        TrainingError: a checkpoint there belongs to another recipe or version.
    """
    about = {"data": images.sha256, "recipe": asked(asdict(recipe))}
    found = _found(file, about)
    start(len(found))
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0)).tolist()
    shown = min(SHOWN, len(images) * SHOWN // (SHOWN + HELD))
    parts = images.subset(order[:shown]), images.subset(order[shown : shown + HELD])
    for rate in recipe.tried:
        if rate in found:
            continue
        once = replace(recipe, peak_lr=rate, epochs=EPOCHS, tried=())
        found[rate] = _score(make(), once, parts, file.with_suffix(f".{rate}.pt"), device, tick)
        keep_json(file, {**about, "found": found})
    return found


def _found(file: Path, about: dict[str, Any]) -> dict[float, float]:
    """What an earlier search of the same rates on the same pictures found, as far as it came."""
    kept = kept_json(file)
    found = kept.get("found")
    if not isinstance(found, dict) or any(kept.get(name) != about[name] for name in about):
        return {}
    return {float(rate): score for rate, score in found.items()}


def _score(
    model: nn.Module,
    recipe: Recipe,
    parts: tuple[LabelledImages, LabelledImages],
    checkpoint: Path,
    device: torch.device,
    tick: Callable[[float], None],
) -> float:
    try:
        fit(model, recipe, parts[0], seed=0, checkpoint=checkpoint, device=device, tick=tick)
        score = accuracy(model.eval(), parts[1]).rate
    except DivergedError:
        score = 0.0
    checkpoint.unlink(missing_ok=True)
    return score
