"""The reader's page over HTTP: where each press leads, what is refused, and that looking changes nothing."""

from __future__ import annotations

import concurrent.futures
import datetime as dt
import email
import email.policy
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.testclient import TestClient
from lxml import html as lxml_html

from digest import clock, keys
from digest.config import Settings
from digest.db import Database
from digest.lists import consent
from digest.lists.fresh_links import FreshKind, fresh_path, make_fresh_link
from digest.lists.goodbye import undo_path
from digest.models import (
    AuditEntry,
    ConsentEvent,
    ConsentNetwork,
    Digest,
    FreshLink,
    MailingList,
    NetworkRecord,
    Notice,
    Subscriber,
    Subscription,
    SubscriptionStatus,
    TextSize,
    TokenBucket,
    Topic,
)
from digest.tokens import Claim, Purpose
from tests.factories import make_cadence, make_digest, make_list, make_subscription
from tests.factories.moments import NOW
from tests.integration.web.rows import Scene
from tests.integration.web.test_sign_off import ONE_CLICK, everything
from tests.unit.web.test_token_mutants import mutants

ACTIVE, PAUSED, ENDED = SubscriptionStatus.ACTIVE, SubscriptionStatus.PAUSED, SubscriptionStatus.ENDED


def mailed_path(message: bytes, part: str) -> str:
    """The path of the link in a mail that has `part` in it."""
    body = email.message_from_bytes(message, policy=email.policy.default).get_body(("plain",))
    assert body is not None
    return next(urlsplit(line).path for line in body.get_content().splitlines() if part in line)


class Reader:
    """A reader's hands: presses buttons and reads what the page says."""

    def __init__(self, client: TestClient, database: Database, settings: Settings, scene: Scene) -> None:
        self.client, self.database, self.scene = client, database, scene
        self.signer = keys.load(settings.secrets_folder).signer
        self.page = f"/u/{scene.token}/page"

    def press(self, do: str, value: object = "", **fields: str) -> str:
        """Post a form; the text of the page that it leads to."""
        answer = self.client.post(self.page, data={"do": do, "value": str(value), **fields})
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/u/")
        return self.client.get(answer.headers["location"]).text

    def undo(self, page: str) -> str:
        """Press "Undo" on a page; the page that it leads to."""
        (form,) = lxml_html.document_fromstring(page).xpath("//div[@role='status']//form")
        fields = {each.get("name"): each.get("value") for each in form.iter("input")}
        answer = self.client.post(form.get("action"), data=fields)
        assert answer.status_code == 303
        return self.client.get(answer.headers["location"]).text

    def row(self) -> Subscription:
        with self.database.read() as session:
            return session.get_one(Subscription, self.scene.subscription_id)

    def person(self) -> Subscriber:
        with self.database.read() as session:
            return session.get_one(Subscriber, self.scene.subscriber_id)

    def actions(self) -> list[str]:
        """What the chain says, after it was verified."""
        with self.database.read() as session:
            assert [found for _, bad in consent.verify_all(session) for found in bad] == []
            query = sa.select(ConsentEvent.action).where(
                ConsentEvent.subscription_id == self.scene.subscription_id
            )
            return list(session.scalars(query.order_by(ConsentEvent.number)))

    def mails(self) -> list[Notice]:
        with self.database.read() as session:
            return list(session.scalars(sa.select(Notice).order_by(Notice.id)))

    def mailed_path(self) -> str:
        """The link of the newest mail that was asked for, on our own site."""
        return mailed_path(self.mails()[-1].message, "/f/")

    def fresh(self, kind: FreshKind, **details: str) -> str:
        """The path of a fresh link."""
        with self.database.write() as session:
            link = make_fresh_link(
                session, self.scene.subscriber_id, kind, now=clock.utc_now(), details=details
            )
            return fresh_path(self.signer, link, list_id=self.scene.list_id)


