from __future__ import annotations

import datetime as dt
import fcntl
import os
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.errors import StateError
from digest.mail import journal_records
from digest.mail.boot import boot_id
from digest.mail.journal import (
    IntentRecord,
    Journal,
    JournalError,
    OutcomeRecord,
    Record,
    fold,
    is_abandoned,
    read,
)
from digest.mail.transport import Outcome, Reply

NOW = dt.datetime(2026, 11, 23, 5, 30, 0, 123456, tzinfo=dt.UTC)


def intent(subscriber: int = 1, *, attempt: int = 0) -> IntentRecord:
    return IntentRecord(batch_id=7, edition_id=42, subscriber_id=subscriber, attempt=attempt, at=NOW)


def outcome(
    kind: Outcome, subscriber: int = 1, *, reply: Reply | None = None, attempt: int = 0
) -> OutcomeRecord:
    return OutcomeRecord(
        batch_id=7,
        edition_id=42,
        subscriber_id=subscriber,
        attempt=attempt,
        at=NOW,
        outcome=kind,
        transport_id=3,
        reply=reply,
    )


def fields(record: Record) -> dict[str, object]:
    return {name: getattr(record, name) for name in record.__slots__}


def write(journal: Journal, record: Record) -> None:
    if isinstance(record, IntentRecord):
        journal.intent(**fields(record))
    else:
        journal.outcome(**fields(record))


RECORDS: list[Record] = [
    intent(1),
    outcome(Outcome.ACCEPTED, 1, reply=Reply(250, "2.0.0", "Ok: queued as 4F3A")),
    intent(2),
    outcome(Outcome.REFUSED, 2, reply=Reply(550, "5.1.1", "Անհայտ ասցե")),
    intent(2**63, attempt=3),
    outcome(Outcome.UNKNOWN, 2**63, attempt=3),
    intent(4),
]


def test_a_journal_reads_back_as_it_was_written(tmp_path: Path) -> None:
    """Header and records come back whole, while the writer still lives."""
    with Journal.create(tmp_path / "journals") as journal:
        for record in RECORDS:
            write(journal, record)
        journal.keep_synced()
        contents = read(journal.path)
    assert contents.records == tuple(RECORDS)
    assert not contents.torn
    assert contents.header.pid == os.getpid()
    assert contents.header.host == socket.gethostname()
    assert contents.header.boot_id == boot_id()
    assert journal.path.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in (tmp_path / "journals").iterdir()] == [journal.path.name]


@pytest.mark.parametrize("kind", list(Outcome))
def test_every_outcome_can_be_recorded(tmp_path: Path, kind: Outcome) -> None:
    """Each outcome there is survives the way through the file; a long reply is cut."""
    with Journal.create(tmp_path) as journal:
        write(journal, outcome(kind, reply=Reply(250, "2.0.0", "ж" * 600)))
        (record,) = read(journal.path).records
    assert isinstance(record, OutcomeRecord)
    assert record.outcome is kind
    assert record.reply == Reply(250, "2.0.0", "ж" * 250)


def test_each_record_is_in_the_file_at_once(tmp_path: Path) -> None:
    """Nothing is kept back in the process: a reader sees a record as soon as the call returns."""
    with Journal.create(tmp_path) as journal:
        for number, record in enumerate(RECORDS, 1):
            write(journal, record)
            assert len(read(journal.path).records) == number


def test_a_tail_torn_at_any_place_is_left_out(tmp_path: Path) -> None:
    """Cut at every byte: the whole records before the cut are there, and `torn` says if there was more."""
    with Journal.create(tmp_path) as journal:
        ends = [journal.path.stat().st_size]
        for record in RECORDS:
            write(journal, record)
            ends.append(journal.path.stat().st_size)
    data = journal.path.read_bytes()
    for cut in range(len(data) + 1):
        journal.path.write_bytes(data[:cut])
        if cut < ends[0]:
            with pytest.raises(JournalError):
                read(journal.path)
            continue
        contents = read(journal.path)
        whole = sum(end <= cut for end in ends) - 1
        assert contents.records == tuple(RECORDS[:whole])
        assert contents.torn == (cut not in ends)


