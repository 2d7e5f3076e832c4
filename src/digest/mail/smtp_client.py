"""The SMTP engine's face to the synchronous rest: hand messages over, try a mail service.

The sockets live in one event loop in a thread of the process (`mail.loop_thread`); connections are kept
between calls. Its rules (RFC 5321 sections 4.2.1, 4.5.3 and 3.8; RFC 2920):

- A message is sent as the bytes it was built from; only leading dots are doubled on the wire.
- A refusal that ends a transaction is followed by RSET; a connection is retired after so many messages or
  seconds, and when it has had no work for a while.
- A connection that had served before may be closed by the server at any time: a message whose final dot has
  not left is then tried once more on another one. A fresh connection that fails ends the job.
"""

from __future__ import annotations

import contextlib
import math
import operator
import queue
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from digest import clock
from digest.errors import UnreachableError
from digest.i18n import N_
from digest.mail.loop_thread import LoopThread, shared_loop
from digest.mail.replies import parse_reply
from digest.mail.smtp_errors import ConnectionEndedError, HostRefusedError
from digest.mail.smtp_job import Job
from digest.mail.smtp_pool import Pool
from digest.mail.smtp_setup import open_wire
from digest.mail.transport import (
    AfterReply,
    BeforeDot,
    Endpoint,
    Envelope,
    Handover,
    LookAgain,
    Outcome,
    Reply,
)

__all__ = ["Job", "ServerOffer", "SmtpTransport", "check"]

_CLOSE_SECONDS = 10.0
_NAP_SECONDS = 0.25  # until it is looked again how long to wait


@dataclass(frozen=True, slots=True)
class ServerOffer:
    """What a mail service said when we tried it: for `transport test` and the transports page."""

    extensions: tuple[str, ...]
    size_limit: int | None
    tls: str  # "TLSv1.3", or "" for an open connection
    is_signed_in: bool


class SmtpTransport:
    """A mail service with its connections; a context manager that says QUIT at its end.

    Open it in the process that uses it: neither a connection nor a thread survives a fork. `send` waits for
    every reply; with `start` several jobs may be under way, and are served in the order they came.
    """

    def __init__(self, endpoint: Endpoint, *, loop: LoopThread | None = None) -> None:
        self._endpoint = endpoint
        self._loop = loop
        self._pool: Pool | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Say QUIT on every open connection."""
        pool, self._pool = self._pool, None
        if pool is not None:
            with contextlib.suppress(TimeoutError):
                self._thread.run(pool.close(), timeout=_CLOSE_SECONDS)

    def start(
        self,
        handover: Handover,
        *,
        size: int,
        delay: float = 0.0,
        interval: float = 0.0,
        is_urgent: bool = False,
        on_done: Callable[[], None] = lambda: None,
    ) -> Job:
        """Begin to hand over about `size` messages, at once. Wait for the job, then look at its error.

        The first message begins no sooner than in `delay` seconds, each further one no sooner than `interval`
        after the one before. An urgent job is served before those that wait. `on_done` is called once, in the
        loop's thread, after the last outcome was told.
        """
        starts_at = clock.monotonic() + delay if delay else 0.0
        job = Job(handover, size=size, starts_at=starts_at, interval=interval, on_done=on_done)
        self._thread.call(lambda: self._opened_pool().submit(job, is_urgent=is_urgent))
        return job

    def abandon(self, job: Job) -> None:
        """End a job now, whatever is unanswered; `after_reply` has been called for all of it on return.

        The connections stay open: an answer that comes after all is told by one more `after_reply`.
        """
        if not job.is_done:
            self._thread.call(lambda: self._opened_pool().abandon(job))
            job.wait()

    def send(
        self,
        envelopes: Iterable[Envelope],
        *,
        before_dot: BeforeDot,
        after_reply: AfterReply,
        patience: float = math.inf,
        waits_until: Callable[[], float] = lambda: math.inf,
        look_again: LookAgain | None = None,
        fresh_until: float = 0.0,
    ) -> None:
        """Hand the envelopes over; see `Transport.send`. `after_reply` is called in the caller's thread."""
        began = clock.monotonic()
        simple = _Simple(
            iter(envelopes),
            before_dot,
            look_again,
            fresh_until=fresh_until,
            until=began + patience,
            waits_until=waits_until,
        )
        size = operator.length_hint(envelopes)
        job = self.start(simple, size=size, is_urgent=True, on_done=lambda: simple.told.put(None))
        error: BaseException | None = None
        is_deaf = False  # what is told is of no use to the caller any more
        while True:
            left = min(began + 2 * patience, waits_until()) - clock.monotonic()
            try:
                told = simple.told.get(timeout=max(0.0, min(left, _NAP_SECONDS)))
            except queue.Empty:
                if left > _NAP_SECONDS:
                    continue
                error = error or ConnectionEndedError(N_("The mail service gave no answer in time."))
                self.abandon(job)
                continue
            if told is None:
                break
            if not is_deaf:
                try:
                    after_reply(*told)
                except BaseException as raised:  # noqa: BLE001
                    error, is_deaf = raised, True
                    simple.stop()
        error = error or job.error
        if error is not None:
            raise error

    @property
    def _thread(self) -> LoopThread:
        if self._loop is None:
            self._loop = shared_loop()
        return self._loop

    def _opened_pool(self) -> Pool:
        """In the loop's thread: the pool, made for its first job."""
        if self._pool is None:
            self._pool = Pool(self._endpoint)
        return self._pool


