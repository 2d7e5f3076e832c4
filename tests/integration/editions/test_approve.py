"""Approval is of what was shown, by who may; it is void after a change, and without one nothing begins."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from digest.db import Database
from digest.deliveries import control
from digest.deliveries.fall_back import send_without_featured
from digest.deliveries.handover import start_due
from digest.deliveries.plan import plan
from digest.deliveries.relock import unlock
from digest.deliveries.stop import stop
from digest.deliveries.sweep import SweepSettings, tick
from digest.editions.approvals import list_approvals, withdraw
from digest.editions.approve import NotAllowedError, StaleApprovalError, approve, approvers
from digest.editions.cadences import add_cadence, set_cadence
from digest.editions.coming import Fate, coming
from digest.editions.deadlines import apply_deadlines
from digest.editions.differences import What
from digest.editions.gate import is_approved
from digest.editions.revisions import revision_of
from digest.editions.shape import set_words
from digest.editions.states import move
from digest.errors import InputError, StateError
from digest.models import (
    Account,
    AccountRole,
    Approval,
    ApprovalWay,
    AuditEntry,
    Cadence,
    ChangeKind,
    Delivery,
    Digest,
    Edition,
    EditionState,
    Item,
    Reason,
    Revision,
    Role,
    Unapproved,
    Variant,
    VoidCause,
)
from digest.queueing.names import TaskName
from tests.factories import make_account
from tests.factories.moments import NOW
from tests.integration import hints
from tests.integration.planned import PUBLIC_URL, Desk, make_desk
from tests.integration.printed import Printed, print_edition

S = EditionState
MINUTE = dt.timedelta(minutes=1)
HOUR = 60 * MINUTE
SLOT = NOW + HOUR
UNTIL = SLOT - 20 * MINUTE  # until when it is to be approved


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Desk:
    """A newsroom with one reader, whose editions want approval 20 minutes before their slot."""
    made = make_desk(database, tmp_path)
    made.add_people(1)
    with database.write() as session:
        values = {"wants_approval": True, "approval_seconds": 1200, "lead_seconds": 3600}
        session.execute(sa.update(Cadence).values(approval_outcome=Unapproved.SEND, **values))
    return made


def person(desk: Desk, role: AccountRole = AccountRole.APPROVER, **values: Any) -> Account:
    with desk.database.write() as session:
        return make_account(session, role=role, **values)


def lock(desk: Desk, edition_id: int, *, now: dt.datetime = NOW) -> int:
    """As the freeze does where approval is wanted, with its audience fixed."""
    with desk.database.write() as session:
        edition = session.get_one(Edition, edition_id)
        session.refresh(edition)
        for revision in session.scalars(sa.select(Revision).where(Revision.edition_id == edition_id)):
            revision.approved_at, revision.approved_by = None, ""
        edition.state, edition.send_at = S.UPCOMING, SLOT
        session.flush()
        move(session, edition, S.FROZEN, now=now, reason=Reason.WANTS_APPROVAL)
        plan(session, edition_id, now=now)
    return edition_id


def locked(desk: Desk) -> int:
    return lock(desk, desk.frozen(NOW - MINUTE))


def printed(desk: Desk) -> Printed:
    """One with stories, rendered."""
    made = print_edition(desk, NOW)
    lock(desk, made.edition_id)
    return made


def say(desk: Desk, account: Account, edition_id: int, *, number: int = 1, now: dt.datetime = NOW) -> bool:
    """Approve a version as it was shown."""
    with desk.database.write() as session:
        edition = session.get_one(Edition, edition_id)
        fingerprint = revision_of(session, edition, number).fingerprint
        return approve(session, edition, account, fingerprint, now=now)


def start(desk: Desk, now: dt.datetime) -> int:
    with desk.database.write() as session:
        return start_due(session, now=now)


def decide(desk: Desk, now: dt.datetime) -> int:
    with desk.database.write() as session:
        return apply_deadlines(session, now=now)


def voided(desk: Desk, edition_id: int) -> list[VoidCause | None]:
    with desk.database.read() as session:
        return [one.void_cause for one in list_approvals(session, session.get_one(Edition, edition_id))]


def test_it_begins_once_it_is_approved(desk: Desk) -> None:
    """Not before, at its slot or after; who approved it, when, what and how stands on record, once."""
    nare, edition_id = person(desk), locked(desk)
    assert desk.edition(edition_id).deadline_at == UNTIL
    assert start(desk, SLOT) == 0
    assert say(desk, nare, edition_id)
    assert not say(desk, nare, edition_id)
    with desk.database.read() as session:
        (row,) = session.scalars(sa.select(Approval))
        (entry,) = session.scalars(sa.select(AuditEntry).where(AuditEntry.action == "edition.approve"))
    assert (row.account_id, row.way, row.made_at, row.fingerprint) == (
        nare.id,
        ApprovalWay.DESK,
        NOW,
        "0" * 64,
    )
    assert (entry.actor, entry.details["way"]) == (f"account:{nare.id}", "desk")
    assert start(desk, SLOT) == 1


def test_who_may_approve(desk: Desk) -> None:
    """Approvers and admins; an editor where nobody is asked; nobody whose account is closed."""
    edition_id = locked(desk)
    editor, closed = person(desk, AccountRole.EDITOR), person(desk, disabled_at=NOW)
    for account in (editor, closed):
        with pytest.raises(NotAllowedError, match="Only an approver"):
            say(desk, account, edition_id)
    with desk.database.write() as session:
        session.execute(sa.update(Cadence).values(wants_approval=False))
    assert say(desk, editor, edition_id)
    admin = person(desk, AccountRole.ADMIN)
    with desk.database.read() as session:
        assert [one.id for one in approvers(session)] == [admin.id]
    approver = person(desk)
    with desk.database.read() as session:
        assert [one.id for one in approvers(session)] == [approver.id]


def test_what_is_not_shown_any_more_is_not_approved(desk: Desk) -> None:
    """An earlier version, and one that never was: refused, with what is otherwise."""
    nare, made = person(desk), printed(desk)
    assert made.revise(titles={2: "Mill Bridge Opens Late"}, dropped=frozenset({3})) == 2
    assert say(desk, nare, made.edition_id, number=2)
    made.go_on(2, now=NOW)
    with pytest.raises(StaleApprovalError) as error:
        say(desk, nare, made.edition_id, number=1)
    assert {one.what for one in error.value.changes} == {What.TITLE, What.DROPPED, What.PREHEADER}
    assert error.value.number == 2
    with desk.database.write() as session, pytest.raises(StaleApprovalError):
        approve(session, session.get_one(Edition, made.edition_id), nare, "f" * 64, now=NOW)


def test_making_it_anew_voids_its_approval(desk: Desk) -> None:
    """The row stays, with why; the edition waits for the next lock."""
    nare, edition_id = person(desk), locked(desk)
    say(desk, nare, edition_id)
    with desk.database.write() as session:
        unlock(session, session.get_one(Edition, edition_id), actor="cli:ani", now=NOW)
    assert voided(desk, edition_id) == [VoidCause.UNLOCKED]
    with desk.database.read() as session:
        assert session.scalar(sa.select(Revision.approved_at)) is None


def test_an_edit_of_a_held_edition_voids_what_was_approved(desk: Desk) -> None:
    """It was locked with other words: going on with that version would lose the edit."""
    nare, edition_id = person(desk), locked(desk)
    with desk.database.write() as session:
        edition = session.get_one(Edition, edition_id)
        move(session, edition, S.HELD, now=NOW, reason=Reason.BY_PERSON)
    say(desk, nare, edition_id)
    with desk.database.write() as session:
        edition = session.get_one(Edition, edition_id)
        set_words(session, edition, ChangeKind.INTRO, "Good morning.", actor="cli:ani", now=NOW)
    assert voided(desk, edition_id) == [VoidCause.EDITED]


def test_stopping_it_voids_its_approval(desk: Desk) -> None:
    """Whoever lets it go on asks once more."""
    nare, edition_id = person(desk), locked(desk)
    say(desk, nare, edition_id)
    with desk.database.write() as session:
        stop(session, session.get_one(Edition, edition_id), nare, now=NOW)
    assert voided(desk, edition_id) == [VoidCause.STOPPED]


def test_an_approval_can_be_taken_back(desk: Desk) -> None:
    """Then the clock does not send it, whatever was stated; approved again, it goes out."""
    nare, first, second = person(desk), locked(desk), lock(desk, print_edition(desk, NOW + MINUTE).edition_id)
    for edition_id in (first, second):
        say(desk, nare, edition_id)
        with desk.database.write() as session:
            edition = session.get_one(Edition, edition_id)
            assert withdraw(session, edition, actor="cli:ara", now=UNTIL)
            assert not withdraw(session, edition, actor="cli:ara", now=UNTIL)
        assert desk.edition(edition_id).reason is Reason.WANTS_APPROVAL
    assert say(desk, nare, second, now=UNTIL + MINUTE)
    assert decide(desk, UNTIL + 39 * MINUTE) == 0  # time enough to think again
    assert decide(desk, UNTIL + 40 * MINUTE) == 1
    assert start(desk, UNTIL + 40 * MINUTE) == 1
    assert (desk.edition(first).state, desk.edition(first).reason) == (S.SKIPPED, Reason.NOT_APPROVED)
    assert desk.edition(second).state is S.SENDING


def test_a_paused_edition_without_its_approval_does_not_go_on(desk: Desk) -> None:
    """Nor are those who failed tried again; what was handed over stays approved on record."""
    nare, edition_id = person(desk), locked(desk)
    say(desk, nare, edition_id)
    start(desk, SLOT)
    with desk.database.write() as session:
        edition = session.get_one(Edition, edition_id)
        with pytest.raises(StateError, match="pause it first"):
            withdraw(session, edition, actor="cli:ara", now=SLOT)
        control.pause(session, edition, actor="cli:ara", now=SLOT)
        assert withdraw(session, edition, actor="cli:ara", now=SLOT)
    with desk.database.write() as session, pytest.raises(StateError, match="is not approved"):
        control.resume(session, session.get_one(Edition, edition_id), actor="cli:ani", now=SLOT)
    assert say(desk, nare, edition_id, now=SLOT)
    with desk.database.write() as session:
        assert control.resume(session, session.get_one(Edition, edition_id), actor="cli:ani", now=SLOT)


def test_the_database_itself_lets_nothing_begin_unapproved(desk: Desk) -> None:
    """Whoever moves it on: the condition is in the UPDATE, and asks for an approval of this fingerprint."""
    nare, edition_id = person(desk), locked(desk)
    with desk.database.write() as session, pytest.raises(StateError, match="is not approved"):
        move(session, session.get_one(Edition, edition_id), S.SENDING, now=SLOT)
    say(desk, nare, edition_id)
    with desk.database.write() as session:
        session.execute(sa.update(Approval).values(fingerprint="1" * 64))
        assert not is_approved(session, session.get_one(Edition, edition_id))
        with pytest.raises(StateError, match="is not approved"):
            move(session, session.get_one(Edition, edition_id), S.SENDING, now=SLOT)
    with desk.database.read() as session:
        assert session.get_one(Edition, edition_id).state is S.FROZEN


def test_late_editions_leave_approvers_their_time(desk: Desk) -> None:
    """What is locked at its slot waits as long as the cadence promises; nothing falls back unseen."""
    edition_id = lock(desk, desk.frozen(SLOT), now=SLOT)
    assert desk.edition(edition_id).deadline_at == SLOT + 40 * MINUTE
    assert decide(desk, SLOT + 39 * MINUTE) == 0
    assert decide(desk, SLOT + 40 * MINUTE) == 1
    assert start(desk, SLOT + 40 * MINUTE) == 1


@pytest.mark.parametrize("outcome", [Unapproved.SEND, Unapproved.SKIP])
def test_what_nobody_approves_has_the_stated_end(desk: Desk, outcome: Unapproved) -> None:
    """Once, however many beats there are: it goes out as the deadline's, or is skipped with the reason."""
    with desk.database.write() as session:
        session.execute(sa.update(Cadence).values(approval_outcome=outcome))
    edition_id = locked(desk)
    assert decide(desk, UNTIL - dt.timedelta(seconds=1)) == 0
    assert [decide(desk, UNTIL) for _ in range(3)] == [1, 0, 0]
    assert start(desk, SLOT) == (outcome is Unapproved.SEND)
    with desk.database.read() as session:
        ways = session.scalars(sa.select(Approval.way)).all()
    edition = desk.edition(edition_id)
    if outcome is Unapproved.SEND:
        assert (ways, edition.state) == ([ApprovalWay.DEADLINE], S.SENDING)
    else:
        assert (ways, edition.state, edition.reason) == ([], S.SKIPPED, Reason.NOT_APPROVED)


