"""Lists at the desk: made, opened, changed, and the form for the paper's own site."""

from __future__ import annotations

import csv
import html
import io

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from digest.db import Database
from digest.models import (
    Account,
    AccountRole,
    AuditEntry,
    MailingList,
    Notice,
    OptIn,
    Suppression,
    Transport,
)
from tests.factories import make_account, make_cadence, make_digest, make_list
from tests.factories.audience import ADDRESS_KEY, make_readers
from tests.factories.moments import NOW
from tests.integration.web.desk.hands import Hands, signed_in


@pytest.fixture
def hands(client: TestClient, database: Database, nare: Account) -> Hands:
    return signed_in(client, database, nare)


def a_list(database: Database, address_key: bytes = ADDRESS_KEY) -> int:
    with database.write() as session:
        digest = make_digest(session)
        make_cadence(session, digest)
        mailing_list = make_list(session, digest, name="readers")
        make_readers(
            session, mailing_list, [f"r{number}@mail.test" for number in range(3)], address_key=address_key
        )
        return mailing_list.id


def found(database: Database) -> MailingList:
    with database.read() as session:
        return session.scalars(sa.select(MailingList)).one()


FIELDS = {
    "title": "The Courier",
    "opt_in": "double",
    "uncertain": "hold",
    "network": "truncated",
    "days": "365",
    "origins": "https://courier.example\nhttps://www.courier.example/",
}


def test_a_list_is_made(hands: Hands, database: Database) -> None:
    """It begins closed and empty; a name that cannot be is said on the form, with what was typed."""
    assert "There is no list yet" in hands.get("/desk/lists").text
    with database.write() as session:
        digest = make_digest(session).id
    fields = {"digest": str(digest), "title": "The Courier by mail", "name": "Not a name!"}
    wrong = hands.post("/desk/lists/new", fields)
    assert wrong.status_code == 422
    assert 'value="The Courier by mail"' in wrong.text
    made = hands.post("/desk/lists/new", {**fields, "name": "readers"})
    assert made.headers["location"] == f"/desk/lists/{found(database).id}"
    assert not found(database).is_open
    page = hands.get("/desk/lists").text
    assert "The Courier by mail" in page
    with database.read() as session:
        assert session.scalars(sa.select(AuditEntry.action)).all() == ["list.create"]


def test_an_open_list_gives_its_form_to_copy(hands: Hands, database: Database) -> None:
    """As text, whole; closing it says how many stay, and takes the form away."""
    url = f"/desk/lists/{a_list(database)}"
    assert "form-code" not in hands.get(url).text
    hands.post(f"{url}/open", {"open": "1"})
    page = hands.get(url).text
    assert '<form method="post" action="http' in html.unescape(page)
    assert "/s/readers&#34;" in page
    assert "The 3 people on it stay on it" in page
    hands.post(f"{url}/open", {"open": "0"})
    assert "form-code" not in hands.get(url).text


def test_settings_are_saved_or_said_to_be_wrong(hands: Hands, database: Database) -> None:
    """A wrong site changes nothing; sign-ups that count at once are asked about twice."""
    url = f"/desk/lists/{a_list(database)}"
    wrong = hands.post(url, {**FIELDS, "origins": "no site"})
    assert wrong.status_code == 422
    assert "no site" in wrong.text
    assert hands.post(url, {**FIELDS, "opt_in": "single"}).status_code == 422
    assert found(database).title != "The Courier"
    assert hands.post(url, {**FIELDS, "opt_in": "single", "sure": "1"}).status_code == 303
    row = found(database)
    assert (row.title, row.opt_in) == ("The Courier", OptIn.SINGLE)
    assert row.form_origins == ["https://courier.example", "https://www.courier.example"]


def test_the_do_not_mail_list_is_kept(hands: Hands, database: Database) -> None:
    """An address is there as a mark alone; it is taken off by being typed, and so is a domain."""
    url = "/desk/do-not-mail"
    assert "The do-not-mail list is empty" in hands.get(url).text
    assert hands.post(url, {"target": "no address @", "cause": "never"}).status_code == 422
    for target in ("ani@mail.test", "old.test"):
        assert hands.post(url, {"target": target, "cause": "legal", "reason": "court"}).status_code == 303
    page = hands.get(url).text
    assert "old.test" in page
    assert "ani@mail.test" not in page
    assert "old.test" not in hands.get(f"{url}?kind=address").text
    assert "old.test" in hands.post(f"{url}/file").text
    assert hands.post(f"{url}/off", {"off": "new.test"}).status_code == 422
    for target in ("ani@mail.test", "old.test"):
        assert hands.post(f"{url}/off", {"off": target}).status_code == 303
    with database.read() as session:
        assert session.scalars(sa.select(Suppression)).all() == []
        actions = session.scalars(sa.select(AuditEntry.action)).all()
    assert (actions.count("suppression.add"), actions.count("suppression.remove")) == (2, 2)


def test_a_list_is_taken_away_and_others_are_told(hands: Hands, database: Database) -> None:
    """As CSV; the other admins get a mail that says who it was, and the trail has it."""
    url = f"/desk/lists/{a_list(database)}"
    with database.write() as session:
        session.add(
            Transport(name="relay", host="mail.example", port=587, secret_name="relay", created_at=NOW)
        )
        make_account(session, "lus@courier.example", role=AccountRole.ADMIN)
        make_account(session, "aram@courier.example")
    assert "The 1 other admin is told by mail" in hands.get(url).text
    rows = list(csv.DictReader(io.StringIO(hands.post(f"{url}/file", {"status": "active"}).text)))
    assert [row["address"] for row in rows] == [f"r{number}@mail.test" for number in range(3)]
    with database.read() as session:
        notice = session.scalars(sa.select(Notice)).one()
        entry = session.scalars(sa.select(AuditEntry)).one()
    assert notice.address == "lus@courier.example"
    assert "Nare Saroyan has taken" in notice.message.decode()
    assert (entry.action, entry.details["told"]) == ("list.export", 1)
