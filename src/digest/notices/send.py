"""Send the single mails that are due: a flow of lease, send, record, with no transaction open in between.

A lease that lapsed is taken again. So, unlike an edition, a notice may arrive twice: if the process ends
between the final dot and the record. For a confirmation twice is harmless and never is not.

What is for the staff alone (test mails, first copies, alerts) is looked at once more here, whoever asked for
it: it reaches addresses of active accounts and no others. What is for a reader is looked at by the caller's
check: somebody may have left since it was asked for. That holds for two seconds; whoever waits longer for the
mail service is looked at again right before the message leaves.
"""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import clock
from digest.db import Database
from digest.db.dialect import skip_locked
from digest.errors import UnreachableError
from digest.logs import get_logger
from digest.mail.transport import Envelope, Outcome, Reply, Transport
from digest.models import Notice, NoticeState
from digest.notices.ask import make_envelope
from digest.notices.due import any_due, is_due
from digest.notices.staff import STAFF_KINDS, staff_among

LEASE_MOST = 50
LEASE_SECONDS = 120
# Nothing more is begun after this, and no answer is waited for after twice this: a digest is on its way
# meanwhile, and a worker that is told to end must come to its end.
PATIENCE_SECONDS = 10.0
# So long it holds that the people were looked at; a look that takes so long itself is no answer.
FRESH_SECONDS = 2.0
# After a "later" from the mail service, by attempt; after the last of them the notice has failed.
DEFERRALS = (
    dt.timedelta(minutes=1),
    dt.timedelta(minutes=5),
    dt.timedelta(minutes=30),
    dt.timedelta(hours=2),
    dt.timedelta(hours=6),
)
HOST_PAUSE = dt.timedelta(minutes=1)  # the mail service failed: nobody's attempt, but no hurry either
GIVE_UP = dt.timedelta(days=3)  # then a notice that could never be tried has lost its sense
_REPLY_LIMIT = 500
_NOT_STAFF = "Not handed over: this mail is for the staff alone, and no active account has the address."
_GONE = "Not handed over: it was erased, or somebody else sends it."
_FINAL = {Outcome.ACCEPTED: NoticeState.SENT, Outcome.UNKNOWN: NoticeState.UNCERTAIN}

log = get_logger(__name__)

ReaderCheck = Callable[[Session, Sequence[Notice]], Mapping[int, str]]
"""Of some notices those that must not go to their reader any more, each with the reason in words."""


@dataclass(frozen=True, slots=True)
class SendReport:
    """What became of the notices of one call; `unsent` go back for later."""

    sent: int = 0
    failed: int = 0
    deferred: int = 0
    uncertain: int = 0
    unsent: int = 0

    @property
    def taken(self) -> int:
        """How many were leased: if as many as can be, there may be more."""
        return self.sent + self.failed + self.deferred + self.uncertain + self.unsent


@dataclass(frozen=True, slots=True)
class _Leased:
    id: int
    kind: str
    attempt: int
    created_at: dt.datetime
    until: dt.datetime  # the lease, as it stands in the row
    address: str
    sender_address: str
    message: bytes


def send_due(
    database: Database,
    open_transport: Callable[[], AbstractContextManager[Transport]],
    check: ReaderCheck,
    *,
    now: Callable[[], dt.datetime] | None = None,
    waits_until: Callable[[], float] = lambda: math.inf,
) -> SendReport:
    """Send up to 50 notices that are due and that `check` has nothing against.

    `open_transport` is called only if there are any. What must not go any more has failed, with the reason.

    A mail service that cannot be reached costs no attempt: its notices wait a minute, and after three days
    they have failed. Raises nothing for that; it is logged and counted as `unsent`. `waits_until` is as in
    `Transport.send`: what is not begun because the process is to end is due again at once.
    """
    now = now or clock.utc_now
    read_at = clock.monotonic()
    deadline = read_at + LEASE_SECONDS
    with database.look() as session:
        if not any_due(session, now=now()):  # most often: no write lock is taken to find that out
            return SendReport()
    leased, refused = _lease(database, check, now())
    waiting = {notice.id: notice for notice in leased}
    counts: Counter[str] = Counter(failed=refused)
    stopped: dict[int, str] = {}
    if not leased:
        return SendReport(**counts)

    def before_dot(_envelope: Envelope) -> bool:
        return clock.monotonic() < deadline

    def look_again(envelope: Envelope) -> bool:
        began, notice = clock.monotonic(), envelope.ref
        assert isinstance(notice, _Leased)
        reason = _stop(database, check, notice)
        if reason is not None:
            stopped[notice.id] = reason
        return reason is None and clock.monotonic() - began < FRESH_SECONDS

    def after_reply(envelope: Envelope, outcome: Outcome, reply: Reply | None) -> None:
        notice = envelope.ref
        assert isinstance(notice, _Leased)
        del waiting[notice.id]
        if notice.id in stopped:
            counts[_fail(database, notice, stopped[notice.id], now=now())] += 1
        else:
            counts[_record(database, notice, outcome, reply, now=now(), pause=_pause(waits_until))] += 1

    try:
        with open_transport() as transport:
            transport.send(
                _envelopes(leased),
                before_dot=before_dot,
                after_reply=after_reply,
                patience=PATIENCE_SECONDS,
                waits_until=waits_until,
                look_again=look_again,
                fresh_until=read_at + FRESH_SECONDS,
            )
    except UnreachableError as error:
        log.warning("notices wait: the mail service cannot be used", error=str(error))
    finally:
        # Also where something else was raised: the lease would only make them late. Where one was stopped
        # amid its transaction the others go on at once: nobody waits because somebody left.
        wait = dt.timedelta(0) if stopped else _pause(waits_until)
        for notice in list(waiting.values()):
            counts[_record(database, notice, Outcome.UNSENT, None, now=now(), pause=wait)] += 1
    return SendReport(**counts)


