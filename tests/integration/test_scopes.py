"""The ways to open a transaction."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import clock
from digest.db import Database, after_commit
from digest.deliveries.replies import intern_replies
from digest.mail.transport import Reply
from digest.models import Reply as ReplyRow
from tests.servers.waiting import wait_until

POSTGRESQL = pytest.mark.parametrize("kept", ["postgresql"], indirect=True)
_ADD = sa.text("INSERT INTO replies (fingerprint, code, enhanced, text) VALUES (:print, 250, '', '')")


def kept(database: Database) -> set[str]:
    with database.read() as session:
        return set(session.scalars(sa.text("SELECT fingerprint FROM replies")))


def write_and_break(database: Database, action: Callable[[Session], object]) -> None:
    with contextlib.suppress(RuntimeError), database.write_singly() as session:
        action(session)
        raise RuntimeError


def test_single_writes_are_kept_each_by_itself_where_that_is_quicker(database: Database) -> None:
    """What was written is there although the block raises; on SQLite it saves nothing, and is undone."""
    write_and_break(database, lambda session: session.execute(_ADD, {"print": "a" * 64}))

    assert kept(database) == (set() if database.is_sqlite else {"a" * 64})


def test_what_is_to_follow_single_writes_follows_them(database: Database) -> None:
    """As after a transaction: it runs once, and not if the block raises."""
    done: list[str] = []
    with database.write_singly() as session:
        session.execute(_ADD, {"print": "b" * 64})
        after_commit(session, lambda: done.append("first"))
        assert not done
    assert done == ["first"]

    write_and_break(database, lambda session: after_commit(session, lambda: done.append("second")))
    with database.write_singly() as session:
        session.execute(_ADD, {"print": "c" * 64})
    assert done == ["first"]
    assert kept(database) >= {"b" * 64, "c" * 64}


def test_a_reply_met_in_single_writes_is_known_later(database: Database) -> None:
    """Its row is there for the transactions that come after."""
    reply = Reply(250, "2.0.0", f"Ok at {clock.utc_now():%A}")
    with database.write_singly() as session:
        first = intern_replies(session, [reply])
    with database.write() as session:
        assert intern_replies(session, [reply]) == first


def connection_of(session: Session) -> object:
    """What tells one connection to the server from another."""
    return session.execute(sa.text("SELECT pg_backend_pid()")).scalar_one()


@POSTGRESQL
def test_a_thread_that_stays_uses_one_connection(database: Database) -> None:
    """And no other thread gets it; one look within another has one of its own."""
    found: list[object] = []
    with database.staying():
        for scope in (database.look, database.write_singly, database.look):
            with scope() as session:
                found.append(connection_of(session))
        with database.look() as outer, database.look() as inner:
            assert inner is not outer
            assert connection_of(inner) != connection_of(outer)
        with ThreadPoolExecutor(1) as pool, database.look() as session:
            assert pool.submit(_looked, database).result() != connection_of(session)
    assert len(set(found)) == 1
    assert database.engine.pool.checkedout() == 0  # type: ignore[attr-defined]


def _looked(database: Database) -> object:
    with database.look() as session:
        return connection_of(session)


def test_whoever_stays_sees_what_is_there_now(database: Database) -> None:
    """A row that was read before is read anew, and not remembered."""
    with database.staying():
        with database.write() as session:
            session.execute(_ADD, {"print": "d" * 64})
        for text in ("first", "second"):
            with database.write() as session:
                session.execute(sa.update(ReplyRow).values(text=text))
            with database.look() as session:
                assert session.scalars(sa.select(ReplyRow)).one().text == text


def break_connection(url: str, pid: object) -> None:
    """End a connection from the server's side, and wait until it is gone."""
    gone = sa.text("SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = :pid")
    others = Database(url)

    def is_gone() -> bool:
        with others.look() as session:
            return bool(session.execute(gone, {"pid": pid}).scalar())

    with others.look() as session:
        session.execute(sa.text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
    wait_until(is_gone, what="the connection's end")
    others.close()


@POSTGRESQL
def test_a_connection_that_breaks_costs_whoever_stays_one_look(database: Database, database_url: str) -> None:
    """The next one has another connection."""
    with database.staying():
        with database.look() as session:
            pid = connection_of(session)
        break_connection(database_url, pid)
        with pytest.raises(sa.exc.OperationalError), database.look() as session:
            connection_of(session)
        with database.look() as session:
            assert connection_of(session) != pid


@POSTGRESQL
def test_a_connection_that_broke_in_a_rest_is_noticed_before_it_is_used(
    database: Database, database_url: str
) -> None:
    """Of whoever stays, as of everybody else."""
    database.engine.dispose()  # else the pool gives another one
    with database.staying():
        with database.look() as session:
            pid = connection_of(session)
        break_connection(database_url, pid)
        time.sleep(1.1)
        with database.look() as session:
            assert connection_of(session) != pid
