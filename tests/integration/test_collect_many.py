"""Many sources at once: all are read, a host is never asked twice at a time, slow ones hold nobody up."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from digest import clock
from digest.db import Database
from digest.db.dialect import lock_alone
from digest.models import Fetch, Post, Source
from digest.net.http import Fetcher
from digest.queueing.names import TaskName
from digest.sources import collect_many
from digest.sources.catalogue import add_source
from digest.sources.collect import collect
from digest.sources.collect_many import Collector, claim_due, enqueue_due
from digest.sources.keep import pause_source
from digest.sources.record import KEPT_FETCHES, last_fetches
from tests.feeds import FeedPost, rss
from tests.integration import hints
from tests.servers.news_site import NewsSite, Page, SiteRequest
from tests.servers.waiting import HANG, wait_until

HOUR = dt.timedelta(hours=1)
INTERVAL = dt.timedelta(minutes=15)


@dataclass
class Sites:
    """Sources on many hosts of one server: 127.0.0.1, localhost and names that are resolved to it."""

    database: Database
    site: NewsSite
    fetcher: Fetcher
    now: dt.datetime
    at_once: dict[str, int] = field(default_factory=dict)
    most: dict[str, int] = field(default_factory=dict)
    together: int = 0
    gate: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, host: str, path: str) -> int:
        with self.database.write() as session:
            return add_source(
                session, self.site.url(path, host=host), backlog=HOUR, actor="test", now=self.now
            ).id

    def answer(self, request: SiteRequest) -> Page:
        """A feed of one post, once all that can be asked for at a time has been asked for."""
        host = request.headers["host"]
        with self.lock:
            self.at_once[host] = self.at_once.get(host, 0) + 1
            self.most[host] = max(self.most.get(host, 0), self.at_once[host])
            self.together = max(self.together, sum(self.at_once.values()))
        self.gate.wait(HANG)
        with self.lock:
            self.at_once[host] -= 1
        number = abs(hash((host, request.path))) % 10**9
        post = FeedPost(number, f"Story number {number}", self.now - dt.timedelta(minutes=5))
        return Page(rss([post], site=f"http://{host}"))

    def due(self) -> int:
        with self.database.read() as session:
            return (
                session.scalar(
                    sa.select(sa.func.count()).select_from(Source).where(Source.last_fetch_at.is_(None))
                )
                or 0
            )


@dataclass(frozen=True, slots=True)
class QuickClock:
    """For the collector alone: time stands still until this holds, and then all of it is over."""

    is_over: Callable[[], bool]
    utc_now: Callable[[], dt.datetime] = clock.utc_now

    def monotonic(self) -> float:
        return 1_000_000.0 if self.is_over() else 0.0


@pytest.fixture
def sites(database: Database) -> Iterator[Sites]:
    names = [f"paper-{number}.test" for number in range(8)]
    with capture_logs(), NewsSite() as site, Fetcher(names, resolve=lambda *_: ["127.0.0.1"]) as fetcher:
        made = Sites(database, site, fetcher, clock.utc_now())
        yield made
        made.gate.set()


def test_collects_all_that_is_due_a_host_at_a_time(sites: Sites) -> None:
    """Twelve sources on four hosts: four are asked at once, each host one after the other."""
    for host in range(4):
        for number in range(3):
            sites.add(f"paper-{host}.test", sites.site.put(f"/{number}/", sites.answer)[-3:])
    collector = Collector(sites.database, sites.fetcher, INTERVAL)
    opener = threading.Thread(
        target=lambda: (wait_until(lambda: sites.together == 4, what="four requests"), sites.gate.set())
    )
    opener.start()
    assert collector.collect_due(seconds=HANG) == 12
    opener.join()
    collector.close()
    assert set(sites.most.values()) == {1}
    assert sites.together == 4
    with sites.database.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Post)) == 12
        assert session.scalar(sa.select(sa.func.count()).where(Source.next_fetch_at <= clock.utc_now())) == 0


def test_never_asks_more_sites_than_it_has_threads(sites: Sites) -> None:
    """Eight hosts, three threads."""
    for host in range(8):
        sites.site.put("/feed/", sites.answer)
        sites.add(f"paper-{host}.test", "/feed/")
    sites.gate.set()
    collector = Collector(sites.database, sites.fetcher, INTERVAL, threads=3)
    assert collector.collect_due(seconds=HANG) == 8
    collector.close()
    assert sites.together <= 3
    assert sites.due() == 0


def test_a_slow_site_holds_nobody_up(sites: Sites, monkeypatch: pytest.MonkeyPatch) -> None:
    """A turn ends while one site still answers; it is noted when it has, and nobody takes it meanwhile."""
    sites.site.put("/slow/", sites.answer)
    sites.site.put("/feed/", lambda _request: Page(rss([], site="http://paper.test")))
    slow = sites.add("paper-0.test", "/slow/")
    waiting = sites.add("paper-0.test", "/feed/")
    for host in range(1, 5):
        sites.add(f"paper-{host}.test", "/feed/")
    collector = Collector(sites.database, sites.fetcher, INTERVAL, threads=2)
    hints.taken()
    # The slow one is left, and the one behind it on its host.
    monkeypatch.setattr(collect_many, "clock", QuickClock(lambda: sites.due() == 2))
    assert collector.collect_due(seconds=HANG) == 5
    assert sites.due() == 2
    assert (TaskName.COLLECT_DUE, []) in hints.taken()
    with sites.database.write() as session:
        taken = claim_due(session, most=10, now=clock.utc_now())
    assert [source_id for source_id, _ in taken] == [waiting]
    sites.gate.set()
    wait_until(lambda: sites.due() == 1, what="the slow site")
    collector.close()
    with sites.database.read() as session:
        assert session.get_one(Source, slow).last_good_at is not None


def test_collects_what_is_asked_for_and_says_what_is_left(
    sites: Sites, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the freeze does: due or not, and no longer than it has time."""
    sites.site.put("/slow/", sites.answer)
    sites.site.put("/feed/", lambda _request: Page(rss([], site="http://paper.test")))
    quick, slow = sites.add("paper-0.test", "/feed/"), sites.add("paper-1.test", "/slow/")
    collector = Collector(sites.database, sites.fetcher, INTERVAL)
    with monkeypatch.context() as patched:
        # Over when the collector has been told of the quick one, which is a moment after that is stored.
        patched.setattr(collect_many, "clock", QuickClock(lambda: set(collector._running) == {slow}))
        assert collector.collect_these([quick, slow], seconds=HANG) == {slow}
    sites.gate.set()
    wait_until(lambda: sites.due() == 0, what="the slow site")
    assert collector.collect_these([quick, slow], seconds=HANG) == set()
    collector.close()


