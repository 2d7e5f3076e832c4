"""Workers and an upgrade: who refuses what, and an edition of the first release that goes on."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import sqlalchemy as sa

from digest.db import schema
from tests.integration.first_release import lay_half_sent
from tests.process.newsroom import Newsroom, newsroom
from tests.process.sends import Send
from tests.servers.waiting import HANG

pytestmark = pytest.mark.process


def _refusal(room: Newsroom, worker: subprocess.Popen[bytes]) -> str:
    """The sentence with which a worker ended instead of working."""
    assert worker.wait(HANG) == 2
    words = room.words_of(worker)
    room.running.remove(worker)
    return next(line for line in words.splitlines() if line.startswith("digest: "))


def test_an_edition_of_the_first_release_goes_on(
    postgres_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker works on its own schema only; the upgrade is one command, and what was half sent goes on.

    A worker that runs goes on while a later release adds to the schema; one that is started then refuses.
    """
    with newsroom(
        tmp_path,
        monkeypatch,
        database_url=postgres_url,
        broker_url=redis_url,
        is_migrated=False,
        tick_seconds="0.2",
    ) as room:
        half = lay_half_sent(room.database, tmp_path / "data", port=room.judge_port)
        assert _refusal(room, room.start_worker()) == (
            f"digest: The database is at 0001, this version needs {schema.head()}; run `digest db upgrade`."
        )
        room.command("db", "upgrade")
        room.start_beat()
        room.start_worker(concurrency=2)
        send = Send(room, half.edition_id, half.people)
        send.wait_for(len(half.pending))

        with room.database.write() as session:
            session.execute(sa.text("ALTER TABLE deliveries ADD COLUMN later TEXT DEFAULT '' NOT NULL"))
            session.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
        another = room.start_worker()
        assert {line["rcpt"][0] for line in send.taken()} == half.pending
        with room.database.write() as session:  # whom the mail service had asked to come later
            session.execute(sa.text("UPDATE batches SET not_before = now() WHERE closed_at IS NULL"))
        send.wait_for_the_end()
        assert _refusal(room, another) == (
            "digest: The database is at 9999, which a newer Digest made; start that version, not this one."
        )
        send.check_once_each(had_it=half.sent, uncertain=half.uncertain)
