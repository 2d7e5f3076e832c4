"""What a check of a sender's domain finds: a level, what it is about, a sentence, and a record to publish."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    FAULT = "fault"  # mail suffers from it
    ADVICE = "advice"  # it would be better otherwise
    UNKNOWN = "unknown"  # it could not be looked up, or depends on what we were not told
    GOOD = "good"


class Subject(StrEnum):
    SPF = "SPF"
    DKIM = "DKIM"
    DMARC = "DMARC"
    MX = "MX"  # where bounces go


@dataclass(frozen=True, slots=True)
class DnsRecord:
    """A record as it should stand in the DNS; `text` is whole, however a zone file splits it.

    `replaces` is true if it takes the place of one of the same kind.
    """

    name: str
    kind: str
    text: str
    replaces: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """`words` are one or two sentences; `record` is what to publish, if that can be said."""

    level: Level
    subject: Subject
    words: str
    record: DnsRecord | None = None
