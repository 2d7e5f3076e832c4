"""Everything that is held about a person, as one readable JSON file.

What is left out: salts and hashes, links that act, the names of the staff, and anything about other people.
`digest.lists.personal` says for each column of the database where it is found in here.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from email.parser import BytesHeaderParser
from email.policy import default
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.errors import NotFoundError
from digest.lists.evidence import networks_of, readable, texts_of
from digest.lists.of_person import addresses_of, asked_of, chain_of, notices_of, suppressions_of
from digest.models import (
    Cadence,
    Confirmation,
    ConsentEvent,
    Delivery,
    Edition,
    FreshLink,
    MailingList,
    Notice,
    PermissionAsk,
    PermissionRun,
    Reply,
    Revision,
    Subscriber,
    Subscription,
    UncertainCase,
    Variant,
)

DELIVERIES_MOST = 5_000
NOTICES_MOST = 1_000
_EDITIONS_AT_ONCE = 500
_HEADERS = BytesHeaderParser(policy=default)
_STAFF = frozenset({"actor", "clerk"})  # in an event's details: who of them acted
_ABOUT = (
    "Everything that is held about you here. Moments are in UTC. 'handed over' means that our mail service "
    "took the mail; it says nothing of whether you opened it: that is not recorded."
)


def my_data(session: Session, subscriber_id: int, *, now: dt.datetime) -> bytes:
    """The file, UTF-8, indented; raises NotFoundError for somebody who is erased or was never there.

    At most 5,000 deliveries and 1,000 single mails are in it, the newest; `is_complete` says if that is all.
    """
    subscriber = session.get(Subscriber, subscriber_id)
    if subscriber is None or subscriber.erased_at is not None:
        raise NotFoundError("There is nothing on record of this person.")
    subscriptions = list(
        session.scalars(
            sa.select(Subscription)
            .where(Subscription.subscriber_id == subscriber_id)
            .order_by(Subscription.id)
        )
    )
    ids = [subscription.id for subscription in subscriptions]
    deliveries, all_deliveries = _deliveries(session, subscriber_id)
    notices, all_notices = _notices(session, subscriber)
    data = {
        "about": _ABOUT,
        "made_at": now,
        "is_complete": all_deliveries and all_notices,
        "subscriber": _subscriber(subscriber),
        "do_not_mail": [
            {
                "kind": row.kind.value,
                "cause": row.cause.value,
                "reason": row.reason,
                "source": row.source,
                "since": row.created_at,
            }
            for row in suppressions_of(session, subscriber)
        ],
        "subscriptions": [_subscription(session, subscription) for subscription in subscriptions],
        "confirmation_mails": _confirmations(session, subscriber),
        "notices": notices,
        "deliveries": deliveries,
        "links_asked_for": _links(session, subscriber_id),
        "asked_whether_still_wanted": _asks(session, ids),
    }
    return json.dumps(data, ensure_ascii=False, indent=2, default=_plain).encode() + b"\n"


def _subscriber(subscriber: Subscriber) -> dict[str, object]:
    return {
        "number": subscriber.id,
        "address": subscriber.address,
        "name": subscriber.name,
        "zone": subscriber.zone,
        "language": subscriber.language,
        "text_size": subscriber.text_size.value,
        "attributes": subscriber.attributes,
        "last_sign_of_life_at": subscriber.last_sign_of_life_at,
        "created_at": subscriber.created_at,
    }


def _subscription(session: Session, subscription: Subscription) -> dict[str, object]:
    mailing_list = session.get_one(MailingList, subscription.list_id)
    cadence = session.get(Cadence, subscription.cadence_id) if subscription.cadence_id else None
    events = chain_of(session, subscription.id)
    texts, networks = texts_of(session, events), networks_of(session, events)
    return {
        "list": mailing_list.name,
        "title": mailing_list.title,
        "status": subscription.status.value,
        "how_often": cadence.name if cadence else None,
        "topics": subscription.topics,
        "paused_until": subscription.paused_until,
        "came_by_import": subscription.import_id is not None,
        "created_at": subscription.created_at,
        "changed_at": subscription.changed_at,
        "consent": [_event(event, texts, networks) for event in events],
    }


def _event(event: ConsentEvent, texts: Mapping[str, str], networks: Mapping[int, str]) -> dict[str, object]:
    shown: dict[str, object] = {
        "number": event.number,
        "at": event.at,
        "action": event.action,
        "status": event.status.value,
        "source": event.source,
        **{name: value for name, value in readable(event.details, texts).items() if name not in _STAFF},
    }
    if event.id in networks:
        shown["network_address"] = networks[event.id]
    return shown


def _confirmations(session: Session, subscriber: Subscriber) -> list[dict[str, object]]:
    """The mails that still count against how often an address may be asked."""
    found = session.execute(
        sa.select(MailingList.name, Confirmation.at)
        .join(MailingList, MailingList.id == Confirmation.list_id)
        .where(Confirmation.address_hash == subscriber.address_hash)
        .order_by(Confirmation.id)
    )
    return [{"list": name, "at": at} for name, at in found]


def _notices(session: Session, subscriber: Subscriber) -> tuple[list[dict[str, object]], bool]:
    """What a single mail was about and what became of it; its text holds links that act."""
    own = notices_of(addresses_of(session, subscriber), asked_of(session, subscriber))
    query = sa.select(Notice).where(own)
    found = list(session.scalars(query.order_by(Notice.id.desc()).limit(NOTICES_MOST + 1)))
    rows: list[dict[str, object]] = [
        {
            "kind": notice.kind,
            "to": notice.address,
            "from": notice.sender_address,
            "subject": str(_HEADERS.parsebytes(notice.message)["Subject"] or ""),
            "state": notice.state.value,
            "asked_for_at": notice.created_at,
            "not_before": notice.not_before,
            "done_at": notice.done_at,
            "attempts": notice.attempt,
            "reply": notice.reply,
        }
        for notice in found[:NOTICES_MOST]
    ]
    return rows, len(found) <= NOTICES_MOST


def _deliveries(session: Session, subscriber_id: int) -> tuple[list[dict[str, object]], bool]:
    """The newest editions first, page by page along the ledger's key; and whether these are all."""
    rows: list[dict[str, object]] = []
    before: int | None = None
    while True:
        page = sa.select(Edition.id).order_by(Edition.id.desc()).limit(_EDITIONS_AT_ONCE)
        if before is not None:
            page = page.where(Edition.id < before)
        editions = list(session.scalars(page))
        if not editions:
            return rows, True
        before = editions[-1]
        rows.extend(_of_editions(session, subscriber_id, editions))
        if len(rows) > DELIVERIES_MOST:
            return rows[:DELIVERIES_MOST], False


