"""What makes a run short: files in memory, and modules compiled once, by one of its workers each."""

from __future__ import annotations

import compileall
import contextlib
import importlib
import os
import sys
import tempfile
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
_MEMORY = Path("/dev/shm")
_ENOUGH = 2 * 1024**3  # a run uses a tenth of it


def keep_bytecode() -> None:
    """Keep compiled modules, whatever this machine's habit is.

    A run starts about a hundred Python processes, and pytest rewrites each test file; both would compile
    the same sources again. Git ignores what is kept.
    """
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False


def share_compiling(number: int, count: int) -> None:
    """Compile this worker's part of what a run of everything imports, and import its part of the tests.

    All workers import the same in the same order: in a fresh checkout each of them would compile all of it,
    at the same moments, which takes longer than to collect the tests. So they begin at different places.
    """
    files = sorted(path for folder in ("src", "bench", "tests") for path in (_ROOT / folder).rglob("*.py"))
    tests = [path for path in files if path.name.startswith("test_") and "tests" in path.parts]
    for path in sorted(set(files) - set(tests))[number::count]:
        compileall.compile_file(path, quiet=2)
    for path in tests[number::count]:
        # What cannot be imported is told where it is collected.
        with contextlib.suppress(BaseException):
            importlib.import_module(".".join(path.relative_to(_ROOT).with_suffix("").parts))


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
