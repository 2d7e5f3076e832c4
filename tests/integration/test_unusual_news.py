"""What becomes of unusual news, of sites that are down at the freeze, and of what changes after it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from digest import clock
from digest.db import Database
from digest.deliveries.relock import unlock
from digest.editions.accept import accept_news, mark_as_seen
from digest.editions.cadences import add_extra
from digest.editions.changed_since import FieldChange, changed_since_lock
from digest.editions.deadlines import apply_deadlines
from digest.editions.digests import use_sources
from digest.editions.freeze import FreezeSettings, freeze
from digest.editions.remarks import SENTENCES, Note, remark_sentence
from digest.errors import StateError
from digest.i18n import LANGUAGES, translator
from digest.models import (
    Cadence,
    Digest,
    Edition,
    EditionChange,
    EditionState,
    Fallback,
    FeaturedBy,
    Fetch,
    Item,
    Post,
    PostSource,
    Reason,
    Revision,
    Source,
    Withdrawal,
)
from digest.net.http import Fetcher
from digest.sources.breaker import OddityCode
from digest.sources.catalogue import add_source
from digest.sources.collect import collect
from tests.factories import make_cadence, make_digest, make_revision
from tests.feeds import FeedPost, rss
from tests.integration.arrivals import make_arrivals
from tests.servers.news_site import NewsSite, Page

HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
INTERVAL = dt.timedelta(minutes=15)
FROZEN, HELD = EditionState.FROZEN, EditionState.HELD


@dataclass
class Room:
    """A paper that brings two stories a day for two weeks, with an edition every day."""

    database: Database
    site: NewsSite
    fetcher: Fetcher
    now: dt.datetime

    def publish(self, *posts: FeedPost, path: str = "/feed/") -> None:
        self.site.put(path, Page(rss(posts, site=self.site.url("").rstrip("/"))))
        with self.database.write() as session:
            session.execute(sa.update(Source).values(last_fetch_at=None))

    def story(self, number: int, *, age: dt.timedelta = HOUR, title: str = "") -> FeedPost:
        return FeedPost(number, title or f"Story number {number} of the day", self.now - age)

    def edition(self) -> int:
        with self.database.write() as session:
            cadence = session.scalars(sa.select(Cadence)).one()
            return add_extra(session, cadence, due_at=clock.utc_now(), actor="test", now=clock.utc_now()).id

    def freeze(self, edition_id: int) -> tuple[EditionState, Reason | None, list[str]]:
        """The state and reason after it, and the codes of its remarks."""
        settings = FreezeSettings(
            self.fetcher, "https://digest.courier.example", None, INTERVAL, dt.timedelta(minutes=2)
        )
        freeze(self.database, edition_id, settings)
        found = self.get(edition_id)
        return found.state, found.reason, [remark["code"] for remark in found.remarks]

    def get(self, edition_id: int) -> Edition:
        with self.database.read() as session:
            return session.get_one(Edition, edition_id)

    def titles(self, edition_id: int) -> list[str]:
        with self.database.read() as session:
            revision = session.get_one(Edition, edition_id).revision_id
            stories = session.scalars(
                sa.select(Item.story).where(Item.revision_id == revision).order_by(Item.position)
            )
            return [story["title"] for story in stories]

    def set_rules(self, **limits: object) -> None:
        with self.database.write() as session:
            session.scalars(sa.select(Digest)).one().rules = {"breaker": limits}


@pytest.fixture
def room(database: Database) -> Iterator[Room]:
    now = clock.utc_now()
    with capture_logs(), NewsSite() as site, Fetcher([site.host]) as fetcher:
        with database.write() as session:
            digest = make_digest(session, featured_by=FeaturedBy.NONE, recent_least=0)
            cadence = make_cadence(session, digest, is_running=False)
            cadence.created_at = now - 12 * HOUR  # since when news is looked at
            source = add_source(session, site.url("/feed/"), backlog=HOUR, actor="test", now=now)
            use_sources(session, digest, [source], actor="test", now=now)
            usual = [
                (now - day * DAY - hour * HOUR, 2 * day + hour) for day in range(1, 15) for hour in (0, 1)
            ]
            make_arrivals(session, source, usual)
        yield Room(database, site, fetcher, now)


# --- what is unusual


def test_sudden_stories_hold_the_edition(room: Room) -> None:
    """A site that is restored with other ids: nothing is mailed, and the edition says what is odd.

    More of them, and up to the edition's end: `test_sudden_news`.
    """
    room.publish(*(room.story(number, age=dt.timedelta(minutes=number)) for number in range(10)))
    edition_id = room.edition()
    state, reason, codes = room.freeze(edition_id)
    assert (state, reason) == (HELD, Reason.UNUSUAL_NEWS)
    assert codes[0] == OddityCode.MANY
    remark = room.get(edition_id).remarks[0]
    assert remark["facts"] == {"source": "The Courier", "posts": 10, "usual": 2}
    assert room.titles(edition_id) == []


def test_a_correction_hides_nothing_that_came_before_it(room: Room) -> None:
    """No news went out with it: what came in since the edition before it is judged all the same."""
    room.publish(*(room.story(number, age=dt.timedelta(minutes=number)) for number in range(10)))
    with room.database.read() as session:
        source_id = session.scalars(sa.select(Source.id)).one()
    collect(room.database, source_id, room.fetcher, interval=INTERVAL, now=clock.utc_now())
    first, made = room.edition(), room.edition()
    with room.database.write() as session:
        make_revision(session, made, created_at=clock.utc_now())
        correction = session.get_one(Edition, made)
        correction.corrects_id, correction.state = first, EditionState.SENT
    assert room.freeze(first)[:2] == (HELD, Reason.UNUSUAL_NEWS)


def test_a_day_as_any_other_is_not_unusual(room: Room) -> None:
    """Five stories since yesterday, among the old ones."""
    room.publish(*(room.story(number, age=number * HOUR) for number in range(1, 6)))
    edition_id = room.edition()
    assert room.freeze(edition_id) == (FROZEN, None, [])
    assert len([title for title in room.titles(edition_id) if title.startswith("Story")]) == 5


def test_stories_that_must_have_been_there_hold_the_edition(room: Room) -> None:
    """Three that came in now and are dated to last week, though the site was read every day."""
    room.publish(*(room.story(number, age=(number + 3) * DAY) for number in range(3)), room.story(4))
    edition_id = room.edition()
    state, reason, codes = room.freeze(edition_id)
    assert (state, reason, codes) == (HELD, Reason.UNUSUAL_NEWS, [OddityCode.LATE])
    oldest = (room.now - 5 * DAY).date().isoformat()
    assert room.get(edition_id).remarks[0]["facts"] == {"source": "The Courier", "posts": 3, "oldest": oldest}


def test_a_site_that_was_down_for_days_may_bring_what_it_has(room: Room) -> None:
    """Nobody has looked since, so that old dates are no wonder."""
    with room.database.write() as session:
        session.execute(sa.delete(Fetch).where(Fetch.at > room.now - 6 * DAY))
    room.publish(*(room.story(number, age=(number + 3) * DAY) for number in range(3)), room.story(4))
    assert room.freeze(room.edition())[0] is FROZEN


def test_a_feed_that_is_all_new_holds_the_edition(room: Room) -> None:
    """Six of six are new at once: not many, but none of yesterday's is there any more."""
    room.publish(*(room.story(number, age=number * HOUR) for number in range(6)))
    state, reason, codes = room.freeze(room.edition())
    assert (state, reason, codes) == (HELD, Reason.UNUSUAL_NEWS, [OddityCode.SHARE])


