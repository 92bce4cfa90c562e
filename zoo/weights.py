"""Where weights come from: found, digested, read without executing pickles.

Committed and packaged files, and pickles whose digest is published, are verified by sha256; for
the hub's files none is listed, so theirs is recorded in a run's manifest.
"""

import importlib.util
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import torch
from huggingface_hub import constants, errors, hf_hub_download, try_to_load_from_cache
from safetensors.torch import load_file, save_file
from timm.models import get_pretrained_cfg
from torch import Tensor

from zoo.convert import CheckpointError, convert
from zoo.files import DiskError, download, no_room, sha256, write_whole
from zoo.spec import Committed, Hub, ModelSpec, Pickled, PyPI, RandomInit
from zoo.taps import skeleton

CHECKPOINTS = Path(__file__).parent / "checkpoints"
State = dict[str, Tensor]
OFFLINE = "HF_HUB_OFFLINE"  # as the hub's own client reads it

# what a download raises: the hub's client has an HTTP library of its own, whose base is this one's
_UNREACHABLE: tuple[type[Exception], ...] = (
    httpx.HTTPError, OSError, errors.EntryNotFoundError, errors.XetDownloadError,
    *errors.HfHubHTTPError.__bases__,
)  # fmt: skip


class WeightsError(RuntimeError):
    """Weights that are not to be had; the message says what to do."""


class DamagedError(WeightsError):
    """Weights that are here and are not what is listed: nobody goes on without saying so."""


def cache_dir() -> Path:
    """Where a user puts downloaded weights by hand: ``$WHYVGG_CACHE`` or ``~/.cache/whyvgg``."""
    return Path(os.environ.get("WHYVGG_CACHE", Path.home() / ".cache" / "whyvgg"))


def manifest() -> dict[str, Any]:
    """Name to entry (file, sha256, recipe, data digest, accuracies) of the committed weights.

    Raises:
        DamagedError: the file is no JSON.
    """
    file = CHECKPOINTS / "MANIFEST.json"
    try:
        entries: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    except json.JSONDecodeError as error:
        raise DamagedError(
            f"{file} is no JSON ({error}): end the merge there, or git checkout {file.name}"
        ) from error
    return entries


def save_checkpoint(name: str, state: State) -> dict[str, str]:
    """Write weights as fp16 safetensors; return the manifest's ``file`` and ``sha256``."""
    file = CHECKPOINTS / f"{name}.safetensors"
    half = {k: (v.half() if v.is_floating_point() else v).contiguous() for k, v in state.items()}
    write_whole(file, lambda temporary: save_file(half, temporary))
    return {"file": file.name, "sha256": sha256(file)}


def record(name: str, entry: dict[str, Any]) -> None:
    """Add or replace one manifest entry, atomically."""
    entries = {**manifest(), name: entry}
    file = CHECKPOINTS / "MANIFEST.json"
    text = json.dumps(entries, indent=1, sort_keys=True) + "\n"
    write_whole(file, lambda temporary: temporary.write_text(text))


def load_state(spec: ModelSpec, names: list[str]) -> State | None:
    """The spec's weights as fp32 tensors; None for a network that stays at its initialisation.

    Args:
        names: the network's own tensor names in order, for files that are matched by position.

    Raises:
        WeightsError: missing or unreachable; its DamagedError: damaged, or of another digest.
    """
    match spec.weights:
        case RandomInit():
            return None
        case PyPI():
            return _by_position(_located(spec), names)
    return _read(_located(spec))


def weights_digest(spec: ModelSpec) -> str:
    """What identifies the weights in a cell's address, without loading them."""
    match spec.weights:
        case RandomInit():
            return f"random-{spec.seed}"
        case PyPI() as weights:
            return weights.sha256
    return sha256(_located(spec))


def require_weights(spec: ModelSpec) -> None:
    """Find the weights, fetching them if need be and allowed, without loading them.

    Raises:
        WeightsError: as ``load_state``, but for a file that does not fit.
    """
    if not isinstance(spec.weights, RandomInit):
        _located(spec)


def _located(spec: ModelSpec) -> Path:
    match spec.weights:
        case Committed():
            return _committed(spec.intact)
        case Hub():
            return _from_hub(spec)
        case PyPI() as weights:
            return _from_package(weights)
        case Pickled() as weights:
            return _converted(spec, weights)
    raise WeightsError(f"{spec.name} stays at its initialisation: it has no file")


