"""What is odd about a feed that could be read all the same: a code and its numbers, and a sentence for each.

They are kept as codes with a source and said in the words of whoever looks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from digest.i18n import N_, Translator


class OddCode(StrEnum):
    """What may be odd; the last three are of a site's doors, and the feed itself is sound."""

    CONTROLS = "controls"
    OTHER_LETTERS = "other_letters"
    NOT_UTF8 = "not_utf8"
    BROKEN_LETTERS = "broken_letters"
    TOO_MANY = "too_many"
    MALFORMED = "malformed"
    EMPTY = "empty"
    NO_ADDRESS = "no_address"
    NO_TITLE = "no_title"
    BAD_DATE = "bad_date"
    NO_DATE = "no_date"
    FUTURE = "future"
    TWICE = "twice"
    REST_SHUT = "rest_shut"
    REST_SILENT = "rest_silent"
    FEED_SHUT = "feed_shut"


SENTENCES: dict[OddCode, str] = {
    OddCode.CONTROLS: N_("It holds control characters that XML does not allow; they were dropped."),
    OddCode.OTHER_LETTERS: N_("It says that its letters are in %(said)s, but they are in utf-8."),
    OddCode.NOT_UTF8: N_("It says that its letters are in utf-8, but they are not."),
    OddCode.BROKEN_LETTERS: N_("Some of its letters cannot be read."),
    OddCode.TOO_MANY: N_("Only its first %(taken)s stories were read; %(left_out)s more were left out."),
    OddCode.MALFORMED: N_("It is not well-formed XML; what could be read was taken."),
    OddCode.EMPTY: N_("There is no story in it."),
    OddCode.NO_ADDRESS: N_("Stories without an address, left out: %(count)s."),
    OddCode.NO_TITLE: N_("Stories without a title or text, left out: %(count)s."),
    OddCode.BAD_DATE: N_("Stories with a date that cannot be read: %(count)s."),
    OddCode.NO_DATE: N_("Stories without a date: %(count)s."),
    OddCode.FUTURE: N_("Stories dated more than a day ahead: %(count)s."),
    OddCode.TWICE: N_("Stories with an id that another story has: %(count)s."),
    OddCode.REST_SHUT: N_(
        "Its REST interface is shut to us: we go by the feed alone, and see pictures, tags and withdrawn "
        "stories less well. Ask the site to open /wp-json/wp/v2/posts."
    ),
    OddCode.REST_SILENT: N_("Its REST interface did not answer this time; what we know from it is kept."),
    OddCode.FEED_SHUT: N_("Its feed cannot be read; its stories come from its REST interface alone."),
}

_OF_DOORS = frozenset({OddCode.REST_SHUT, OddCode.REST_SILENT, OddCode.FEED_SHUT})


@dataclass(frozen=True, slots=True)
class Odd:
    """One odd thing, and the figures in its sentence."""

    code: OddCode
    facts: Mapping[str, int | str] = field(default_factory=dict)

    def as_kept(self) -> dict[str, Any]:
        """The form that is kept with a source."""
        return {"code": self.code.value, "facts": dict(self.facts)}


# What is kept: `Odd.as_kept`, or the English sentence that a release before kept in its place.
Kept = Mapping[str, Any] | str


def odd_sentence(odd: Odd, words: Translator) -> str:
    """An odd thing for a person: numbers in the language's digits."""
    return _said(odd.code, odd.facts, words)


def kept_sentences(kept: Iterable[Kept], words: Translator) -> tuple[str, ...]:
    """What is kept with a source, for a person, whichever release kept it."""
    return tuple(
        words.gettext(one) if isinstance(one, str) else _said(one["code"], one["facts"], words)
        for one in kept
    )


def is_kept(code: OddCode, kept: Iterable[Kept]) -> bool:
    """Whether an odd thing is among those kept."""
    return any(_code_of(one) == code for one in kept)


def faults_of_feed(kept: Iterable[Kept]) -> int:
    """How many of those kept are faults of the feed itself."""
    return sum(_code_of(one) not in _OF_DOORS for one in kept)


def _code_of(one: Kept) -> str:
    if not isinstance(one, str):
        return str(one["code"])
    return next((code for code, sentence in SENTENCES.items() if sentence == one), "")


def _said(code: str, facts: Mapping[str, Any], words: Translator) -> str:
    if code not in SENTENCES:  # kept by a later release
        return code
    shown = {name: words.number(value) if isinstance(value, int) else value for name, value in facts.items()}
    return words.gettext(SENTENCES[OddCode(code)], **shown)
