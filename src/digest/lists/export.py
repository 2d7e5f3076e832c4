"""Export the people of a list as CSV that an import reads back: page after page, in constant memory."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Collection, Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.db import Database
from digest.lists.export_cells import quoted
from digest.lists.mappings import ATTRIBUTE
from digest.models import Attribute, Cadence, Subscriber, Subscription, SubscriptionStatus

PAGE = 5000
_COLUMNS = (
    "address",
    "name",
    "zone",
    "language",
    "text_size",
    "status",
    "cadence",
    "topics",
    "paused_until",
    "last_sign_of_life",
    "joined",
)


def export_list(
    database: Database, list_id: int, *, statuses: Collection[SubscriptionStatus] = ()
) -> Iterator[bytes]:
    """The list as CSV in UTF-8, in pieces; people who were erased are not in it.

    Each page is read for itself: what changes meanwhile is in it or not, but nobody is in it twice.
    """
    with database.read() as session:
        attributes = list(session.scalars(sa.select(Attribute.name).order_by(Attribute.name)))
        cadences = {row.id: row.name for row in session.execute(sa.select(Cadence.id, Cadence.name))}
    yield _written([[*_COLUMNS, *(quoted(ATTRIBUTE + name) for name in attributes)]])
    after = 0
    while True:
        with database.read() as session:
            rows = _page(session, list_id, statuses, after)
        if not rows:
            return
        after = rows[-1].subscriber_id
        yield _written([_cells(row, attributes, cadences) for row in rows])


def _page(session: Session, list_id: int, statuses: Collection[SubscriptionStatus], after: int) -> list[Any]:
    query = (
        sa.select(
            Subscription.subscriber_id,
            Subscriber.address,
            Subscriber.name,
            Subscriber.zone,
            Subscriber.language,
            Subscriber.text_size,
            Subscription.status,
            Subscription.cadence_id,
            Subscription.topics,
            Subscription.paused_until,
            Subscriber.last_sign_of_life_at,
            Subscription.created_at,
            Subscriber.attributes,
        )
        .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
        .where(
            Subscription.list_id == list_id,
            Subscription.subscriber_id > after,
            Subscriber.address.is_not(None),
        )
        .order_by(Subscription.subscriber_id)
        .limit(PAGE)
    )
    if statuses:
        query = query.where(Subscription.status.in_(statuses))
    return list(session.execute(query))


def _cells(row: Any, attributes: list[str], cadences: dict[int, str]) -> list[str]:
    (_, address, name, zone, language, size, status, cadence_id, topics, until, alive, joined, known) = row
    found = [
        quoted(address),
        quoted(name),
        zone or "",
        language or "",
        size.value,
        status.value,
        cadences.get(cadence_id, "") if cadence_id else "",
        " ".join(topics) if topics else "",
        _moment(until) if until else "",
        _moment(alive) if alive else "",
        _moment(joined),
    ]
    if attributes:
        found.extend(quoted(_value(known.get(each))) for each in attributes)
    return found


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def _moment(moment: dt.datetime) -> str:
    return moment.isoformat()


def _written(rows: list[list[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()
