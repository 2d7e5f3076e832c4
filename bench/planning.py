"""How fast an audience becomes deliveries, beside a bare INSERT ... SELECT of the same rows."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bench.collecting import kinds
from bench.figures import Figure, Target, by_turns, load
from digest.addresses import keyed_hash
from digest.db import Database
from digest.deliveries.partitions import make_partitions
from digest.deliveries.plan import plan, unplan
from digest.models import (
    Edition,
    EditionKind,
    EditionState,
    Subscriber,
    Subscription,
    SubscriptionStatus,
)
from tests.factories import make_cadence, make_digest, make_list, make_revision
from tests.factories.audience import ADDRESS_KEY
from tests.factories.moments import NOW
from tests.servers.postgres import PostgresServer

PEOPLE = 100_000
# The promise is a million in 30 seconds.
_TARGET = Target(">=", 1_000_000 / 30)
_CHUNK = 10_000
_DOMAINS = 200


def figures(folder: Path, server: PostgresServer | None) -> Iterator[Figure]:
    """A hundred thousand deliveries on each kind of database."""
    for kind, databases in kinds(folder, server):
        with databases() as database:
            edition_id = _newsroom(database)
            _plan(database, edition_id)
            _make_plain_table(database)
            ours, reference = by_turns(
                lambda at=database, number=edition_id: PEOPLE / _replan(at, number),  # type: ignore[misc]
                lambda at=database: PEOPLE / _copy(at),  # type: ignore[misc]
            )
            is_sqlite = database.is_sqlite
        promise = "" if is_sqlite else "fsync off; "
        yield Figure(
            "spine",
            f"plan {PEOPLE:,} deliveries on {kind}",
            ours.median,
            "rows/s",
            reference.median,
            None if is_sqlite else _TARGET,
            f"audience read, sorted and cut into batches; {promise}{ours.spread}; "
            f"reference: INSERT ... SELECT of the same rows into an identical plain table; {load()}",
        )


def _newsroom(database: Database) -> int:
    """A digest with a list of so many people, and a frozen edition of it; the edition's id."""
    with database.write() as session:
        digest = make_digest(session)
        cadence = make_cadence(session, digest)
        mailing_list = make_list(session, digest)
        for start in range(0, PEOPLE, _CHUNK):
            _add_people(session, mailing_list.id, range(start, start + _CHUNK))
        edition = Edition(
            public_id="bench",
            cadence_id=cadence.id,
            kind=EditionKind.EXTRA,
            due_at=NOW,
            due_local="2026-11-23 17:30",
            send_at=NOW,
            state=EditionState.FROZEN,
            state_since=NOW,
            created_at=NOW,
        )
        session.add(edition)
        session.flush()
        edition.revision_id = make_revision(session, edition.id, sizes=("normal", "large")).id
        if not database.is_sqlite:
            make_partitions(session)
        edition_id = edition.id
    with database.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(sa.text("ANALYZE"))
    return edition_id


def _add_people(session: Session, list_id: int, numbers: Sequence[int]) -> None:
    people: list[dict[str, Any]] = []
    for number in numbers:
        domain = f"mail{number % _DOMAINS}.test"
        address = f"reader{number}@{domain}"
        people.append(
            {
                "address": address,
                "address_key": address,
                "address_hash": keyed_hash(ADDRESS_KEY, address),
                "domain": domain,
                "text_size": "large" if number % 5 == 0 else "normal",
                "created_at": NOW,
            }
        )
    ids = list(session.scalars(sa.insert(Subscriber).returning(Subscriber.id), people))
    session.execute(
        sa.insert(Subscription),
        [
            {
                "list_id": list_id,
                "subscriber_id": each,
                "status": SubscriptionStatus.ACTIVE,
                "created_at": NOW,
                "changed_at": NOW,
            }
            for each in ids
        ],
    )


def _plan(database: Database, edition_id: int) -> None:
    with database.write() as session:
        planned = plan(session, edition_id, now=NOW + dt.timedelta(seconds=1))
    if planned != PEOPLE:
        raise AssertionError(f"{planned} of {PEOPLE} people were planned")


def _replan(database: Database, edition_id: int) -> float:
    """Take the plan back, untimed, and plan anew, commit included."""
    with database.write() as session:
        unplan(session, session.get_one(Edition, edition_id))
    _tidy(database)
    started = time.perf_counter()
    _plan(database, edition_id)
    return time.perf_counter() - started


def _copy(database: Database) -> float:
    """The reference, after emptying its table, untimed."""
    with database.write() as session:
        session.execute(sa.text("DELETE FROM plain_deliveries"))
    _tidy(database)
    started = time.perf_counter()
    with database.write() as session:
        session.execute(sa.text("INSERT INTO plain_deliveries SELECT * FROM deliveries"))
    return time.perf_counter() - started


def _make_plain_table(database: Database) -> None:
    """A table like `deliveries`, with its key and indexes, but in one piece."""
    with database.write() as session:
        if not database.is_sqlite:
            session.execute(sa.text("CREATE TABLE plain_deliveries (LIKE deliveries INCLUDING ALL)"))
            return
        made = session.scalars(
            sa.text("SELECT sql FROM sqlite_master WHERE tbl_name = 'deliveries' AND sql IS NOT NULL")
        ).all()
        for statement in made:
            session.execute(sa.text(statement.replace("deliveries", "plain_deliveries")))


def _tidy(database: Database) -> None:
    """Rows that were deleted must not slow down the round that follows."""
    with database.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        if not database.is_sqlite:
            connection.execute(sa.text("VACUUM deliveries, plain_deliveries"))
