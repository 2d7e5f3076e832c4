"""What is otherwise between two versions, field by field, with the words that went and came marked. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from digest.editions.differences import Difference, Shown, ShownStory, What, what_changed
from digest.feeds.sanitise import plain_text
from digest.i18n import N_

_TOKEN: Final = re.compile(r"\w+|\s+|[^\w\s]")
_SENTENCE: Final = re.compile(r"[^.!?։]*[.!?։]+\s*|[^.!?։]+")
_MOST_TOKENS: Final = 3_000  # of a text; what is longer is compared sentence by sentence
_AROUND: Final = 12  # tokens that stay beside what is otherwise, of a long text
_LONG: Final = 80  # tokens
# What is said of a story as a whole; the rest is shown field by field.
_WHOLE: Final = frozenset({What.DROPPED, What.ADDED, What.FEATURED, What.RECENT, What.MOVED})


class Field(StrEnum):
    SUBJECT = "subject"
    PREHEADER = "preheader"
    INTRO = "intro"
    NOTE = "note"
    SIGN_OFF = "sign_off"
    TITLE = "title"
    EXCERPT = "excerpt"
    BODY = "body"
    PICTURE = "picture"
    SECTION = "section"


LABELS: Final[dict[Field, str]] = {
    Field.SUBJECT: N_("Subject"),
    Field.PREHEADER: N_("Beside the subject"),
    Field.INTRO: N_("Words on top of the stories"),
    Field.NOTE: N_("Note to the readers"),
    Field.SIGN_OFF: N_("Words below the stories"),
    Field.TITLE: N_("Title"),
    Field.EXCERPT: N_("Excerpt"),
    Field.BODY: N_("Text"),
    Field.PICTURE: N_("Picture"),
    Field.SECTION: N_("Section"),
}


class Piece(NamedTuple):
    """Some words; `is_other` says that the other version has not got them."""

    text: str
    is_other: bool


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field as it was and as it is. `story` is the title it has now, "" of the edition's own words."""

    field: Field
    story: str
    before: tuple[Piece, ...]
    now: tuple[Piece, ...]


def field_changes(old: Shown, new: Shown) -> tuple[FieldChange, ...]:
    """Each field that differs, the edition's own words first, then story by story in the new order."""
    return tuple(_changed(old, new))


def whole_changes(old: Shown, new: Shown) -> tuple[Difference, ...]:
    """Which stories came, went or moved."""
    return tuple(one for one in what_changed(old, new) if one.what in _WHOLE)


def marked(old: str, new: str) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
    """Two texts in pieces. Of long ones only what is otherwise stays, with a few words around it."""
    before, now = _TOKEN.findall(old), _TOKEN.findall(new)
    if max(len(before), len(now)) > _MOST_TOKENS:
        before, now = _SENTENCE.findall(old), _SENTENCE.findall(new)
    gone: list[Piece] = []
    come: list[Piece] = []
    is_long = max(len(before), len(now)) > _LONG
    for kind, a, b, c, d in difflib.SequenceMatcher(a=before, b=now, autojunk=False).get_opcodes():
        if kind == "equal":
            ends = a == 0, b == len(before)
            gone.append(Piece(_short(before[a:b], ends) if is_long else "".join(before[a:b]), False))
            come.append(gone[-1])
            continue
        if a < b:
            gone.append(Piece("".join(before[a:b]), True))
        if c < d:
            come.append(Piece("".join(now[c:d]), True))
    return tuple(gone), tuple(come)


def _changed(old: Shown, new: Shown) -> Iterator[FieldChange]:
    yield from _field(Field.SUBJECT, "", old.subject, new.subject)
    yield from _field(Field.PREHEADER, "", old.preheader, new.preheader)
    yield from _field(Field.INTRO, "", _joined(old.intro), _joined(new.intro))
    yield from _field(Field.NOTE, "", old.note, new.note)
    yield from _field(Field.SIGN_OFF, "", old.sign_off, new.sign_off)
    before = {story.key: story for story in old.stories}
    for story in new.stories:
        if story.key in before:
            yield from _of_story(before[story.key], story)


def _of_story(old: ShownStory, new: ShownStory) -> Iterator[FieldChange]:
    yield from _field(Field.TITLE, new.title, old.title, new.title)
    yield from _field(Field.EXCERPT, new.title, old.excerpt, new.excerpt)
    if old.is_featured == new.is_featured and old.body != new.body:
        yield from _field(Field.BODY, new.title, plain_text(old.body), plain_text(new.body))
    yield from _field(Field.PICTURE, new.title, old.picture, new.picture)
    yield from _field(Field.SECTION, new.title, old.section, new.section)


def _field(field: Field, story: str, old: str, new: str) -> Iterator[FieldChange]:
    if old != new:
        yield FieldChange(field, story, *marked(old, new))


def _joined(texts: Sequence[str]) -> str:
    return "\n\n".join(text for text in texts if text)


def _short(tokens: Sequence[str], is_end: tuple[bool, bool]) -> str:
    """A run that both have, without its middle; at the very beginning or end without that half."""
    if len(tokens) <= 2 * _AROUND:
        return "".join(tokens)
    first = "" if is_end[0] else "".join(tokens[:_AROUND])
    last = "" if is_end[1] else "".join(tokens[-_AROUND:])
    return f"{first} … {last}"
