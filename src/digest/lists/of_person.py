"""Where a person stands outside of their own row: single mails, the do-not-mail list, the proof."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.models import (
    ConsentEvent,
    FreshLink,
    Notice,
    Subscriber,
    Subscription,
    Suppression,
    SuppressionKind,
)
from digest.notices.staff import STAFF_KINDS
from digest.rendering.notices import NoticeKind

Asked = tuple[str, dt.datetime]  # an address that was asked for, and when

_OF_OTHERS = frozenset({"consent", "actor", "clerk", "reason"})


def chain_of(session: Session, subscription_id: int) -> list[ConsentEvent]:
    """The consent events of a subscription in their order."""
    of_subscription = sa.select(ConsentEvent).where(ConsentEvent.subscription_id == subscription_id)
    return list(session.scalars(of_subscription.order_by(ConsentEvent.number)))


def addresses_of(session: Session, subscriber: Subscriber) -> set[str]:
    """The person's address and those that they had, as the proof says."""
    of_person = sa.select(Subscription.id).where(Subscription.subscriber_id == subscriber.id)
    found = {subscriber.address} if subscriber.address else set()
    for details in session.scalars(
        sa.select(ConsentEvent.details).where(ConsentEvent.subscription_id.in_(of_person))
    ):
        found.update(_addresses_in(details or {}))
    return found


def asked_of(session: Session, subscriber: Subscriber) -> set[Asked]:
    """The addresses that the person asked to have and has not proven, each with the moment.

    Such an address may be a stranger's: of what it was sent only the one mail that was asked for is theirs.
    """
    links = session.execute(
        sa.select(FreshLink.details, FreshLink.created_at).where(FreshLink.subscriber_id == subscriber.id)
    )
    return {(address, at) for details, at in links for address in _addresses_in(details or {})}


def notices_of(addresses: Collection[str], asked: Collection[Asked]) -> sa.ColumnElement[bool]:
    """Single mails to a person's addresses, and those that they had sent to another one.

    What went to an address as one of the staff is the staff's.
    """
    lowered = {address.lower() for address in addresses}
    return sa.and_(
        sa.or_(
            Notice.address.in_(addresses),
            sa.func.lower(Notice.address).in_(lowered),
            *(
                sa.and_(
                    Notice.kind == NoticeKind.FRESH_LINK.value,
                    Notice.address == address,
                    Notice.created_at == at,
                )
                for address, at in asked
            ),
        ),
        Notice.kind.not_in(STAFF_KINDS),
    )


def suppressions_of(session: Session, subscriber: Subscriber) -> list[Suppression]:
    """Why this person is not to be mailed: by their address, or by its domain."""
    query = sa.select(Suppression).where(
        sa.or_(
            sa.and_(
                Suppression.kind == SuppressionKind.ADDRESS, Suppression.value == subscriber.address_hash
            ),
            sa.and_(Suppression.kind == SuppressionKind.DOMAIN, Suppression.value == subscriber.domain),
        )
    )
    return list(session.scalars(query.order_by(Suppression.id)))


def _addresses_in(details: dict[str, Any]) -> Iterator[str]:
    for name, value in details.items():
        # Not the words of a consent, nor who took it: somebody else's address may stand there.
        if name not in _OF_OTHERS and isinstance(value, str) and value.count("@") == 1:
            yield value
