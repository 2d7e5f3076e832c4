"""How long the tick takes with a thousand digests of which none is due."""

from __future__ import annotations

import datetime as dt
import functools
import time
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

from bench.collecting import kinds
from bench.figures import Figure, Target, load, repeat
from digest.db import Database
from digest.deliveries.sweep import SweepSettings, tick
from digest.editions.slots import make_next_editions
from digest.models import DigestSource, Edition, EditionKind, EditionState, Source
from tests.factories import make_cadence, make_digest
from tests.factories.moments import NOW
from tests.servers.postgres import PostgresServer

DIGESTS = 1000
# So many editions that went out are there for each digest.
_PAST = 30
_TARGET = Target("<=", 100)
_SETTINGS = SweepSettings(plan_lead=dt.timedelta(minutes=2), settle_uncertain_after=dt.timedelta(days=1))


def figures(folder: Path, server: PostgresServer | None) -> Iterator[Figure]:
    """On each kind of database."""
    for kind, databases in kinds(folder, server):
        with databases() as database:
            _newsroom(database)
            tick(database, _SETTINGS, now=NOW)  # what is done once an hour is done
            ours = repeat(functools.partial(_tick, database))
        yield Figure(
            "news",
            f"tick with {DIGESTS:,} digests, none due, on {kind}",
            ours.median,
            "ms",
            None,
            _TARGET,
            f"{_PAST} past editions and a source each; {ours.spread}; {load()}",
        )


def _newsroom(database: Database) -> None:
    """Digests with a cadence, a source that is not due, past editions and a coming one."""
    later = NOW + dt.timedelta(hours=6)
    with database.write() as session:
        for number in range(DIGESTS):
            digest = make_digest(session)
            cadence = make_cadence(session, digest, cron="0 7 * * *", zone="UTC")
            source = Source(
                url=f"https://s{number}.test/feed/", news_since=NOW, next_fetch_at=later, created_at=NOW
            )
            session.add(source)
            session.flush()
            session.add(DigestSource(digest_id=digest.id, source_id=source.id))
            session.execute(
                sa.insert(Edition),
                [
                    {
                        "public_id": f"{number}-{day}",
                        "cadence_id": cadence.id,
                        "kind": EditionKind.SCHEDULED,
                        "due_at": NOW - dt.timedelta(days=day + 1),
                        "due_local": "",
                        "send_at": NOW - dt.timedelta(days=day + 1),
                        "state": EditionState.SKIPPED if day % 5 == 0 else EditionState.SENT,
                        "state_since": NOW,
                        "created_at": NOW,
                    }
                    for day in range(_PAST)
                ],
            )
        if make_next_editions(session, now=NOW) != DIGESTS:
            raise AssertionError("not every digest has its next edition")
    with database.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(sa.text("ANALYZE"))


def _tick(database: Database) -> float:
    """Milliseconds of one tick."""
    started = time.perf_counter()
    tick(database, _SETTINGS, now=NOW + dt.timedelta(seconds=5))
    return (time.perf_counter() - started) * 1000
