"""Copies of an edition for the staff: test mails, whenever somebody wants one.

A test mail is the stored mail, byte for byte, but for its subject, its Message-ID and one person's values.
Its unsubscribe link leads nowhere: it belongs to no subscription.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2
import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import audit, clock, notices
from digest.db import Database
from digest.editions.compose import compose
from digest.editions.links import keep_links
from digest.editions.material import Outcome, material_of
from digest.editions.reasons import why_none
from digest.editions.revisions import revision_of
from digest.editions.show import digest_of, get_edition
from digest.errors import DigestError, NotFoundError, StateError, Word
from digest.i18n import N_
from digest.keys import Keys
from digest.mail.copies import with_subject
from digest.mail.headers import date_text, notice_message_id
from digest.mail.placeholders import PreparedMail, fill, with_fallbacks
from digest.models import Account, Digest, Edition, Revision, Variant
from digest.notices.staff import TEST, account_of
from digest.rendering.contexts import TextSize
from digest.rendering.copies import marked_as_test


@dataclass(frozen=True, slots=True)
class Imprint:
    """What a copy needs from outside of its edition."""

    public_url: str
    keys: Keys
    templates: Path | None = None


@dataclass(frozen=True, slots=True)
class _Stored:
    """A version's mail as it would go out."""

    subject: str
    mail: bytes


def ask_test_mails(
    database: Database,
    edition_id: int,
    addresses: Sequence[str],
    imprint: Imprint,
    *,
    actor: str,
    revision_number: int | None = None,
    size: TextSize = TextSize.NORMAL,
) -> int:
    """Have an edition's mail sent to people of the staff now; returns how many were asked for.

    It is the version of this number, or the current one; an edition that is not locked yet is rendered from
    what would go into it now. Raises NotFoundError for an address without an active account, a version or a
    text size that is not there, StateError if there is nothing to send.
    """
    with database.read() as session:
        edition = get_edition(session, edition_id)
        for address in addresses:
            account_of(session, address)
        has_content = edition.revision_id is not None or revision_number is not None
        stored = _stored(session, edition, revision_number, size) if has_content else None
        material = None if has_content else material_of(session, edition_id)
    if isinstance(material, Outcome):
        raise StateError(
            N_("Edition %(edition)s cannot be tested now. %(why)s"),
            edition=edition_id,
            why=Word(why_none(material.reason)),
        )
    if material is not None:
        try:
            composed = compose(material, public_url=imprint.public_url, templates=imprint.templates)
        except (jinja2.TemplateError, ValueError) as error:
            raise DigestError(
                N_("Edition %(edition)s cannot be made from its template: %(why)s"),
                edition=edition_id,
                why=str(error),
            ) from error
        variant = next((one for one in composed.variants if one.text_size is size), None)
        if variant is None:
            raise _no_such_size(edition_id, size)
        stored = _Stored(composed.subject, variant.mail)
    assert stored is not None
    with database.write() as session:
        if material is not None:
            keep_links(session, edition_id, composed.links)
        return _ask(session, edition_id, stored, addresses, imprint, actor=actor)


def _stored(session: Session, edition: Edition, number: int | None, size: TextSize) -> _Stored:
    revision = (
        revision_of(session, edition, number)
        if number is not None
        else session.get_one(Revision, edition.revision_id)
    )
    mail = session.scalar(
        sa.select(Variant.mail)
        .where(Variant.revision_id == revision.id, Variant.text_size == size)
        .order_by(Variant.topics)
        .limit(1)
    )
    if mail is None:
        raise _no_such_size(edition.id, size)
    return _Stored(revision.subject, mail)


def _no_such_size(edition_id: int, size: TextSize) -> NotFoundError:
    return NotFoundError(
        N_("Edition %(edition)s has no mail in the text size %(size)s: nobody reads it in it."),
        edition=edition_id,
        size=Word(size.value),
    )


def _ask(
    session: Session,
    edition_id: int,
    stored: _Stored,
    addresses: Sequence[str],
    imprint: Imprint,
    *,
    actor: str,
) -> int:
    edition = session.get_one(Edition, edition_id)
    digest = digest_of(session, edition)
    prepared = PreparedMail.from_bytes(stored.mail)
    now, asked = clock.utc_now(), 0
    for address in addresses:
        account = account_of(session, address)
        key = f"test:{edition_id}:{account.id}:{now:%Y%m%dT%H%M%S%f}"
        values = copy_values(digest, account, imprint, key=key, now=now)
        message = fill(prepared, with_fallbacks(prepared, values))
        asked += notices.ask(
            session,
            key=key,
            kind=TEST,
            address=account.address,
            sender_address=digest.sender_address,
            message=with_subject(message, marked_as_test(stored.subject, digest.language)),
            now=now,
        )
    audit.record(session, "edition.test", edition, actor=actor, now=now, details={"mails": asked})
    return asked


def copy_values(
    digest: Digest, account: Account, imprint: Imprint, *, key: str, now: dt.datetime
) -> dict[str, str]:
    """What a copy's places are filled with, for one of the staff. `key` is its notice's."""
    domain = digest.sender_address.rpartition("@")[2]
    number = int.from_bytes(hashlib.sha256(key.encode()).digest()[:6])
    return {
        "to": account.address,
        "to_name": account.name,
        "name": account.name,
        "message_id": notice_message_id(number, domain, imprint.keys.address_key),
        "date": date_text(now),
        "list_id": f"copy.{digest.name}.{domain}",
        "list_name": digest.title,
        # No token: the page behind it says that the link does not work, and its button changes nothing.
        "unsubscribe_url": f"{imprint.public_url}/u/copy",
        "unsubscribe_mailto": "",
        "follows_on": "",  # nobody of the staff need have had what a correction puts right
    }
