"""First copies first: a few of the staff get an edition some minutes ahead, with a link that stops it.

Nothing waits for them: if they are late, or cannot be sent, the edition goes out at its slot all the same.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import jinja2
import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import audit, notices
from digest.db.dialect import skip_locked
from digest.editions.copies import Imprint, copy_values
from digest.editions.encode import encode_mail
from digest.editions.show import digest_of
from digest.editions.stop_links import stop_url
from digest.errors import DigestError, InputError
from digest.i18n import N_, for_editors, translator
from digest.logs import get_logger
from digest.mail.placeholders import PreparedMail, fill, with_fallbacks
from digest.models import (
    Account,
    Cadence,
    Digest,
    Edition,
    EditionState,
    FirstCopy,
    Revision,
    Variant,
)
from digest.notices.staff import FIRST_COPY
from digest.preflight.mail_findings import found_of
from digest.preflight.mail_words import level_name, said
from digest.rendering.contexts import TextSize
from digest.rendering.copies import as_first_copy, marked_as_first_copy

log = get_logger(__name__)

_LONGEST_LEAD = 86_400


def add_first_copy(
    session: Session, cadence: Cadence, account: Account, *, actor: str, now: dt.datetime
) -> bool:
    """Have one of the staff get a cadence's editions first; False if it is so already."""
    known = session.get(FirstCopy, (cadence.id, account.id))
    if known is not None:
        return False
    session.add(FirstCopy(cadence_id=cadence.id, account_id=account.id))
    session.flush()
    audit.record(
        session, "cadence.first_copy_add", cadence, actor=actor, now=now, details={"account": account.id}
    )
    return True


def remove_first_copy(
    session: Session, cadence: Cadence, account: Account, *, actor: str, now: dt.datetime
) -> bool:
    """Take it back; False if it was not so."""
    known = session.get(FirstCopy, (cadence.id, account.id))
    if known is None:
        return False
    session.delete(known)
    session.flush()
    audit.record(
        session, "cadence.first_copy_remove", cadence, actor=actor, now=now, details={"account": account.id}
    )
    return True


def set_first_copies_lead(
    session: Session, cadence: Cadence, seconds: int, *, actor: str, now: dt.datetime
) -> None:
    """How long before its slot a cadence's first copies go out; an edition is locked no later than that."""
    if not 0 <= seconds <= _LONGEST_LEAD:
        raise InputError(
            N_("First copies go out 0 to %(most)s minutes ahead."),
            hint=f"That is 0 to {_LONGEST_LEAD} seconds, not {seconds}.",
            most=_LONGEST_LEAD // 60,
        )
    if seconds > cadence.lead_seconds:
        raise InputError(
            N_(
                "The editions of this rhythm are locked %(lead)s minutes before they go out; first copies "
                "cannot be sent before that. Lock them sooner."
            ),
            hint="Change it with `digest cadence set --lead`.",
            lead=f"{cadence.lead_seconds / 60:g}",
        )
    cadence.first_copies_seconds = seconds
    audit.record(
        session, "cadence.first_copies_lead", cadence, actor=actor, now=now, details={"seconds": seconds}
    )


def first_readers(session: Session, cadence_id: int) -> list[Account]:
    """The staff who get a cadence's editions first; whose account is closed gets none."""
    return list(
        session.scalars(
            sa.select(Account)
            .join(FirstCopy, FirstCopy.account_id == Account.id)
            .where(FirstCopy.cadence_id == cadence_id, Account.disabled_at.is_(None))
            .order_by(Account.id)
        )
    )


