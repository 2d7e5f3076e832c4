"""What glibc is told about memory. Elsewhere nothing is done.

A worker's threads each get an arena of their own to allocate from, and what one of them has freed the others
do not use: eight threads that read feeds kept 14 MB so, one after the other.
"""

from __future__ import annotations

import ctypes
import gc
from typing import Final

_M_ARENA_MAX: Final = -8  # mallopt(3)
_ARENAS: Final = 2


def few_arenas() -> None:
    """Have the threads of this process, and of its children, share two arenas."""
    if (mallopt := _of_libc("mallopt")) is not None:
        mallopt(_M_ARENA_MAX, _ARENAS)


def give_back() -> None:
    """Give the pages that nothing stands in back to the system."""
    gc.collect()
    if (trim := _of_libc("malloc_trim")) is not None:
        trim(0)


def _of_libc(name: str) -> ctypes._NamedFuncPointer | None:
    return getattr(ctypes.CDLL(None), name, None)
