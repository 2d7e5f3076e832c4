"""Posts to the form, presses in the mails that they cause, and what comes of both."""

from __future__ import annotations

import datetime as dt
import re
from email import message_from_bytes
from email.policy import default

import sqlalchemy as sa

from digest.addresses import parse_address
from digest.db import Database
from digest.lists import confirm, consent
from digest.lists.sign_up import ListWish, Wish, ask
from digest.lists.stationery import Stationery
from digest.lists.status import Origin
from digest.lists.suppress import suppress_address
from digest.models import (
    Notice,
    Subscription,
    SubscriptionStatus,
    SuppressionCause,
)
from digest.tokens import Signer
from tests.factories.audience import ADDRESS_KEY
from tests.factories.moments import NOW

HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
SIGNER = Signer({1: b"s" * 32}, 1)
STATIONERY = Stationery(SIGNER, ADDRESS_KEY, "https://mail.courier.example")
ANI = "ani@example.org"
PENDING, ACTIVE, ENDED = SubscriptionStatus.PENDING, SubscriptionStatus.ACTIVE, SubscriptionStatus.ENDED


def wish(*list_ids: int, address: str = ANI, **values: object) -> Wish:
    lists = tuple(ListWish(list_id, "I want to receive it.") for list_id in list_ids)
    return Wish(parse_address(address), lists, **values)  # type: ignore[arg-type]


def asked(database: Database, *list_ids: int, now: dt.datetime = NOW, address: str = ANI) -> int:
    with database.write() as session:
        return ask(session, wish(*list_ids, address=address), STATIONERY, now=now)


def mails(database: Database) -> list[tuple[str, str, str]]:
    """Kind, subject and text of each mail that was asked for, in their order."""
    found = []
    with database.read() as session:
        for notice in session.scalars(sa.select(Notice).order_by(Notice.id)):
            message = message_from_bytes(notice.message, policy=default)
            body = message.get_body(("plain",))
            assert body is not None
            found.append((notice.kind, str(message["Subject"]), body.get_content()))
    return found


def link_of(text: str) -> str:
    (token,) = re.findall(r"/c/([\w-]+)", text)
    return str(token)


def press(database: Database, token: str, now: dt.datetime = NOW) -> confirm.ConfirmLink | None:
    with database.write() as session:
        return confirm.confirm_by_token(session, token, STATIONERY, now=now)


def statuses(database: Database) -> list[SubscriptionStatus]:
    with database.read() as session:
        assert not [fault for _, faults in consent.verify_all(session) for fault in faults]
        return list(session.scalars(sa.select(Subscription.status).order_by(Subscription.id)))


def suppress(database: Database, cause: SuppressionCause, *, at: dt.datetime = NOW) -> None:
    with database.write() as session:
        row = suppress_address(session, ADDRESS_KEY, ANI, reason=cause.value, source=Origin.FEEDBACK, now=at)
        assert row is not None
        row.cause = cause
