"""How much is measured: all of it, or little for whoever works at the measuring. Read once, at the start.

DIGEST_BENCH_QUICK=1               few and short rounds: to see that it runs, not to publish
DIGEST_BENCH_ONLY=unsigned,relay   only these rows of an area that has named rows
DIGEST_PROOF_TRIALS=100            how often the proof of the delivery kills; a thousand times unless told
DIGEST_PROOF_SECONDS=600           how long the proof of the news tries each target with odd inputs; a minute
DIGEST_BENCH_SECONDS=10             how long a web server is asked in one go; a minute unless told
DIGEST_BENCH_PEOPLE=200000         how many people are imported, or on the desk's list; a million else
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

T = TypeVar("T")


class RowError(LookupError):
    """A row was asked for that there is not."""


IS_QUICK = os.environ.get("DIGEST_BENCH_QUICK", "") not in {"", "0"}
TRIALS = int(os.environ.get("DIGEST_PROOF_TRIALS") or 1000)
FUZZ_SECONDS = int(os.environ.get("DIGEST_PROOF_SECONDS") or 60)
SECONDS = int(os.environ.get("DIGEST_BENCH_SECONDS") or 0)
PEOPLE = int(os.environ.get("DIGEST_BENCH_PEOPLE") or 0)
ONLY = tuple(name.strip() for name in os.environ.get("DIGEST_BENCH_ONLY", "").split(",") if name.strip())


def rounds(usual: int = 7) -> int:
    """How many rounds there are."""
    return min(usual, 2) if IS_QUICK else usual


def seconds(usual: int = 60) -> int:
    """How long a server is asked."""
    return SECONDS or (min(usual, 5) if IS_QUICK else usual)


def people(usual: int) -> int:
    """How many people there are in a round."""
    return max(100, usual // 10) if IS_QUICK else usual


def chosen(rows: Mapping[str, T], only: tuple[str, ...] = ONLY) -> dict[str, T]:
    """The rows that were asked for, in their own order, or all; RowError for a name that is none."""
    unknown = [name for name in only if name not in rows]
    if unknown:
        raise RowError(f"there is no row {unknown[0]!r}; there are: {', '.join(rows)}")
    return {name: row for name, row in rows.items() if not only or name in only}


@contextlib.contextmanager
def one_core() -> Iterator[None]:
    """Keep this process, and those it starts in the block, on one core; where that cannot be, on all.

    Two virtual cores are most often one real one: what runs on the second makes a signature on the first up
    to half dearer (measured). On one core, processor time is what the work itself takes.
    """
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def by_turns(actions: Mapping[str, Callable[[], T]], *, count: int) -> dict[str, list[T]]:
    """Run all of them once for nothing, then by turns: whatever disturbs the machine disturbs all."""
    for action in actions.values():
        action()
    found: dict[str, list[T]] = {name: [] for name in actions}
    for _ in range(count):
        for name, action in actions.items():
            found[name].append(action())
    return found
