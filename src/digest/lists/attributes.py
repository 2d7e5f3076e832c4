"""Typed attributes of subscribers: which there are, and a person's values.

How mails show them: `in_mails`.

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
from digest.errors import InputError, NotFoundError, StateError, Word
from digest.i18n import N_
from digest.lists.fields import clean_line
from digest.lists.segments import uses_attribute
from digest.models import Attribute, AttributeKind, Digest, Subscriber

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
            N_("%(name)r cannot be the name of an attribute; use a letter, then up to 28 of a-z, 0-9, _."),
            name=name[:60],
        )
    row = {
        "name": name,
        "title": clean_line(title, what=N_("title")) or name,
        "kind": kind,
        "fallback": clean_line(fallback, what=N_("fallback")),
        "created_at": now,
    }
    made = insert_if_new(session, Attribute, row)
    if made is None:
        raise InputError(N_("There is an attribute %(name)r already; choose another name."), name=name)
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
        attribute.title = clean_line(title, what=N_("title")) or attribute.name
    if fallback is not None:
        attribute.fallback = clean_line(fallback, what=N_("fallback"))
    session.flush()
    audit.record(session, "attribute.set", attribute, actor=actor, now=now)


def remove_attribute(session: Session, attribute: Attribute, *, actor: str, now: dt.datetime) -> int:
    """Forget an attribute and everybody's value of it; returns how many had one.

    Raises StateError while a segment's rule or a digest's words name it.
    """
    name = attribute.name
    if segments := uses_attribute(session, name):
        raise StateError(
            N_("The segment %(segment)s asks for this attribute; change its rule first."), segment=segments[0]
        )
    mark = f"%%attribute_{name}%%"
    words = sa.select(Digest.name).where(
        sa.or_(*(column.contains(mark, autoescape=True) for column in (Digest.intro, Digest.sign_off)))
    )
    if (digest := session.scalars(words.order_by(Digest.name).limit(1)).first()) is not None:
        raise StateError(
            N_("The words of the digest %(digest)s name this attribute; change them first."), digest=digest
        )
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
            N_("There is no attribute %(name)r; there are: %(known)s.")
            if there
            else N_("There is no attribute %(name)r, nor any other yet."),
            name=name[:60],
            known=there,
        )
    return found


def all_attributes(session: Session) -> list[Attribute]:
    """Every attribute, by name."""
    return list(session.scalars(sa.select(Attribute).order_by(Attribute.name)))


def read_value(attribute: Attribute, text: str) -> Value | None:
    """A value of an attribute as it is kept, from text; None for an empty one.

    Raises InputError, which says the kind and never repeats the value.
    """
    cleaned = clean_line(text, what=attribute.name, limit=TEXT_LIMIT)
    if not cleaned:
        return None
    try:
        return _READERS[attribute.kind](cleaned)
    except (KeyError, ValueError, OverflowError):
        raise InputError(
            N_("%(attribute)s is %(form)s."), attribute=attribute.name, form=Word(_FORMS[attribute.kind])
        ) from None


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
    AttributeKind.TEXT: N_("a text"),
    AttributeKind.NUMBER: N_("a number, such as 12 or 1.5, of at most 15 digits"),
    AttributeKind.DATE: N_("a date; write it like 2027-01-15"),
    AttributeKind.YES_NO: N_("either yes or no"),
}