def test_the_first_edition_is_not_held_for_its_backlog(database: Database) -> None:
    """A source that was added a moment ago, with a week of news asked for."""
    now = clock.utc_now()
    with NewsSite() as site, Fetcher([site.host]) as fetcher:
        room = Room(database, site, fetcher, now)
        with database.write() as session:
            digest = make_digest(session, featured_by=FeaturedBy.NONE, recent_least=0)
            make_cadence(session, digest, is_running=False).created_at = now
            source = add_source(session, site.url("/feed/"), backlog=7 * DAY, actor="test", now=now)
            use_sources(session, digest, [source], actor="test", now=now)
        room.publish(*(room.story(number, age=number * HOUR) for number in range(60)))
        edition_id = room.edition()
        assert room.freeze(edition_id) == (FROZEN, None, [])
        assert len(room.titles(edition_id)) == 12


def test_a_digest_sets_its_own_limits(room: Room) -> None:
    """Ten at once are many, unless the digest says that they are not."""
    room.publish(*(room.story(number, age=number * HOUR) for number in range(10)))
    edition_id = room.edition()
    assert room.freeze(edition_id)[0] is HELD
    room.set_rules(many=11, share_percent=101)
    assert room.freeze(edition_id) == (FROZEN, None, [])


def test_a_digest_may_do_without(room: Room) -> None:
    """With its breaker off, whatever comes goes out."""
    room.publish(*(room.story(number, age=number * HOUR) for number in range(200)))
    room.set_rules(is_on=False)
    assert room.freeze(room.edition()) == (FROZEN, None, [])


