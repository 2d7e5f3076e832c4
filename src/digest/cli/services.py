"""What `digest doctor` asks of others: the database, the broker, the workers, and what the rows say."""

from __future__ import annotations

import datetime as dt
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from digest.cli.checks import Finding, Level
from digest.db import Database
from digest.db.schema import require_head
from digest.errors import ConfigError, DigestError, SchemaError, UnreachableError
from digest.logs import redact

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from digest.config import Settings
    from digest.models import Transport

_LATE = dt.timedelta(minutes=2)  # the tick comes every few seconds; this late, nothing drives it
_POSTGRES = range(15, 19)  # the major versions that are tested


def check_database(settings: Settings) -> Finding:
    """That the database answers and is at this version's schema."""
    path = settings.database.removeprefix("sqlite:///")
    is_file = path != settings.database
    if is_file and not Path(path).is_file():
        return Finding("database", Level.FAULT, f"there is none at {path}", "Run `digest db upgrade`.")
    try:
        database = Database(settings.database)
        try:
            require_head(database)
            return _described(database)
        finally:
            database.close()
    except SchemaError as error:
        return Finding("database", Level.FAULT, "not at this version's schema", str(error))
    except UnreachableError as error:
        return Finding("database", Level.FAULT, redact(str(error)), "Start it, or mend DIGEST_DATABASE_URL.")
    except (ConfigError, sa.exc.SQLAlchemyError) as error:
        reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        return Finding("database", Level.FAULT, redact(reason), "Mend DIGEST_DATABASE_URL or the file.")


def check_broker(settings: Settings, *, must_run: bool) -> Finding:
    """That the broker answers. Our own is there only while `digest up` runs, unless it must be."""
    from digest.queueing.inspect import ping_broker  # noqa: PLC0415

    is_ours = settings.broker_url is None
    if is_ours and not must_run and not settings.broker_socket.exists():
        return Finding("broker", Level.WARN, "not running", "Start `digest up`.")
    try:
        return Finding("broker", Level.OK, f"{ping_broker()} answers")
    except DigestError as error:
        mend = "Start `digest up`." if is_ours else "Start it, or mend DIGEST_BROKER_URL."
        return Finding("broker", Level.FAULT, str(error), mend)


def check_workers() -> Finding:
    """That somebody does the work. Asked only where the broker answers."""
    from digest.queueing.inspect import ping_workers  # noqa: PLC0415

    try:
        names = ping_workers() or ping_workers(seconds=3.0)  # one on a busy machine is slow to answer
    except DigestError as error:
        return Finding("workers", Level.FAULT, str(error), "See the line on the broker.")
    if not names:
        return Finding(
            "workers", Level.WARN, "none answered within 3 seconds", "Start `digest up`, or a worker."
        )
    return Finding("workers", Level.OK, ", ".join(names))


def check_rows(settings: Settings, *, now: dt.datetime) -> list[Finding]:
    """What the rows say: is the clock's work done, are there mail services, people, and whole digests."""
    database = Database(settings.database)
    try:
        with database.read() as session:
            return [
                _clockwork(session, now=now),
                *_transports(session, now=now),
                _accounts(session),
                *_sources(session),
                *_digests(session),
                *_stranded(session),
            ]
    finally:
        database.close()


def _described(database: Database) -> Finding:
    if database.is_sqlite:
        found = f"SQLite {sqlite3.sqlite_version} at {database.engine.url.database}, schema up to date"
        return Finding("database", Level.OK, found)
    with database.read() as session:
        number = int(session.scalar(sa.text("SHOW server_version_num")) or 0)
    major, minor = divmod(number, 10_000)
    found = f"PostgreSQL {major}.{minor}, schema up to date"
    if major not in _POSTGRES:
        return Finding("database", Level.WARN, found, "Digest is tested with PostgreSQL 15 to 18.")
    return Finding("database", Level.OK, found)


def _clockwork(session: Session, *, now: dt.datetime) -> Finding:
    """Nothing records a tick; but what it should have done long ago and did not, shows that there is none."""
    from digest.editions.show import overdue  # noqa: PLC0415
    from digest.sources.queries import due_sources  # noqa: PLC0415

    editions = overdue(session, before=now - _LATE)
    sources = len(due_sources(session, now=now - _LATE))
    if not editions and not sources:
        return Finding("clockwork", Level.OK, "nothing is overdue")
    found = f"{editions} editions and {sources} sources are overdue"
    return Finding("clockwork", Level.WARN, found, "Start `digest up`, or beat and a worker.")