def test_takes_the_sources_of_a_host_together(sites: Sites) -> None:
    """So that no other process is at that host meanwhile; nobody takes them twice."""
    for host in (0, 1):
        for number in range(3):
            sites.add(f"paper-{host}.test", f"/{number}/")
    with sites.database.write() as session:
        first = claim_due(session, most=1, now=clock.utc_now())
        second = claim_due(session, most=10, now=clock.utc_now())
        assert claim_due(session, most=10, now=clock.utc_now()) == []
    assert len(first) == len(second) == 3
    assert not {source_id for source_id, _ in first} & {source_id for source_id, _ in second}


@pytest.mark.both_databases
def test_who_comes_second_takes_others(sites: Sites) -> None:
    """Two workers that look at the same moment both get work: for the second there is some too."""
    for host in range(4):
        sites.add(f"paper-{host}.test", "/feed/")

    def claim() -> list[tuple[int, str]]:
        with sites.database.write() as session:
            return claim_due(session, most=2, now=clock.utc_now())

    with ThreadPoolExecutor(1) as beside:
        with sites.database.write() as session:
            first = claim_due(session, most=2, now=clock.utc_now())
            second = beside.submit(claim)
            if not sites.database.is_sqlite:  # there a writer waits before it looks
                wait_until(
                    lambda: _waiting(sites.database) > 0, what="the second worker to wait for the first"
                )
        assert len(first) == len(second.result(HANG)) == 2
        assert not set(first) & set(second.result())