def test_a_deadline_that_sends_lets_unusual_news_out(room: Room) -> None:
    """Nobody has said a word, and the cadence sends what is held: it goes out with what there is."""
    room.publish(*(room.story(number, age=number * HOUR) for number in range(10)))
    edition_id = room.edition()
    assert room.freeze(edition_id)[0] is HELD
    deadline = room.get(edition_id).deadline_at
    assert deadline is not None
    with room.database.write() as session:
        session.execute(sa.update(Cadence).values(hold_outcome=Fallback.SEND))
        assert apply_deadlines(session, now=deadline) == 1
    assert room.freeze(edition_id)[0] is FROZEN
    assert len(room.titles(edition_id)) > 10


# --- what a person says to it


def test_accepted_news_goes_out_and_the_next_flood_is_held(room: Room) -> None:
    """It is meant: the edition is made of it. What floods in after that is another question."""
    room.publish(*(room.story(number, age=number * HOUR) for number in range(10)))
    edition_id = room.edition()
    assert room.freeze(edition_id)[0] is HELD
    with room.database.write() as session:
        accept_news(session, session.get_one(Edition, edition_id), actor="cli:nare", now=clock.utc_now())
    with room.database.read() as session:
        assert session.scalars(sa.select(EditionChange.made_by)).all() == ["cli:nare"]
    room.publish(*(room.story(number, age=HOUR) for number in range(100, 130)))
    assert room.freeze(edition_id)[:2] == (HELD, Reason.UNUSUAL_NEWS)
    with room.database.write() as session:
        accept_news(session, session.get_one(Edition, edition_id), actor="cli:nare", now=clock.utc_now())
    assert room.freeze(edition_id) == (FROZEN, None, [])
    assert len(room.titles(edition_id)) == 12


def test_what_was_seen_before_is_no_news_any_more(room: Room) -> None:
    """The edition is made of the rest, and no later one brings what was marked."""
    room.publish(room.story(1))
    with room.database.read() as session:
        source_id = session.scalars(sa.select(Source.id)).one()
    collect(room.database, source_id, room.fetcher, interval=INTERVAL, now=clock.utc_now() - HOUR)
    room.publish(room.story(1), *(room.story(number, age=number * HOUR) for number in range(100, 130)))
    edition_id = room.edition()
    assert room.freeze(edition_id)[0] is HELD
    with room.database.write() as session:
        edition = session.get_one(Edition, edition_id)
        assert mark_as_seen(session, edition, actor="cli:nare", now=clock.utc_now()) == 30
    assert room.freeze(edition_id) == (FROZEN, None, [])
    assert "Story number 1 of the day" in room.titles(edition_id)
    assert "Story number 100 of the day" not in room.titles(edition_id)
    with room.database.read() as session:
        assert session.scalar(sa.select(sa.func.count()).where(~PostSource.is_news)) == 30


@pytest.mark.parametrize("step", [accept_news, mark_as_seen])
def test_only_unusual_news_is_answered(room: Room, step: object) -> None:
    """An edition that is not held for it is left alone."""
    edition_id = room.edition()
    with pytest.raises(StateError, match="unusual news"), room.database.write() as session:
        step(session, session.get_one(Edition, edition_id), actor="test", now=clock.utc_now())  # type: ignore[operator]


# --- a site that is down at the freeze


