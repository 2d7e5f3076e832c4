"""The figures of the audience, row by row: `make bench ARGS=audience`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bench import audience_files, audience_load, audience_segments, effort
from bench.audience_room import place
from bench.figures import Figure
from bench.rows import Row, measured, unmeasured
from bench.spine import postgres
from tests.servers.postgres import PostgresServer

AREA = "audience"


def figures() -> Iterator[Figure]:
    """The rows that were asked for, each figure as soon as it is known."""
    rows = effort.chosen(ROWS)
    for row in dict.fromkeys(rows.values()):  # one may give several
        names = [name for name, each in rows.items() if each is row]
        yield from (figure for figure in measured(AREA, names[0], row) if is_of(figure, names, row))


def is_of(figure: Figure, names: list[str], row: Row) -> bool:
    """Whether a figure is of the rows of these names: import and export are measured in one go."""
    return row is not audience_files.figures or any(name in figure.name for name in names)


def _segments() -> Iterator[Figure]:
    with postgres() as server:
        yield from audience_segments.figures(server)
        yield from _without(server, "segments")


def _signup() -> Iterator[Figure]:
    with place() as at:
        yield from audience_load.signup(at)
        yield from _without(at.postgres, "signup")


def _oneclick() -> Iterator[Figure]:
    with place() as at:
        yield from audience_load.oneclick(at)
        yield from _without(at.postgres, "oneclick")


def _without(server: PostgresServer | None, row: str) -> Iterator[Figure]:
    """What is missed where there is no PostgreSQL."""
    if server is None:
        yield unmeasured(AREA, f"{row} on PostgreSQL", "there is no PostgreSQL")


# What DIGEST_BENCH_ONLY chooses from.
ROWS: Mapping[str, Row] = {
    "import": audience_files.figures,
    "export": audience_files.figures,
    "segments": _segments,
    "signup": _signup,
    "oneclick": _oneclick,
}
