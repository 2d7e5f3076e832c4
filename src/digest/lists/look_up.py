"""Find people among a million: by the beginning of an address, by a domain, by number, by list.

Every way goes by an index, and a page costs the same wherever it is. There is none by name: no index has it.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.addresses import keyed_hash, parse_address, parse_domain
from digest.db.in_order import in_order_of_index
from digest.errors import InputError
from digest.lists.former import moved_away
from digest.lists.suppress import find_suppression
from digest.models import MailingList, Subscriber, Subscription, SubscriptionStatus

_NUMBER: Final = re.compile(r"#\s*([0-9]{1,18})")
_HEAD: Final = re.compile(r"[0-9a-z]*")
_LONGEST: Final = 254
_NEXT: Final = {"9": "a"}  # in every order of letters digits come before them


@dataclass(frozen=True, slots=True)
class OnList:
    """A list that a person is on or was."""

    title: str
    status: SubscriptionStatus


@dataclass(frozen=True, slots=True)
class PersonRow:
    """One of those who were found."""

    id: int
    address: str
    name: str
    lists: tuple[OnList, ...]


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What is known of an address that nobody subscribes with. `moved_to` is who had it before."""

    erased_at: dt.datetime | None = None
    moved_to: int | None = None
    not_mailed: str = ""


def find_people(
    session: Session,
    text: str = "",
    *,
    list_id: int | None = None,
    status: SubscriptionStatus | None = None,
    after: int | None = None,
    limit: int,
) -> list[PersonRow]:
    """Who fits, those after the person `after`; an erased person fits nothing. In two or three statements.

    `text` is the beginning of an address, `@example.org` for all of a domain, or `#12` for a number. By the
    beginning of an address they come in its order, else the newest first.
    """
    wanted = unicodedata.normalize("NFC", text.strip()).casefold()[:_LONGEST]
    columns: list[Any] = [Subscriber.id, Subscriber.address, Subscriber.name]
    query: sa.Select[Any] = sa.select(*columns).where(
        Subscriber.erased_at.is_(None), Subscriber.address.is_not(None)
    )
    # By the subscription's side, where a list is asked for: its key leads through the list in this order.
    by_id: Any = Subscriber.id
    if list_id is not None:
        query = query.join(Subscription, Subscription.subscriber_id == Subscriber.id)
        query = query.where(Subscription.list_id == list_id)
        by_id = Subscription.subscriber_id if not wanted else by_id
        if status is not None:
            query = query.where(Subscription.status == status)
    if (number := _NUMBER.fullmatch(wanted)) is not None:
        query = query.where(Subscriber.id == int(number[1]))
    elif wanted.startswith("@"):
        query = query.where(Subscriber.domain == _domain(wanted[1:]))
    elif wanted:
        query = _beginning(session, query, wanted, after).limit(limit)
        with in_order_of_index(session):
            rows = session.execute(query).all()
        return _with_lists(session, rows)
    if after is not None:
        query = query.where(by_id < after)
    return _with_lists(session, session.execute(query.order_by(by_id.desc()).limit(limit)).all())


def elsewhere(session: Session, address_key: bytes, text: str) -> Elsewhere | None:
    """What is known of an address that was not found; None of what is no address or unknown altogether."""
    try:
        parsed = parse_address(text)
    except InputError:
        return None
    value = keyed_hash(address_key, parsed.key)
    erased_at = session.scalar(
        sa.select(sa.func.max(Subscriber.erased_at)).where(Subscriber.address_hash == value)
    )
    barred = find_suppression(session, address_key, parsed)
    found = Elsewhere(erased_at, moved_away(session, value), barred.reason if barred else "")
    return found if found != Elsewhere() else None


def key_bounds(prefix: str) -> tuple[str, str | None]:
    """Between what keys all lie that begin with `prefix`, whatever order of letters the database keeps. Pure.

    Signs have a place of their own in each order, letters and digits the same in all: so the bounds are made
    of those that the prefix begins with. More may lie between them than begins so.
    """
    found = _HEAD.match(prefix)
    head = found[0] if found else ""
    stem = head.rstrip("z")
    if not stem:
        return head, None
    last = stem[-1]
    return head, stem[:-1] + _NEXT.get(last, chr(ord(last) + 1))


def _beginning(session: Session, query: sa.Select[Any], prefix: str, after: int | None) -> sa.Select[Any]:
    lower, upper = key_bounds(prefix)
    if not lower:  # begins with a sign: there is no way to it by the index but the whole address
        return query.where(Subscriber.address_key == prefix, Subscriber.id > (after or 0))
    query = query.where(
        Subscriber.address_key >= lower, sa.func.substr(Subscriber.address_key, 1, len(prefix)) == prefix
    )
    if upper is not None:
        query = query.where(Subscriber.address_key < upper)
    # By the person and not by their address: that would stand in the address of the page.
    last = session.scalar(sa.select(Subscriber.address_key).where(Subscriber.id == after)) if after else None
    if last is not None:
        query = query.where(Subscriber.address_key > last)
    return query.order_by(Subscriber.address_key)


def _domain(text: str) -> str:
    try:
        return parse_domain(text)
    except InputError:
        return text


def _with_lists(session: Session, rows: Sequence[Any]) -> list[PersonRow]:
    lists: dict[int, list[OnList]] = {}
    found = session.execute(
        sa.select(Subscription.subscriber_id, MailingList.title, Subscription.status)
        .join(MailingList, MailingList.id == Subscription.list_id)
        .where(Subscription.subscriber_id.in_([row.id for row in rows]))
        .order_by(Subscription.id)
    )
    for person, title, status in found:
        lists.setdefault(person, []).append(OnList(title, status))
    return [PersonRow(row.id, row.address, row.name, tuple(lists.get(row.id, ()))) for row in rows]
