"""The reader's page over HTTP: where each press leads, what is refused, and that looking changes nothing."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.testclient import TestClient
from lxml import html as lxml_html

from digest import clock
from digest.lists.fresh_links import FreshKind
from digest.lists.goodbye import undo_path
from digest.models import (
    ConsentEvent,
    ConsentNetwork,
    Digest,
    MailingList,
    NetworkRecord,
    Subscriber,
    Subscription,
    SubscriptionStatus,
    TextSize,
    TokenBucket,
    Topic,
)
from digest.tokens import Claim, Purpose
from tests.factories import make_list, make_subscription
from tests.integration.web.reader_hands import Reader, list_id, sunday
from tests.integration.web.test_sign_off import everything

ACTIVE, PAUSED, ENDED = SubscriptionStatus.ACTIVE, SubscriptionStatus.PAUSED, SubscriptionStatus.ENDED


def test_looking_changes_nothing(reader: Reader) -> None:
    """GET and HEAD of every page of a reader, as scanners do it, leave every row as it was."""
    with reader.database.read() as session:
        back = undo_path(reader.signer, session.get_one(Subscription, reader.scene.subscription_id))
    paths = [
        reader.page,
        reader.page + "?do=stop_all&done=paused&was=1",
        f"/u/{reader.scene.token}",
        back,
        *(reader.fresh(kind, address="new@mail.test") for kind in FreshKind),
    ]
    before = everything(reader.database)
    for path in paths * 3:
        assert reader.client.get(path).status_code == 200
        assert reader.client.head(path).status_code == 200
    for path in paths:
        for method in ("PUT", "DELETE", "PATCH", "OPTIONS"):
            assert reader.client.request(method, path).status_code == 405
    assert everything(reader.database) == before


def test_every_press_is_answered_by_its_page_and_can_be_undone(reader: Reader) -> None:
    """Rhythm, pause, larger letters, topics: said in words, taken back by the button beside them."""
    page = reader.press("cadence", sunday(reader))
    assert "as often as you chose" in page
    assert reader.row().cadence_id == sunday(reader)
    reader.undo(page)
    assert reader.row().cadence_id != sunday(reader)

    page = reader.press("pause")
    assert reader.row().status is PAUSED
    reader.undo(page)
    assert reader.row().status is ACTIVE

    reader.undo(reader.press("text", "large"))
    assert reader.person().text_size is TextSize.NORMAL
    reader.press("text", "large")
    assert reader.person().text_size is TextSize.LARGE

    with reader.database.read() as session:
        first = session.scalars(sa.select(Topic.id).order_by(Topic.id)).first()
    page = reader.press("topics", **{f"topic-{first}": "1"})
    assert reader.row().topics == ["arts"]
    reader.undo(page)
    assert reader.row().topics == []
    assert reader.actions() == ["sign_up", "change", "change", "pause", "resume", "change", "change"]


def test_a_pause_ends_on_the_day_that_was_chosen(reader: Reader) -> None:
    """At the beginning of that day where the reader lives; resumed by hand, the undo has the day again."""
    day = (clock.utc_now() + dt.timedelta(days=20)).date()
    page = reader.press("pause_until", day.isoformat())
    assert "Nothing comes until that day." in page
    until = reader.row().paused_until
    assert until == dt.datetime.combine(day, dt.time(), dt.timezone(dt.timedelta(hours=4)))
    reader.undo(reader.press("resume"))
    assert reader.row().paused_until == until


@pytest.mark.parametrize("value", ["", "tomorrow", "2020-01-01", "9999-12-31", "2026-02-30", "x" * 999])
def test_a_day_that_cannot_be_is_said_so(reader: Reader, value: str) -> None:
    """And nothing is changed."""
    assert "This is no day that a pause can last until" in reader.press("pause_until", value)
    assert reader.row().status is ACTIVE


@pytest.mark.parametrize(
    ("do", "value"),
    [
        ("", ""),
        ("erase", ""),
        ("cadence", "999999"),
        ("cadence", "-1"),
        ("cadence", "1 or 1"),
        ("cadence", "٣"),
        ("join", "999999"),
        ("language", "1"),
        ("ask", "new-address"),
        ("ask", "x"),
        ("reason", "because"),
    ],
)
def test_what_the_page_does_not_offer_changes_nothing(reader: Reader, do: str, value: str) -> None:
    """A made-up form is answered by the page, in a sentence; but it was a press of its network."""
    before = everything(reader.database, but="token_buckets")
    assert "That could not be done. Nothing was changed." in reader.press(do, value)
    assert everything(reader.database, but="token_buckets") == before


def test_lists_are_joined_and_left(reader: Reader) -> None:
    """One more list by a press; its undo leaves it; leaving it has an undo that brings it back."""
    other = list_id(reader, "letters")
    page = reader.press("join", other)
    assert "You are on that list too" in page
    reader.undo(page)
    page = reader.press("join", other)
    page = reader.press("leave", other)
    assert "You are no longer on that list" in page
    assert (
        "Everything is as it was"
        in reader.client.get(
            reader.client.post(
                lxml_html.document_fromstring(page).xpath("//div[@role='status']//form/@action")[0]
            ).headers["location"]
        ).text
    )
    assert reader.row().status is ACTIVE
    assert reader.actions() == ["sign_up"]


def test_a_forwarded_mail_says_nothing_of_lists_that_are_not_open(reader: Reader) -> None:
    """Neither the page nor that of whoever left; a guessed number is answered alike, on the list or not."""
    with reader.database.write() as session:
        digest = session.get_one(Digest, session.get_one(MailingList, reader.scene.list_id).digest_id)
        person = session.get_one(Subscriber, reader.scene.subscriber_id)
        donors, staff = (make_list(session, digest, name, title=name.title()) for name in ("donors", "staff"))
        secret = make_subscription(session, donors, person)
    assert "Letters" in reader.client.get(reader.page).text
    before = everything(reader.database, but="token_buckets")
    for do in ("join", "leave"):
        pages = [reader.press(do, each.id) for each in (donors, staff)]
        assert pages[0] == pages[1]
        assert "That could not be done" in pages[0]
        assert "Donors" not in pages[0]
    assert everything(reader.database, but="token_buckets") == before
    assert reader.client.post(f"/u/{reader.scene.token}").status_code == 200
    for path in (reader.page, f"/u/{reader.scene.token}"):
        assert "Donors" not in reader.client.get(path).text
    own = reader.signer.sign(Claim(Purpose.UNSUBSCRIBE, donors.id, person.id))
    assert "Donors" in reader.client.get(f"/u/{own}/page").text
    reader.client.post(f"/u/{own}/page", data={"do": "stop_all"})
    with reader.database.read() as session:
        assert session.get_one(Subscription, secret.id).status is ENDED


def test_the_language_is_changed_and_back(reader: Reader) -> None:
    """The page that it leads to speaks the other language; its undo leads back."""
    page = reader.press("language", list_id(reader, "namakner"))
    assert '<html lang="hy"' in page
    assert reader.row().status is ENDED
    assert '<html lang="en"' in reader.undo(page)
    assert reader.row().status is ACTIVE


@pytest.mark.parametrize(
    ("record", "stays"),
    [(NetworkRecord.FULL, "192.0.2.77"), (NetworkRecord.TRUNCATED, "192.0.2.0/24"), (NetworkRecord.NONE, "")],
)
def test_what_begins_and_ends_by_the_page_keeps_the_network_as_its_list_says(
    app: FastAPI, reader: Reader, record: NetworkRecord, stays: str
) -> None:
    """Of each list the choice of its own: the page's list here keeps nothing, whatever the other one does."""
    other, sister = list_id(reader, "letters"), list_id(reader, "namakner")
    with reader.database.write() as session:
        session.get_one(MailingList, reader.scene.list_id).network_record = NetworkRecord.NONE
        for each in (other, sister):
            session.get_one(MailingList, each).network_record = record
    reader.client = TestClient(app, follow_redirects=False, client=("192.0.2.77", 5000))
    reader.press("join", other)
    back = lxml_html.document_fromstring(reader.press("leave", other))
    reader.client.post(back.xpath("//div[@role='status']//form/@action")[0])
    reader.press("language", sister)
    with reader.database.read() as session:
        rows = session.execute(
            sa.select(Subscription.list_id, ConsentEvent.action, ConsentNetwork.network)
            .join(ConsentEvent, ConsentEvent.subscription_id == Subscription.id)
            .outerjoin(ConsentNetwork, ConsentNetwork.event_id == ConsentEvent.id)
            .order_by(ConsentEvent.id)
        )
        found = [(row.list_id, row.action, row.network or "") for row in rows]
    assert found == [
        (reader.scene.list_id, "sign_up", ""),
        (other, "sign_up", stays),
        (other, "end", stays),
        (other, "revive", stays),
        (sister, "sign_up", stays),
        (reader.scene.list_id, "end", ""),
    ]
    assert reader.actions() == ["sign_up", "end"]


