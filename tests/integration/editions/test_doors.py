"""What the checks stop goes out by no door: one test for each, with a version that should not be there.

Of every kind of edition: scheduled, extra, breaking, correction.
"""

from __future__ import annotations

import ast
import dataclasses
import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from digest import clock
from digest.db import Database
from digest.deliveries.control import resume, retry
from digest.deliveries.handover import start_due, take_back_plans
from digest.deliveries.ledger import Result, record
from digest.deliveries.settle import resolve, settle_by_policy
from digest.deliveries.switch import go_on_with
from digest.editions.cadences import send_now
from digest.editions.compose import Composed
from digest.editions.copies import Imprint, ask_test_mails
from digest.editions.deadlines import apply_deadlines
from digest.editions.revisions import approve, revision_of, store_revision
from digest.editions.states import STOPPED, move
from digest.errors import StateError
from digest.models import (
    Batch,
    Cadence,
    Delivery,
    DeliveryStatus,
    Digest,
    Edition,
    EditionChange,
    EditionKind,
    EditionState,
    Fallback,
    MailingList,
    Notice,
    Reason,
    Revision,
    Settlement,
    UncertainPolicy,
)
from digest.preflight.mail_findings import Code, FoundIn, block, stored
from tests.factories import make_account
from tests.integration.planned import PUBLIC_URL, Desk, make_desk
from tests.integration.printed import print_edition

S = EditionState
KINDS = tuple(EditionKind)
SOURCE = Path(__file__).resolve().parents[3] / "src" / "digest"
STOPS = stored(FoundIn(block(Code.DANGEROUS, found="<script>"), ("normal",)))
Door = Callable[[Desk, int], object]


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Desk:
    """A newsroom with two readers."""
    made = make_desk(database, tmp_path)
    made.add_people(2)
    return made


def planted(desk: Desk, state: EditionState = S.FROZEN, kind: EditionKind = EditionKind.EXTRA) -> int:
    """A planned edition in a state, whose version has got into the database with what must not go out."""
    edition_id = desk.planned(clock.utc_now())
    with desk.database.write() as session:
        session.get_one(Edition, edition_id).state = state
        session.execute(sa.update(Revision).values(findings=[STOPS]))
    of_kind(desk, edition_id, kind)
    return edition_id


def of_kind(desk: Desk, edition_id: int, kind: EditionKind) -> None:
    with desk.database.write() as session:
        session.get_one(Edition, edition_id).kind = kind


def statuses(desk: Desk, edition_id: int) -> set[DeliveryStatus]:
    return set(desk.statuses(edition_id).values())


def test_a_version_with_a_stop_is_not_stored(desk: Desk) -> None:
    """The first door is the only one that is needed: it is never in the database."""
    edition_id = desk.frozen(clock.utc_now())
    whole = Composed("A", "B", "<p>", (), (), "0" * 64, findings=(STOPS,))
    with desk.database.write() as session, pytest.raises(StateError, match="cannot become a version"):
        store_revision(session, edition_id, whole, now=clock.utc_now())
    with desk.database.write() as session:
        mild = dataclasses.replace(whole, findings=({**STOPS, "level": "warn"},))
        assert store_revision(session, edition_id, mild, now=clock.utc_now()).number == 2


def test_a_revision_with_a_stop_is_refused(desk: Desk) -> None:
    """What a person corrects is checked as the first one was; the sentence says what is wrong."""
    printed = print_edition(desk, clock.utc_now())
    with pytest.raises(StateError, match=r"A gap was left unfilled: \{\{ title \}\}"):
        printed.revise(titles={1: "On {{ title }}"})
    with desk.database.write() as session:
        session.execute(sa.update(Digest).values(postal_address=" "))
    with pytest.raises(StateError, match="no postal address"):
        printed.revise(note="A note.")
    with desk.database.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Revision)) == 1


