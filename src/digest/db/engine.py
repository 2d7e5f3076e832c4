"""The engine and its scopes: `read()` and `write()`; `look()` and `write_singly()` for single statements.

On SQLite a transaction that begins as a reader and turns into a writer fails at once with "database is
locked", whatever the busy timeout. So a scope says at its start which it is: `write()` begins IMMEDIATE
and waits its turn, `read()` begins deferred and, in WAL mode, never waits for a writer.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry

from digest import clock
from digest.errors import ConfigError, UnreachableError

_BUSY_SECONDS = 30
_IDLE_SECONDS = 1.0
_AFTER_COMMIT = "digest_after_commit"
# A server that vanishes without a word is noticed within a minute. By itself the system waits for two hours,
# and a worker would hold its batch and its journal all that time.
_NOTICE_A_DEAD_SERVER = {
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
# And the server notices a machine of ours that vanishes, or a process that stands still, amid a transaction:
# its locks would keep the others from giving up its batches. No transaction of ours waits for the outside.
# Set by a statement: a pooler in between may refuse them among the options of a connection.
_OF_EACH_SESSION = {
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
    "idle_in_transaction_session_timeout": "10min",
}


@dataclass(slots=True)
class _Kept:
    """A session that a thread stays with, and when it was last used, of the monotonic clock."""

    session: Session
    used_at: float
    is_in_use: bool = False


class Database:
    """One database and the ways to open a transaction on it. Make one per process, after a fork."""

    def __init__(self, url: str) -> None:
        self.engine = _sqlite_engine(url) if url.startswith("sqlite") else _postgres_engine(url)
        self._readers = sessionmaker(self.engine, expire_on_commit=False)
        self._writers = sessionmaker(self.engine.execution_options(digest_write=True), expire_on_commit=False)
        self._lookers = self._readers
        if not self.is_sqlite:
            lookers = self.engine.execution_options(isolation_level="AUTOCOMMIT")
            self._lookers = sessionmaker(lookers, expire_on_commit=False)
        self._writing = threading.Lock()
        self._staying = threading.local()  # `kept`: the session of this thread's block

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A transaction that only reads; it is rolled back at the end."""
        with self._readers() as session:
            yield session

    @contextmanager
    def look(self) -> Iterator[Session]:
        """Reads that each stand for themselves; on PostgreSQL they begin and end no transaction.

        That spares two of three round trips, for reads that are made hundreds of times an edition. Only for
        reads: what is written here is there at once.
        """
        with self._single() as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction that commits at the end, or rolls back if the block raises.

        What `after_commit` was given runs once the commit has succeeded.
        """
        with self._writers() as session:
            with self._turn(), session.begin():
                yield session
            for action in session.info.pop(_AFTER_COMMIT, ()):
                action()

    @contextmanager
    def write_singly(self) -> Iterator[Session]:
        """Writes that each stand for themselves: on PostgreSQL every statement commits at once.

        For a single statement, or several of which any may come to nothing: `write` takes two round trips
        more, and a worker writes for every hundred mails. Nothing is rolled back if the block raises.
        """
        if self.is_sqlite:
            with self.write() as session:
                yield session
            return
        with self._single() as session:
            yield session
            for action in session.info.pop(_AFTER_COMMIT, ()):
                action()

    @contextmanager
    def staying(self) -> Iterator[None]:
        """Let this thread's `look` and `write_singly` use one connection for the length of a block.

        Else each takes one out of the pool, switches its mode, and switches it back: for a worker, that costs
        more than to run the statement. Where they are transactions, on SQLite, nothing is kept.
        """
        if self.is_sqlite:
            yield
            return
        with self._lookers() as session:
            self._staying.kept = _Kept(session, clock.monotonic())
            try:
                yield
            finally:
                del self._staying.kept

    @contextmanager
    def _single(self) -> Iterator[Session]:
        """A session whose statements each stand for themselves."""
        kept: _Kept | None = getattr(self._staying, "kept", None)
        if kept is None or kept.is_in_use:
            with self._lookers() as session:
                yield session
            return
        session = kept.session
        if clock.monotonic() - kept.used_at >= _IDLE_SECONDS:
            # Back to the pool, which asks whether it lives.
            session.connection().info["unused_since"] = kept.used_at
            session.rollback()
        kept.is_in_use = True
        try:
            yield session
        except BaseException:
            session.info.pop(_AFTER_COMMIT, None)
            session.rollback()  # it may be broken, or in the middle of an answer
            raise
        finally:
            session.expunge_all()  # whoever looks next sees what is there then
            kept.is_in_use, kept.used_at = False, clock.monotonic()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """The threads of one process write to SQLite one after the other.

        SQLite itself has each of them ask again and again for its lock, with pauses of up to a tenth of a
        second, in which it may well be free. Whoever has waited for long goes on and asks all the same: then
        SQLite says what is wrong.
        """
        if not self.is_sqlite:
            yield
            return
        is_held = self._writing.acquire(timeout=_BUSY_SECONDS)
        try:
            yield
        finally:
            if is_held:
                self._writing.release()

    def check(self) -> None:
        """Raise UnreachableError, in one sentence, if the database does not answer."""
        try:
            with self.engine.connect() as connection:
                connection.execute(sa.text("SELECT 1"))
        except sa.exc.OperationalError as error:
            reason = str(error.orig).strip().splitlines()[0]
            raise UnreachableError(
                f"The database does not answer ({reason}); check DIGEST_DATABASE_URL and that it runs."
            ) from None

    def close(self) -> None:
        self.engine.dispose()


def after_commit(session: Session, action: Callable[[], None]) -> None:
    """Run `action` once the session's write scope has committed; never if it rolls back."""
    session.info.setdefault(_AFTER_COMMIT, []).append(action)