@pytest.fixture
def reader(client: TestClient, database: Database, settings: Settings, scene: Scene) -> Reader:
    """A reader of a digest with a daily and a weekly cadence, two topics, a sister and one more list."""
    with database.write() as session:
        digest = session.get_one(Digest, session.get_one(MailingList, scene.list_id).digest_id)
        digest.sister_group = "paper"
        make_cadence(session, digest, "sunday", cron="0 9 * * 0")
        for place, name in enumerate(("arts", "sport")):
            session.add(Topic(digest_id=digest.id, name=name, title=name, position=place, created_at=NOW))
        make_list(session, digest, "letters", title="Letters").is_open = True
        armenian = make_digest(session, sister_group="paper", language="hy")
        make_cadence(session, armenian)
        make_list(session, armenian, "namakner", title="Նամակներ").is_open = True
    return Reader(client, database, settings, scene)


def list_id(reader: Reader, name: str) -> int:
    with reader.database.read() as session:
        return session.scalars(sa.select(MailingList.id).where(MailingList.name == name)).one()


def sunday(reader: Reader) -> int:
    page = lxml_html.document_fromstring(reader.client.get(reader.page).text)
    values: list[str] = page.xpath("//input[@value='cadence']/following-sibling::input/@value")
    return int(values[1])


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


def test_leaving_by_the_page_says_goodbye_and_can_be_taken_back(reader: Reader) -> None:
    """One mail with the way back; the page has it too; a reason is optional and said once."""
    answer = reader.client.post(f"/u/{reader.scene.token}")
    assert answer.status_code == 200
    page = lxml_html.document_fromstring(answer.text)
    assert "Would you tell us why? You need not." in answer.text
    assert [notice.kind for notice in reader.mails()] == ["goodbye"]
    reader.press("reason", "too_many")
    assert "Would you tell us why" not in reader.client.get(reader.page).text
    (path,) = page.xpath("//form[starts-with(@action, '/undo/')]/@action")
    asked = reader.client.get(path)
    assert "Bring back The Morning Post-Bag" in asked.text
    back = reader.client.post(path)
    assert back.status_code == 303
    assert "Everything is as it was" in reader.client.get(back.headers["location"]).text
    again = reader.client.post(path)
    assert "There is nothing to bring back" in reader.client.get(again.headers["location"]).text
    assert reader.actions() == ["sign_up", "end", "change", "revive"]


def test_one_click_gets_no_goodbye_but_the_page_has_the_way_back(reader: Reader) -> None:
    """A mail service's button is answered by a few bytes and no mail."""
    reader.client.post(f"/u/{reader.scene.token}", data=ONE_CLICK)
    assert reader.mails() == []
    assert "/undo/" in reader.client.get(f"/u/{reader.scene.token}").text


def test_stopping_all_ends_every_list_with_one_goodbye(reader: Reader) -> None:
    """And its undo brings all of them back."""
    reader.press("join", list_id(reader, "letters"))
    page = reader.press("stop_all")
    assert "You have left The Morning Post-Bag" in page
    with reader.database.read() as session:
        assert set(session.scalars(sa.select(Subscription.status))) == {ENDED}
    assert len(reader.mails()) == 1
    (path,) = lxml_html.document_fromstring(page).xpath("//form[starts-with(@action, '/undo/')]/@action")
    reader.client.post(path)
    with reader.database.read() as session:
        assert set(session.scalars(sa.select(Subscription.status))) == {ACTIVE}


def test_the_sign_off_page_has_weekly_and_pause_beside_the_button(reader: Reader) -> None:
    """Both post to the reader's page; on the weekly rhythm, there is no "weekly instead"."""
    page = reader.client.get(f"/u/{reader.scene.token}").text
    assert "Weekly instead" in page
    assert "Pause" in page
    reader.press("cadence", sunday(reader))
    assert "Weekly instead" not in reader.client.get(f"/u/{reader.scene.token}").text


def test_my_data_comes_once_by_a_link_that_was_mailed(reader: Reader) -> None:
    """Asked for on the page, mailed to the address on file; the file names the person, the pages do not."""
    address = reader.person().address or ""
    page = reader.press("ask", "data")
    assert "We have sent a mail" in page
    assert address not in page
    assert [notice.address for notice in reader.mails()] == [address]
    path = reader.mailed_path()
    assert address not in reader.client.get(path).text
    answer = reader.client.post(path)
    assert answer.status_code == 200
    assert "attachment" in answer.headers["content-disposition"]
    assert answer.headers["cache-control"] == "no-store"
    assert address in json.dumps(answer.json(), ensure_ascii=False)
    for again in (reader.client.post(path), reader.client.get(path)):
        assert again.status_code == 410
        assert address not in again.text


