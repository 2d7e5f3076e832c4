"""Permits to hand mails over: the pace of a mail service, kept in its row and shared by all workers.

GCRA (the generic cell rate algorithm): the row says up to which moment permits are leased. A worker leases
the block that follows, one permit every `interval` seconds, and the moment moves on by as much. However
many workers there are on however many machines, each permit is handed out once; the broker has no part in
it.

Moments in the row are of the database's clock, for clocks of machines differ by seconds: one that is fast
would spend permits that the others spend again. What a worker gets is told by its own clock.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.errors import NotFoundError
from digest.models import Transport

# A block spans this long at the most (or one permit): whoever leaves in the meantime is not yet on the wire.
BLOCK_SECONDS = 2.0
# Nobody leases further ahead than this: a task lasts 30 s, and what is leased cannot be had by others.
AHEAD = dt.timedelta(seconds=10)
HOUR = dt.timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Permits:
    """Leave to hand over `count` mails, number i (from 0) not before `starts_at` + i * `interval` seconds.

    With `count` 0 there is none to be had now: ask again at `starts_at`. `starts_at` is by the clock that
    `now` was read from. `until` and `hour` are what `give_back` knows the lease by.
    """

    count: int
    starts_at: dt.datetime
    interval: float
    until: dt.datetime | None = None
    hour: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Pace:
    """What a mail service may be handed, and what of it is leased, by the database's clock."""

    per_second: float | None = None
    per_hour: int | None = None
    permits_until: dt.datetime | None = None
    hour_began_at: dt.datetime | None = None
    hour_used: int = 0

    @property
    def is_free(self) -> bool:
        return self.per_second is None and self.per_hour is None

    @property
    def interval(self) -> float:
        return 0.0 if self.per_second is None else 1.0 / self.per_second


def lease(pace: Pace, *, most: int, now: dt.datetime) -> tuple[Permits, Pace]:
    """The next block of at most `most` permits, and what is leased then. Pure."""
    starts_at = _next_free(pace, now)
    if starts_at > now + AHEAD:
        return Permits(0, starts_at, pace.interval), pace
    began_at, used = _hour_at(pace, starts_at, now)
    count = most
    if pace.per_second is not None:
        count = min(count, max(1, int(BLOCK_SECONDS * pace.per_second + 1e-9)))
    if pace.per_hour is not None:
        count = min(count, pace.per_hour - used)
        if count <= 0:
            return Permits(0, began_at + HOUR, pace.interval), pace
    until = starts_at + dt.timedelta(seconds=count * pace.interval)
    after = Pace(
        pace.per_second,
        pace.per_hour,
        permits_until=until if pace.per_second is not None else None,
        hour_began_at=began_at if pace.per_hour is not None else None,
        hour_used=used + count if pace.per_hour is not None else 0,
    )
    return Permits(count, starts_at, pace.interval, after.permits_until, after.hour_began_at), after


def returned(pace: Pace, permits: Permits, count: int) -> Pace:
    """What is leased once `count` of the last permits of a lease come back. Pure.

    The hour's number comes back in any case, the time only if nothing was leased after it.
    """
    count = min(count, permits.count)
    until, used = pace.permits_until, pace.hour_used
    if until is not None and until == permits.until:
        until -= dt.timedelta(seconds=count * permits.interval)
    if permits.hour is not None and permits.hour == pace.hour_began_at:
        used = max(0, used - count)
    return Pace(pace.per_second, pace.per_hour, until, pace.hour_began_at, used)


def take(
    session: Session, transport_id: int, *, most: int, now: dt.datetime, at: dt.datetime | None = None
) -> Permits:
    """Lease up to `most` (at least 1) permits of a mail service, in a short `write()` scope of its own.

    `now` is the moment of the call, by the caller's clock. A block spans two seconds at the most: ten
    permits at 5 a second, one below that of 0.5. With no pace set, all are given at once and nothing is
    written. If the service has its number for this hour, or others have leased the next ten seconds, `count`
    is 0 and `starts_at` says when to ask again. `at` is the moment by the database's clock; it is asked
    unless it is given. Raises NotFoundError if there is no such mail service.
    """
    if most < 1:
        raise ValueError("at least one permit is asked for")
    if _pace(session, transport_id, is_locked=False).is_free:
        return Permits(most, now, 0.0)
    # Before the row is waited for: whatever lies between `now` and this is taken for a difference of clocks.
    at = at or _database_now(session, now)
    pace = _pace(session, transport_id, is_locked=True)
    permits, after = lease(pace, most=most, now=at)
    if after != pace:
        _keep(session, transport_id, after)
    return Permits(permits.count, permits.starts_at - at + now, permits.interval, permits.until, permits.hour)


def give_back(session: Session, transport_id: int, count: int, *, of: Permits) -> None:
    """Give back the last `count` permits of a lease that were not used; a transport that is gone is fine."""
    if count < 1 or (of.until is None and of.hour is None):
        return
    try:
        pace = _pace(session, transport_id, is_locked=True)
    except NotFoundError:
        return
    after = returned(pace, of, count)
    if after != pace:
        _keep(session, transport_id, after)


def _next_free(pace: Pace, now: dt.datetime) -> dt.datetime:
    """From when permits are to be had, by the pace of a second."""
    if pace.per_second is None or pace.permits_until is None:
        return now
    # No lease reaches further than that: the clock was set back, and nobody is to wait for it to catch up.
    furthest = now + AHEAD + dt.timedelta(seconds=max(BLOCK_SECONDS, pace.interval) + 1)
    return now if pace.permits_until > furthest else max(pace.permits_until, now)


def _hour_at(pace: Pace, starts_at: dt.datetime, now: dt.datetime) -> tuple[dt.datetime, int]:
    """The hour that a moment is in, and how many permits of it are used: it begins with its first one."""
    began_at = pace.hour_began_at
    if began_at is None or starts_at >= began_at + HOUR:
        return starts_at, 0
    if began_at > now + AHEAD:  # the clock was set back
        return starts_at, pace.hour_used
    return began_at, pace.hour_used


def _database_now(session: Session, now: dt.datetime) -> dt.datetime:
    """The database's clock. That of SQLite is this machine's, and so `now`."""
    if session.get_bind().dialect.name == "sqlite":
        return now
    found: dt.datetime | None = session.scalar(sa.select(sa.func.clock_timestamp()))
    return found or now


def _pace(session: Session, transport_id: int, *, is_locked: bool) -> Pace:
    query = sa.select(
        Transport.per_second,
        Transport.per_hour,
        Transport.permits_until,
        Transport.hour_began_at,
        Transport.hour_used,
    ).where(Transport.id == transport_id)
    if is_locked:
        # Not FOR UPDATE: that would wait for whoever writes a row that names this mail service.
        query = query.with_for_update(key_share=True)
    row = session.execute(query).one_or_none()
    if row is None:
        raise NotFoundError(f"The mail service {transport_id} is not there any more.")
    return Pace(*row)


def _keep(session: Session, transport_id: int, pace: Pace) -> None:
    session.execute(
        sa.update(Transport)
        .where(Transport.id == transport_id)
        .values(permits_until=pace.permits_until, hour_began_at=pace.hour_began_at, hour_used=pace.hour_used),
        execution_options={"synchronize_session": False},
    )
