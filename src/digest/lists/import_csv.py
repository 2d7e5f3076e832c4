"""Import subscribers from a CSV file: a flow in batches, each written whole or not at all.

A number of statements per batch that does not grow with it. An import never revives: who left, was erased
or is on the do-not-mail list stays so and is counted. Importing a file again changes nothing.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import itertools
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.addresses import keyed_hash
from digest.db import Database
from digest.db.bulk import insert_rows
from digest.errors import StateError
from digest.lists import consent
from digest.lists.csv_lines import BadLine, Row, check_encoding, read_heading, read_rows
from digest.lists.fields import check_consent
from digest.lists.status import Action, Origin
from digest.models import (
    ConsentEvent,
    Subscriber,
    Subscription,
    SubscriptionStatus,
    Suppression,
    SuppressionKind,
)

BATCH_ROWS = 1000
BAD_LINES_SHOWN = 1000
_TRIES = 3
_PEOPLE, _SUBSCRIPTIONS, _EVENTS = (
    cast("sa.Table", model.__table__) for model in (Subscriber, Subscription, ConsentEvent)
)
_SAME_EVENT = {
    "number": 1,
    "action": Action.IMPORT.value,
    "status": SubscriptionStatus.ACTIVE,
    "source": Origin.IMPORT.value,
}


@dataclass(frozen=True, slots=True)
class ImportOrder:
    """What to import, and with whose proof. `consent_text` says how these people agreed."""

    list_id: int
    consent_text: str
    actor: str
    address_key: bytes
    cadence_id: int | None = None
    is_dry_run: bool = False


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of the lines. `added` counts new subscriptions, also of people known from other lists."""

    lines: int
    added: int
    known: int
    left: int  # had left or were erased, and stay so
    suppressed: int
    repeated: int  # stood in the file before
    bad: int
    bad_lines: tuple[BadLine, ...]  # the first thousand
    ignored_columns: tuple[str, ...]
    is_dry_run: bool


@dataclass(slots=True)
class _Tally:
    counts: Counter[str] = field(default_factory=Counter)
    bad_lines: list[BadLine] = field(default_factory=list)
    seen: set[bytes] = field(default_factory=set)

    def sort_out(self, lines: Iterable[Row | BadLine]) -> Iterable[Row]:
        """Pass the good rows that are new in this file; note the others."""
        for line in lines:
            self.counts["lines"] += 1
            if isinstance(line, BadLine):
                self.counts["bad"] += 1
                if len(self.bad_lines) < BAD_LINES_SHOWN:
                    self.bad_lines.append(line)
                continue
            # 16 bytes a person, whatever the addresses' length.
            mark = hashlib.blake2b(line.address.key.encode(), digest_size=16).digest()
            if mark in self.seen:
                self.counts["repeated"] += 1
                continue
            self.seen.add(mark)
            yield line


def import_subscribers(
    database: Database, stream: BinaryIO, order: ImportOrder, *, now: dt.datetime
) -> ImportReport:
    """Import a seekable UTF-8 CSV stream.

    Raises InputError, before anything is written, for another encoding, a heading without an address column
    or a missing consent text. If the process ends half way, the batches written stay; do it again.
    """
    consent_text = check_consent(order.consent_text)
    details = {"consent": consent_text, "actor": order.actor}
    check_encoding(stream)
    heading = read_heading(stream)
    tally = _Tally()
    rows = iter(tally.sort_out(read_rows(stream, heading)))
    while batch := list(itertools.islice(rows, BATCH_ROWS)):
        tally.counts.update(_take(database, batch, order, details, now=now))
    counts = tally.counts
    return ImportReport(
        lines=counts["lines"],
        added=counts["added"],
        known=counts["known"],
        left=counts["left"],
        suppressed=counts["suppressed"],
        repeated=counts["repeated"],
        bad=counts["bad"],
        bad_lines=tuple(tally.bad_lines),
        ignored_columns=heading.ignored,
        is_dry_run=order.is_dry_run,
    )


def _take(
    database: Database,
    batch: Sequence[Row],
    order: ImportOrder,
    details: Mapping[str, str],
    *,
    now: dt.datetime,
) -> Counter[str]:
    hashes = {keyed_hash(order.address_key, row.address.key): row for row in batch}
    if order.is_dry_run:
        with database.read() as session:
            return _classify(session, hashes, order.list_id).counts
    for _ in range(_TRIES):
        try:
            with database.write() as session:
                plan = _classify(session, hashes, order.list_id)
                _write(session, plan, order, details, now=now)
                return plan.counts
        except sa.exc.IntegrityError:
            # Somebody else added one of these people since we looked: look again.
            continue
    raise StateError("Somebody else is adding the same people; import the file again when they are done.")


