"""Receiving domains that rest, and their people, who wait until it is over; nobody's attempt is burnt."""

from __future__ import annotations

import datetime as dt
import functools
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.db.dialect import among
from digest.deliveries.group import Group
from digest.deliveries.leases import Lease
from digest.deliveries.ledger import add_batch
from digest.deliveries.people import Person
from digest.deliveries.replies import intern_replies
from digest.models import CoolDown, Delivery, DeliveryStatus, Subscriber
from digest.pacing.cool_downs import cooling, note, warm


def are_there_rests(session: Session, transport_id: int) -> bool:
    """Whether any domain rests at a mail service, or has and has not taken a mail since."""
    return session.connection().execute(_any_rest(), {"way": transport_id}).scalar() is not None


@functools.cache
def _any_rest() -> sa.Select[str]:
    """The statement of `are_there_rests`, built once: it is run for every batch."""
    way = sa.bindparam("way", type_=sa.BigInteger)
    return sa.select(CoolDown.domain).where(CoolDown.transport_id == way).limit(1)


def end_rests(session: Session, transport_id: int, group: Group, *, now: dt.datetime) -> None:
    """Forget the rests of domains that took a mail of this group, and give one to those that asked for it."""
    served = {one.subscriber_id for one in group.results if one.status is DeliveryStatus.SENT}
    domains = {person.domain for person in group.people if person.subscriber_id in served}
    warm(session, transport_id, domains - set(group.rests), now=now)
    if not group.rests:
        return
    ids = intern_replies(session, {reply for reply in group.rests.values() if reply is not None})
    for domain, reply in group.rests.items():
        note(session, transport_id, domain, ids[reply] if reply is not None else None, now=now)


def resting_people(
    session: Session, transport_id: int, people: Sequence[Person], *, now: dt.datetime
) -> dict[int, dt.datetime]:
    """Those whose domain rests at a mail service now, each with the end of its rest."""
    until = cooling(session, transport_id, {person.domain for person in people}, now=now)
    if not until:
        return {}
    return {person.subscriber_id: until[person.domain] for person in people if person.domain in until}


def holds_only(session: Session, lease: Lease, domains: Collection[str]) -> bool:
    """Whether nobody of a batch is pending who is of another receiving domain: then it waits as a whole."""
    other = (
        sa.select(Delivery.subscriber_id)
        .join(Subscriber, Subscriber.id == Delivery.subscriber_id)
        .where(
            Delivery.edition_id == lease.edition_id,
            Delivery.batch_id == lease.batch_id,
            Delivery.status == DeliveryStatus.PENDING,
            sa.func.coalesce(Subscriber.domain, "").not_in(list(domains)),
        )
        .limit(1)
    )
    return session.scalar(other) is None


def put_aside(session: Session, lease: Lease, people: Mapping[int, dt.datetime], *, now: dt.datetime) -> None:
    """Move people of a batch into batches that become due when their domain's rest is over."""
    by_end: dict[dt.datetime, list[int]] = defaultdict(list)
    for subscriber_id, until in people.items():
        by_end[max(until, now)].append(subscriber_id)
    for until, some in by_end.items():
        batch_id = add_batch(session, lease.edition_id, not_before=until, transport_id=lease.transport_id)
        session.execute(
            sa.update(Delivery)
            .where(
                Delivery.edition_id == lease.edition_id,
                Delivery.batch_id == lease.batch_id,
                among(session, Delivery.subscriber_id, some),
                Delivery.status == DeliveryStatus.PENDING,
            )
            .values(batch_id=batch_id),
            execution_options={"synchronize_session": False},
        )
