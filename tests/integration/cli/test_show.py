"""The reads behind `digest edition` and `digest source`, on both databases."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.db import Database
from digest.editions.cadences import add_extra
from digest.editions.show import EditionView, cadences_of, get_edition, list_editions, overdue, show_edition
from digest.editions.states import move
from digest.errors import NotFoundError
from digest.models import (
    Batch,
    Delivery,
    DeliveryStatus,
    Digest,
    DigestSource,
    EditionState,
    Item,
    Post,
    PostSource,
    Reason,
    Revision,
    Role,
    Source,
)
from digest.sources.queries import all_sources, due_sources, newest_posts, sources_of
from tests.factories import make_cadence, make_digest
from tests.factories.moments import NOW

_HOUR = dt.timedelta(hours=1)


def make_source(session: Session, digest: Digest, url: str, *, posts: int = 0, news: int = 0) -> Source:
    source = Source(url=url, news_since=NOW, next_fetch_at=NOW, created_at=NOW)
    session.add(source)
    session.flush()
    session.add(DigestSource(digest_id=digest.id, source_id=source.id))
    for number in range(posts):
        moment = NOW - number * _HOUR
        post = Post(
            url=f"{url}{number}",
            title=f"Story {number}",
            published_at=moment,
            content_fingerprint="0" * 64,
            first_seen_at=NOW,
            changed_at=NOW,
        )
        session.add(post)
        session.flush()
        session.add(PostSource(source_id=source.id, post_id=post.id, is_news=number < news, seen_at=NOW))
    session.flush()
    return source


def test_sources_come_with_their_digests_and_counts(database: Database) -> None:
    """One row each, whatever joins; a source without posts or digests counts nothing."""
    with database.write() as session:
        first, second = make_digest(session, "alpha"), make_digest(session, "beta")
        shared = make_source(session, first, "https://courier.example/", posts=3, news=2)
        session.add(DigestSource(digest_id=second.id, source_id=shared.id))
        lone = Source(url="https://lone.example/", news_since=NOW, next_fetch_at=NOW + _HOUR, created_at=NOW)
        session.add(lone)
        session.flush()
        found = all_sources(session)
        assert [(one.source.url, one.digests, one.posts, one.news) for one in found] == [
            ("https://courier.example/", ("alpha", "beta"), 3, 2),
            ("https://lone.example/", (), 0, 0),
        ]
        assert due_sources(session, now=NOW) == [shared]
        assert sources_of(session, second.id) == [shared]
        assert [(post.title, is_news) for post, is_news in newest_posts(session, shared.id, limit=3)] == [
            ("Story 0", True),
            ("Story 1", True),
            ("Story 2", False),
        ]


def test_editions_are_listed_newest_first_by_digest_and_state(database: Database) -> None:
    """Filters narrow; the limit cuts after sorting."""
    with database.write() as session:
        digest, other = make_digest(session, "alpha"), make_digest(session, "beta")
        cadence, foreign = make_cadence(session, digest), make_cadence(session, other)
        for hours in (1, 3, 2):
            add_extra(session, cadence, due_at=NOW + hours * _HOUR, actor="cli:test", now=NOW)
        skipped = add_extra(session, foreign, due_at=NOW, actor="cli:test", now=NOW)
        move(session, skipped, EditionState.SKIPPED, now=NOW, reason=Reason.NOTHING_NEW)
        of_digest = list_editions(session, digest_id=digest.id)
        assert [line.due_at for line in of_digest] == [NOW + hours * _HOUR for hours in (3, 2, 1)]
        assert len(list_editions(session, limit=2)) == 2
        (line,) = list_editions(session, states=[EditionState.SKIPPED])
        assert (line.digest, line.reason, line.subject) == ("beta", Reason.NOTHING_NEW, "")
        assert overdue(session, before=NOW + 2 * _HOUR) == 1
        assert [(name, one.id) for name, one in cadences_of(session)] == [
            ("alpha", cadence.id),
            ("beta", foreign.id),
        ]
        assert [one.id for _, one in cadences_of(session, other.id)] == [foreign.id]


def make_sending_edition(session: Session) -> int:
    """An edition with a fixed revision, three people and a mail service that refuses."""
    cadence = make_cadence(session, make_digest(session, "alpha"))
    edition = add_extra(session, cadence, due_at=NOW, actor="cli:test", now=NOW)
    revision = Revision(
        edition_id=edition.id,
        number=2,
        subject="On Patience",
        preheader="",
        web_html="",
        fingerprint="f" * 64,
        approved_at=NOW,
        created_at=NOW,
    )
    session.add(revision)
    session.flush()
    story = {
        "title": "On Patience",
        "author": "Anna",
        "url": "https://courier.example/1",
        "published_at": NOW,
    }
    session.add(
        Item(
            revision_id=revision.id,
            position=0,
            role=Role.FEATURED,
            story=story | {"published_at": NOW.isoformat()},
        )
    )
    edition.revision_id, edition.planned_at = revision.id, NOW
    faults = ("421 Try later", "421 Try later", "")
    batches = [
        Batch(edition_id=edition.id, not_before=NOW + n * _HOUR, fault=f) for n, f in enumerate(faults)
    ]
    session.add_all(batches)
    session.flush()
    statuses = (DeliveryStatus.SENT, DeliveryStatus.SENT, DeliveryStatus.PENDING)
    session.add_all(
        Delivery(
            edition_id=edition.id,
            subscriber_id=number,
            variant_id=1,
            subscription_id=number,
            batch_id=batches[0].id,
            status=status,
            attempt=0,
        )
        for number, status in enumerate(statuses, start=1)
    )
    session.flush()
    move(session, edition, EditionState.FROZEN, now=NOW)
    move(session, edition, EditionState.SENDING, now=NOW)
    return edition.id


def test_edition_is_shown_with_people_and_faults(database: Database) -> None:
    """Deliveries are counted by status, faults once for all batches that have them."""
    with database.write() as session:
        edition_id = make_sending_edition(session)
    with database.read() as session:
        view = show_edition(session, edition_id)
    assert (view.line.subject, view.revision, view.is_fixed) == ("On Patience", 2, True)
    assert [(item.role, item.title, item.published_at) for item in view.items] == [
        (Role.FEATURED, "On Patience", NOW)
    ]
    assert view.deliveries == {
        DeliveryStatus.PENDING: 1,
        DeliveryStatus.SENT: 2,
        DeliveryStatus.FAILED: 0,
        DeliveryStatus.SKIPPED: 0,
        DeliveryStatus.UNCERTAIN: 0,
    }
    (fault,) = view.faults
    assert (fault.fault, fault.batches, fault.next_try_at) == ("421 Try later", 2, NOW)


def test_showing_an_edition_takes_the_same_statements_however_many_stories(database: Database) -> None:
    """No statement per story: a coming edition of 12 costs what one of 2 costs."""
    assert _statements(database, posts=2) == _statements(database, posts=12)


def _statements(database: Database, *, posts: int) -> int:
    with database.write() as session:
        digest = make_digest(session)
        make_source(session, digest, f"https://courier{posts}.example/", posts=posts, news=posts)
        cadence = make_cadence(session, digest)
        edition_id = add_extra(session, cadence, due_at=NOW + _HOUR, actor="cli:test", now=NOW).id
    said: list[str] = []

    def note(_c: object, _k: object, statement: str, *_: object) -> None:
        said.append(statement)

    sa.event.listen(database.engine, "before_cursor_execute", note)
    try:
        with database.read() as session:
            view: EditionView = show_edition(session, edition_id)
    finally:
        sa.event.remove(database.engine, "before_cursor_execute", note)
    assert len(view.items) == posts
    return len(said)


@pytest.mark.parametrize("edition_id", [0, -1, 7, 2**63, 10**40])
def test_edition_that_is_not_there_is_a_sentence(database: Database, edition_id: int) -> None:
    """Any number may be asked for, even one that no database can hold."""
    with database.read() as session, pytest.raises(NotFoundError, match="no edition"):
        get_edition(session, edition_id)
