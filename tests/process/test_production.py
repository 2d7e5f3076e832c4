"""The production processes: `celery -A worker worker` and `beat`, on Redis and PostgreSQL."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
import sqlalchemy as sa

from digest import clock
from digest.models import Edition, EditionState
from tests.feeds import FeedPost, rss
from tests.process.newsroom import newsroom
from tests.servers.news_site import Page
from tests.servers.waiting import wait_until

pytestmark = [pytest.mark.process, pytest.mark.waits]


def test_a_published_post_arrives_at_its_slot(
    postgres_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A post that comes out on the site before the slot is in the inbox after it, and not a second sooner.

    How soon after it is measured elsewhere (`make bench ARGS=delivery`): here a busy machine may be late.
    """
    with newsroom(
        tmp_path,
        monkeypatch,
        database_url=postgres_url,
        broker_url=redis_url,
        collect_interval_seconds="1",
    ) as room:
        site = room.site.url("").rstrip("/")
        old = FeedPost(1, "An old story", clock.utc_now() - dt.timedelta(days=2))
        room.site.put("/feed/", Page(body=rss([old], site=site)))
        room.set_up(backlog="0h")
        room.import_readers(["ani@mail.test", "bob@mail.test"])
        room.command("collect")
        room.start_worker(concurrency=2)
        room.start_beat()
        room.command(
            *("cadence", "add", "courier", "minute", "--cron", "* * * * *", "--zone", "Asia/Yerevan"),
            *("--lead", "5"),
        )
        new = FeedPost(2, "The new story", clock.utc_now())
        room.site.put("/feed/", Page(body=rss([new, old], site=site)))

        wait_until(lambda: len(room.taken()) == 2, seconds=180, what="both mails")

        def sent() -> Edition | None:
            with room.database.read() as session:
                sent = sa.select(Edition).where(Edition.state == EditionState.SENT)
                return session.scalar(sent.order_by(Edition.id).limit(1))

        wait_until(lambda: sent() is not None, what="the end of the edition")
        edition = sent()
        assert edition is not None
        taken = room.taken()
        assert {entry["rcpt"][0] for entry in taken} == {"ani@mail.test", "bob@mail.test"}
        for entry in taken:
            at = dt.datetime.fromtimestamp(float(entry["at"]), dt.UTC)
            assert edition.due_at <= at <= edition.due_at + dt.timedelta(seconds=50)
