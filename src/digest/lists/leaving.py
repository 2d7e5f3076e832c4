"""Leaving everything, saying why, and coming back: steps around the end of a subscription.

Coming back is the person's own act, by a link that only their mail or their page has, within a month. It
brings back exactly what that leaving ended, as it was.
"""

from __future__ import annotations

import datetime as dt
import secrets
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.exc import NoResultFound
from sqlalchemy.orm import Session

from digest.addresses import parse_address
from digest.lists import consent
from digest.lists.endings import Before, Switch, of_press, press_of
from digest.lists.life import note_life
from digest.lists.locks import lock_person, lock_subscriptions
from digest.lists.status import RUNNING, Action, Origin
from digest.lists.subscribe import end, pause
from digest.lists.suppress import is_suppressed
from digest.models import ConsentEvent, Subscriber, Subscription, SubscriptionStatus

UNDO_DAYS = 30
_ENDED = SubscriptionStatus.ENDED
_PRESS_BYTES = 8


class Reason(StrEnum):
    """Why somebody left, if they say so: no free words, in which anything about anybody could stand."""

    TOO_MANY = "too_many"
    NOT_FOR_ME = "not_for_me"
    NOT_ASKED = "not_asked"
    HARD_TO_READ = "hard_to_read"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Leaving:
    """The end that a subscription stands at; `until` is the last moment to undo it.

    `before` is what the subscription was; `press` the mark of a press that ended others with it, else "";
    `switch` says where it goes on, if the end was a change of language.
    """

    number: int
    at: dt.datetime
    source: Origin
    before: Before
    press: str = ""
    switch: Switch | None = None

    @property
    def until(self) -> dt.datetime:
        return self.at + dt.timedelta(days=UNDO_DAYS)

    def was_together_with(self, other: Leaving | None) -> bool:
        """Whether one press ended both."""
        return other is not None and self.press != "" and self.press == other.press


def last_leaving(session: Session, subscription: Subscription) -> Leaving | None:
    """The person's own act that ended the subscription; None if it runs, or somebody else ended it.

    Nor is it one where the undoing of an import had ended it before: there is nothing to come back to.
    """
    if subscription.status is not _ENDED:
        return None
    columns = ConsentEvent.number, ConsentEvent.at, ConsentEvent.action, ConsentEvent.source
    rows = session.execute(
        sa.select(*columns, ConsentEvent.status, ConsentEvent.details)
        .where(
            ConsentEvent.subscription_id == subscription.id,
            # What was said or moved since the end does not change that it is the end.
            ConsentEvent.action.not_in([Action.CHANGE, Action.ADDRESS]),
        )
        .order_by(ConsentEvent.number.desc())
        .limit(2)
    ).all()
    if len(rows) < 2:
        return None  # a chain does not begin with an end of the person's own
    last, previous = rows
    if last.action != Action.END or last.source not in _OWN_ENDS or previous.status is _ENDED:
        return None
    said = last.details or {}
    before = Before.read(previous.status, said)
    return Leaving(last.number, last.at, Origin(last.source), before, press_of(said), Switch.read(said))


def can_undo(session: Session, subscription: Subscription, *, address_key: bytes, now: dt.datetime) -> bool:
    """Whether the person may come back by a press: their own leaving, a month at most, not suppressed."""
    leaving = last_leaving(session, subscription)
    return leaving is not None and now < leaving.until and _may_be_mailed(session, subscription, address_key)


def stop_all(
    session: Session, subscriber_id: int, *, source: Origin, now: dt.datetime, network: str = ""
) -> list[Subscription]:
    """End every subscription of a person; those that this ended, oldest first."""
    lock_person(session, subscriber_id)
    # Known by one mark, they are taken back as a whole.
    mark = of_press(secrets.token_hex(_PRESS_BYTES))
    reason = "stopped all mail"
    return [
        each
        for each in lock_subscriptions(session, subscriber_id)
        if end(session, each, source=source, now=now, reason=reason, details=mark, network=network)
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

    If it was a change of language, the subscription that took its place is again what it was before. Nothing
    is brought back after a month, after an erasure, for an address on the do-not-mail list, or where a clerk
    or a complaint ended it. Done twice it does nothing the second time.
    """
    try:
        person = lock_person(session, subscriber_id)
    except NoResultFound:
        return []
    held = lock_subscriptions(session, subscriber_id)
    leavings = {each.id: last_leaving(session, each) for each in held}
    own = next((each for each in held if each.list_id == list_id), None)
    leaving = leavings[own.id] if own else None
    if own is None or leaving is None or not can_undo(session, own, address_key=address_key, now=now):
        return []
    note_life(session, subscriber_id, now=now)
    brought = [each for each in held if each is own or leaving.was_together_with(leavings[each.id])]
    for each in brought:
        found = leavings[each.id]
        assert found is not None  # or it would not be among them
        _revive(session, each, found.before, now=now, network=network)
    if leaving.switch is not None:
        person.language = leaving.switch.language or None
        there = next((each for each in held if each.list_id == leaving.switch.list_id), None)
        if there is not None:
            _put_back(session, there, leaving.switch.there, now=now, network=network)
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


def _revive(
    session: Session, subscription: Subscription, before: Before, *, now: dt.datetime, network: str
) -> None:
    """As it was before it ended: not confirmed, active, or paused until the same moment."""
    subscription.paused_until = before.paused_until
    consent.append(
        session,
        subscription,
        action=Action.REVIVE,
        status=before.status,
        source=Origin.PREFERENCES,
        details={"undone": "the person took the end back"},
        now=now,
        network=network,
    )
    if before.status is SubscriptionStatus.PENDING:
        # Asked for as before, not together with whatever else comes back now.
        subscription.changed_at = before.asked_at or now
        session.flush()


def _put_back(
    session: Session, there: Subscription, before: Before | None, *, now: dt.datetime, network: str
) -> None:
    """What took the place of another language ends if it came by that, and pauses again if it had paused."""
    if there.status not in RUNNING:
        return
    source = Origin.PREFERENCES
    if before is None or before.status not in RUNNING:
        reason = "took the change of language back"
        end(session, there, source=source, now=now, reason=reason, network=network)
    elif before.is_resting(now) and there.status is SubscriptionStatus.ACTIVE:
        until = before.paused_until
        pause(session, there, source=source, actor="", now=now, until=until, network=network)
