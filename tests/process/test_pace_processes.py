"""Four workers that share one pace through the database keep it by the mail server's record."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.process.newsroom import newsroom
from tests.process.sends import begin, prepare
from tests.servers.redis import private

pytestmark = [pytest.mark.process, pytest.mark.waits, pytest.mark.slow]

PACE = 40  # mails a second
WINDOW = 15  # seconds, each of the two
FIRST = 3 * PACE  # mails that are not measured: the first seconds
PEOPLE = 2_500  # five batches: there is one for each worker


def test_four_workers_keep_one_pace(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Never above the set pace over fifteen seconds, and over fifteen after a FLUSHALL; and not far below.

    How near they come is for a machine without other work, and for a clock that a test sets.
    """
    with (
        private(tmp_path / "redis") as broker,
        newsroom(tmp_path, monkeypatch, database_url=postgres_url, broker_url=broker.url) as room,
    ):
        room.start_beat()
        for _ in range(4):
            room.start_worker()
        people = prepare(room, people=PEOPLE, connections=2)
        room.wait_for_workers()
        room.command("transport", "set", "judge", "--per-second", str(PACE))
        send = begin(room, people)
        half = FIRST + PACE * WINDOW
        end = half + PACE * WINDOW
        send.wait_for(half)
        broker.forget()
        send.wait_for(end)
        send.cancel()
        send.check_pace(PACE)
        assert min(send.rate(FIRST, half), send.rate(half, end)) >= PACE / 2
