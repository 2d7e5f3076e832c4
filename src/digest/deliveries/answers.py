"""The answers of mail servers in a person's words: what a code says of a mail, grouped. Pure.

By the enhanced code (RFC 3463) where there is one, else by the code. What stands in the text is not read:
it is shown as it came.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from digest.i18n import N_

_LATER: Final = 400
_NEVER: Final = 500
_END: Final = 600


class Answer(StrEnum):
    """What a mail server means."""

    TAKEN = "taken"
    NOBODY = "nobody"
    FULL = "full"
    LARGE = "large"
    DISTRUST = "distrust"
    LATER = "later"
    REFUSED = "refused"
    NONE = "none"


WORDS: Final = {
    Answer.TAKEN: N_("The mail was taken."),
    Answer.NOBODY: N_("There is no such mailbox, or it takes no mail any more."),
    Answer.FULL: N_("The mailbox is full."),
    Answer.LARGE: N_("The mail is larger than they take."),
    Answer.DISTRUST: N_("They do not trust the sender, or took the mail for unwanted."),
    Answer.LATER: N_("They could not take it then, and it was tried until it was too late."),
    Answer.REFUSED: N_("They refuse it for another reason."),
    Answer.NONE: N_("No mail server was asked, or none has answered."),
}
# The class of an enhanced code (4 or 5) says for how long, the rest what it is about.
_ABOUT: Final = {
    "2.2": Answer.FULL,
    "2.3": Answer.LARGE,
    "3.4": Answer.LARGE,
    "3.1": Answer.FULL,
}
_SUBJECTS: Final = {"1": Answer.NOBODY, "2": Answer.NOBODY, "7": Answer.DISTRUST}


def answer_of(code: int | None, enhanced: str) -> Answer:
    """What an answer means."""
    if code is None:
        return Answer.NONE
    if code < _LATER:
        return Answer.TAKEN
    _, _, about = enhanced.partition(".")
    known = _ABOUT.get(about) or (
        _SUBJECTS.get(about.partition(".")[0]) if enhanced.startswith("5") else None
    )
    if known is not None:
        return known
    if code < _NEVER:
        return Answer.LATER
    by_code = {552: Answer.FULL, 550: Answer.NOBODY, 551: Answer.NOBODY, 553: Answer.NOBODY}
    return by_code.get(code, Answer.REFUSED) if not enhanced and code < _END else Answer.REFUSED


@dataclass(frozen=True, slots=True)
class Given:
    """An answer as it was given, and to how many. `reply_id` is None where there was none."""

    reply_id: int | None
    code: int | None
    enhanced: str
    text: str
    people: int


@dataclass(frozen=True, slots=True)
class Group:
    """The answers that mean the same."""

    answer: Answer
    people: int
    given: tuple[Given, ...]


def grouped(given: Iterable[Given]) -> tuple[Group, ...]:
    """The answers by what they mean, the most frequent first."""
    kinds: dict[Answer, list[Given]] = {}
    for one in given:
        kinds.setdefault(answer_of(one.code, one.enhanced), []).append(one)
    groups = [Group(kind, sum(one.people for one in ones), _sorted(ones)) for kind, ones in kinds.items()]
    return tuple(sorted(groups, key=lambda group: (-group.people, group.answer.value)))


def _sorted(ones: Sequence[Given]) -> tuple[Given, ...]:
    return tuple(sorted(ones, key=lambda one: (-one.people, one.code or 0, one.enhanced, one.text)))
