"""Nobody has approved an edition: it goes out without its featured story, as was stated for that."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import clock
from digest.db import Database
from digest.deliveries.switch import go_on_with
from digest.editions.deadlines import may_fall_back
from digest.editions.gate import DEADLINE, outcome_of
from digest.editions.page_again import Paper
from digest.editions.revise import Correction, Prepared, prepare, store
from digest.editions.revisions import approve
from digest.editions.states import move
from digest.errors import DigestError
from digest.logs import get_logger
from digest.models import (
    ApprovalWay,
    Cadence,
    Edition,
    EditionState,
    Item,
    Reason,
    Revision,
    Role,
    Unapproved,
)

log = get_logger(__name__)


def send_without_featured(
    database: Database,
    edition_id: int,
    *,
    public_url: str,
    templates: Path | None,
    now: dt.datetime | None = None,
) -> EditionState | None:
    """Lock the version without the featured story, and let the edition go on with it; its state then.

    None if it is not to be done, or another has done it: whoever stores the version approves it and goes on
    with it in the same transaction. One that has no featured story goes out as it is. If no such version can
    be made -- no story would be left, the checks stop it -- the edition is skipped, with why.
    """
    now = now or clock.utc_now()
    with database.read() as session:
        if not _is_wanted(session, edition_id, now=now):
            return None
        featured = _featured_numbers(session, edition_id)
    made: Prepared | None = None
    problem = ""
    if featured:
        without = Correction(dropped=frozenset(featured))
        try:
            made = prepare(database, edition_id, without, public_url=public_url, templates=templates)
        except DigestError as error:
            problem = str(error)
    with database.write() as session:
        edition = session.get_one(Edition, edition_id)
        session.refresh(edition, with_for_update={"key_share": True})
        if not _is_wanted(session, edition_id, now=now):
            return None
        if problem:
            log.warning("no version without the featured story", edition=edition_id)
            move(
                session,
                edition,
                EditionState.SKIPPED,
                now=now,
                reason=Reason.NOT_APPROVED,
                detail=problem[:500],
            )
            return edition.state
        revision = (
            store(session, made, actor=DEADLINE, now=now)
            if made is not None
            else session.get_one(Revision, edition.revision_id)
        )
        approve(session, revision, actor=DEADLINE, way=ApprovalWay.DEADLINE, now=now)
        if made is not None:
            paper = Paper(public_url, templates)
            go_on_with(session, edition, revision, paper=paper, actor=DEADLINE, now=now)
        return edition.state


def _is_wanted(session: Session, edition_id: int, *, now: dt.datetime) -> bool:
    edition = session.get_one(Edition, edition_id)
    outcome = outcome_of(session.get_one(Cadence, edition.cadence_id))
    return outcome is Unapproved.WITHOUT_FEATURED and may_fall_back(session, edition, now=now)


def _featured_numbers(session: Session, edition_id: int) -> list[int]:
    """The featured stories of its current version, from 1 on."""
    revision_id = session.get_one(Edition, edition_id).revision_id
    placed = sa.select(Item.position).where(Item.revision_id == revision_id, Item.role == Role.FEATURED)
    return [position + 1 for position in session.scalars(placed)]
