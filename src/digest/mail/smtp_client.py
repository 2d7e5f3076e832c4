"""The plain way to send: one connection at a time, one message after another, nothing pipelined.

It is the compatible path and the reference for the fast engine, for notices and for `transport test`. Its
rules (RFC 5321 sections 4.2.1, 4.5.3 and 3.8):

- A message is sent as the bytes it was built from; only leading dots are doubled on the wire.
- A refusal that ends a transaction is followed by RSET; a connection is retired after 100 messages or 5
  minutes, whichever is first.
- A connection that had served before may be closed by the server at any time: a message whose final dot has
  not left is then tried once more on a new one. A fresh connection that fails ends the sending.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from digest import clock
from digest.errors import UnreachableError
from digest.mail.replies import Stage, outcome_of
from digest.mail.smtp_session import HostRefusedError, Session, open_session
from digest.mail.transport import AfterReply, BeforeDot, Endpoint, Envelope, Outcome, Reply, wire_form

_NO_SMTPUTF8 = Reply(553, "5.6.7", "The mail service does not offer SMTPUTF8, which this address needs.")


@dataclass(frozen=True, slots=True)
class ServerOffer:
    """What a mail service said when we tried it: for `transport test` and the transports page."""

    extensions: tuple[str, ...]
    size_limit: int | None
    tls: str  # "TLSv1.3", or "" for an open connection
    is_signed_in: bool


class _LeaseLapsedError(Exception):
    """`before_dot` said no."""


@dataclass(slots=True)
class _Connection:
    session: Session
    opened_at: float
    served: int = 0  # transactions that the server answered to their end
    needs_reset: bool = False  # the last one ended early


class SmtpTransport:
    """Sends over one connection after another; a context manager that says QUIT at its end.

    Not for several threads. Open it in the process that uses it: a connection does not survive a fork.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._connection: _Connection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Say QUIT if a connection is open."""
        self._drop(politely=True)

    def send(self, envelopes: Iterable[Envelope], *, before_dot: BeforeDot, after_reply: AfterReply) -> None:
        """Hand the envelopes over one by one; see `Transport.send`."""
        try:
            for envelope in envelopes:
                if not self._send_one(envelope, before_dot, after_reply):
                    return
        except BaseException:
            self._drop()
            raise

    def _send_one(self, envelope: Envelope, before_dot: BeforeDot, after_reply: AfterReply) -> bool:
        """Send one; False if the sender gave up. Raises UnreachableError where a fresh connection failed."""
        body = wire_form(envelope.message)
        while True:
            attempt = _Attempt(envelope, body, before_dot)
            connection = None
            try:
                connection = self._ready()
                outcome, reply = attempt.run(connection.session, self._endpoint)
            except _LeaseLapsedError:
                self._drop()  # in the middle of DATA, closing is the only way not to send
                after_reply(envelope, Outcome.UNSENT, None)
                return False
            except UnreachableError as error:
                self._drop()
                was_used = connection is not None and connection.served > 0
                if was_used and not attempt.intent_written:
                    continue
                after_reply(envelope, attempt.outcome_if_ended, getattr(error, "reply", None))
                if was_used:
                    return True
                raise
            connection.served += 1
            connection.needs_reset = not attempt.intent_written
            after_reply(envelope, outcome, reply)
            return True

    def _ready(self) -> _Connection:
        """A connection that may carry one more message."""
        current = self._connection
        if current is not None and (
            current.served >= self._endpoint.max_messages
            or clock.monotonic() - current.opened_at >= self._endpoint.max_seconds
        ):
            self._drop(politely=True)
        elif current is not None and current.needs_reset and not _was_reset(current):
            self._drop()
        if self._connection is None:
            self._connection = _Connection(open_session(self._endpoint), clock.monotonic())
        return self._connection

    def _drop(self, *, politely: bool = False) -> None:
        if self._connection is not None:
            self._connection.session.close(politely=politely)
            self._connection = None


class _Attempt:
    """One transaction for one envelope, and how far it got."""

    def __init__(self, envelope: Envelope, body: bytes, before_dot: BeforeDot) -> None:
        self._envelope = envelope
        self._body = body
        self._before_dot = before_dot
        self.intent_written = False
        self.outcome_if_ended = Outcome.UNSENT

    def run(self, session: Session, endpoint: Endpoint) -> tuple[Outcome, Reply]:
        """MAIL, RCPT, DATA, body, dot. Raises UnreachableError where the host is at fault."""
        if self._envelope.needs_smtputf8 and not session.offers("SMTPUTF8"):
            return Outcome.REFUSED, _NO_SMTPUTF8
        steps = (
            (Stage.MAIL, f"MAIL FROM:<{self._envelope.sender}>{self._parameters(session)}", 2),
            (Stage.RCPT, f"RCPT TO:<{self._envelope.recipient}>", 2),
            (Stage.DATA, "DATA", 3),
        )
        for stage, line, wanted in steps:
            reply = session.command(line)
            if reply.code // 100 != wanted:
                return _refused(stage, reply)
        session.send(self._body)
        self.intent_written = True  # before the call: what it wrote when it raised is not known
        if not self._before_dot(self._envelope):
            raise _LeaseLapsedError
        session.send(b".\r\n")
        self.outcome_if_ended = Outcome.UNKNOWN
        reply = session.reply(timeout=endpoint.final_timeout)
        outcome = outcome_of(Stage.DOT, reply)
        if outcome in (Outcome.UNSENT, Outcome.UNKNOWN):
            self.outcome_if_ended = outcome
            raise HostRefusedError("The mail service stopped after a message", reply)
        return outcome, reply

    def _parameters(self, session: Session) -> str:
        """ESMTP parameters for what is both needed and offered (RFC 1870, 6152, 6531)."""
        parameters = ""
        if session.offers("SIZE"):
            parameters += f" SIZE={len(self._envelope.message)}"
        if session.offers("8BITMIME") and not self._envelope.message.isascii():
            parameters += " BODY=8BITMIME"
        if self._envelope.needs_smtputf8:
            parameters += " SMTPUTF8"
        return parameters


def _refused(stage: Stage, reply: Reply) -> tuple[Outcome, Reply]:
    outcome = outcome_of(stage, reply)
    if outcome is Outcome.UNSENT:
        raise HostRefusedError("The mail service takes no mail from us now", reply)
    return outcome, reply


def _was_reset(connection: _Connection) -> bool:
    """Whether the server is ready for a new transaction; some close the connection after a refusal."""
    try:
        answer = connection.session.command("RSET")
    except UnreachableError:
        return False
    connection.needs_reset = False
    return answer.code // 100 == 2


def check(endpoint: Endpoint) -> ServerOffer:
    """Try a mail service without sending anything: connect, TLS, sign in, NOOP.

    Raises UnreachableError with a sentence that says which of these failed.
    """
    session = open_session(endpoint)
    try:
        answer = session.command("NOOP")
        if answer.code // 100 != 2:
            raise HostRefusedError("The mail service let us in but does not work", answer)
        extensions = session.greeting.extensions
        size = extensions.get("SIZE", "")
        return ServerOffer(
            extensions=tuple(sorted(extensions)),
            size_limit=int(size) if size.isdecimal() and int(size) > 0 else None,
            tls=session.greeting.tls,
            is_signed_in=bool(endpoint.username),
        )
    finally:
        session.close(politely=True)
