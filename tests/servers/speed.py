"""What makes a run short: files in memory, and modules compiled once."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

_MEMORY = Path("/dev/shm")
_ENOUGH = 2 * 1024**3  # a run uses a tenth of it


def keep_bytecode() -> None:
    """Keep compiled modules, whatever this machine's habit is.

    A run starts about a hundred Python processes, and pytest rewrites each test file; both would compile
    the same sources again. Git ignores what is kept.
    """
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False


def use_memory_for_files() -> None:
    """Put temporary files into memory if there is room, unless TMPDIR says where they belong.

    Databases wait for the disk at each commit, and thousands of small files are made and removed.
    """
    if "TMPDIR" in os.environ or not _MEMORY.is_dir():
        return
    about = os.statvfs(_MEMORY)
    # In a container it may be small, or nothing in it may be started, as some tests do.
    if about.f_bavail * about.f_frsize >= _ENOUGH and not about.f_flag & os.ST_NOEXEC:
        os.environ["TMPDIR"] = str(_MEMORY)
        tempfile.tempdir = None  # it is found out anew
