"""The figures of the news, row by row: `make bench ARGS=news`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from bench import effort, news_collecting
from bench.figures import Figure, Target
from digest.errors import DigestError

AREA = "news"

Row = Callable[[], Iterator[Figure]]

# What DIGEST_BENCH_ONLY chooses from.
ROWS: Mapping[str, Row] = {
    "collecting": news_collecting.figures,
}


def figures() -> Iterator[Figure]:
    """The rows that were asked for, each figure as soon as it is known."""
    try:
        rows = effort.chosen(ROWS)
    except LookupError as error:
        print(f"{AREA}: {error}.")
        return
    for name, row in rows.items():
        yield from measured(name, row)


def measured(name: str, row: Row) -> Iterator[Figure]:
    """The figures of a row; if it breaks off, one that is missed says why, and the other rows go on."""
    try:
        yield from row()
    except (AssertionError, OSError, ValueError, DigestError) as error:
        note = f"{type(error).__name__}: {error}"[:500]
        yield Figure(AREA, f"{name}: could not be measured", 1, "failures", target=Target("<=", 0), note=note)