def test_a_changed_byte_ends_the_reading(tmp_path: Path) -> None:
    """Each flipped byte behind the header is noticed, and no record after it is believed."""
    with Journal.create(tmp_path) as journal:
        start = journal.path.stat().st_size
        for record in RECORDS:
            write(journal, record)
    data = journal.path.read_bytes()
    for place in range(start, len(data)):
        changed = bytearray(data)
        changed[place] ^= 0x10
        journal.path.write_bytes(changed)
        contents = read(journal.path)
        assert contents.torn
        assert contents.records == tuple(RECORDS[: len(contents.records)])


def test_a_record_of_an_unknown_kind_ends_the_reading(tmp_path: Path) -> None:
    """A later version's record is not guessed at."""
    with Journal.create(tmp_path) as journal:
        write(journal, RECORDS[0])
    body = b"Z" + journal_records.record_bytes(intent())[9:]
    with journal.path.open("ab") as file:
        file.write(journal_records._framed(body))
    contents = read(journal.path)
    assert contents.torn
    assert contents.records == (RECORDS[0],)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_journal_or_our_error(data: bytes) -> None:
    """Whatever lies in the file, nothing else is raised."""
    for start in (b"", journal_records.MAGIC, journal_records.MAGIC + journal_records._framed(data)):
        with pytest.raises(ValueError):
            journal_records.parse_journal(start + data)


def test_a_missing_journal_is_our_error(tmp_path: Path) -> None:
    """A file that went away is said so by its name."""
    with pytest.raises(JournalError, match=r"x\.journal"):
        read(tmp_path / "x.journal")
    with pytest.raises(JournalError, match=r"x\.journal"):
        is_abandoned(tmp_path / "x.journal")


def test_a_journal_is_held_while_it_is_open(tmp_path: Path) -> None:
    """Others see that it is in use; once closed it is abandoned, and asking twice changes nothing."""
    with Journal.create(tmp_path) as journal:
        assert not is_abandoned(journal.path)
        assert not is_abandoned(journal.path)
    assert is_abandoned(journal.path)
    with journal.path.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_SH)
        assert is_abandoned(journal.path)


def test_a_killed_writer_leaves_its_records_and_no_lock(tmp_path: Path) -> None:
    """SIGKILL right after the write: the record is there and the journal is free."""
    program = textwrap.dedent("""
        import datetime as dt, os, pathlib, signal, sys
        from digest.mail.journal import Journal
        journal = Journal.create(pathlib.Path(sys.argv[1]))
        journal.intent(batch_id=1, edition_id=2, subscriber_id=3, attempt=0, at=dt.datetime.now(dt.UTC))
        os.kill(os.getpid(), signal.SIGKILL)
    """)
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False)
    assert done.returncode == -9
    (path,) = tmp_path.iterdir()
    assert is_abandoned(path)
    (record,) = read(path).records
    assert (record.edition_id, record.subscriber_id) == (2, 3)


def test_a_forked_child_cannot_write_its_parents_journal(tmp_path: Path) -> None:
    """Two processes never share one journal."""
    program = textwrap.dedent("""
        import datetime as dt, os, pathlib, sys
        from digest.mail.journal import Journal, JournalError
        journal = Journal.create(pathlib.Path(sys.argv[1]))
        now = dt.datetime.now(dt.UTC)
        if os.fork() == 0:
            try:
                journal.intent(batch_id=1, edition_id=2, subscriber_id=3, attempt=0, at=now)
            except JournalError:
                os._exit(7)
            os._exit(0)
        sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))
    """)
    assert subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False).returncode == 7


