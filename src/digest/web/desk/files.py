"""The desk's style sheets, scripts and icons: read and compressed once, kept by browsers for a year.

An address holds the fingerprint of the file's bytes, so that a new release is a new address.
"""

from __future__ import annotations

import functools
import gzip
import hashlib
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_STATIC: Final = Path(__file__).resolve().parents[1] / "static"
_FOLDERS: Final = ("desk", "vendor")
_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_SHORT: Final = 12
_ONE: Final = threading.Lock()


@dataclass(frozen=True, slots=True)
class DeskFile:
    """A file as it is sent; `compressed` by gzip, for who does not take that is rare."""

    compressed: bytes
    media_type: str
    mark: str


@functools.cache
def names() -> frozenset[str]:
    """The files there are, as paths below the folder of static files."""
    return frozenset(
        path.relative_to(_STATIC).as_posix()
        for folder in _FOLDERS
        for path in (_STATIC / folder).rglob("*")
        if path.suffix in _TYPES
    )


def find(name: str) -> DeskFile | None:
    """A file; None for what is none of ours."""
    return _read(name) if name in names() else None


@functools.cache
def url_of(name: str) -> str:
    """The address of a file, for templates. Raises KeyError for one that is not there."""
    if name not in names():
        raise KeyError(name)
    mark = hashlib.sha256((_STATIC / name).read_bytes()).hexdigest()[:_SHORT]
    return f"/desk/files/{mark}/{name}"


@functools.cache
def _compressed(name: str) -> DeskFile:
    body = (_STATIC / name).read_bytes()
    return DeskFile(
        compressed=gzip.compress(body, 9, mtime=0),
        media_type=_TYPES[Path(name).suffix],
        mark=hashlib.sha256(body).hexdigest()[:_SHORT],
    )


def _read(name: str) -> DeskFile:
    with _ONE:  # ten browsers that open the desk at once: each file is compressed once
        return _compressed(name)
