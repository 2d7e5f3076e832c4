"""An import whose process is killed, on both databases, with real processes."""

from __future__ import annotations

import io
import subprocess
import sys
import time
from dataclasses import replace
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
from tests.integration.lists.importing import BATCH_LINES

pytestmark = pytest.mark.process

LINES = 8_500  # not a whole number of batches


def _content() -> bytes:
    lines = ["email,name"]
    for number in range(LINES):
        if number % 1000 == 7:
            lines.append("no address,x")
        elif number % 500 == 3:
            lines.append(f"R{number - 3}@example.org,again")
        else:
            lines.append(f"r{number}@example.org,Reader {number}")
    return "\n".join(lines).encode()


def _start(url: str, path: Path, numbers: tuple[int, int], end: str, errors: Path) -> subprocess.Popen[bytes]:
    """Begin or go on, up to an end; `numbers` are the list's and the import's, 0 for a new one."""
    words = [sys.executable, "-m", "tests.integration.lists.importing", url, str(path)]
    with errors.open("wb") as stderr:
        return subprocess.Popen([*words, *map(str, numbers), end], stderr=stderr)


def _killed_after_a_batch(database: Database, child: subprocess.Popen[bytes], errors: Path) -> None:
    """Wait until the process has written at least one more batch, and kill it in the middle of the next."""
    before = _position(database)
    try:
        until = time.monotonic() + 180
        while _position(database) <= before and child.poll() is None and time.monotonic() < until:
            time.sleep(0.005)
        assert child.poll() is None, (child.returncode, errors.read_text()[-3000:])
    finally:
        child.kill()
        child.wait()
    assert before < _position(database) < LINES


def _position(database: Database) -> int:
    with database.read() as session:
        return session.scalar(sa.select(sa.func.max(Import.position))) or 0


def test_kill_in_mid_import_and_resume_gives_the_same_rows(
    database: Database, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed twice and resumed: everybody once, with one proof each, and the counts of an unbroken import."""
    content = _content()
    path = tmp_path / "people.csv"
    path.write_bytes(content)
    with database.write() as session:
        digest = make_digest(session)
        make_cadence(session, digest)
        list_id = make_list(session, digest).id
    order = ImportOrder(list_id, "moved", "cli:test", ADDRESS_KEY, file_name="people.csv")
    pieces: list[bytes] = []
    monkeypatch.setattr(import_run, "BATCH_LINES", BATCH_LINES)  # a report is written batch by batch
    wanted = import_run.import_subscribers(
        database,
        io.BytesIO(content),
        replace(order, is_dry_run=True),
        now=NOW,
        sink=pieces.append,
    )
    import_id = 0
    errors = tmp_path / "errors"
    for _ in range(2):
        child = _start(database_url, path, (list_id, import_id), "before the last lines", errors)
        _killed_after_a_batch(database, child, errors)
        with database.read() as session:
            import_id = session.scalars(sa.select(Import.id)).one()
    child = _start(database_url, path, (list_id, import_id), "the end", errors)
    assert child.wait(180) == 0, errors.read_text()[-3000:]
    with database.read() as session:
        row = session.scalars(sa.select(Import)).one()
        assert (row.state, row.position) == (ImportState.DONE, LINES)
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
