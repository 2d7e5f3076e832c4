"""The versions of an edition: stored once, never changed, each approved by somebody before it may go out."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import audit
from digest.editions import gate
from digest.editions.alert_causes import note_approved
from digest.editions.compose import Composed
from digest.editions.explanation import keep_explanation
from digest.editions.links import keep_links
from digest.editions.pictures import keep_shown
from digest.editions.reasons import STATES
from digest.editions.states import ALLOWED, check_may_go_out
from digest.editions.stories import stored_story
from digest.editions.topic_lines import VariantLine, variants_of
from digest.errors import NotFoundError, StateError, Word
from digest.i18n import N_
from digest.models import (
    Account,
    Approval,
    ApprovalWay,
    Delivery,
    DeliveryStatus,
    Edition,
    Item,
    Revision,
    Variant,
)
from digest.preflight.mail_findings import FoundIn, forbids, found_of

# Who approves what is locked where nobody is asked.
FREEZE: Final = gate.FREEZE


@dataclass(frozen=True, slots=True)
class RevisionLine:
    """One version, and what became of those whose mail is made of it.

    `deliveries` holds every status, with 0 where there is none; `variants` its different mails by topics and
    text size, none where all get the same.
    """

    number: int
    subject: str
    stories: tuple[str, ...]
    is_current: bool
    created_at: dt.datetime
    approved_at: dt.datetime | None
    approved_by: str
    fingerprint: str
    findings: tuple[FoundIn, ...]
    deliveries: dict[DeliveryStatus, int]
    variants: tuple[VariantLine, ...]

    @property
    def handed_over(self) -> int:
        """How many have it, or may have it."""
        return self.deliveries[DeliveryStatus.SENT] + self.deliveries[DeliveryStatus.UNCERTAIN]


def store_revision(
    session: Session, edition_id: int, composed: Composed, *, approved_by: str = "", now: dt.datetime
) -> Revision:
    """Store a content as the edition's next version, with its stories, its variants and why it has those.

    Raises StateError for one that the checks stop: what is not stored cannot be sent.
    """
    if forbids(composed.findings):
        raise StateError(
            N_("What the checks stop cannot become a version of edition %(edition)s."), edition=edition_id
        )
    last = session.scalar(sa.select(sa.func.max(Revision.number)).where(Revision.edition_id == edition_id))
    revision = Revision(
        edition_id=edition_id,
        number=(last or 0) + 1,
        subject=composed.subject,
        preheader=composed.preheader,
        web_html=composed.web_html,
        fingerprint=composed.fingerprint,
        findings=list(composed.findings),
        approved_at=now if approved_by else None,
        approved_by=approved_by,
        created_at=now,
    )
    session.add(revision)
    session.flush()
    session.add_all(
        Item(
            revision_id=revision.id,
            position=position,
            role=placed.role,
            post_id=placed.post_id,
            own_item_id=placed.own_item_id,
            story=stored_story(placed.story) | ({"topics": list(placed.topics)} if placed.topics else {}),
        )
        for position, placed in enumerate(composed.items)
    )
    session.add_all(
        Variant(
            revision_id=revision.id,
            topics=variant.topics,
            text_size=variant.text_size.value,
            positions=None if variant.positions is None else list(variant.positions),
            html=variant.html,
            text=variant.text,
            mail=variant.mail,
            fingerprint=variant.fingerprint,
        )
        for variant in composed.variants
    )
    session.flush()
    keep_links(session, edition_id, composed.links)
    keep_shown(session, (placed.story for placed in composed.items), now=now)
    if composed.explanation:
        keep_explanation(session, edition_id, composed.explanation)
    return revision


def revision_of(session: Session, edition: Edition, number: int | None = None) -> Revision:
    """The version of this number, or the newest one; raises NotFoundError."""
    query = sa.select(Revision).where(Revision.edition_id == edition.id).order_by(Revision.number.desc())
    if number is not None:
        query = query.where(Revision.number == number)
    found = session.scalars(query.limit(1)).first()
    if found is None:
        raise NotFoundError(
            N_("Edition %(edition)s has no version yet.")
            if number is None
            else N_("Edition %(edition)s has no version %(number)s."),
            edition=edition.id,
            number=number,
            hint=f"`digest edition revisions {edition.id}` shows its versions.",
        )
    return found


def approve(
    session: Session,
    revision: Revision,
    *,
    actor: str,
    way: ApprovalWay = ApprovalWay.COMMAND,
    account: Account | None = None,
    now: dt.datetime,
) -> bool:
    """Write that a version is approved; False if that stands already. What was approved cannot change.

    Who may, and whether they have seen this very content, is asked before (`editions.approve`). Raises
    StateError if its edition is final, and for a version that the checks stop.
    """
    session.flush()
    edition = session.get_one(Edition, revision.edition_id)
    session.refresh(edition, with_for_update={"key_share": True})
    session.refresh(revision)
    if not ALLOWED[edition.state]:
        raise StateError(
            N_("Edition %(edition)s is %(state)s: nothing of it is approved any more."),
            edition=edition.id,
            state=Word(STATES[edition.state]),
        )
    check_may_go_out(session, revision.id)
    if revision.approved_at is not None:
        return False
    revision.approved_at, revision.approved_by = now, actor
    session.add(
        Approval(
            edition_id=edition.id,
            revision_id=revision.id,
            fingerprint=revision.fingerprint,
            account_id=account.id if account is not None else None,
            made_by=actor,
            way=way,
            made_at=now,
        )
    )
    if edition.revision_id == revision.id:
        note_approved(session, edition, now=now)
    details = {"revision": revision.number, "fingerprint": revision.fingerprint, "way": way.value}
    audit.record(session, "edition.approve", edition, actor=actor, now=now, details=details)
    session.flush()
    return True


def list_revisions(session: Session, edition: Edition) -> list[RevisionLine]:
    """The versions of an edition, the first one first, with how many were handed over with each."""
    counts: dict[int, dict[DeliveryStatus, int]] = defaultdict(lambda: dict.fromkeys(DeliveryStatus, 0))
    for revision_id, status, people in session.execute(
        sa.select(Variant.revision_id, Delivery.status, sa.func.count())
        .join(Variant, Variant.id == Delivery.variant_id)
        .where(Delivery.edition_id == edition.id)
        .group_by(Variant.revision_id, Delivery.status)
    ):
        counts[revision_id][status] = people
    titles: dict[int, list[str]] = defaultdict(list)
    for revision_id, story in session.execute(
        sa.select(Item.revision_id, Item.story)
        .join(Revision, Revision.id == Item.revision_id)
        .where(Revision.edition_id == edition.id)
        .order_by(Item.revision_id, Item.position)
    ):
        titles[revision_id].append(story.get("title", ""))
    found = session.scalars(
        sa.select(Revision).where(Revision.edition_id == edition.id).order_by(Revision.number)
    )
    variants = variants_of(session, edition)
    return [
        RevisionLine(
            number=one.number,
            subject=one.subject,
            stories=tuple(titles[one.id]),
            is_current=one.id == edition.revision_id,
            created_at=one.created_at,
            approved_at=one.approved_at,
            approved_by=one.approved_by,
            fingerprint=one.fingerprint,
            findings=tuple(found_of(one.findings)),
            deliveries=counts[one.id],
            variants=variants.get(one.id, ()),
        )
        for one in found
    ]
