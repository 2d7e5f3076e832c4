"""Subscribers at the desk: found among many, one person's whole story, and what is done for them."""

from __future__ import annotations

import json
from typing import NamedTuple

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.testclient import TestClient

from digest.db import Database
from digest.lists.look_up import find_people, key_bounds
from digest.lists.status import Origin
from digest.lists.suppress import suppress_domain
from digest.models import (
    Account,
    AuditEntry,
    ConsentEvent,
    Subscriber,
    Subscription,
    SubscriptionStatus,
    Suppression,
)
from tests.factories import make_cadence, make_digest, make_list, make_subscriber, make_subscription
from tests.factories.audience import make_readers
from tests.factories.moments import NOW
from tests.integration.web.desk.hands import Hands, signed_in

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>'


class Looking(NamedTuple):
    """An admin, and somebody who is on a list."""

    hands: Hands
    database: Database
    person: int
    subscription: int

    @property
    def url(self) -> str:
        return f"/desk/subscribers/{self.person}"

    def act(self, path: str, status: int = 303, **fields: object) -> str:
        answer = self.hands.post(f"{self.url}/{path}", fields)
        assert answer.status_code == status, answer.text
        return answer.text

    def status(self) -> SubscriptionStatus:
        with self.database.read() as session:
            return session.get_one(Subscription, self.subscription).status


@pytest.fixture
def desk(client: TestClient, database: Database, nare: Account, app: FastAPI) -> Looking:
    address_key = app.state.services.keys.address_key
    with database.write() as session:
        digest = make_digest(session)
        make_cadence(session, digest)
        mailing_list = make_list(session, digest)
        person = make_subscriber(session, "lus@mail.test", name=HOSTILE, address_key=address_key)
        subscription = make_subscription(session, mailing_list, person)
        found = person.id, subscription.id
    return Looking(signed_in(client, database, nare), database, *found)


@pytest.mark.parametrize(
    ("prefix", "lower", "upper"),
    [
        ("ani", "ani", "anj"),
        ("ani.k", "ani", "anj"),
        ("aniz", "aniz", "anj"),
        ("an9", "an9", "ana"),
        ("zz", "zz", None),
        (".ani", "", None),
    ],
)
def test_bounds_hold_in_every_order_of_letters(prefix: str, lower: str, upper: str | None) -> None:
    """They are made of letters and digits alone, which stand in the same order everywhere."""
    assert key_bounds(prefix) == (lower, upper)


def test_people_are_found_page_by_page(database: Database) -> None:
    """By the beginning of the address, whatever signs are in it, by domain, number and list; nobody twice."""
    names = ["ani", "ani.k", "ani-k", "aniz", "anj", "an", "ani9", "ANI_B", "zz", "_ani"]
    with database.write() as session:
        mailing_list = make_list(session, make_digest(session))
        people = make_readers(session, mailing_list, [f"{name}@mail.test" for name in names])
        make_subscriber(session, "other@else.test")
        erased = make_subscriber(session, "anis@mail.test", erased_at=NOW)
        list_id, first = mailing_list.id, people[0].id
        assert erased.id
    with database.read() as session:

        def found(text: str, **wanted: object) -> list[str]:
            seen: list[str] = []
            after = None
            while page := find_people(session, text, after=after, limit=2, **wanted):  # type: ignore[arg-type]
                seen += [row.address.partition("@")[0] for row in page]
                after = page[-1].id
            return seen

        assert sorted(found("Ani")) == ["ANI_B", "ani", "ani-k", "ani.k", "ani9", "aniz"]
        assert found("ani.") == ["ani.k"]
        assert found("z") == ["zz"]
        assert found("_ani@mail.test") == ["_ani"]
        assert found("%") == []
        assert found("@else.test") == ["other"]
        assert found(f"#{first}") == ["ani"]
        assert found("", list_id=list_id) == names[::-1]
        assert found("ani", list_id=list_id, status=SubscriptionStatus.ENDED) == []
        assert len(found("")) == len(names) + 1


def test_one_persons_story_is_told(desk: Looking) -> None:
    """List, consent with its words, and a hostile name as letters alone."""
    page = desk.hands.get(desk.url).text
    assert "lus@mail.test" in page
    assert "signed a card at the fair" in page
    assert "<script>alert(1)" not in page
    found = desk.hands.get("/desk/subscribers?q=LUS@").text
    assert f'href="{desk.url}"' in found
    assert "<script>alert(1)" not in found


