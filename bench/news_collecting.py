"""How fast 200 sources are collected by one worker, and how slow ones among them hold the others up."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import feedparser
import httpx2
import sqlalchemy as sa

from bench import effort
from bench.audience_room import Place, place, room
from bench.delivery_room import ROOT, Room, child_env
from bench.figures import Figure, Target, by_turns, load
from bench.memory import pss_of_tree
from bench.news_site import POSTS, address
from digest import clock
from digest.models import Fetch, Post, PostFingerprint, Source
from digest.sources.collect_many import THREADS, enqueue_due
from tests.servers.ports import free_port

AREA = "news"
SOURCES = 200
LATENCY = 50  # milliseconds
DRIPPING = 5
CHILDREN = 2  # of the worker: as many as this machine has cores, which is Celery's own default
_LONGEST = 120.0


@dataclass(slots=True)
class _Run:
    """A worker with its sources; `pss` is the most memory that it was seen to have."""

    made: Room
    port: int
    worker: int
    pss: int = 0


def figures() -> Iterator[Figure]:
    """All due at once, beside bare fetching and parsing; then with some that drip."""
    with place() as at, _sites() as port:
        for kind in at.kinds:
            yield from _of_kind(at, kind, port)


def _of_kind(at: Place, kind: str, port: int) -> Iterator[Figure]:
    with room(at, kind) as made, _worker(made, port) as process:
        run = _Run(made, port, process.pid)
        os.environ["DIGEST_BROKER_URL"] = made.env["DIGEST_BROKER_URL"]
        try:
            _add_sources(run)
            ours, bare = by_turns(lambda: _collect(run), lambda: _bare(port), rounds=effort.rounds(3))
            note = f"{ours.spread}; a worker of {CHILDREN} children with {THREADS} threads each; {load()}"
            reference = f"httpx2 and feedparser alone in {CHILDREN * THREADS} threads"
            what = f"{SOURCES} sources of {POSTS} posts into {kind}"
            yield Figure(
                *(AREA, f"collect {what}", ours.median, "s"),
                reference=bare.median,
                target=Target("<=", 15),
                note=f"{note}; reference: {reference}",
            )
            yield Figure(
                *(AREA, f"collect {what}, over bare", ours.median / bare.median, "x"),
                target=Target("<=", 1.5),
                note=f"{reference}: {bare.spread}",
            )
            _collect(run, is_watched=True)
            mega = run.pss / 1e6
            yield Figure(
                *(AREA, f"memory of that worker, {kind}", mega, "MB"),
                target=Target("<=", 200),
                note="all its processes, what they share counted once",
            )
            yield Figure(
                *(
                    AREA,
                    f"{SOURCES - DRIPPING} sources beside {DRIPPING} that drip, {kind}",
                    _dripping(run),
                    "s",
                ),
                target=Target("<=", 20),
                note=f"the {DRIPPING} are cut off after 30 s; {load()}",
            )
        finally:
            del os.environ["DIGEST_BROKER_URL"]


def _add_sources(run: _Run) -> None:
    now = clock.utc_now()
    with run.made.database.write() as session:
        session.add_all(
            Source(
                url=f"http://{address(number)}:{run.port}/feed/",
                news_since=now - dt.timedelta(days=7),
                next_fetch_at=now + dt.timedelta(days=1),
                created_at=now,
            )
            for number in range(SOURCES)
        )


def _collect(run: _Run, *, is_watched: bool = False) -> float:
    """Seconds until all are collected for the first time."""
    _forget(run)
    taken = _seconds_until(run, left=0, is_watched=is_watched)
    with run.made.database.read() as session:
        found = session.scalar(sa.select(sa.func.count()).select_from(Post))
    if found != SOURCES * POSTS:
        raise AssertionError(f"{found} posts were stored")
    return taken


def _dripping(run: _Run) -> float:
    _forget(run)
    with run.made.database.write() as session:
        for source in session.scalars(sa.select(Source).order_by(Source.id).limit(DRIPPING)):
            source.url = source.url.replace("/feed/", "/drip/")
    taken = _seconds_until(run, left=DRIPPING)
    _seconds_until(run, left=0)
    with run.made.database.read() as session:
        faults = session.scalars(sa.select(Source.fault_code).where(Source.fault_code.is_not(None))).all()
    if list(faults) != ["timeout"] * DRIPPING:
        raise AssertionError(f"those that drip ended with {faults}")
    return taken


def _forget(run: _Run) -> None:
    """As if nothing had been collected, and nothing were due yet."""
    with run.made.database.write() as session:
        for table in (Fetch, PostFingerprint, Post):
            session.execute(sa.delete(table))
        later = clock.utc_now() + dt.timedelta(days=1)
        session.execute(
            sa.update(Source).values(
                last_fetch_at=None, last_good_at=None, etag=None, last_modified=None, next_fetch_at=later
            )
        )


def _seconds_until(run: _Run, *, left: int, is_watched: bool = False) -> float:
    """Make all due that were never fetched, tell the worker as the tick does, and wait until few are left.

    To look at the worker's memory takes time from it: only where it `is_watched`.
    """
    waiting = sa.select(sa.func.count()).select_from(Source).where(Source.last_fetch_at.is_(None))
    started = time.perf_counter()
    with run.made.database.write() as session:
        now = clock.utc_now()
        is_idle = Source.next_fetch_at > now + dt.timedelta(hours=1)
        session.execute(sa.update(Source).where(is_idle).values(next_fetch_at=now))
        session.flush()
        enqueue_due(session, now=now)
    looked = 0.0
    while True:
        with run.made.database.read() as session:
            count = session.scalar(waiting) or 0
        taken = time.perf_counter() - started
        if count <= left:
            return taken
        if taken > _LONGEST:
            raise AssertionError(f"{count} sources were not collected")
        if is_watched and taken - looked > 1:
            looked = taken
            run.pss = max(run.pss, pss_of_tree(run.worker))
        time.sleep(0.1)


def _bare(port: int) -> float:
    """The same fetches by the libraries alone, as many at once."""

    def one(number: int) -> int:
        answer = httpx2.get(f"http://{address(number)}:{port}/feed/", trust_env=False)
        return len(feedparser.parse(answer.content).entries)

    started = time.perf_counter()
    with ThreadPoolExecutor(CHILDREN * THREADS) as pool:
        found = sum(pool.map(one, range(SOURCES)))
    taken = time.perf_counter() - started
    if found != SOURCES * POSTS:
        raise AssertionError(f"the reference read {found} posts")
    return taken


@contextlib.contextmanager
def _sites() -> Iterator[int]:
    """The sites, in a process of their own; their port."""
    port = free_port()
    words = [sys.executable, "-m", "bench.news_site", str(port), str(SOURCES), str(LATENCY)]
    process = subprocess.Popen(words, cwd=ROOT, env=child_env({}), stdout=subprocess.PIPE, text=True)
    assert process.stdout
    try:
        if process.stdout.readline().strip() != "ready":
            raise OSError("the sites did not start")
        yield port
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


@contextlib.contextmanager
def _worker(made: Room, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """One worker, as operators start it, once it takes tasks."""
    hosts = [f"{address(number)}:{port}" for number in range(SOURCES)]
    env = {**child_env(made.env), "DIGEST_PRIVATE_HOSTS": ",".join(hosts), "DIGEST_LOG_LEVEL": "INFO"}
    log = Path(made.env["DIGEST_DATA_DIR"]) / "worker.log"
    command = (sys.executable, "-m", "digest.tasks.run", "worker")
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "--concurrency", str(CHILDREN)], cwd=ROOT, env=env, stdout=output, stderr=output
        )
        try:
            _wait_for(log, process)
            yield process
        finally:
            process.terminate()
            process.wait(60)


def _wait_for(log: Path, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 60
    while b" ready." not in log.read_bytes():
        if process.poll() is not None or time.monotonic() > until:
            raise OSError(f"the worker did not start: {log.read_text(errors='replace')[-300:]}")
        time.sleep(0.1)
