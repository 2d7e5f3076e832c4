"""The figures and the proofs of the delivery: `make bench ARGS=delivery`, `make proof ARGS=delivery`."""

from __future__ import annotations

from collections.abc import Iterator

from bench import delivery_sending
from bench.delivery_peers import program
from bench.delivery_room import servers
from bench.figures import Figure


def figures() -> Iterator[Figure]:
    """Every figure of the delivery; without PostgreSQL or smtp-sink there are none, and a line says so."""
    if program("smtp-sink") is None:
        print("delivery: there is no smtp-sink (Debian: postfix), so that nothing can be measured.")
        return
    try:
        with servers() as at:
            yield from delivery_sending.figures(at)
    except LookupError as error:
        print(f"delivery: {error}; nothing can be measured.")
