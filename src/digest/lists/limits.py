"""How often something may be asked of us by the public pages: token buckets in the database.

A bucket holds `burst` tokens and fills up by `per_second`. Each act takes one, in a single statement, so that
however many processes ask at once, no token is taken twice. Addresses and networks stand in the table by a
keyed hash alone. A bucket that has not been touched for a day is full again, and its row is deleted.
"""

from __future__ import annotations

import datetime as dt
import functools
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.addresses import keyed_hash
from digest.db.dialect import insert_or_change, larger, seconds_between, smaller
from digest.models import TokenBucket

_KEPT: Final = dt.timedelta(days=1)
_PURGE_MOST: Final = 5000
_HASH_LETTERS: Final = 40


@dataclass(frozen=True, slots=True)
class Limit:
    """How many at once, and how many a second after that. A bucket must be full again within a day."""

    name: str
    burst: float
    per_second: float

    def __post_init__(self) -> None:
        if self.burst < 1 or self.burst > self.per_second * _KEPT.total_seconds():
            raise ValueError("a bucket holds a token at least and fills up within a day")


# What people do at their most eager, and well below what would be worth a bot's while.
BY_ADDRESS: Final = Limit("address", burst=5, per_second=1 / 300)
BY_NETWORK: Final = Limit("network", burst=30, per_second=1 / 10)
# Presses on readers' pages: a home for the elderly behind one address, on the morning of a new edition.
BY_READERS_NETWORK: Final = Limit("page", burst=60, per_second=1 / 2)
# A paper's appeal on television: 100 a second for a minute and a half. After that, five.
GLOBAL: Final = Limit("all", burst=10_000, per_second=5)


@dataclass(frozen=True, slots=True)
class Bucket:
    """A limit of somebody in particular, by the row's key."""

    limit: Limit
    key: str


def address_bucket(address_hash: str, *, limit: Limit = BY_ADDRESS) -> Bucket:
    """The bucket of an address, by its keyed hash."""
    return Bucket(limit, f"{limit.name}:{address_hash[:_HASH_LETTERS]}")


def network_bucket(address_key: bytes, network: str, *, limit: Limit = BY_NETWORK) -> Bucket:
    """The bucket of the network that an IP address belongs to."""
    hashed = keyed_hash(address_key, f"network {network_of(network)}")
    return Bucket(limit, f"{limit.name}:{hashed[:_HASH_LETTERS]}")


def global_bucket(limit: Limit = GLOBAL) -> Bucket:
    """Everybody's bucket."""
    return Bucket(limit, limit.name)


def network_of(address: str) -> str:
    """The /24 of an IPv4 address, the /48 of an IPv6 one; `unknown` for what is neither.

    A provider gives a household a /56 or /48: below that, one machine has as many addresses as it likes.
    """
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    length = 24 if found.version == 4 else 48
    return str(ipaddress.ip_network(f"{found}/{length}", strict=False))


def take(session: Session, bucket: Bucket, *, now: dt.datetime) -> bool:
    """Take one token; False if there is none.

    The row stays locked until the transaction ends: keep it short. A clock that steps back fills nothing.
    """
    return take_all(session, (bucket,), now=now) is None


def take_all(session: Session, buckets: Sequence[Bucket], *, now: dt.datetime) -> Bucket | None:
    """Take one token of each; if one is empty none is taken, and the first of the empty ones is returned.

    One statement for them all. Everybody must name the narrow ones first and the global one last: then nobody
    waits in a circle. Where several processes take the last tokens in the same moment, whoever comes too late
    for one may have taken of another, which is then a little emptier than it might be; never fuller.
    """
    given: dict[str, object] = {"now": now}
    for number, bucket in enumerate(buckets):
        limit = bucket.limit
        given |= {
            f"key{number}": bucket.key,
            f"burst{number}": limit.burst,
            f"rate{number}": limit.per_second,
        }
    dialect = session.get_bind().dialect.name
    taken = set(session.scalars(_taking(dialect, len(buckets)), given))
    if len(taken) == len(buckets):
        return None
    if taken:  # somebody else came first at the others
        return next(bucket for bucket in buckets if bucket.key not in taken)
    empty = set(session.scalars(_looking(dialect, len(buckets)), given))
    return next((bucket for bucket in buckets if bucket.key in empty), buckets[0])


@functools.cache
def _taking(dialect: str, count: int) -> sa.Executable:
    """The one statement; built once, for it is run at each sign-up."""
    wanted = _Wanted(dialect, count)
    rows: Any = TokenBucket.__table__
    row = sa.union_all(
        *(sa.select(key, burst - 1.0, wanted.now) for key, burst, _ in wanted.buckets)
    ).subquery("wanted")
    filled = wanted.filled(rows.c)
    return insert_or_change(
        dialect,
        TokenBucket,
        sa.select(row).where(~wanted.empty().exists()),
        names=("key", "tokens", "filled_at"),
        key="key",
        change={"tokens": filled - 1.0, "filled_at": larger(dialect, rows.c.filled_at, wanted.now)},
        where=filled >= 1.0,
    )


@functools.cache
def _looking(dialect: str, count: int) -> sa.Select[Any]:
    """Which of them are empty; asked only where somebody is refused."""
    return _Wanted(dialect, count).empty()


class _Wanted:
    """So many buckets as parameters of a statement."""

    def __init__(self, dialect: str, count: int) -> None:
        self.dialect = dialect
        self.now = sa.bindparam("now", type_=TokenBucket.filled_at.type)
        self.buckets = [
            (
                sa.bindparam(f"key{number}", type_=sa.String),
                sa.bindparam(f"burst{number}", type_=sa.Float),
                sa.bindparam(f"rate{number}", type_=sa.Float),
            )
            for number in range(count)
        ]

    def filled(self, rows: Any) -> sa.ColumnElement[float]:
        """How many tokens the bucket of a row holds by now."""
        passed = larger(
            self.dialect, sa.literal(0.0), seconds_between(self.dialect, rows.filled_at, self.now)
        )
        burst = sa.case(*((rows.key == key, burst) for key, burst, _ in self.buckets), else_=0.0)
        rate = sa.case(*((rows.key == key, rate) for key, _, rate in self.buckets), else_=0.0)
        return smaller(self.dialect, burst, rows.tokens + passed * rate)

    def empty(self) -> sa.Select[Any]:
        """The keys of those that have no token."""
        rows = TokenBucket.__table__.alias("held")
        is_wanted = rows.c.key.in_([key for key, _, _ in self.buckets])
        return sa.select(rows.c.key).where(is_wanted, self.filled(rows.c) < 1.0)


def purge(session: Session, *, now: dt.datetime) -> int:
    """Delete the rows of buckets that are full again; returns how many, at most 5,000 at a time."""
    old = sa.select(TokenBucket.key).where(TokenBucket.filled_at < now - _KEPT).limit(_PURGE_MOST)
    result = session.execute(
        # The moment once more: who takes a token meanwhile keeps the row.
        sa.delete(TokenBucket).where(TokenBucket.key.in_(old), TokenBucket.filled_at < now - _KEPT),
        execution_options={"synchronize_session": False},
    )
    return int(getattr(result, "rowcount", 0))
