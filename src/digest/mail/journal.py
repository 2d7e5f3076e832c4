"""The send journal: what a worker child was about to do and what came of it, in a file of its own.

One append-only file per child, held by a lock for as long as the child lives. An *intent* is written before
the bytes with the final dot leave, an *outcome* at the reply, each by one write(), which survives the death
of the process (not that of the machine: the header's boot id tells the two apart). What is in the database
later is copied from the same facts; after a crash the journal says what the database had not yet heard.

A record that is cut or changed ends the reading: what follows it cannot be trusted. The form of the file is
in `journal_records`.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import socket
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Self
from weakref import WeakSet

from digest import clock
from digest.errors import DigestError
from digest.mail.boot import boot_id
from digest.mail.journal_records import (
    DeliveryKey,
    IntentRecord,
    JournalContents,
    JournalHeader,
    OutcomeRecord,
    Record,
    header_bytes,
    intent_bytes,
    outcome_bytes,
    parse_journal,
)
from digest.mail.journal_sync import Syncer
from digest.mail.transport import Outcome, Reply

__all__ = [
    "Adoption",
    "DeliveryKey",
    "IntentRecord",
    "Journal",
    "JournalContents",
    "JournalError",
    "JournalHeader",
    "OutcomeRecord",
    "Record",
    "adopt",
    "boot_id",
    "fold",
    "is_abandoned",
    "read",
]


SUFFIX = ".journal"
_FILE_LIMIT = 1 << 30  # a gigabyte is some ten million messages of one child


class JournalError(DigestError):
    """The journal cannot be written or read: sending must stop, for nothing would be known of it."""


class Journal:
    """An open journal of this process. Use `Journal.create`; do not carry it over a fork."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor
        self._broken = False
        self._syncer: Syncer | None = None
        _open.add(self)

    @classmethod
    def create(cls, folder: Path) -> Journal:
        """Begin a journal in a folder (made if it is missing), locked from before others can see it.

        Raises JournalError if the folder cannot be written to or the disk is full.
        """
        header = JournalHeader(socket.gethostname(), boot_id(), os.getpid(), clock.utc_now())
        name = f"{header.created:%Y%m%dT%H%M%S%f}-{header.pid}-{secrets.token_hex(4)}"
        hidden, path = folder / f".{name}.new", folder / (name + SUFFIX)
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
            descriptor = os.open(hidden, flags, 0o600)
        except OSError as error:
            raise JournalError(_unwritable(folder, error)) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            start = header_bytes(header)
            if os.write(descriptor, start) != len(start):
                raise OSError("there is no room for it")  # noqa: TRY301
            hidden.rename(path)
        except OSError as error:
            os.close(descriptor)
            with contextlib.suppress(OSError):
                hidden.unlink()
            raise JournalError(_unwritable(folder, error)) from error
        return cls(path, descriptor)

    def intent(
        self, *, batch_id: int, edition_id: int, subscriber_id: int, attempt: int, at: datetime
    ) -> None:
        """Record that the final dot is about to leave. Raises JournalError: then it must not leave."""
        self._append(intent_bytes(batch_id, edition_id, subscriber_id, attempt, at))

    def outcome(
        self,
        *,
        batch_id: int,
        edition_id: int,
        subscriber_id: int,
        attempt: int,
        at: datetime,
        outcome: Outcome,
        transport_id: int,
        reply: Reply | None,
    ) -> None:
        """Record what came of it. Raises JournalError: then no further message may be begun."""
        self._append(
            outcome_bytes(batch_id, edition_id, subscriber_id, attempt, at, outcome, transport_id, reply)
        )

    def keep_synced(self) -> None:
        """From now on bring all records onto the disk every 50 ms, in a thread: off the way of the sending.

        That shrinks what a power cut can hide to the last moments. A disk that fails breaks the journal.
        """
        self._check_usable()
        if self._syncer is None:
            self._syncer = Syncer(self._descriptor, self._break)

    def close(self) -> None:
        """Let go of the file and its lock; the records stay."""
        if self._syncer is not None:
            self._syncer.close()
            self._syncer = None
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _append(self, data: bytes) -> None:
        self._check_usable()
        try:
            written = os.write(self._descriptor, data)
        except OSError as error:
            self._broken = True
            raise JournalError(_unwritable(self.path.parent, error)) from error
        if self._syncer is not None:
            self._syncer.is_due = True
        if written != len(data):
            # The torn piece stays: it ends the reading where the writing ended.
            self._broken = True
            raise JournalError(
                f"The send journal in {self.path.parent.name} is out of room; sending must stop."
            )

    def _break(self) -> None:
        self._broken = True

    def _check_usable(self) -> None:
        if self._descriptor < 0 or self._broken:
            raise JournalError("The send journal is closed, broken or another process's; sending must stop.")


