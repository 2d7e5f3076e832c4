"""How many people are on the lists; of very many they may be those of a minute ago."""

from __future__ import annotations

import dataclasses
import datetime as dt
from dataclasses import dataclass, field
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.db.remembered import Remembered
from digest.lists.stranded import stranded
from digest.models import (
    Digest,
    MailingList,
    NetworkRecord,
    OptIn,
    Subscription,
    SubscriptionStatus,
    UncertainPolicy,
)


@dataclass(frozen=True, slots=True)
class ListCount:
    """A list with how many people it has by status; every status is there."""

    id: int
    name: str
    title: str
    digest: str
    uncertain_policy: UncertainPolicy
    created_at: dt.datetime
    people: dict[str, int]
    is_open: bool = False
    opt_in: OptIn = OptIn.DOUBLE
    welcomes_with_latest: bool = False
    network_record: NetworkRecord = NetworkRecord.TRUNCATED
    network_days: int = 365
    form_origins: tuple[str, ...] = ()
    # Of those who get mail: how many are on which cadence that does not run.
    stranded: dict[str, int] = field(default_factory=dict)


def all_lists(session: Session) -> list[ListCount]:
    """Every list by name, in two statements."""
    return _counted(session, None)


def largest_list(session: Session) -> tuple[str, int] | None:
    """The title of the list that most people get mail by, and how many; None while nobody gets any."""
    people = (
        sa.select(Subscription.list_id, sa.func.count().label("people"))
        .where(Subscription.status == SubscriptionStatus.ACTIVE)
        .group_by(Subscription.list_id)
        .order_by(sa.desc("people"), Subscription.list_id)
        .limit(1)
        .subquery()
    )
    query = sa.select(MailingList.title, people.c.people).join(people, people.c.list_id == MailingList.id)
    row = session.execute(query).one_or_none()
    return None if row is None else (row[0], row[1])


def one_list(session: Session, mailing_list: MailingList) -> ListCount:
    """One list, also with those of its people who are on a cadence that does not run."""
    found = {each.cadence: each.people for each in stranded(session, list_id=mailing_list.id)}
    return dataclasses.replace(_counted(session, mailing_list.id)[0], stranded=found)


def _count(session: Session, list_id: int | None) -> dict[tuple[int, SubscriptionStatus], int]:
    """By list and status, of one list or of all."""
    query = sa.select(Subscription.list_id, Subscription.status, sa.func.count())
    if list_id is not None:
        query = query.where(Subscription.list_id == list_id)
    rows = session.execute(query.group_by(Subscription.list_id, Subscription.status))
    return {(found, status): number for found, status, number in rows}


_Counts = dict[tuple[int, SubscriptionStatus], int]
_people: Final[Remembered[int | None, _Counts]] = Remembered(lambda found: sum(found.values()), seconds=60)


def _counted(session: Session, list_id: int | None) -> list[ListCount]:
    lists = sa.select(MailingList, Digest.name).join(Digest, Digest.id == MailingList.digest_id)
    if list_id is not None:
        lists = lists.where(MailingList.id == list_id)
    counted = _people.of(session, list_id, lambda using: _count(using, list_id))
    return [
        ListCount(
            id=found.id,
            name=found.name,
            title=found.title,
            digest=digest,
            uncertain_policy=found.uncertain_policy,
            created_at=found.created_at,
            is_open=found.is_open,
            opt_in=found.opt_in,
            welcomes_with_latest=found.welcomes_with_latest,
            network_record=found.network_record,
            network_days=found.network_days,
            form_origins=tuple(found.form_origins),
            people={status.value: counted.get((found.id, status), 0) for status in SubscriptionStatus},
        )
        for found, digest in session.execute(lists.order_by(MailingList.name))
    ]
