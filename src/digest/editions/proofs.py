"""Proof mails: once a version is locked that wants approval, those who may approve have it on their phones.

Nothing waits for the mail itself: if it is late, the deadline decides as it was stated.
"""

from __future__ import annotations

import datetime as dt

import jinja2
import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import notices
from digest.db.dialect import skip_locked
from digest.editions.approve import approvers
from digest.editions.copies import Imprint, copy_values
from digest.editions.encode import encode_mail
from digest.editions.proof_facts import proof_facts
from digest.editions.proof_links import proof_url
from digest.editions.show import digest_of
from digest.errors import DigestError
from digest.i18n import Translator, for_editors
from digest.logs import get_logger
from digest.mail.placeholders import PreparedMail, fill, with_fallbacks
from digest.models import Account, Cadence, Digest, Edition, EditionState, Revision, Variant
from digest.notices.staff import PROOF
from digest.rendering.contexts import TextSize
from digest.rendering.proof import ProofFacts, ProofLinks, as_proof, marked_as_proof

log = get_logger(__name__)

S = EditionState


def due_for_proofs(session: Session) -> list[int]:
    """The versions that approvers are to be asked about now, and were not yet; of an edition the newest.

    A locked edition's own version, or a later one that a locked, held or paused edition may go on with.
    """
    newest = (
        sa.select(sa.func.max(Revision.number))
        .where(Revision.edition_id == Edition.id)
        .correlate(Edition)
        .scalar_subquery()
    )
    is_next = sa.or_(Edition.revision_id.is_(None), Revision.id != Edition.revision_id)
    rows = sa.select(Revision.id).join(Edition, Edition.id == Revision.edition_id)
    return list(
        session.scalars(
            rows.join(Cadence, Cadence.id == Edition.cadence_id)
            .where(
                Cadence.wants_approval,
                Edition.state.in_((S.FROZEN, S.HELD, S.PAUSED)),
                sa.or_(Edition.state == S.FROZEN, is_next),
                Revision.approved_at.is_(None),
                Revision.proofs_at.is_(None),
                Revision.number == newest,
            )
            .order_by(Revision.id)
        )
    )


def ask_proofs(session: Session, imprint: Imprint, *, now: dt.datetime) -> int:
    """Ask whoever may approve about each version that is due; returns how many mails.

    Once for each version: its row says when, and the notices' keys hold it. One that cannot be made is
    logged, and keeps nobody else from theirs.
    """
    asked = 0
    for revision_id in due_for_proofs(session):
        revision = session.scalars(
            skip_locked(sa.select(Revision).where(Revision.id == revision_id)), {"populate_existing": True}
        ).one_or_none()
        if revision is None or revision.proofs_at is not None:
            continue
        asked += _ask(session, revision, imprint, now=now)
        revision.proofs_at = now
        session.flush()
    return asked


def _ask(session: Session, revision: Revision, imprint: Imprint, *, now: dt.datetime) -> int:
    edition = session.get_one(Edition, revision.edition_id)
    digest = digest_of(session, edition)
    facts = proof_facts(session, edition, revision, Translator(for_editors(digest.language)))
    normal = sa.select(Variant).where(
        Variant.revision_id == revision.id, Variant.text_size == TextSize.NORMAL
    )
    variant = session.scalars(normal.order_by(Variant.topics).limit(1)).one()
    asked = 0
    for account in approvers(session):
        key = f"proof:{edition.id}:{revision.id}:{account.id}"
        try:
            message = _message(digest, variant, facts, account, imprint, key=key, now=now)
            asked += notices.ask(
                session,
                key=key,
                kind=PROOF,
                address=account.address,
                sender_address=digest.sender_address,
                message=message,
                now=now,
            )
        except (DigestError, jinja2.TemplateError, ValueError):
            log.exception("a proof cannot be made", edition=edition.id, account=account.id)
    log.info("proofs asked for", edition=edition.id, revision=revision.number, people=asked)
    return asked


def _message(
    digest: Digest,
    variant: Variant,
    facts: ProofFacts,
    account: Account,
    imprint: Imprint,
    *,
    key: str,
    now: dt.datetime,
) -> bytes:
    """The version's own mail with the question on top, for one person."""
    page = proof_url(
        imprint.public_url, imprint.keys.signer, revision_id=variant.revision_id, account_id=account.id
    )
    html, text = as_proof(
        variant.html,
        variant.text,
        facts,
        ProofLinks(f"{page}?do=approve", f"{page}?do=hold", f"{page}?do=stop"),
        language=digest.language,
        templates=imprint.templates,
    )
    subject = marked_as_proof(facts.subject, digest.language)
    fallbacks = PreparedMail.from_bytes(variant.mail).fallbacks
    prepared = encode_mail(digest, subject=subject, html=html, text=text, fallbacks=fallbacks)
    values = copy_values(digest, account, imprint, key=key, now=now)
    return fill(prepared, with_fallbacks(prepared, values))
