"""People on a cadence that has been stopped: they get nothing until somebody acts.

A subscription keeps the cadence that was chosen for it. When that is stopped the person is not put on another
one: they chose how often. So whoever stops it is told how many they are, and can move them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.db import Database
from digest.db.remembered import Remembered
from digest.errors import StateError
from digest.i18n import N_
from digest.lists.locks import lock_person
from digest.lists.preferences import By, choose_cadence
from digest.lists.queries import lock_subscription_of
from digest.lists.status import RUNNING
from digest.models import Cadence, Digest, MailingList, Subscription, SubscriptionStatus

_PART = 200  # people a transaction
_TO_MOVE = (*sorted(RUNNING), SubscriptionStatus.PENDING)


@dataclass(frozen=True, slots=True)
class Stranded:
    """How many of a list's people, active or paused, are on a cadence that does not run."""

    digest: str
    list_name: str
    cadence: str
    people: int


def stranded(session: Session, *, list_id: int | None = None) -> list[Stranded]:
    """All of them, by digest, list and cadence."""
    query = (
        sa.select(Digest.name, MailingList.name, Cadence.name, sa.func.count())
        .select_from(Cadence)
        .join(Digest, Digest.id == Cadence.digest_id)
        .join(MailingList, MailingList.digest_id == Digest.id)
        .join(Subscription, _is_on(Cadence.id, MailingList.id))
        .where(Cadence.is_running.is_(False))
        .group_by(Digest.name, MailingList.name, Cadence.name)
        .order_by(Digest.name, MailingList.name, Cadence.name)
    )
    if list_id is not None:
        query = query.where(MailingList.id == list_id)
    return [Stranded(*row) for row in session.execute(query)]


def people_of_cadences(session: Session, digest_id: int) -> dict[int, int]:
    """How many people, active or paused, have chosen each cadence of a digest. One statement.

    Of very many they may be those of a minute ago.
    """
    return _of_cadences.of(session, digest_id, lambda using: _count_by_cadence(using, digest_id))


_of_cadences: Final[Remembered[int, dict[int, int]]] = Remembered(
    lambda found: sum(found.values()), seconds=60
)


def _count_by_cadence(session: Session, digest_id: int) -> dict[int, int]:
    rows = session.execute(
        sa.select(Cadence.id, sa.func.count())
        .select_from(Cadence)
        .join(MailingList, MailingList.digest_id == Cadence.digest_id)
        .join(Subscription, _is_on(Cadence.id, MailingList.id))
        .where(Cadence.digest_id == digest_id)
        .group_by(Cadence.id)
    )
    return {row[0]: row[1] for row in rows}


def people_on(session: Session, cadence: Cadence) -> int:
    """How many people, active or paused, have chosen a cadence, by all lists of its digest."""
    query = (
        sa.select(sa.func.count())
        .select_from(MailingList)
        .join(Subscription, _is_on(cadence.id, MailingList.id))
        .where(MailingList.digest_id == cadence.digest_id)
    )
    return session.scalar(query) or 0


def check_target(cadence: Cadence, target: Cadence) -> None:
    """Raises StateError for a cadence that nobody can be moved to."""
    if cadence.id == target.id or cadence.digest_id != target.digest_id:
        raise StateError(N_("People are moved to another rhythm of the same digest."))
    if not target.is_running:
        raise StateError(
            N_("The rhythm %(name)s does not run: nobody on it would get mail."), name=target.name
        )


def move_people(
    database: Database,
    cadence_id: int,
    target_id: int,
    *,
    by: By,
    now: dt.datetime,
    progress: Callable[[int], None] | None = None,
) -> int:
    """Flow: put everybody who has chosen one cadence on another of the same digest; how many were moved.

    Some at a time, each with an event that names who did it; broken off, it goes on when it is called again.
    Whoever waits to be confirmed is moved too and has no event: nothing was agreed to yet. Raises StateError
    for a target that does not run or is another digest's.
    """
    moved, after = 0, 0
    while True:
        with database.write() as session:
            check_target(session.get_one(Cadence, cadence_id), session.get_one(Cadence, target_id))
            some = _next(session, cadence_id, after)
            for row in some:
                moved += _move_one(session, row, cadence_id, target_id, by=by, now=now)
        if not some:
            return moved
        after = some[-1].subscriber_id
        if progress is not None:
            progress(moved)


def _next(session: Session, cadence_id: int, after: int) -> list[Any]:
    """The next of them by the persons' numbers, which is the order in which rows are held."""
    lists = (
        sa.select(MailingList.id)
        .join(Cadence, Cadence.digest_id == MailingList.digest_id)
        .where(Cadence.id == cadence_id)
    )
    people = (
        sa.select(Subscription.subscriber_id)
        .where(
            Subscription.list_id.in_(lists),
            Subscription.status.in_(_TO_MOVE),
            Subscription.cadence_id == cadence_id,
            Subscription.subscriber_id > after,
        )
        .order_by(Subscription.subscriber_id)
        .limit(_PART)
        .subquery()
    )
    query = (
        sa.select(Subscription.subscriber_id, Subscription.list_id)
        .where(
            Subscription.subscriber_id.in_(sa.select(people.c.subscriber_id)),
            Subscription.cadence_id == cadence_id,
        )
        .order_by(Subscription.subscriber_id, Subscription.id)
    )
    return list(session.execute(query))


def _move_one(
    session: Session, row: Any, cadence_id: int, target_id: int, *, by: By, now: dt.datetime
) -> int:
    """Move one subscription, if it is still on the cadence and has not ended; 1 if it was moved."""
    lock_person(session, row.subscriber_id)
    found = lock_subscription_of(session, list_id=row.list_id, subscriber_id=row.subscriber_id)
    if found is None or found.cadence_id != cadence_id or found.status not in _TO_MOVE:
        return 0
    if found.status is SubscriptionStatus.PENDING:
        found.cadence_id = target_id
        session.flush()
    else:
        choose_cadence(session, found, target_id, now=now, by=by)
    return 1


def _is_on(cadence_id: Any, list_id: Any) -> sa.ColumnElement[bool]:
    return sa.and_(
        Subscription.list_id == list_id,
        Subscription.status.in_(sorted(RUNNING)),
        Subscription.cadence_id == cadence_id,
    )