def _read(file: Path) -> State:
    try:
        state = load_file(file)
    except Exception as error:  # safetensors raises its own and plain exceptions alike
        raise DamagedError(
            f"{file} is no readable safetensors file ({error}): replace it"
        ) from error
    return {k: v.float() if v.is_floating_point() else v for k, v in state.items()}


def _by_position(file: Path, names: list[str]) -> State:
    try:
        state = torch.load(file, weights_only=True, map_location="cpu")
        return dict(zip(names, state.values(), strict=True))
    except Exception as error:  # a pickle that may not run raises whatever it likes
        raise DamagedError(
            f"{file} is no checkpoint of {len(names)} tensors ({type(error).__name__}): "
            "install its package again"
        ) from error


def _committed(name: str) -> Path:
    entry = manifest().get(name)
    if entry is None:
        raise WeightsError(
            f"{name} has no trained weights yet: python -m zoo train {name} --data DIR"
        )
    file: Path = CHECKPOINTS / entry["file"]
    if not file.exists():
        raise WeightsError(f"{file} is missing: git checkout {file.name}, or train {name} again")
    _verify(file, entry["sha256"])
    return file


def _from_package(weights: PyPI) -> Path:
    found = importlib.util.find_spec(weights.module)
    if found is None or found.origin is None:
        raise WeightsError(f"{weights.package} is not installed: pip install {weights.package}")
    file = Path(found.origin).parent / weights.file
    _verify(file, weights.sha256)
    return file


def _verify(file: Path, expected: str) -> None:
    if not file.exists():
        raise WeightsError(f"{file} is missing: install or download it again")
    if not sha256(file).startswith(expected):
        raise DamagedError(
            f"{file} has sha256 {sha256(file)[:12]}..., {expected[:12]}... is listed: it is "
            "damaged or another version; restore it (git checkout, install its package again, or "
            "delete it where it was downloaded)"
        )


def _from_hub(spec: ModelSpec) -> Path:
    by_hand = cache_dir() / f"{spec.intact}.safetensors"
    if by_hand.exists():
        return by_hand
    cfg = get_pretrained_cfg(spec.arch)
    if cfg is None or not cfg.hf_hub_id:
        raise WeightsError(
            f"{spec.name} is not on the hub ({(cfg and cfg.url) or 'timm lists no address'}): save "
            f"its weights as safetensors in {by_hand}"
        )
    repo = cfg.hf_hub_id
    cached = try_to_load_from_cache(repo, "model.safetensors")
    if isinstance(cached, str):
        return Path(cached)

    def fetch() -> Path:
        # the hub's client retries for a minute before it gives up; one quick look first
        httpx.head(constants.ENDPOINT, timeout=5)
        return Path(hf_hub_download(repo, "model.safetensors"))

    url = f"{constants.ENDPOINT}/{repo}/resolve/main/model.safetensors"
    return _fetched(spec, url, by_hand, fetch)


def _converted(spec: ModelSpec, weights: Pickled) -> Path:
    """The checkpoint as safetensors, converted at the first call."""
    file = cache_dir() / f"{spec.intact}.safetensors"
    if file.exists():
        return file
    original = cache_dir() / weights.file
    if not original.exists():
        _fetched(spec, weights.url, original, lambda: download(weights.url, original))
    if weights.sha256:
        _verify(original, weights.sha256)
    try:
        convert(original, file, skeleton(replace(spec, surgery=())))
    except CheckpointError as error:
        raise DamagedError(f"{original} {error}") from error
    return file


def _fetched(spec: ModelSpec, url: str, place: Path, fetch: Callable[[], Path]) -> Path:
    try:
        if os.environ.get(OFFLINE, "0") not in ("", "0"):
            raise ConnectionError("nothing is to be fetched")
        return fetch()
    except _UNREACHABLE as error:
        if no_room(error):
            raise DiskError(
                f"cannot keep the weights of {spec.name} ({error}): about "
                f"{file_bytes(spec) / 1e6:.0f} MB are wanted; free some space, or name another "
                "folder by WHYVGG_CACHE and HF_HOME"
            ) from error
        raise WeightsError(
            f"{spec.name} needs {url} (about {file_bytes(spec) / 1e6:.0f} MB): connect to a "
            f"network, or save that file as {place} (and say --offline, so that nothing is tried)"
        ) from error


def file_bytes(spec: ModelSpec) -> int:
    """About how large a model's file is: four bytes a parameter.

    A published pickle may hold more, such as an optimiser's state.
    """
    return 4 * sum(p.numel() for p in skeleton(spec).parameters())
