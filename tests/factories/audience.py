"""Lists, subscribers and subscriptions, through the steps that make the proof of consent too."""

from __future__ import annotations

import itertools
from typing import Any

from sqlalchemy.orm import Session

from digest.addresses import keyed_hash, parse_address
from digest.lists import consent
from digest.lists.manage import create_list
from digest.lists.status import Action, Origin
from digest.models import Digest, MailingList, Subscriber, Subscription, SubscriptionStatus
from tests.factories.moments import NOW

ADDRESS_KEY = b"k" * 32  # the key that these subscribers' hashes are made with

_numbers = itertools.count(1)


def make_list(session: Session, digest: Digest, name: str | None = None, **values: Any) -> MailingList:
    """A list of a digest."""
    plain = {"title": "The Courier by mail", "now": NOW}
    return create_list(session, digest, name=name or f"readers-{next(_numbers)}", **{**plain, **values})


def make_subscriber(
    session: Session, address: str | None = None, *, address_key: bytes = ADDRESS_KEY, **values: Any
) -> Subscriber:
    """A person with an address of an invented domain."""
    parsed = parse_address(address or f"reader{next(_numbers)}@mail.test")
    subscriber = Subscriber(
        address=parsed.text,
        address_key=parsed.key,
        address_hash=keyed_hash(address_key, parsed.key),
        domain=parsed.domain,
        **{"created_at": NOW, **values},
    )
    session.add(subscriber)
    session.flush()
    return subscriber


def make_subscription(
    session: Session,
    mailing_list: MailingList,
    subscriber: Subscriber | None = None,
    *,
    status: SubscriptionStatus = SubscriptionStatus.ACTIVE,
    **values: Any,
) -> Subscription:
    """A person on a list, with a chain of one event."""
    person = subscriber or make_subscriber(session)
    subscription = Subscription(
        list_id=mailing_list.id,
        subscriber_id=person.id,
        **{"status": status, "created_at": NOW, "changed_at": NOW, **values},
    )
    session.add(subscription)
    session.flush()
    details = {"address": person.address or "", "consent": "signed a card at the fair", "actor": "cli:test"}
    consent.append(
        session,
        subscription,
        action=Action.SIGN_UP,
        status=status,
        source=Origin.CLI,
        details=details,
        now=NOW,
    )
    return subscription
