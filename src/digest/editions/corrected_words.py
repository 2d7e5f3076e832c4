"""Checks of the words that a next version has; pure. Each raises InputError with a sentence."""

from __future__ import annotations

from typing import Final

from digest.errors import InputError
from digest.i18n import N_
from digest.lists.fields import clean_line

TEXT_LIMIT: Final = 2_000
_LINE_LIMIT: Final = 300


def of_story(message: str, number: int) -> InputError:
    """What is refused of a story, or the name of its part; both say which story."""
    return InputError(message, number=number)


def clean_note(text: str) -> str:
    """What the editor says about a correction; it may be empty."""
    return clean_line(text, what=N_("note"), limit=TEXT_LIMIT)


def needed_line(text: str, what: InputError) -> str:
    """A line that is never empty, such as a title."""
    line = clean_line(text, what=what, limit=_LINE_LIMIT)
    if not line:
        raise InputError(N_("The %(what)s cannot be empty."), what=what)
    return line
