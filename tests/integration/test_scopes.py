"""The ways to open a transaction."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import clock
from digest.db import Database, after_commit
from digest.deliveries.replies import intern_replies
from digest.mail.transport import Reply

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