def fall_back(desk: Desk, edition_id: int, now: dt.datetime = UNTIL) -> EditionState | None:
    return send_without_featured(desk.database, edition_id, public_url=PUBLIC_URL, templates=None, now=now)


def without_featured(desk: Desk) -> int:
    with desk.database.write() as session:
        session.execute(sa.update(Cadence).values(approval_outcome=Unapproved.WITHOUT_FEATURED))
    return printed(desk).edition_id


def test_it_goes_out_without_the_featured_story(desk: Desk) -> None:
    """As the next version, approved by the deadline, once; everybody who waits gets that one."""
    edition_id = without_featured(desk)
    assert fall_back(desk, edition_id, UNTIL - MINUTE) is None
    hints.taken()
    assert decide(desk, UNTIL) == 0
    assert hints.taken() == [(TaskName.FALL_BACK, [edition_id])]
    assert [fall_back(desk, edition_id) for _ in range(2)] == [S.FROZEN, None]
    assert decide(desk, UNTIL) == 0
    assert start(desk, SLOT) == 1
    with desk.database.read() as session:
        revision = session.get_one(Revision, desk.edition(edition_id).revision_id)
        roles = session.scalars(sa.select(Item.role).where(Item.revision_id == revision.id)).all()
        variant_id = session.scalars(sa.select(Delivery.variant_id)).one()
        assert session.get_one(Variant, variant_id).revision_id == revision.id
        (row,) = session.scalars(sa.select(Approval))
    assert (revision.number, revision.approved_by, roles) == (2, "deadline", [Role.RECENT, Role.RECENT])
    assert (row.way, row.revision_id) == (ApprovalWay.DEADLINE, revision.id)


