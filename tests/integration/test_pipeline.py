"""From a feed to an inbox: the real flows, a real site, a real mail server, on both databases."""

from __future__ import annotations

import datetime as dt
import email
import email.policy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

import pytest
import sqlalchemy as sa

from digest import clock, keys
from digest.db import Database
from digest.deliveries.group import Sender
from digest.deliveries.handover import go_on
from digest.deliveries.journals import open_journal
from digest.deliveries.plan import plan
from digest.deliveries.send import send_batch
from digest.deliveries.write import Writer
from digest.editions.cadences import add_extra
from digest.editions.digests import use_sources
from digest.editions.freeze import FreezeSettings, freeze
from digest.mail.smtp_client import SmtpTransport
from digest.mail.transport import Endpoint, Security
from digest.models import (
    Batch,
    Cadence,
    Delivery,
    DeliveryStatus,
    Digest,
    Edition,
    EditionState,
    FeaturedBy,
    Post,
    Reason,
    Subscriber,
    Subscription,
    TextSize,
)
from digest.net.http import Fetcher
from digest.sources.catalogue import add_source
from digest.sources.collect import collect
from digest.tokens import Purpose
from tests.factories import make_cadence, make_digest, make_list, make_subscriber, make_subscription
from tests.feeds import FeedPost, rss
from tests.servers.news_site import NewsSite, Page
from tests.servers.smtp import JudgeServer

INTERVAL = dt.timedelta(minutes=15)
PUBLIC_URL = "https://digest.courier.example"


@dataclass
class World:
    """One newsroom: its site, its mail service, its digest."""

    database: Database
    site: NewsSite
    judge: JudgeServer
    fetcher: Fetcher
    sender: Sender
    made: keys.Keys
    digest: Digest
    cadence: Cadence
    source_id: int

    def publish(self, *posts: FeedPost) -> None:
        """What the site's feed holds from now on."""
        body = rss(posts, site=self.site.url("").rstrip("/"))
        self.site.put("/feed/", Page(body=body, content_type="application/rss+xml"))

    def collect(self) -> None:
        collect(self.database, self.source_id, self.fetcher, interval=INTERVAL, now=clock.utc_now())

    def add_reader(self, address: str, **values: object) -> tuple[Subscriber, Subscription]:
        with self.database.write() as session:
            reader = make_subscriber(session, address, address_key=self.made.address_key, **values)
            return reader, make_subscription(session, make_list_once(self, session), reader)

    def come_out(self) -> Edition:
        """An extra edition, from its freeze to its last reply."""
        now = clock.utc_now()
        with self.database.write() as session:
            edition_id = add_extra(session, self.cadence, due_at=now, actor="test", now=now).id
        freeze(
            self.database,
            edition_id,
            FreezeSettings(self.fetcher, PUBLIC_URL, None, INTERVAL, dt.timedelta(minutes=2)),
        )
        with self.database.write() as session:
            plan(session, edition_id, now=clock.utc_now())
            go_on(session, now=clock.utc_now())
        self.send(edition_id)
        with self.database.read() as session:
            return session.get_one(Edition, edition_id)

    def send(self, edition_id: int) -> None:
        with self.database.read() as session:
            batches = session.scalars(sa.select(Batch.id).where(Batch.edition_id == edition_id)).all()
        for batch_id in batches:
            send_batch(self.database, batch_id, self.sender, lease_seconds=60, stop=lambda: False)
        with self.database.write() as session:
            go_on(session, now=clock.utc_now())

    def mail(self, address: str) -> EmailMessage:
        """The one message that an address received."""
        (found,) = [message for message in self.judge.messages if address in message.recipients]
        parsed = email.message_from_bytes(found.raw, policy=email.policy.default)
        assert isinstance(parsed, EmailMessage)
        return parsed


def make_list_once(world: World, session: object) -> object:
    from digest.models import MailingList

    found = session.scalar(sa.select(MailingList).where(MailingList.digest_id == world.digest.id))  # type: ignore[attr-defined]
    return found or make_list(session, world.digest, "readers")  # type: ignore[arg-type]


