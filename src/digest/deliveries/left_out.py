"""Which editions went to a segment that a person was not in: no row says so, it follows from the others."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.deliveries.explained import LeftOutLine, SubscriptionLine, consent_at
from digest.lists.segments import EVERYBODY
from digest.models import (
    Cadence,
    ConsentEvent,
    Delivery,
    Digest,
    Edition,
    EditionTotals,
    MailingList,
    Segment,
    Subscription,
    SubscriptionStatus,
)


@dataclass(frozen=True, slots=True)
class _Cadences:
    """On which cadence a subscription is, and by name on which it was before it was changed, and when."""

    name: str
    digest_id: int
    changes: Sequence[tuple[dt.datetime, str]]

    def at(self, moment: dt.datetime) -> str:
        return next((before for at, before in self.changes if at > moment), self.name)


def left_out(
    session: Session,
    subscriber_id: int,
    subscriptions: Sequence[SubscriptionLine],
    editions: Sequence[int],
    *,
    barred_since: dt.datetime | None,
    day: dt.date | None,
    limit: int,
) -> tuple[LeftOutLine, ...]:
    """Those of some editions whose segment the person was not in when the audience was fixed, newest first.

    Named is an edition only if nothing else kept the person from it: they were active on its cadence at that
    moment and on no do-not-mail list. Editions whose people are known by their totals alone are passed over.
    """
    has_row = sa.exists().where(Delivery.edition_id == Edition.id, Delivery.subscriber_id == subscriber_id)
    rows = session.execute(
        sa.select(
            Edition.id,
            Edition.send_at,
            Edition.planned_at,
            Cadence.name.label("cadence"),
            Cadence.zone,
            Cadence.digest_id,
            Digest.name.label("digest"),
            Segment.name.label("segment"),
        )
        .join(Cadence, Cadence.id == Edition.cadence_id)
        .join(Digest, Digest.id == Cadence.digest_id)
        .join(Segment, Segment.id == sa.func.coalesce(Edition.segment_id, Cadence.segment_id))
        .where(
            Edition.id.in_(editions),
            Edition.planned_at.is_not(None),
            Segment.name != EVERYBODY,
            ~has_row.correlate(Edition),
            ~sa.exists().where(EditionTotals.edition_id == Edition.id).correlate(Edition),
        )
        .order_by(Edition.send_at.desc(), Edition.id.desc())
    ).all()
    if not rows:
        return ()
    cadences = _cadences(session, subscriber_id)

    def lines() -> Iterator[LeftOutLine]:
        for row in rows:
            if day is not None and row.send_at.astimezone(ZoneInfo(row.zone)).date() != day:
                continue
            if barred_since is not None and barred_since <= row.planned_at:
                continue
            if any(
                _was_on(line, cadences[line.id], row.digest_id, row.cadence, row.planned_at)
                for line in subscriptions
            ):
                yield LeftOutLine(row.id, row.digest, row.cadence, row.zone, row.segment, row.planned_at)

    return tuple(line for line, _ in zip(lines(), range(limit), strict=False))


def _was_on(
    line: SubscriptionLine, cadences: _Cadences, digest_id: int, cadence: str, moment: dt.datetime
) -> bool:
    """Whether it was active on a cadence then. One that ended since may be anew: of that nothing is known."""
    has_ended = any(event.status is SubscriptionStatus.ENDED for event in line.events if event.at > moment)
    is_same = cadences.digest_id == digest_id and cadences.at(moment) == cadence
    return is_same and not has_ended and bool(consent_at(line.events, moment))


def _cadences(session: Session, subscriber_id: int) -> Mapping[int, _Cadences]:
    """The cadence of each subscription of a person: its own, else its digest's first, as in the audience."""
    sibling = sa.orm.aliased(Cadence)
    first = (
        sa.select(sa.func.min(sibling.id)).where(sibling.digest_id == MailingList.digest_id).scalar_subquery()
    )
    rows = session.execute(
        sa.select(Subscription.id, MailingList.digest_id, Cadence.name)
        .join(MailingList, MailingList.id == Subscription.list_id)
        .join(Cadence, Cadence.id == sa.func.coalesce(Subscription.cadence_id, first))
        .where(Subscription.subscriber_id == subscriber_id)
    ).all()
    changes: dict[int, list[tuple[dt.datetime, str]]] = {}
    for one, at, details in session.execute(
        sa.select(ConsentEvent.subscription_id, ConsentEvent.at, ConsentEvent.details)
        .where(ConsentEvent.subscription_id.in_([row.id for row in rows]))
        .order_by(ConsentEvent.subscription_id, ConsentEvent.number)
    ):
        if "cadence_before" in (details or {}):
            changes.setdefault(one, []).append((at, details["cadence_before"]))
    return {row.id: _Cadences(row.name, row.digest_id, changes.get(row.id, ())) for row in rows}
