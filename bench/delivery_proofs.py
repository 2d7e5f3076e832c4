"""The proofs that take long: a thousand kills, a million people. `make proof ARGS=delivery`."""

from __future__ import annotations

from collections.abc import Iterator

from bench import delivery_kills, delivery_power, delivery_scale
from bench.delivery import AREA, FEW, measured
from bench.delivery_room import Servers, servers
from bench.figures import Figure
from bench.rows import unmeasured

_MILLION = 1_000_000


def proofs() -> Iterator[Figure]:
    """Kills and their distribution, power cuts; then a worker's memory with a million people."""
    yield from delivery_kills.proofs()
    yield from delivery_power.proofs()
    try:
        with servers() as at:
            yield from measured("memory", _memory, at)
    except LookupError as error:
        yield unmeasured(AREA, "memory", str(error))


def _memory(at: Servers) -> Iterator[Figure]:
    return delivery_scale.memory(at, few=FEW, many=_MILLION, rounds=1)