def test_no_room_stops_the_writing_for_good(tmp_path: Path) -> None:
    """A record that does not fit is an error, so is every later one; what was whole is read back."""
    program = textwrap.dedent("""
        import datetime as dt, pathlib, resource, sys
        from digest.mail.journal import Journal, JournalError
        journal = Journal.create(pathlib.Path(sys.argv[1]))
        size = journal.path.stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 120, size + 120))
        now, errors = dt.datetime.now(dt.UTC), 0
        for subscriber in range(6):
            try:
                journal.intent(batch_id=1, edition_id=2, subscriber_id=subscriber, attempt=0, at=now)
            except JournalError as error:
                assert "sending must stop" in str(error), error
                errors += 1
        sys.exit(errors)
    """)
    assert subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False).returncode == 4
    (path,) = tmp_path.iterdir()
    contents = read(path)
    assert [record.subscriber_id for record in contents.records] == [0, 1]
    assert contents.torn


def test_a_full_disk_lets_no_journal_begin(tmp_path: Path) -> None:
    """If not even the header fits there is no journal, no leftover, and a clear error."""
    program = textwrap.dedent("""
        import pathlib, resource, sys
        from digest.mail.journal import Journal, JournalError
        resource.setrlimit(resource.RLIMIT_FSIZE, (20, 20))
        try:
            Journal.create(pathlib.Path(sys.argv[1]))
        except JournalError as error:
            assert "sending must stop" in str(error), error
            sys.exit(7)
    """)
    assert subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False).returncode == 7
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_our_error(tmp_path: Path) -> None:
    """A folder that is none says so, without a traceback of the system's."""
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match="sending must stop"):
        Journal.create(tmp_path / "file")
    with pytest.raises(JournalError, match="sending must stop"):
        Journal.create(tmp_path / "file" / "journals")


def test_a_closed_journal_takes_nothing(tmp_path: Path) -> None:
    """Closing twice is fine; writing afterwards is not."""
    journal = Journal.create(tmp_path)
    journal.close()
    journal.close()
    with pytest.raises(JournalError):
        write(journal, intent())
    with pytest.raises(JournalError):
        journal.keep_synced()


def test_a_moment_without_a_zone_is_refused(tmp_path: Path) -> None:
    """Local times do not get into the journal."""
    with Journal.create(tmp_path) as journal, pytest.raises(StateError, match="zone"):
        journal.intent(batch_id=1, edition_id=2, subscriber_id=3, attempt=0, at=dt.datetime(2026, 1, 1))  # noqa: DTZ001


def test_two_journals_of_one_process_do_not_meet(tmp_path: Path) -> None:
    """Names are never used twice."""
    with Journal.create(tmp_path) as one, Journal.create(tmp_path) as two:
        assert one.path != two.path


def test_the_boot_id_stays_the_same() -> None:
    """It is not empty and does not change while the machine runs."""
    assert boot_id()
    boot_id.cache_clear()
    assert boot_id() == boot_id()


ACCEPTED, UNKNOWN, UNSENT, DEFERRED = (
    outcome(kind) for kind in (Outcome.ACCEPTED, Outcome.UNKNOWN, Outcome.UNSENT, Outcome.DEFERRED)
)


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([intent()], intent()),
        ([intent(), ACCEPTED], ACCEPTED),
        ([UNSENT, intent()], intent()),
        ([intent(), UNSENT, intent(), ACCEPTED], ACCEPTED),
        ([intent(), ACCEPTED, intent()], ACCEPTED),
        ([intent(), ACCEPTED, UNSENT], ACCEPTED),
        ([intent(), UNKNOWN, UNSENT], UNKNOWN),
        ([intent(), UNKNOWN, intent()], UNKNOWN),
        ([intent(), UNKNOWN, ACCEPTED], ACCEPTED),
        ([intent(), DEFERRED], DEFERRED),
    ],
)
def test_fold_keeps_what_may_have_been_taken(records: list[Record], expected: Record) -> None:
    """The last record counts, but nothing takes back a yes or a doubt."""
    assert dict(fold(records)) == {(42, 1, 0): expected}


def test_fold_keeps_people_and_attempts_apart() -> None:
    """Each delivery and each attempt at it has a fate of its own."""
    records = [intent(1), intent(2), outcome(Outcome.DEFERRED, 1), intent(1, attempt=1)]
    assert dict(fold(records)) == {
        (42, 1, 0): outcome(Outcome.DEFERRED, 1),
        (42, 2, 0): intent(2),
        (42, 1, 1): intent(1, attempt=1),
    }
