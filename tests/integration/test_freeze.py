"""The freeze and what comes after it: every state with its reason, and a sentence for each."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from digest import clock
from digest.db import Database
from digest.deliveries.handover import go_on
from digest.deliveries.plan import plan
from digest.editions.cadences import add_extra
from digest.editions.digests import use_sources
from digest.editions.freeze import FreezeSettings, freeze
from digest.editions.progress import enqueue_freezes, enqueue_plans, skip_past_grace
from digest.editions.reasons import SENTENCES, STATES, sentence, state_name
from digest.editions.states import ALLOWED, move
from digest.errors import StateError
from digest.i18n import LANGUAGES, translator
from digest.lists.attributes import add_attribute
from digest.mail.prepared import PreparedMail
from digest.models import (
    AttributeKind,
    Batch,
    Cadence,
    Delivery,
    Digest,
    Edition,
    EditionState,
    FeaturedBy,
    Item,
    Post,
    Reason,
    Revision,
    Role,
    SentItem,
    Source,
    TextSize,
    Variant,
)
from digest.net.http import Fetcher
from digest.queueing.names import TaskName
from digest.rendering.digest_email import MAX_HTML_BYTES
from digest.sources.catalogue import add_source
from tests.factories import make_cadence, make_digest, make_list, make_subscriber, make_subscription
from tests.feeds import FeedPost, rss
from tests.integration import hints
from tests.integration.arrivals import make_arrivals
from tests.servers.news_site import NewsSite, Page

UPCOMING, FROZEN, HELD = EditionState.UPCOMING, EditionState.FROZEN, EditionState.HELD
SKIPPED, SENDING, SENT = EditionState.SKIPPED, EditionState.SENDING, EditionState.SENT
LEAD = dt.timedelta(minutes=2)


@dataclass
class Room:
    """A digest with one source and one cadence that no scheduler runs."""

    database: Database
    site: NewsSite
    fetcher: Fetcher
    digest_id: int
    cadence_id: int

    def publish(self, *posts: FeedPost) -> None:
        """What the feed holds from now on, fetched anew by the next freeze."""
        body = rss(posts, site=self.site.url("").rstrip("/"))
        self.site.put("/feed/", Page(body=body))
        with self.database.write() as session:
            session.execute(sa.update(Source).values(last_fetch_at=None))

    def change(self, **values: object) -> None:
        """Change the digest's settings."""
        with self.database.write() as session:
            session.execute(sa.update(Digest).values(**values))

    def edition(self, *, due: dt.datetime | None = None) -> int:
        """An extra edition; its id."""
        now = clock.utc_now()
        with self.database.write() as session:
            cadence = session.get_one(Cadence, self.cadence_id)
            return add_extra(session, cadence, due_at=due or now, actor="test", now=now).id

    def freeze(self, edition_id: int, *, templates: Path | None = None) -> EditionState | None:
        settings = FreezeSettings(
            self.fetcher, "https://digest.courier.example", templates, dt.timedelta(minutes=15), LEAD
        )
        return freeze(self.database, edition_id, settings)

    def plan(self, edition_id: int) -> int:
        with self.database.write() as session:
            return plan(session, edition_id, now=clock.utc_now())

    def go_on(self, *, later: dt.timedelta = dt.timedelta(0)) -> None:
        with self.database.write() as session:
            go_on(session, now=clock.utc_now() + later)

    def add_reader(self) -> None:
        with self.database.write() as session:
            mailing_list = make_list(session, session.get_one(Digest, self.digest_id))
            make_subscription(session, mailing_list, make_subscriber(session))

    def get(self, edition_id: int) -> Edition:
        with self.database.read() as session:
            return session.get_one(Edition, edition_id)

    def why(self, edition_id: int) -> tuple[EditionState, Reason | None]:
        found = self.get(edition_id)
        return found.state, found.reason

    def titles(self, edition_id: int) -> list[str]:
        """The stories of an edition's revision, in order."""
        with self.database.read() as session:
            revision = session.get_one(Edition, edition_id).revision_id
            rows = session.scalars(
                sa.select(Item.story).where(Item.revision_id == revision).order_by(Item.position)
            )
            return [story["title"] for story in rows]

    def count(self, table: type) -> int:
        with self.database.read() as session:
            return session.scalar(sa.select(sa.func.count()).select_from(table)) or 0