def _transports(session: Session, *, now: dt.datetime) -> list[Finding]:
    from digest.pacing.transports import transports  # noqa: PLC0415

    rows = [row for row in transports(session) if row.is_enabled]
    if not rows:
        return [Finding("mail service", Level.WARN, "there is none", "`digest transport add` adds one.")]
    return [_transport(row, now) for row in rows]


def _transport(row: Transport, now: dt.datetime) -> Finding:
    if row.accepted_at is None:
        found = f"{row.name} has taken no test mail: nobody is mailed by it"
        mend = f"`digest transport test {row.name} --to ADDRESS`, the address of an account."
        return Finding("mail service", Level.WARN, found, mend)
    if row.rests_until is not None and row.rests_until > now:
        until = f"{row.rests_until:%Y-%m-%d %H:%M} UTC"
        found = f"{row.name} fails and rests until {until}: {row.fault}"
        return Finding("mail service", Level.WARN, found, f"`digest transport test {row.name}` says more.")
    when = f"{row.accepted_at:%Y-%m-%d %H:%M} UTC"
    return Finding("mail service", Level.OK, f"{row.name} took a test mail on {when}")


def _accounts(session: Session) -> Finding:
    from digest.models import Account  # noqa: PLC0415

    count = session.scalar(
        sa.select(sa.func.count()).select_from(Account).where(Account.disabled_at.is_(None))
    )
    if not count:
        mend = "`digest account add` adds the people who work with Digest; test mails go only to them."
        return Finding("accounts", Level.WARN, "there is none", mend)
    return Finding("accounts", Level.OK, f"{count} people")


def _sources(session: Session) -> list[Finding]:
    from digest.i18n import translator  # noqa: PLC0415
    from digest.models import Source  # noqa: PLC0415
    from digest.sources.health import fault_sentence  # noqa: PLC0415

    rows = session.scalars(sa.select(Source).where(Source.fault_code.is_not(None)).order_by(Source.id))
    return [
        Finding(
            "source",
            Level.WARN,
            f"{row.id}: {fault_sentence(row.fault_code or '', row.fault_detail, translator('en'))}",
            f"`digest source show {row.id}` says more.",
        )
        for row in rows
    ]


def _digests(session: Session) -> list[Finding]:
    from digest.editions.show import all_digests, cadences_of  # noqa: PLC0415
    from digest.sources.queries import sources_of  # noqa: PLC0415

    found = []
    digests = all_digests(session)
    if not digests:
        mend = "`digest digest create` makes a digest with its sender; nobody can be mailed before."
        return [Finding("sender address", Level.WARN, "there is none, for there is no digest", mend)]
    for digest in digests:
        lacks = []
        if not digest.postal_address:
            lacks.append(("no postal address", f"`digest digest set {digest.name} --postal-address ...`"))
        if not sources_of(session, digest.id):
            lacks.append(("no source", f"`digest digest set {digest.name} --source ...`"))
        if not any(cadence.is_running for _, cadence in cadences_of(session, digest.id)):
            lacks.append(("no running cadence", f"`digest cadence add {digest.name} ...`"))
        what = " and ".join(text for text, _ in lacks)
        mend = ", ".join(command for _, command in lacks)
        level = Level.WARN if lacks else Level.OK
        found.append(Finding("digest", level, f"{digest.name} has {what or 'all it needs'}", mend))
    return found


def _stranded(session: Session) -> list[Finding]:
    """A stopped cadence keeps its people, and nobody hears of it: they did not choose to get nothing."""
    from digest.lists.stranded import stranded  # noqa: PLC0415

    return [
        Finding(
            "people",
            Level.WARN,
            f"{one.people:,} people of {one.list_name} get nothing: their rhythm, {one.cadence}, is stopped",
            f"`digest cadence set {one.digest} {one.cadence} --move-to CADENCE`, or --running.",
        )
        for one in stranded(session)
    ]