def ask_first_copies(session: Session, imprint: Imprint, *, now: dt.datetime) -> int:
    """Ask for the first copies of each edition whose time for them has come; returns how many mails.

    Once for each edition and version: the edition's row says when, and the notices' keys hold it. One that
    cannot be made is logged, and keeps nobody else from theirs.
    """
    asked = 0
    for edition_id in due_for_first_copies(session, now=now):
        edition = session.scalars(
            skip_locked(sa.select(Edition).where(Edition.id == edition_id)), {"populate_existing": True}
        ).one_or_none()
        if edition is None or edition.first_copies_at is not None or edition.revision_id is None:
            continue
        edition.first_copies_at = now
        asked += _ask(session, edition, imprint, now=now)
    return asked


def due_for_first_copies(session: Session, *, now: dt.datetime) -> list[int]:
    """The editions that somebody is to get first, now: locked ones, or such that began before that."""
    has_readers = sa.exists().where(FirstCopy.cadence_id == Edition.cadence_id)
    rows = session.execute(
        sa.select(Edition.id, Edition.send_at, Cadence.first_copies_seconds)
        .join(Cadence, Cadence.id == Edition.cadence_id)
        .where(
            Edition.state.in_((EditionState.FROZEN, EditionState.SENDING)),
            Edition.first_copies_at.is_(None),
            Edition.revision_id.is_not(None),
            has_readers,
        )
    )
    return [row.id for row in rows if row.send_at - dt.timedelta(seconds=row.first_copies_seconds) <= now]


@dataclass(frozen=True, slots=True)
class _Content:
    """One version of an edition, to be copied."""

    edition: Edition
    revision: Revision
    variant: Variant
    digest: Digest
    zone: str


def _ask(session: Session, edition: Edition, imprint: Imprint, *, now: dt.datetime) -> int:
    revision = session.get_one(Revision, edition.revision_id)
    normal = sa.select(Variant).where(
        Variant.revision_id == revision.id, Variant.text_size == TextSize.NORMAL
    )
    content = _Content(
        edition,
        revision,
        session.scalars(normal.order_by(Variant.topics).limit(1)).one(),
        digest_of(session, edition),
        session.get_one(Cadence, edition.cadence_id).zone,
    )
    asked = 0
    for account in first_readers(session, edition.cadence_id):
        key = f"first_copy:{edition.id}:{revision.id}:{account.id}"
        try:
            message = _message(content, account, imprint, key=key, now=now)
            asked += notices.ask(
                session,
                key=key,
                kind=FIRST_COPY,
                address=account.address,
                sender_address=content.digest.sender_address,
                message=message,
                now=now,
            )
        except (DigestError, jinja2.TemplateError, ValueError):
            log.exception("a first copy cannot be made", edition=edition.id, account=account.id)
    log.info("first copies asked for", edition=edition.id, revision=revision.number, people=asked)
    return asked


def _message(content: _Content, account: Account, imprint: Imprint, *, key: str, now: dt.datetime) -> bytes:
    """The version's own mail with a line on top, for one of the staff."""
    edition, digest = content.edition, content.digest
    html, text = as_first_copy(
        content.variant.html,
        content.variant.text,
        language=digest.language,
        goes_out_at=edition.send_at if edition.state is EditionState.FROZEN else None,
        zone=content.zone,
        stop_url=stop_url(
            imprint.public_url, imprint.keys.signer, edition_id=edition.id, account_id=account.id
        ),
        checks=_checks(content.revision, digest.language),
        templates=imprint.templates,
    )
    subject = marked_as_first_copy(content.revision.subject, digest.language)
    fallbacks = PreparedMail.from_bytes(content.variant.mail).fallbacks
    prepared = encode_mail(digest, subject=subject, html=html, text=text, fallbacks=fallbacks)
    values = copy_values(digest, account, imprint, key=key, now=now)
    return fill(prepared, with_fallbacks(prepared, values))


def _checks(revision: Revision, language: str) -> list[str]:
    """What the checks said of a version when it was made, each with its level: the gravest first."""
    words = translator(for_editors(language))
    found = [one.finding for one in found_of(revision.findings)]
    return [
        f"{words.gettext('%(words)s:', words=level_name(one.level, words))} {said(one, words).what}"
        for one in found
    ]
