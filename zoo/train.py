"""The trainer: standard and adversarial, resumable, same seed same bytes."""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from timm.optim import param_groups_weight_decay
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, pad

from zoo.datasets import LabelledImages, to_float
from zoo.files import write_whole
from zoo.fold import FoldedTwin
from zoo.precision import computing
from zoo.recipes import Attack, Recipe
from zoo.robust import pgd

# (epoch counted from 1, mean loss, share of training pictures right)
Report = Callable[[int, float, float], None]
Tick = Callable[[float], None]
# pictures and labels to the pictures that are learned from
Adversary = Callable[[Tensor, Tensor], Tensor]


class TrainingError(RuntimeError):
    """A training that cannot go on; the message says what to do."""


class DivergedError(TrainingError):
    """The loss became no number."""


def fit(
    model: nn.Module,
    recipe: Recipe,
    images: LabelledImages,
    *,
    seed: int,
    checkpoint: Path,
    device: torch.device,
    start: Callable[[int], None] = lambda _: None,
    report: Report = lambda *_: None,
    tick: Tick = lambda _: None,
) -> Recipe:
    """Train ``model`` in place: one-cycle SGD with Nesterov momentum, random flips and crops.

    After every epoch the whole state goes to ``checkpoint``; a later call with the same arguments
    goes on from there and ends with the weights an unbroken run gives.

    Args:
        model: normalised images "b 3 h w" in [0,1] to logits; freshly initialised.
        checkpoint: this training's own file, made and replaced atomically.
        start: called once with the number of epochs found done; ``report`` after each epoch;
            ``tick`` after each batch with its loss.

    Returns:
        the recipe in the precision it was begun in, which may be another than asked for: which one
        is faster is measured, and a busy machine can find otherwise than it did before.

    Raises:
        DivergedError: the loss is no number.
        TrainingError: ``checkpoint`` is of another recipe or data set, or
            there are fewer pictures than a batch holds.
        DiskError: the disk is full; the checkpoint of the epoch before stays.
    """
    model.to(device).to(memory_format=torch.channels_last).train()
    batches = len(images) // recipe.batch_size
    if not batches:
        raise TrainingError(
            f"{len(images)} pictures do not fill one batch of {recipe.batch_size}: use more"
        )
    groups = param_groups_weight_decay(model, recipe.weight_decay)
    optimizer = torch.optim.SGD(
        groups, lr=recipe.peak_lr, momentum=recipe.momentum, nesterov=True, fused=True
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=recipe.peak_lr, total_steps=recipe.epochs * batches, pct_start=0.25,
        cycle_momentum=False,
    )  # fmt: skip
    parts = {"model": model, "optimizer": optimizer, "schedule": schedule}
    lasting = replace(recipe, precision="")
    identity = f"{lasting} seed={seed} data={images.sha256} network={_plan(model)}"
    probe = to_float(images.pixels[:1]).to(device)
    adversary = _adversary(model, recipe.attack, probe) if recipe.attack else None
    done, precision = _restore(checkpoint, identity, parts) or (0, recipe.precision)
    recipe = replace(recipe, precision=precision)
    start(done)
    for epoch in range(done, recipe.epochs):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed * 10_000 + epoch)  # the epoch decides, so a resumed run agrees
            right, total = 0, 0.0
            for x, y in _shuffled(images, recipe, batches):
                loss, hits = _step(model, optimizer, x.to(device), y.to(device), recipe, adversary)
                schedule.step()
                if loss != loss:
                    raise DivergedError(
                        f"the loss is no number in epoch {epoch + 1}: "
                        f"lower peak_lr ({recipe.peak_lr})"
                    )
                right, total = right + hits, total + loss
                tick(loss)
        about = {"identity": identity, "epoch": epoch + 1, "precision": precision}
        _save(checkpoint, about, parts)
        report(epoch + 1, total / batches, right / (batches * recipe.batch_size))
    return recipe


def _step(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    x: Tensor,
    y: Tensor,
    recipe: Recipe,
    adversary: Adversary | None,
) -> tuple[float, int]:
    with computing(x.device, recipe.precision):
        if adversary:
            x = adversary(x, y)
        logits = model(x)
        loss = cross_entropy(logits.float(), y)
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    if recipe.clip_norm:
        nn.utils.clip_grad_norm_(model.parameters(), recipe.clip_norm)
    optimizer.step()
    return float(loss.detach()), int((logits.argmax(1) == y).sum())


def _adversary(model: nn.Module, attack: Attack, probe: Tensor) -> Adversary:
    """As `robustness` does: the attack sees the network in evaluation mode, with weights frozen."""
    twin = FoldedTwin(model, probe)

    def attacked(x: Tensor, y: Tensor) -> Tensor:
        adversarial = pgd(
            twin.of(model), x.contiguous(), y,
            norm=attack.norm, eps=attack.eps, steps=attack.steps, step_size=attack.step_size,
        )  # fmt: skip
        return adversarial.contiguous(memory_format=torch.channels_last)

    return attacked


def _shuffled(
    images: LabelledImages, recipe: Recipe, batches: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """One epoch of shuffled batches, channels-last in [0,1], flipped and shifted if asked to.

    One gather a batch: a third of a millisecond, where per-picture transforms cost as much as the
    network.
    """
    order = torch.randperm(len(images))[: batches * recipe.batch_size].view(batches, -1)
    if recipe.crop_padding is None:
        yield from ((to_float(images.pixels[index]), images.labels[index]) for index in order)
        return
    padded = pad(images.pixels.float(), (recipe.crop_padding,) * 4, mode="reflect").byte()
    shifts = 2 * recipe.crop_padding + 1
    side = torch.arange(images.pixels.shape[-1])
    for index in order:
        dy, dx, flip = (torch.randint(n, (len(index), 1)) for n in (shifts, shifts, 2))
        rows = dy + side
        columns = dx + torch.where(flip.bool(), side.flip(0), side)
        picked = padded[index[:, None, None], :, rows[:, :, None], columns[:, None, :]]
        yield picked.permute(0, 3, 1, 2).float().div_(255), images.labels[index]


def _plan(model: nn.Module) -> str:
    """Digest of all tensor names and shapes."""
    shapes = {name: list(tensor.shape) for name, tensor in model.state_dict().items()}
    return hashlib.sha256(json.dumps(shapes).encode()).hexdigest()[:16]


def _save(file: Path, about: dict[str, Any], parts: dict[str, Any]) -> None:
    whole = {**about, **{name: part.state_dict() for name, part in parts.items()}}
    write_whole(file, lambda temporary: torch.save(whole, temporary))


def _restore(file: Path, identity: str, parts: dict[str, Any]) -> tuple[int, str] | None:
    """Load a checkpoint into the parts; return its epochs done and its precision, if it exists."""
    if not file.exists():
        return None
    try:
        state = torch.load(file, weights_only=True)
        if state["identity"] == identity:
            for name, part in parts.items():
                part.load_state_dict(state[name])
            return int(state["epoch"]), str(state["precision"])
    except Exception as error:  # a pickle that may not run raises whatever it likes
        raise TrainingError(
            f"{file} is no checkpoint of this network ({type(error).__name__}): "
            "remove it to start anew"
        ) from error
    raise TrainingError(
        f"{file} belongs to another recipe, network, data set or version: remove it to start anew"
    )
