"""Token buckets and topics, on both databases."""

from __future__ import annotations

import concurrent.futures
import datetime as dt

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from digest.db import Database
from digest.errors import InputError, NotFoundError
from digest.lists import topics
from digest.lists.limits import Bucket, Limit, take, take_all
from digest.models import TokenBucket
from tests.factories import make_digest
from tests.factories.moments import NOW

SECOND = dt.timedelta(seconds=1)
FIVE = Limit("five", burst=5, per_second=0.5)


def test_a_burst_and_then_one_by_one(database: Database) -> None:
    """Five at once; then one every two seconds, and never more than five however long nobody came."""
    bucket = Bucket(FIVE, "five:a")
    with database.write() as session:
        assert [take(session, bucket, now=NOW) for _ in range(7)] == [True] * 5 + [False] * 2
        assert not take(session, bucket, now=NOW + SECOND)
        assert take(session, bucket, now=NOW + 2 * SECOND)
        assert not take(session, bucket, now=NOW + 3 * SECOND)
        later = NOW + dt.timedelta(days=30)
        assert [take(session, bucket, now=later) for _ in range(6)] == [True] * 5 + [False]
        assert take(session, Bucket(FIVE, "five:b"), now=NOW)


def test_a_clock_that_steps_back_gives_nothing_away(database: Database) -> None:
    """An earlier moment fills nothing, and the way forward is not paid twice."""
    bucket = Bucket(FIVE, "five:a")
    with database.write() as session:
        for _ in range(5):
            assert take(session, bucket, now=NOW)
        assert not take(session, bucket, now=NOW - dt.timedelta(hours=1))
        assert not take(session, bucket, now=NOW)
        assert take(session, bucket, now=NOW + 2 * SECOND)
        assert not take(session, bucket, now=NOW - dt.timedelta(hours=1))
        assert not take(session, bucket, now=NOW + 2 * SECOND)


@pytest.mark.both_databases
def test_however_many_ask_at_once_no_token_is_taken_twice(database: Database) -> None:
    """Forty at the same moment, five tokens: five get one."""

    def one(_: int) -> bool:
        with database.write() as session:
            return take(session, Bucket(FIVE, "five:a"), now=NOW)

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(one, range(40))) == 5


def test_the_first_empty_bucket_is_named(database: Database) -> None:
    """In their order; none of the others loses anything, before or behind it."""
    narrow, wide = Bucket(Limit("one", 1, 1), "one:a"), Bucket(FIVE, "five:all")
    with database.write() as session:
        assert take_all(session, (narrow, wide), now=NOW) is None
        assert take_all(session, (narrow, wide), now=NOW) == narrow
        assert take_all(session, (wide, narrow), now=NOW) == narrow
        left = session.scalars(sa.select(TokenBucket.tokens).where(TokenBucket.key == wide.key)).one()
    assert left == pytest.approx(4)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 20_000), min_size=1, max_size=40))
def test_the_bucket_agrees_with_a_model(database: Database, steps: list[int]) -> None:
    """Random pauses in milliseconds against plain arithmetic."""
    tokens, last, moment, verdicts = 5.0, NOW, NOW, []
    with database.write() as session:
        session.execute(sa.delete(TokenBucket))
        for step in steps:
            # Whole tenths: the databases keep microseconds, SQLite counts in milliseconds.
            moment += dt.timedelta(milliseconds=step // 100 * 100)
            filled = min(5.0, tokens + (moment - last).total_seconds() * 0.5)
            if abs(filled - 1) < 0.001:
                return  # a hair's breadth decides, and may do so either way
            verdicts.append((filled >= 1, take(session, Bucket(FIVE, "five:m"), now=moment)))
            if filled >= 1:
                tokens, last = filled - 1, moment
    assert [wanted for wanted, _ in verdicts] == [got for _, got in verdicts]


def test_topics_are_kept_in_order_and_checked(database: Database) -> None:
    """Added last, moved, changed and taken away; each fault is a sentence."""
    with database.write() as session:
        digest = make_digest(session, "courier")
        for name in ("culture", "sport"):
            topics.add_topic(session, digest, name=name, title=name.title(), sections=[name], now=NOW)
        sport = topics.topic_named(session, digest, "sport")
        changed = topics.set_topic(
            sport, title=" Sports ", sections=["Chess", "chess", "Football"], position=0
        )
        assert changed == {"title": "Sports", "sections": "Chess, Football", "position": "0"}
        assert topics.set_topic(sport, title="Sports") == {}
        assert [topic.name for topic in topics.topics_of(session, digest.id)] == ["sport", "culture"]
        for values, sentence in (
            ({"name": "culture"}, "already"),
            ({"name": "Big News"}, "1 to 60"),
            ({"title": " "}, "needs a title"),
            ({"sections": [" "]}, "at least one section"),
            ({"sections": [str(number) for number in range(51)]}, "at most 50"),
        ):
            row = {"name": "new", "title": "New", "sections": ["New"], **values}
            with pytest.raises(InputError, match=sentence):
                topics.add_topic(session, digest, **row, now=NOW)  # type: ignore[arg-type]
        topics.remove_topic(session, sport)
        with pytest.raises(NotFoundError, match="there are: culture"):
            topics.topic_named(session, digest, "sport")
