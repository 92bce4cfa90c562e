"""Files: their digests, how they are written, and how they come over a network."""

import errno
import hashlib
import json
import os
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import httpx
from safetensors import SafetensorError

from zoo.terminal import bar

_CHUNK = 1 << 20
# torch and safetensors raise errors of their own where the disk ends a file
_WRITERS = ("inline_container", "PytorchStreamWriter", "I/O error")
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES}


class DiskError(RuntimeError):
    """A file that could not be written here; the message says what to do."""


@lru_cache(maxsize=64)
def _sha256(file: Path, size: int, mtime_ns: int) -> str:
    with file.open("rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()


def sha256(file: Path) -> str:
    """Digest of a file, computed once for each version of it."""
    stat = file.stat()
    return _sha256(file, stat.st_size, stat.st_mtime_ns)


def write_whole(file: Path, write: Callable[[Path], object]) -> None:
    """Call ``write`` on a temporary name, sync what it made, and rename it into place.

    Raises:
        DiskError: the disk is full or not writable; what was there before stays.
    """
    temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write(temporary)
        with temporary.open("rb+") as written:
            os.fsync(written.fileno())
        temporary.replace(file)
    except (OSError, RuntimeError, SafetensorError) as error:
        if not isinstance(error, OSError) and not any(said in str(error) for said in _WRITERS):
            raise
        raise DiskError(
            f"cannot write {file} ({' '.join(str(error).split())[:120]}): free some space or make "
            "it writable, then run the same command again"
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def keep_json(file: Path, content: dict[str, Any]) -> None:
    """Write what ``kept_json`` reads; see ``write_whole`` for errors."""
    write_whole(file, lambda temporary: temporary.write_text(json.dumps(content)))


def kept_json(file: Path) -> dict[str, Any]:
    """What ``keep_json`` wrote there; nothing where there is no file or not one of its own."""
    try:
        kept = json.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}


def no_room(error: Exception) -> bool:
    """Whether the disk, not the network, ended a download."""
    return getattr(error, "errno", None) in _NO_ROOM or os.strerror(errno.ENOSPC) in str(error)


def download(url: str, file: Path) -> Path:
    """Fetch a file, whole or not at all, with a bar; return where it is.

    Raises:
        httpx.HTTPError, OSError: no network, no such file there, no space here.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f"{file.name}.part")
    try:
        with httpx.stream("GET", url, follow_redirects=True, timeout=30) as answer:
            answer.raise_for_status()
            size = float(answer.headers.get("content-length", 0))
            with temporary.open("wb") as out, bar(f"fetching {file.name}", total=size) as progress:
                for chunk in answer.iter_bytes(_CHUNK):
                    out.write(chunk)
                    progress.step(advance=len(chunk))
        temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)
    return file
