"""The people of a batch, whether each may still be mailed, and what the mail of each needs."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.db.dialect import among, among_bound, ids_text
from digest.lists.queries import may_be_mailed
from digest.models import (
    Delivery,
    DeliveryStatus,
    Edition,
    EditionState,
    Subscriber,
    Subscription,
)

# `sent` stands here for the batches that a person or a policy opens to mail some people once more.
SENDABLE = (EditionState.SENDING, EditionState.SENT)


class Person(NamedTuple):
    """One pending delivery with what its mail needs.

    A tuple, as `ledger.Result` is: there is one for each mail, and a dataclass takes three times as long.
    """

    edition_id: int
    subscriber_id: int
    subscription_id: int
    list_id: int
    variant_id: int
    attempt: int
    address: str
    domain: str
    name: str
    may_be_mailed: bool
    # Read for those alone whose mail names one (`with_attributes`).
    attributes: Mapping[str, Any] = MappingProxyType({})


def pending_of(session: Session, edition_id: int, batch_id: int, *, shuffled: bool = False) -> list[int]:
    """The ids of a batch's people who are still to get their mail.

    `shuffled`, in no order: one at whom the mail service fails every time must not stand before the others
    every time.
    """
    values = {"edition": edition_id, "batch": batch_id}
    found: Sequence[int] = session.connection().execute(_pending(shuffled=shuffled), values).scalars().all()
    return list(found)


@functools.cache
def _pending(*, shuffled: bool) -> sa.Select[int]:
    """The statement of `pending_of`, built once: it is run for every batch."""
    return (
        sa.select(Delivery.subscriber_id)
        .where(
            Delivery.edition_id == sa.bindparam("edition", type_=sa.BigInteger),
            Delivery.batch_id == sa.bindparam("batch", type_=sa.BigInteger),
            Delivery.status == DeliveryStatus.PENDING,
        )
        .order_by(sa.func.random() if shuffled else Delivery.subscriber_id)
    )


def people_of(session: Session, edition_id: int, batch_id: int, ids: Sequence[int]) -> list[Person]:
    """Those of a batch's people who are still pending, read anew for each group, in the order of the ids.

    So a sign-off, a pause, an end or a do-not-mail entry that was answered before a group began is obeyed
    by it. If the edition is no longer being sent (paused, cancelled), there is nobody.
    """
    dialect = session.get_bind().dialect.name
    values = {"edition": edition_id, "batch": batch_id, "ids": ids_text(dialect, ids)}
    rows = session.connection().execute(_people(dialect), values).all()
    by_id = {row.subscriber_id: Person(*row) for row in rows}
    return [by_id[each] for each in ids if each in by_id]


def with_attributes(session: Session, people: Sequence[Person]) -> list[Person]:
    """The people with their attributes, for mails that name some."""
    ids = [person.subscriber_id for person in people]
    query = sa.select(Subscriber.id, Subscriber.attributes).where(among(session, Subscriber.id, ids))
    found = {row.id: row.attributes for row in session.execute(query)}
    return [person._replace(attributes=found.get(person.subscriber_id) or {}) for person in people]


@functools.cache
def _people(dialect: str) -> Any:
    """The statement of `people_of`, built once: it is run for every hundred mails."""
    return (
        sa.select(
            Delivery.edition_id,
            Delivery.subscriber_id,
            Delivery.subscription_id,
            Subscription.list_id,
            Delivery.variant_id,
            Delivery.attempt,
            sa.func.coalesce(Subscriber.address, "").label("address"),
            sa.func.coalesce(Subscriber.domain, "").label("domain"),
            Subscriber.name,
            may_be_mailed().label("may_be_mailed"),
        )
        .join(Edition, Edition.id == Delivery.edition_id)
        .join(Subscriber, Subscriber.id == Delivery.subscriber_id)
        .join(Subscription, Subscription.id == Delivery.subscription_id)
        .where(
            Delivery.edition_id == sa.bindparam("edition", type_=sa.BigInteger),
            Delivery.batch_id == sa.bindparam("batch", type_=sa.BigInteger),
            among_bound(dialect, Delivery.subscriber_id, sa.bindparam("ids", type_=sa.Text)),
            Delivery.status == DeliveryStatus.PENDING,
            Edition.state.in_(SENDABLE),
        )
    )


def is_still_wanted(session: Session, person: Person) -> bool:
    """Whether a person may be mailed now and the edition is still being sent."""
    found = session.scalar(
        sa.select(Subscription.id)
        .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
        .join(Edition, Edition.id == person.edition_id)
        .where(Subscription.id == person.subscription_id, may_be_mailed(), Edition.state.in_(SENDABLE))
    )
    return found is not None
