"""Leaving everything, saying why, and coming back: steps around the end of a subscription.

Coming back is the person's own act, by a link that only their mail or their page has, within a month. It
brings back exactly what that leaving ended, as it was.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.addresses import parse_address
from digest.lists import consent
from digest.lists.queries import subscription_of
from digest.lists.status import Action, Origin
from digest.lists.subscribe import end, note_life
from digest.lists.suppress import is_suppressed
from digest.models import ConsentEvent, Subscriber, Subscription, SubscriptionStatus

UNDO_DAYS = 30
_ENDED = SubscriptionStatus.ENDED


class Reason(StrEnum):
    """Why somebody left, if they say so: no free words, in which anything about anybody could stand."""

    TOO_MANY = "too_many"
    NOT_FOR_ME = "not_for_me"
    NOT_ASKED = "not_asked"
    HARD_TO_READ = "hard_to_read"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Leaving:
    """The end that a subscription stands at; `until` is the last moment to undo it."""

    number: int
    at: dt.datetime
    source: Origin

    @property
    def until(self) -> dt.datetime:
        return self.at + dt.timedelta(days=UNDO_DAYS)


def last_leaving(session: Session, subscription: Subscription) -> Leaving | None:
    """The person's own act that ended the subscription; None if it runs, or somebody else ended it.

    Nor is it one where the undoing of an import had ended it before: there is nothing to come back to.
    """
    if subscription.status is not _ENDED:
        return None
    columns = ConsentEvent.number, ConsentEvent.at, ConsentEvent.action, ConsentEvent.source
    rows = session.execute(
        sa.select(*columns, ConsentEvent.status)
        .where(
            ConsentEvent.subscription_id == subscription.id,
            # What was said or moved since the end does not change that it is the end.
            ConsentEvent.action.not_in([Action.CHANGE, Action.ADDRESS]),
        )
        .order_by(ConsentEvent.number.desc())
        .limit(2)
    ).all()
    last = rows[0] if rows else None
    if last is None or last.action != Action.END or last.source not in _OWN_ENDS:
        return None
    if len(rows) > 1 and rows[1].status is _ENDED:
        return None
    return Leaving(last.number, last.at, Origin(last.source))


def can_undo(session: Session, subscription: Subscription, *, address_key: bytes, now: dt.datetime) -> bool:
    """Whether the person may come back by a press: their own leaving, a month at most, not suppressed."""
    leaving = last_leaving(session, subscription)
    return leaving is not None and now < leaving.until and _may_be_mailed(session, subscription, address_key)


def stop_all(
    session: Session, subscriber_id: int, *, source: Origin, now: dt.datetime, network: str = ""
) -> list[Subscription]:
    """End every subscription of a person; those that this ended, oldest first."""
    found = session.scalars(
        sa.select(Subscription).where(Subscription.subscriber_id == subscriber_id).order_by(Subscription.id)
    )
    return [
        subscription
        for subscription in list(found)
        if end(session, subscription, source=source, now=now, reason="stopped all mail", network=network)
    ]


def undo_leaving(
    session: Session,
    *,
    list_id: int,
    subscriber_id: int,
    address_key: bytes,
    now: dt.datetime,
    network: str = "",
) -> list[Subscription]:
    """Bring back what the person has ended, and all that the same press ended; [] if there is nothing.

    Nothing is brought back after a month, after an erasure, for an address on the do-not-mail list, or where
    a clerk or a complaint ended it. Done twice it does nothing the second time.
    """
    subscription = subscription_of(session, list_id=list_id, subscriber_id=subscriber_id)
    if subscription is None:
        return []
    consent.lock(session, subscription)
    leaving = last_leaving(session, subscription)
    if leaving is None or not can_undo(session, subscription, address_key=address_key, now=now):
        return []
    brought = [subscription]
    siblings = sa.select(Subscription).where(
        Subscription.subscriber_id == subscriber_id,
        Subscription.id != subscription.id,
        Subscription.status == _ENDED,
    )
    for sibling in list(session.scalars(siblings.order_by(Subscription.id))):
        consent.lock(session, sibling)
        other = last_leaving(session, sibling)
        if other is not None and other.at == leaving.at:
            brought.append(sibling)
    note_life(session, subscriber_id, now=now)
    for each in brought:
        _revive(session, each, now=now, network=network)
    return brought


def give_reason(session: Session, subscription: Subscription, reason: Reason, *, now: dt.datetime) -> bool:
    """Keep why the person left, beside the proof; False if they did not leave, or have said it before."""
    consent.lock(session, subscription)
    leaving = last_leaving(session, subscription)
    if leaving is None or reason_given(session, subscription, leaving):
        return False
    consent.append(
        session,
        subscription,
        action=Action.CHANGE,
        status=_ENDED,
        source=Origin.PREFERENCES,
        details={"reason": reason.value},
        now=now,
    )
    return True


def reason_given(session: Session, subscription: Subscription, leaving: Leaving) -> bool:
    """Whether the reason of this leaving was said."""
    later = sa.select(ConsentEvent.id).where(
        ConsentEvent.subscription_id == subscription.id,
        ConsentEvent.number > leaving.number,
        ConsentEvent.action == Action.CHANGE,
    )
    return session.scalars(later.limit(1)).first() is not None


_OWN_ENDS = frozenset(origin.value for origin in Origin if origin.is_own)


def _may_be_mailed(session: Session, subscription: Subscription, address_key: bytes) -> bool:
    address = session.get_one(Subscriber, subscription.subscriber_id).address
    return address is not None and not is_suppressed(session, address_key, parse_address(address))


def _revive(session: Session, subscription: Subscription, *, now: dt.datetime, network: str) -> None:
    """As it was before it ended: not confirmed, active, or paused until the same date."""
    rows = session.execute(
        sa.select(ConsentEvent.status, ConsentEvent.details)
        .where(ConsentEvent.subscription_id == subscription.id)
        .order_by(ConsentEvent.number.desc())
    ).all()
    status = next((row.status for row in rows if row.status is not _ENDED), SubscriptionStatus.PENDING)

    def said(name: str) -> dt.datetime | None:
        """The end says it, or, if it is older than this rule, the pause."""
        found = next((row.details[name] for row in rows if name in (row.details or {})), "")
        return dt.datetime.fromisoformat(found) if found else None

    subscription.paused_until = said("until") if status is SubscriptionStatus.PAUSED else None
    consent.append(
        session,
        subscription,
        action=Action.REVIVE,
        status=status,
        source=Origin.PREFERENCES,
        details={"undone": "the person took the end back"},
        now=now,
        network=network,
    )
    if status is SubscriptionStatus.PENDING:
        # Asked for as before, not together with whatever else comes back now.
        subscription.changed_at = said("asked") or now
        session.flush()