@pytest.mark.parametrize(("kind", "is_hurried"), [*((kind, False) for kind in KINDS), (KINDS[0], True)])
def test_its_slot_does_not_begin_it(desk: Desk, kind: EditionKind, *, is_hurried: bool) -> None:
    """Nor does `send now`: it is held, its plan is taken back, and nobody has anything pending."""
    edition_id, now = planted(desk, kind=kind), clock.utc_now()
    with desk.database.write() as session:
        if is_hurried:
            send_now(session, session.get_one(Edition, edition_id), actor="cli:ani", now=now)
        assert start_due(session, now=now) == 0
        take_back_plans(session)
    edition = desk.edition(edition_id)
    assert (edition.state, edition.reason, edition.planned_at) == (S.HELD, Reason.BLOCKED, None)
    assert statuses(desk, edition_id) == set()


def approving(desk: Desk, edition_id: int) -> None:
    with desk.database.write() as session:
        session.execute(sa.update(Revision).values(approved_at=None))
        session.expire_all()
        edition = session.get_one(Edition, edition_id)
        approve(session, revision_of(session, edition), actor="cli:ara", now=clock.utc_now())


def resuming(desk: Desk, edition_id: int) -> None:
    with desk.database.write() as session:
        edition = session.get_one(Edition, edition_id)
        resume(session, edition, actor="cli:ara", now=clock.utc_now())


def going_on(desk: Desk, edition_id: int) -> None:
    with desk.database.write() as session:
        edition = session.get_one(Edition, edition_id)
        go_on_with(session, edition, revision_of(session, edition), actor="cli:ara", now=clock.utc_now())


def retrying(desk: Desk, edition_id: int) -> None:
    with desk.database.write() as session:
        session.execute(sa.update(Delivery).values(status=DeliveryStatus.FAILED))
        session.execute(sa.update(Batch).values(closed_at=clock.utc_now()))
        retry(session, session.get_one(Edition, edition_id), actor="cli:ara", now=clock.utc_now())


def resending(desk: Desk, edition_id: int) -> None:
    with desk.database.write() as session:
        people = session.scalars(sa.select(Delivery.subscriber_id)).all()
        now = clock.utc_now()
        record(
            session,
            edition_id,
            [Result(person, 0, DeliveryStatus.UNCERTAIN, now) for person in people],
        )
        edition = session.get_one(Edition, edition_id)
        resolve(session, edition, None, Settlement.RESENT, actor="cli:ara", now=now)


def moving(desk: Desk, edition_id: int) -> None:
    """Whoever comes by another way has to come through here."""
    with desk.database.write() as session:
        edition = session.get_one(Edition, edition_id)
        to = S.FROZEN if edition.state is S.HELD else S.SENDING
        move(session, edition, to, now=clock.utc_now())


@pytest.mark.parametrize(
    ("state", "door"),
    [
        (S.FROZEN, approving),
        (S.HELD, approving),
        (S.PAUSED, resuming),
        (S.PAUSED, going_on),
        (S.HELD, going_on),
        (S.FROZEN, going_on),
        (S.SENT, retrying),
        (S.SENDING, retrying),
        (S.SENT, resending),
        (S.FROZEN, moving),
        (S.HELD, moving),
        (S.PAUSED, moving),
    ],
)
def test_a_person_is_refused(desk: Desk, state: EditionState, door: Door) -> None:
    """Each door says what stops it and where to read more, and leaves everything as it was."""
    edition_id = planted(desk, state)
    for kind in KINDS:
        of_kind(desk, edition_id, kind)
        with pytest.raises(StateError, match=r"The checks stop version 1 .*`digest preflight \d+` says why"):
            door(desk, edition_id)
        assert desk.edition(edition_id).state is state
        assert statuses(desk, edition_id) == {DeliveryStatus.PENDING}


