"""The versions of an edition, each with how many have it and how many wait for it. Reads only."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.deliveries.control import count_waiting
from digest.editions.differences import Difference, shown_of, what_changed
from digest.models import Delivery, DeliveryStatus, Edition, Revision, Variant

_HAVE = (DeliveryStatus.SENT, DeliveryStatus.UNCERTAIN)


@dataclass(frozen=True, slots=True)
class VersionLine:
    """One version: `have` were handed it or may have been, `wait` are to get it as things stand."""

    number: int
    subject: str
    fingerprint: str
    is_current: bool
    is_approved: bool
    have: int
    wait: int


@dataclass(frozen=True, slots=True)
class NextVersion:
    """A version that the edition may go on with, and what becomes of whom if it does."""

    number: int
    fingerprint: str
    is_approved: bool
    current: int  # the number of the one that it would follow
    have: int  # who keep an earlier one
    wait: int  # who get this one
    changes: tuple[Difference, ...]


def versions_of(session: Session, edition: Edition) -> tuple[VersionLine, ...]:
    """The versions, the first one first: two statements, one where there is none or one."""
    found = session.execute(
        sa.select(Revision.id, Revision.number, Revision.subject, Revision.fingerprint, Revision.approved_at)
        .where(Revision.edition_id == edition.id)
        .order_by(Revision.number)
    ).all()
    counts: dict[int, dict[DeliveryStatus, int]] = defaultdict(dict)
    if len(found) > 1:
        for revision_id, status, people in session.execute(
            sa.select(Variant.revision_id, Delivery.status, sa.func.count())
            .join(Variant, Variant.id == Delivery.variant_id)
            .where(Delivery.edition_id == edition.id)
            .group_by(Variant.revision_id, Delivery.status)
        ):
            counts[revision_id][status] = people
    return tuple(
        VersionLine(
            number=row.number,
            subject=row.subject,
            fingerprint=row.fingerprint,
            is_current=row.id == edition.revision_id,
            is_approved=row.approved_at is not None,
            have=sum(counts[row.id].get(status, 0) for status in _HAVE),
            wait=counts[row.id].get(DeliveryStatus.PENDING, 0),
        )
        for row in found
    )


def next_version(session: Session, edition: Edition, versions: tuple[VersionLine, ...]) -> NextVersion | None:
    """The newest version, if it is newer than the current one; with what it has otherwise."""
    current = next((one for one in versions if one.is_current), None)
    if current is None or versions[-1].number == current.number:
        return None
    newest = versions[-1]
    rows = session.scalars(
        sa.select(Revision).where(
            Revision.edition_id == edition.id, Revision.number.in_((current.number, newest.number))
        )
    ).all()
    before, after = sorted(rows, key=lambda one: one.number)
    return NextVersion(
        number=newest.number,
        fingerprint=newest.fingerprint,
        is_approved=newest.is_approved,
        current=current.number,
        have=sum(one.have for one in versions),
        wait=count_waiting(session, edition),
        changes=what_changed(shown_of(session, before), shown_of(session, after)),
    )
