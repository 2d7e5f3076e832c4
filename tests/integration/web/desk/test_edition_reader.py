"""An edition as one of its readers gets it: their size, name and topics; for who may, and nothing is sent."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from digest.addresses import masked
from digest.db import Database
from digest.lists.topics import add_topic
from digest.models import (
    AccountDigest,
    AccountRole,
    Delivery,
    Digest,
    Notice,
    Subscriber,
    Subscription,
    TextSize,
)
from tests.factories import make_account, make_subscriber
from tests.integration.newsroom import make_newsroom
from tests.integration.web.desk.hands import signed_in
from tests.integration.web.desk.test_edition_page import Editing


@pytest.fixture
def desk(client: TestClient, database: Database) -> Editing:
    """An editor at an edition with an intro that names its readers."""
    room = make_newsroom(database)
    posts = {"The harbour": room.publish("The harbour", categories=["Commentary"], body_html="<p>Long.</p>")}
    room.change(Digest, intro="Good morning, %%name%%.")
    with database.write() as session:
        me = make_account(session, role=AccountRole.EDITOR)
        session.add(AccountDigest(account_id=me.id, digest_id=room.digest_id))
        session.execute(sa.update(Subscriber).values(name="Anahit", text_size=TextSize.LARGE))
    return Editing(signed_in(client, database, me), room, room.edition(), posts)


def only_reader(desk: Editing) -> Subscriber:
    with desk.room.database.read() as session:
        return session.scalars(sa.select(Subscriber).where(Subscriber.name == "Anahit")).one()


def seen_as(desk: Editing, number: object) -> str:
    answer = desk.hands.get(f"{desk.url}/preview?as={number}")
    assert answer.status_code == 200
    return answer.text


@pytest.mark.parametrize("is_locked", [False, True])
def test_the_mail_is_theirs_and_no_link_in_it(desk: Editing, *, is_locked: bool) -> None:
    """Name and text size are those of the reader; the way to leave is nobody's; nothing is written."""
    if is_locked:
        desk.room.freeze(desk.edition)
    reader = only_reader(desk)
    page, mail = desk.page, seen_as(desk, reader.id)
    assert "Good morning, Anahit." in mail
    assert "Good morning, Dear reader." in seen_as(desk, "")
    assert mail.replace("Anahit", "") != seen_as(desk, "").replace("Dear reader", "")  # in larger letters
    assert "/u/preview" in mail
    assert "%%" not in mail
    assert masked(reader.address or "") in page
    assert (reader.address or "") not in page
    with desk.room.database.read() as session:
        for table in (Delivery, Notice):
            assert session.scalar(sa.select(sa.func.count()).select_from(table)) == 0


def test_an_editor_sees_it_as_those_who_are_named_alone(desk: Editing) -> None:
    """Not as somebody who does not get it, whether there or not; nor may an editor look anybody up."""
    with desk.room.database.write() as session:
        other = make_subscriber(session, "other@example.org", name="Somebody Else")
    for number in (other.id, 2**40, "x" * 30):
        assert "Somebody Else" not in seen_as(desk, number)
    assert "does not go to them" in seen_as(desk, other.id)
    assert desk.hands.post(f"{desk.url}/as", {"address": "other@example.org"}).status_code == 403


def test_an_admin_looks_a_reader_up(client: TestClient, database: Database, desk: Editing) -> None:
    """Whoever gets it is found by their address, and the page shows their mail; nobody else is."""
    reader = only_reader(desk)
    with database.write() as session:
        boss = make_account(session, role=AccountRole.ADMIN)
        make_subscriber(session, "other@example.org")
    at_desk = desk._replace(hands=signed_in(client, database, boss))
    answer = at_desk.hands.post(f"{desk.url}/as", {"address": reader.address})
    assert answer.headers["location"] == f"{desk.url}?as={reader.id}"
    page = at_desk.hands.get(answer.headers["location"]).text
    assert f"&amp;as={reader.id}" in page
    assert f"/desk/subscribers/{reader.id}" in page
    for address in ("other@example.org", "nobody@example.org", "not an address"):
        answer = at_desk.hands.post(f"{desk.url}/as", {"address": address})
        assert answer.headers["location"] == desk.url
        assert "Nobody with this address" in at_desk.page


def test_topics_leave_out_what_they_did_not_choose(desk: Editing) -> None:
    """A reader of one topic sees its stories; one of a topic without stories gets no mail."""
    desk.room.publish("A match", hours=2, categories=["Sport"])
    desk.room.publish("A play", hours=3, categories=["Culture"])
    with desk.room.database.write() as session:
        digest = session.get_one(Digest, desk.room.digest_id)
        for name in ("Sport", "Culture"):
            add_topic(session, digest, name=name.lower(), title=name, sections=[name], now=desk.room.now)
        session.execute(sa.update(Subscription).values(topics=["sport"]))
    mail = seen_as(desk, only_reader(desk).id)
    assert "A match" in mail
    assert "A play" not in mail
    assert "A play" in seen_as(desk, "")
    desk.room.change(Digest, recent_least=1)
    with desk.room.database.write() as session:
        add_topic(session, digest, name="chess", title="Chess", sections=["Chess"], now=desk.room.now)
        session.execute(sa.update(Subscription).values(topics=["chess"]))
    assert "too few of its stories" in seen_as(desk, only_reader(desk).id)
