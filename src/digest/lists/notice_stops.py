"""What stops a single mail to a reader that was asked for and has not left: one table, and a look at rows.

Whoever asks for a mail looks at the person then. Between that and the handing over minutes can lie, or
hours if the mail service says "later": so it is looked once more right before it leaves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.addresses import keyed_hash, parse_address
from digest.errors import InputError
from digest.lists.notice_keys import NEW_ADDRESS, About, about
from digest.lists.suppress import LIFTED_BY_SIGN_UP
from digest.models import (
    FreshLink,
    Notice,
    Subscriber,
    Subscription,
    SubscriptionStatus,
    Suppression,
    SuppressionCause,
    SuppressionKind,
)
from digest.notices.send import ReaderCheck
from digest.notices.staff import STAFF_KINDS
from digest.rendering.notices import NoticeKind

_ACTIVE, _ENDED = SubscriptionStatus.ACTIVE, SubscriptionStatus.ENDED
_EVERY_CAUSE: Final = frozenset(SuppressionCause)
_LASTING: Final = _EVERY_CAUSE - LIFTED_BY_SIGN_UP


@dataclass(frozen=True, slots=True)
class Rule:
    """When a mail of one kind still goes.

    `barred_by` are the causes for which an entry of the address stops it; an entry of its domain always does.
    `needs` are the states that its subscription must be in; None: it is about no subscription. `is_to_them`
    says that it must go to the address that the person has now: one who has moved meanwhile does not read it
    at the old one, and its words and links are for them alone.
    """

    barred_by: frozenset[SuppressionCause]
    needs: frozenset[SubscriptionStatus] | None
    is_to_them: bool = False


RULES: Final[Mapping[str, Rule]] = {
    # They asked for it a moment ago, and their own confirmation lifts a bounce or a complaint. Of a
    # subscription that has ended since, the link would be over. It goes where it was asked for: whoever moves
    # meanwhile would have no other way to confirm for a day.
    NoticeKind.CONFIRM: Rule(_LASTING, frozenset(SubscriptionStatus) - {_ENDED}),
    # Likewise asked for; and whoever has left may have their data, or be erased, all the same. At an address
    # that they have moved away from somebody else may read by now, and the link is void anyway.
    NoticeKind.FRESH_LINK: Rule(_LASTING, None, is_to_them=True),
    # Asked for by somebody else, as far as is known: who reads mail there may have complained.
    NEW_ADDRESS: Rule(_EVERY_CAUSE, None),
    # They speak of mail that will come, and none will.
    NoticeKind.WELCOME: Rule(_EVERY_CAUSE, frozenset({_ACTIVE}), is_to_them=True),
    # Whoever was not reached by the question is not ended when the run closes.
    NoticeKind.PERMISSION: Rule(_EVERY_CAUSE, frozenset({_ACTIVE}), is_to_them=True),
    # It says that somebody has left. Taken back, that is not true any more.
    NoticeKind.GOODBYE: Rule(_EVERY_CAUSE, frozenset({_ENDED}), is_to_them=True),
    # It warns the old address, which is on no list any more.
    NoticeKind.MOVED: Rule(_EVERY_CAUSE, None),
}
_UNKNOWN: Final = Rule(_EVERY_CAUSE, None)  # of a kind that this version does not know

_CHANGED: Final[Mapping[SubscriptionStatus | None, str]] = {
    SubscriptionStatus.PENDING: "the subscription has ended since and waits to be confirmed anew",
    SubscriptionStatus.ACTIVE: "the leaving was taken back since",
    SubscriptionStatus.PAUSED: "the subscription was paused since",
    SubscriptionStatus.ENDED: "the subscription has ended since",
    None: "the subscription that it is about is gone",
}

Entry = tuple[SuppressionKind, SuppressionCause]


def rule_of(kind: str, key: str) -> Rule:
    """The rule for a reader's mail; the one to a new address is told by its key. Pure."""
    if key.startswith(f"{NEW_ADDRESS}:"):
        return RULES[NEW_ADDRESS]
    return RULES.get(kind, _UNKNOWN)


