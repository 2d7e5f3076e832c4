"""The file with everything that is held about a person."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from sqlalchemy.orm import Session

from digest.db import Database
from digest.errors import NotFoundError
from digest.lists.erase import erase_subscriber
from digest.lists.my_data import my_data
from digest.lists.status import Origin
from digest.models import Delivery, DeliveryStatus, Edition, EditionKind, EditionState, FreshLink, Notice
from tests.factories import (
    make_cadence,
    make_digest,
    make_list,
    make_revision,
    make_subscriber,
    make_subscription,
)
from tests.factories.moments import NOW


def data_of(session: Session, subscriber_id: int) -> Any:
    return json.loads(my_data(session, subscriber_id, now=NOW))


def test_the_file_says_what_is_held(database: Database) -> None:
    """Who they are, their lists, consent, mails and links are in it; nobody of the staff is."""
    with database.write() as session:
        mailing_list = make_list(session, make_digest(session), "readers")
        ani = make_subscriber(session, "Ani@mail.test", name="Անի", zone="Asia/Yerevan")
        make_subscription(session, mailing_list, ani)
        session.add(
            FreshLink(
                subscriber_id=ani.id,
                purpose="address",
                details={"address": "anew@mail.test"},
                created_at=NOW,
                expires_at=NOW + dt.timedelta(hours=1),
            )
        )
        message = b"Subject: Welcome, and a link\r\n\r\nhttps://example.org/u/secret\r\n"
        mails = (("welcome", "Ani@mail.test"), ("fresh_link", "anew@mail.test"), ("welcome", "ara@mail.test"))
        for number, (kind, address) in enumerate(mails):
            session.add(
                Notice(
                    key=f"n{number}",
                    kind=kind,
                    address=address,
                    sender_address="news@courier.example",
                    message=message,
                    not_before=NOW,
                    created_at=NOW,
                )
            )
        session.flush()
        text = my_data(session, ani.id, now=NOW).decode()
    found = json.loads(text)
    assert found["subscriber"]["name"] == "Անի"
    assert "Անի" in text  # as people read it, not as escapes
    assert [one["list"] for one in found["subscriptions"]] == ["readers"]
    (event,) = found["subscriptions"][0]["consent"]
    assert event["consent"] == "signed a card at the fair"
    assert {one["to"] for one in found["notices"]} == {"Ani@mail.test", "anew@mail.test"}
    assert {one["subject"] for one in found["notices"]} == {"Welcome, and a link"}
    assert found["links_asked_for"][0]["details"] == {"address": "anew@mail.test"}
    assert found["is_complete"] is True
    for other in ("cli:test", "salt", "ara@mail.test", "/u/secret", "commitment"):
        assert other not in text


def test_deliveries_are_read_page_by_page(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many editions there are, the newest are in the file up to a limit, and only this person's."""
    monkeypatch.setattr("digest.lists.my_data._EDITIONS_AT_ONCE", 3)
    with database.write() as session:
        digest = make_digest(session)
        cadence = make_cadence(session, digest)
        ani, ara = make_subscriber(session), make_subscriber(session)
        subscription = make_subscription(session, make_list(session, digest), ani)
        editions = [_edition(session, cadence.id, number) for number in range(8)]
        for edition_id in editions:
            variant = make_revision(session, edition_id)
            for person in (ani, ara):
                session.add(
                    Delivery(
                        edition_id=edition_id,
                        subscriber_id=person.id,
                        variant_id=variant.id,
                        subscription_id=subscription.id,
                        status=DeliveryStatus.SENT,
                        sent_at=NOW,
                    )
                )
        session.flush()
        found = data_of(session, ani.id)
        assert [one["edition"] for one in found["deliveries"]] == editions[::-1]
        assert {one["status"] for one in found["deliveries"]} == {"handed over"}
        monkeypatch.setattr("digest.lists.my_data.DELIVERIES_MOST", 4)
        found = data_of(session, ani.id)
        assert [one["edition"] for one in found["deliveries"]] == editions[:3:-1]
        assert found["is_complete"] is False


def test_nothing_is_said_of_somebody_who_is_erased(database: Database) -> None:
    """Neither of a person who was erased nor of one who was never there."""
    with database.write() as session:
        person = make_subscriber(session)
        erase_subscriber(session, person, source=Origin.CLI, now=NOW)
        for number in (person.id, person.id + 1):
            with pytest.raises(NotFoundError, match="nothing on record"):
                my_data(session, number, now=NOW)


def _edition(session: Session, cadence_id: int, number: int) -> int:
    due = NOW + dt.timedelta(days=number)
    edition = Edition(
        public_id=f"{number:016}",
        cadence_id=cadence_id,
        kind=EditionKind.SCHEDULED,
        due_at=due,
        due_local=due.isoformat(),
        send_at=due,
        state=EditionState.SENT,
        state_since=due,
        created_at=due,
    )
    session.add(edition)
    session.flush()
    return edition.id
