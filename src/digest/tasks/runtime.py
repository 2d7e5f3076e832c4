"""What a worker process keeps between tasks: made when it is first wanted, after the fork."""

from __future__ import annotations

import contextlib
import ctypes
import datetime as dt
import math
import multiprocessing
import os
import socket
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from digest import clock, keys
from digest.config import Settings, settings
from digest.db import Database
from digest.deliveries.group import Late, Sender
from digest.deliveries.journals import open_journal, retire_journal
from digest.deliveries.send import record_late
from digest.deliveries.write import Writer
from digest.errors import DigestError
from digest.i18n import use_words
from digest.lists.notice_stops import notice_check
from digest.mail.dkim import Signer
from digest.mail.journal import Journal
from digest.mail.smtp_client import SmtpTransport
from digest.mail.transport import Endpoint, Transport
from digest.models import Notice
from digest.models import Transport as TransportRow
from digest.net.http import Fetcher, user_agent
from digest.notices.send import ReaderCheck
from digest.pacing.dkim_keys import signer_for
from digest.pacing.transports import endpoint, ways
from digest.sources.collect_many import Collector

# When the parent was told to stop, by the monotonic clock, which all processes of a machine share; the
# children, which inherit it, hand back what they hold. A number without a lock: a child that is killed would
# leave an event's lock taken, for all others and the parent.
_STOPPED_AT = multiprocessing.RawValue(ctypes.c_double, 0.0)

# From then on no answer is waited for after this. Within 30 s all is over: what is left of them is for the
# goodbye to each mail service (`SmtpTransport.close`) and the last rows.
DRAIN_SECONDS = 15.0

# A journal of this size is folded and a new one begun: reading it after a crash stays quick.
_JOURNAL_BYTES = 8_000_000


class ServiceRestsError(DigestError):
    """Every mail service that could be used has failed a moment ago; `until` the first is tried again."""

    def __init__(self, fault: str, until: dt.datetime) -> None:
        super().__init__(fault or "The mail service rests.")
        self.until = until


@dataclass(slots=True)
class _Way:
    """The open way out and the endpoint it was opened for."""

    row: TransportRow
    endpoint: Endpoint
    transport: SmtpTransport


class Runtime:
    """The database, the fetcher and the way out of one worker process."""

    def __init__(self, config: Settings) -> None:
        self.config = config
        use_words(config.templates)
        self.database = Database(config.database)
        self.fetcher = Fetcher(config.private_hosts, user_agent(config.contact))
        self.collector = Collector(
            self.database, self.fetcher, dt.timedelta(seconds=config.collect_interval_seconds)
        )
        self.host = socket.gethostname()
        self._writer: Writer | None = None
        self._journal: tuple[Journal, int] | None = None
        self._late: Late = deque()
        self._ways: dict[int, _Way] = {}
        self._check: ReaderCheck | None = None

    def sender(self, *, only: int | None = None) -> Sender:
        """What sending a batch needs, opened on first use; `only` by that mail service.

        Raises ConfigError if there is no mail service, ServiceRestsError if there is none now.
        """
        way = self._open_way(only)
        if way.row.rests_until is not None and way.row.rests_until > clock.utc_now():
            raise ServiceRestsError(way.row.fault, way.row.rests_until)
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
        return Sender(
            journal,
            journal_id,
            way.transport,
            way.row.id,
            self._writer,
            self._late,
            is_paced=way.row.per_second is not None or way.row.per_hour is not None,
            was_failing=way.row.faults_in_a_row > 0,
            signer_for=self._signer_for(way.row),
        )

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
        for way in self._ways.values():
            way.transport.close()
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
        """The way out for single mails: the same connections, kept between tasks. Raises ConfigError."""
        yield self._open_way(None).transport

    def check_readers(self, session: Session, notices: Sequence[Notice]) -> Mapping[int, str]:
        """Which single mails must not go to their reader any more, each with the reason."""
        if self._check is None:
            self._check = notice_check(keys.load(self.config.secrets_folder).address_key)
        return self._check(session, notices)

    def _open_way(self, only: int | None) -> _Way:
        """The first mail service that works, or the one that is asked for; a changed one is opened anew."""
        with self.database.read() as session:
            row = ways(session, now=clock.utc_now(), only=only)[0]
        wanted = endpoint(row, self.config.secrets_folder)
        way = self._ways.get(row.id)
        if way is None or way.endpoint != wanted:
            if way is not None:
                way.transport.close()
            way = _Way(row, wanted, SmtpTransport(wanted))
            self._ways[row.id] = way
        way.row = row
        return way

    def _signer_for(self, row: TransportRow) -> Callable[[Session, str], Signer | None]:
        secrets = self.config.secrets_folder
        return lambda session, domain: signer_for(session, row, domain, secrets)


def stop_children() -> None:
    """Have the children of this process hand back what they hold."""
    if not is_stopping():
        _STOPPED_AT.value = clock.monotonic()


def is_stopping() -> bool:
    """Whether the parent of this process was told to stop."""
    return bool(_STOPPED_AT.value)


def waits_until() -> float:
    """Until when answers may be waited for because of a stop, by the monotonic clock; else for ever."""
    return _STOPPED_AT.value + DRAIN_SECONDS if is_stopping() else math.inf


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
