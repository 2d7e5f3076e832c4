"""Lists, subscribers and subscriptions, through the steps that make the proof of consent too."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from digest.addresses import keyed_hash, parse_address
from digest.lists import consent
from digest.lists.manage import create_list
from digest.lists.status import Action, Origin
from digest.models import ConsentEvent, Digest, MailingList, Subscriber, Subscription, SubscriptionStatus
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
    subscriber = _subscriber(address or f"reader{next(_numbers)}@mail.test", address_key, values)
    session.add(subscriber)
    session.flush()
    return subscriber


def make_readers(
    session: Session,
    mailing_list: MailingList,
    addresses: Sequence[str],
    *,
    address_key: bytes = ADDRESS_KEY,
) -> list[Subscriber]:
    """Active readers of a list, the same as one by one and in a tenth of the time; in their order."""
    people = [_subscriber(address, address_key, {}) for address in addresses]
    session.add_all(people)
    session.flush()
    subscriptions = [_subscription(mailing_list, person, SubscriptionStatus.ACTIVE, {}) for person in people]
    session.add_all(subscriptions)
    session.flush()
    events = [
        consent.make_event(
            consent.NO_LINK,
            subscription_id=subscription.id,
            number=1,
            at=NOW,
            action=Action.SIGN_UP,
            status=subscription.status,
            source=Origin.CLI,
            details=_details(person),
        )
        for person, subscription in zip(people, subscriptions, strict=True)
    ]
    session.add_all(ConsentEvent(**consent.as_row(event)) for event in events)
    session.flush()
    return people


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
    subscription = _subscription(mailing_list, person, status, values)
    session.add(subscription)
    session.flush()
    consent.append(
        session,
        subscription,
        action=Action.SIGN_UP,
        status=status,
        source=Origin.CLI,
        details=_details(person),
        now=NOW,
    )
    return subscription


def _subscriber(address: str, address_key: bytes, values: dict[str, Any]) -> Subscriber:
    parsed = parse_address(address)
    return Subscriber(
        address=parsed.text,
        address_key=parsed.key,
        address_hash=keyed_hash(address_key, parsed.key),
        domain=parsed.domain,
        **{"created_at": NOW, **values},
    )


def _subscription(
    mailing_list: MailingList, person: Subscriber, status: SubscriptionStatus, values: dict[str, Any]
) -> Subscription:
    return Subscription(
        list_id=mailing_list.id,
        subscriber_id=person.id,
        **{"status": status, "created_at": NOW, "changed_at": NOW, **values},
    )


def _details(person: Subscriber) -> dict[str, str]:
    return {"address": person.address or "", "consent": "signed a card at the fair", "actor": "cli:test"}
