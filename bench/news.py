"""The figures of the news, row by row: `make bench ARGS=news`."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from bench import effort, news_collecting, news_fuzz, news_selection, news_tick, news_wordpress
from bench.figures import Figure, Target
from bench.spine import postgres
from digest.errors import DigestError

AREA = "news"

Row = Callable[[], Iterator[Figure]]


def _tick() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder, postgres() as server, news_wordpress.without_broker():
        yield from news_tick.figures(Path(folder), server)


# What DIGEST_BENCH_ONLY chooses from.
ROWS: Mapping[str, Row] = {
    "collecting": news_collecting.figures,
    "selection": news_selection.figures,
    "tick": _tick,
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


def proofs() -> Iterator[Figure]:
    """A real WordPress beside the tests' one, and inputs by the thousand to what reads the web."""
    yield from measured("wordpress", news_wordpress.proofs)
    yield from measured("fuzz", news_fuzz.proofs)
