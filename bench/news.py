"""The figures of the news, row by row: `make bench ARGS=news`."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from bench import news_collecting, news_fuzz, news_selection, news_tick, news_wordpress
from bench.figures import Figure
from bench.rows import Row, figures_of, without
from bench.spine import postgres

AREA = "news"


def _tick() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder, postgres() as server, news_wordpress.without_broker():
        yield from news_tick.figures(Path(folder), server)
        yield from without(server, AREA, "tick")


# What DIGEST_BENCH_ONLY chooses from.
ROWS: Mapping[str, Row] = {
    "collecting": news_collecting.figures,
    "selection": news_selection.figures,
    "tick": _tick,
}
PROOFS: Mapping[str, Row] = {"wordpress": news_wordpress.proofs, "fuzz": news_fuzz.proofs}


def figures() -> Iterator[Figure]:
    """The rows that were asked for, each figure as soon as it is known."""
    return figures_of(AREA, ROWS)


def proofs() -> Iterator[Figure]:
    """A real WordPress beside the tests' one, and inputs by the thousand to what reads the web."""
    return figures_of(AREA, PROOFS)