def test_the_fourth_request_of_a_day_is_not_mailed(reader: Reader) -> None:
    """Three mails, then a sentence."""
    pages = [reader.press("ask", kind) for kind in ("data", "erase", "address", "data")]
    assert "three such mails today" in pages[-1]
    assert len(reader.mails()) == 3


def test_an_address_is_changed_by_both_its_ends(reader: Reader) -> None:
    """The old address's link asks, the new one's acts; the page then shows the new address, masked."""
    reader.press("ask", "address")
    first = reader.mailed_path()
    wrong = reader.client.post(first, data={"address": "not one"})
    assert wrong.status_code == 422
    assert "This is not a mail address" in wrong.text
    answer = reader.client.post(first, data={"address": "new@other.test"})
    assert "Now look into your new mailbox" in answer.text
    assert reader.mails()[-1].address == "new@other.test"
    second = reader.mailed_path()
    assert "n***@other.test" in reader.client.get(second).text
    done = reader.client.post(second)
    assert done.status_code == 303
    assert "n***@other.test" in reader.client.get(done.headers["location"]).text
    assert reader.person().address == "new@other.test"
    assert reader.client.post(first, data={"address": "third@other.test"}).status_code == 410
    assert reader.client.post(second).status_code == 410
    assert reader.actions() == ["sign_up", "address"]


def test_a_taken_address_is_told_to_its_owner_alone(reader: Reader) -> None:
    """The answer at the old address is the same; the new address's page says that nothing was changed."""
    with reader.database.write() as session:
        other = make_subscription(session, session.get_one(MailingList, reader.scene.list_id))
        taken = session.get_one(Subscriber, other.subscriber_id).address or ""
    paths = [reader.fresh(FreshKind.ADDRESS) for _ in range(2)]
    free = reader.client.post(paths[0], data={"address": "free@other.test"})
    same = reader.client.post(paths[1], data={"address": taken})
    assert (free.status_code, free.text) == (same.status_code, same.text)
    path = reader.mailed_path()
    for answer in (reader.client.get(path), reader.client.post(path)):
        assert "This address has a subscription of its own" in answer.text
    assert reader.actions() == ["sign_up"]


@pytest.mark.parametrize("is_open", [True, False])
def test_an_address_that_has_left_is_told_how_to_come_back(reader: Reader, *, is_open: bool) -> None:
    """Never to stop the old one first: it says to sign up, or to write where nobody can."""
    with reader.database.write() as session:
        mailing_list = session.get_one(MailingList, reader.scene.list_id)
        mailing_list.is_open = is_open
        other = make_subscription(session, mailing_list, status=ENDED)
        left, name = session.get_one(Subscriber, other.subscriber_id).address or "", mailing_list.name
    reader.client.post(reader.fresh(FreshKind.ADDRESS), data={"address": left})
    path = reader.mailed_path()
    for answer in (reader.client.get(path), reader.client.post(path)):
        assert answer.status_code == 200
        assert "your mail goes on coming to the old address" in answer.text
        assert "Mail from us comes here already" not in answer.text
        assert ("please write to us" in answer.text) != is_open
        links = lxml_html.document_fromstring(answer.text).xpath("//main//a/@href")
        assert links == ([f"/s/{name}"] if is_open else [])
    if is_open:
        assert reader.client.get(f"/s/{name}").status_code == 200
    assert reader.actions() == ["sign_up"]


