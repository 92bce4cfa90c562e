"""Files: their digests, and how they come over a network."""

import hashlib
from functools import lru_cache
from pathlib import Path

import httpx

from zoo.terminal import bar

_CHUNK = 1 << 20


@lru_cache(maxsize=64)
def _sha256(file: Path, size: int, mtime_ns: int) -> str:
    with file.open("rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()


def sha256(file: Path) -> str:
    """Digest of a file, computed once for each version of it."""
    stat = file.stat()
    return _sha256(file, stat.st_size, stat.st_mtime_ns)


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
