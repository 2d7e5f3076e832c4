"""What a worker process keeps between tasks: made when it is first wanted, after the fork."""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import os
import socket
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from digest import clock, keys
from digest.config import Settings, settings
from digest.db import Database
from digest.deliveries.group import Late, Sender
from digest.deliveries.journals import open_journal, retire_journal
from digest.deliveries.send import record_late
from digest.deliveries.write import Writer
from digest.mail.journal import Journal
from digest.mail.smtp_client import SmtpTransport
from digest.mail.transport import Endpoint, Transport
from digest.net.http import Fetcher, user_agent
from digest.pacing.transports import endpoint, pick

# Set in the parent when it is told to stop; the children, which inherit it, hand back what they hold. A byte
# without a lock: a child that is killed would leave an event's lock taken, for all others and the parent.
_STOPPING = multiprocessing.RawValue(ctypes.c_bool, False)

# A journal of this size is folded and a new one begun: reading it after a crash stays quick.
_JOURNAL_BYTES = 8_000_000


@dataclass(slots=True)
class _Way:
    """The open way out and the endpoint it was opened for."""

    transport_id: int
    endpoint: Endpoint
    transport: SmtpTransport


class Runtime:
    """The database, the fetcher and the way out of one worker process."""

    def __init__(self, config: Settings) -> None:
        self.config = config
        self.database = Database(config.database)
        self.fetcher = Fetcher(config.private_hosts, user_agent(config.contact))
        self.host = socket.gethostname()
        self._writer: Writer | None = None
        self._journal: tuple[Journal, int] | None = None
        self._late: Late = deque()
        self._way: _Way | None = None

    def sender(self) -> Sender:
        """What sending a batch needs, opened on first use; raises ConfigError without a mail service."""
        way = self._open_way()
        if self._writer is None:
            made = keys.load(self.config.secrets_folder)
            self._writer = Writer(self.database, made, self.config.public_url)
        if self._journal is None:
            self._journal = open_journal(
                self.database,
                self.config.journal_folder,
                worker=f"{self.host}:{os.getpid()}",
                now=clock.utc_now(),
            )
            self._journal[0].keep_synced()
        journal, journal_id = self._journal
        return Sender(journal, journal_id, way.transport, way.transport_id, self._writer, self._late)

    def rotate_journal(self) -> None:
        """Begin a new journal once this one is long; all it says must be in the ledger."""
        if self._journal is not None and self._journal[0].path.stat().st_size > _JOURNAL_BYTES:
            self._retire_journal()

    def record_late(self) -> None:
        """Bring answers into the ledger that came after their task had ended."""
        if self._late:
            record_late(self.database, self._late)

    def give_up_journal(self) -> None:
        """Let go of the journal as it is, so that it is folded in before anything is claimed again."""
        if self._journal is not None:
            self._journal[0].close()
            self._journal = None

    def close(self) -> None:
        """At the end of the process: say goodbye to the mail service, leave nothing to fold."""
        if self._way is not None:
            with contextlib.suppress(OSError):
                self._way.transport.close()
        if self._journal is not None:
            self._retire_journal()
        self.database.close()

    def _retire_journal(self) -> None:
        assert self._journal is not None
        self.record_late()
        journal, journal_id = self._journal
        self._journal = None
        retire_journal(self.database, journal, journal_id, now=clock.utc_now())

    @contextlib.contextmanager
    def open_transport(self) -> Iterator[Transport]:
        """The way out for single mails: the same connection, kept between tasks. Raises ConfigError."""
        yield self._open_way().transport

    def _open_way(self) -> _Way:
        with self.database.read() as session:
            row = pick(session)
        wanted = endpoint(row, self.config.secrets_folder)
        if self._way is None or self._way.endpoint != wanted:
            if self._way is not None:
                self._way.transport.close()
            self._way = _Way(row.id, wanted, SmtpTransport(wanted))
        return self._way


def stop_children() -> None:
    """Have the children of this process hand back what they hold."""
    _STOPPING.value = True


def is_stopping() -> bool:
    """Whether the parent of this process was told to stop."""
    return bool(_STOPPING.value)


_runtime: tuple[int, Runtime] | None = None


def runtime() -> Runtime:
    """This process's runtime; a forked child makes its own."""
    global _runtime  # noqa: PLW0603
    if _runtime is None or _runtime[0] != os.getpid():
        _runtime = (os.getpid(), Runtime(settings()))
    return _runtime[1]


def close_runtime() -> None:
    """Close this process's runtime, if it made one."""
    global _runtime  # noqa: PLW0603
    if _runtime is not None and _runtime[0] == os.getpid():
        _runtime[1].close()
        _runtime = None
