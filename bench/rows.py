"""The rows of an area: those that were asked for, and one that breaks off does not end the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from bench import effort
from bench.figures import Figure, Target
from digest.errors import DigestError

Row = Callable[[], Iterator[Figure]]


def figures_of(area: str, rows: Mapping[str, Row]) -> Iterator[Figure]:
    """The rows that were asked for, each figure as soon as it is known."""
    for name, row in effort.chosen(rows).items():
        yield from measured(area, name, row)


def measured(area: str, name: str, row: Row) -> Iterator[Figure]:
    """The figures of a row; if it breaks off, one that is missed says why, and the other rows go on."""
    try:
        yield from row()
    except (AssertionError, OSError, ValueError, DigestError) as error:
        yield unmeasured(area, name, f"{type(error).__name__}: {error}")


def unmeasured(area: str, name: str, why: str) -> Figure:
    """A figure that is missed: what could not be measured has not held."""
    note = why[:500]
    return Figure(area, f"{name}: could not be measured", 1, "failures", target=Target("<=", 0), note=note)


def without(server: object, area: str, row: str) -> Iterator[Figure]:
    """What of a row is missed where there is no PostgreSQL."""
    if server is None:
        yield unmeasured(area, f"{row} on PostgreSQL", "there is no PostgreSQL")
