"""Adversarial pictures made once a source: kept as safetensors, verified whenever they are read."""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save

from bench.inputs import Inputs
from bench.sources import Names, source_digests, source_model
from bench.transfer import Attack, Crafted, answers, craft
from results.store import write_atomically
from zoo.datasets import to_float

_MAKING = 2  # raised when the same settings make other pictures


def crafted(inputs: Inputs, attack: Attack, *, seed: int, sources: Names = ()) -> Crafted:
    """The attack's pictures: from the run's artifacts, or made now and put there.

    Args:
        sources: see ``bench.sources``; loaded only where pictures have to be made.
    """
    file = _file(inputs, attack, seed, sources)
    clean = to_float(inputs.images.pixels)
    if file.exists():
        try:
            kept = load_file(file)
            images, named = kept["images"], kept["source_answers"]
            if _inside(images, clean, attack):
                return Crafted(attack, images.to(inputs.device), named.to(inputs.device))
        except (SafetensorError, KeyError):
            pass  # damaged: made anew below
    source = source_model(sources, inputs)
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
