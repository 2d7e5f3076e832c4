"""An import whose process is killed, on both databases, with real processes."""

from __future__ import annotations

import io
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from digest.db import Database
from digest.lists import assets, consent, import_lines, import_run
from digest.lists.import_order import ImportOrder
from digest.models import ConsentEvent, Import, ImportState, Subscriber, Subscription
from tests.factories import make_cadence, make_digest, make_list
from tests.factories.audience import ADDRESS_KEY
from tests.factories.moments import NOW
from tests.servers.waiting import wait_until

pytestmark = pytest.mark.process


def _content(many: int) -> bytes:
    lines = ["email,name"]
    for number in range(many):
        if number % 100 == 7:
            lines.append("no address,x")
        elif number % 50 == 3:
            lines.append(f"R{number - 3}@example.org,again")
        else:
            lines.append(f"r{number}@example.org,Reader {number}")
    return "\n".join(lines).encode()


@dataclass(frozen=True, slots=True)
class Process:
    """An import by processes, one after the other; the file has `many` lines, a batch `batch_lines`."""

    url: str
    path: Path
    list_id: int
    many: int
    batch_lines: int

    def start(self, import_id: int, *, whole: int = 0) -> subprocess.Popen[bytes]:
        """Begin (with 0) or go on; to the end, or into the batch after so many."""
        words = [sys.executable, "-m", "tests.integration.lists.importing", self.url, str(self.path)]
        numbers = (self.list_id, import_id, self.batch_lines, whole)
        with self.path.with_name("errors").open("wb") as stderr:
            return subprocess.Popen([*words, *map(str, numbers)], stderr=stderr)

    @property
    def said(self) -> str:
        return self.path.with_name("errors").read_text()[-3000:]

    def killed_half_way(self, import_id: int) -> None:
        """It writes two batches, and is killed in the middle of the third."""
        half_way = self.path.with_name("half-way")
        half_way.unlink(missing_ok=True)
        child = self.start(import_id, whole=2)
        try:
            wait_until(
                lambda: half_way.exists() or child.poll() is not None, seconds=180, what="the third batch"
            )
            assert child.poll() is None, (child.returncode, self.said)
        finally:
            child.kill()
            child.wait()


def test_kill_in_mid_import_and_resume_gives_the_same_rows(
    database: Database, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed and resumed: everybody once, with one proof each, and the counts of an unbroken import."""
    process = _made(database, database_url, tmp_path, many=1_700, batch_lines=200)
    _goes_on_after(1, database, process, monkeypatch)


@pytest.mark.slow  # the run has a fifth of the lines, and one kill
def test_killed_again_and_again_it_gives_the_same_rows(
    database: Database, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same after three kills, of larger batches."""
    process = _made(database, database_url, tmp_path, many=13_500, batch_lines=1000)
    _goes_on_after(3, database, process, monkeypatch)


def _made(database: Database, url: str, folder: Path, *, many: int, batch_lines: int) -> Process:
    """The list and the file; its lines are not a whole number of batches."""
    path = folder / "people.csv"
    path.write_bytes(_content(many))
    with database.write() as session:
        digest = make_digest(session)
        make_cadence(session, digest)
        return Process(url, path, make_list(session, digest).id, many, batch_lines)


def _goes_on_after(kills: int, database: Database, process: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    content = process.path.read_bytes()
    order = ImportOrder(process.list_id, "moved", "cli:test", ADDRESS_KEY, file_name="people.csv")
    pieces: list[bytes] = []
    # A report is written batch by batch.
    monkeypatch.setattr(import_run, "BATCH_LINES", process.batch_lines)
    wanted = import_run.import_subscribers(
        database,
        io.BytesIO(content),
        replace(order, is_dry_run=True),
        now=NOW,
        sink=pieces.append,
    )
    import_id = 0
    for done in range(1, kills + 1):
        process.killed_half_way(import_id)
        with database.read() as session:
            row = session.scalars(sa.select(Import)).one()
            assert row.position == done * 2 * process.batch_lines
            import_id = row.id
    assert process.start(import_id).wait(180) == 0, process.said
    with database.read() as session:
        row = session.scalars(sa.select(Import)).one()
        assert (row.state, row.position) == (ImportState.DONE, process.many)
        counts = ("lines", "added", "repeated", "bad", "known")
        assert {name: row.counts.get(name, 0) for name in counts} == {
            name: getattr(wanted, name) for name in counts
        }
        people = set(session.execute(sa.select(Subscriber.address, Subscriber.name)).all())
        assert {tuple(one) for one in people} == {
            tuple(line.split(",")) for line in content.decode().splitlines()[1:] if line.startswith("r")
        }
        for model in (Subscription, ConsentEvent):
            assert session.scalar(sa.select(sa.func.count()).select_from(model)) == wanted.added
        assert all(not found for _, found in consent.verify_all(session))
        assert row.report_id is not None
        kept = b"".join(assets.chunks(session, row.report_id))
    assert kept == b"".join(pieces)
    assert kept.startswith(import_lines.HEADING)
