"""What an edition would be made of now: read in one transaction, for the freeze and for whoever looks."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.editions.candidates import all_sources_are_down, candidates, posts_in_order, rules_of
from digest.editions.compose import Material
from digest.editions.select import choose
from digest.lists.attributes import personal_of
from digest.models import (
    Cadence,
    Digest,
    Edition,
    EditionState,
    MailingList,
    Reason,
    Subscriber,
    Subscription,
    SubscriptionStatus,
)
from digest.models import TextSize as ChosenSize
from digest.rendering.contexts import TextSize


@dataclass(frozen=True, slots=True)
class Outcome:
    """Why there is no revision: what the edition becomes instead."""

    state: EditionState
    reason: Reason
    detail: str = ""


def material_of(session: Session, edition_id: int) -> Material | Outcome:
    """What an edition would be made of now, or why there is nothing to make it of."""
    edition, cadence, digest = session.execute(
        sa.select(Edition, Cadence, Digest)
        .join(Cadence, Cadence.id == Edition.cadence_id)
        .join(Digest, Digest.id == Cadence.digest_id)
        .where(Edition.id == edition_id)
    ).one()
    chosen = choose(candidates(session, edition), rules_of(digest), at=edition.send_at)
    if chosen.is_empty:
        down = all_sources_are_down(session, edition)
        return Outcome(EditionState.SKIPPED, Reason.SOURCES_DOWN if down else Reason.NOTHING_NEW)
    if not chosen.enough:
        return Outcome(EditionState.SKIPPED, Reason.TOO_FEW_STORIES)
    posts = posts_in_order(session, chosen.post_ids)
    has_featured = chosen.featured is not None
    return Material(
        edition=edition,
        cadence=cadence,
        digest=digest,
        featured=posts[0] if has_featured else None,
        recent=tuple(posts[1:] if has_featured else posts),
        text_sizes=_text_sizes(session, digest),
        personal=personal_of(session, digest),
    )


def _text_sizes(session: Session, digest: Digest) -> tuple[TextSize, ...]:
    """The normal size, and the large one if anybody on the digest's lists reads it."""
    somebody = session.scalar(
        sa.select(Subscriber.id)
        .join(Subscription, Subscription.subscriber_id == Subscriber.id)
        .join(MailingList, MailingList.id == Subscription.list_id)
        .where(
            MailingList.digest_id == digest.id,
            Subscription.status == SubscriptionStatus.ACTIVE,
            Subscriber.text_size == ChosenSize.LARGE,
        )
        .limit(1)
    )
    return (TextSize.NORMAL, TextSize.LARGE) if somebody else (TextSize.NORMAL,)