# A child of a fork shares the file and its lock, and must not write for its parent.
_open: WeakSet[Journal] = WeakSet()


def _break_after_fork() -> None:
    for journal in _open:
        journal._broken = True  # noqa: SLF001


os.register_at_fork(after_in_child=_break_after_fork)


def read(path: Path) -> JournalContents:
    """Read a journal, whether its writer lives or not.

    Records after a torn or changed one are left out and `torn` is set. Raises JournalError if even the header
    cannot be read.
    """
    try:
        if path.stat().st_size > _FILE_LIMIT:
            raise JournalError(f"The journal {path.name} is larger than a journal can be.")
        data = path.read_bytes()
    except OSError as error:
        raise JournalError(f"The journal {path.name} cannot be read: {error.strerror}.") from error
    try:
        return parse_journal(data)
    except ValueError as error:
        raise JournalError(f"The journal {path.name} has no header that can be read.") from error


def is_abandoned(path: Path) -> bool:
    """Whether nobody holds the journal any more. Only for this machine: locks do not reach another's."""
    try:
        with path.open("rb") as file:
            # Shared, so that two processes that ask at once do not take each other for the writer.
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise JournalError(f"The journal {path.name} cannot be opened: {error.strerror}.") from error
    return True


class Adoption(StrEnum):
    """Why a journal could not be taken over with its contents."""

    HELD = "held"  # its writer lives
    LOST = "lost"  # the file is gone, or even its header cannot be read


@contextlib.contextmanager
def adopt(path: Path) -> Iterator[JournalContents | Adoption]:
    """Take over a journal whose writer is gone, and keep others from doing so until the block ends."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        yield Adoption.LOST
        return
    except OSError as error:
        raise JournalError(f"The journal {path.name} cannot be opened: {error.strerror}.") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield Adoption.HELD
            return
        try:
            contents: JournalContents | Adoption = read(path)
        except JournalError:
            contents = Adoption.LOST
        yield contents


def fold(records: Iterable[Record]) -> Mapping[DeliveryKey, Record]:
    """What is known of each delivery: its outcome, or its intent if no outcome was heard.

    The last record counts, except that "accepted" is never taken back, and "unknown" only gives way to it: a
    message that may have been taken may have been taken whatever came later.
    """
    known: dict[DeliveryKey, Record] = {}
    for record in records:
        key = (record.edition_id, record.subscriber_id, record.attempt)
        before = known.get(key)
        if isinstance(before, OutcomeRecord) and not _gives_way(before.outcome, record):
            continue
        known[key] = record
    return known


def _gives_way(outcome: Outcome, later: Record) -> bool:
    if outcome is Outcome.UNKNOWN:
        return isinstance(later, OutcomeRecord) and later.outcome is Outcome.ACCEPTED
    return outcome is not Outcome.ACCEPTED


def _unwritable(folder: Path, error: OSError) -> str:
    reason = (error.strerror or str(error)).lower()
    return f"The send journal in {folder.name} cannot be written ({reason}); sending must stop."
