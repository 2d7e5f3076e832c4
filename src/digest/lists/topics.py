"""Topics: a digest's named groups of sections that a reader may choose. None chosen means all of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.db.dialect import insert_if_new
from digest.errors import InputError, NotFoundError
from digest.i18n import N_
from digest.lists.fields import check_short_name, clean_line
from digest.models import Digest, Topic

MOST: Final = 30  # more than anybody would read through on a form
_SECTIONS_MOST: Final = 50


def add_topic(
    session: Session, digest: Digest, *, name: str, title: str, sections: Sequence[str], now: dt.datetime
) -> Topic:
    """Make a topic, last in the digest's order; raises InputError if the name is taken or cannot be used."""
    there = topics_of(session, digest.id)
    if len(there) >= MOST:
        raise InputError(N_("A digest has at most %(most)s topics."), most=MOST)
    row = {
        "digest_id": digest.id,
        "name": check_short_name(name, what=N_("topic")),
        "title": _title(title),
        "sections": _sections(sections),
        "position": max((topic.position for topic in there), default=0) + 1,
        "created_at": now,
    }
    made = insert_if_new(session, Topic, row)
    if made is None:
        raise InputError(N_("There is a topic %(name)r already; choose another name."), name=name)
    return session.get_one(Topic, made)


def set_topic(
    topic: Topic,
    *,
    title: str | None = None,
    sections: Sequence[str] | None = None,
    position: int | None = None,
) -> dict[str, str]:
    """Change what is given; returns what changed, for the audit."""
    changed: dict[str, str] = {}
    if title is not None and _title(title) != topic.title:
        topic.title = changed["title"] = _title(title)
    if sections is not None and _sections(sections) != topic.sections:
        topic.sections = _sections(sections)
        changed["sections"] = ", ".join(topic.sections)
    if position is not None and position != topic.position:
        if not 0 <= position <= 1000:
            raise InputError(N_("A topic's place is a number from 0 to 1000."))
        topic.position = position
        changed["position"] = str(position)
    return changed


def remove_topic(session: Session, topic: Topic) -> None:
    """Take a topic away. Readers who chose it keep the word in their choice, where it stands for nothing."""
    session.delete(topic)
    session.flush()


def topics_of(session: Session, digest_id: int) -> list[Topic]:
    """A digest's topics in their order."""
    return list(
        session.scalars(
            sa.select(Topic).where(Topic.digest_id == digest_id).order_by(Topic.position, Topic.name)
        )
    )


def topic_named(session: Session, digest: Digest, name: str) -> Topic:
    """The topic of this name of a digest; raises NotFoundError."""
    there = topics_of(session, digest.id)
    for topic in there:
        if topic.name == name:
            return topic
    known = ", ".join(topic.name for topic in there)
    raise NotFoundError(
        N_("The digest %(digest)r has no topic %(name)r; there are: %(known)s.")
        if known
        else N_("The digest %(digest)r has no topic %(name)r, nor any other yet."),
        digest=digest.name,
        name=name[:60],
        known=known,
    )


def _title(text: str) -> str:
    cleaned = clean_line(text, what=N_("title"))
    if not cleaned:
        raise InputError(N_("A topic needs a title: readers see it."))
    return cleaned


def _sections(sections: Sequence[str]) -> list[str]:
    """Without doubles, in the order given; compared without regard to case."""
    cleaned = [clean_line(section, what=N_("section")) for section in sections]
    unique = {section.casefold(): section for section in reversed(cleaned) if section}
    if not unique:
        raise InputError(N_("A topic needs at least one section: a category or tag of the stories."))
    if len(unique) > _SECTIONS_MOST:
        raise InputError(N_("A topic has at most %(most)s sections."), most=_SECTIONS_MOST)
    return list(reversed(unique.values()))