def test_erasing_wants_the_word_and_is_for_ever(reader: Reader) -> None:
    """Another word erases nothing. Then: no address anywhere, chains that verify, links that say nothing."""
    address = reader.person().address or ""
    path = reader.fresh(FreshKind.ERASE)
    wrong = reader.client.post(path, data={"word": "yes"})
    assert wrong.status_code == 422
    assert reader.person().address == address
    done = reader.client.post(path, data={"word": " Erase. "})
    assert "You have been erased" in done.text
    assert reader.person().address is None
    assert reader.actions() == ["sign_up", "erase"]
    with reader.database.read() as session:
        (link,) = session.scalars(sa.select(FreshLink))
        assert (link.details, link.used_at is None) == ({}, False)
        (entry,) = session.scalars(sa.select(AuditEntry))
        assert (entry.action, entry.actor, entry.target_kind) == ("subscriber.erase", "reader", "Subscriber")
        assert (entry.target_id, entry.details) == (reader.scene.subscriber_id, {})
    for page in (done, reader.client.get(path), reader.client.post(path, data={"word": "erase"})):
        assert "You have been erased" in page.text
        assert "A code made of your address stays" in page.text
        assert page.status_code == (200 if page is done else 410)
    shown = reader.client.get(reader.page)
    assert (shown.status_code, address in shown.text) == (200, False)
    assert reader.client.post(reader.page, data={"do": "cadence", "value": "1"}).status_code == 404
    with reader.database.read() as session:
        back = undo_path(reader.signer, session.get_one(Subscription, reader.scene.subscription_id))
    assert "There is nothing to bring back" in reader.client.get(back).text
    assert reader.client.post(back).status_code == 303
    assert reader.row().status is ENDED


def test_presses_at_the_same_moment_are_one(reader: Reader) -> None:
    """Of twelve that come at once, one acts: a fresh link gives one file, a leaving is taken back once."""

    def at_once(path: str, **fields: str) -> list[int]:
        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            posts = [pool.submit(reader.client.post, path, data=fields) for _ in range(12)]
            return sorted(post.result().status_code for post in posts)

    assert at_once(reader.fresh(FreshKind.DATA)) == [200] + [410] * 11
    moved = reader.fresh(FreshKind.NEW_ADDRESS, address="new@other.test")
    assert at_once(moved) == [303] + [410] * 11
    assert at_once(reader.page, do="stop_all") == [303] * 12
    with reader.database.read() as session:
        back = undo_path(reader.signer, session.get_one(Subscription, reader.scene.subscription_id))
    assert at_once(back) == [303] * 12
    assert at_once(reader.page, do="ask", value="data") == [303] * 12
    assert reader.actions() == ["sign_up", "address", "end", "revive"]
    # Three requests a day, of which the one above, which was never mailed, is the first.
    kinds = ["moved", "goodbye", *["fresh_link"] * 2]
    assert [notice.kind for notice in reader.mails()] == kinds


_PRESSES = ("pause", "resume")


def test_different_links_of_one_person_at_once_wait_for_each_other(reader: Reader) -> None:
    """Pressed at the same moment, none fails: each is done, or finds that another was."""
    for number in range(6):
        moves = [
            reader.fresh(FreshKind.NEW_ADDRESS, address=f"new{number}-{each}@mail.test") for each in range(3)
        ]
        paths = [*moves, reader.fresh(FreshKind.DATA), reader.fresh(FreshKind.DATA)]
        with concurrent.futures.ThreadPoolExecutor(len(paths) + 2) as pool:
            posts = [pool.submit(reader.client.post, path) for path in paths]
            presses = [pool.submit(reader.client.post, reader.page, data={"do": do}) for do in _PRESSES]
            codes = [post.result().status_code for post in posts]
            assert {press.result().status_code for press in presses} == {303}
        assert sorted(codes[:3]) == [303, 410, 410]
        assert codes[3:] == [200, 200]


def test_the_file_of_ones_data_holds_up_nobody(reader: Reader) -> None:
    """It is made in a transaction that only reads: on SQLite one that writes keeps out all others."""
    scopes: dict[str, set[bool]] = {}

    def _note(connection: sa.Connection, _cursor: object, statement: str, *_: object) -> None:
        writes = bool(connection.get_execution_options().get("digest_write"))
        for table in ("consent_events", "notices", "deliveries", "fresh_links"):
            if table in statement:
                scopes.setdefault(table, set()).add(writes)

    path = reader.fresh(FreshKind.DATA)
    sa.event.listen(sa.Engine, "before_cursor_execute", _note)
    try:
        assert reader.client.post(path).status_code == 200
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", _note)
    assert scopes.pop("fresh_links") == {False, True}  # used up by a short one
    assert scopes == {"consent_events": {False}, "notices": {False}, "deliveries": {False}}


