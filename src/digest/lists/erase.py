"""Forget a person: what stays is a tombstone id, the keyed hash, and chains without details."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import audit
from digest.db import UtcDateTime
from digest.lists import consent
from digest.lists.locks import lock_person, lock_subscriptions
from digest.lists.of_person import addresses_of, asked_of
from digest.lists.personal import PERSONAL
from digest.lists.personal_rules import Deleted, Emptied, Ends, Person, Table
from digest.lists.status import Action, Origin
from digest.models import Subscriber, SubscriptionStatus

ERASED = "subscriber.erase"  # in the audit
READER = "reader"  # there: the person's own act
_OPTIONS = {"synchronize_session": "fetch"}


def erase_subscriber(
    session: Session, subscriber: Subscriber, *, source: Origin, now: dt.datetime, actor: str = ""
) -> bool:
    """End all subscriptions and take out everything about the person. False if that was done before.

    What goes and what stays is said in `digest.lists.personal`. Single mails to the person go too, also those
    that wait. The address may sign up anew: that is a new subscriber. An import does not bring it back, and
    no former address does. It stands in the audit, by number: `digest.lists.erasures` reads it there.
    """
    person_id = subscriber.id
    subscriber = lock_person(session, person_id)
    if subscriber.erased_at is not None:
        return False
    # What the details say of other addresses is needed below, and gone by then.
    person = Person(
        subscriber.id,
        subscriber.address_hash,
        addresses_of(session, subscriber),
        asked_of(session, subscriber),
    )
    for subscription in lock_subscriptions(session, person_id):
        consent.append(
            session,
            subscription,
            action=Action.ERASE,
            status=SubscriptionStatus.ENDED,
            source=source,
            details={},
            now=now,
        )
    for table in PERSONAL:
        _follow(session, table, person, now=now)
    subscriber.erased_at = now
    actor = actor or (READER if source.is_own else source.value)
    audit.record(session, ERASED, subscriber, actor=actor, now=now)
    session.flush()
    return True


def _follow(session: Session, table: Table, person: Person, *, now: dt.datetime) -> None:
    """Do what a table's rules say with the person's rows."""
    rules = {name: rule.erase for name, rule in table.columns.items() if rule is not None}
    if any(isinstance(rule, Deleted) for rule in rules.values()):
        session.execute(sa.delete(table.model).where(table.rows_of(person)), execution_options=_OPTIONS)
        return
    values: dict[str, Any] = {}
    for name, rule in rules.items():
        if isinstance(rule, Emptied):
            values[name] = rule.value
        elif isinstance(rule, Ends):
            column, end = getattr(table.model, name), sa.literal(now + rule.after, UtcDateTime)
            values[name] = sa.case((column < end, column), else_=end)
    if values:
        session.execute(
            sa.update(table.model).where(table.rows_of(person)).values(**values), execution_options=_OPTIONS
        )
