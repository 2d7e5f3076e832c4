"""Waiting for a condition instead of sleeping."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

# Seconds after which something hangs: far longer than anything takes, on a machine however busy. No test is
# about them.
HANG = 120


def wait_until(
    condition: Callable[[], object], *, seconds: float = HANG, what: str = "the condition"
) -> None:
    """Return as soon as the condition holds; AssertionError if it does not within the time."""
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            raise AssertionError(f"{what} did not come true within {seconds:g} seconds")
        time.sleep(0.02)


def process_lives(process: int) -> bool:
    """Whether a process runs; one that has ended and only waits to be reaped does not."""
    fields = _stat(process)
    return fields is not None and fields[0] not in "ZX"


def group_members(group: int) -> list[int]:
    """The living processes of a process group."""
    processes = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [
        each
        for each in processes
        if (fields := _stat(each)) and int(fields[2]) == group and fields[0] not in "ZX"
    ]


def child_of(process: int, word: bytes) -> int | None:
    """The living child of a process that has this word on its command line."""
    for entry in Path("/proc").iterdir():
        fields = _stat(int(entry.name)) if entry.name.isdigit() else None
        if fields and int(fields[1]) == process and fields[0] not in "ZX" and word in _command(entry):
            return int(entry.name)
    return None


def _stat(process: int) -> list[str] | None:
    """State, parent, group and so on (proc(5): what follows the name in `stat`), or None if it is gone."""
    try:
        text = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    return text.rpartition(")")[2].split()


def _command(entry: Path) -> bytes:
    try:
        return (entry / "cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""
