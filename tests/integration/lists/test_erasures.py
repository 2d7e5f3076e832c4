"""The list of the erased outlives the database: a restored backup brings nobody back."""

from __future__ import annotations

import datetime as dt
import io
import json
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.db import Database
from digest.errors import InputError
from digest.lists import consent
from digest.lists.erase import erase_subscriber
from digest.lists.erasures import FILE_NAME, Erasure, erase_again, erasures, keep_outside, read_list
from digest.lists.former import note_change
from digest.lists.import_order import ImportOrder
from digest.lists.import_run import import_subscribers
from digest.lists.status import Origin
from digest.models import AuditEntry, MailingList, Subscriber
from digest.tasks import work
from digest.tasks.runtime import close_runtime
from tests.factories import make_cadence, make_digest, make_list, make_subscriber, make_subscription
from tests.factories.audience import ADDRESS_KEY
from tests.factories.moments import NOW
from tests.integration.lists.test_change_address import hash_of

HOUR = dt.timedelta(hours=1)


@pytest.fixture
def list_id(database: Database) -> int:
    with database.write() as session:
        digest = make_digest(session)
        make_cadence(session, digest)
        return make_list(session, digest).id


def reader(session: Session, list_id: int, address: str) -> Subscriber:
    return session.get_one(
        Subscriber,
        make_subscription(
            session, session.get_one(MailingList, list_id), make_subscriber(session, address)
        ).subscriber_id,
    )


def erase(session: Session, person: Subscriber, now: dt.datetime = NOW + HOUR) -> None:
    assert erase_subscriber(session, person, source=Origin.PREFERENCES, now=now)


def added(database: Database, list_id: int, address: str) -> int:
    """How many people an import of this address adds."""
    order = ImportOrder(list_id, "moved", "cli:test", ADDRESS_KEY)
    return import_subscribers(database, io.BytesIO(f"email\n{address}\n".encode()), order, now=NOW).added


def again(database: Database, *found: Erasure) -> list[str]:
    with database.write() as session:
        return [erase_again(session, one, actor="cli:test", now=NOW + 9 * HOUR).value for one in found]


def test_the_list_names_nobody(database: Database, list_id: int, tmp_path: Path) -> None:
    """Numbers, keyed hashes, also of former addresses, and moments; nothing else, readable by us alone."""
    with database.write() as session:
        person = reader(session, list_id, "zorba@mail.test")
        note_change(session, person.id, before=hash_of("a@mail.test"), after=person.address_hash, now=NOW)
        erase(session, person)
    path = tmp_path / "erased.jsonl"
    assert keep_outside(database, path, now=NOW) == 1
    (line,) = path.read_text().splitlines()
    assert json.loads(line) == {
        "subscriber": person.id,
        "hashes": [hash_of("zorba@mail.test"), hash_of("a@mail.test")],
        "erased_at": (NOW + HOUR).isoformat(),
    }
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_file_gets_each_erasure_once(database: Database, list_id: int, tmp_path: Path) -> None:
    """Looked at again and again, by two machines, after a cut line: each file has every erasure, once."""
    one, other = tmp_path / "one" / "erased.jsonl", tmp_path / "other.jsonl"
    assert keep_outside(database, one, now=NOW) == 0
    for number in range(3):
        with database.write() as session:
            person = reader(session, list_id, f"reader{number}@mail.test")
            erase(session, person, NOW + number * HOUR)
        assert keep_outside(database, one, now=NOW) == 1
        assert keep_outside(database, one, now=NOW) == 0
        if number == 1:
            with one.open("ab") as file:
                file.write(b'{"subscriber": 7, "ha')
    assert keep_outside(database, other, now=NOW) == 3
    lines = other.read_bytes().splitlines()
    whole = [line for line in one.read_bytes().splitlines() if line.endswith(b"}")]
    assert whole == lines
    assert read_list(lines + whole) == read_list(lines)
    with database.read() as session:
        assert erasures(session) == read_list(lines)
        assert [found.erased_at for found in erasures(session, since=NOW + HOUR)] == [
            NOW + HOUR,
            NOW + 2 * HOUR,
        ]


def test_an_installation_without_erasures_does_not_look_at_all_people(
    database: Database, list_id: int, tmp_path: Path
) -> None:
    """The first look finds nobody; from then on only the audit of since then is read."""
    path = tmp_path / "erased.jsonl"
    keep_outside(database, path, now=NOW)
    statements: list[str] = []

    def _note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    sa.event.listen(database.engine, "before_cursor_execute", _note)
    try:
        keep_outside(database, path, now=NOW)
    finally:
        sa.event.remove(database.engine, "before_cursor_execute", _note)
    assert all("audit" in statement for statement in statements if "subscribers" in statement)
    with database.write() as session:
        erase(session, reader(session, list_id, "ani@mail.test"))
    assert keep_outside(database, path, now=NOW) == 1


