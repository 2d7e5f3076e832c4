"""Four workers that share one pace through the database keep it by the mail server's record."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.process.newsroom import newsroom
from tests.process.sends import begin, prepare
from tests.servers.redis import private

pytestmark = [pytest.mark.process, pytest.mark.waits, pytest.mark.slow]

PACE = 20  # mails a second
WINDOW = 30  # seconds, each of the two: one mail is a sixth of a percent of it
FIRST = 4 * PACE  # mails that are not measured: the first seconds, and as many at the end
PEOPLE = 2_500  # five batches: there is one for each worker


def test_four_workers_keep_one_pace(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within 5 % of the set pace over thirty seconds, over the thirty around a FLUSHALL, and over both.

    By the moments of the server's record, never those of a worker; and no mail comes before its turn.
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
        send.wait_for(half + PACE * WINDOW // 2)
        broker.forget()  # in the middle of the second span
        send.wait_for(end + FIRST)
        send.cancel()
        send.check_pace(PACE)
        rates = [send.rate(FIRST, half), send.rate(half, end), send.rate(FIRST, end)]
        assert rates == pytest.approx([PACE] * 3, rel=0.05)
