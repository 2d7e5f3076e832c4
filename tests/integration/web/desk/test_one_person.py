"""One person at the desk: added by hand with the proof, their choices changed, older editions by page."""

from __future__ import annotations

import datetime as dt
import io
import re

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.testclient import TestClient

from digest.db import Database
from digest.lists import export
from digest.lists.import_files import open_parts
from digest.models import (
    Account,
    ConsentEvent,
    Delivery,
    DeliveryStatus,
    Digest,
    Edition,
    MailingList,
    Notice,
    Subscriber,
    Subscription,
    SubscriptionStatus,
    Topic,
)
from tests.factories import make_cadence, make_digest, make_list
from tests.factories.audience import make_readers
from tests.factories.moments import NOW
from tests.integration.web.desk.hands import Hands, signed_in
from tests.integration.web.rows import make_edition

CALLED = {"address": "new@mail.test", "name": "New", "by": "phone", "consent": "Called and asked for it."}


@pytest.fixture
def hands(client: TestClient, database: Database, nare: Account) -> Hands:
    return signed_in(client, database, nare)


@pytest.fixture
def readers(database: Database, app: FastAPI) -> MailingList:
    """A list of two people; its digest has two rhythms and two topics."""
    with database.write() as session:
        digest = make_digest(session)
        make_cadence(session, digest, name="morning")
        make_cadence(session, digest, name="sunday")
        for place, name in enumerate(("city", "sport")):
            session.add(
                Topic(
                    digest_id=digest.id,
                    name=name,
                    title=name.title(),
                    sections=[name],
                    position=place,
                    created_at=NOW,
                )
            )
        mailing_list = make_list(session, digest, name="readers")
        key = app.state.services.keys.address_key
        make_readers(session, mailing_list, ["r0@mail.test", "r1@mail.test"], address_key=key)
        return mailing_list


def subscription(database: Database, address: str) -> Subscription:
    with database.read() as session:
        of_person = sa.select(Subscription).join(Subscriber, Subscriber.id == Subscription.subscriber_id)
        return session.scalars(of_person.where(Subscriber.address_key == address)).one()


def test_somebody_is_added_with_their_proof(hands: Hands, database: Database, readers: MailingList) -> None:
    """How it was said, by whom it was taken and in which words; without them nobody is added."""
    url = f"/desk/lists/{readers.id}/add"
    assert "Add somebody" in hands.get(f"/desk/lists/{readers.id}").text
    for missing in ("by", "consent", "address"):
        refused = hands.post(url, {**CALLED, missing: ""})
        assert refused.status_code == 422
        assert 'value="New"' in refused.text
    added = hands.post(url, {**CALLED, "welcome": "1"})
    person = subscription(database, "new@mail.test").subscriber_id
    assert added.headers["location"] == f"/desk/subscribers/{person}"
    with database.read() as session:
        event = session.scalars(sa.select(ConsentEvent).order_by(ConsentEvent.id.desc())).first()
        assert session.scalars(sa.select(Notice.kind)).all() == ["welcome"]
    assert event is not None
    assert event.details is not None
    assert (event.source, event.details["by"], event.details["clerk"]) == ("desk", "phone", "Nare Saroyan")
    assert "Called and asked for it." in hands.get(f"/desk/subscribers/{person}").text
    again = hands.post(url, CALLED)
    assert again.headers["location"] == f"/desk/subscribers/{person}"
    assert "already" in hands.get(again.headers["location"]).text


def test_who_left_comes_back_only_by_asking(hands: Hands, database: Database, readers: MailingList) -> None:
    """The clerk says that they have asked again; until then nothing is changed."""
    url = f"/desk/lists/{readers.id}/add"
    known = subscription(database, "r1@mail.test")
    hands.post(
        f"/desk/subscribers/{known.subscriber_id}/end", {"subscription": str(known.id), "by": "letter"}
    )
    back = {**CALLED, "address": "r1@mail.test"}
    refused = hands.post(url, back)
    assert refused.status_code == 409
    assert 'name="again"' in refused.text
    assert subscription(database, "r1@mail.test").status is SubscriptionStatus.ENDED
    assert hands.post(url, {**back, "again": "1"}).status_code == 303
    assert subscription(database, "r1@mail.test").status is SubscriptionStatus.ACTIVE


