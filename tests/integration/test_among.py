"""Statements that name many values: each is looked up by its index, whatever the statistics say."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from digest.db import Database
from digest.db.dialect import among, among_texts
from digest.db.tuning import prefer_indexes
from digest.models import Subscriber

_PEOPLE = 3000


@pytest.fixture
def postgres(postgres_url: str) -> Iterator[Database]:
    """A database with some thousand people, whose statistics are those of an empty table."""
    database = Database(postgres_url)
    with database.write() as session:
        session.execute(
            sa.text("CREATE TABLE subscribers (id bigint PRIMARY KEY, address_hash varchar(64) UNIQUE)")
        )
        session.execute(sa.text("ANALYZE subscribers"))
        session.execute(
            sa.text("INSERT INTO subscribers SELECT n, md5(n::text) FROM generate_series(1, :people) AS n"),
            {"people": _PEOPLE},
        )
    yield database
    database.close()


@pytest.mark.parametrize("column", ["id", "address_hash"])
@pytest.mark.parametrize("is_analysed", [False, True])
def test_many_values_are_looked_up_by_their_index(
    postgres: Database, column: str, *, is_analysed: bool
) -> None:
    """No row is read that is not wanted, before and after the statistics are brought up to date.

    With `= ANY` the planner preferred all rows in the order of the ids, and read the array anew for each.
    """
    with postgres.write() as session:
        if is_analysed:
            session.execute(sa.text("ANALYZE subscribers"))
        prefer_indexes(session)
        ids = list(range(1, _PEOPLE))
        if column == "id":
            wanted = among(session, Subscriber.id, ids)
        else:
            hashes = session.scalars(sa.text("SELECT md5(unnest(:ids)::text)"), {"ids": ids}).all()
            wanted = among_texts(session, Subscriber.address_hash, hashes)
        query = sa.select(Subscriber.id).where(wanted).order_by(Subscriber.id).with_for_update(key_share=True)
        bound = query.compile(dialect=postgresql.psycopg.dialect())
        driver = session.connection().connection.driver_connection
        assert driver is not None
        with driver.cursor() as cursor:
            cursor.execute(f"EXPLAIN (ANALYZE, TIMING off) {bound}", bound.params)
            shown = "\n".join(line for (line,) in cursor)
    assert f"rows={len(ids)} " in shown.splitlines()[0].rpartition("(actual")[2]
    assert "Removed by Filter" not in shown, shown
