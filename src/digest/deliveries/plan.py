"""The audience of an edition becomes rows: one delivery a person, in batches, by one INSERT ... SELECT."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.db.dialect import insert_select_if_new
from digest.editions.states import move
from digest.lists.queries import audience
from digest.models import Batch, Delivery, DeliveryStatus, Edition, EditionState, Reason, Variant

# People a batch. A task works on one for at most 30 s; what it does not reach it hands back.
BATCH_SIZE = 500


def plan(session: Session, edition_id: int, *, now: dt.datetime) -> int:
    """Fix the audience of a frozen edition: who is to get which variant, in which batch.

    Returns the number of people; 0 if it is planned already or no longer frozen. An edition for nobody is
    skipped with the reason. The statements are constant in number, whatever the size of the audience.
    """
    edition = session.scalars(
        sa.select(Edition).where(Edition.id == edition_id).with_for_update(), {"populate_existing": True}
    ).one()
    if edition.state is not EditionState.FROZEN or edition.planned_at is not None:
        return 0
    people = audience(edition.cadence_id).subquery("people")
    count = session.scalar(sa.select(sa.func.count()).select_from(people)) or 0
    if count == 0:
        move(session, edition, EditionState.SKIPPED, now=now, reason=Reason.NO_READERS)
        return 0
    number = _make_batches(session, edition, count)
    planned = _insert_deliveries(session, edition, people, batch_count=number)
    edition.planned_at = now
    return planned


def unplan(session: Session, edition: Edition) -> None:
    """Take a plan back: nothing of it was handed over yet, and the edition will be planned anew."""
    session.execute(sa.delete(Delivery).where(Delivery.edition_id == edition.id))
    session.execute(sa.delete(Batch).where(Batch.edition_id == edition.id))
    edition.planned_at = None


def _make_batches(session: Session, edition: Edition, count: int) -> int:
    """The batches for so many people; how many there are."""
    number = -(-count // BATCH_SIZE)
    session.execute(
        sa.insert(Batch), [{"edition_id": edition.id, "not_before": edition.send_at} for _ in range(number)]
    )
    return number


def _insert_deliveries(session: Session, edition: Edition, people: sa.Subquery, *, batch_count: int) -> int:
    numbered = sa.select(
        people.c.subscriber_id,
        people.c.subscription_id,
        people.c.text_size,
        # Neighbours share a receiving domain, so that a connection is used well and a pace can be kept.
        (sa.func.row_number().over(order_by=(people.c.domain, people.c.subscriber_id)) - 1).label("place"),
    ).subquery("numbered")
    # The plain operator: `//` becomes FLOOR, which not every SQLite has.
    wanted = numbered.c.place.op("/", return_type=sa.BigInteger())(BATCH_SIZE)
    # Whoever joins between the count and this statement goes into the last batch.
    seated = sa.select(
        numbered, sa.case((wanted >= batch_count, batch_count - 1), else_=wanted).label("batch_number")
    ).subquery("seated")
    batches = (
        sa.select(Batch.id, (sa.func.row_number().over(order_by=Batch.id) - 1).label("number"))
        .where(Batch.edition_id == edition.id)
        .subquery("numbered_batches")
    )
    chosen, normal = _variant(edition, "chosen"), _variant(edition, "normal")
    select = (
        sa.select(
            sa.literal(edition.id, sa.BigInteger).label("edition_id"),
            seated.c.subscriber_id,
            sa.func.coalesce(chosen.c.id, normal.c.id).label("variant_id"),
            seated.c.subscription_id,
            batches.c.id.label("batch_id"),
            sa.literal(DeliveryStatus.PENDING.value).label("status"),
            sa.literal(0, sa.Integer).label("attempt"),
        )
        .select_from(seated)
        .join(batches, batches.c.number == seated.c.batch_number)
        .join(normal, normal.c.text_size == "normal")
        .outerjoin(chosen, chosen.c.text_size == seated.c.text_size)
    )
    columns = (
        "edition_id",
        "subscriber_id",
        "variant_id",
        "subscription_id",
        "batch_id",
        "status",
        "attempt",
    )
    return insert_select_if_new(session, Delivery, columns, select)


def _variant(edition: Edition, name: str) -> sa.Subquery:
    return (
        sa.select(Variant.id, Variant.text_size)
        .where(Variant.revision_id == edition.revision_id)
        .subquery(f"variant_{name}")
    )
