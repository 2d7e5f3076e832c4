"""What glibc is told about memory."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

_THREADS = """
import sys, threading
from digest import memory
if sys.argv[1] == "few":
    memory.few_arenas()
import ctypes
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
kept = threading.Barrier(12)
places = []
def take():
    places.append(libc.malloc(100_000))
    kept.wait()
threads = [threading.Thread(target=take) for _ in range(12)]
for thread in threads: thread.start()
for thread in threads: thread.join()
# An arena but the first lies at a multiple of 64 MB, and all that is taken from it in the 64 MB after.
print(len({place >> 26 for place in places}))
memory.give_back()
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="only glibc has arenas")
def test_threads_share_two_arenas() -> None:
    """Twelve threads allocate side by side: from as many arenas, or from two if that is asked for."""
    told = {
        which: int(subprocess.check_output([sys.executable, "-c", _THREADS, which], text=True))
        for which in ("many", "few")
    }
    assert told["few"] <= 2 < told["many"]
