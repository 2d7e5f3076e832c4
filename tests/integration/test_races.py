"""Two that do the same at once: schedulers, workers, a person and the clock, on both databases."""

from __future__ import annotations

import datetime as dt
import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import clock
from digest.db import Database
from digest.deliveries.handover import start_due
from digest.deliveries.settle import settle_by_policy
from digest.deliveries.uncertain import give_cases
from digest.editions.approvals import withdraw
from digest.editions.approve import approve
from digest.editions.cadences import set_cadence
from digest.editions.slots import make_next_editions
from digest.errors import InputError, StateError
from digest.lists import import_kept
from digest.lists.import_drafts import keep_upload
from digest.models import (
    AccountRole,
    Approval,
    Asset,
    Batch,
    Cadence,
    Delivery,
    DeliveryStatus,
    Edition,
    EditionState,
    MailingList,
    Revision,
    SentItem,
    UncertainPolicy,
)
from tests.factories import make_account, make_cadence, make_digest
from tests.integration.planned import Desk, make_desk, make_post
from tests.servers.waiting import HANG, wait_until

HOUR = dt.timedelta(hours=1)


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Desk:
    """A newsroom with one list and nobody on it yet."""
    return make_desk(database, tmp_path)


@contextmanager
def _at_the_same_time(database: Database, other: Callable[[Session], object]) -> Iterator[Session]:
    """A write scope that commits once another one, which runs `other`, has begun and has to wait for it.

    On SQLite the other has not even begun: write scopes come one after another there.
    """

    def run() -> None:
        with database.write() as session:
            other(session)

    thread = threading.Thread(target=run)
    with database.write() as session:
        yield session
        thread.start()
        if not database.is_sqlite:
            wait_until(lambda: not thread.is_alive() or _somebody_waits(database), what="the other one")
    thread.join(HANG)
    assert not thread.is_alive()


def _somebody_waits(database: Database) -> bool:
    with database.read() as session:
        waiting = sa.text(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return bool(session.scalar(waiting))


def test_two_schedulers_begin_an_edition_once(desk: Desk) -> None:
    """Whoever comes second leaves the plan alone: everybody's delivery is still there, and the revision."""
    now = clock.utc_now()
    desk.add_people(3)
    with desk.database.write() as session:
        post = make_post(session, now)
    edition_id = desk.planned(now, posts=(post,))
    started: list[int] = []

    with _at_the_same_time(desk.database, lambda other: started.append(start_due(other, now=now))) as first:
        started.append(start_due(first, now=now))

    assert sorted(started) == [0, 1]
    edition = desk.edition(edition_id)
    assert edition.state is EditionState.SENDING
    assert edition.revision_id is not None
    assert len(desk.statuses(edition_id)) == 3
    assert len(desk.batches(edition_id)) == 1


def test_two_schedulers_send_an_uncertain_person_again_once(desk: Desk) -> None:
    """The second finds nobody left: who was moved to a new batch, and may be on the wire, stays there."""
    now = clock.utc_now()
    desk.add_people(2)
    edition_id = desk.sending(now)
    with desk.database.write() as session:
        session.execute(sa.update(MailingList).values(uncertain_policy=UncertainPolicy.RESEND))
        session.execute(sa.update(Delivery).values(status=DeliveryStatus.UNCERTAIN, sent_at=now - HOUR))
        give_cases(session, edition_id)
    moved: list[int] = []

    def again(session: Session) -> None:
        moved.append(settle_by_policy(session, after=dt.timedelta(0), now=now))

    with _at_the_same_time(desk.database, again) as first:
        again(first)

    assert sorted(moved) == [0, 2]
    first_batch, second_batch = desk.batches(edition_id)
    assert first_batch.id != second_batch.id
    with desk.database.read() as session:
        assert set(session.scalars(sa.select(Delivery.batch_id))) == {second_batch.id}
        assert session.scalar(sa.select(sa.func.count()).select_from(SentItem)) == 0
        assert session.scalar(sa.select(sa.func.count()).select_from(Batch)) == 2


def test_leaves_a_cadence_that_is_being_changed_to_whoever_changes_it(desk: Desk) -> None:
    """No edition of the old schedule is made beside the new one, and no slot of the new one is lost."""
    now = clock.utc_now()
    with desk.database.write() as session:
        cadence = make_cadence(session, make_digest(session), cron="0 7 * * *", zone="UTC", slots_after=now)

    def look(session: Session) -> None:
        make_next_editions(session, now=now)

    with _at_the_same_time(desk.database, look) as session:
        set_cadence(session, session.get_one(Cadence, cadence.id), cron="30 * * * *", actor="test", now=now)

    with desk.database.read() as session:
        (due,) = session.scalars(sa.select(Edition.due_at).where(Edition.cadence_id == cadence.id))
        assert session.get_one(Cadence, cadence.id).slots_after == due
    assert due.minute == 30


def _to_approve(desk: Desk, now: dt.datetime) -> int:
    """A planned edition whose slot has come and that nobody has approved yet."""
    desk.add_people(1)
    edition_id = desk.planned(now)
    with desk.database.write() as session:
        session.execute(sa.update(Cadence).values(wants_approval=True))
        session.execute(sa.update(Revision).values(approved_at=None, approved_by=""))
    return edition_id


def _approve(session: Session, edition_id: int, now: dt.datetime) -> bool:
    account = make_account(session, role=AccountRole.APPROVER)
    edition = session.get_one(Edition, edition_id)
    fingerprint = session.get_one(Revision, edition.revision_id).fingerprint
    return approve(session, edition, account, fingerprint, now=now)


def test_two_who_approve_at_once_are_one_approval(desk: Desk) -> None:
    """The second is told that it is done."""
    now = clock.utc_now()
    edition_id = _to_approve(desk, now)
    said: list[bool] = []

    with _at_the_same_time(
        desk.database, lambda other: said.append(_approve(other, edition_id, now))
    ) as first:
        said.append(_approve(first, edition_id, now))

    assert sorted(said) == [False, True]
    with desk.database.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Approval)) == 1