def test_an_approval_at_the_last_moment_wins(desk: Desk) -> None:
    """What was approved before the deadline was applied goes out whole."""
    nare, edition_id = person(desk), without_featured(desk)
    assert say(desk, nare, edition_id, now=UNTIL)
    assert fall_back(desk, edition_id) is None
    assert start(desk, SLOT) == 1


def test_without_a_featured_story_it_goes_out_as_it_is(desk: Desk) -> None:
    """There is nothing to leave out; and what would have no story left is skipped, with why."""
    edition_id = without_featured(desk)
    with desk.database.write() as session:
        session.execute(sa.update(Item).values(role=Role.RECENT))
    assert fall_back(desk, edition_id) is S.FROZEN
    assert start(desk, SLOT) == 1
    other = lock(desk, print_edition(desk, NOW + MINUTE).edition_id)
    with desk.database.write() as session:
        of_it = sa.select(Revision.id).where(Revision.edition_id == other)
        session.execute(sa.delete(Item).where(Item.role == Role.RECENT, Item.revision_id.in_(of_it)))
    assert fall_back(desk, other) is S.SKIPPED
    edition = desk.edition(other)
    assert (edition.reason, "No story would be left" in edition.reason_detail) == (Reason.NOT_APPROVED, True)


def test_several_beats_fall_back_once(desk: Desk) -> None:
    """Each tick hints as long as it is not done; done twice it is done once."""
    edition_id = without_featured(desk)
    config = SweepSettings(MINUTE, HOUR)
    hints.taken()  # what the test before has left: they lie in this process's memory
    for _ in range(2):
        tick(desk.database, config, now=UNTIL)
    tasks = [task for task, _ in hints.taken() if task is TaskName.FALL_BACK]
    assert len(tasks) == 2
    for _ in tasks:
        fall_back(desk, edition_id)
    with desk.database.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Revision)) == 2


