"""The audience of an edition becomes rows: one delivery a person, in batches, by one INSERT ... SELECT."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.db.dialect import insert_select_if_new
from digest.deliveries import allowance
from digest.deliveries.allowance import Allowance
from digest.deliveries.spread import begins_after, stride, window_seconds
from digest.deliveries.topic_plan import allot
from digest.editions.states import move
from digest.lists.segments import edition_audience
from digest.models import (
    Batch,
    Cadence,
    Delivery,
    DeliveryReason,
    DeliveryStatus,
    Edition,
    EditionKind,
    EditionState,
    Reason,
    Variant,
)

# People a batch. A task works on one for at most 30 s; what it does not reach it hands back.
BATCH_SIZE = 500
_COLUMNS = (
    *("edition_id", "subscriber_id", "variant_id", "subscription_id", "batch_id"),
    *("status", "reason", "attempt"),
)


@dataclass(frozen=True, slots=True)
class _Share:
    """A part of the audience that goes out in batches of its own, by one mail service or by any."""

    people: int
    transport_id: int | None = None

    @property
    def batches(self) -> int:
        return -(-self.people // BATCH_SIZE)


def plan(session: Session, edition_id: int, *, now: dt.datetime) -> int:
    """Fix the audience of a frozen edition: who is to get which variant, in which batch.

    Its batches begin at the slot, or one after another in the cadence's window. If the mail service that is
    tried first is ramped up, only as many as it may mail that day go by it; the rest by another, or they are
    skipped.

    Whoever has chosen topics gets the variant of these; who would get too few stories by that is skipped.
    What they choose later counts for the next edition.

    Where the edition, or else its cadence, has a segment, these are the people whom its rule chooses now.
    They stay, even if the rule would not choose them any more when their turn comes: what is read again then
    is consent alone (`people.people_of`).

    Returns the number of people; 0 if it is planned already or no longer frozen. An edition for nobody is
    skipped with the reason. The statements are constant in number, whatever the size of the audience.
    """
    edition = session.scalars(
        sa.select(Edition).where(Edition.id == edition_id).with_for_update(), {"populate_existing": True}
    ).one()
    if edition.state is not EditionState.FROZEN or edition.planned_at is not None:
        return 0
    people = edition_audience(session, edition).subquery("people")
    if (allotted := allot(session, edition, people)) is not None:
        people, count = allotted.people, allotted.mailed
    else:
        count = session.scalar(sa.select(sa.func.count()).select_from(people)) or 0
        if count == 0:
            move(session, edition, EditionState.SKIPPED, now=now, reason=Reason.NO_READERS)
            return 0
    allowed = allowance.of(session, edition, count)
    shares = _shares(count, allowed)
    batches = _make_batches(session, edition, shares, count)
    planned = _insert_deliveries(session, edition, _seated(people, shares, allowed), batches)
    edition.planned_at = now
    if count == 0:
        move(session, edition, EditionState.SKIPPED, now=now, reason=Reason.TOO_FEW_STORIES)
    return planned


def unplan(session: Session, edition: Edition) -> None:
    """Take a plan back: nothing of it was handed over yet, and the edition will be planned anew."""
    session.execute(sa.delete(Delivery).where(Delivery.edition_id == edition.id))
    session.execute(sa.delete(Batch).where(Batch.edition_id == edition.id))
    edition.planned_at = None


def _shares(count: int, allowed: Allowance | None) -> list[_Share]:
    """Everybody; or those whom a ramp-up allows and, if they go by another mail service, the rest."""
    if allowed is None:
        return [_Share(count)]
    first = _Share(allowed.people, allowed.transport_id)
    if allowed.rest_transport_id is None:
        return [first]
    return [first, _Share(count - allowed.people, allowed.rest_transport_id)]


def _make_batches(session: Session, edition: Edition, shares: list[_Share], count: int) -> list[int]:
    """The batches of each share, in the order of their begin; their ids."""
    wish = session.scalar(sa.select(Cadence.spread_seconds).where(Cadence.id == edition.cadence_id))
    seconds = 0 if edition.kind is EditionKind.BREAKING else window_seconds(wish, count)
    rows = [
        {
            "edition_id": edition.id,
            "not_before": edition.send_at + begins_after(place, share.batches, seconds),
            "transport_id": share.transport_id,
        }
        for share in shares
        for place in range(share.batches)
    ]
    if not rows:
        return []
    session.execute(sa.insert(Batch), rows)
    # Ids go up in the order of the rows. They are asked for apart: with RETURNING, SQLite takes row by row.
    latest = sa.select(Batch.id).where(Batch.edition_id == edition.id).order_by(Batch.id.desc())
    return sorted(session.scalars(latest.limit(len(rows))))


def _insert_deliveries(session: Session, edition: Edition, seated: sa.Subquery, batches: list[int]) -> int:
    chosen, normal = _variant(edition, "chosen"), _variant(edition, "normal")
    batch_id, seats = _with_batches(seated, batches)
    # Whoever has no seat is beyond what a ramp-up allows, or gets too few stories by their topics.
    is_skipped = seated.c.batch_number.is_(None)
    reason = sa.case((is_skipped, DeliveryReason.RAMP_UP.value))
    variant_id = sa.func.coalesce(chosen.c.id, normal.c.id)
    if "rendering" in seated.c:
        reason = sa.case((seated.c.rendering < 0, DeliveryReason.TOO_FEW_STORIES.value), else_=reason)
        variant_id = sa.func.coalesce(sa.func.abs(seated.c.rendering), variant_id)
    select = (
        sa.select(
            sa.literal(edition.id, sa.BigInteger).label("edition_id"),
            seated.c.subscriber_id,
            variant_id.label("variant_id"),
            seated.c.subscription_id,
            batch_id.label("batch_id"),
            sa.case((is_skipped, DeliveryStatus.SKIPPED.value), else_=DeliveryStatus.PENDING.value).label(
                "status"
            ),
            reason.label("reason"),
            sa.literal(0, sa.Integer).label("attempt"),
        )
        .select_from(seats)
        .join(normal, normal.c.text_size == "normal")
        .outerjoin(chosen, chosen.c.text_size == seated.c.text_size)
    )
    return insert_select_if_new(session, Delivery, _COLUMNS, select)


def _with_batches(seated: sa.Subquery, batches: list[int]) -> tuple[sa.ColumnElement[int], sa.FromClause]:
    """The id of a seat's batch, NULL for no seat, and what it is read from.

    Ids that were given in a row are counted up: to look each one up took SQLite longer than all the rest.
    There they always are; on PostgreSQL another transaction may have taken one in between.
    """
    if not batches:
        return sa.cast(sa.null(), sa.BigInteger), seated
    if batches[-1] - batches[0] + 1 == len(batches):
        return sa.literal(batches[0], sa.BigInteger) + seated.c.batch_number, seated
    columns = (sa.column("number", sa.BigInteger), sa.column("batch_id", sa.BigInteger))
    listed = sa.values(*columns, name="numbered_batches").data(list(enumerate(batches)))
    return listed.c.batch_id, seated.outerjoin(listed, listed.c.number == seated.c.batch_number)


def _seated(people: sa.Subquery, shares: list[_Share], allowed: Allowance | None) -> sa.Subquery:
    """Each person with the number of a batch, or NULL for one who gets none."""
    # Whoever gets no mail, for too few stories are of their topics, takes nobody's seat.
    has_topics = "rendering" in people.c
    if allowed is None:
        share: sa.ColumnElement[int] = sa.literal(0)
        source = people
    else:
        source = allowance.ranked(people, allowed.order, last=people.c.rendering < 0 if has_topics else None)
        share = sa.case((source.c.turn <= allowed.people, 0), else_=1)
    if has_topics:
        share = sa.case((source.c.rendering < 0, -1), else_=share)
    numbered = sa.select(
        source.c.subscriber_id,
        source.c.subscription_id,
        source.c.text_size,
        *((source.c.rendering,) if has_topics else ()),
        share.label("share"),
        # Neighbours share a receiving domain, so that a connection is used well and a pace can be kept.
        (
            sa.func.row_number().over(
                partition_by=None if allowed is None and not has_topics else share,
                order_by=(source.c.domain, source.c.subscriber_id),
            )
            - 1
        ).label("place"),
    ).subquery("numbered")
    # The plain operator: `//` becomes FLOOR, which not every SQLite has.
    wanted = numbered.c.place.op("/", return_type=sa.BigInteger())(BATCH_SIZE)
    seats, before = [], 0
    for number, one in enumerate(shares):
        if one.batches:
            # Whoever joins between the count and this statement goes into the last batch.
            batch = sa.case((wanted >= one.batches, one.batches - 1), else_=wanted)
            # Batches are numbered in the order of their begin; see `spread.place_of`.
            seats.append((numbered.c.share == number, batch * stride(one.batches) % one.batches + before))
        before += one.batches
    if allowed is None and not has_topics:
        batch_number = seats[0][1]
    else:
        batch_number = sa.case(*seats) if seats else sa.cast(sa.null(), sa.BigInteger)
    return sa.select(numbered, batch_number.label("batch_number")).subquery("seated")


def _variant(edition: Edition, name: str) -> sa.Subquery:
    """The renderings with all the stories."""
    return (
        sa.select(Variant.id, Variant.text_size)
        .where(Variant.revision_id == edition.revision_id, Variant.topics == "")
        .subquery(f"variant_{name}")
    )