@pytest.mark.both_databases
def test_who_pauses_a_source_while_it_is_read_is_heard(sites: Sites) -> None:
    """The reading that is just being stored does not start it again."""
    sites.site.put("/feed/", lambda _request: Page(rss([], site="http://paper.test")))
    source_id = sites.add("paper-0.test", "/feed/")

    def read() -> None:
        collect(sites.database, source_id, sites.fetcher, interval=INTERVAL, now=clock.utc_now())

    def pause() -> None:
        with sites.database.write() as session:
            pause_source(session, session.get_one(Source, source_id), actor="test", now=sites.now)

    with ThreadPoolExecutor(2) as beside:
        with sites.database.write() as session:
            lock_alone(session, "posts")  # another feed is being stored: this one has to wait
            reading = beside.submit(read)
            if not sites.database.is_sqlite:
                wait_until(lambda: _waiting(sites.database) == 1, what="the reading to be stored")
                pausing = beside.submit(pause)
                wait_until(lambda: pausing.done() or _waiting(sites.database) == 2, what="the pause")
        reading.result(HANG)
        if sites.database.is_sqlite:  # there a writer is alone
            pausing = beside.submit(pause)
        pausing.result(HANG)
    with sites.database.read() as session:
        assert session.get_one(Source, source_id).rests


def _waiting(database: Database) -> int:
    """How many wait for a lock; in a transaction of its own, for within one the answer stays the same."""
    waiting = sa.text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    with database.read() as session:
        return int(session.scalar(waiting) or 0)


def test_hints_a_few_times_however_much_is_due(sites: Sites) -> None:
    """One hint for every portion, four at most, none if nothing is due."""
    hints.taken()
    with sites.database.write() as session:
        assert enqueue_due(session, now=sites.now) == 0
    assert hints.taken() == []
    for number in range(30):
        sites.add("paper-0.test", f"/{number}/")
    hints.taken()
    with sites.database.write() as session:
        assert enqueue_due(session, now=clock.utc_now()) == 30
    assert hints.taken() == [(TaskName.COLLECT_DUE, [])] * 2


def test_keeps_the_last_answers_of_a_source(sites: Sites) -> None:
    """What they were, what they brought and took; and of the many quiet ones no more than the last."""
    feed = Page(rss([FeedPost(1, "Story number 1", sites.now)], site="http://paper.test"), etag='"1"')
    sites.site.put("/feed/", feed)
    source_id = sites.add("paper-0.test", "/feed/")
    collector = Collector(sites.database, sites.fetcher, INTERVAL)
    for _ in range(2):
        collector.collect_these([source_id], seconds=HANG)
    sites.site.put("/feed/", Page(status=503))
    collector.collect_these([source_id], seconds=HANG)
    with sites.database.read() as session:
        failed, unchanged, first = last_fetches(session, source_id)
        assert session.get_one(Source, source_id).last_new_at == first.at
    assert (first.status, first.posts, first.new, first.size) == (200, 1, 1, len(feed.body))
    assert (unchanged.status, unchanged.posts, unchanged.new) == (304, 0, 0)
    assert (failed.status, failed.fault_code) == (503, "http_status")
    for _ in range(KEPT_FETCHES):
        collector.collect_these([source_id], seconds=HANG)
    collector.close()
    with sites.database.read() as session:
        kept = session.scalars(sa.select(Fetch.new).order_by(Fetch.id)).all()
    assert kept == [1] + [0] * KEPT_FETCHES
