"""Look-ups in the DNS for the sheet of a sender's domain: every answer is a fact, a failure too.

No answer is trusted for more than words: nothing is fetched or mailed by what stands in one. Each look-up has
a time limit, an answer may have so many records and letters, and one check may ask so many questions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import dns.exception
import dns.name
import dns.nameserver
import dns.rdatatype
import dns.resolver

from digest import clock
from digest.errors import ConfigError

_SECONDS = 6.0  # of one look-up, over all servers and tries
_SECONDS_IN_ALL = 45.0  # of one check
_TRY_SECONDS = 2.0  # of one try at one server
_PAYLOAD = 1232  # bytes of an answer by UDP that are not cut into fragments anywhere
_MOST_RECORDS = 60  # of one answer
_MOST_LETTERS = 16_000  # of all records of one answer
_MOST_QUESTIONS = 150  # of one check


class Status(StrEnum):
    FOUND = "found"
    NO_RECORD = "no_record"  # the name is there, with no record of this kind
    NO_NAME = "no_name"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a look-up brought: the records as text, or in `why` a sentence about its failure."""

    status: Status
    records: tuple[str, ...] = ()
    why: str = ""

    @property
    def is_void(self) -> bool:
        """As RFC 7208 section 4.6.4 counts void look-ups."""
        return self.status in (Status.NO_RECORD, Status.NO_NAME)


class _NoUsableAnswerError(Exception):
    """Why there is no answer, in words."""


class Lookups:
    """Asks DNS servers, each question once. `servers` are IP addresses with ports; none: the system's."""

    def __init__(
        self,
        servers: Sequence[tuple[str, int]] = (),
        *,
        seconds: float | None = None,
        most: int = _MOST_QUESTIONS,
    ) -> None:
        """Raises ConfigError if there are no servers and the system names none."""
        try:
            self._resolver = dns.resolver.Resolver(configure=not servers)
        except dns.resolver.NoResolverConfiguration:
            raise ConfigError(
                "This system names no DNS server; set DIGEST_DNS_SERVERS, for example to 192.0.2.53."
            ) from None
        if servers:
            self._resolver.nameservers = [dns.nameserver.Do53Nameserver(host, port) for host, port in servers]
        self._seconds = seconds or _SECONDS
        self._until = clock.monotonic() + _SECONDS_IN_ALL
        self._resolver.use_edns(0, 0, _PAYLOAD)
        self._most = most
        self._answers: dict[tuple[str, str], Answer] = {}

    def txt(self, name: str) -> Answer:
        """TXT records, each one's strings joined (RFC 7208 section 3.3, RFC 6376 section 3.6.2.2)."""
        return self._answer(name, "TXT", lambda record: b"".join(record.strings).decode("utf-8", "replace"))

    def mx(self, name: str) -> Answer:
        """MX records as `10 mail.example.org`, the preferred first; a null MX (RFC 7505) is `0 .`."""
        found = self._answer(name, "MX", lambda record: f"{record.preference} {_plain(record.exchange)}")
        return Answer(found.status, tuple(sorted(found.records, key=_preference)), found.why)

    def addresses(self, name: str) -> Answer:
        """IPv4 and IPv6 addresses together; failed if there is none and one of the look-ups failed."""
        first, second = (
            self._answer(name, kind, lambda record: str(record.address)) for kind in ("A", "AAAA")
        )
        records = first.records + second.records
        if records:
            return Answer(Status.FOUND, records)
        return second if first.is_void and not second.is_void else first

    def _answer(self, name: str, kind: str, text: Callable[[Any], str]) -> Answer:
        question = (name.lower().rstrip("."), kind)
        if question not in self._answers:
            if len(self._answers) >= self._most:
                return Answer(Status.FAILED, why=f"more than {self._most} questions would have to be asked")
            self._answers[question] = self._ask(*question, text)
        return self._answers[question]

    def _ask(self, name: str, kind: str, text: Callable[[Any], str]) -> Answer:
        try:
            found = self._resolve(name, kind)
        except dns.resolver.NXDOMAIN:
            return Answer(Status.NO_NAME)
        except _NoUsableAnswerError as error:
            return Answer(Status.FAILED, why=str(error))
        if not found:
            return Answer(Status.NO_RECORD)
        if len(found) > _MOST_RECORDS:
            return Answer(Status.FAILED, why=f"there are more than {_MOST_RECORDS} records")
        records = tuple(text(record) for record in found)
        if sum(map(len, records)) > _MOST_LETTERS:
            return Answer(Status.FAILED, why=f"the records are longer than {_MOST_LETTERS} letters")
        return Answer(Status.FOUND, records)

    def _resolve(self, name: str, kind: str) -> Sequence[Any]:
        if not (name and name.isascii() and name.isprintable()) or " " in name:
            raise _NoUsableAnswerError("this is no name that can be asked for")
        seconds = min(self._seconds, self._until - clock.monotonic())
        if seconds <= 0:
            raise _NoUsableAnswerError("the time for all look-ups was over")
        self._resolver.timeout = min(seconds, _TRY_SECONDS)
        try:
            found = self._resolver.resolve(
                dns.name.from_text(name), kind, raise_on_no_answer=False, search=False, lifetime=seconds
            )
        except dns.resolver.NXDOMAIN:
            raise
        except dns.exception.Timeout:
            raise _NoUsableAnswerError(f"no DNS server answered within {seconds:.2g} seconds") from None
        except dns.resolver.NoNameservers as error:
            raise _NoUsableAnswerError(_refusals(error.kwargs.get("errors") or ())) from None
        except (dns.exception.DNSException, UnicodeError, OSError) as error:
            raise _NoUsableAnswerError(f"the look-up failed ({type(error).__name__})") from None
        return list(found.rrset or ())


def _refusals(errors: Iterable[Sequence[Any]]) -> str:
    """What the servers said: the response codes, or what was wrong with an answer."""
    said = {type(each[3]).__name__ if isinstance(each[3], Exception) else str(each[3]) for each in errors}
    return f"the DNS servers gave no answer ({', '.join(sorted(said)) or 'for no reason'})"


def _plain(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower()


def _preference(record: str) -> int:
    return int(record.partition(" ")[0])
