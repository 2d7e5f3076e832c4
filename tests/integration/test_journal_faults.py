"""Journals that are large, damaged, out of reach or another machine's."""

from __future__ import annotations

import datetime as dt
import socket
from pathlib import Path

import pytest
import sqlalchemy as sa

from digest import clock
from digest.db import Database
from digest.deliveries.handover import go_on
from digest.deliveries.journals import retire_journal
from digest.deliveries.recover import fold_abandoned, release_orphans
from digest.mail.journal import is_abandoned
from digest.mail.transport import Outcome, Reply
from digest.models import (
    Batch,
    DeliveryStatus,
    EditionState,
    Journal,
)
from tests.integration.planned import Desk, let_go, make_desk

HOUR = dt.timedelta(hours=1)


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Desk:
    """A newsroom with one list and nobody on it yet."""
    return make_desk(database, tmp_path)


def _claimed(desk: Desk, batch_id: int, journal_id: int, *, until: dt.datetime) -> None:
    """As a worker leaves a batch behind that ended in the middle of it."""
    with desk.database.write() as session:
        session.execute(
            sa.update(Batch)
            .where(Batch.id == batch_id)
            .values(journal_id=journal_id, leased_until=until, lease=1)
        )


def _set_journal(desk: Desk, journal_id: int, **values: object) -> None:
    with desk.database.write() as session:
        session.execute(sa.update(Journal).where(Journal.id == journal_id).values(**values))


# PostgreSQL takes 65,535 values, SQLite as it is built for Debian and for Python takes more.
@pytest.mark.parametrize(
    "kept", [pytest.param("sqlite", marks=pytest.mark.slow), "postgresql"], indirect=True
)
def test_folds_a_journal_of_more_outcomes_than_a_statement_takes(desk: Desk) -> None:
    """A worker that died late in a large edition does not stop the newsroom with its 66,000 outcomes."""
    now = clock.utc_now()
    (person,) = desk.add_people(1)
    edition_id = desk.sending(now)
    (batch,) = desk.batches(edition_id)
    sender = desk.sender(25, now=now)
    _claimed(desk, batch.id, sender.journal_id, until=now)
    for subscriber_id in (*range(1_000_000, 1_066_000), person):
        sender.journal.outcome(
            batch_id=batch.id,
            edition_id=edition_id,
            subscriber_id=subscriber_id,
            attempt=0,
            at=now,
            outcome=Outcome.ACCEPTED,
            transport_id=1,
            reply=Reply(250, "", f"queued as {subscriber_id}"),
        )
    let_go(sender)

    assert fold_abandoned(desk.database, host=socket.gethostname(), now=now) == 1

    assert set(desk.statuses(edition_id).values()) == {DeliveryStatus.SENT}
    assert desk.batches(edition_id)[0].closed_at is not None


def test_folds_the_other_journals_where_one_cannot_be_read(desk: Desk) -> None:
    """A folder that stands where a journal should be costs its own batches their time, nobody else's."""
    now = clock.utc_now()
    desk.add_people(1)
    bad, good = desk.sender(25, now=now), desk.sender(25, now=now)
    edition_id = desk.sending(now)
    (batch,) = desk.batches(edition_id)
    _set_journal(desk, bad.journal_id, path=str(desk.folder))
    _claimed(desk, batch.id, good.journal_id, until=now)
    let_go(bad)
    let_go(good)

    assert fold_abandoned(desk.database, host=socket.gethostname(), now=now) == 1

    assert desk.batches(edition_id)[0].journal_id is None
    assert desk.journal(bad.journal_id).folded_at is None


def test_folds_a_journal_of_this_machine_under_another_name(desk: Desk) -> None:
    """A laptop with a new name, a container made anew: the boot says that it is the same machine."""
    now = clock.utc_now()
    desk.add_people(1)
    edition_id = desk.sending(now)
    (batch,) = desk.batches(edition_id)
    sender = desk.sender(25, now=now)
    _claimed(desk, batch.id, sender.journal_id, until=now)
    let_go(sender)

    assert fold_abandoned(desk.database, host="renamed", now=now) == 1

    assert desk.batches(edition_id)[0].journal_id is None
    assert set(desk.statuses(edition_id).values()) == {DeliveryStatus.PENDING}


def test_gives_up_the_batch_of_a_host_that_stays_gone(desk: Desk) -> None:
    """An hour after its lease ended the people of it become uncertain and the edition ends; not before."""
    now = clock.utc_now()
    desk.add_people(2)
    edition_id = desk.sending(now)
    (batch,) = desk.batches(edition_id)
    sender = desk.sender(25, now=now)
    _claimed(desk, batch.id, sender.journal_id, until=now)
    sender.journal.path.unlink()
    _set_journal(desk, sender.journal_id, host="gone", boot_id="another")
    here = socket.gethostname()

    fold_abandoned(desk.database, host=here, now=now + dt.timedelta(minutes=59))
    assert set(desk.statuses(edition_id).values()) == {DeliveryStatus.PENDING}
    fold_abandoned(desk.database, host=here, now=now + dt.timedelta(minutes=61))
    with desk.database.write() as session:
        go_on(session, now=clock.utc_now())

    assert set(desk.statuses(edition_id).values()) == {DeliveryStatus.UNCERTAIN}
    assert desk.edition(edition_id).state is EditionState.SENT
    # Should the host come back, it folds its journal.
    assert desk.journal(sender.journal_id).folded_at is None
    let_go(sender)


