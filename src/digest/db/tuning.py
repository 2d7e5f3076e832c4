"""How a database is to work in a transaction: by which memory, indexes and cores."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

# Memory in kB for pages, and pages of the log that are gathered before they go into the file.
_ROOM, _USUAL_ROOM = (
    (("cache_size", -24_000), ("wal_autocheckpoint", 10_000)),
    (
        ("cache_size", -2000),
        ("wal_autocheckpoint", 1000),
    ),
)


def prefer_indexes(session: Session) -> None:
    """Until this transaction ends, read by indexes where there is one.

    For tables that grow by the second: PostgreSQL's statistics still say that they are small, and a thousand
    keys are then looked for by reading all rows.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(sa.text("SELECT set_config('enable_seqscan', 'off', true)"))


def with_room_to_load(session: Session, *, is_wanted: bool = True) -> None:
    """Let SQLite hold the pages that thousands of new rows touch, until it is told otherwise.

    It stays with the connection: with the usual 2 MB the indexes of a large table are read from the file and
    written to it again for each batch. On PostgreSQL nothing is done.
    """
    if session.get_bind().dialect.name == "sqlite":
        for name, value in _ROOM if is_wanted else _USUAL_ROOM:
            session.execute(sa.text(f"PRAGMA {name} = {value}"))


def with_room_to_work(session: Session) -> None:
    """Let a statement over all people sort and hash in memory, until the transaction ends.

    On PostgreSQL: without compiling it first, which takes longer than it saves where the estimate is off.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(sa.text("SET LOCAL work_mem = '64MB'"))
        session.execute(sa.text("SET LOCAL jit = off"))


def on_one_core(session: Session) -> None:
    """Leave the other cores to those who wait for an answer, until the transaction ends.

    PostgreSQL spreads a count over several workers, which is right for somebody who waits for it, and twice
    the load for everybody else. On SQLite a statement has one core in any case.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(sa.text("SET LOCAL max_parallel_workers_per_gather = 0"))
