"""The journal's disk is full after any number of bytes, or cannot be synced: a real write fails.

On PostgreSQL only: its files are another process's, so that no write fails but the journal's.
"""

from __future__ import annotations

import os
import socket
import threading
from collections import Counter
from pathlib import Path

import pytest

from digest import clock
from digest.db import Database
from digest.deliveries.recover import fold_abandoned
from digest.mail import journal_sync
from digest.mail.journal import Journal, JournalError
from digest.mail.transport import Outcome, Reply
from digest.models import DeliveryStatus
from tests.integration.disks import files_at_most
from tests.integration.planned import Desk, let_go, make_desk
from tests.servers.smtp import JudgeServer
from tests.servers.waiting import HANG

PEOPLE = 4
# Beyond whatever else this process writes while it sends.
_FILLED = 400_000
# Four intents and four outcomes, and the answers' texts.
_SEND_BYTES = 700
_STEP = 43  # shorter than any record: each is cut


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Desk:
    """A newsroom with one list and four people on it."""
    made = make_desk(database, tmp_path)
    made.add_people(PEOPLE)
    return made


def _fill(journal: Journal) -> int:
    """Records of another edition, long in the ledger; the size then."""
    reply = Reply(250, "", "ok " * 160)
    while (size := journal.path.stat().st_size) < _FILLED:
        journal.outcome(
            batch_id=1,
            edition_id=1_000_000,
            subscriber_id=1,
            attempt=0,
            at=clock.utc_now(),
            outcome=Outcome.ACCEPTED,
            transport_id=1,
            reply=reply,
        )
    return size


@pytest.mark.parametrize("kept", ["postgresql"], indirect=True)
def test_a_disk_that_is_full_after_any_number_of_bytes(desk: Desk) -> None:
    """Sending stops with one sentence, and goes on when there is room: each person once, nobody in doubt."""
    said: list[str] = []
    with JudgeServer() as judge:
        for room in range(0, _SEND_BYTES, _STEP):
            now = clock.utc_now()
            edition_id, before = desk.sending(now), len(judge.messages)
            sender = desk.sender(judge.port, now=now)
            size = _fill(sender.journal)
            try:
                with files_at_most(size + room):
                    desk.send(edition_id, sender)
            except JournalError as error:
                said.append(str(error))
            finally:
                let_go(sender)
            fold_abandoned(desk.database, host=socket.gethostname(), now=clock.utc_now())
            again = desk.sender(judge.port, now=now)
            desk.send(edition_id, again)
            let_go(again)
            taken = Counter(message.recipients[0] for message in judge.messages[before:])
            assert sorted(taken.values()) == [1] * PEOPLE, room
            assert set(desk.statuses(edition_id).values()) == {DeliveryStatus.SENT}, room
    assert all(sentence.endswith("sending must stop.") for sentence in said)
    # The last ones had room for all.
    assert _SEND_BYTES // _STEP // 2 < len(said) < _SEND_BYTES // _STEP


@pytest.mark.parametrize("kept", ["postgresql"], indirect=True)
def test_a_disk_that_cannot_be_synced_stops_the_sending(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written may be lost with the power: no dot leaves, and another journal ends the edition."""
    now = clock.utc_now()
    edition_id = desk.sending(now)
    # A pipe cannot be synced: the system says so, as of a disk that is no more.
    pipe = os.pipe()
    sync, failed = os.fdatasync, threading.Event()

    def fails(_descriptor: int) -> None:
        try:
            sync(pipe[1])
        finally:
            failed.set()

    with JudgeServer() as judge:
        sender = desk.sender(judge.port, now=now)
        monkeypatch.setattr(journal_sync, "_sync", fails)
        sender.journal.keep_synced()
        assert failed.wait(HANG)
        with pytest.raises(JournalError, match="sending must stop"):
            desk.send(edition_id, sender)
        let_go(sender)
        assert judge.messages == []
        monkeypatch.undo()
        fold_abandoned(desk.database, host=socket.gethostname(), now=clock.utc_now())
        again = desk.sender(judge.port, now=now)
        desk.send(edition_id, again)
        let_go(again)
        assert len(judge.messages) == PEOPLE
    for end in pipe:
        os.close(end)
    assert set(desk.statuses(edition_id).values()) == {DeliveryStatus.SENT}
