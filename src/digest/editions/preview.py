"""An edition's mails as files to look at: as they are locked, or as they would be now. Reads only."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import jinja2
import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.db import Database
from digest.editions.compose import Composed, compose
from digest.editions.material import Outcome, material_of
from digest.editions.reasons import why_none
from digest.editions.revisions import revision_of
from digest.editions.show import digest_of, get_edition
from digest.errors import DigestError, StateError, Word
from digest.feeds.stored_pictures import KIND, read_name
from digest.i18n import N_
from digest.lists import assets
from digest.mail.headers import date_text
from digest.mail.placeholders import PreparedMail, fill, with_fallbacks
from digest.models import Edition, Variant
from digest.rendering.previews import picture_addresses

# Nobody's: a preview is made for no person, and its links belong to no subscription.
_READER: Final = "reader@example.org"


@dataclass(frozen=True, slots=True)
class PreviewedMail:
    """One rendering. `name` says which; `message` is the whole mail as for a reader who does not exist."""

    name: str
    html: str
    text: str
    message: bytes


@dataclass(frozen=True, slots=True)
class Preview:
    """All mails of an edition. `pictures` are those that we have copies of, by their address."""

    subject: str
    language: str
    mails: tuple[PreviewedMail, ...]
    pictures: dict[str, bytes]


@dataclass(frozen=True, slots=True)
class _Rendering:
    name: str
    html: str
    text: str
    mail: bytes


def preview(
    database: Database,
    edition_id: int,
    *,
    public_url: str,
    templates: Path | None,
    now: dt.datetime,
    revision_number: int | None = None,
) -> Preview:
    """The mails of a version, of the current one, or of what would go out now if nothing is locked yet.

    Raises NotFoundError for a version that is not there, StateError if there is nothing to render.
    """
    with database.read() as session:
        edition = get_edition(session, edition_id)
        digest = digest_of(session, edition)
        is_stored = edition.revision_id is not None or revision_number is not None
        material = None if is_stored else material_of(session, edition_id, now=now)
        subject, renderings = _stored(session, edition, revision_number) if is_stored else ("", [])
    if isinstance(material, Outcome):
        raise StateError(
            N_("Edition %(edition)s cannot be shown now. %(why)s"),
            edition=edition_id,
            why=Word(why_none(material.reason)),
        )
    if material is not None:
        try:
            composed = compose(material, public_url=public_url, templates=templates)
        except (jinja2.TemplateError, ValueError) as error:
            raise DigestError(
                N_("Edition %(edition)s cannot be made from its template: %(why)s"),
                edition=edition_id,
                why=str(error),
            ) from error
        subject, renderings = composed.subject, _composed(composed)
    sender = digest.sender_address.rpartition("@")[2]
    values = {
        "to": _READER,
        "to_name": "",
        "name": "",
        "message_id": f"<preview.{edition_id}@{sender}>",
        "date": date_text(now),
        "list_id": f"{digest.name}.{sender}",
        "list_name": digest.title,
        "unsubscribe_url": f"{public_url}/u/preview",
        "unsubscribe_mailto": "",
    }
    with database.read() as session:
        pictures = _pictures(session, renderings, public_url=public_url)
    mails = tuple(_filled(one, values) for one in renderings)
    return Preview(subject=subject, language=digest.language, mails=mails, pictures=pictures)


def _stored(session: Session, edition: Edition, number: int | None) -> tuple[str, list[_Rendering]]:
    revision = revision_of(session, edition, number)
    found = session.scalars(sa.select(Variant).where(Variant.revision_id == revision.id).order_by(Variant.id))
    return revision.subject, [
        _Rendering(_name(one.text_size, one.topics), one.html, one.text, one.mail) for one in found
    ]


def _composed(composed: Composed) -> list[_Rendering]:
    return [
        _Rendering(_name(one.text_size.value, one.topics), one.html, one.text, one.mail)
        for one in composed.variants
    ]


def _name(text_size: str, topics: str) -> str:
    """As a file can be called: `normal`, or `large-culture-sport`."""
    words = "".join(letter if letter.isalnum() else "-" for letter in topics)
    return "-".join(filter(None, (text_size, words.strip("-"))))


def _filled(one: _Rendering, values: dict[str, str]) -> PreviewedMail:
    prepared = PreparedMail.from_bytes(one.mail)
    everything = with_fallbacks(prepared, values)
    return PreviewedMail(
        name=one.name,
        html=_without_places(one.html, everything),
        text=_without_places(one.text, everything),
        message=fill(prepared, everything),
    )


def _without_places(part: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        part = part.replace(f"%%{name}%%", value)
    return part


def _pictures(session: Session, renderings: list[_Rendering], *, public_url: str) -> dict[str, bytes]:
    """Our copies of the pictures that the mails show."""
    found: dict[str, bytes] = {}
    for url in dict.fromkeys(url for one in renderings for url in picture_addresses(one.html)):
        named = read_name(url.rpartition("/p/")[2]) if url.startswith(f"{public_url}/p/") else None
        asset = assets.find(session, kind=KIND, fingerprint=named[0]) if named is not None else None
        if asset is not None:
            found[url] = b"".join(assets.chunks(session, asset.id))
    return found
