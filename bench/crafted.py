"""Adversarial pictures made once a source: kept as safetensors, verified whenever they are read."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save

from bench.inputs import Inputs
from bench.sources import Names, source_digests, source_model
from bench.transfer import Attack, Crafted, answers, craft
from results.store import held, write_atomically
from zoo.datasets import to_float

_MAKING = 2  # raised when the same settings make other pictures


def crafted(inputs: Inputs, attack: Attack, *, seed: int, sources: Names = ()) -> Crafted:
    """The attack's pictures: from the run's artifacts, or made now and put there.

    Args:
        sources: see ``bench.sources``; loaded only where pictures have to be made.
    """
    return next(all_crafted(inputs, (attack,), seed=seed, sources=sources))


def all_crafted(
    inputs: Inputs, attacks: Sequence[Attack], *, seed: int, sources: Names = ()
) -> Iterator[Crafted]:
    """As ``crafted`` for every attack, those last that another process is making meanwhile.

    So processes that need the same pictures share the work.
    """
    todo = list(attacks)
    for wait in (False, True):
        for attack in tuple(todo):
            found = _unless_held(inputs, attack, seed, sources, wait=wait)
            if found:
                todo.remove(attack)
                yield found


def _unless_held(
    inputs: Inputs, attack: Attack, seed: int, sources: Names, *, wait: bool
) -> Crafted | None:
    file = _file(inputs, attack, seed, sources)
    found = _kept(file, inputs, attack)
    if found:
        return found
    with held(file, wait=wait) as free:
        if not free:
            return None
        # who was waited for has made them
        return _kept(file, inputs, attack) or _made(file, inputs, attack, seed, sources)


def _kept(file: Path, inputs: Inputs, attack: Attack) -> Crafted | None:
    if not file.exists():
        return None
    try:
        kept = load_file(file)
        images, named = kept["images"], kept["source_answers"]
    except (SafetensorError, KeyError):
        return None  # damaged
    if not _inside(images, to_float(inputs.images.pixels), attack):
        return None
    return Crafted(attack, images.to(inputs.device), named.to(inputs.device))


def _made(file: Path, inputs: Inputs, attack: Attack, seed: int, sources: Names) -> Crafted:
    source, clean = source_model(sources, inputs), to_float(inputs.images.pixels)
    images = craft(
        source, clean.to(inputs.device), inputs.images.labels.to(inputs.device),
        attack=attack, seed=seed,
    )  # fmt: skip
    named = answers(source, images)
    content = {"images": images.cpu().contiguous(), "source_answers": named.cpu()}
    write_atomically(file, lambda f: f.write(save(content)))
    return Crafted(attack, images, named)


def _inside(images: torch.Tensor, clean: torch.Tensor, attack: Attack) -> bool:
    """Whether stored pictures lie in [0,1] and in the eps ball, float32 rounding included."""
    if images.shape != clean.shape or images.min() < 0 or images.max() > 1:
        return False
    delta = (images - clean).flatten(1)
    length = delta.norm(dim=1) if attack.norm == "l2" else delta.abs().amax(1)
    return bool(length.max() <= attack.eps * (1 + 1e-5) + 1e-6)


def _file(inputs: Inputs, attack: Attack, seed: int, sources: Names) -> Path:
    key = [_MAKING, source_digests(sources, inputs), inputs.images_sha256, asdict(attack), seed]
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:32]
    return inputs.run / "artifacts" / "adversarial" / f"{digest}.safetensors"
