"""The figures of the audience, row by row: `make bench ARGS=audience`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from bench import audience_files, audience_load, audience_segments, effort
from bench.audience_room import place
from bench.figures import Figure, Target
from bench.spine import postgres
from digest.errors import DigestError

AREA = "audience"

Row = Callable[[], Iterator[Figure]]


def figures() -> Iterator[Figure]:
    """The rows that were asked for, each figure as soon as it is known."""
    try:
        rows = effort.chosen(ROWS)
    except LookupError as error:
        print(f"{AREA}: {error}.")
        return
    for row in dict.fromkeys(rows.values()):  # one may give several
        names = [name for name, each in rows.items() if each is row]
        yield from (figure for figure in measured(names[0], row) if is_of(figure, names, row))


def measured(name: str, row: Row) -> Iterator[Figure]:
    """The figures of a row; if it breaks off, one that is missed says why, and the other rows go on."""
    try:
        yield from row()
    except (AssertionError, OSError, ValueError, DigestError) as error:
        note = f"{type(error).__name__}: {error}"[:500]
        yield Figure(AREA, f"{name}: could not be measured", 1, "failures", target=Target("<=", 0), note=note)


def is_of(figure: Figure, names: list[str], row: Row) -> bool:
    """Whether a figure is of the rows of these names: import and export are measured in one go."""
    return row is not audience_files.figures or any(name in figure.name for name in names)


def _segments() -> Iterator[Figure]:
    with postgres() as server:
        yield from audience_segments.figures(server)


def _signup() -> Iterator[Figure]:
    with place() as at:
        yield from audience_load.signup(at)


def _oneclick() -> Iterator[Figure]:
    with place() as at:
        yield from audience_load.oneclick(at)


# What DIGEST_BENCH_ONLY chooses from.
ROWS: Mapping[str, Row] = {
    "import": audience_files.figures,
    "export": audience_files.figures,
    "segments": _segments,
    "signup": _signup,
    "oneclick": _oneclick,
}
