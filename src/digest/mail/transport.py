"""What sending a mail means to the rest of Digest: an endpoint, envelopes, replies and five outcomes.

`mail.smtp_client` is the engine that does it.
"""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, Protocol

from digest.errors import ConfigError, InputError
from digest.i18n import N_

LINE_LIMIT = 998  # RFC 5321 section 4.5.3.1.6, without CRLF
_ENVELOPE_ADDRESS = re.compile(r"[^\s<>\x00-\x1f\x7f-\x9f]{1,64}@[A-Za-z0-9][A-Za-z0-9.-]{0,253}")


class Security(StrEnum):
    """How the connection is protected. Both kinds of TLS check the certificate and never fall back."""

    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"  # from the first byte, port 465 (RFC 8314)


class Outcome(StrEnum):
    """What became of one envelope."""

    ACCEPTED = "accepted"  # 2xx to the final dot
    REFUSED = "refused"  # 5xx to this person or this message; final
    DEFERRED = "deferred"  # 4xx to this person or this message; later
    UNSENT = "unsent"  # the host failed before it could accept: the person is not to blame
    UNKNOWN = "unknown"  # the connection ended between the final dot and its reply

    __hash__ = str.__hash__  # an enumeration's own is a function in Python, called for each mail


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One mail service and the limits we keep with it. Its repr shows no user and no password.

    All times are in seconds. `connect_timeout` is for the connection and its TLS; `timeout` for each reply
    and `final_timeout` for the reply to the final dot, as long as RFC 5321 section 4.5.3.2 asks for (five and
    ten minutes: giving up early on a dot makes an uncertain delivery). `ca_file` names further trusted
    certificates, for a relay with a certificate of its own.
    """

    host: str
    port: int
    security: Security = Security.STARTTLS
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    helo: str = "localhost"
    connect_timeout: float = 30.0
    timeout: float = 300.0
    final_timeout: float = 600.0
    max_connections: int = 1  # at a time
    max_messages: int = 100  # on one connection
    max_seconds: float = 300.0  # likewise
    idle_seconds: float = 30.0  # a connection without work is kept so long
    ca_file: str = ""

    def __post_init__(self) -> None:
        if self.username and self.security is Security.NONE and not _is_loopback(self.host):
            raise ConfigError(
                N_("A mail service with a login needs TLS: its password would travel in the open.")
            )
        if not re.fullmatch(r"[A-Za-z0-9.:\[\]-]{1,255}", self.helo):
            raise ConfigError(N_("The name we greet a mail service with must be a host name."))


@dataclass(slots=True, kw_only=True, eq=False)
class Envelope:
    """One message to one person, never changed. `ref` is the caller's own and comes back untouched.

    The message is in one piece, or in several that were made by `mail.prepared.filled`: those have no line to
    be repaired or dot-stuffed, which need not be looked for again in every copy of an edition.
    """

    sender: str = field(repr=False)
    recipient: str = field(repr=False)
    message: bytes = field(default=b"", repr=False)
    pieces: Sequence[bytes] = field(default=(), repr=False)
    needs_smtputf8: bool = False
    ref: object = None

    def __post_init__(self) -> None:
        if self.sender and not _ENVELOPE_ADDRESS.fullmatch(self.sender):
            raise InputError("The sender's address cannot be used in an SMTP command.")
        if not _ENVELOPE_ADDRESS.fullmatch(self.recipient):
            raise InputError("The recipient's address cannot be used in an SMTP command.")
        if not self.needs_smtputf8 and not (self.sender + self.recipient).isascii():
            raise InputError("An address that is not ASCII must be marked as needing SMTPUTF8.")

    @property
    def size(self) -> int:
        """Bytes of the message, as the parameter SIZE counts them (RFC 1870)."""
        return sum(map(len, self.pieces)) if self.pieces else len(self.message)


class Reply(NamedTuple):
    """What the server said: code, enhanced code ("5.1.1" or ""), and its text, cleaned and cut.

    A tuple, for replies are looked up by themselves several times for each mail.
    """

    code: int
    enhanced: str
    text: str


BeforeDot = Callable[[Envelope], bool]
LookAgain = Callable[[Envelope], bool]
AfterReply = Callable[[Envelope, Outcome, Reply | None], None]


class Handover(Protocol):
    """Messages on their way out, asked for and answered for one by one.

    All but `is_still_wanted` are called in the engine's thread and must not wait for anything.
    """

    def next(self) -> Envelope | None:
        """The next one; None if there are no more, or no further one is to be begun."""

    def is_stale(self) -> bool:
        """Whether it is so long ago that the people were looked at that each must be looked at again."""

    def is_still_wanted(self, envelope: Envelope, /) -> bool:
        """Look at the person again; called in a thread of its own. False: the message is not to be sent."""

    def before_dot(self, envelope: Envelope, /) -> bool:
        """Right before the bytes with the final dot leave: to write the intent. False: they must not."""

    def after_reply(
        self, envelope: Envelope, outcome: Outcome, reply: Reply | None, /, *, rests: bool = False
    ) -> None:
        """Called once for every envelope that was taken; again for one that was abandoned, if it is answered.

        `rests`: because of the reply the receiving domain is to be given a rest (`mail.verdicts`).
        An envelope that is abandoned before the answer to its final dot has come is `unknown` at first.
        """


class Transport(Protocol):
    """A way to hand messages over."""

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
        """Hand over the envelopes, in any order, several at a time if it likes.

        `before_dot` is called right before the bytes with the final dot leave, to write the intent; if it
        answers False, the envelope becomes `unsent` and no further one is begun. `after_reply` is called once
        for every envelope that was taken from the iterable. What either raises ends the sending and comes
        out. Raises UnreachableError if the host cannot be used, after the outcomes so far were reported.

        From `fresh_until` of the monotonic clock on, `look_again` is asked in a thread of its own, right
        before a message leaves, whether it may still go. If it answers False, that is as with `before_dot`.

        After `patience` seconds nothing more is begun, and after twice that no answer is waited for: what has
        left without one is `unknown`, and UnreachableError is raised. Likewise once `waits_until` gives a
        moment of the monotonic clock, because the process is to end: from then on nothing more is begun, and
        after that moment no answer is waited for.
        """


def wire_form(message: bytes) -> bytes:
    """The message as it goes between DATA and the final dot: the same bytes, leading dots doubled.

    Raises InputError for a bare CR or LF, a missing end of line, or a line of more than 998 bytes: servers
    repair those in ways that break a signature or let one message be read as two (RFC 5321 section 2.3.8).
    """
    line_ends = message.count(b"\r\n")
    if message.count(b"\n") != line_ends or message.count(b"\r") != line_ends:
        raise InputError("The message has a line that does not end in CRLF.")
    if not message.endswith(b"\r\n"):
        raise InputError("The message does not end with a whole line.")
    if _has_long_line(message):
        raise InputError(f"The message has a line of more than {LINE_LIMIT} bytes.")
    if b"\r\n." in message or message.startswith(b"."):
        return (b"\r\n" + message).replace(b"\r\n.", b"\r\n..")[2:]
    return message


def _has_long_line(message: bytes) -> bool:
    """Whether a line is over the limit; looks at one place in a thousand, for messages are checked often."""
    at, whole_line = 0, LINE_LIMIT + 2
    while len(message) - at > whole_line:
        line_end = message.rfind(b"\n", at, at + whole_line)
        if line_end < 0:
            return True
        at = line_end + 1
    return False


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