def test_somebody_is_ended_by_phone(desk: Looking) -> None:
    """It counts at once, the proof says how and by whom, the trail that it was done; twice does nothing."""
    desk.act("end", 422, subscription=desk.subscription, by="rumour")
    assert desk.status() is SubscriptionStatus.ACTIVE
    for _ in range(2):
        desk.act("end", subscription=desk.subscription, by="phone", reason="moved abroad")
    assert desk.status() is SubscriptionStatus.ENDED
    with desk.database.read() as session:
        event = session.scalars(sa.select(ConsentEvent).order_by(ConsentEvent.id.desc()).limit(1)).one()
        actions = session.scalars(sa.select(AuditEntry.action)).all()
    assert event.details is not None
    assert (event.source, event.details["by"], event.details["clerk"]) == ("desk", "phone", "Nare Saroyan")
    assert event.details["reason"] == "moved abroad"
    assert list(actions).count("subscriber.end") == 1
    page = desk.hands.get(desk.url).text
    assert "moved abroad" in page
    assert "by phone" in page


def test_another_persons_subscription_is_not_theirs(desk: Looking) -> None:
    """The form's number is looked for together with the person in the path."""
    with desk.database.write() as session:
        other = make_subscriber(session).id
    answer = desk.hands.post(
        f"/desk/subscribers/{other}/end", {"subscription": desk.subscription, "by": "phone"}
    )
    assert answer.status_code == 404
    assert desk.status() is SubscriptionStatus.ACTIVE


def test_a_pause_begins_and_ends(desk: Looking) -> None:
    """As the person could do it on their own page."""
    desk.act("pause", subscription=desk.subscription)
    assert desk.status() is SubscriptionStatus.PAUSED
    desk.act("resume", subscription=desk.subscription)
    assert desk.status() is SubscriptionStatus.ACTIVE


def test_nobody_is_mailed_who_must_not_be(desk: Looking) -> None:
    """The address goes on the do-not-mail list and off it; a domain's entry is none of the person's."""
    desk.act("do-not-mail", reason="asked to")
    with desk.database.write() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Suppression)) == 1
        suppress_domain(session, "mail.test", reason="closed", source=Origin.CLI, now=NOW)
    assert "On the do-not-mail list" in desk.hands.get(desk.url).text
    desk.act("mail-again")
    with desk.database.read() as session:
        assert session.scalars(sa.select(Suppression.value)).all() == ["mail.test"]


def test_what_is_known_is_changed(desk: Looking) -> None:
    """What cannot be is said on the page, and nothing of it is kept."""
    fields = {"name": "Lus", "zone": "Asia/Yerevan", "language": "hy", "text_size": "large"}
    wrong = desk.hands.post(desk.url, {**fields, "zone": "Mars/Crater"})
    assert wrong.status_code == 422
    assert "Mars/Crater" in wrong.text
    assert desk.hands.post(desk.url, fields).status_code == 303
    with desk.database.read() as session:
        person = session.get_one(Subscriber, desk.person)
    assert (person.name, person.zone, person.language, person.text_size) == (
        *list(fields.values())[:3],
        "large",
    )


def test_erasing_asks_for_the_address(desk: Looking) -> None:
    """With another one nothing is erased; with theirs the person is gone, and the page says so."""
    desk.act("erase", 422, address="somebody@else.test")
    with desk.database.read() as session:
        assert session.get_one(Subscriber, desk.person).erased_at is None
    desk.act("erase", address=" LUS@mail.test")
    page = desk.hands.get(desk.url).text
    assert "lus@mail.test" not in page
    assert "signed a card" not in page
    assert "Erased:" in page
    assert "was erased" in desk.hands.get("/desk/subscribers?q=lus@mail.test").text
    assert json.loads(desk.act("proof", 200))["person"][0]["address"] is None
    assert desk.hands.post(f"{desk.url}/data").status_code == 404


def test_the_papers_are_handed_out(desk: Looking) -> None:
    """Proof and data are files, and the trail knows that they were taken."""
    assert json.loads(desk.act("proof", 200))["person"][0]["address"] == "lus@mail.test"
    assert json.loads(desk.act("data", 200))["subscriber"]["number"] == desk.person
    with desk.database.read() as session:
        taken = session.scalars(sa.select(AuditEntry.action).order_by(AuditEntry.id)).all()
    assert taken == ["consent.proof", "subscriber.data"]