@pytest.fixture
def room(database: Database) -> Iterator[Room]:
    """A newsroom whose site can be read."""
    now = clock.utc_now()
    # What is logged is kept, not shown: showing the trace of an error takes longer than the rest of a test.
    with capture_logs(), NewsSite() as site, Fetcher([site.host]) as fetcher:
        with database.write() as session:
            digest = make_digest(
                session, featured_by=FeaturedBy.CATEGORY, featured_value="Commentary", recent_least=0
            )
            cadence = make_cadence(session, digest, is_running=False)
            source = add_source(
                session, site.url("/feed/"), backlog=dt.timedelta(days=7), actor="test", now=now
            )
            use_sources(session, digest, [source], actor="test", now=now)
        yield Room(database, site, fetcher, digest.id, cadence.id)


def post(number: int, title: str = "", *, hours: float = 2, **values: str) -> FeedPost:
    """A story of some hours ago."""
    return FeedPost(number, title or f"Story {number}", clock.utc_now() - dt.timedelta(hours=hours), **values)


# --- what the freeze fixes


def test_it_fixes_stories_and_variants(room: Room) -> None:
    """One revision with its items in order, one rendering for each text size that somebody reads."""
    room.publish(post(1, "A commentary", category="Commentary"), post(2, hours=1), post(3, hours=3))
    room.add_reader()
    edition_id = room.edition()
    assert room.freeze(edition_id) is FROZEN
    assert room.why(edition_id) == (FROZEN, None)
    assert room.titles(edition_id) == ["A commentary", "Story 2", "Story 3"]
    with room.database.read() as session:
        assert session.scalars(sa.select(Item.role).order_by(Item.position)).all() == [
            Role.FEATURED,
            Role.RECENT,
            Role.RECENT,
        ]
        assert session.scalars(sa.select(Variant.text_size)).all() == [TextSize.NORMAL]


def test_it_freezes_once(room: Room) -> None:
    """A second hint at it, or a late one, changes nothing; an unknown id neither."""
    room.publish(post(1))
    edition_id = room.edition()
    assert room.freeze(edition_id) is FROZEN
    room.publish(post(2), post(1))
    assert room.freeze(edition_id) is None
    assert room.freeze(99_999) is None
    assert room.count(Revision) == 1
    assert room.titles(edition_id) == ["Story 1"]


def test_what_is_frozen_does_not_move(room: Room) -> None:
    """The site corrects a story and the digest changes its title: the revision stays, byte for byte."""
    room.publish(post(1, "As it was"))
    edition_id = room.edition()
    room.freeze(edition_id)

    def fixed() -> list[tuple[object, ...]]:
        with room.database.read() as session:
            of_edition = (
                sa.select(
                    Variant.mail, Variant.html, Variant.fingerprint, Revision.web_html, Revision.fingerprint
                )
                .join(Revision, Revision.id == Variant.revision_id)
                .where(Revision.edition_id == edition_id)
            )
            return [tuple(row) for row in session.execute(of_edition)]

    before = fixed()
    room.publish(post(1, "As it is now"))
    room.change(title="Another name")
    other = room.edition()
    room.freeze(other)
    assert room.titles(other) == ["As it is now"]
    assert fixed() == before
    assert len(before) == 1


def test_a_worker_is_told_to_plan_when_the_slot_is_near(room: Room) -> None:
    """Within the plan's lead at once; else the tick does it when it has come."""
    room.publish(post(1))
    near, far = room.edition(), room.edition(due=clock.utc_now() + dt.timedelta(minutes=5))
    hints.taken()
    room.freeze(near)
    room.freeze(far)
    assert hints.taken() == [(TaskName.PLAN, [near])]
    with room.database.write() as session:
        assert enqueue_plans(session, plan_lead=LEAD, now=clock.utc_now() + dt.timedelta(minutes=4)) == [
            near,
            far,
        ]
    with room.database.write() as session:
        # Told a moment ago, and it may be at it.
        assert enqueue_plans(session, plan_lead=LEAD, now=clock.utc_now() + dt.timedelta(minutes=4)) == []


def test_an_upcoming_edition_is_told_when_its_lead_begins(room: Room) -> None:
    """Ten minutes before its slot, once, and again only when nothing has come of it for a minute."""
    now = clock.utc_now()
    edition_id = room.edition(due=now + dt.timedelta(minutes=30))

    def told(minutes: float) -> list[int]:
        with room.database.write() as session:
            return enqueue_freezes(session, now=now + dt.timedelta(minutes=minutes))

    assert told(19) == []
    assert told(20.1) == [edition_id]
    assert told(20.2) == []
    assert told(21.2) == [edition_id]