@pytest.mark.parametrize("is_withdrawn_first", [True, False])
def test_an_approval_that_is_taken_back_at_the_slot(desk: Desk, *, is_withdrawn_first: bool) -> None:
    """Either it is obeyed and nothing begins, or it is refused with how to stop what has begun."""
    now = clock.utc_now()
    edition_id = _to_approve(desk, now)
    with desk.database.write() as session:
        _approve(session, edition_id, now)
    refused: list[str] = []

    def take_back(session: Session) -> None:
        try:
            withdraw(session, session.get_one(Edition, edition_id), actor="test", now=now)
        except StateError as error:
            refused.append(str(error))

    def begin(session: Session) -> None:
        start_due(session, now=now)

    first, second = (take_back, begin) if is_withdrawn_first else (begin, take_back)
    with _at_the_same_time(desk.database, second) as session:
        first(session)

    state = desk.edition(edition_id).state
    assert state is (EditionState.FROZEN if is_withdrawn_first else EditionState.SENDING)
    assert len(refused) == (not is_withdrawn_first)


def test_two_uploads_at_once_do_not_pass_the_cap(
    desk: Desk, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second is counted with the first, whoever brings it: there is no room for it any more."""
    monkeypatch.setattr(import_kept, "MOST", 1)
    kept: list[int] = []
    refused: list[InputError] = []

    def bring(session: Session, account_id: int) -> None:
        body, now = io.BytesIO(f"address\nreader{account_id}@mail.test\n".encode()), clock.utc_now()
        try:
            kept.append(
                keep_upload(
                    session,
                    body,
                    list_id=desk.mailing_list.id,
                    account_id=account_id,
                    file_name="a.csv",
                    now=now,
                )
            )
        except InputError as error:
            refused.append(error)

    with _at_the_same_time(database, lambda session: bring(session, 2)) as session:
        bring(session, 1)
    with database.read() as session:
        drafts = sa.select(sa.func.count()).where(Asset.kind == import_kept.DRAFT_KIND)
        assert (len(kept), len(refused), session.scalar(drafts)) == (1, 1, 1)
