"""The proof that takes long: a million people in one edition. `make proof ARGS=delivery`.

The thousand random kills and the kills at each single pass are slow tests, which `make proof` runs first.
"""

from __future__ import annotations

from collections.abc import Iterator

from bench import delivery_scale
from bench.delivery import FEW, measured
from bench.delivery_room import servers
from bench.figures import Figure

_MILLION = 1_000_000


def proofs() -> Iterator[Figure]:
    """A worker's memory with a million people is what it is with ten thousand."""
    try:
        with servers() as at:
            yield from measured("memory", lambda at: delivery_scale.memory(at, few=FEW, many=_MILLION), at)
    except LookupError as error:
        print(f"delivery: {error}; nothing can be proved.")
