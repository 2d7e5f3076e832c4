"""The figures of the audience: people in and out of the lists, on one machine."""

from __future__ import annotations

from collections.abc import Iterator

from bench import audience_files, audience_segments
from bench.figures import Figure
from bench.spine import postgres


def figures() -> Iterator[Figure]:
    """Every figure of the audience."""
    yield from audience_files.figures()
    with postgres() as server:
        yield from audience_segments.figures(server)
