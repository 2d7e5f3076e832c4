"""Threads of one process that write at the same time, on both databases."""

from __future__ import annotations

import threading
from typing import Any

import sqlalchemy as sa

from digest.clock import utc_now
from digest.db import Database
from digest.models import Confirmation
from tests.factories import make_digest, make_list
from tests.servers.waiting import HANG

_WRITERS = 4
_EACH = 5


def test_threads_wait_for_their_turn_and_never_ask_in_vain(database: Database) -> None:
    """Even where SQLite lets nobody wait for its lock: all come through, and no row is lost."""
    if database.is_sqlite:
        sa.event.listen(database.engine, "checkout", _without_patience)
    with database.write() as session:
        list_id = make_list(session, make_digest(session)).id
    start, faults = threading.Barrier(_WRITERS), []

    def write() -> None:
        start.wait()
        try:
            for _ in range(_EACH):
                with database.write() as session:
                    session.add(Confirmation(list_id=list_id, address_hash="x" * 64, at=utc_now()))
                    session.flush()
        except sa.exc.OperationalError as error:
            faults.append(error)

    threads = [threading.Thread(target=write) for _ in range(_WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    with database.read() as session:
        count = session.scalar(sa.select(sa.func.count()).select_from(Confirmation))
    assert count == _WRITERS * _EACH


def test_a_turn_ends_with_its_transaction_however_that_ends(database: Database) -> None:
    """A block that raises, and one that does nothing, leave the way free."""
    for error in (ValueError, None):
        try:
            with database.write() as session:
                if error is not None:
                    session.execute(sa.select(Confirmation.id))
                    raise error
        except ValueError:
            pass
    done = threading.Event()

    def write() -> None:
        with database.write() as session:
            session.execute(sa.select(Confirmation.id))
        done.set()

    thread = threading.Thread(target=write)
    thread.start()
    thread.join(HANG)
    assert done.is_set()


def _without_patience(connection: Any, _record: object, _proxy: object) -> None:
    connection.execute("PRAGMA busy_timeout = 0")