@dataclass(slots=True)
class _Plan:
    counts: Counter[str] = field(default_factory=Counter)
    new: list[tuple[str, Row]] = field(default_factory=list)  # with the address's hash
    joining: list[tuple[int, Row]] = field(default_factory=list)  # with the subscriber's id


def _classify(session: Session, hashes: Mapping[str, Row], list_id: int) -> _Plan:
    people = _known(session, hashes, list_id)
    barred = _barred(session, hashes)
    plan = _Plan()
    for address_hash, row in hashes.items():
        states = people.get(address_hash, [])
        living = [person for person in states if person.erased_at is None]
        if address_hash in barred or row.address.domain in barred:
            plan.counts["suppressed"] += 1
        elif any(person.status is SubscriptionStatus.ENDED for person in living):
            plan.counts["left"] += 1
        elif any(person.status is not None for person in living):
            plan.counts["known"] += 1
        elif living:
            plan.counts["added"] += 1
            plan.joining.append((living[0].id, row))
        elif states:
            plan.counts["left"] += 1
        else:
            plan.counts["added"] += 1
            plan.new.append((address_hash, row))
    return plan


def _known(session: Session, hashes: Mapping[str, Row], list_id: int) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    on_list = sa.and_(Subscription.subscriber_id == Subscriber.id, Subscription.list_id == list_id)
    query = (
        sa.select(Subscriber.id, Subscriber.address_hash, Subscriber.erased_at, Subscription.status)
        .outerjoin(Subscription, on_list)
        .where(Subscriber.address_hash.in_(hashes))
    )
    for person in session.execute(query):
        found.setdefault(person.address_hash, []).append(person)
    return found


def _barred(session: Session, hashes: Mapping[str, Row]) -> set[str]:
    domains = {row.address.domain for row in hashes.values()}
    return set(
        session.scalars(
            sa.select(Suppression.value).where(
                sa.or_(
                    sa.and_(Suppression.kind == SuppressionKind.ADDRESS, Suppression.value.in_(hashes)),
                    sa.and_(Suppression.kind == SuppressionKind.DOMAIN, Suppression.value.in_(domains)),
                )
            )
        )
    )


def _write(
    session: Session, plan: _Plan, order: ImportOrder, details: Mapping[str, str], *, now: dt.datetime
) -> None:
    rows = dict([*plan.joining, *_insert_people(session, plan.new, now=now)])
    made = insert_rows(
        session,
        _SUBSCRIPTIONS,
        [{"subscriber_id": subscriber_id} for subscriber_id in rows],
        same={
            "list_id": order.list_id,
            "status": SubscriptionStatus.ACTIVE,
            "cadence_id": order.cadence_id,
            "topics": [],
            "created_at": now,
            "changed_at": now,
        },
        returning=("id", "subscriber_id"),
    )
    events = [
        consent.make_event(
            consent.NO_LINK,
            subscription_id=subscription_id,
            number=1,
            at=now,
            action=Action.IMPORT,
            status=SubscriptionStatus.ACTIVE,
            source=Origin.IMPORT,
            details={"address": rows[subscriber_id].address.text, **details},
        )
        for subscription_id, subscriber_id in made
    ]
    insert_rows(session, _EVENTS, [_own_fields(event) for event in events], same=_SAME_EVENT | {"at": now})


def _own_fields(event: consent.Event) -> dict[str, object]:
    return {
        "subscription_id": event.subscription_id,
        "details": json.dumps(event.details, ensure_ascii=False),
        "salt": event.salt,
        "commitment": event.commitment,
        "link": event.link,
    }


def _insert_people(
    session: Session, people: Sequence[tuple[str, Row]], *, now: dt.datetime
) -> list[tuple[int, Row]]:
    rows = dict(people)
    made = insert_rows(
        session,
        _PEOPLE,
        [
            {
                "address": row.address.text,
                "address_key": row.address.key,
                "address_hash": address_hash,
                "domain": row.address.domain,
                "name": row.name,
                "zone": row.zone,
                "language": row.language,
                "text_size": row.text_size.value,
            }
            for address_hash, row in people
        ],
        same={"attributes": {}, "created_at": now},
        returning=("id", "address_hash"),
    )
    return [(subscriber_id, rows[address_hash]) for subscriber_id, address_hash in made]
