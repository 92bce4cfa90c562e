"""Checkpoints of the robustness literature as plain tensors under timm's names.

Engstrom et al. 2019 and Salman et al. 2020 publish pickles: a dictionary whose ``model`` entry
holds the classifier twice (``module.model.`` and ``module.attacker.model.``), its normaliser
beside it, and what the training left behind, functions among it. torch's restricted unpickler
reads them; nothing in such a file is ever imported or called.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.serialization import safe_globals

from zoo.files import sha256, write_whole

State = dict[str, Tensor]

# What trainings with the robustness library leave in a file: functions as dill writes them, and
# settings. They are replaced while the file is read.
_EXTRAS = (
    "__main__.__dict__",
    "builtins.__main__",
    "builtins.bytes",
    "cox.utils.Parameters",
    *(
        f"dill.{module}.{name}"
        for module in ("_dill", "dill")
        for name in (
            "_create_cell", "_create_code", "_create_function", "_create_type", "_get_attr",
            "_import_module", "_load_type",
        )
    ),
)  # fmt: skip
_NORMALISERS = {"normalize", "normalizer", "mu", "sigma"}


class CheckpointError(ValueError):
    """A file that is no checkpoint of the wanted network; the message goes on from its name."""


class _Inert:
    """Stands where the file wants one of ``_EXTRAS``: takes anything, does nothing."""

    def __init__(self, *_: object, **__: object) -> None: ...

    def __call__(self, *_: object) -> "_Inert":
        return self

    def __setstate__(self, state: object) -> None: ...

    # torch asks whether what a file calls equals what was allowed
    def __eq__(self, other: object) -> bool:
        return other is _Inert

    def __hash__(self) -> int:
        return id(self)


def convert(original: Path, target: Path, net: nn.Module) -> None:
    """Write a published checkpoint as safetensors, atomically, with where it comes from.

    Args:
        net: timm's network, for its tensors' names and shapes.

    Raises:
        CheckpointError: see the three steps below.
        DiskError: the disk is full.
    """
    shapes = {name: tuple(tensor.shape) for name, tensor in net.state_dict().items()}
    state = as_timm(classifier_of(read_tensors(original)), shapes)
    about = {"file": original.name, "sha256": sha256(original)}
    write_whole(target, lambda temporary: save_file(state, temporary, metadata=about))


def read_tensors(file: Path) -> State:
    """The tensors of a checkpoint by their names in the file.

    Raises:
        CheckpointError: it is none, or it wants to import anything but tensors and the
            ``_EXTRAS``, which are left out.
    """
    try:
        with safe_globals([(_Inert, name) for name in _EXTRAS]):
            found: Any = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # a file that may not run raises whatever it likes
        wanted = re.search(r"GLOBAL ([\w.]+)", str(error))
        reason = (
            f"wants to run {wanted[1]}, which no weights need: do not use it"
            if wanted
            else f"is no checkpoint ({type(error).__name__}): download it again"
        )
        raise CheckpointError(reason) from error
    for key in ("model", "state_dict"):
        found = found.get(key, found) if isinstance(found, Mapping) else {}
    tensors = {name: value for name, value in found.items() if isinstance(value, Tensor)}
    if not tensors:
        raise CheckpointError("holds no tensors: download it again")
    return tensors


def classifier_of(tensors: State) -> State:
    """The classifier alone, its names without prefixes; normalisers are left out.

    Raises:
        CheckpointError: two tensors of one name that differ.
    """
    state: State = {}
    for name, tensor in tensors.items():
        own = re.sub(r"^(module\.)?(attacker\.)?(model\.){0,2}", "", name)
        if own.split(".")[0] in _NORMALISERS:
            continue
        if own in state and not torch.equal(state[own], tensor):
            raise CheckpointError(f"holds two different tensors {own}: it is no single network")
        state[own] = tensor
    return state


def as_timm(state: State, wanted: Mapping[str, tuple[int, ...]]) -> State:
    """The state under timm's names: by name where names agree, the rest in order.

    torchvision writes VGG's head as matrices and old DenseNets with other dots: their order is
    the same.

    Args:
        state: as ``classifier_of`` gives it.
        wanted: timm's names and shapes, in its order.

    Raises:
        CheckpointError: another architecture or another number of classes.
    """
    # counters of batch norms are missing from old files and used nowhere
    counters = {name for name in wanted if name.endswith("num_batches_tracked")}
    missing = [name for name in wanted if name not in state and name not in counters]
    surplus = [name for name in state if name not in wanted and not name.endswith("tracked")]
    if len(missing) != len(surplus):
        raise CheckpointError(
            f"is of another architecture: {len(surplus)} tensors are left over "
            f"({', '.join(surplus[:2]) or 'none'}) where {len(missing)} are missing "
            f"({', '.join(missing[:2]) or 'none'})"
        )
    origin = {name: name for name in wanted if name in state} | dict(
        zip(missing, surplus, strict=True)
    )
    return {name: _shaped(state, origin.get(name), name, wanted[name]) for name in wanted}


def _shaped(state: State, found: str | None, name: str, shape: tuple[int, ...]) -> Tensor:
    if found is None:
        return torch.zeros(shape, dtype=torch.int64)
    tensor = state[found]
    exact = found == name or tensor.dim() == len(shape)
    if tensor.numel() != torch.Size(shape).numel() or (exact and tuple(tensor.shape) != shape):
        raise CheckpointError(
            f"has {found} of shape {tuple(tensor.shape)} where the network has {name} of {shape}: "
            "it is of another architecture or another number of classes"
        )
    return tensor.reshape(shape).clone().contiguous()