@pytest.fixture
def world(database: Database, tmp_path: Path) -> Iterator[World]:
    """A newsroom with one digest, that features its commentaries."""
    keys.make_missing(tmp_path / "secrets")
    made = keys.load(tmp_path / "secrets")
    now = clock.utc_now()
    with NewsSite() as site, JudgeServer() as judge, Fetcher([site.host]) as fetcher:
        transport = SmtpTransport(Endpoint(host="127.0.0.1", port=judge.port, security=Security.NONE))
        journal, journal_id = open_journal(database, tmp_path / "journals", worker="test", now=now)
        writer = Writer(database, made, PUBLIC_URL)
        with database.write() as session:
            digest = make_digest(
                session,
                "courier",
                featured_by=FeaturedBy.CATEGORY,
                featured_value="Commentary",
                home_url="https://courier.example/",
            )
            cadence = make_cadence(session, digest, is_running=False)
            source = add_source(
                session, site.url("/feed/"), backlog=dt.timedelta(days=7), actor="test", now=now
            )
            use_sources(session, digest, [source], actor="test", now=now)
        yield World(
            database=database,
            site=site,
            judge=judge,
            fetcher=fetcher,
            sender=Sender(journal, journal_id, transport, 1, writer),
            made=made,
            digest=digest,
            cadence=cadence,
            source_id=source.id,
        )
        transport.close()
        journal.close()


def _ago(hours: float) -> dt.datetime:
    return clock.utc_now() - dt.timedelta(hours=hours)


def test_brings_a_post_from_the_site_to_the_inbox(world: World) -> None:
    """The commentary is featured whole, the headline stands below, each reader gets one mail of their own."""
    world.publish(
        FeedPost(1, "Why we keep the reading room", _ago(5), category="Commentary"),
        FeedPost(2, "A bridge is mended", _ago(2)),
    )
    world.add_reader("ani@mail.test", name="Ani")
    world.add_reader("bob@mail.test", text_size=TextSize.LARGE)

    edition = world.come_out()

    assert edition.state is EditionState.SENT
    assert edition.reason is Reason.ALL_SERVED
    assert len(world.judge.messages) == 2
    ani, bob = world.mail("ani@mail.test"), world.mail("bob@mail.test")
    assert "Why we keep the reading room" in ani["Subject"]
    html = ani.get_body(("html",)).get_content()
    text = ani.get_body(("plain",)).get_content()
    for part in (html, text):
        assert "Why we keep the reading room" in part
        assert "A bridge is mended" in part
        assert "Forty people came." in part
        assert "%%" not in part
    assert "1 Mill Lane" in html
    assert ani["Message-ID"] != bob["Message-ID"]
    # The larger text is another rendering of the same content.
    assert bob.get_body(("html",)).get_content() != html
    assert "A bridge is mended" in bob.get_body(("html",)).get_content()


def test_gives_each_reader_a_link_that_names_them_alone(world: World) -> None:
    """The sign-off link of a mail checks out for its reader and its list, in the header and in the body."""
    world.publish(FeedPost(1, "One story", _ago(1)))
    people = dict(world.add_reader(f"reader{number}@mail.test") for number in range(5))

    world.come_out()

    for reader, subscription in people.items():
        assert reader.address is not None
        mail = world.mail(reader.address)
        link = str(mail["List-Unsubscribe"]).strip("<>")
        assert link.startswith(f"{PUBLIC_URL}/u/")
        claim = world.made.signer.check(link.rpartition("/")[2], Purpose.UNSUBSCRIBE)
        assert (claim.list_id, claim.subscriber_id) == (subscription.list_id, reader.id)
        assert link in mail.get_body(("html",)).get_content()
        assert link in mail.get_body(("plain",)).get_content()
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    # The same for each reader: what Gmail counts by must name nobody.
    (feedback,) = {str(world.mail(str(reader.address))["Feedback-ID"]) for reader in people}
    assert re.fullmatch(r"e\d+:c-[a-z0-9-]+:d-[a-z0-9-]+:[a-z0-9-]{5,15}", feedback)


def test_never_sends_a_post_twice_and_skips_when_nothing_is_new(world: World) -> None:
    """The second edition has only the new post; the third is skipped and says why; nobody is mailed."""
    first = FeedPost(1, "One story", _ago(3))
    world.publish(first)
    world.add_reader("ani@mail.test")
    assert world.come_out().state is EditionState.SENT

    world.publish(FeedPost(2, "Another story", _ago(0.1)), first)
    _let_sources_age(world.database)
    assert world.come_out().state is EditionState.SENT
    html = _html(world.judge.messages[-1].raw)
    assert "Another story" in html
    assert "One story" not in html

    _let_sources_age(world.database)
    third = world.come_out()
    assert (third.state, third.reason) == (EditionState.SKIPPED, Reason.NOTHING_NEW)
    assert len(world.judge.messages) == 2


def test_says_when_its_sources_are_down(world: World) -> None:
    """A site that fails leaves a fault on the source and no blank edition."""
    world.site.put("/feed/", Page(status=503))
    world.add_reader("ani@mail.test")
    edition = world.come_out()
    assert (edition.state, edition.reason) == (EditionState.SKIPPED, Reason.SOURCES_DOWN)
    assert world.judge.messages == []


