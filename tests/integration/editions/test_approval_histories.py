"""Random interleavings of what people, the clock and workers do to an edition that wants approval.

The test keeps its own books of what was approved and what voids it. Whatever the order: nothing begins or
goes on but a version that was approved and whose approval stands, or the stated fallback past its deadline;
nobody is handed a version that never began, and nobody is handed two.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from digest.db import Database
from digest.deliveries import control
from digest.deliveries.fall_back import send_without_featured
from digest.deliveries.handover import go_on
from digest.deliveries.ledger import Result, close_if_done, record
from digest.deliveries.people import pending_of, people_of
from digest.deliveries.plan import plan
from digest.deliveries.proof import stop_for_good
from digest.deliveries.relock import unlock
from digest.deliveries.stop import stop
from digest.deliveries.switch import go_on_with
from digest.editions.approvals import withdraw
from digest.editions.approve import approve
from digest.editions.cadences import send_now
from digest.editions.compose import Composed, ComposedVariant
from digest.editions.deadlines import apply_deadlines
from digest.editions.freeze import _store
from digest.editions.progress import skip_past_grace
from digest.editions.revisions import revision_of, store_revision
from digest.editions.shape import set_words
from digest.editions.slots import add_edition
from digest.errors import StateError
from digest.models import (
    Account,
    AccountRole,
    Approval,
    ApprovalWay,
    Batch,
    Cadence,
    ChangeKind,
    DeliveryStatus,
    Edition,
    EditionKind,
    EditionState,
    Revision,
    Unapproved,
    Variant,
)
from digest.rendering.contexts import TextSize
from tests.factories import make_account
from tests.factories.moments import NOW
from tests.integration.planned import PUBLIC_URL, Desk, _few_words, make_desk

S = EditionState
PEOPLE = 3
MINUTE = dt.timedelta(minutes=1)
SLOT = NOW + 60 * MINUTE
# One edition a history: each has a slot of its own.
_seconds = (dt.timedelta(seconds=number) for number in itertools.count())
HOLDS = (S.FROZEN, S.HELD, S.PAUSED)

steps = st.lists(
    st.tuples(
        st.sampled_from(
            [
                *("lock", "lock", "approve", "approve", "approve", "approve shown", "withdraw", "edit"),
                *("unlock", "hold", "revise", "revise", "go on", "go on", "pause", "resume", "resume"),
                *("retry", "send now", "beats", "beats", "beats", "hand over", "hand over", "later", "later"),
                *("deadline", "stop"),
            ]
        ),
        st.integers(0, 59),
    ),
    min_size=8,
    max_size=30,
)


class Books:
    """One edition, and what is known of it without asking the product."""

    def __init__(self, desk: Desk, account: Account, outcome: Unapproved) -> None:
        self.desk, self.account, self.outcome = desk, account, outcome
        self.now = NOW
        self.approved: set[int] = set()  # versions whose approval stands
        self.withdrawn: set[int] = set()
        self.begun: set[int] = set()  # versions that an edition was on its way with
        self.handed: Counter[int] = Counter()
        self.fallbacks: set[int] = set()  # approvals that the clock gave
        self.contents = 0
        with desk.database.write() as session:
            session.execute(sa.update(Cadence).values(approval_outcome=outcome))
            made = add_edition(
                session, desk.cadence, kind=EditionKind.EXTRA, due_at=SLOT + next(_seconds), now=NOW
            )
        assert made is not None
        self.edition_id = made

    def content(self) -> Composed:
        """Another content each time."""
        self.contents += 1
        print_ = f"{self.contents:064d}"
        mail = _few_words().to_bytes()
        variant = ComposedVariant(TextSize.NORMAL, "", "", mail, print_, "A bridge is mended", "")
        return Composed("A bridge is mended", "", "", (variant,), (), print_)

    def do(self, what: str, number: int) -> None:
        """One act, in a transaction of its own; what is refused changes nothing."""
        before = self.desk.edition(self.edition_id)
        approved = set(self.approved)
        try:
            getattr(self, "_" + what.replace(" ", "_"))(number)
        except StateError:
            assert self.desk.edition(self.edition_id).state is before.state
        self._look_at(before, approved)

    def _look_at(self, before: Edition, approved: set[int]) -> None:
        after = self.desk.edition(self.edition_id)
        with self.desk.database.read() as session:
            rows = session.scalars(sa.select(Approval).where(Approval.edition_id == self.edition_id)).all()
        for row in rows:  # what the clock has approved: as was stated, in time, and against nobody's will
            if row.way is ApprovalWay.DEADLINE and row.id not in self.fallbacks:
                self.fallbacks.add(row.id)
                assert self.outcome is not Unapproved.SKIP
                assert before.deadline_at is not None
                assert before.deadline_at <= self.now
                assert row.revision_id not in self.withdrawn
                self.approved.add(row.revision_id)
                approved.add(row.revision_id)
        if after.state is S.SENDING and (before.state, before.revision_id) != (
            after.state,
            after.revision_id,
        ):
            assert after.revision_id in approved
            self.begun.add(after.revision_id or 0)
        assert {row.revision_id for row in rows if row.voided_at is None} == self.approved

    def _voided(self, session: Any, edition: Edition) -> None:
        """What has not begun yet, and what it is at now."""
        rows = session.execute(
            sa.select(Revision.id, Revision.number).where(Revision.edition_id == edition.id)
        ).all()
        numbers = {row.id: row.number for row in rows}
        first = numbers.get(edition.revision_id, 0)
        self.approved -= {one for one, number in numbers.items() if number >= first}

    def _lock(self, _: int) -> None:
        with self.desk.database.write() as session:
            edition = session.get_one(Edition, self.edition_id)
            if edition.state in (S.UPCOMING, S.HELD):
                self._voided(session, edition)
            _store(session, self.edition_id, self.content(), [], plan_lead=MINUTE, now=self.now)

    def _approve(self, _: int) -> None:
        self._say(None)

    def _approve_shown(self, number: int) -> None:
        self._say(number)

    def _say(self, number: int | None) -> None:
        """Approve the newest version, or one that was shown some time ago."""
        with self.desk.database.write() as session:
            edition = session.get_one(Edition, self.edition_id)
            known = session.scalars(
                sa.select(Revision).where(Revision.edition_id == edition.id).order_by(Revision.number)
            ).all()
            if not known:
                return
            shown = known[-1 if number is None else number % len(known)]
            current = next((one.number for one in known if one.id == edition.revision_id), None)
            approve(session, edition, self.account, shown.fingerprint, now=self.now)
            assert current is not None
            assert shown.number >= current
            self.approved.add(shown.id)

    def _withdraw(self, _: int) -> None:
        with self.desk.database.write() as session:
            edition = session.get_one(Edition, self.edition_id)
            before = set(self.approved)
            if edition.state in HOLDS:
                self._voided(session, edition)
            self.withdrawn |= before - self.approved
            withdraw(session, edition, actor="test", now=self.now)

    def _edit(self, number: int) -> None:
        with self.desk.database.write() as session:
            edition = session.get_one(Edition, self.edition_id)
            if edition.state is S.HELD and edition.revision_id is not None:
                self._voided(session, edition)
            kind = (ChangeKind.INTRO, ChangeKind.SIGN_OFF)[number % 2]
            set_words(session, edition, kind, f"Day {number}", actor="test", now=self.now)

    def _unlock(self, _: int) -> None:
        with self.desk.database.write() as session:
            edition = session.get_one(Edition, self.edition_id)
            if edition.state is S.FROZEN:
                self._voided(session, edition)
            unlock(session, edition, actor="test", now=self.now)

    def _hold(self, _: int) -> None:
        with self.desk.database.write() as session:
            edition = session.get_one(Edition, self.edition_id)
            if edition.state in (S.UPCOMING, S.FROZEN, S.SENDING):
                self._voided(session, edition)
            stop(session, edition, self.account, now=self.now)

    def _revise(self, _: int) -> None:
        """As `revise.store` does, with another content."""
        with self.desk.database.write() as session:
            if session.get_one(Edition, self.edition_id).state in HOLDS:
                store_revision(session, self.edition_id, self.content(), now=self.now)

    def _go_on(self, _: int) -> None:
        with self.desk.database.write() as session:
            edition = session.get_one(Edition, self.edition_id)
            if edition.revision_id is not None:
                go_on_with(session, edition, revision_of(session, edition), actor="test", now=self.now)

    def _pause(self, _: int) -> None:
        self._control("pause")

    def _resume(self, _: int) -> None:
        self._control("resume")

    def _retry(self, _: int) -> None:
        self._control("retry")

    def _control(self, what: str) -> None:
        with self.desk.database.write() as session:
            edition = session.get_one(Edition, self.edition_id)
            getattr(control, what)(session, edition, actor="test", now=self.now)

    def _send_now(self, _: int) -> None:
        with self.desk.database.write() as session:
            send_now(session, session.get_one(Edition, self.edition_id), actor="test", now=self.now)

    def _stop(self, number: int) -> None:
        """For good; seldom, for a history ends with it."""
        if number % 6 == 0:
            with self.desk.database.write() as session:
                edition = session.get_one(Edition, self.edition_id)
                if edition.state is S.UPCOMING:
                    self._voided(session, edition)
                stop_for_good(session, edition, self.account, now=self.now)

    def _later(self, number: int) -> None:
        self.now += number * MINUTE

    def _deadline(self, _: int) -> None:
        """Its deadline comes, and each beat looks at it."""
        until = self.desk.edition(self.edition_id).deadline_at
        self.now = max(self.now, until or self.now)
        self._beats(0)

    def _beats(self, _: int) -> None:
        """Two of them, with the worker that they tell."""
        for _beat in range(2):
            with self.desk.database.write() as session:
                plan(session, self.edition_id, now=self.now)
                apply_deadlines(session, now=self.now)
                skip_past_grace(session, now=self.now)
            fall_back = {"public_url": PUBLIC_URL, "templates": None, "now": self.now}
            send_without_featured(self.desk.database, self.edition_id, **fall_back)
            with self.desk.database.write() as session:
                go_on(session, now=self.now)

    def _hand_over(self, number: int) -> None:
        """One group of one batch, read anew as a worker does; every fourth time the mail service refuses."""
        status = DeliveryStatus.FAILED if number % 4 == 0 else DeliveryStatus.SENT
        with self.desk.database.write() as session:
            open_ones = sa.select(Batch.id).where(
                Batch.edition_id == self.edition_id, Batch.closed_at.is_(None)
            )
            batch_id = session.scalars(open_ones.order_by(Batch.id)).first()
            if batch_id is None:
                return
            ids = pending_of(session, self.edition_id, batch_id)[:1]
            for person in people_of(session, self.edition_id, batch_id, ids):
                assert session.get_one(Variant, person.variant_id).revision_id in self.begun
                self.handed[person.subscriber_id] += status is DeliveryStatus.SENT
                record(
                    session, self.edition_id, [Result(person.subscriber_id, person.attempt, status, self.now)]
                )
            close_if_done(session, batch_id, now=self.now)


def _acts(words: str) -> list[tuple[str, int]]:
    return [(word.replace("_", " "), 59) for word in words.split()]


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Desk:
    """A newsroom with a few readers, whose editions want approval twenty minutes before their slot."""
    made = make_desk(database, tmp_path)
    made.add_people(PEOPLE)
    with database.write() as session:
        values = {"wants_approval": True, "approval_seconds": 1200, "lead_seconds": 3600}
        session.execute(sa.update(Cadence).values(**values))
    return made


@settings(
    max_examples=settings().max_examples // 10 - 1,  # each is some twenty transactions,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),  # a history is short enough to read as it is
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(history=steps, outcome=st.sampled_from(Unapproved))
@example(history=_acts("approve later later beats pause withdraw resume"), outcome=Unapproved.SEND)
@example(history=_acts("approve withdraw later later beats"), outcome=Unapproved.SEND)
@example(history=_acts("approve hold later beats send_now lock beats"), outcome=Unapproved.WITHOUT_FEATURED)
def test_nothing_begins_that_was_not_approved(
    desk: Desk, history: list[tuple[str, int]], outcome: Unapproved
) -> None:
    """Nor goes on, whatever the order; nobody is handed two."""
    with desk.database.write() as session:
        account = make_account(session, role=AccountRole.APPROVER)
    books = Books(desk, account, outcome)
    for what, number in (("lock", 0), *history, ("deadline", 0), ("later", 30), ("beats", 0)):
        books.do(what, number)
    assert max(books.handed.values(), default=0) <= 1
