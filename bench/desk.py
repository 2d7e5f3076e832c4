"""The figures of the desk, row by row: `make bench ARGS=desk`. On PostgreSQL, at a million subscribers."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from bench import desk_pages, desk_streams, effort
from bench.audience_room import place, room
from bench.delivery_room import Room
from bench.desk_fill import Filled, fill
from bench.figures import Figure
from bench.rows import Row, figures_of, measured

AREA: Final = "desk"
PEOPLE: Final = effort.PEOPLE or effort.people(1_000_000)
Part = Callable[[Room, Filled], Iterator[Figure]]
# What DIGEST_BENCH_ONLY chooses from; all are measured in one newsroom, which takes a minute to fill.
PARTS: Final[Mapping[str, Part]] = {
    "pages": desk_pages.pages,
    "preview": desk_pages.preview,
    "streams": desk_streams.streams,
}


def figures() -> Iterator[Figure]:
    """The rows that were asked for, each figure as soon as it is known."""
    return figures_of(AREA, {"desk": _all}) if not effort.ONLY else _all()


def _all() -> Iterator[Figure]:
    parts = effort.chosen(PARTS)
    with _filled() as (made, filled):
        for name, part in parts.items():
            yield from measured(AREA, name, _row(part, made, filled))


def _row(part: Part, made: Room, filled: Filled) -> Row:
    return lambda: part(made, filled)


@contextlib.contextmanager
def _filled() -> Iterator[tuple[Room, Filled]]:
    with place() as at:
        if at.postgres is None:
            raise FileNotFoundError("there is no PostgreSQL")
        with room(at, "PostgreSQL") as made:
            yield made, fill(made.database, PEOPLE)
