"""One connection at work: transactions one after another, pipelined as far as the server lets us.

    full     message end, MAIL, RCPT and DATA of the next one in one write: one round trip a message
    grouped  MAIL, RCPT and DATA in one write: two
    single   a command at a time: four

RFC 2920 allows the first: DATA must be the last command of a group, and a message's content may be followed
by the next group. Its replies come in order, so each is matched with the command it answers. A DATA after a
refused MAIL or RCPT may be answered 354 all the same: then a lone dot ends it, and nothing counts as sent.
Where a server offers PIPELINING and cannot do it, connections go on with less (`smtp_pipeline`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from digest import clock
from digest.errors import UnreachableError
from digest.i18n import N_
from digest.mail.replies import Stage, judge, parse_reply
from digest.mail.reply_rules import TOO_EARLY
from digest.mail.smtp_commands import LONE_DOT, QUIT, group_of, refusal_of
from digest.mail.smtp_errors import ConnectionEndedError, HostRefusedError
from digest.mail.smtp_pipeline import Pipeline
from digest.mail.smtp_setup import Greeting
from digest.mail.smtp_transaction import NO_COMMANDS, Commands, Keeper, Owner, Pipelining, Step, Transaction
from digest.mail.smtp_wire import Lines, Wire
from digest.mail.transport import Endpoint, Outcome, Reply
from digest.mail.verdicts import Verdict

_TAKES_NONE = N_("The mail service takes no mail from us now")
# A longer message may not fit into the socket's buffer: its dot waits until the rest has left, so that a
# connection that breaks in its middle leaves nobody uncertain.
_AT_ONCE = 131_072


class Connection:
    """A wire that carries transactions. All its methods are called in the loop's thread."""

    def __init__(
        self, wire: Wire, greeting: Greeting, endpoint: Endpoint, keeper: Keeper, *, pipelining: Pipelining
    ) -> None:
        self._wire = wire
        self._greeting = greeting
        self._endpoint = endpoint
        self._keeper = keeper
        self._loop = asyncio.get_running_loop()
        level = pipelining if greeting.offers("PIPELINING") else Pipelining.SINGLE
        self._pipeline = Pipeline(wire, level, time=self._loop.time)
        self._opened_at = self._loop.time()
        self._begun: Transaction | None = None  # its MAIL, RCPT, DATA are on the way
        self._flying: Transaction | None = None  # its dot has left
        self._needs_reset = self._is_lowered = self._is_quitting = False
        self._carried = 0  # transactions begun
        self.served = 0  # transactions that the server answered to their end
        self.idle_since = self._opened_at
        wire.stream(self)

    # What the pool does.

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way, not even a goodbye."""
        return self._pipeline.is_empty and not (self._begun or self._flying)

    @property
    def is_free(self) -> bool:
        """Whether a transaction may be begun now."""
        return self.is_idle and not self.is_spent

    @property
    def is_spent(self) -> bool:
        """Whether it has carried as much as one connection should."""
        is_old = self._carried > 0 and self._loop.time() - self._opened_at >= self._endpoint.max_seconds
        return self._wire.is_lost or is_old or self._carried >= self._endpoint.max_messages

    def begin(self, transaction: Transaction) -> None:
        """Start a transaction on a free connection."""
        refusal = refusal_of(self._greeting, transaction)
        if refusal is not None:
            self._keeper.settled(transaction, Outcome.REFUSED, refusal)
            self._go_on()
            return
        self._pipeline.write(self._group(transaction))

    def quit(self) -> None:
        """Say goodbye and close once it is answered."""
        if self._wire.is_lost:
            return
        self._is_quitting = True
        self._pipeline.write(QUIT)

    def abort(self, error: UnreachableError) -> None:
        """Close at once; what it carried is settled as far as it had come."""
        self._wire.abort(error)

    def give_up_if_overdue(self, now: float) -> None:
        """Close it if the server has been silent for longer than it may."""
        if self._pipeline.is_overdue(now, self._endpoint):
            self._lower(self._pipeline.expected[0])
            self.abort(ConnectionEndedError(N_("The mail service gave no answer in time.")))

    def carries(self, owner: Owner) -> list[tuple[Transaction, bool]]:
        """The owner's transactions here, and whether the dot of each has left."""
        found = [(self._flying, True), (self._begun, False)]
        return [(each, left) for each, left in found if each is not None and each.owner is owner]

    # What the wire tells.

    def on_heard(self) -> None:
        self._pipeline.heard()

    def on_plain(self, code: int, text: bytes) -> None:
        """The replies of a message that is taken, the quick way."""
        pipeline = self._pipeline
        expected = pipeline.expected
        if code == 250 and expected and not pipeline.holds_back:
            step = expected[0]
            if step is Step.MAIL or step is Step.RCPT:
                expected.popleft()
                return
        self.on_reply(code, (text.decode("utf-8", "replace"),))

    def on_reply(self, code: int, lines: Lines) -> None:
        expected = self._pipeline.expected
        if not expected or expected[0] is Step.BODY:
            # A server that speaks unasked says why it closes, most often 421.
            self.abort(HostRefusedError(_TAKES_NONE, parse_reply(code, lines)))
            return
        step = expected.popleft()
        if step is Step.MAIL or step is Step.RCPT:
            self._on_command(step, code, lines)
        elif step is Step.DATA:
            self._on_data(code, lines)
        elif step is Step.DOT:
            self._on_dot(code, lines)
        elif step is Step.RSET:
            if code // 100 != 2:  # some close the connection after a refusal
                self.abort(HostRefusedError(N_("The mail service could not go on"), parse_reply(code, lines)))
            else:
                self._pipeline.go_on()
        elif step is Step.LONE_DOT:
            self._needs_reset = True
            self._go_on()
        else:
            self._wire.close()
            self._keeper.ended(self, None)

    def on_drained(self) -> None:
        if self._begun is not None:
            self._pipeline.heard()  # it has taken all that was written
            self._pipeline.expected.popleft()
            self._end_message(self._begun, ())

    def on_lost(self, error: UnreachableError) -> None:
        flying, begun = self._flying, self._begun
        self._flying = self._begun = None
        was_used = self.served > 0 or self._is_lowered
        self._keeper.ended(self, None if self._is_quitting else error)
        if flying is not None:
            self._keeper.settled(flying, Outcome.UNKNOWN, None)
        if begun is not None:
            self._keeper.interrupted(begun, error, was_used=was_used)
        elif flying is not None and not was_used:
            flying.owner.fail(error)

    # Replies.

    def _on_command(self, step: Step, code: int, lines: Lines) -> None:
        transaction = self._begun
        # Of a RCPT after a refused MAIL the first reply counts.
        if code // 100 == 2 or transaction is None or transaction.refused is not None:
            self._pipeline.go_on()
            return
        reply = parse_reply(code, lines)
        verdict = judge(Stage(step), reply)
        if verdict.outcome is Outcome.UNSENT:
            self._host_refuses(step, reply, verdict)
            return
        transaction.refused = verdict, reply
        if self._pipeline.holds_back:  # a command at a time: DATA is not said any more
            self._pipeline.hold_back()
            self._give_back(transaction)
        # Else DATA is on its way, and its reply ends the transaction.

    def _on_data(self, code: int, lines: Lines) -> None:
        transaction = self._begun
        assert transaction is not None
        if code == 354:
            if transaction.refused is None:
                self._deliver(transaction)
                return
            self._begun = None
            self._pipeline.write(LONE_DOT)
            verdict, reply = transaction.refused
            self._keeper.settled(transaction, verdict.outcome, reply, rests=verdict.rests)
            return
        if transaction.refused is None:
            reply = parse_reply(code, lines)
            verdict = judge(Stage.DATA, reply)
            if verdict.outcome is Outcome.UNSENT:
                self._host_refuses(Step.DATA, reply, verdict)
                return
            transaction.refused = verdict, reply
        self._give_back(transaction)

    def _give_back(self, transaction: Transaction) -> None:
        """End a transaction that was refused before its message."""
        assert transaction.refused is not None
        verdict, reply = transaction.refused
        self._begun = None
        self._needs_reset = True
        self.served += 1
        self._keeper.settled(transaction, verdict.outcome, reply, rests=verdict.rests)
        self._go_on()

    def _on_dot(self, code: int, lines: Lines) -> None:
        transaction = self._flying
        assert transaction is not None
        self._flying = None
        reply = parse_reply(code, lines)
        verdict = judge(Stage.DOT, reply)
        if verdict.outcome in (Outcome.UNSENT, Outcome.UNKNOWN):
            if verdict is TOO_EARLY:
                self._lower(Step.DOT)
            begun, self._begun = self._begun, None
            self._wire.abort()
            error = HostRefusedError(N_("The mail service stopped after a message"), reply)
            self._keeper.ended(self, error)
            if self._is_lowered:  # it was refused, and what for is mended
                self._keeper.interrupted(transaction, error, was_used=True)
            else:
                self._keeper.settled(transaction, verdict.outcome, reply, rests=verdict.rests)
            if begun is not None:
                self._keeper.interrupted(begun, error, was_used=self.served > 0 or self._is_lowered)
            elif self.served == 0 and not self._is_lowered:
                transaction.owner.fail(error)
            return
        self.served += 1
        self._keeper.answered(clock.monotonic() - transaction.left_at)
        self._keeper.settled(transaction, verdict.outcome, reply, rests=verdict.rests)
        if self._begun is None:
            self._go_on()

    def _host_refuses(self, step: Step, reply: Reply, verdict: Verdict) -> None:
        if verdict is TOO_EARLY:
            self._lower(step)
        self.abort(HostRefusedError(_TAKES_NONE, reply, rests=verdict.rests))

    def _lower(self, step: Step) -> None:
        """Have the next connections write less ahead, if that may be why this one fails at a step."""
        level = self._pipeline.safer_level(step)
        if level is not None:
            self._is_lowered = True
            self._keeper.distrust(level)

    # Messages.

    def _deliver(self, transaction: Transaction) -> None:
        """DATA was answered: send the message, if it is still wanted."""
        if transaction.owner.is_stale():
            asked = self._loop.run_in_executor(None, transaction.owner.is_still_wanted, transaction.envelope)
            asked.add_done_callback(lambda answer: self._deliver_if(transaction, answer))
        else:
            self._write_message(transaction)

    def _deliver_if(self, transaction: Transaction, answer: asyncio.Future[bool]) -> None:
        if self._wire.is_lost or self._begun is not transaction:
            return
        self._pipeline.heard()
        error = None if answer.cancelled() else answer.exception()
        if error is not None or answer.cancelled() or not answer.result():
            self._stop_before_dot(transaction, error)
        else:
            self._write_message(transaction)

    def _write_message(self, transaction: Transaction) -> None:
        if transaction.size <= _AT_ONCE:
            self._end_message(transaction, transaction.body)
        elif self._wire.write_slowly(transaction.body):
            self._end_message(transaction, ())
        else:
            self._pipeline.wait_for_room()

    def _end_message(self, transaction: Transaction, rest: Sequence[bytes]) -> None:
        """The intent, then the final dot, and with it the next group if the server takes that.

        The one way for a dot to leave.
        """
        if transaction.is_abandoned:  # told as unsent: another worker may have it by now
            self.abort(ConnectionEndedError(N_("The mail service gave no answer in time.")))
            return
        try:
            may_leave = transaction.owner.before_dot(transaction.envelope)
        except BaseException as error:  # noqa: BLE001
            self._stop_before_dot(transaction, error)
            return
        if not may_leave:
            self._stop_before_dot(transaction, None)
            return
        self._begun, self._flying = None, transaction
        transaction.left_at = clock.monotonic()
        is_ahead = self._pipeline.level is Pipelining.FULL and not self.is_spent
        following = self._next_fit() if is_ahead else None
        self._pipeline.write_end(rest, self._group(following) if following is not None else NO_COMMANDS)

    def _stop_before_dot(self, transaction: Transaction, error: BaseException | None) -> None:
        """In the middle of DATA, closing is the only way not to send."""
        self._begun = None
        flying, self._flying = self._flying, None
        self._wire.abort()
        self._keeper.ended(self, None)
        if flying is not None:
            self._keeper.settled(flying, Outcome.UNKNOWN, None)
        if error is not None:
            transaction.owner.fail(error)
        self._keeper.declined(transaction)

    # Commands.

    def _go_on(self) -> None:
        """Begin the next transaction, or say that there is none."""
        if self._wire.is_lost:
            return
        if self.is_spent:
            self.quit()
            return
        following = self._next_fit()
        if following is not None:
            self._pipeline.write(self._group(following))
            return
        self.idle_since = self._loop.time()
        self._keeper.idle(self)

    def _next_fit(self) -> Transaction | None:
        """The next transaction that this server can take; those it cannot are refused at once."""
        while (following := self._keeper.pull()) is not None:
            refusal = refusal_of(self._greeting, following)
            if refusal is None:
                return following
            self._keeper.settled(following, Outcome.REFUSED, refusal)
        return None

    def _group(self, transaction: Transaction) -> Commands:
        """The commands of a transaction, and RSET before them where the last one ended early."""
        self._begun = transaction
        self._carried += 1
        resets, self._needs_reset = self._needs_reset, False
        return group_of(self._greeting, transaction, resets=resets)
