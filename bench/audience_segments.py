"""How fast the people of a segment are counted, beside a bare count of the same subscriptions."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from bench import effort
from bench.figures import Figure, Target, load
from digest.db import Database
from digest.db.schema import upgrade
from digest.lists.segments import count_rule
from digest.models import Attribute, AttributeKind
from tests.factories import make_cadence, make_digest, make_list
from tests.factories.moments import NOW
from tests.servers.postgres import PostgresServer

PEOPLE = effort.PEOPLE or effort.people(1_000_000)
_TARGET = Target("<=", 1.0)
_RULES: dict[str, dict[str, Any]] = {
    "silent for a year": {"last_sign_of_life": {"older_than": "365d"}},
    "a tree of seven rules": {
        "all": [
            {"any": [{"language": "hy"}, {"zone": ["America/Los_Angeles", "Europe/Paris"]}]},
            {"not": {"attribute": {"name": "city", "is": "Yerevan"}}},
            {"joined": {"before": "2026-11-01"}},
            {"topic": ["culture", "sport"]},
        ]
    },
}
# Every fifth person is on the second list as well.
_PEOPLE = """
INSERT INTO subscribers (address, address_key, address_hash, domain, name, zone, language, text_size,
    attributes, last_sign_of_life_at, created_at)
SELECT 'p' || n || '@mail.test', 'p' || n || '@mail.test', md5(n::text) || md5('x' || n), 'mail.test', '',
    (ARRAY['Asia/Yerevan', 'Europe/Paris', 'America/Los_Angeles', NULL])[1 + n % 4],
    (ARRAY['hy', 'en', NULL])[1 + n % 3], 'normal',
    jsonb_build_object('city', (ARRAY['Yerevan', 'Paris', 'Gyumri'])[1 + n % 3], 'age', n % 90),
    CASE WHEN n % 5 > 0 THEN timestamptz '2026-11-01 00:00Z' - make_interval(days => n % 1000) END,
    timestamptz '2026-11-01 00:00Z'
FROM generate_series(1, :people) AS n
"""
_SUBSCRIPTIONS = """
INSERT INTO subscriptions (list_id, subscriber_id, status, topics, created_at, changed_at)
SELECT :list, id, CASE WHEN id % 10 = 0 THEN 'paused' ELSE 'active' END,
    CASE WHEN id % 2 = 0 THEN '["culture"]'::jsonb ELSE '[]'::jsonb END,
    timestamptz '2026-11-01 00:00Z' - make_interval(days => (id % 2000)::int), timestamptz '2026-11-01 00:00Z'
FROM subscribers WHERE id % :every = 0
"""
_BARE = "SELECT count(*) FROM subscriptions WHERE list_id = :list AND status = 'active'"


def figures(server: PostgresServer | None, *, people: int = PEOPLE) -> Iterator[Figure]:
    """A million people on PostgreSQL: on one list, and on two that overlap."""
    if server is None:
        return
    with server.database() as url:
        database = Database(url)
        try:
            upgrade(database)
            yield from _measured(database, people)
        finally:
            database.close()


def _measured(database: Database, people: int) -> Iterator[Figure]:
    with database.write() as session:
        digest = make_digest(session)
        make_cadence(session, digest)
        session.add(Attribute(name="city", title="City", kind=AttributeKind.TEXT, created_at=NOW))
        digest_id, first = digest.id, make_list(session, digest).id
        session.execute(sa.text(_PEOPLE), {"people": people})
        session.execute(sa.text(_SUBSCRIPTIONS), {"list": first, "every": 1})
    _tidy(database)
    yield from _counts(database, digest_id, first, people, "one list")
    with database.write() as session:
        second = make_list(session, digest).id
        session.execute(sa.text(_SUBSCRIPTIONS), {"list": second, "every": 5})
    _tidy(database)
    yield from _counts(database, digest_id, first, people, "two lists")


def _counts(database: Database, digest_id: int, list_id: int, people: int, lists: str) -> Iterator[Figure]:
    for name, rule in _RULES.items():
        ours = min(_timed(lambda session, rule=rule: count_rule(session, digest_id, rule, now=NOW), database))
        bare = min(_timed(lambda session: session.execute(sa.text(_BARE), {"list": list_id}), database))
        yield Figure(
            "audience",
            f"count a segment of {people:,} people on postgresql, {lists}: {name}",
            ours,
            "s",
            bare,
            _TARGET,
            f"the count and three samples, best of 5; reference: a bare count of one list; {load()}",
        )


def _timed(act: Any, database: Database) -> list[float]:
    times = []
    for _ in range(5):
        with database.read() as session:
            start = time.perf_counter()
            act(session)
            times.append(time.perf_counter() - start)
    return times


def _tidy(database: Database) -> None:
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("VACUUM ANALYZE"))