def _pause(waits_until: Callable[[], float]) -> dt.timedelta:
    """How long what was not begun waits: not at all if it is because this process is to end."""
    return dt.timedelta(0) if math.isfinite(waits_until()) else HOST_PAUSE


def _envelopes(leased: list[_Leased]) -> Iterator[Envelope]:
    for notice in leased:
        yield make_envelope(
            sender=notice.sender_address, recipient=notice.address, message=notice.message, ref=notice
        )


def _lease(database: Database, check: ReaderCheck, now: dt.datetime) -> tuple[list[_Leased], int]:
    """Take what is due, and fail what must not be sent; what was taken, and how many were failed."""
    until = now + dt.timedelta(seconds=LEASE_SECONDS)
    due = sa.select(Notice).where(is_due(now)).order_by(Notice.not_before, Notice.id).limit(LEASE_MOST)
    with database.write() as session:
        found = list(session.scalars(skip_locked(due)))
        strangers = _not_for_them(session, found)
        barred = {**check(session, found), **dict.fromkeys(strangers, _NOT_STAFF)}
        for notice in found:
            if notice.id in barred:
                notice.state, notice.done_at, notice.reply = NoticeState.FAILED, now, barred[notice.id]
                _tell(notice.id, notice.kind, is_fault=notice.id in strangers)
            else:
                notice.leased_until = until
        leased = [
            _Leased(
                notice.id,
                notice.kind,
                notice.attempt,
                notice.created_at,
                until,
                notice.address,
                notice.sender_address,
                notice.message,
            )
            for notice in found
            if notice.id not in barred
        ]
    return leased, len(barred)


def _not_for_them(session: Session, notices: list[Notice]) -> set[int]:
    """The notices that are for the staff and would reach somebody else."""
    internal = [notice for notice in notices if notice.kind in STAFF_KINDS]
    if not internal:
        return set()
    staff = staff_among(session, (notice.address for notice in internal))
    return {notice.id for notice in internal if notice.address not in staff}


def _tell(notice_id: int, kind: str, *, is_fault: bool) -> None:
    if is_fault:
        log.error("a mail for the staff was for somebody else", notice=notice_id, kind=kind)
    else:
        log.info("a single mail is not wanted any more", notice=notice_id, kind=kind)


def _stop(database: Database, check: ReaderCheck, notice: _Leased) -> str | None:
    """Why a notice that waits for the mail service must not go any more, in words; None if it may."""
    is_ours = Notice.state == NoticeState.PENDING, Notice.leased_until == notice.until
    with database.read() as session:
        found = session.scalars(sa.select(Notice).where(Notice.id == notice.id, *is_ours)).one_or_none()
        if found is None:
            return _GONE
        return check(session, [found]).get(notice.id)


def _fail(database: Database, notice: _Leased, reason: str, *, now: dt.datetime) -> str:
    """Write down that a leased notice must not go; returns the name in the report."""
    with database.write() as session:
        session.execute(
            sa.update(Notice)
            .where(
                Notice.id == notice.id,
                Notice.state == NoticeState.PENDING,
                Notice.leased_until == notice.until,
            )
            .values(leased_until=None, reply=reason, state=NoticeState.FAILED, done_at=now)
        )
    _tell(notice.id, notice.kind, is_fault=False)
    return NoticeState.FAILED.value


def _record(
    database: Database,
    notice: _Leased,
    outcome: Outcome,
    reply: Reply | None,
    *,
    now: dt.datetime,
    pause: dt.timedelta,
) -> str:
    """Write an outcome down; returns its name in the report."""
    name, values = _consequence(notice, outcome, now, pause)
    is_ours = Notice.leased_until == notice.until
    if outcome is Outcome.ACCEPTED:
        is_ours = sa.true()  # it was handed over, whoever holds the lease by now
    with database.write() as session:
        session.execute(
            sa.update(Notice)
            .where(Notice.id == notice.id, Notice.state == NoticeState.PENDING, is_ours)
            .values(leased_until=None, reply=_reply_text(reply), **values)
        )
    return name


def _consequence(
    notice: _Leased, outcome: Outcome, now: dt.datetime, pause: dt.timedelta
) -> tuple[str, dict[str, object]]:
    attempt = notice.attempt if outcome is Outcome.UNSENT else notice.attempt + 1
    if outcome is Outcome.DEFERRED and attempt <= len(DEFERRALS):
        return "deferred", {"attempt": attempt, "not_before": now + DEFERRALS[attempt - 1]}
    if outcome is Outcome.UNSENT and now - notice.created_at <= GIVE_UP:
        return "unsent", {"not_before": now + pause}
    state = _FINAL.get(outcome, NoticeState.FAILED)
    return state.value, {"state": state, "attempt": attempt, "done_at": now}


def _reply_text(reply: Reply | None) -> str:
    if reply is None:
        return ""
    return f"{reply.code} {reply.enhanced} {reply.text}".replace("  ", " ").strip()[:_REPLY_LIMIT]
