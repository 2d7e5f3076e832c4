"""What the checks say of an edition now: by its rules, beside what was seen and mended when it was made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.editions.checks import in_order, name_of
from digest.editions.revisions import revision_of
from digest.editions.show import digest_of
from digest.editions.stories import story_of
from digest.mail.placeholders import PreparedMail
from digest.models import Edition, Item, Revision, Role, Variant
from digest.preflight.mail import judge_mail
from digest.preflight.mail_facts import MailFacts, gather, sample_of, subject_of
from digest.preflight.mail_findings import Code, FoundIn, found_of, merged

# What cannot be found out again without asking sites, or from what is there already.
_AS_IT_WAS: Final = frozenset(
    {
        *(Code.PICTURE_DROPPED, Code.EXCERPTS_SHORTENED, Code.EXCERPTS_LEFT_OUT),
        *(Code.PICTURE_HEAVY, Code.PICTURE_UNREACHABLE),
        *(Code.LINK_DEAD, Code.LINK_UNREACHABLE, Code.NOT_LOOKED_AT),
        *(Code.INTRO_ELSEWHERE, Code.SIGN_OFF_ELSEWHERE),
    }
)


@dataclass(frozen=True, slots=True)
class Judged:
    """`revision` is the number of the version; None for an edition that was held before it had one."""

    revision: int | None
    variants: tuple[str, ...]
    findings: tuple[FoundIn, ...]


def judged(session: Session, edition: Edition, number: int | None = None, *, public_url: str) -> Judged:
    """The findings about a version, the newest if none is named; of a held edition without, what stopped it.

    Reads only. Raises NotFoundError for a version that is not there.
    """
    if number is None and edition.revision_id is None:
        stopped = tuple(found_of({"variants": (), **one} for one in edition.remarks if "level" in one))
        if stopped:
            return Judged(None, (), stopped)
    revision = revision_of(session, edition, number)
    facts = _facts(session, edition, revision, public_url=public_url)
    found = merged({variant: judge_mail(one) for variant, one in facts.items()})
    kept = [one for one in found_of(revision.findings) if one.finding.code in _AS_IT_WAS]
    return Judged(revision.number, tuple(sorted(facts)), tuple(in_order([*found, *kept])))


def _facts(
    session: Session, edition: Edition, revision: Revision, *, public_url: str
) -> dict[str, MailFacts]:
    """The facts about each variant of a version, by its text size and topics."""
    digest = digest_of(session, edition)
    items = session.execute(
        sa.select(Item.position, Item.role, Item.story)
        .where(Item.revision_id == revision.id)
        .order_by(Item.position)
    ).all()
    variants = sa.select(Variant).where(Variant.revision_id == revision.id).order_by(Variant.id)
    found = {}
    for variant in session.scalars(variants):
        shown = [one for one in items if variant.positions is None or one.position in variant.positions]
        prepared = PreparedMail.from_bytes(variant.mail)
        is_whole = variant.positions is None
        found[name_of(variant.text_size, variant.topics)] = gather(
            prepared,
            # What lacks a story has a line of its own, which stands in the mail alone.
            subject=revision.subject if is_whole else subject_of(sample_of(prepared, public_url)),
            preheader=revision.preheader,
            html=variant.html,
            text=variant.text,
            postal_address=digest.postal_address,
            stories=[story_of(one.story) for one in shown],
            has_featured=any(one.role is Role.FEATURED for one in shown[:1]),
            edition_at=edition.due_at,
            public_url=public_url,
        )
    return found
