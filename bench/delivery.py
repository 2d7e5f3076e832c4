"""The figures of the delivery: `make bench ARGS=delivery`."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from bench import delivery_fleet, delivery_scale, delivery_sending
from bench.delivery_peers import program
from bench.delivery_room import servers
from bench.figures import Figure

FEW, MANY = 10_000, 100_000


def figures() -> Iterator[Figure]:
    """Every figure of the delivery; without PostgreSQL or smtp-sink there are none, and a line says so."""
    if program("smtp-sink") is None:
        print("delivery: there is no smtp-sink (Debian: postfix), so that nothing can be measured.")
        return
    try:
        with servers() as at:
            found, size = delivery_sending.measure_near(at)
            yield from delivery_sending.near_figures(found, size=size)
            yield from delivery_sending.far_figures(at)
            yield from delivery_scale.memory(at, few=FEW, many=MANY)
            yield from delivery_scale.planning(at)
            us_per_message = statistics.median(each.cpu_us for each in found["ours"])
            yield from delivery_fleet.figures(at, us_per_message=us_per_message)
    except LookupError as error:
        print(f"delivery: {error}; nothing can be measured.")