# --- skipped, with the reason


def test_nothing_new(room: Room) -> None:
    """The site has nothing that this cadence has not sent."""
    room.publish()
    edition_id = room.edition()
    assert room.freeze(edition_id) is SKIPPED
    assert room.why(edition_id) == (SKIPPED, Reason.NOTHING_NEW)
    assert room.count(Revision) == 0


def test_too_few_stories(room: Room) -> None:
    """The digest asks for three headlines, there is one: it waits for the next edition and stays news."""
    room.publish(post(1))
    room.change(recent_least=3)
    first = room.edition()
    assert room.freeze(first) is SKIPPED
    assert room.why(first) == (SKIPPED, Reason.TOO_FEW_STORIES)
    room.publish(post(3, hours=0.5), post(2), post(1))
    second = room.edition()
    assert room.freeze(second) is FROZEN
    assert len(room.titles(second)) == 3


def test_sources_down(room: Room) -> None:
    """Nothing new is known because nothing could be read: that is another thing than no news."""
    room.site.put("/feed/", Page(status=500))
    edition_id = room.edition()
    assert room.freeze(edition_id) is SKIPPED
    assert room.why(edition_id) == (SKIPPED, Reason.SOURCES_DOWN)


def test_no_readers(room: Room) -> None:
    """An edition that nobody is to get is skipped when its audience is fixed; its stories stay news."""
    room.publish(post(1))
    edition_id = room.edition()
    room.freeze(edition_id)
    assert room.plan(edition_id) == 0
    assert room.why(edition_id) == (SKIPPED, Reason.NO_READERS)
    room.add_reader()
    second = room.edition()
    assert room.freeze(second) is FROZEN
    assert room.titles(second) == ["Story 1"]


@pytest.mark.parametrize("state", [UPCOMING, FROZEN])
def test_past_grace(room: Room, state: EditionState) -> None:
    """Whatever it waits for, an edition does not wait for ever: after its grace it is skipped."""
    now = clock.utc_now()
    edition_id = room.edition()
    with room.database.write() as session:
        if state is not UPCOMING:
            move(session, session.get_one(Edition, edition_id), state, now=now, reason=Reason.TOO_LARGE)
        assert skip_past_grace(session, now=now + dt.timedelta(hours=2, minutes=59)) == 0
        assert skip_past_grace(session, now=now + dt.timedelta(hours=3, minutes=1)) == 1
        assert skip_past_grace(session, now=now + dt.timedelta(hours=3, minutes=1)) == 0
    assert room.why(edition_id) == (SKIPPED, Reason.PAST_GRACE)


# --- held, with the reason


def test_no_postal_address(room: Room) -> None:
    """Every mail must carry one (CAN-SPAM): the edition is held, and goes on when it is given."""
    room.publish(post(1))
    room.change(postal_address=" \n")
    edition_id = room.edition()
    assert room.freeze(edition_id) is HELD
    assert room.why(edition_id) == (HELD, Reason.NO_POSTAL_ADDRESS)
    room.change(postal_address="1 Mill Lane, Springdale")
    assert room.freeze(edition_id) is FROZEN
    assert room.why(edition_id) == (FROZEN, None)


