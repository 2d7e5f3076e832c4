"""What the staff changes of a person: what is known of them, and how often and what about they are mailed.

A change of rhythm or topics is a step of the reader's own page, taken for them: it is in the proof of consent
with the clerk's name. What is only known of a person, such as the name, is no matter of consent. Nothing of
this is a sign of life. All take a Session and never commit; each says what it has changed, never to what.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from digest.errors import StateError
from digest.i18n import N_
from digest.lists.attributes import set_values
from digest.lists.fields import check_language, check_zone, clean_line
from digest.lists.locks import lock_person
from digest.lists.preferences import By, choose_cadence, choose_text_size, choose_topics
from digest.lists.queries import cadence_named
from digest.lists.topics import topic_named
from digest.models import Digest, MailingList, Subscription, TextSize


@dataclass(frozen=True, slots=True)
class PersonChanges:
    """What is to be known of a person from now on; None leaves it, an empty text takes it away."""

    name: str | None = None
    zone: str | None = None
    language: str | None = None
    text_size: TextSize | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Choices:
    """How often, by a cadence's name, and about what, by topics' names (none: all); None leaves it."""

    cadence: str | None = None
    topics: Sequence[str] | None = None


def set_person(
    session: Session, subscriber_id: int, changes: PersonChanges, *, by: By, now: dt.datetime
) -> list[str]:
    """Change what is known of a person; the names of what has changed. Raises InputError, NotFoundError."""
    person = lock_person(session, subscriber_id)
    if person.erased_at is not None:
        raise StateError(N_("This person was erased."))
    wanted: dict[str, str | None] = {}
    if changes.name is not None:
        wanted["name"] = clean_line(changes.name, what=N_("name"))
    if changes.zone is not None:
        wanted["zone"] = check_zone(changes.zone)
    if changes.language is not None:
        wanted["language"] = check_language(changes.language)
    changed = [name for name, value in wanted.items() if getattr(person, name) != value]
    for name in changed:
        setattr(person, name, wanted[name])
    session.flush()
    if changes.text_size is not None and choose_text_size(
        session, person.id, changes.text_size, now=now, by=by
    ):
        changed.append("text_size")
    return [*changed, *set_values(session, person, changes.attributes)]


def set_choices(
    session: Session, subscription: Subscription, choices: Choices, *, by: By, now: dt.datetime
) -> list[str]:
    """Change how often and about what somebody is mailed by a list; the names of what has changed.

    Raises NotFoundError for a cadence or a topic that the digest has not, StateError for a cadence that does
    not run and for a subscription that has ended or waits to be confirmed.
    """
    digest_id = session.get_one(MailingList, subscription.list_id).digest_id
    changed = []
    if choices.cadence is not None:
        cadence = cadence_named(session, digest_id, choices.cadence)
        if not cadence.is_running:
            raise StateError(
                N_("The rhythm %(name)s does not run: nobody on it would get mail."), name=cadence.name
            )
        if choose_cadence(session, subscription, cadence.id, now=now, by=by):
            changed.append("cadence")
    if choices.topics is not None:
        digest = session.get_one(Digest, digest_id)
        names = [topic_named(session, digest, name).name for name in choices.topics]
        if choose_topics(session, subscription, names, now=now, by=by):
            changed.append("topics")
    return changed
