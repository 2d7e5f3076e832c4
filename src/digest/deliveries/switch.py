"""A paused or locked edition goes on with another version: whoever has nothing yet gets the new one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import audit
from digest.deliveries.handover import enqueue_due_batches, finish_served
from digest.editions.alert_causes import note_approved
from digest.editions.amend import carry_over
from digest.editions.page_again import Paper
from digest.editions.revise import check_revisable
from digest.editions.states import check_may_go_out, move
from digest.errors import StateError
from digest.i18n import N_
from digest.models import (
    Batch,
    Delivery,
    DeliveryReason,
    DeliveryStatus,
    Edition,
    EditionState,
    Reason,
    Revision,
    Variant,
)
from digest.rendering.contexts import TextSize


class StillHeldError(StateError):
    """A worker still holds a batch: what it is handing over may be the version before."""


def go_on_with(
    session: Session,
    edition: Edition,
    revision: Revision,
    *,
    paper: Paper | None = None,
    actor: str,
    now: dt.datetime,
) -> int:
    """Make a version the current one, and go on handing over with it; returns how many are to get it.

    A paused edition is being handed over again, a held one is locked, a locked one stays so. Pending
    deliveries get the new version's variant of their topics and text size by one statement; whoever was
    handed an earlier version, or may have been, keeps it on record. Workers read each person's variant with
    each group. What was put right on its page follows its stories, for which `paper` is needed.

    Raises StateError, with what to do, for a version that is foreign, older than the current one, stopped by
    the checks or not approved, and while a worker still holds a batch: its group may be on the wire with the
    old one.
    """
    session.flush()
    session.refresh(edition, with_for_update={"key_share": True})
    check_revisable(edition)
    _check(session, edition, revision)
    if edition.state is EditionState.PAUSED:
        _check_nobody_is_at_it(session, edition)
    was = session.get_one(Revision, edition.revision_id).number
    people = change_variants(session, edition, revision)
    before, edition.revision_id = edition.revision_id, revision.id
    carry_over(session, edition, before, paper, actor=actor, now=now)
    note_approved(session, edition, now=now)
    # The staff who get it first get this one too.
    edition.first_copies_at = None
    session.flush()
    if edition.state is EditionState.PAUSED:
        move(session, edition, EditionState.SENDING, now=now, reason=Reason.BY_PERSON)
        # What a mail service had done wrong is forgotten: its batches are tried at once.
        waits = (Batch.edition_id == edition.id, Batch.closed_at.is_(None), Batch.fault != "")
        session.execute(
            sa.update(Batch).where(*waits).values(fault="", faults_in_a_row=0, not_before=now),
            execution_options={"synchronize_session": False},
        )
        # The last group may have been recorded while it was paused.
        finish_served(session, now=now)
        enqueue_due_batches(session, now=now)
    elif edition.state is EditionState.HELD:
        move(session, edition, EditionState.FROZEN, now=now, reason=Reason.BY_PERSON)
    details = {"revision": revision.number, "from": was, "people": people}
    audit.record(session, "edition.go_on", edition, actor=actor, now=now, details=details)
    return people


def _check(session: Session, edition: Edition, revision: Revision) -> None:
    if revision.edition_id != edition.id:
        raise StateError(N_("This is a version of another edition than %(edition)s."), edition=edition.id)
    current = session.get_one(Revision, edition.revision_id)
    if revision.number < current.number:
        raise StateError(
            N_("Version %(number)s is older than the current one, version %(current)s; make a new one."),
            number=revision.number,
            current=current.number,
            hint=f"`digest edition revise {edition.id}` does.",
        )
    check_may_go_out(session, revision.id)
    if revision.approved_at is None:
        raise StateError(
            N_("Version %(number)s is not approved yet."),
            number=revision.number,
            hint=f"`digest edition approve {edition.id} --revision {revision.number}` does that.",
        )


def _check_nobody_is_at_it(session: Session, edition: Edition) -> None:
    held = session.scalar(
        sa.select(sa.func.count()).where(
            Batch.edition_id == edition.id, Batch.closed_at.is_(None), Batch.journal_id.is_not(None)
        )
    )
    if held:
        raise StillHeldError(
            f"Workers still hold {held} of the batches of edition {edition.id}: they finish what is on the "
            "wire. Try again in a few seconds; after a crash, once the worker's machine has come back."
        )


def change_variants(
    session: Session, edition: Edition, revision: Revision, *, batches: Collection[int] | None = None
) -> int:
    """Give everybody who is pending, or those of some batches, a version's variant; returns how many.

    Whose topic set has none, because no story of it is left, gets no mail, with that reason.
    """
    new: dict[tuple[str, str], int] = {}
    old: list[tuple[int, str, str]] = []
    for variant_id, revision_id, topics, text_size in session.execute(
        sa.select(Variant.id, Variant.revision_id, Variant.topics, Variant.text_size)
        .join(Revision, Revision.id == Variant.revision_id)
        .where(Revision.edition_id == edition.id)
    ):
        if revision_id == revision.id:
            new[topics, text_size] = variant_id
        else:
            old.append((variant_id, topics, text_size))
    there = {topics for topics, _ in new}
    matching = {
        variant_id: new.get((topics, size)) or new.get((topics, TextSize.NORMAL)) or new["", TextSize.NORMAL]
        for variant_id, topics, size in old
        if topics in there
    }
    gone = [variant_id for variant_id, topics, _ in old if topics not in there]
    if gone:
        too_few = {"status": DeliveryStatus.SKIPPED, "reason": DeliveryReason.TOO_FEW_STORIES}
        _change_pending(session, edition, gone, too_few, batches)
    if not matching:
        return 0
    changed = {"variant_id": sa.case(matching, value=Delivery.variant_id)}
    return _change_pending(session, edition, matching, changed, batches)


def _change_pending(
    session: Session,
    edition: Edition,
    variants: Collection[int],
    values: dict[str, Any],
    batches: Collection[int] | None,
) -> int:
    statement = sa.update(Delivery).where(
        Delivery.edition_id == edition.id,
        Delivery.status == DeliveryStatus.PENDING,
        Delivery.variant_id.in_(variants),
    )
    if batches is not None:
        statement = statement.where(Delivery.batch_id.in_(batches))
    changed = session.execute(statement.values(**values), execution_options={"synchronize_session": False})
    return int(getattr(changed, "rowcount", 0))
