"""The figures of the audience, row by row: `make bench ARGS=audience`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bench import audience_files, audience_load, audience_segments, effort
from bench.audience_room import place
from bench.figures import Figure
from bench.rows import Row, measured, without
from bench.spine import postgres

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
        yield from without(server, AREA, "segments")


def _signup() -> Iterator[Figure]:
    with place() as at:
        yield from audience_load.signup(at)
        yield from without(at.postgres, AREA, "signup")


def _oneclick() -> Iterator[Figure]:
    with place() as at:
        yield from audience_load.oneclick(at)
        yield from without(at.postgres, AREA, "oneclick")


# What DIGEST_BENCH_ONLY chooses from.
ROWS: Mapping[str, Row] = {
    "import": audience_files.figures,
    "export": audience_files.figures,
    "segments": _segments,
    "signup": _signup,
    "oneclick": _oneclick,
}
