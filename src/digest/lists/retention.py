"""What is kept no longer than it is needed: one kind after the other, in small transactions, with a report.

Deliveries have a rule of their own (`digest.deliveries.retention`): they go by whole ranges.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import audit, clock
from digest.db import Database
from digest.lists import confirmations, limits, never_confirmed, permission
from digest.logs import get_logger
from digest.models import (
    Asset,
    AssetChunk,
    AuditEntry,
    Confirmation,
    ConsentNetwork,
    FreshLink,
    Notice,
    NoticeState,
    Subscription,
    TokenBucket,
)

log = get_logger(__name__)

EVERY = dt.timedelta(days=1)
_ROWS = 1_000  # of a transaction
_CHUNKS = 20  # pieces of files of a transaction: 20 MB
_ACTION = "retention.run"
_UNSYNCHRONIZED = {"synchronize_session": False}


class Kind(StrEnum):
    """What has a time, in the order in which it is looked at."""

    NETWORKS = "networks"
    LINKS = "links"
    SIGN_UPS = "sign_ups"
    CONFIRMATIONS = "confirmations"
    BUCKETS = "buckets"
    NOTICES = "notices"
    FILES = "files"


@dataclass(frozen=True, slots=True)
class RetentionTimes:
    """How long what has no time of its own is kept."""

    notices: dt.timedelta = dt.timedelta(days=30)  # after it was handed over or failed
    links: dt.timedelta = dt.timedelta(days=1)  # after it was used or has ended


@dataclass(frozen=True, slots=True)
class RetentionReport:
    """How many rows of each kind were deleted; not `is_done`: there are more, and the time was over."""

    deleted: Mapping[str, int] = field(default_factory=dict)
    is_done: bool = True


@dataclass(frozen=True, slots=True)
class RetentionLine:
    """One kind: when its rows go, in words, and how many are past that now."""

    kind: Kind
    kept: str
    due: int


@dataclass(frozen=True, slots=True)
class LastRun:
    """The last run on record."""

    at: dt.datetime
    actor: str
    report: RetentionReport


def run(
    database: Database,
    times: RetentionTimes,
    *,
    actor: str,
    now: dt.datetime,
    seconds: float = 60.0,
    progress: Callable[[Kind, int], None] | None = None,
) -> RetentionReport:
    """Flow: delete what is past its time, for at most so many seconds; what was done goes into the audit.

    `progress` is told a kind and how many of it are gone so far. Two runs at once do no harm.
    """
    counts: Counter[str] = Counter({kind.value: 0 for kind in Kind})
    is_done, start = True, clock.monotonic()
    for kind in Kind:
        while True:
            if clock.monotonic() - start >= seconds:
                is_done = False
                break
            with database.write() as session:
                gone = purge(session, kind, times, now=now)
            if not gone:
                break
            counts[kind.value] += gone
            if progress is not None:
                progress(kind, counts[kind.value])
    report = RetentionReport(dict(counts), is_done)
    with database.write() as session:
        audit.record(session, _ACTION, report, actor=actor, now=now, details=asdict(report))
    if any(counts.values()):
        log.info("what was past its time is deleted", is_done=is_done, **counts)
    return report


def run_daily(
    database: Database, times: RetentionTimes, *, now: dt.datetime, seconds: float
) -> RetentionReport | None:
    """Flow: the sweep's run, once a day whoever asks; one that was not finished goes on. None: not yet."""
    with database.read() as session:
        last = last_run(session)
    if last is not None and last.report.is_done and now < last.at + EVERY:
        return None
    return run(database, times, actor="sweep", now=now, seconds=seconds)


def last_run(session: Session) -> LastRun | None:
    """The last run on record; None if there was none."""
    entry = session.scalars(
        sa.select(AuditEntry)
        .where(AuditEntry.target_kind == RetentionReport.__name__, AuditEntry.action == _ACTION)
        .order_by(AuditEntry.id.desc())
        .limit(1)
    ).first()
    if entry is None:
        return None
    details: dict[str, Any] = entry.details
    return LastRun(entry.at, entry.actor, RetentionReport(details["deleted"], details["is_done"]))


