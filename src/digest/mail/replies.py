"""SMTP replies: from bytes to code, enhanced code and text; and what a reply means.

Pure and without a socket, so that every client reads replies by the same limits (RFC 5321 section 4.2,
RFC 2034 and RFC 3463 for the enhanced codes). What they mean stands in `mail.reply_rules`, one table.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, field

from digest.errors import UnreachableError
from digest.i18n import N_
from digest.mail.headers import clean_header
from digest.mail.reply_rules import RULES
from digest.mail.transport import Outcome, Reply
from digest.mail.verdicts import Rule, Scope, Stage, Verdict

__all__ = [
    "ProtocolError",
    "ReplyReader",
    "Scope",
    "Stage",
    "Verdict",
    "judge",
    "outcome_of",
    "parse_reply",
]

TEXT_LIMIT = 300
_LINE_LIMIT = 4096  # RFC 5321 allows 512; real servers go beyond
_LINES_LIMIT = 200
_LINE = re.compile(rb"([2-5][0-9]{2})(?:([ -])([^\r\n]*))?")
_ENHANCED = re.compile(r"([245]\.[0-9]{1,3}\.[0-9]{1,3})(?:\s+|$)")
_ADDRESS = re.compile(r"[^\s<>@\"'(),:;]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})*")


class ProtocolError(UnreachableError):
    """What the server says is not SMTP, or there is no end of it: the connection must be closed."""

    def __init__(self) -> None:
        super().__init__(N_("The mail service does not answer as mail servers do."))


@dataclass(slots=True)
class ReplyReader:
    """Cuts a stream into replies. `feed` takes what came; `next_lines` gives one whole reply or None."""

    _buffer: bytearray = field(default_factory=bytearray)
    _lines: list[bytes] = field(default_factory=list)
    _code: bytes = b""

    def feed(self, data: bytes) -> None:
        """Take bytes from the server."""
        self._buffer += data

    @property
    def is_empty(self) -> bool:
        """Whether nothing is waiting to be read; bytes there when TLS begins are an injection (RFC 3207)."""
        return not self._buffer and not self._lines

    def next_lines(self) -> tuple[int, tuple[str, ...]] | None:
        """The code and the texts of the next whole reply; raises ProtocolError for what is none."""
        while (end := self._buffer.find(b"\n")) >= 0:
            line = bytes(self._buffer[:end]).rstrip(b"\r")
            del self._buffer[: end + 1]
            match = _LINE.fullmatch(line)
            if not match or len(line) > _LINE_LIMIT or (self._lines and match[1] != self._code):
                raise ProtocolError
            self._code = match[1]
            self._lines.append(match[3] or b"")
            if match[2] != b"-":
                texts = tuple(text.decode("utf-8", "replace") for text in self._lines)
                self._lines.clear()
                return int(match[1]), texts
            if len(self._lines) > _LINES_LIMIT:
                raise ProtocolError
        if len(self._buffer) > _LINE_LIMIT:
            raise ProtocolError
        return None


@functools.lru_cache(maxsize=1024)
def parse_reply(code: int, lines: tuple[str, ...]) -> Reply:
    """A reply with its enhanced code taken out of the text; the text on one line, cleaned and cut.

    An enhanced code of another class than the reply's is ignored (RFC 2034 section 4). Addresses are masked:
    replies are kept longer than people's data may be.
    """
    enhanced, texts = "", []
    for line in lines:
        match = _ENHANCED.match(line)
        if match and match[1][0] == str(code)[0]:
            enhanced = enhanced or match[1]
            line = line[match.end() :]  # noqa: PLW2901
        texts.append(line[:TEXT_LIMIT])
    text = clean_header(" ".join(texts[:20]))
    return Reply(code=code, enhanced=enhanced, text=_ADDRESS.sub("***@***", text)[:TEXT_LIMIT])


def judge(stage: Stage, reply: Reply) -> Verdict:
    """What a reply to a command means: the first rule of the table that fits.

    Every reply has a verdict, also one with a code that no standard knows. Where several commands left in one
    write, the first refusal counts: DATA's answer after a refused RCPT is about that refusal.
    """
    for rule in _rules_for(stage, reply.code):
        if rule.fits_words(reply.enhanced, reply.text):
            return rule.verdict
    raise AssertionError("the table's last rule fits everything")


def outcome_of(stage: Stage, reply: Reply) -> Outcome:
    """What a reply at a stage means for the person it was about."""
    return judge(stage, reply).outcome


@functools.lru_cache(maxsize=4096)
def _rules_for(stage: Stage, code: int) -> tuple[Rule, ...]:
    """The rules that a code can meet at a stage; for one that is right there is one, without words."""
    return tuple(rule for rule in RULES if rule.fits_code(stage, code))