class _Simple:
    """The handover of a plain iterable; the caller's thread hears the replies.

    Nobody is looked at again without `look_again`.
    """

    def __init__(
        self,
        envelopes: Iterator[Envelope],
        before_dot: BeforeDot,
        look_again: LookAgain | None,
        *,
        fresh_until: float,
        until: float,
        waits_until: Callable[[], float],
    ) -> None:
        self._envelopes = envelopes
        self._until = until
        self._waits_until = waits_until
        self._look_again = look_again
        self._fresh_until = fresh_until
        self.before_dot = before_dot
        # Ends with None.
        self.told: queue.SimpleQueue[tuple[Envelope, Outcome, Reply | None] | None] = queue.SimpleQueue()
        self._is_stopped = False

    def stop(self) -> None:
        self._is_stopped = True

    def next(self) -> Envelope | None:
        is_over = self._is_stopped or clock.monotonic() >= self._until or math.isfinite(self._waits_until())
        return None if is_over else next(self._envelopes, None)

    def is_stale(self) -> bool:
        return self._look_again is not None and clock.monotonic() >= self._fresh_until

    def is_still_wanted(self, envelope: Envelope) -> bool:
        return self._look_again is None or self._look_again(envelope)

    def after_reply(
        self,
        envelope: Envelope,
        outcome: Outcome,
        reply: Reply | None,
        *,
        rests: bool = False,  # noqa: ARG002
    ) -> None:
        self.told.put((envelope, outcome, reply))


def check(endpoint: Endpoint) -> ServerOffer:
    """Try a mail service without sending anything: connect, TLS, sign in, NOOP.

    Raises UnreachableError with a sentence that says which of these failed.
    """
    return shared_loop().run(_check(endpoint))


async def _check(endpoint: Endpoint) -> ServerOffer:
    wire, greeting = await open_wire(endpoint)
    try:
        answer = parse_reply(*await wire.command("NOOP", timeout=endpoint.timeout))
        if answer.code // 100 != 2:
            raise HostRefusedError(N_("The mail service let us in but does not work"), answer)
        with contextlib.suppress(UnreachableError):
            await wire.command("QUIT", timeout=min(5.0, endpoint.timeout))
        return ServerOffer(
            extensions=tuple(sorted(greeting.extensions)),
            size_limit=greeting.size_limit,
            tls=greeting.tls,
            is_signed_in=bool(endpoint.username),
        )
    finally:
        wire.close()
