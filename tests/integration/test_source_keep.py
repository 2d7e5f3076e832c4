"""A source that is looked after while somebody else is at it: another press, or the reading of its feed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.db import Database
from digest.errors import StateError
from digest.models import DigestSource, Source
from digest.models.source import AWAY_UNTIL, RESTS_UNTIL
from digest.net.fetching import FetchCode
from digest.net.http import Answer, FetchError
from digest.sources.keep import remove_source, restore_source
from digest.sources.record import Spent, note_fault, note_success
from digest.sources.store import Stored
from tests.factories import make_digest
from tests.factories.moments import NOW

URL = "https://courier.example/feed/"
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def drawn(database: Database) -> tuple[int, int]:
    """A source and the digest that draws from it."""
    with database.write() as session:
        digest, source = (
            make_digest(session),
            Source(url=URL, news_since=NOW, next_fetch_at=NOW, created_at=NOW),
        )
        session.add(source)
        session.flush()
        session.add(DigestSource(digest_id=digest.id, source_id=source.id))
        return source.id, digest.id


def test_a_source_that_is_taken_away_twice_comes_back_to_its_digests(
    database: Database, drawn: tuple[int, int]
) -> None:
    """The second press finds what the first has done, and does not note that no digest drew from it."""
    source_id, digest_id = drawn
    with database.read() as session:
        as_seen = session.get_one(Source, source_id)
    with database.write() as session:
        remove_source(session, session.get_one(Source, source_id), actor="cli:test", now=NOW)
    with database.write() as session:
        session.add(as_seen)
        with pytest.raises(StateError):
            remove_source(session, as_seen, actor="cli:test", now=NOW)
    with database.write() as session:
        restore_source(session, session.get_one(Source, source_id), actor="cli:test", now=NOW)
    with database.read() as session:
        assert session.get(DigestSource, (digest_id, source_id)) is not None


def _read_well(session: Session, source: Source) -> None:
    answer = Answer(status=304, final_url=URL, body=None, content_type="")
    note_success(session, source, answer, None, Stored(), spent=Spent(), interval=HOUR, now=NOW)


def _read_badly(session: Session, source: Source) -> None:
    error = FetchError(FetchCode.TIMEOUT, "it took too long")
    note_fault(session, source, error, spent=Spent(), interval=HOUR, now=NOW)


@pytest.mark.parametrize("note", [_read_well, _read_badly])
@pytest.mark.parametrize("until", [RESTS_UNTIL, AWAY_UNTIL])
def test_what_was_paused_while_its_feed_was_read_stays_so(
    database: Database, drawn: tuple[int, int], note: Callable[[Session, Source], None], until: dt.datetime
) -> None:
    """Whoever notes an answer does not start a source again that somebody has stopped since they looked."""
    with database.write() as session:
        source = session.get_one(Source, drawn[0])
        stopped = sa.update(Source).values(next_fetch_at=until)
        session.execute(stopped, execution_options={"synchronize_session": False})
        note(session, source)
    with database.read() as session:
        assert session.get_one(Source, drawn[0]).next_fetch_at == until


def test_what_nobody_has_stopped_is_read_again_later(database: Database, drawn: tuple[int, int]) -> None:
    """After an answer it is due after its interval."""
    with database.write() as session:
        _read_well(session, session.get_one(Source, drawn[0]))
    with database.read() as session:
        assert session.get_one(Source, drawn[0]).next_fetch_at > NOW