def test_each_tick_of_a_worker_keeps_the_list(
    database: Database, database_url: str, list_id: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file lies beside the journals, on a disk that a restore of the database does not touch."""
    with database.write() as session:
        erase(session, reader(session, list_id, "ani@mail.test"))
    settings = {"DATA_DIR": tmp_path, "DATABASE_URL": database_url, "JOURNAL_DIR": tmp_path / "journals"}
    for name, value in settings.items():
        monkeypatch.setenv(f"DIGEST_{name}", str(value))
    try:
        work.run_tick()
        work.run_tick()
    finally:
        close_runtime()
    assert len((tmp_path / "journals" / FILE_NAME).read_text().splitlines()) == 1


def test_whom_a_backup_brought_back_is_erased_again(database: Database, list_id: int) -> None:
    """Also at the address of before, if the backup is older than the move. Twice does nothing more."""
    with database.write() as session:
        moved, plain = (reader(session, list_id, f"{name}@mail.test") for name in ("old", "plain"))
        keeper = reader(session, list_id, "keeper@mail.test")
        found = [
            Erasure(moved.id, (hash_of("new@mail.test"), hash_of("old@mail.test")), NOW + HOUR),
            Erasure(plain.id, (hash_of("plain@mail.test"),), NOW + HOUR),
        ]
    assert again(database, *found) == ["erased", "erased"]
    assert again(database, *found) == ["known", "known"]
    with database.read() as session:
        rows = session.scalars(sa.select(Subscriber).order_by(Subscriber.id)).all()
        assert [row.address for row in rows] == [None, None, "keeper@mail.test"]
        assert session.get_one(Subscriber, keeper.id).erased_at is None
        assert [bad for _, each in consent.verify_all(session) for bad in each] == []
        actors = session.scalars(sa.select(AuditEntry.actor).where(AuditEntry.action == "subscriber.erase"))
        assert actors.all() == ["cli:test", "cli:test"]
    for address in ("old@mail.test", "new@mail.test", "plain@mail.test"):
        assert added(database, list_id, address) == 0


def test_whom_the_backup_never_had_is_remembered(database: Database, list_id: int) -> None:
    """Signed up and erased after the backup: an import goes on leaving them alone, by both addresses."""
    found = Erasure(4711, (hash_of("new@mail.test"), hash_of("old@mail.test")), NOW + HOUR)
    assert again(database, found) == ["remembered"]
    assert again(database, found) == ["known"]
    for address in ("old@mail.test", "new@mail.test"):
        assert added(database, list_id, address) == 0
    with database.read() as session:
        (gone,) = session.scalars(sa.select(Subscriber))
        assert (gone.address, gone.erased_at) == (None, NOW + HOUR)


def test_nobody_else_is_erased_again(database: Database, list_id: int) -> None:
    """A number given anew, an address that is another's, one who signed up after the erasure: all stay."""
    with database.write() as session:
        same_number = reader(session, list_id, "a@mail.test")
        same_address = reader(session, list_id, "b@mail.test")
        anew = reader(session, list_id, "c@mail.test")
        anew.created_at = NOW + 2 * HOUR
        found = [
            Erasure(same_number.id, (hash_of("x@mail.test"),), NOW + HOUR),
            Erasure(4711, (hash_of("b@mail.test"),), NOW + HOUR),
            Erasure(anew.id, (hash_of("c@mail.test"),), NOW + HOUR),
        ]
    assert again(database, *found) == ["remembered", "known", "known"]
    with database.read() as session:
        for person in (same_number, same_address, anew):
            assert session.get_one(Subscriber, person.id).address is not None


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b"[]",
        b'{"subscriber": 1, "hashes": [], "erased_at": "2026-11-23T13:30:00+00:00"}',
        b'{"subscriber": 1, "hashes": ["short"], "erased_at": "2026-11-23T13:30:00+00:00"}',
        b'{"subscriber": 1, "hashes": ["' + b"0" * 64 + b'"], "erased_at": "2026-11-23T13:30:00"}',
        b'{"subscriber": "x", "hashes": ["' + b"0" * 64 + b'"], "erased_at": "2026-11-23T13:30:00+00:00"}',
        b"\xff\xfe",
    ],
)
def test_what_is_no_erasure_is_named_by_its_line(line: bytes) -> None:
    """Nothing is guessed: the file may be another one."""
    good = Erasure(1, ("0" * 64,), NOW).as_line().encode()
    with pytest.raises(InputError, match="Line 3 is no erasure"):
        read_list([good, b"", line])
