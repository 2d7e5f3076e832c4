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
    """Within 5 % of the set pace over fifteen seconds and never above, and over fifteen after a FLUSHALL."""
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
        send.wait_for(half, seconds=60)
        broker.forget()
        send.wait_for(end, seconds=60)
        send.cancel()
        rates = send.rate(FIRST, half), send.rate(half, end)
        assert rates == pytest.approx((PACE, PACE), rel=0.05)
        # What was late a moment at the begin of a window is all that makes it look faster.
        assert max(rates) <= PACE * 1.005
        # A worker that is late with its permits on a busy machine meets the next one's: no more than that.
        assert send.most_in_a_second() <= PACE * 1.5
