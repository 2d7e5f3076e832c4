"""How much memory a process and all it started really take (Linux)."""

from __future__ import annotations

from pathlib import Path

_PROC = Path("/proc")


def pss_of_tree(process: int) -> int:
    """The bytes of a process and its descendants, pages that several share counted once among them.

    Pss of /proc/PID/smaps_rollup (proc(5)); a process that ends meanwhile counts nothing.
    """
    return sum(map(_pss, tree(process)))


def tree(process: int) -> list[int]:
    """The process and everything below it, at this moment."""
    parents = {}
    for entry in _PROC.iterdir():
        if entry.name.isdigit():
            parents[int(entry.name)] = _parent(entry)
    found = [process]
    for known in found:
        found.extend(child for child, parent in parents.items() if parent == known)
    return found


def _pss(process: int) -> int:
    for line in _lines(_PROC / str(process) / "smaps_rollup"):
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def _parent(entry: Path) -> int:
    # The name in the second field may hold spaces and brackets: what counts comes after the last bracket.
    after = "".join(_lines(entry / "stat")).rpartition(")")[2].split()
    return int(after[1]) if len(after) > 1 else 0


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return []