def describe(session: Session, times: RetentionTimes, *, now: dt.datetime) -> list[RetentionLine]:
    """Each kind with its time and how many rows are past it."""
    kept = {
        Kind.NETWORKS: "for as long as its list says (network days)",
        Kind.LINKS: f"{_days(times.links)} after it was used or has ended",
        Kind.SIGN_UPS: f"{_days(confirmations.PERIOD)} after the last mail that asked to confirm it",
        Kind.CONFIRMATIONS: f"{_days(confirmations.PERIOD)}, for as long as it counts",
        Kind.BUCKETS: "1 day without use",
        Kind.NOTICES: f"{_days(times.notices)} after it was handed over or failed; "
        "the questions of an open run until it is closed",
        Kind.FILES: "until its own end",
    }
    return [
        RetentionLine(kind, kept[kind], session.scalar(_count(kind, times, now=now)) or 0) for kind in Kind
    ]


def purge(session: Session, kind: Kind, times: RetentionTimes, *, now: dt.datetime) -> int:
    """Delete one part of what is past its time; how many rows, 0 if there is nothing."""
    if kind is Kind.SIGN_UPS:
        return never_confirmed.purge(session, now=now, most=_ROWS)
    if kind is Kind.CONFIRMATIONS:
        return confirmations.purge(session, now=now)
    if kind is Kind.BUCKETS:
        return limits.purge(session, now=now)
    if kind is Kind.FILES:
        return _purge_file(session, now=now)
    table = _TABLES[kind]
    (key,) = table.__mapper__.primary_key
    old = sa.select(key).where(_is_past(kind, times, now)).order_by(key).limit(_ROWS)
    return _deleted(session, sa.delete(table).where(key.in_(old)))


def _purge_file(session: Session, *, now: dt.datetime) -> int:
    """Some pieces of a file, or the file once it has none: a large one is no long transaction."""
    query = sa.select(Asset.id).where(Asset.expires_at <= now).order_by(Asset.expires_at).limit(1)
    asset_id = session.scalar(query)
    if asset_id is None:
        return 0
    of_file = AssetChunk.asset_id == asset_id
    numbers = sa.select(AssetChunk.number).where(of_file).order_by(AssetChunk.number.desc()).limit(_CHUNKS)
    gone = _deleted(session, sa.delete(AssetChunk).where(of_file, AssetChunk.number.in_(numbers)))
    if gone < _CHUNKS:
        gone += _deleted(session, sa.delete(Asset).where(Asset.id == asset_id))
    return gone


_TABLES: Mapping[Kind, Any] = {
    Kind.NETWORKS: ConsentNetwork,
    Kind.LINKS: FreshLink,
    Kind.SIGN_UPS: Subscription,
    Kind.CONFIRMATIONS: Confirmation,
    Kind.BUCKETS: TokenBucket,
    Kind.NOTICES: Notice,
    Kind.FILES: Asset,
}


def _is_past(kind: Kind, times: RetentionTimes, now: dt.datetime) -> sa.ColumnElement[bool]:
    before = now - times.links
    # A used one counts for a day against how many may be asked for.
    used = sa.and_(FreshLink.used_at <= before, FreshLink.created_at <= before)
    conditions: Mapping[Kind, sa.ColumnElement[bool]] = {
        Kind.NETWORKS: ConsentNetwork.erase_at <= now,
        Kind.LINKS: sa.or_(FreshLink.expires_at <= before, used),
        Kind.SIGN_UPS: never_confirmed.is_past(now),
        Kind.CONFIRMATIONS: Confirmation.at <= now - confirmations.PERIOD,
        Kind.BUCKETS: TokenBucket.filled_at < now - EVERY,
        Kind.NOTICES: sa.and_(
            Notice.state != NoticeState.PENDING,
            Notice.done_at <= now - times.notices,
            # What the closing of an open run will rest on stays until then.
            sa.not_(permission.of_open_run()),
        ),
        Kind.FILES: Asset.expires_at <= now,
    }
    return conditions[kind]


def _count(kind: Kind, times: RetentionTimes, *, now: dt.datetime) -> sa.Select[Any]:
    return sa.select(sa.func.count()).select_from(_TABLES[kind]).where(_is_past(kind, times, now))


def _deleted(session: Session, statement: sa.Delete) -> int:
    result: Any = session.execute(statement, execution_options=_UNSYNCHRONIZED)
    return int(result.rowcount)


def _days(span: dt.timedelta) -> str:
    return "1 day" if span == EVERY else f"{span.days} days"
