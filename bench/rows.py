"""The rows of an area: those that were asked for, and one that breaks off does not end the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from bench import effort
from bench.figures import Figure, Target
from digest.errors import DigestError

Row = Callable[[], Iterator[Figure]]


def figures_of(area: str, rows: Mapping[str, Row]) -> Iterator[Figure]:
    """The rows that were asked for, each figure as soon as it is known."""
    try:
        chosen = effort.chosen(rows)
    except LookupError as error:
        print(f"{area}: {error}.")
        return
    for name, row in chosen.items():
        yield from measured(area, name, row)


def measured(area: str, name: str, row: Row) -> Iterator[Figure]:
    """The figures of a row; if it breaks off, one that is missed says why, and the other rows go on."""
    try:
        yield from row()
    except (AssertionError, OSError, ValueError, DigestError) as error:
        note = f"{type(error).__name__}: {error}"[:500]
        yield Figure(area, f"{name}: could not be measured", 1, "failures", target=Target("<=", 0), note=note)
