"""What waits for a person has a deadline and a stated outcome; nothing goes out that nobody approved."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from digest.db import Database
from digest.deliveries.handover import start_due, take_back_plans
from digest.deliveries.plan import plan
from digest.editions.deadlines import apply_deadlines
from digest.editions.progress import skip_past_grace
from digest.editions.revisions import approve, revision_of
from digest.editions.states import move
from digest.models import (
    Cadence,
    ChangeKind,
    Edition,
    EditionChange,
    EditionState,
    Fallback,
    Reason,
)
from digest.queueing.names import TaskName
from tests.factories.moments import NOW
from tests.integration import hints
from tests.integration.planned import Desk, make_desk

HOUR, SECOND = dt.timedelta(hours=1), dt.timedelta(seconds=1)
S = EditionState


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Desk:
    """A newsroom with one reader."""
    made = make_desk(database, tmp_path)
    made.add_people(1)
    return made


def set_values(desk: Desk, **values: Any) -> None:
    with desk.database.write() as session:
        session.execute(sa.update(Cadence).values(**values))


def hold(desk: Desk, edition_id: int, *, reason: Reason = Reason.TOO_LARGE, detail: str = "") -> dt.datetime:
    """Hold an edition that is due `NOW`; its deadline."""
    with desk.database.write() as session:
        edition = session.get_one(Edition, edition_id)
        move(session, edition, S.HELD, now=NOW - HOUR, reason=reason, detail=detail)
        assert edition.deadline_at is not None
        return edition.deadline_at


def decide(desk: Desk, now: dt.datetime) -> int:
    """What the tick does about deadlines."""
    with desk.database.write() as session:
        decided = apply_deadlines(session, now=now)
        skip_past_grace(session, now=now)
        take_back_plans(session)
        return decided


def state(desk: Desk, edition_id: int) -> tuple[EditionState, Reason | None, str]:
    edition = desk.edition(edition_id)
    return edition.state, edition.reason, edition.reason_detail


@pytest.mark.parametrize(
    ("hold_seconds", "useful_seconds", "after"), [(7200, 86_400, 2 * HOUR), (86_400, 3600, HOUR)]
)
def test_what_is_held_is_waited_for_as_long_as_its_cadence_says(
    desk: Desk, hold_seconds: int, useful_seconds: int, after: dt.timedelta
) -> None:
    """From its slot on, and no longer than it is worth having; then it is skipped with what held it."""
    set_values(desk, hold_seconds=hold_seconds, useful_seconds=useful_seconds, grace_seconds=60)
    edition_id = desk.frozen(NOW)
    assert hold(desk, edition_id, detail="120000 > 102000") == NOW + after
    assert decide(desk, NOW + after - SECOND) == 0
    assert state(desk, edition_id)[0] is S.HELD
    assert decide(desk, NOW + after) == 1
    assert state(desk, edition_id) == (S.SKIPPED, Reason.DEADLINE, "too_large: 120000 > 102000")
    assert decide(desk, NOW + after) == 0


def test_what_is_to_be_sent_is_made_anew_and_accepted_once(desk: Desk) -> None:
    """At its deadline it is locked again; held again, it is skipped: it could not be sent."""
    set_values(desk, hold_seconds=3600, hold_outcome=Fallback.SEND, grace_seconds=60)
    edition_id = desk.frozen(NOW)
    deadline = hold(desk, edition_id, reason=Reason.UNUSUAL_NEWS)
    hints.taken()
    assert decide(desk, deadline) == 1
    assert state(desk, edition_id) == (S.UPCOMING, Reason.DEADLINE, "")
    assert desk.edition(edition_id).revision_id is None
    assert hints.taken() == [(TaskName.FREEZE, [edition_id])]
    with desk.database.read() as session:
        change = session.scalars(sa.select(EditionChange)).one()
    assert (change.kind, change.made_by, change.edition_id) == (ChangeKind.ACCEPT, "deadline", edition_id)
    # Its grace counts from the decision: the slot is an hour ago.
    assert decide(desk, deadline + 30 * SECOND) == 0
    assert state(desk, edition_id)[0] is S.UPCOMING
    with desk.database.write() as session:
        edition = session.get_one(Edition, edition_id)
        move(session, edition, S.HELD, now=deadline, reason=Reason.NO_POSTAL_ADDRESS)
    assert decide(desk, deadline + 31 * SECOND) == 1
    assert state(desk, edition_id) == (S.SKIPPED, Reason.DEADLINE, "no_postal_address")


def test_what_a_person_has_held_is_never_sent_by_the_clock(desk: Desk) -> None:
    """Somebody stopped it: if nobody lets it go it is skipped, whatever the default."""
    set_values(desk, hold_outcome=Fallback.SEND)
    edition_id = desk.frozen(NOW)
    deadline = hold(desk, edition_id, reason=Reason.BY_PERSON, detail="stopped from a first copy by Nare")
    assert decide(desk, deadline) == 1
    assert state(desk, edition_id)[:2] == (S.SKIPPED, Reason.DEADLINE)


def test_what_was_held_before_there_were_deadlines_has_one(desk: Desk) -> None:
    """Rows of an earlier version do not wait for ever either."""
    edition_id = desk.frozen(NOW)
    with desk.database.write() as session:
        session.execute(sa.update(Edition).values(state=S.HELD, reason=Reason.TOO_LARGE))
    assert decide(desk, NOW + 3 * HOUR - SECOND) == 0
    assert decide(desk, NOW + 3 * HOUR) == 1
    assert state(desk, edition_id)[0] is S.SKIPPED


def unapproved(desk: Desk, **values: Any) -> int:
    """A locked edition that is due `NOW` and that somebody is to approve, with its audience fixed."""
    set_values(desk, wants_approval=True, **values)
    edition_id = desk.frozen(NOW)
    with desk.database.write() as session:
        edition = session.get_one(Edition, edition_id)
        revision = revision_of(session, edition)
        revision.approved_at, revision.approved_by = None, ""
        edition.state = S.UPCOMING
        session.flush()
        move(session, edition, S.FROZEN, now=NOW - HOUR, reason=Reason.WANTS_APPROVAL)
        assert plan(session, edition_id, now=NOW - HOUR) == 1
    return edition_id


def start(desk: Desk, now: dt.datetime) -> int:
    with desk.database.write() as session:
        return start_due(session, now=now)


def test_nothing_begins_that_nobody_approved(desk: Desk) -> None:
    """At its slot it waits; approved after it, it goes out at once, and is not past its grace."""
    edition_id = unapproved(desk, hold_seconds=7200, grace_seconds=60)
    assert start(desk, NOW) == 0
    assert decide(desk, NOW + HOUR) == 0
    assert state(desk, edition_id) == (S.FROZEN, Reason.WANTS_APPROVAL, "")
    with desk.database.write() as session:
        revision = revision_of(session, session.get_one(Edition, edition_id))
        assert approve(session, revision, actor="cli:ara", now=NOW + HOUR)
    assert state(desk, edition_id) == (S.FROZEN, None, "")
    assert start(desk, NOW + HOUR) == 1


@pytest.mark.parametrize(
    ("outcome", "ends", "begins", "planned"),
    [(Fallback.SKIP, S.SKIPPED, 0, 0), (Fallback.SEND, S.SENDING, 1, 1)],
)
def test_what_nobody_approves_has_its_outcome_at_the_deadline(
    desk: Desk, outcome: Fallback, ends: EditionState, begins: int, planned: int
) -> None:
    """Skipped and its plan taken back, or approved by the deadline and sent."""
    edition_id = unapproved(desk, hold_seconds=7200, grace_seconds=60, hold_outcome=outcome)
    assert decide(desk, NOW + 2 * HOUR - SECOND) == 0
    assert decide(desk, NOW + 2 * HOUR) == 1
    assert start(desk, NOW + 2 * HOUR) == begins
    assert state(desk, edition_id)[0] is ends
    assert len(desk.batches(edition_id)) == planned
    with desk.database.read() as session:
        revision = revision_of(session, session.get_one(Edition, edition_id))
    assert revision.approved_by == ("deadline" if planned else "")