@pytest.mark.parametrize(("is_stopped", "left"), [(True, "uncertain"), (False, "pending")])
def test_nobody_is_mailed_again_by_policy(desk: Desk, *, is_stopped: bool, left: str) -> None:
    """Though the list's policy is to send once more what may have arrived: the case is closed instead."""
    now = clock.utc_now()
    edition_id = planted(desk, S.SENT)
    with desk.database.write() as session:
        if not is_stopped:
            session.execute(sa.update(Revision).values(findings=[]))
        session.execute(sa.update(MailingList).values(uncertain_policy=UncertainPolicy.RESEND))
        people = session.scalars(sa.select(Delivery.subscriber_id)).all()
        record(session, edition_id, [Result(one, 0, DeliveryStatus.UNCERTAIN, now) for one in people])
        later = now + dt.timedelta(days=1)
        assert settle_by_policy(session, after=dt.timedelta(hours=1), now=later) == len(people)
    assert statuses(desk, edition_id) == {DeliveryStatus(left)}


def test_no_other_door_is_there() -> None:
    """`states.move` alone changes an edition's state, so whoever comes by another way is asked as well."""
    writers = []
    for file in sorted(SOURCE.rglob("*.py")):
        if "EditionState" not in (source := file.read_text(encoding="utf-8")):
            continue
        for node in ast.walk(ast.parse(source)):
            targets = getattr(node, "targets", None) or [getattr(node, "target", None)]
            is_assigned = any(isinstance(one, ast.Attribute) and one.attr == "state" for one in targets)
            called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            is_updated = called.endswith(".values") and any(one.arg == "state" for one in node.keywords)  # type: ignore[attr-defined]
            if is_assigned or is_updated:
                writers.append(f"{file.name}:{node.lineno}")  # type: ignore[attr-defined]
    assert writers == []


@pytest.mark.parametrize("state", [S.HELD, S.PAUSED])
def test_the_doors_are_open_to_others(desk: Desk, state: EditionState) -> None:
    """The same steps with a version that may go out: what refuses above is the stop and nothing else."""
    edition_id = planted(desk, state)
    with desk.database.write() as session:
        session.execute(sa.update(Revision).values(findings=[{**STOPS, "level": "warn"}]))
    going_on(desk, edition_id)
    assert desk.edition(edition_id).state is (S.FROZEN if state is S.HELD else S.SENDING)


@pytest.mark.parametrize("reason", sorted(STOPPED))
def test_the_deadline_skips_it(desk: Desk, reason: Reason) -> None:
    """Though its cadence says that what nobody decides is sent: nobody has looked at what is wrong."""
    now = clock.utc_now()
    edition_id = desk.frozen(now)
    with desk.database.write() as session:
        session.execute(sa.update(Cadence).values(hold_outcome=Fallback.SEND))
        edition = session.get_one(Edition, edition_id)
        move(session, edition, S.HELD, now=now, reason=reason, detail="dangerous")
        assert apply_deadlines(session, now=now + dt.timedelta(days=2)) == 1
        assert session.scalar(sa.select(sa.func.count()).select_from(EditionChange)) == 0
    edition = desk.edition(edition_id)
    assert (edition.state, edition.reason) == (S.SKIPPED, Reason.DEADLINE)
    assert edition.reason_detail == f"{reason.value}: dangerous"


def test_the_deadline_does_not_approve_it(desk: Desk) -> None:
    """What waits for approval is skipped at its deadline, though its cadence says that it is sent."""
    edition_id, now = planted(desk), clock.utc_now()
    with desk.database.write() as session:
        session.execute(sa.update(Cadence).values(hold_outcome=Fallback.SEND))
        session.execute(sa.update(Revision).values(approved_at=None))
        session.execute(sa.update(Edition).values(deadline_at=now))
        assert apply_deadlines(session, now=now) == 1
        assert session.scalar(sa.select(Revision.approved_at)) is None
    assert desk.edition(edition_id).state is S.SKIPPED


def test_the_staff_may_have_a_test_mail_of_it(desk: Desk) -> None:
    """To look at what is wrong, in the mail itself."""
    edition_id = planted(desk, S.HELD)
    with desk.database.write() as session:
        make_account(session, "nare@courier.example")
    asked = ask_test_mails(
        desk.database,
        edition_id,
        ["nare@courier.example"],
        Imprint(PUBLIC_URL, desk.made),
        actor="cli:ani",
    )
    assert asked == 1
    with desk.database.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Notice)) == 1