def test_too_large(room: Room) -> None:
    """Beyond 90 kB mail programs cut a message and hide the sign-off link."""
    paragraph = "<p>" + "The orchards of the plain are heavy this year. " * 20 + "</p>"
    room.publish(post(1, category="Commentary", body=paragraph * (MAX_HTML_BYTES // 800)))
    edition_id = room.edition()
    assert room.freeze(edition_id) is HELD
    found = room.get(edition_id)
    assert (found.state, found.reason) == (HELD, Reason.TOO_LARGE)
    size = re.fullmatch(rf"(\d+) > {MAX_HTML_BYTES}", found.reason_detail)
    assert size
    assert int(size[1]) > MAX_HTML_BYTES
    room.change(look={"commentary_words": 200})
    assert room.freeze(edition_id) is FROZEN


def test_no_featured(room: Room) -> None:
    """A digest that must have a commentary waits for a person when there is none, and goes on with one."""
    room.publish(post(1))
    room.change(rules={"featured": {"fallback": "hold"}})
    edition_id = room.edition()
    assert room.freeze(edition_id) is HELD
    assert room.why(edition_id) == (HELD, Reason.NO_FEATURED)
    room.publish(post(2, category="Commentary"), post(1))
    assert room.freeze(edition_id) is FROZEN


def test_thin_news(room: Room) -> None:
    """A digest that asks a person about thin news waits for one, also when there is none at all."""
    room.change(recent_least=2, rules={"thin": {"then": "hold"}})
    room.publish()
    empty = room.edition()
    assert room.freeze(empty) is HELD
    assert room.why(empty) == (HELD, Reason.THIN_NEWS)
    room.publish(post(1))
    assert room.freeze(empty) is HELD
    room.publish(post(2), post(1))
    assert room.freeze(empty) is FROZEN


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{% if %}", "Expected an expression"),
        ("{{ edition.no_such_thing }}", "no_such_thing"),
        ('{% extends "email/nowhere.html" %}', "nowhere"),
    ],
)
def test_rendering_failed(room: Room, tmp_path: Path, template: str, words: str) -> None:
    """A newsroom's own template that is broken holds the edition, with what is wrong; nothing is sent."""
    room.publish(post(1))
    folder = tmp_path / "templates"
    (folder / "email" / "digest").mkdir(parents=True)
    (folder / "email" / "digest" / "body.html").write_text(template, encoding="utf-8")
    edition_id = room.edition()
    assert room.freeze(edition_id, templates=folder) is HELD
    assert room.why(edition_id) == (HELD, Reason.RENDERING_FAILED)
    assert words in room.get(edition_id).reason_detail
    assert room.freeze(edition_id) is FROZEN


def test_a_template_folder_that_is_gone_holds(room: Room, tmp_path: Path) -> None:
    """The setting names a folder that does not exist."""
    room.publish(post(1))
    edition_id = room.edition()
    assert room.freeze(edition_id, templates=tmp_path / "gone") is HELD
    assert room.why(edition_id) == (HELD, Reason.RENDERING_FAILED)


def test_no_sign_off_link(room: Room, tmp_path: Path) -> None:
    """A template of one's own that forgot it."""
    room.publish(post(1))
    folder = tmp_path / "templates"
    (folder / "email" / "digest").mkdir(parents=True)
    text = "{% for story in edition.recent %}{{ story.title }}\n{% endfor %}"
    (folder / "email" / "digest" / "body.txt").write_text(text, encoding="utf-8")
    edition_id = room.edition()
    assert room.freeze(edition_id, templates=folder) is HELD
    assert room.why(edition_id) == (HELD, Reason.NO_SIGN_OFF_LINK)


def test_a_held_edition_says_what_holds_it_now(room: Room, tmp_path: Path) -> None:
    """One fault is mended and another is there: the reason is the new one."""
    room.publish(post(1))
    room.change(postal_address="")
    edition_id = room.edition()
    room.freeze(edition_id)
    room.change(postal_address="1 Mill Lane, Springdale")
    room.freeze(edition_id, templates=tmp_path / "gone")
    found = room.get(edition_id)
    assert (found.state, found.reason) == (HELD, Reason.RENDERING_FAILED)
    assert "gone" in found.reason_detail


def test_a_held_edition_whose_news_went_out_otherwise_is_skipped(room: Room) -> None:
    """When it is mended at last, its only story has been in another edition."""
    room.publish(post(1))
    room.add_reader()
    room.change(postal_address="")
    held = room.edition()
    room.freeze(held)
    room.change(postal_address="1 Mill Lane, Springdale")
    other = room.edition()
    room.freeze(other)
    room.plan(other)
    room.go_on()
    assert room.why(other)[0] is SENDING
    assert room.freeze(held) is SKIPPED
    assert room.why(held) == (SKIPPED, Reason.NOTHING_NEW)


def test_unusual_news(room: Room) -> None:
    """Ten stories at once from a site that brings two a day: held, and it says what is odd."""
    now = clock.utc_now()
    with room.database.write() as session:
        source = session.scalars(sa.select(Source)).one()
        usual = [
            (now - dt.timedelta(days=day, hours=hour), day * 2 + hour)
            for day in range(1, 15)
            for hour in (0, 1)
        ]
        make_arrivals(session, source, usual)
        session.execute(sa.update(Cadence).values(created_at=now - dt.timedelta(hours=12)))
    room.publish(*(post(900 + number, hours=0.1) for number in range(10)))
    edition_id = room.edition()
    assert room.freeze(edition_id) is HELD
    assert room.why(edition_id) == (HELD, Reason.UNUSUAL_NEWS)
    assert [remark["code"] for remark in room.get(edition_id).remarks] == ["many_at_once", "large_share"]
    assert room.count(Revision) == 0


# --- from frozen to sent


def test_all_served(room: Room) -> None:
    """The slot begins it, the last final delivery ends it."""
    room.publish(post(1))
    room.add_reader()
    edition_id = room.edition(due=clock.utc_now() + dt.timedelta(minutes=1))
    room.freeze(edition_id)
    assert room.plan(edition_id) == 1
    assert room.plan(edition_id) == 0
    room.go_on()
    assert room.why(edition_id) == (FROZEN, None)
    room.go_on(later=dt.timedelta(minutes=1))
    assert room.why(edition_id) == (SENDING, None)
    with room.database.write() as session:
        session.execute(sa.update(Batch).values(closed_at=clock.utc_now()))
    room.go_on()
    assert room.why(edition_id) == (SENT, Reason.ALL_SERVED)
    assert room.count(SentItem) == 1


def test_a_parallel_edition_takes_no_story_twice(room: Room) -> None:
    """Two editions of a cadence were frozen with the same story: the second is thawed and made anew."""
    room.publish(post(1, "In both"))
    room.add_reader()
    first, second = room.edition(), room.edition(due=clock.utc_now() + dt.timedelta(minutes=1))
    room.freeze(first)
    room.publish(post(2, "Only in the second", hours=0.1), post(1, "In both"))
    room.freeze(second)
    assert "In both" in room.titles(first)
    assert "In both" in room.titles(second)
    for edition_id in (first, second):
        assert room.plan(edition_id) == 1
    room.go_on()
    hints.taken()
    room.go_on(later=dt.timedelta(minutes=2))
    assert room.why(first)[0] is SENDING
    assert room.why(second) == (UPCOMING, None)
    assert (TaskName.FREEZE, [second]) in hints.taken()
    with room.database.read() as session:
        of_second = sa.select(sa.func.count()).select_from(Delivery).where(Delivery.edition_id == second)
        assert session.scalar(of_second) == 0

    assert room.freeze(second) is FROZEN
    assert room.titles(second) == ["Only in the second"]
    assert room.plan(second) == 1
    room.go_on(later=dt.timedelta(minutes=2))
    assert room.why(second)[0] is SENDING
    with room.database.read() as session:
        sent = session.execute(
            sa.select(Post.title, SentItem.edition_id).join(SentItem, SentItem.post_id == Post.id)
        ).all()
    assert sorted(tuple(row) for row in sent) == [("In both", first), ("Only in the second", second)]


def test_a_parallel_edition_without_anything_else_is_skipped(room: Room) -> None:
    """Nothing is left of it but what another has sent."""
    room.publish(post(1))
    room.add_reader()
    first, second = room.edition(), room.edition(due=clock.utc_now() + dt.timedelta(seconds=30))
    for edition_id in (first, second):
        room.freeze(edition_id)
        room.plan(edition_id)
    room.go_on()
    room.go_on(later=dt.timedelta(minutes=1))
    assert room.freeze(second) is SKIPPED
    assert room.why(second) == (SKIPPED, Reason.NOTHING_NEW)


# --- the table and the words


def test_no_other_change_is_possible(room: Room) -> None:
    """Every pair of states: allowed by the table, or a sentence; final states lead nowhere."""
    for final in (SENT, SKIPPED, EditionState.CANCELLED):
        assert ALLOWED[final] == frozenset()
    edition_id = room.edition()
    now = clock.utc_now()
    for was in EditionState:
        for to in EditionState:
            with room.database.write() as session:
                session.execute(sa.update(Edition).values(state=was))
                edition = session.get_one(Edition, edition_id, populate_existing=True)
                if to in ALLOWED[was]:
                    assert move(session, edition, to, now=now)
                else:
                    with pytest.raises(StateError, match=f"is {was} and cannot become {to}"):
                        move(session, edition, to, now=now)


def test_of_two_changes_at_once_one_counts(room: Room) -> None:
    """Whoever read the older state is told that another was quicker, and changes nothing."""
    edition_id = room.edition()
    now = clock.utc_now()
    with room.database.read() as session:
        stale = session.get_one(Edition, edition_id)
    with room.database.write() as session:
        assert move(session, session.get_one(Edition, edition_id), SKIPPED, now=now, reason=Reason.BY_PERSON)
    with room.database.write() as session:
        assert not move(session, stale, FROZEN, now=now)
    assert room.why(edition_id) == (SKIPPED, Reason.BY_PERSON)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_and_state_has_its_words(language: str) -> None:
    """A sentence for each reason and a name for each state, in each language, all different."""
    words = translator(language)
    sentences = {reason: sentence(reason, words) for reason in Reason}
    names = {state: state_name(state, words) for state in EditionState}
    assert set(SENTENCES) == set(Reason)
    assert set(STATES) == set(EditionState)
    for told in (*sentences.values(), *names.values()):
        is_armenian = bool(re.search("[\u0531-\u0587]", told))
        assert is_armenian == (language == "hy"), told
    assert len(set(sentences.values())) == len(Reason)
    assert len(set(names.values())) == len(EditionState)
    assert all(told.endswith("." if language == "en" else "։") for told in sentences.values())


def test_every_reason_is_planted_somewhere() -> None:
    """Each reason that the code gives has a test in this file; the others are a person's or later ones."""
    source = Path(__file__).read_text(encoding="utf-8")
    package = Path(freeze.__globals__["__file__"]).parents[1]
    given = {
        name
        for path in package.rglob("*.py")
        if path.name not in {"reasons.py", "edition.py"}
        for name in re.findall(r"(?<![A-Za-z])Reason\.([A-Z_]+)", path.read_text(encoding="utf-8"))
    }
    assert {"NOTHING_NEW", "PAST_GRACE", "TOO_LARGE", "ALL_SERVED"} <= given
    missing = {name for name in given if f"def test_{name.lower()}" not in source}
    # Planted where sending, missed slots and deadlines are tested.
    assert missing <= {
        *("BY_PERSON", "TRANSPORT_FAILING", "MERGED", "MISSED", "DEADLINE", "WANTS_APPROVAL"),
    }


# --- the digest's own words may name a reader


def test_its_words_name_a_reader_in_the_mail_alone(room: Room) -> None:
    """The mail keeps the places with their fallbacks; the web edition and the preheader show those."""
    with room.database.write() as session:
        add_attribute(
            session, "city", kind=AttributeKind.TEXT, fallback="your city", actor="test", now=clock.utc_now()
        )
    room.change(intro="%%name%%, the news of %%attribute_city%% & more.", sign_off="Until then, %%name%%.")
    room.publish(post(1, category="Commentary"))
    edition_id = room.edition()
    assert room.freeze(edition_id) is FROZEN
    with room.database.read() as session:
        revision = session.scalars(sa.select(Revision)).one()
        variant = session.scalars(sa.select(Variant)).one()
    for part in (variant.html, variant.text):
        assert part.count("%%name%%") == 2
        assert "%%attribute_city%%" in part
    mail = PreparedMail.from_bytes(variant.mail)
    assert [tuple(one) for one in mail.fallbacks] == [
        ("name", "text", "Dear reader"),
        ("attribute_city", "text", "your city"),
    ]
    assert revision.preheader.startswith("Dear reader, the news of your city & more.")
    assert "Dear reader, the news of your city &amp; more." in revision.web_html
    assert "Until then, Dear reader." in revision.web_html
    assert "%%" not in revision.web_html


def test_words_that_name_an_unknown_attribute_hold_it(room: Room) -> None:
    """With the placeholder that nobody could fill."""
    room.change(intro="Good morning, %%attribute_shoe%%!")
    room.publish(post(1))
    edition_id = room.edition()
    assert room.freeze(edition_id) is HELD
    assert "attribute_shoe" in room.get(edition_id).reason_detail


def test_no_other_words_of_a_digest_are_a_place(room: Room) -> None:
    """A sign-off link in an intro would be each reader's own: it is words."""
    room.change(intro="See %%unsubscribe_url%% and 100%%%name")
    room.publish(post(1))
    edition_id = room.edition()
    assert room.freeze(edition_id) is FROZEN
    with room.database.read() as session:
        variant = session.scalars(sa.select(Variant)).one()
    assert variant.text.count("%%unsubscribe_url%%") == 2  # the link to leave, and to the reader's page
    assert PreparedMail.from_bytes(variant.mail).fallbacks == ()