def test_links_that_are_not_ours_say_nothing(reader: Reader) -> None:
    """200 mutants, tokens of every other purpose, and foreign rows: one and the same 404, and no change."""
    before = everything(reader.database)
    scene = reader.scene
    bodies = set()
    wrong = mutants(scene.token, 200)
    for place, token in enumerate(wrong):
        path = ("/u/{}/page", "/undo/{}", "/f/data/{}", "/f/erase/{}")[place % 4].format(quoted(token))
        for answer in (
            reader.client.get(path),
            reader.client.post(path, data={"do": "stop_all", "word": "erase"}),
        ):
            assert answer.status_code == 404, path
            bodies.add(answer.text)
    for purpose in Purpose:
        token = reader.signer.sign(Claim(purpose, scene.list_id, scene.subscriber_id))
        for path, own in (("/u/{}/page", Purpose.UNSUBSCRIBE), ("/undo/{}", Purpose.UNDO)):
            if purpose is not own:
                assert reader.client.post(path.format(token)).status_code == 404
        for kind in FreshKind:
            # Of its own purpose too: there is no such row.
            assert reader.client.post(f"/f/{kind.value}/{token}").status_code == 404
    assert everything(reader.database) == before
    assert len(bodies) <= 2  # ours, and the one for an address that no route has


def quoted(token: str) -> str:
    return token.replace("%", "%25").replace("/", "%2F").replace("\n", "%0A").replace(" ", "%20")


def test_the_page_says_no_more_of_a_person_than_it_must(reader: Reader) -> None:
    """No address, no name, no zone; the masked address alone."""
    with reader.database.write() as session:
        person = session.get_one(Subscriber, reader.scene.subscriber_id)
        person.name, person.attributes = "Ani Reader", {"city": "Watertown"}
        address = person.address or ""
    for path in (reader.page, f"/u/{reader.scene.token}"):
        text = reader.client.get(path).text
        assert address not in text
        assert "r***@mail.test" in text
        assert not [secret for secret in ("Ani", "Watertown") if secret in text]


def test_an_address_bar_that_was_written_by_hand_only_leads_to_buttons(reader: Reader) -> None:
    """Whatever stands behind the question mark: words of ours, and forms that post to this page."""
    hostile: list[dict[str, Any]] = [
        {"done": "<script>", "was": "<script>"},
        {"done": "cadence", "was": '"><script>'},
        {"done": "left", "was": "1"},
        {"done": "left", "was": "9" * 60},
        {"done": "resumed", "was": "9999-99-99"},
        {"done": "topics", "was": "-".join(["1"] * 300)},
        *({"done": code} for code in ("paused", "paused_until", "moved", "mailed", "undone", "reason")),
        {"done": "cadence", "was": "\ud800".encode("utf-8", "replace").decode()},
    ]
    for query in hostile:
        answer = reader.client.get(reader.page, params=query)
        assert answer.status_code == 200
        assert "<script" not in answer.text
        actions = lxml_html.document_fromstring(answer.text).xpath("//form/@action")
        assert set(actions) == {reader.page}
    reader.press("stop_all")
    for query in hostile:
        answer = reader.client.get(reader.page, params=query)
        assert answer.status_code == 200
        actions = lxml_html.document_fromstring(answer.text).xpath("//form/@action")
        assert [action for action in actions if action != reader.page and "/undo/" not in action] == []


def test_the_redirect_shows_nothing_but_what_was_done(reader: Reader) -> None:
    """Its address is our own path, the same token, a code and a number."""
    answer = reader.client.post(reader.page, data={"do": "cadence", "value": str(sunday(reader))})
    parts = urlsplit(answer.headers["location"])
    assert (parts.netloc, parts.path) == ("", reader.page)
    assert set(parse_qs(parts.query)) == {"done", "was"}
