"""How mails show what is kept of a person: their name and their attributes, or what stands for those."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.orm import Session

from digest.i18n import translator
from digest.lists.attributes import all_attributes
from digest.models import AttributeKind, Digest
from digest.rendering.contexts import Personal
from digest.rendering.words import PERSONAL

PREFIX = "attribute_"  # of the placeholders


def personal_of(session: Session, digest: Digest, *said: str | None) -> tuple[Personal, ...]:
    """The placeholders that a digest's words hold, and those `said` in one edition, with fallbacks.

    One that names no attribute is left out: the mail cannot be made then, and says which.
    """
    names = list(
        dict.fromkeys(PERSONAL.findall(" ".join((digest.intro, digest.sign_off, *filter(None, said)))))
    )
    if not names:
        return ()
    words = translator(digest.language)
    # TRANSLATORS: how a mail addresses a reader whose name is not known.
    found = {"name": Personal("name", AttributeKind.TEXT.value, words.gettext("Dear reader"))}
    if names != ["name"]:
        for one in all_attributes(session):
            name = f"{PREFIX}{one.name}"
            found[name] = Personal(name, one.kind.value, one.fallback)
    return tuple(found[name] for name in names if name in found)


def shown_value(value: object, kind: str, language: str) -> str:
    """A kept value as a mail shows it; "" for one that is missing or of another kind."""
    if kind == AttributeKind.YES_NO and isinstance(value, bool):
        words = translator(language)
        return words.gettext("yes") if value else words.gettext("no")
    if kind == AttributeKind.NUMBER and isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(int(value)) if value == int(value) else str(value)
    if kind == AttributeKind.DATE and isinstance(value, str):
        return _in_words(value, language)
    return value if kind == AttributeKind.TEXT and isinstance(value, str) else ""


def _in_words(date: str, language: str) -> str:
    try:
        return translator(language).day(dt.date.fromisoformat(date))
    except ValueError:
        return ""
