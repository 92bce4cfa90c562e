"""The learning rate, chosen on held-out training pictures: a network must not fail by neglect."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from zoo.datasets import LabelledImages
from zoo.evaluate import accuracy
from zoo.files import write_whole
from zoo.recipes import Recipe
from zoo.train import TrainingError, fit

SHOWN, HELD, EPOCHS = 10_000, 5_000, 2


def rates(
    make: Callable[[], nn.Module],
    recipe: Recipe,
    images: LabelledImages,
    *,
    file: Path,
    device: torch.device,
    tick: Callable[[float], None] = lambda _: None,
) -> dict[float, float]:
    """Held-out accuracy, 0..1, after a short training at each of ``recipe.tried``.

    Every rate gets the same start, pictures and order. A training that diverges counts as 0.

    Args:
        make: a freshly initialised network, the same one every time.
        file: keeps what was found among these rates on these pictures, so that other seeds of the
            network need not search again; checkpoints lie beside it while the search goes on.
    """
    known = json.loads(file.read_text()) if file.exists() else {}
    found = {float(rate): score for rate, score in known.get("found", {}).items()}
    if known.get("data") == images.sha256 and tuple(found) == recipe.tried:
        return found
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0)).tolist()
    shown = min(SHOWN, len(images) * SHOWN // (SHOWN + HELD))
    parts = images.subset(order[:shown]), images.subset(order[shown : shown + HELD])
    found = {
        rate: _score(make(), replace(recipe, peak_lr=rate, epochs=EPOCHS, tried=()), parts,
                     file.with_suffix(f".{rate}.pt"), device, tick)
        for rate in recipe.tried
    }  # fmt: skip
    kept = json.dumps({"data": images.sha256, "found": found})
    write_whole(file, lambda temporary: temporary.write_text(kept))
    return found


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
    except TrainingError:
        score = 0.0
    checkpoint.unlink(missing_ok=True)
    return score
