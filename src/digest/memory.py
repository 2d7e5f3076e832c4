"""What glibc and the garbage collector are told about memory. Without glibc its part is left out.

A worker's threads each get an arena of their own to allocate from, and what one of them has freed the others
do not use: eight threads that read feeds kept 14 MB so, one after the other.
"""

from __future__ import annotations

import ctypes
import gc
from typing import Final

_M_ARENA_MAX: Final = -8  # mallopt(3)
_ARENAS: Final = 2
# A group of mails, or a page of two thousand posts, makes thousands of objects that live for a moment: to
# look for garbage at every 700, as Python does unless told, took a tenth of a worker's time.
_GARBAGE: Final = (20_000, 10, 10)


def few_arenas() -> None:
    """Have the threads of this process, and of its children, share two arenas."""
    if (mallopt := _of_libc("mallopt")) is not None:
        mallopt(_M_ARENA_MAX, _ARENAS)


def collect_rarely() -> None:
    """Look for garbage seldom, and never among what is there now, as it lives as long as the process."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GARBAGE)


def give_back() -> None:
    """Give the pages that nothing stands in back to the system."""
    gc.collect()
    if (trim := _of_libc("malloc_trim")) is not None:
        trim(0)


def _of_libc(name: str) -> ctypes._NamedFuncPointer | None:
    return getattr(ctypes.CDLL(None), name, None)
