"""A transaction, the steps of it, and what a connection asks of those around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, NamedTuple, Protocol

from digest.errors import UnreachableError
from digest.mail.transport import Endpoint, Envelope, Outcome, Reply
from digest.mail.verdicts import Verdict

if TYPE_CHECKING:
    from digest.mail.smtp_connection import Connection

_QUIT_SECONDS = 5.0


class Pipelining(IntEnum):
    """How many commands are written before their replies are read."""

    SINGLE = 0
    GROUPED = 1
    FULL = 2


class Step(StrEnum):
    """What a reply that is still to come answers."""

    RSET = "rset"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    BODY = "body"  # no reply, but room for the rest of the message
    DOT = "dot"
    LONE_DOT = "lone dot"
    QUIT = "quit"

    def limit(self, endpoint: Endpoint) -> float:
        """How long its reply is waited for, in seconds."""
        if self is Step.DOT:
            return endpoint.final_timeout
        return min(_QUIT_SECONDS, endpoint.timeout) if self is Step.QUIT else endpoint.timeout


class Commands(NamedTuple):
    """Commands that leave together: what each of them is, and the lines of all."""

    steps: Sequence[Step]
    lines: bytes


NO_COMMANDS = Commands((), b"")


@dataclass(slots=True, eq=False)
class Transaction:
    """One envelope on its way over a connection."""

    envelope: Envelope
    body: Sequence[bytes]  # as it goes between DATA and the final dot
    size: int  # the message's, in bytes
    owner: Owner
    tries: int = 0
    refused: tuple[Verdict, Reply] | None = None  # what was said against it before its message
    left_at: float = 0.0  # when its dot left, of the monotonic clock
    is_abandoned: bool = False  # nobody waits for it; its connection is closed when its answer has come


class Owner(Protocol):
    """Whose transaction it is: a job of the pool."""

    def is_stale(self) -> bool: ...

    def is_still_wanted(self, envelope: Envelope, /) -> bool: ...

    def before_dot(self, envelope: Envelope, /) -> bool: ...

    def fail(self, error: BaseException, /) -> None: ...


class Keeper(Protocol):
    """Who gives a connection its work and hears what came of it: the pool."""

    def pull(self) -> Transaction | None:
        """The next transaction, if there is one now."""

    def answered(self, waited: float, /) -> None:
        """A message was answered so many seconds after its dot had left."""

    def settled(
        self, transaction: Transaction, outcome: Outcome, reply: Reply | None, /, *, rests: bool = False
    ) -> None:
        """What became of a transaction; `rests` as `Handover.after_reply` has it."""

    def declined(self, transaction: Transaction, /) -> None:
        """A transaction that its owner did not want any more right before its dot."""

    def interrupted(self, transaction: Transaction, error: UnreachableError, /, *, was_used: bool) -> None:
        """A transaction whose dot has not left when its connection ended."""

    def distrust(self, level: Pipelining, /) -> None:
        """The server cannot do what it offers: connections are to write no further ahead than this."""

    def idle(self, connection: Connection, /) -> None:
        """A connection has no work."""

    def ended(self, connection: Connection, error: UnreachableError | None, /) -> None:
        """A connection is no more."""