def test_waits_for_a_machine_of_the_same_name(desk: Desk) -> None:
    """A journal that is not on this disk may be held on another machine that is called the same."""
    now = clock.utc_now()
    desk.add_people(1)
    edition_id = desk.sending(now)
    (batch,) = desk.batches(edition_id)
    sender = desk.sender(25, now=now)
    _claimed(desk, batch.id, sender.journal_id, until=now + HOUR)
    sender.journal.path.unlink()
    _set_journal(desk, sender.journal_id, boot_id="another")

    assert fold_abandoned(desk.database, host=socket.gethostname(), now=now) == 0

    assert set(desk.statuses(edition_id).values()) == {DeliveryStatus.PENDING}
    assert desk.batches(edition_id)[0].journal_id == sender.journal_id
    let_go(sender)


def test_lets_go_of_a_batch_that_names_a_folded_journal(desk: Desk) -> None:
    """A claim that was committed after its journal was folded does not keep its people for ever."""
    now = clock.utc_now()
    desk.add_people(1)
    edition_id = desk.sending(now)
    (batch,) = desk.batches(edition_id)
    folded, held = desk.sender(25, now=now), desk.sender(25, now=now)
    _set_journal(desk, folded.journal_id, folded_at=now)
    _claimed(desk, batch.id, folded.journal_id, until=now)
    with desk.database.write() as session:
        assert release_orphans(session) == 1
    assert desk.batches(edition_id)[0].journal_id is None

    _claimed(desk, batch.id, held.journal_id, until=now)
    with desk.database.write() as session:
        assert release_orphans(session) == 0
    let_go(folded)
    let_go(held)


def test_writes_off_what_stood_behind_a_damaged_record(desk: Desk) -> None:
    """A record that was changed on the disk hides those after it: nobody of the batch is mailed again."""
    now = clock.utc_now()
    people = desk.add_people(3)
    edition_id = desk.sending(now)
    (batch,) = desk.batches(edition_id)
    sender = desk.sender(25, now=now)
    _claimed(desk, batch.id, sender.journal_id, until=now)
    start = sender.journal.path.stat().st_size
    for person in people:
        sender.journal.intent(
            batch_id=batch.id, edition_id=edition_id, subscriber_id=person, attempt=0, at=now
        )
    let_go(sender)
    data = bytearray(sender.journal.path.read_bytes())
    data[start + 12] ^= 1
    sender.journal.path.write_bytes(data)

    fold_abandoned(desk.database, host=socket.gethostname(), now=now)

    assert set(desk.statuses(edition_id).values()) == {DeliveryStatus.UNCERTAIN}


def test_leaves_those_pending_whose_record_was_cut_short(desk: Desk) -> None:
    """A full disk cuts the last record, and its dot never left: they are mailed once there is room."""
    now = clock.utc_now()
    people = desk.add_people(2)
    edition_id = desk.sending(now)
    (batch,) = desk.batches(edition_id)
    sender = desk.sender(25, now=now)
    _claimed(desk, batch.id, sender.journal_id, until=now)
    for person in people:
        sender.journal.intent(
            batch_id=batch.id, edition_id=edition_id, subscriber_id=person, attempt=0, at=now
        )
    let_go(sender)
    sender.journal.path.write_bytes(sender.journal.path.read_bytes()[:-5])

    fold_abandoned(desk.database, host=socket.gethostname(), now=now)

    assert sorted(desk.statuses(edition_id).values()) == [DeliveryStatus.PENDING, DeliveryStatus.UNCERTAIN]


def test_keeps_no_lock_on_a_journal_that_could_not_be_begun_or_ended(desk: Desk) -> None:
    """The database fails while a journal begins or ends: the file is free to be folded, or gone."""
    now = clock.utc_now()
    sender = desk.sender(25, now=now)
    with desk.database.write() as session:
        session.execute(sa.text("ALTER TABLE journals RENAME TO journals_gone"))
    try:
        with pytest.raises(sa.exc.DBAPIError):
            desk.sender(25, now=now)
        with pytest.raises(sa.exc.DBAPIError):
            retire_journal(desk.database, sender.journal, sender.journal_id, now=now)
    finally:
        with desk.database.write() as session:
            session.execute(sa.text("ALTER TABLE journals_gone RENAME TO journals"))
    assert list((desk.folder / "journals").iterdir()) == [sender.journal.path]
    assert is_abandoned(sender.journal.path)