def test_mails_nobody_who_paused_left_or_must_not_be_mailed(world: World) -> None:
    """The plan takes active people alone; who leaves between plan and send is skipped."""
    from digest.lists import subscribe
    from digest.lists.status import Origin
    from digest.lists.suppress import suppress_domain

    world.publish(FeedPost(1, "One story", _ago(1)))
    world.add_reader("stays@mail.test")
    _, paused = world.add_reader("pauses@mail.test")
    _, late = world.add_reader("leaves-late@mail.test")
    world.add_reader("barred@barred.example")
    now = clock.utc_now()
    how = {"source": Origin.CLI, "actor": "test", "now": now}
    with world.database.write() as session:
        subscribe.pause(session, session.merge(paused), **how)  # type: ignore[arg-type]
        suppress_domain(session, "barred.example", reason="asked", source=Origin.CLI, now=now)
        edition_id = add_extra(session, world.cadence, due_at=now, actor="test", now=now).id
    settings = FreezeSettings(world.fetcher, PUBLIC_URL, None, INTERVAL, dt.timedelta(minutes=2))
    freeze(world.database, edition_id, settings)
    with world.database.write() as session:
        assert plan(session, edition_id, now=now) == 2
        go_on(session, now=clock.utc_now())
        subscribe.end(session, session.merge(late), reason="asked to", **how)  # type: ignore[arg-type]

    world.send(edition_id)

    assert [message.recipients for message in world.judge.messages] == [("stays@mail.test",)]
    with world.database.read() as session:
        statuses = session.scalars(sa.select(Delivery.status)).all()
    assert sorted(statuses) == [DeliveryStatus.SENT, DeliveryStatus.SKIPPED]


def test_plans_with_the_same_number_of_statements_for_any_audience(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five people or a hundred in several batches: planning asks the database as often."""
    monkeypatch.setattr("digest.deliveries.plan.BATCH_SIZE", 50)
    world.publish(FeedPost(1, "One story", _ago(1)), FeedPost(2, "Two stories", _ago(1)))
    counts = []
    for people in (5, 120):
        with world.database.write() as session:
            mailing_list = make_list_once(world, session)
            for number in range(people):
                make_subscription(
                    session, mailing_list, make_subscriber(session, f"p{people}-{number}@mail.test")
                )
            now = clock.utc_now()
            edition_id = add_extra(session, world.cadence, due_at=now, actor="test", now=now).id
        settings = FreezeSettings(world.fetcher, PUBLIC_URL, None, INTERVAL, dt.timedelta(minutes=2))
        freeze(world.database, edition_id, settings)
        asked: list[str] = []
        sa.event.listen(
            world.database.engine, "before_cursor_execute", lambda *args, asked=asked: asked.append(args[2])
        )
        with world.database.write() as session:
            plan(session, edition_id, now=now)
        counts.append(len(asked))
        asked.clear()
        with world.database.read() as session:
            batches = session.scalars(
                sa.select(sa.func.count()).select_from(Batch).where(Batch.edition_id == edition_id)
            ).one()
            planned = session.scalars(
                sa.select(sa.func.count()).select_from(Delivery).where(Delivery.edition_id == edition_id)
            ).one()
        assert batches == -(-planned // 50)
    assert counts[0] == counts[1]


def test_stores_a_post_once_that_stands_in_two_feeds(world: World) -> None:
    """The feed of a section carries the same posts as the main one: they are one story."""
    post = FeedPost(1, "One story", _ago(1))
    world.publish(post)
    site = world.site.url("").rstrip("/")
    world.site.put("/section/feed/", Page(body=rss([post], site=site), content_type="application/rss+xml"))
    now = clock.utc_now()
    with world.database.write() as session:
        other = add_source(
            session, world.site.url("/section/feed/"), backlog=dt.timedelta(days=7), actor="test", now=now
        )
    world.collect()
    collect(world.database, other.id, world.fetcher, interval=INTERVAL, now=now)
    with world.database.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Post)) == 1


def _html(data: bytes) -> str:
    parsed = email.message_from_bytes(data, policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)
    body = parsed.get_body(("html",))
    assert body is not None
    content = body.get_content()
    assert isinstance(content, str)
    return content


def _let_sources_age(database: Database) -> None:
    """So that the freeze does not take its sources for fresh."""
    from digest.models import Source

    with database.write() as session:
        session.execute(sa.update(Source).values(last_fetch_at=clock.utc_now() - dt.timedelta(hours=1)))
