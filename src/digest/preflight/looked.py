"""What was seen of a mail's links and pictures where they lie; who looks is `editions.remote_look`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from digest.preflight.mail_facts import MailFacts
from digest.preflight.mail_findings import Code, MailFinding, warn

MOST_PICTURE_BYTES: Final = 400_000  # of one; a phone outside of town loads some 100 kB in a second
_LONGEST_SHOWN: Final = 120


class Kind(StrEnum):
    LINK = "link"
    PICTURE = "picture"


class Seen(StrEnum):
    """What came of a look at one address."""

    FINE = "fine"
    GONE = "gone"  # its site says so: 404 or 410
    UNREACHABLE = "unreachable"  # for now, perhaps
    HEAVY = "heavy"
    NO_PICTURE = "no_picture"  # something is there that mail programs do not show
    NOT_ASKED = "not_asked"  # there was no time left


@dataclass(frozen=True, slots=True)
class Wanted:
    """An address to look at, and in which story it stands ("": in none)."""

    kind: Kind
    url: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Looked:
    wanted: Wanted
    seen: Seen


def links(facts: MailFacts) -> Iterator[MailFinding]:
    """A link leads to a page that is there. A site that did not answer now may do so for readers."""
    codes = {Seen.GONE: Code.LINK_DEAD, Seen.UNREACHABLE: Code.LINK_UNREACHABLE}
    for one in facts.looked:
        if one.wanted.kind is Kind.LINK and one.seen in codes:
            yield warn(codes[one.seen], title=one.wanted.title, url=_shown(one.wanted.url))


def pictures(facts: MailFacts) -> Iterator[MailFinding]:
    """A picture's file is there and loads quickly. What is gone for good has been left out before."""
    for one in facts.looked:
        if one.wanted.kind is not Kind.PICTURE or one.seen in (Seen.FINE, Seen.NOT_ASKED):
            continue
        if one.seen is Seen.HEAVY:
            yield warn(Code.PICTURE_HEAVY, url=_shown(one.wanted.url), most=MOST_PICTURE_BYTES)
        else:
            yield warn(Code.PICTURE_UNREACHABLE, url=_shown(one.wanted.url))


def not_asked(facts: MailFacts) -> Iterator[MailFinding]:
    """What there was no time for is said, once."""
    count = sum(one.seen is Seen.NOT_ASKED for one in facts.looked)
    if count:
        yield warn(Code.NOT_LOOKED_AT, count=count)


def _shown(url: str) -> str:
    return url if len(url) <= _LONGEST_SHOWN else f"{url[:_LONGEST_SHOWN]}…"
