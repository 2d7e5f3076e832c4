"""Typed attributes of subscribers: which there are, a person's values, and how mails show them.

A value is kept in `subscribers.attributes` under the attribute's name: text as a string, a number as a
number, a date as `2027-01-15`, yes or no as true or false. No value is no entry.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable, Mapping

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import audit
from digest.db.dialect import insert_if_new, without_key
from digest.errors import InputError, NotFoundError, StateError
from digest.i18n import translator
from digest.lists.fields import clean_line
from digest.lists.segments import uses_attribute
from digest.models import Attribute, AttributeKind, Digest, Subscriber
from digest.rendering.contexts import Personal
from digest.rendering.words import PERSONAL

PREFIX = "attribute_"  # of the placeholders
TEXT_LIMIT = 500  # characters of a value
_NUMBER_LIMIT = 1e15
_NAME = re.compile(r"[a-z][a-z0-9_]{0,28}")  # so that `attribute_NAME` is a placeholder's name
_YES_NO = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}

Value = str | float | bool


def add_attribute(
    session: Session,
    name: str,
    *,
    kind: AttributeKind,
    actor: str,
    now: dt.datetime,
    title: str = "",
    fallback: str = "",
) -> Attribute:
    """Make a typed field of subscribers; raises InputError for a name that cannot be one or is taken."""
    if not _NAME.fullmatch(name):
        raise InputError(
            f"{name[:60]!r} cannot be the name of an attribute; use a letter, then up to 28 of a-z, 0-9, _."
        )
    row = {
        "name": name,
        "title": clean_line(title, what="title") or name,
        "kind": kind,
        "fallback": clean_line(fallback, what="fallback"),
        "created_at": now,
    }
    made = insert_if_new(session, Attribute, row)
    if made is None:
        raise InputError(f"There is an attribute {name!r} already; choose another name.")
    found = session.get_one(Attribute, made)
    details = {"name": name, "kind": kind.value}
    audit.record(session, "attribute.add", found, actor=actor, now=now, details=details)
    return found


def set_attribute(
    session: Session,
    attribute: Attribute,
    *,
    actor: str,
    now: dt.datetime,
    title: str | None = None,
    fallback: str | None = None,
) -> None:
    """Change the title or the fallback; what is locked keeps the fallback that it was locked with."""
    if title is not None:
        attribute.title = clean_line(title, what="title") or attribute.name
    if fallback is not None:
        attribute.fallback = clean_line(fallback, what="fallback")
    session.flush()
    audit.record(session, "attribute.set", attribute, actor=actor, now=now)


def remove_attribute(session: Session, attribute: Attribute, *, actor: str, now: dt.datetime) -> int:
    """Forget an attribute and everybody's value of it; returns how many had one.

    Raises StateError while a segment's rule or a digest's words name it.
    """
    name = attribute.name
    if segments := uses_attribute(session, name):
        raise StateError(f"The segment {segments[0]} asks for this attribute; change its rule first.")
    mark = f"%%attribute_{name}%%"
    words = sa.select(Digest.name).where(
        sa.or_(*(column.contains(mark, autoescape=True) for column in (Digest.intro, Digest.sign_off)))
    )
    if (digest := session.scalars(words.order_by(Digest.name).limit(1)).first()) is not None:
        raise StateError(f"The words of the digest {digest} name this attribute; change them first.")
    audit.record(session, "attribute.remove", attribute, actor=actor, now=now, details={"name": name})
    people = without_key(session, Subscriber, Subscriber.attributes, name)
    session.delete(attribute)
    session.flush()
    return people


def attribute_named(session: Session, name: str) -> Attribute:
    """The attribute of this name; raises NotFoundError."""
    found = session.scalars(sa.select(Attribute).where(Attribute.name == name)).one_or_none()
    if found is None:
        there = ", ".join(one.name for one in all_attributes(session)[:5])
        raise NotFoundError(
            f"There is no attribute {name[:60]!r}; "
            + (f"there are: {there}." if there else "nor any other yet.")
        )
    return found


def all_attributes(session: Session) -> list[Attribute]:
    """Every attribute, by name."""
    return list(session.scalars(sa.select(Attribute).order_by(Attribute.name)))


def read_value(attribute: Attribute, text: str) -> Value | None:
    """A value of an attribute as it is kept, from text; None for an empty one.

    Raises InputError, which says the kind and never repeats the value.
    """
    cleaned = clean_line(text, what=f"value of {attribute.name}", limit=TEXT_LIMIT)
    if not cleaned:
        return None
    try:
        return _READERS[attribute.kind](cleaned)
    except (KeyError, ValueError, OverflowError):
        raise InputError(f"{attribute.name} is {_FORMS[attribute.kind]}.") from None


def set_values(session: Session, subscriber: Subscriber, values: Mapping[str, str]) -> list[str]:
    """Set a person's attributes from text ("" takes one away); the names of those that changed."""
    known = {one.name: one for one in all_attributes(session)}
    kept = dict(subscriber.attributes)
    for name, text in values.items():
        found = known.get(name) or attribute_named(session, name)
        value = read_value(found, text)
        if value is None:
            kept.pop(name, None)
        else:
            kept[name] = value
    changed = sorted(name for name in values if kept.get(name) != subscriber.attributes.get(name))
    if changed:
        subscriber.attributes = kept
        session.flush()
    return changed


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


def _number(text: str) -> float:
    found = float(text.replace(",", ".") if text.count(",") == 1 and "." not in text else text)
    if not math.isfinite(found) or abs(found) > _NUMBER_LIMIT:
        raise ValueError(text)
    return found


def _date(text: str) -> str:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
        raise ValueError(text)
    return dt.date.fromisoformat(text).isoformat()


_READERS: Mapping[AttributeKind, Callable[[str], Value]] = {
    AttributeKind.TEXT: str,
    AttributeKind.NUMBER: _number,
    AttributeKind.DATE: _date,
    AttributeKind.YES_NO: lambda text: _YES_NO[text.lower()],
}
_FORMS = {
    AttributeKind.TEXT: "a text",
    AttributeKind.NUMBER: "a number, such as 12 or 1.5, of at most 15 digits",
    AttributeKind.DATE: "a date; write it like 2027-01-15",
    AttributeKind.YES_NO: "either yes or no",
}
