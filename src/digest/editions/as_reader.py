"""An edition as one of its readers would get it: their text size, topics, name, attributes. Sends nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jinja2
import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.db import Database
from digest.editions.compose import Material, context_of, placed_of
from digest.editions.headings import Headings, of_set
from digest.editions.material import Outcome, material_of
from digest.editions.one_mail import OneMail, filled_in, in_placeholders
from digest.editions.reasons import why_none
from digest.editions.show import digest_of, get_edition
from digest.editions.topic_lines import filed_stories
from digest.editions.topic_readers import follows_topics, sections_of
from digest.editions.topic_sets import Rendering, chosen_of, is_thin, nearest, positions_of
from digest.editions.topic_wants import least_of
from digest.errors import DigestError, NotFoundError, StateError
from digest.i18n import N_
from digest.lists.in_mails import PREFIX, shown_value
from digest.lists.segments import edition_audience
from digest.mail.placeholders import PreparedMail
from digest.models import Cadence, Digest, Edition, EditionState, Revision, Subscriber, Subscription, Variant
from digest.rendering.campaign import with_campaign
from digest.rendering.contexts import TextSize
from digest.rendering.digest_email import render_mail

TOO_FEW = N_("This reader gets no mail of it: too few of its stories are of the topics they chose.")
NOT_AMONG = N_("This edition does not go to them.")


@dataclass(frozen=True, slots=True)
class Reader:
    """One of an edition's readers, as far as their mail is another one."""

    id: int
    name: str
    text_size: TextSize
    topics: tuple[str, ...]
    attributes: Mapping[str, Any]


def reader_of(session: Session, edition: Edition, subscriber_id: int) -> Reader:
    """One of those whom an edition would go to now; raises NotFoundError for anybody else."""
    people = edition_audience(session, edition).where(Subscriber.id == subscriber_id).subquery("people")
    row = session.execute(
        sa.select(
            Subscriber.id, Subscriber.name, Subscriber.attributes, people.c.text_size, Subscription.topics
        )
        .join(people, people.c.subscriber_id == Subscriber.id)
        .join(Subscription, Subscription.id == people.c.subscription_id)
    ).one_or_none()
    if row is None:
        raise NotFoundError(NOT_AMONG)
    return Reader(row.id, row.name, TextSize(row.text_size), tuple(row.topics), row.attributes or {})


def mail_for(
    database: Database,
    edition_id: int,
    subscriber_id: int,
    *,
    public_url: str,
    templates: Path | None,
    now: dt.datetime,
) -> OneMail:
    """The mail that one of its readers gets, with links that belong to nobody.

    Raises NotFoundError for who is none of them, StateError if there is no mail for them.
    """
    with database.read() as session:
        edition = get_edition(session, edition_id)
        reader = reader_of(session, edition, subscriber_id)
        digest = digest_of(session, edition)
        if edition.revision_id is not None and edition.state is not EditionState.HELD:
            return _stored(session, edition, digest, reader, public_url)
        material = material_of(session, edition_id, now=now, counts_readers=False)
    if isinstance(material, Outcome):
        raise StateError(why_none(material.reason))
    return _live(material, reader, public_url, templates)


def _live(material: Material, reader: Reader, public_url: str, templates: Path | None) -> OneMail:
    context = context_of(material, public_url=public_url)
    filed = [one.filed for one in placed_of(material, context)]
    positions = positions_of(chosen_of(reader.topics, material.sections), filed)
    least = least_of(material.edition, material.cadence, material.digest)
    if is_thin(positions, filed, least):
        raise StateError(TOO_FEW)
    headings = Headings(material.digest, material.cadence, material.edition)
    seen = replace(of_set(with_campaign(context), positions, headings), text_size=reader.text_size)
    try:
        made = render_mail(seen, templates=templates)
    except (jinja2.TemplateError, ValueError) as error:
        raise DigestError(N_("The mail cannot be made from its template: %(why)s"), why=str(error)) from error
    values = _values(material.personal, reader, material.digest, public_url)
    return filled_in(OneMail(made.subject, made.preheader, made.html, made.text), values)


def _stored(session: Session, edition: Edition, digest: Digest, reader: Reader, public_url: str) -> OneMail:
    """The rendering that the plan gives them: of their very stories, or else the nearest larger one."""
    revision = session.get_one(Revision, edition.revision_id)
    rows = session.scalars(
        sa.select(Variant).where(Variant.revision_id == revision.id).order_by(Variant.id)
    ).all()
    if not rows:
        raise StateError(N_("Its mails are not kept any more."))
    variants = {
        Rendering(
            one.topics,
            TextSize(one.text_size),
            None if one.positions is None else tuple(one.positions),
        ): one
        for one in rows
    }
    filed = filed_stories(session, revision.id)
    known = sections_of(session, digest.id) if follows_topics(edition) else {}
    positions = positions_of(chosen_of(reader.topics, known), filed)
    has_its_own = any(each.positions == positions for each in variants)
    least = least_of(edition, session.get_one(Cadence, edition.cadence_id), digest)
    if not has_its_own and is_thin(positions, filed, least):
        raise StateError(TOO_FEW)
    one = variants[nearest(positions, reader.text_size, variants)]
    prepared = PreparedMail.from_bytes(one.mail)
    values = _values(prepared.fallbacks, reader, digest, public_url)
    mail = OneMail(revision.subject, revision.preheader, one.html, one.text)
    return filled_in(mail, in_placeholders(prepared, values))


def _values(places: Any, reader: Reader, digest: Digest, public_url: str) -> dict[str, str]:
    """What stands in a mail's places for this person, as when it is handed over."""
    values = {"unsubscribe_url": f"{public_url}/u/preview"}
    for name, kind, fallback in places:
        value: object = reader.name
        if name.startswith(PREFIX):
            value = reader.attributes.get(name.removeprefix(PREFIX))
        values[name] = shown_value(value, kind, digest.language) or fallback
    return values
