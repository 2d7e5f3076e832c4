"""Permits in a mail service's row: one pace for all workers, on both databases."""

from __future__ import annotations

import datetime as dt
import itertools
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa

from digest import clock
from digest.db import Database
from digest.errors import NotFoundError
from digest.models import Transport
from digest.pacing.permits import HOUR, Permits, give_back, take
from digest.pacing.transports import add_transport
from tests.factories.moments import NOW
from tests.servers.waiting import HANG


def add(database: Database, **values: Any) -> int:
    with database.write() as session:
        row = add_transport(session, name="relay", host="relay.test", now=NOW)
        for name, value in values.items():
            setattr(row, name, value)
        return row.id


def lease(database: Database, transport_id: int, *, most: int, now: dt.datetime) -> Permits:
    """In test time: the database's clock is the caller's."""
    with database.write() as session:
        return take(session, transport_id, most=most, now=now, at=now)


def test_without_a_pace_everything_goes_at_once(database: Database) -> None:
    """Nothing is written, so a transaction that only reads is enough."""
    relay = add(database)
    with database.read() as session:
        assert take(session, relay, most=100, now=NOW) == Permits(100, NOW, 0.0)
        with pytest.raises(NotFoundError):
            take(session, relay + 1, most=100, now=NOW)
        with pytest.raises(ValueError, match="at least one"):
            take(session, relay, most=0, now=NOW)


def test_many_workers_keep_the_pace_of_one_row(database: Database) -> None:
    """Five workers in a quarter of an hour: within 1 % of 2 a second, never more in any 4 seconds.

    The rules alone are held to it for an hour (`tests/unit/pacing/test_permits.py`).
    """
    relay = add(database, per_second=2.0)
    sent: list[dt.datetime] = []
    free_at = [NOW + dt.timedelta(milliseconds=137 * number) for number in range(5)]
    end = NOW + HOUR / 4
    while (now := min(free_at)) < end:
        free_at.remove(now)
        permits = lease(database, relay, most=100, now=now)
        spaced = [
            permits.starts_at + dt.timedelta(seconds=n * permits.interval) for n in range(permits.count)
        ]
        sent += [moment for moment in spaced if moment < end]
        free_at.append(max(now, spaced[-1] if spaced else permits.starts_at) + dt.timedelta(milliseconds=3))
    assert 1800 * 0.99 <= len(sent) <= 1800
    assert len(set(sent)) == len(sent)
    sent.sort()
    assert all(sent[n + 9] - sent[n] > dt.timedelta(seconds=4) for n in range(len(sent) - 9))


def test_the_hour_is_kept_and_what_is_not_used_comes_back(database: Database) -> None:
    """When its number is used up, the answer is when to ask again; permits come back to both counts."""
    relay = add(database, per_second=50.0, per_hour=120)
    first = lease(database, relay, most=100, now=NOW)
    assert (first.count, first.starts_at) == (100, NOW)
    with database.write() as session:
        give_back(session, relay, 30, of=first)
    second = lease(database, relay, most=100, now=NOW)
    assert (second.count, second.starts_at) == (50, NOW + dt.timedelta(seconds=70 / 50))
    assert lease(database, relay, most=1, now=NOW + dt.timedelta(minutes=59)) == Permits(0, NOW + HOUR, 0.02)
    with database.write() as session:
        give_back(session, relay, 100, of=first)  # something was leased after it: only the number comes back
        row = session.get_one(Transport, relay)
        assert (row.hour_used, row.permits_until) == (20, second.until)
        session.execute(sa.delete(Transport))
        give_back(session, relay, 1, of=second)  # the mail service was taken away meanwhile


def test_threads_never_get_the_same_permit(database: Database) -> None:
    """Eight at once in real time, with clocks that differ by minutes: blocks lie one after another."""
    relay = add(database, per_second=200.0)
    started = threading.Barrier(8)
    blocks: list[tuple[dt.datetime, dt.datetime]] = []

    def worker(skew: float) -> None:
        # On SQLite all workers are on one machine, and so on one clock.
        shift = dt.timedelta(seconds=0 if database.is_sqlite else skew)
        started.wait(HANG)
        until = time.monotonic() + HANG
        while len(blocks) < 24 and time.monotonic() < until:
            with database.write() as session:
                now = clock.utc_now() + shift
                permits = take(session, relay, most=10, now=now)
            if permits.count:
                assert permits.until is not None
                length = dt.timedelta(seconds=permits.count * permits.interval)
                blocks.append((permits.until - length, permits.until))
                # Told by the worker's own clock, whatever that is.
                assert abs((permits.starts_at - shift) - (permits.until - length)) < dt.timedelta(seconds=50)
            time.sleep(0.01)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(worker, [-600, -100, -60, 0, 0, 60, 100, 3600]))
    assert len(blocks) >= 24
    blocks.sort()
    assert all(end <= begin for (_, end), (begin, _) in itertools.pairwise(blocks))
