"""What an approver is told of a version: in the proof mail, on its page, and at the desk."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.editions.approval_settings import NOBODY
from digest.editions.audience import audience_sentences, audience_summary
from digest.editions.differences import difference_sentence, shown_of, what_changed
from digest.editions.gate import outcome_of
from digest.editions.reasons import state_name
from digest.editions.show import digest_of
from digest.i18n import Translator
from digest.models import Approval, Cadence, Edition, EditionState, Revision
from digest.preflight.mail_findings import MailLevel, found_of
from digest.preflight.mail_words import said
from digest.rendering.proof import ProofFacts

S = EditionState
_MOST_LINES = 12


def proof_facts(session: Session, edition: Edition, revision: Revision, words: Translator) -> ProofFacts:
    """A version in words, as it stands now."""
    cadence = session.get_one(Cadence, edition.cadence_id)
    before = asked_before(session, revision)
    shown = shown_of(session, revision)
    changes = () if before is None else what_changed(shown_of(session, before), shown)
    featured = words.gettext("Featured: %(title)s")
    stories = [featured % {"title": one.title} if one.is_featured else one.title for one in shown.stories]
    found = [one.finding for one in found_of(revision.findings) if one.finding.level is not MailLevel.MENDED]
    return ProofFacts(
        digest_title=digest_of(session, edition).title,
        subject=revision.subject,
        goes_out=_goes_out(edition, revision, cadence.zone, words),
        until=until_sentence(session, edition, words),
        stories=_few(stories, words),
        findings=_few([said(one, words).what for one in found], words),
        audience=audience_sentences(audience_summary(session, edition, samples=0), words),
        changes=_few([difference_sentence(one, words) for one in changes], words),
    )


def until_sentence(session: Session, edition: Edition, words: Translator) -> str:
    """What becomes of a locked edition if nobody approves it, with the moment; "" where none was set."""
    if edition.state is not S.FROZEN or edition.deadline_at is None:
        return ""
    cadence = session.get_one(Cadence, edition.cadence_id)
    moment = words.moment(edition.deadline_at, cadence.zone)
    return words.gettext(NOBODY[outcome_of(cadence)], until=moment)


def asked_before(session: Session, revision: Revision) -> Revision | None:
    """The last version before this one that approvers were asked about, or that somebody approved."""
    was_approved = sa.exists().where(Approval.revision_id == Revision.id)
    return session.scalars(
        sa.select(Revision)
        .where(
            Revision.edition_id == revision.edition_id,
            Revision.number < revision.number,
            sa.or_(Revision.proofs_at.is_not(None), was_approved),
        )
        .order_by(Revision.number.desc())
        .limit(1)
    ).one_or_none()


def _goes_out(edition: Edition, revision: Revision, zone: str, words: Translator) -> str:
    if edition.revision_id != revision.id:
        return words.gettext(
            "It is the next version: it goes out once somebody lets the edition go on with it."
        )
    if edition.state is not S.FROZEN:
        return words.gettext("This edition is now: %(state)s.", state=state_name(edition.state, words))
    send_at: dt.datetime = edition.send_at
    return words.gettext("It goes out on %(moment)s.", moment=words.moment(send_at, zone))


def _few(lines: list[str], words: Translator) -> tuple[str, ...]:
    if len(lines) <= _MOST_LINES:
        return tuple(lines)
    more = len(lines) - _MOST_LINES
    return (*lines[:_MOST_LINES], words.gettext("and %(count)s more", count=words.number(more)))
