"""The figures of the audience: people in and out of the lists, on one machine."""

from __future__ import annotations

from collections.abc import Iterator

from bench import audience_files
from bench.figures import Figure


def figures() -> Iterator[Figure]:
    """Every figure of the audience."""
    yield from audience_files.figures()
