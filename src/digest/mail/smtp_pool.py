"""The connections to one mail service, and the jobs that they carry.

Jobs are served in order, each by as many connections as it has work for. A job that has no more to begin
makes room for the next one while its last answers are still to come, so that the connections never run dry.
All of this lives in the loop's thread.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque

from digest.errors import UnreachableError
from digest.i18n import N_
from digest.mail.smtp_connection import Connection
from digest.mail.smtp_errors import ConnectionEndedError, HostRefusedError
from digest.mail.smtp_gather import Gathering
from digest.mail.smtp_job import Job
from digest.mail.smtp_setup import open_wire
from digest.mail.smtp_transaction import Pipelining, Transaction
from digest.mail.transport import Endpoint, Outcome, Reply

# A message whose connection ends before its dot is begun again on another one, so often at the most.
_MOST_TRIES = 2
# A server that refuses one more connection while others work is not asked for more during this time.
_GROW_AGAIN_SECONDS = 30.0
# A server that could not do the pipelining it offers is tried with it again after this time.
_TRUST_AGAIN_SECONDS = 3600.0
# What a loop's timer can tell apart: one that is set for less is called at once, again and again.
_LEAST_WAIT = 0.001


class Pool:
    """See the module. `submit`, `abandon` and `close` are for the loop's thread as well."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._loop = asyncio.get_running_loop()
        self._jobs: deque[Job] = deque()  # in order; those that only wait for answers too
        self._connections: set[Connection] = set()
        self._opening: set[asyncio.Task[None]] = set()
        self._most = endpoint.max_connections
        self._grow_at = 0.0
        self._ticker: asyncio.TimerHandle | None = None
        self._feeder: asyncio.TimerHandle | asyncio.Handle | None = None
        self._is_closing = self._will_rest = False
        self._gathering = Gathering()
        self._pipelining, self._trust_at = Pipelining.FULL, 0.0

    def submit(self, job: Job, *, is_urgent: bool = False) -> None:
        """Take a job; an urgent one is served before those that wait."""
        if self._is_closing:
            job.fail(ConnectionEndedError(N_("The connection to the mail service is closed.")))
            job.end_if_served()
            return
        if is_urgent:
            self._jobs.appendleft(job)
        else:
            self._jobs.append(job)
        self._feed()

    def abandon(self, job: Job) -> None:
        """End a job now: what has left without an answer is unknown, what has not left is unsent."""
        job.stop()
        for connection in tuple(self._connections):
            for transaction, has_left in connection.carries(job):
                job.abandon(transaction, has_left=has_left)
        self._end_served()

    async def close(self, *, grace: float = 5.0) -> None:
        """Say goodbye on every connection; those that do not answer in time are cut."""
        self._is_closing = True
        for task in tuple(self._opening):
            task.cancel()
        for job in tuple(self._jobs):
            job.stop()
        until = self._loop.time() + grace
        while self._connections and self._loop.time() < until:
            for connection in tuple(self._connections):
                if connection.is_idle:
                    connection.quit()
            await asyncio.sleep(0.002)
        for connection in tuple(self._connections):
            connection.abort(ConnectionEndedError(N_("The connection to the mail service was given up.")))
        self._end_served()
        for handle in (self._ticker, self._feeder):
            if handle is not None:
                handle.cancel()

    # What connections tell.

    def pull(self) -> Transaction | None:
        now = self._loop.time()
        for job in self._jobs:
            if job.is_open:
                transaction = job.take(now)
                if transaction is not None:
                    return transaction
                if job.is_open:  # its pace: nothing may begin before it
                    return None
        return None

    def answered(self, waited: float) -> None:
        self._gathering.answered(waited)
        if self._gathering.seconds and not self._will_rest:
            self._will_rest = True
            self._loop.call_soon(self._rest)  # after all that came with this answer was worked off

    def settled(
        self, transaction: Transaction, outcome: Outcome, reply: Reply | None, *, rests: bool = False
    ) -> None:
        owner = _job(transaction)
        owner.settle(transaction, outcome, reply, rests=rests)
        if not owner.is_open:
            self._end_served()

    def declined(self, transaction: Transaction) -> None:
        owner = _job(transaction)
        owner.settle(transaction, Outcome.UNSENT, None)
        owner.stop()
        self._end_served()

    def interrupted(self, transaction: Transaction, error: UnreachableError, *, was_used: bool) -> None:
        owner = _job(transaction)
        may_try_again = was_used or (bool(self._connections) and transaction.tries > 0)
        if may_try_again and transaction.tries < _MOST_TRIES and not transaction.is_abandoned:
            owner.again(transaction)
        else:
            # A fresh connection that fails: the host is at fault, and no other message is begun.
            reply, rests = getattr(error, "reply", None), getattr(error, "rests", False)
            owner.settle(transaction, Outcome.UNSENT, reply, rests=rests)
            if not transaction.is_abandoned:
                owner.fail(error)
        self._feed_soon()
        self._end_served()

    def distrust(self, level: Pipelining) -> None:
        self._pipelining = min(level, self._trusted())
        self._trust_at = self._loop.time() + _TRUST_AGAIN_SECONDS

    def idle(self, connection: Connection) -> None:  # noqa: ARG002
        self._end_served()
        if any(job.is_open for job in self._jobs):
            self._feed_soon()

    def ended(self, connection: Connection, error: UnreachableError | None) -> None:  # noqa: ARG002
        self._connections.discard(connection)
        self._feed_soon()

    def _rest(self) -> None:
        """Let answers gather: nothing else is to be done in this thread meanwhile."""
        self._will_rest = False
        time.sleep(self._gathering.seconds)

    # Work.

    def _feed_soon(self) -> None:
        if self._feeder is None and not self._is_closing:
            self._feeder = self._loop.call_soon(self._feed)

    def _feed(self) -> None:
        """Give free connections work, open more if there is more, and come back when a pace allows more."""
        if self._feeder is not None:
            self._feeder.cancel()
            self._feeder = None
        if self._is_closing:
            return
        for connection in [each for each in self._connections if each.is_free]:
            transaction = self.pull()
            if transaction is None:
                break
            connection.begin(transaction)
        self._end_served()
        waiting = [job for job in self._jobs if job.is_open]
        if not waiting:
            return
        for connection in [each for each in self._connections if each.is_idle and each.is_spent]:
            connection.quit()  # it has grown old without work, and stands in the way of another one
        now = self._loop.time()
        delay = waiting[0].delay(now)
        if delay > 0 or any(each.is_free for each in self._connections):
            # A free connection although something may begin: its moment has come since it was pulled for.
            self._feeder = self._loop.call_later(max(delay, _LEAST_WAIT), self._feed)
        else:
            self._open_for_work(now)

    def _open_for_work(self, now: float) -> None:
        """Open connections if there is work for certain: an iterable may be at its end."""
        transaction = self.pull()
        if transaction is None:
            self._end_served()
            return
        _job(transaction).put_back(transaction)
        self._open(sum(job.waiting() for job in self._jobs if job.is_open), now)

    def _open(self, wanted: int, now: float) -> None:
        room = self._most - len(self._connections) - len(self._opening)
        if self._connections and now < self._grow_at:
            room = 0
        for _ in range(min(room, wanted - len(self._opening))):
            task = self._loop.create_task(self._opened())
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    async def _opened(self) -> None:
        try:
            wire, greeting = await open_wire(self._endpoint)
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must hear of it
            self._opening.discard(asyncio.current_task())
            self._could_not_open(error)
            return
        self._opening.discard(asyncio.current_task())
        if self._is_closing:
            wire.abort()
            return
        connection = Connection(wire, greeting, self._endpoint, self, pipelining=self._trusted())
        self._connections.add(connection)
        self._tick_on()
        transaction = self.pull()
        if transaction is not None:
            connection.begin(transaction)
        self._end_served()

    def _trusted(self) -> Pipelining:
        """How far ahead a new connection may write."""
        return self._pipelining if self._loop.time() < self._trust_at else Pipelining.FULL

    def _could_not_open(self, error: Exception) -> None:
        self._grow_at = self._loop.time() + _GROW_AGAIN_SECONDS
        if self._connections or self._opening:
            return  # others work, or may work yet: as many connections as there are will do
        for job in tuple(self._jobs):
            if job.is_open:
                self._fail_unreached(job, error)
        self._end_served()

    def _fail_unreached(self, job: Job, error: Exception) -> None:
        """The mail service cannot be used: the first message is reported as unsent, no other is begun."""
        transaction = job.take(float("inf"))
        if transaction is not None:
            reply = error.reply if isinstance(error, HostRefusedError) else None
            job.settle(transaction, Outcome.UNSENT, reply)
        job.fail(error)

    def _end_served(self) -> None:
        for job in [each for each in self._jobs if each.end_if_served()]:
            self._jobs.remove(job)

    # Time.

    def _tick_on(self) -> None:
        if self._ticker is None and self._connections and not self._is_closing:
            shortest = min(
                self._endpoint.timeout, self._endpoint.final_timeout, self._endpoint.idle_seconds, 2.0
            )
            self._ticker = self._loop.call_later(max(0.02, shortest / 4), self._tick)

    def _tick(self) -> None:
        """Give up connections that are silent for too long, close those without work."""
        self._ticker = None
        now = self._loop.time()
        for connection in tuple(self._connections):
            connection.give_up_if_overdue(now)
            has_no_work = now - connection.idle_since > self._endpoint.idle_seconds
            if connection.is_idle and (connection.is_spent or has_no_work):
                connection.quit()
        self._tick_on()


def _job(transaction: Transaction) -> Job:
    assert isinstance(transaction.owner, Job)
    return transaction.owner