def _sqlite_engine(url: str) -> sa.Engine:
    if sqlite3.sqlite_version_info < (3, 35):
        raise ConfigError(f"SQLite 3.35 or newer is needed; this Python has {sqlite3.sqlite_version}.")
    # isolation_level None: the driver begins nothing by itself, the event below does.
    engine = sa.create_engine(
        url, connect_args={"isolation_level": None, "timeout": _BUSY_SECONDS}, hide_parameters=True
    )

    @sa.event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        _use_wal(cursor)
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        # What is deleted or written over is gone from the file, not only from its tables: somebody who was
        # erased is not to be read out of it. The log of changes is another file; it is written over in turn.
        cursor.execute("PRAGMA secure_delete = ON")
        cursor.close()

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        is_write = connection.get_execution_options().get("digest_write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if is_write else "BEGIN")

    return engine


def _use_wal(cursor: Any) -> None:
    """Switch the file to WAL. Two processes that do so at once do not wait for each other by themselves."""
    until = clock.monotonic() + _BUSY_SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or clock.monotonic() > until:
                raise
            time.sleep(0.01)
        else:
            return


def _postgres_engine(url: str) -> sa.Engine:
    # The time zone is fixed so that what a person sees in psql is what the code stores.
    engine = sa.create_engine(
        url,
        pool_size=5,
        max_overflow=10,
        hide_parameters=True,
        connect_args={"connect_timeout": 10, "options": "-c timezone=UTC", **_NOTICE_A_DEAD_SERVER},
    )

    @sa.event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: ConnectionPoolEntry) -> None:
        settings = ", ".join(
            f"set_config('{name}', '{value}', false)" for name, value in _OF_EACH_SESSION.items()
        )
        connection.execute(f"SELECT {settings}")
        connection.commit()

    @sa.event.listens_for(engine, "checkin")
    def _note(_connection: Any, record: ConnectionPoolEntry) -> None:
        record.info["used_at"] = record.info.pop("unused_since", clock.monotonic())

    @sa.event.listens_for(engine, "checkout")
    def _probe(connection: Any, record: ConnectionPoolEntry, _proxy: Any) -> None:
        """Ask a connection that has lain idle whether it lives; one that was used a moment ago is not asked.

        A worker takes one out twice for every hundred mails: a question each time is an eighth of its work.
        """
        used_at = record.info.get("used_at")
        if used_at is None or clock.monotonic() - used_at < _IDLE_SECONDS:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise sa.exc.DisconnectionError("the connection was lost while it lay idle") from error

    return engine