def _of_editions(session: Session, subscriber_id: int, editions: list[int]) -> list[dict[str, object]]:
    found = session.execute(
        sa.select(Delivery, Edition.due_at, Cadence.name, Revision.subject, Variant.text_size, Reply)
        .join(Edition, Edition.id == Delivery.edition_id)
        .join(Cadence, Cadence.id == Edition.cadence_id)
        .outerjoin(Variant, Variant.id == Delivery.variant_id)
        .outerjoin(Revision, Revision.id == Variant.revision_id)
        .outerjoin(Reply, Reply.id == Delivery.reply_id)
        .where(Delivery.subscriber_id == subscriber_id, Delivery.edition_id.in_(editions))
        .order_by(Delivery.edition_id.desc())
    ).all()
    cases: dict[int, list[dict[str, object]]] = {}
    for case in session.scalars(
        sa.select(UncertainCase)
        .where(UncertainCase.subscriber_id == subscriber_id, UncertainCase.edition_id.in_(editions))
        .order_by(UncertainCase.edition_id, UncertainCase.attempt)
    ):
        cases.setdefault(case.edition_id, []).append(
            {
                "since": case.since,
                "cause": case.cause.value,
                "settlement": case.settlement.value if case.settlement else None,
                "settled_at": case.settled_at,
            }
        )
    rows = []
    for delivery, due_at, cadence, subject, text_size, reply in found:
        row: dict[str, object] = {
            "edition": delivery.edition_id,
            "due_at": due_at,
            "how_often": cadence,
            "subject": subject,
            "text_size": text_size,
            "status": "handed over" if delivery.status.value == "sent" else delivery.status.value,
            "reason": delivery.reason.value if delivery.reason else None,
            "attempts": delivery.attempt,
            "reply": f"{reply.code} {reply.text}".strip() if reply else None,
            "at": delivery.sent_at,
        }
        if delivery.edition_id in cases:
            row["may_have_arrived"] = cases[delivery.edition_id]
        rows.append(row)
    return rows


def _links(session: Session, subscriber_id: int) -> list[dict[str, object]]:
    links = session.scalars(
        sa.select(FreshLink).where(FreshLink.subscriber_id == subscriber_id).order_by(FreshLink.id)
    )
    return [
        {
            "for": link.purpose,
            "details": link.details,
            "asked_for_at": link.created_at,
            "valid_until": link.expires_at,
            "used_at": link.used_at,
        }
        for link in links
    ]


def _asks(session: Session, subscription_ids: list[int]) -> list[dict[str, object]]:
    found = session.execute(
        sa.select(PermissionAsk, MailingList.name)
        .join(PermissionRun, PermissionRun.id == PermissionAsk.run_id)
        .join(MailingList, MailingList.id == PermissionRun.list_id)
        .where(PermissionAsk.subscription_id.in_(subscription_ids))
        .order_by(PermissionAsk.run_id)
    )
    return [{"list": name, "asked_at": ask.asked_at, "answered_at": ask.answered_at} for ask, name in found]


def _plain(value: Any) -> str:
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON form")
