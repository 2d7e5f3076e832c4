"""What a judging SMTP server is told to be and to do wrong."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

TLS_FOLDER = Path(__file__).parent / "tls"
AUTHORITY = TLS_FOLDER / "authority.pem"  # a client of the server trusts this; its own key was thrown away
# `localhost`, for that name only, is as it should be; the others were made to be refused (tls/make.py).
CERTIFICATES = ("localhost", "expired", "other-name", "self-signed")

STAGES = (
    *("connect", "ehlo", "starttls", "auth", "mail", "rcpt", "data", "body", "dot", "accepted"),
    *("rset", "noop", "quit"),
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong.

    `stage` is the command (`connect` the greeting, `body` the first bytes of a message, `dot` its end before
    it is recorded, `accepted` after it was recorded and instead of the 250). `action` is `reply` (say
    `reply`), `drop` (close), `silence` (say nothing more on this connection), `slow` (answer `seconds` late)
    or `hold` (answer once `JudgeServer.let_go` is called). `match` must occur in the command line or, after
    RCPT, in the recipients. The first `skip` times pass; then it happens `times` times, 0 for always.
    """

    stage: str
    action: str = "reply"
    reply: str = ""
    match: str = ""
    skip: int = 0
    times: int = 1
    seconds: float = 0.0

    def __post_init__(self) -> None:
        assert self.stage in STAGES, self.stage
        assert self.action in ("reply", "drop", "silence", "slow", "hold"), self.action


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """What the server offers, how slow it is, and its faults, the first that matches counts."""

    faults: tuple[Fault, ...] = ()
    delay: float = 0.0  # seconds from a command to its reply, as a round trip would take; pipelining is seen
    starttls: bool = False
    implicit_tls: bool = False
    user: str = ""  # with a password: MAIL needs sign-in
    password: str = ""
    mechanisms: tuple[str, ...] = ("PLAIN", "LOGIN")
    smtputf8: bool = True
    eightbit: bool = True
    pipelining: bool = True
    size_limit: int = 0  # held against SIZE= and against the message
    messages_per_connection: int = 0  # then 421
    most_recipients: int = 0  # of one message; then 452
    certificate: str = "localhost"
    # What DATA gets after every RCPT was refused. A server may say 354 all the same (RFC 2920 section 3.1).
    data_without_recipients: str = "503 5.5.1 no recipients"
    discards_pipelined: bool = False  # it offers PIPELINING and forgets what came behind a command
    # It offers PIPELINING and says 503 to a command that came together with a message's end, or with another.
    refuses_behind_dot: bool = False
    refuses_pipelined: bool = False
    fsync: bool = True  # each message is on the disk before its 250
    in_groups: bool = False  # one fsync for all that came in together
    keep: bool = True  # messages in memory
    raw: bool = False  # messages on the record too

    def __post_init__(self) -> None:
        assert self.certificate in CERTIFICATES, self.certificate

    def to_plain(self) -> dict[str, Any]:
        """For a command line."""
        return asdict(self)

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> Self:
        faults = tuple(Fault(**fault) for fault in plain.pop("faults", ()))
        mechanisms = tuple(plain.pop("mechanisms", ("PLAIN", "LOGIN")))
        return cls(faults=faults, mechanisms=mechanisms, **plain)


@dataclass(frozen=True, slots=True)
class Received:
    """A message the server has taken, as it was before the dots were doubled.

    `mail_at`, `data_at` and `dot_at` are when its MAIL, its DATA and its end came, in seconds since 1970.
    """

    mail_from: str
    recipients: tuple[str, ...]
    parameters: str  # what stood behind MAIL FROM
    raw: bytes
    connection: int
    mail_at: float = 0.0
    data_at: float = 0.0
    dot_at: float = 0.0


@dataclass(slots=True)
class FaultCounter:
    """Which faults are due: counts what passed, per fault, over all connections."""

    faults: tuple[Fault, ...]
    _seen: dict[int, int] = field(default_factory=dict)

    def due(self, stage: str, text: str) -> Fault | None:
        """The fault of this stage for this text, if it is its turn."""
        for number, fault in enumerate(self.faults):
            if fault.stage != stage or fault.match not in text:
                continue
            seen = self._seen[number] = self._seen.get(number, 0) + 1
            if seen > fault.skip and (fault.times == 0 or seen <= fault.skip + fault.times):
                return fault
        return None
