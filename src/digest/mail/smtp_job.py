"""One handover on its way through the pool: what is to be begun, once or again, and what ended it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from digest.mail.smtp_transaction import Transaction
from digest.mail.transport import Envelope, Handover, Outcome, Reply, wire_form


class Job:
    """One handover on its way: what is taken from it, what is to be begun again, and what ended it.

    Made and waited for in any thread; everything else happens in the loop's.
    """

    def __init__(
        self,
        handover: Handover,
        *,
        size: int,
        starts_at: float = 0.0,
        interval: float = 0.0,
        on_done: Callable[[], None] = lambda: None,
    ) -> None:
        self._handover = handover
        self._left = size
        self._again: deque[Transaction] = deque()
        self._in_flight = 0
        self._is_exhausted = self._is_stopped = False
        self._done = threading.Event()
        self._on_done = on_done
        # The pace: no message begins before its moment of the monotonic clock.
        self._next_at = starts_at
        self._interval = interval
        self.error: BaseException | None = None
        self.is_stale = handover.is_stale
        self.is_still_wanted = handover.is_still_wanted
        self.before_dot = handover.before_dot

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until every envelope that was taken has its outcome; false if that took too long."""
        return self._done.wait(timeout)

    @property
    def is_done(self) -> bool:
        return self._done.is_set()

    @property
    def is_open(self) -> bool:
        """Whether there may be something to begin, now or later."""
        return bool(self._again) or not self._is_exhausted

    def waiting(self) -> int:
        """How many messages there are to begin, as far as is known."""
        return len(self._again) + (0 if self._is_exhausted else max(0, self._left))

    def delay(self, now: float) -> float:
        """Seconds until the next message may begin."""
        return max(0.0, self._next_at - now)

    def take(self, now: float) -> Transaction | None:
        """The next transaction, if it may begin now."""
        if now < self._next_at:
            return None
        if self._again:
            transaction = self._again.popleft()
        else:
            found = self._taken()
            if found is None:
                return None
            transaction = found
        self._in_flight += 1
        if self._interval:
            self._next_at = max(self._next_at, now - self._interval) + self._interval
        return transaction

    def _taken(self) -> Transaction | None:
        if self._is_exhausted:
            return None
        try:
            envelope = self._handover.next()
            if envelope is None:
                self._is_exhausted = True
                return None
            body = envelope.pieces or (wire_form(envelope.message),)
        except BaseException as error:  # noqa: BLE001
            self.fail(error)
            return None
        self._left -= 1
        return Transaction(envelope, body, envelope.size, self)

    def again(self, transaction: Transaction) -> None:
        """Begin a transaction once more, on another connection."""
        self._in_flight -= 1
        transaction.tries += 1
        transaction.refused = None
        if self._is_stopped:
            self._tell(transaction.envelope, Outcome.UNSENT, None)
        else:
            self._again.append(transaction)

    def put_back(self, transaction: Transaction) -> None:
        """Take back one that was only looked at."""
        self._in_flight -= 1
        self._next_at -= self._interval
        self._again.appendleft(transaction)

    def settle(
        self, transaction: Transaction, outcome: Outcome, reply: Reply | None, *, rests: bool = False
    ) -> None:
        """What became of a transaction."""
        if transaction.is_abandoned:
            # Told as unknown or unsent before; a later answer is news only if there was one.
            if reply is not None and outcome not in (Outcome.UNSENT, Outcome.UNKNOWN):
                self._tell(transaction.envelope, outcome, reply, rests=rests)
            return
        self._in_flight -= 1
        self._tell(transaction.envelope, outcome, reply, rests=rests)

    def abandon(self, transaction: Transaction, *, has_left: bool) -> None:
        """Wait no longer for a transaction."""
        if not transaction.is_abandoned:
            self.settle(transaction, Outcome.UNKNOWN if has_left else Outcome.UNSENT, None)
            transaction.is_abandoned = True

    def fail(self, error: BaseException) -> None:
        """Begin nothing more; the first error is what the job ends with."""
        if self.error is None:
            self.error = error
        self.stop()

    def stop(self) -> None:
        """Begin nothing more."""
        self._is_exhausted = self._is_stopped = True
        waiting, self._again = self._again, deque()
        for transaction in waiting:
            self._tell(transaction.envelope, Outcome.UNSENT, None)

    def end_if_served(self) -> bool:
        """Let those who wait go on once there is nothing to begin and nothing in flight."""
        if not self.is_open and self._in_flight == 0:
            self._done.set()
            self._on_done()
            return True
        return False

    def _tell(
        self, envelope: Envelope, outcome: Outcome, reply: Reply | None, *, rests: bool = False
    ) -> None:
        try:
            self._handover.after_reply(envelope, outcome, reply, rests=rests)
        except BaseException as error:  # noqa: BLE001
            self.fail(error)
