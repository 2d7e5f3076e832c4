"""The figures of the delivery, row by row: `make bench ARGS=delivery`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from bench import delivery_fleet, delivery_scale, delivery_sending, effort
from bench.delivery_room import Servers, servers
from bench.figures import Figure
from bench.rows import unmeasured

AREA = "delivery"
FEW, MANY = 10_000, 100_000

Row = Callable[[Servers], Iterator[Figure]]

# What DIGEST_BENCH_ONLY chooses from.
ROWS: Mapping[str, Row] = {
    "unsigned": delivery_sending.unsigned,
    "smtplib": delivery_sending.beside_smtplib,
    "signed": delivery_sending.signed,
    "relay": delivery_sending.far,
    "memory": lambda at: delivery_scale.memory(at, few=FEW, many=MANY, rounds=effort.rounds()),
    "planning": delivery_scale.planning,
    "topics": delivery_scale.planning_by_topics,
    "correction": delivery_scale.planning_of_correction,
    "slot": delivery_fleet.first_message,
    "share": delivery_fleet.share,
    "workers": delivery_fleet.workers,
}


def figures() -> Iterator[Figure]:
    """The rows that were asked for, each figure as soon as it is known."""
    rows = effort.chosen(ROWS)
    try:
        with servers() as at:
            for name, row in rows.items():
                yield from measured(name, row, at)
    except LookupError as error:
        yield unmeasured(AREA, ", ".join(rows), str(error))


def measured(name: str, row: Row, at: Servers) -> Iterator[Figure]:
    """The figures of a row; if it breaks off, one that is missed says why, and the other rows go on."""
    try:
        yield from row(at)
    except (AssertionError, OSError, ValueError) as error:
        yield unmeasured(AREA, name, f"{type(error).__name__}: {error}")
