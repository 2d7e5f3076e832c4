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
from digest.db.tuning import prefer_indexes
from digest.lists.export_cells import quoted
from digest.lists.export_xlsx import ROW_LIMIT, too_many
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
            rows = _page(session, list_id, statuses, after, attributes=bool(attributes))
        if not rows:
            return
        after = rows[-1].subscriber_id
        yield _written([_cells(row, attributes, cadences) for row in rows if row.address is not None])


def check_rows(session: Session, list_id: int, statuses: Collection[SubscriptionStatus]) -> None:
    """Raise InputError where a list has more people than a sheet has rows."""
    of_list = sa.select(Subscription.id).where(Subscription.list_id == list_id)
    if statuses:
        of_list = of_list.where(Subscription.status.in_(statuses))
    counted = sa.select(sa.func.count()).select_from(of_list.limit(ROW_LIMIT).subquery())
    if (session.scalar(counted) or 0) >= ROW_LIMIT:  # with the heading
        raise too_many()


def _page(
    session: Session, list_id: int, statuses: Collection[SubscriptionStatus], after: int, *, attributes: bool
) -> list[Any]:
    """The subscriptions after a subscriber's id first, then their people.

    So no statistics, old ones least of all, can talk a planner into joining the whole list for each page.
    """
    prefer_indexes(session)
    of_list = sa.select(Subscription).where(
        Subscription.list_id == list_id, Subscription.subscriber_id > after
    )
    if statuses:
        of_list = of_list.where(Subscription.status.in_(statuses))
    page = of_list.order_by(Subscription.subscriber_id).limit(PAGE).subquery("page")
    return list(
        session.execute(
            sa.select(
                page.c.subscriber_id,
                Subscriber.address,
                Subscriber.name,
                Subscriber.zone,
                Subscriber.language,
                sa.type_coerce(Subscriber.text_size, sa.Text),
                sa.type_coerce(page.c.status, sa.Text),
                page.c.cadence_id,
                page.c.topics,
                page.c.paused_until,
                Subscriber.last_sign_of_life_at,
                page.c.created_at,
                Subscriber.attributes if attributes else sa.null(),
            )
            .join(Subscriber, Subscriber.id == page.c.subscriber_id)
            .order_by(page.c.subscriber_id)
        )
    )


def _cells(row: Any, attributes: list[str], cadences: dict[int, str]) -> list[str]:
    (_, address, name, zone, language, size, status, cadence_id, topics, until, alive, joined, known) = row
    found = [
        quoted(address),
        quoted(name),
        zone or "",
        language or "",
        size,
        status,
        cadences.get(cadence_id, "") if cadence_id else "",
        " ".join(topics) if topics else "",
        _moment(until) if until else "",
        _moment(alive) if alive else "",
        _moment(joined),
    ]
    if attributes:
        found.extend(quoted(value_text(known.get(each))) for each in attributes)
    return found


def value_text(value: object) -> str:
    """The value of an attribute as text that is read back as the same."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else str(value)


def _moment(moment: dt.datetime) -> str:
    return moment.isoformat()


def _written(rows: list[list[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()