def stop(
    rule: Rule, entries: Sequence[Entry], status: SubscriptionStatus | None, *, is_theirs: bool = True
) -> str | None:
    """Why a mail must not go, in words; None if it may. Pure.

    `is_theirs` says whether the address that it is for is the person's still.
    """
    for kind, cause in entries:
        if kind is SuppressionKind.DOMAIN:
            return f"Not handed over: the domain is on the do-not-mail list ({cause.value})."
        if cause in rule.barred_by:
            return f"Not handed over: the address is on the do-not-mail list ({cause.value})."
    if rule.needs is not None and status not in rule.needs:
        return f"Not handed over: {_CHANGED[status]}."
    if rule.is_to_them and not is_theirs:
        return "Not handed over: the person has another address since."
    return None


def notice_check(address_key: bytes) -> ReaderCheck:
    """The look of `notices.send_due`: of some notices those that must not go, each with the reason."""

    def check(session: Session, notices: Sequence[Notice]) -> Mapping[int, str]:
        return _stopped(session, address_key, [each for each in notices if each.kind not in STAFF_KINDS])

    return check


def _stopped(session: Session, address_key: bytes, notices: Sequence[Notice]) -> Mapping[int, str]:
    if not notices:
        return {}
    values = {notice.id: _values(address_key, notice.address) for notice in notices}
    entries = _entries(session, {value for pair in values.values() for value in pair})
    subjects = {notice.id: about(notice.key) for notice in notices}
    states = _States(session, list(subjects.values()))
    found = {}
    for notice in notices:
        of_address = [entry for value in values[notice.id] for entry in entries.get(value, ())]
        status, key = states.of(subjects[notice.id])
        is_theirs = key is None or _key(notice.address) == key
        rule = rule_of(notice.kind, notice.key)
        reason = stop(rule, of_address, status, is_theirs=is_theirs)
        if reason is not None:
            found[notice.id] = reason
    return found


_Value = tuple[SuppressionKind, str]


def _values(address_key: bytes, text: str) -> tuple[_Value, ...]:
    """By what an address stands on the do-not-mail list: itself, and its domain."""
    try:
        address = parse_address(text)
    except InputError:
        return ()  # nothing that can stand there
    hashed = keyed_hash(address_key, address.key)
    return (SuppressionKind.ADDRESS, hashed), (SuppressionKind.DOMAIN, address.domain)


def _key(text: str) -> str:
    try:
        return parse_address(text).key
    except InputError:
        return text


def _entries(session: Session, values: set[_Value]) -> dict[_Value, list[Entry]]:
    query = sa.select(Suppression.kind, Suppression.value, Suppression.cause).where(
        Suppression.value.in_({value for _, value in values})
    )
    return {(kind, value): [(kind, cause)] for kind, value, cause in session.execute(query)}


_State = tuple[SubscriptionStatus | None, str | None]
_GONE: Final[_State] = (None, None)


class _States:
    """How the subscriptions and people that some mails are about stand now, and under which address."""

    def __init__(self, session: Session, subjects: Sequence[About]) -> None:
        ids = {each.subscription_id for each in subjects if each.subscription_id is not None}
        people = {each.subscriber_id for each in subjects if each.subscriber_id is not None}
        rows = session.execute(
            sa.select(
                Subscription.id,
                Subscription.list_id,
                Subscription.subscriber_id,
                Subscription.status,
                Subscriber.address_key,
            )
            .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
            .where(sa.or_(Subscription.id.in_(ids), Subscription.subscriber_id.in_(people)))
        ).all()
        self._by_id = {row.id: (row.status, row.address_key) for row in rows}
        self._by_person = {(row.list_id, row.subscriber_id): (row.status, row.address_key) for row in rows}
        self._by_link = _keys_by_link(session, subjects)

    def of(self, subject: About) -> _State:
        if subject.subscription_id is not None:
            return self._by_id.get(subject.subscription_id, _GONE)
        if subject.fresh_link_id is not None:
            return None, self._by_link.get(subject.fresh_link_id)
        return self._by_person.get((subject.list_id, subject.subscriber_id), _GONE)


def _keys_by_link(session: Session, subjects: Sequence[About]) -> Mapping[int, str | None]:
    """The address that the person of each fresh link has now."""
    ids = {each.fresh_link_id for each in subjects if each.fresh_link_id is not None}
    if not ids:
        return {}
    rows = session.execute(
        sa.select(FreshLink.id, Subscriber.address_key)
        .join(Subscriber, Subscriber.id == FreshLink.subscriber_id)
        .where(FreshLink.id.in_(ids))
    )
    return {row.id: row.address_key for row in rows}
