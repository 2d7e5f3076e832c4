"""The journals' rows: each names the host and the worker whose file it is."""

from __future__ import annotations

import datetime as dt
import socket
from pathlib import Path

import sqlalchemy as sa

from digest.db import Database
from digest.mail import journal as files
from digest.models import Batch, Journal


def open_journal(
    database: Database, folder: Path, *, worker: str, now: dt.datetime
) -> tuple[files.Journal, int]:
    """Begin a journal and its row: the file first, for a row without a file would say nothing."""
    file = files.Journal.create(folder)
    try:
        with database.write() as session:
            row = Journal(
                host=socket.gethostname(),
                boot_id=files.boot_id(),
                worker=worker,
                path=str(file.path),
                opened_at=now,
            )
            session.add(row)
            session.flush()
            return file, row.id
    except BaseException:
        file.path.unlink(missing_ok=True)
        file.close()
        raise


def retire_journal(database: Database, file: files.Journal, journal_id: int, *, now: dt.datetime) -> None:
    """End a journal of which everything is in the ledger; one that a batch still names is left to fold."""
    in_use = sa.exists().where(Batch.journal_id == Journal.id, Batch.closed_at.is_(None))
    try:
        with database.write() as session:
            retired = session.execute(
                sa.update(Journal).where(Journal.id == journal_id, ~in_use).values(folded_at=now)
            )
        if getattr(retired, "rowcount", 0):
            file.path.unlink(missing_ok=True)
    finally:
        # Also where the database fails: a journal whose lock is kept could never be folded.
        file.close()
