"""One mail of an edition, as it is or as it would be now: for whoever looks at it while it is being made."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import Any

import jinja2
import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.db import Database
from digest.editions.compose import context_of
from digest.editions.made_once import mail_of
from digest.editions.material import Outcome, material_of
from digest.editions.notes import with_own_words
from digest.editions.reasons import why_none
from digest.editions.revisions import revision_of
from digest.editions.show import get_edition
from digest.errors import DigestError, StateError
from digest.i18n import N_
from digest.mail.placeholders import PreparedMail, with_fallbacks
from digest.models import ChangeKind, EditionState, Revision, Variant
from digest.rendering.campaign import with_campaign
from digest.rendering.contexts import TextSize


@dataclass(frozen=True, slots=True)
class OneMail:
    """What a reader sees: of the mail that has every story, in one text size."""

    subject: str
    preheader: str
    html: str
    text: str


def one_mail(
    database: Database,
    edition_id: int,
    *,
    size: TextSize,
    name: str = "",
    public_url: str,
    templates: Path | None,
    now: dt.datetime,
    look: Mapping[str, Any] | None = None,
    version: int | None = None,
    tried: Mapping[ChangeKind, str] | None = None,
) -> OneMail:
    """The mail of an edition's version or, if it has none or is held, as it would be if it were locked now.

    Only this one is rendered, so that an editor sees a change at once. `name` is the reader's, for whom a
    greeting is filled in; `look` is a theme to be tried on, `tried` are words around the stories that nobody
    has kept; `version` is another one than the current.
    Raises StateError if there is nothing to show, DigestError for a faulty template.
    """
    with database.read() as session:
        edition = get_edition(session, edition_id)
        # What is held is made anew when it goes on: it is shown as it would be then.
        is_fixed = edition.revision_id is not None and edition.state is not EditionState.HELD
        revision = session.get(Revision, edition.revision_id) if is_fixed else None
        if version is not None:
            revision = revision_of(session, edition, version)
        if revision is not None:
            return _stored(session, revision, size, _values(name, public_url))
        material = material_of(session, edition_id, now=now)
    if isinstance(material, Outcome):
        raise StateError(why_none(material.reason))
    if look is not None:
        material.digest.look = dict(look)  # its row is of no session any more: nothing is kept
    if tried:
        material = replace(material, changes=with_own_words(material.changes, tried))
    context = replace(with_campaign(context_of(material, public_url=public_url)), text_size=size)
    try:
        made = mail_of(context, templates=templates)
    except (jinja2.TemplateError, ValueError) as error:
        raise DigestError(
            N_("Edition %(edition)s cannot be made from its template: %(why)s"),
            edition=edition_id,
            why=str(error),
        ) from error
    fallbacks = {one.name: one.fallback for one in material.personal}
    values = fallbacks | {key: value for key, value in _values(name, public_url).items() if value}
    return filled_in(OneMail(made.subject, made.preheader, made.html, made.text), values)


def _stored(session: Session, revision: Revision, size: TextSize, values: Mapping[str, str]) -> OneMail:
    """The variant with the most stories of this size; of a version without this size, the normal one."""
    variants = session.scalars(
        sa.select(Variant).where(Variant.revision_id == revision.id).order_by(Variant.id)
    ).all()
    if not variants:
        raise StateError(N_("Its mails are not kept any more."))
    whole = [one for one in variants if one.positions is None] or list(variants)
    one = next((each for each in whole if each.text_size == size.value), whole[0])
    filled = in_placeholders(PreparedMail.from_bytes(one.mail), values)
    return filled_in(OneMail(revision.subject, revision.preheader, one.html, one.text), filled)


def _values(name: str, public_url: str) -> dict[str, str]:
    """Nobody's: the links of a look belong to no subscription."""
    return {"name": name, "unsubscribe_url": f"{public_url}/u/preview"}


def in_placeholders(mail: PreparedMail, values: Mapping[str, str]) -> dict[str, str]:
    """A person's values, and what stands for those that are not known."""
    return with_fallbacks(mail, dict(values))


def filled_in(mail: OneMail, values: Mapping[str, str]) -> OneMail:
    """The mail with its places filled."""
    html, text = mail.html, mail.text
    for name, value in values.items():
        html = html.replace(f"%%{name}%%", escape(value))
        text = text.replace(f"%%{name}%%", value)
    return replace(mail, html=html, text=text)
