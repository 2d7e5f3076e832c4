"""The figures of the mail itself and of what it links to, row by row: `make bench ARGS=email`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from bench import effort, email_load, email_making
from bench.audience_room import place
from bench.figures import Figure, Target
from digest.errors import DigestError

AREA: Final = "email"

Row = Callable[[], Iterator[Figure]]


def figures() -> Iterator[Figure]:
    """The rows that were asked for, each figure as soon as it is known."""
    try:
        rows = effort.chosen(ROWS)
    except LookupError as error:
        print(f"{AREA}: {error}.")
        return
    for name, row in rows.items():
        yield from _measured(name, row)


def _measured(name: str, row: Row) -> Iterator[Figure]:
    """The figures of a row; if it breaks off, one that is missed says why, and the other rows go on."""
    try:
        yield from row()
    except (AssertionError, OSError, ValueError, DigestError) as error:
        note = f"{type(error).__name__}: {error}"[:500]
        yield Figure(AREA, f"{name}: could not be measured", 1, "failures", target=Target("<=", 0), note=note)


def _load() -> Iterator[Figure]:
    with place() as at:
        yield from email_load.figures(at)


# What DIGEST_BENCH_ONLY chooses from.
ROWS: Mapping[str, Row] = {
    "variants": email_making.variants,
    "preflight": email_making.checks,
    "wire": email_making.wire,
    "load": _load,
}