def test_a_network_that_presses_too_much_is_asked_to_wait_and_may_always_leave(
    app: FastAPI, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page in the list's language; nothing changes. Other networks, pausing and leaving are not touched."""
    now = clock.utc_now()
    monkeypatch.setattr(clock, "utc_now", lambda: now)  # or a slow machine would be allowed some more

    def post(network: str, do: str, path: str = reader.page) -> Any:
        client = TestClient(app, follow_redirects=False, client=(f"{network}.7", 5000))
        return client.post(path, data={"do": do})

    assert post("192.0.2", "nothing").status_code == 303
    with reader.database.write() as session:  # nothing fills up while this test runs, however slowly
        session.execute(sa.update(TokenBucket).values(filled_at=clock.utc_now() + dt.timedelta(hours=1)))
    assert [post("192.0.2", "nothing").status_code for _ in range(59)] == [303] * 59
    before = everything(reader.database)
    page = post("192.0.2", "resume")
    assert (page.status_code, page.headers["retry-after"]) == (429, "30")
    assert "One moment, please" in page.text
    assert '<html lang="en"' in page.text
    assert everything(reader.database) == before
    assert post("192.0.3", "resume").status_code == 303
    assert post("192.0.2", "pause").status_code == 303
    assert reader.row().status is PAUSED
    assert post("192.0.2", "stop_all").status_code == 303
    assert reader.row().status is ENDED
    with reader.database.read() as session:
        back = undo_path(reader.signer, session.get_one(Subscription, reader.scene.subscription_id))
    assert post("192.0.2", "", back).status_code == 429
    assert post("192.0.3", "", back).status_code == 303
    assert reader.row().status is PAUSED