def test_a_site_that_is_down_keeps_no_edition(room: Room) -> None:
    """It goes out with what is known, and says so."""
    room.publish(room.story(1))
    assert room.freeze(room.edition())[0] is FROZEN
    room.site.put("/feed/", Page(status=503))
    with room.database.write() as session:
        session.execute(sa.update(Source).values(last_fetch_at=None))
    edition_id = room.edition()
    assert room.freeze(edition_id) == (FROZEN, None, [Note.SOURCE_DOWN])
    assert "Story number 1 of the day" in room.titles(edition_id)


def test_a_site_that_asks_for_patience_is_not_asked_at_the_freeze(room: Room) -> None:
    """Retry-After holds for the freeze too; a site that merely failed is tried once more."""
    room.site.put("/feed/", Page(status=503))
    with room.database.read() as session:
        source_id = session.scalars(sa.select(Source.id)).one()

    def asked_again() -> bool:
        collect(room.database, source_id, room.fetcher, interval=INTERVAL, now=clock.utc_now() - HOUR)
        before = len(room.site.requests)
        room.freeze(room.edition())
        return len(room.site.requests) > before

    assert asked_again()
    room.site.put("/feed/", Page(status=429, headers=(("Retry-After", "86400"),)))
    assert not asked_again()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_remark_has_its_sentence(language: str) -> None:
    """Each code of the breaker and each note, with its figures."""
    facts = {
        "source": "The Courier",
        "posts": 12,
        "usual": 2,
        "held": 20,
        "oldest": "2026-11-20",
        "title": "A",
        "most": 24,
        "people": 7,
        "topics": "culture",
    }
    assert set(SENTENCES) == {*OddityCode, *Note}
    told = {
        remark_sentence({"code": code, "facts": facts}, translator(language)) for code in (*OddityCode, *Note)
    }
    assert len(told) == len(SENTENCES)
    assert all("%(" not in sentence for sentence in told)
    assert remark_sentence({"code": "of-tomorrow", "facts": {}}, translator(language)) == "of-tomorrow"


# --- what changes after the lock


def test_it_says_what_has_changed_since_the_lock_and_locks_again(room: Room) -> None:
    """A corrected title and a story that was withdrawn; the next version has what is there now."""
    room.publish(room.story(1), room.story(2, age=2 * HOUR))
    edition_id = room.edition()
    room.freeze(edition_id)
    with room.database.read() as session:
        assert changed_since_lock(session, session.get_one(Edition, edition_id)) == []
        source_id = session.scalars(sa.select(Source.id)).one()
    room.publish(room.story(1, title="Story number 1, put right"), room.story(2, age=2 * HOUR))
    collect(room.database, source_id, room.fetcher, interval=INTERVAL, now=clock.utc_now())
    with room.database.write() as session:
        second = sa.update(Post).where(Post.title == "Story number 2 of the day")
        session.execute(second.values(withdrawn=Withdrawal.GONE))
    with room.database.read() as session:
        one, two = changed_since_lock(session, session.get_one(Edition, edition_id))
    change = FieldChange("title", ("Story number 1 of the day",), ("Story number 1, put right",))
    assert (one.number, one.changes, one.withdrawn) == (1, (change,), None)
    assert (two.number, two.changes, two.withdrawn) == (2, (), Withdrawal.GONE)

    with room.database.write() as session:
        unlock(session, session.get_one(Edition, edition_id), actor="cli:nare", now=clock.utc_now())
    assert room.freeze(edition_id)[0] is FROZEN
    assert room.titles(edition_id)[0] == "Story number 1, put right"
    assert "Story number 2 of the day" not in room.titles(edition_id)
    with room.database.read() as session:
        assert session.scalars(sa.select(Revision.number).order_by(Revision.number)).all() == [1, 2]
        assert changed_since_lock(session, session.get_one(Edition, edition_id)) == []


def test_only_a_locked_edition_is_locked_again(room: Room) -> None:
    """Nor does one that has no version yet say what has changed."""
    edition_id = room.edition()
    with room.database.write() as session:
        edition = session.get_one(Edition, edition_id)
        with pytest.raises(StateError, match="only a locked one"):
            unlock(session, edition, actor="test", now=clock.utc_now())
        with pytest.raises(StateError, match="no version yet"):
            changed_since_lock(session, edition)
