"""The figures of the mail itself and of what it links to, row by row: `make bench ARGS=email`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from bench import email_load, email_making
from bench.audience_room import place
from bench.figures import Figure
from bench.rows import Row, figures_of

AREA: Final = "email"


def figures() -> Iterator[Figure]:
    """The rows that were asked for, each figure as soon as it is known."""
    return figures_of(AREA, ROWS)


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