def test_who_is_not_to_be_mailed_is_not_added(hands: Hands, database: Database, readers: MailingList) -> None:
    """An address on the do-not-mail list is refused with that as the reason."""
    hands.post("/desk/do-not-mail", {"target": "new@mail.test", "cause": "never"})
    refused = hands.post(f"/desk/lists/{readers.id}/add", CALLED)
    assert refused.status_code == 422
    assert "do-not-mail list" in refused.text
    with database.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Subscription)) == 2


def test_choices_are_changed_for_them(hands: Hands, database: Database, readers: MailingList) -> None:
    """Rhythm and topics, in their proof with the clerk; another person's stay as they are."""
    one, other = (subscription(database, f"r{number}@mail.test") for number in range(2))
    page = f"/desk/subscribers/{one.subscriber_id}"
    assert "Change how often" in hands.get(page).text
    fields = {"subscription": str(one.id), "cadence": "sunday", "has_topics": "1", "topic": "sport"}
    assert hands.post(f"{page}/choices", fields).status_code == 303
    changed = subscription(database, "r0@mail.test")
    assert changed.topics == ["sport"]
    assert changed.cadence_id != one.cadence_id
    shown = hands.get(page).text
    assert "sunday" in shown
    assert hands.post(f"{page}/choices", {**fields, "subscription": str(other.id)}).status_code == 404
    assert hands.post(f"{page}/choices", {**fields, "cadence": "never"}).status_code == 404


def test_older_editions_come_by_key(hands: Hands, database: Database, readers: MailingList) -> None:
    """Twenty at a time, none twice and none left out, also where two went out at the same moment."""
    one = subscription(database, "r0@mail.test")
    with database.write() as session:
        digest = session.scalars(sa.select(Digest)).one()
        cadence = make_cadence(session, digest, name="many")
        for number in range(45):
            due = NOW - dt.timedelta(days=number)
            for twin in range(2 if number == 19 else 1):
                age = dt.timedelta(days=number, seconds=twin)
                edition = make_edition(session, cadence, age=age)
                edition.send_at = edition.planned_at = due
                session.flush()
                session.add(
                    Delivery(
                        edition_id=edition.id,
                        subscriber_id=one.subscriber_id,
                        subscription_id=one.id,
                        variant_id=1,
                        status=DeliveryStatus.SENT,
                        sent_at=due,
                    )
                )
        wanted = set(session.scalars(sa.select(Edition.id)))
    page, seen, pages = f"/desk/subscribers/{one.subscriber_id}", [], 0
    while page:
        text = hands.get(page).text
        seen += [int(number) for number in re.findall(r"/desk/editions/(\d+)", text)]
        following = re.search(r'href="([^"]*before=\d+)#mailed">Older', text)
        page = following[1].replace("&amp;", "&") if following else ""
        pages += 1
    assert sorted(seen) == sorted(wanted)
    assert pages == 3


def test_a_list_is_taken_away_as_a_spreadsheet(
    hands: Hands, database: Database, readers: MailingList, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that an import reads back; of more people than a sheet has rows it is refused before it begins."""
    url = f"/desk/lists/{readers.id}/file"
    sheet = hands.post(url, {"format": "xlsx"})
    assert sheet.headers["content-disposition"].endswith('.xlsx"')
    lines = [line.cells for line in open_parts(io.BytesIO(sheet.content), "x.xlsx")[0].lines()]  # type: ignore[union-attr]
    assert lines[0][0] == "address"
    assert {line[0] for line in lines[1:]} == {"r0@mail.test", "r1@mail.test"}
    monkeypatch.setattr(export, "ROW_LIMIT", 2)
    assert hands.post(url, {"format": "xlsx"}).status_code == 422