def test_approvers_must_have_time(desk: Desk) -> None:
    """A cadence that locks too late for its approval is refused; a new one wants what its others want."""
    sentence = r"locked 20 minutes .* `--lead 1500` or more"
    with desk.database.read() as session:
        cadence = session.get_one(Cadence, desk.cadence.id)
        with pytest.raises(InputError, match=sentence):
            set_cadence(session, cadence, lead_seconds=1200, actor="test", now=NOW)
    with desk.database.write() as session:
        digest = session.get_one(Digest, desk.cadence.digest_id)
        zone = "Asia/Yerevan"
        new = add_cadence(session, digest, name="late", cron="0 9 * * 0", zone=zone, actor="test", now=NOW)
        assert (new.wants_approval, new.approval_seconds, new.lead_seconds) == (True, 1200, 3600)
        assert new.approval_outcome is Unapproved.SEND


def test_how_it_stands_tells_of_its_approval(desk: Desk) -> None:
    """Until when it is wanted and what comes then; once it is approved, that it goes out."""
    nare, made = person(desk), print_edition(desk, NOW)
    fates = []

    def look() -> None:
        with desk.database.read() as session:
            found = coming(session, made.edition_id, templates=None, now=NOW)
            fates.append((found.fate, found.fate_until))

    lock(desk, made.edition_id)
    look()
    say(desk, nare, made.edition_id)
    look()
    assert fates == [(Fate.APPROVAL_THEN_SENT, UNTIL), (Fate.GOES_OUT, None)]
