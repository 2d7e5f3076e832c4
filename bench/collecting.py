"""How fast a feed is collected: fetched from a site, parsed, decided on and stored."""

from __future__ import annotations

import contextlib
import datetime as dt
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import feedparser

from bench.figures import Figure, by_turns, load
from digest import clock
from digest.db import Database
from digest.db.schema import upgrade
from digest.net.http import Fetcher
from digest.sources.catalogue import add_source
from digest.sources.collect import collect
from tests.feeds import FeedPost, rss
from tests.servers.news_site import NewsSite, Page
from tests.servers.postgres import PostgresServer

POSTS = 50
_PARAGRAPH = (
    "<p>The question printed on the card was simply when they would come, if they could. Volunteers sorted "
    "the answers in shoeboxes over two weekends, and <em>evenings</em> won by a distance.</p>"
)


def figures(folder: Path, server: PostgresServer | None) -> Iterator[Figure]:
    """A feed of fifty posts into an empty database of each kind."""
    with NewsSite() as site:
        feed = rss(_posts(), site=site.url("").rstrip("/"))
        site.put("/feed/", Page(feed))
        for kind, databases in kinds(folder, server):
            ours, reference = by_turns(
                lambda made=databases: POSTS / _seconds(made, site),  # type: ignore[misc]
                lambda: POSTS / _parse_alone(feed),
            )
            yield Figure(
                "spine",
                f"collect a feed of {POSTS} posts into {kind}",
                ours.median,
                "posts/s",
                reference.median,
                note=f"{len(feed) / 1000:.0f} kB from a site on this machine; {ours.spread}; "
                f"reference: feedparser alone on the same bytes; {load()}",
            )


Databases = Callable[[], AbstractContextManager[Database]]


def kinds(folder: Path, server: PostgresServer | None) -> Iterator[tuple[str, Databases]]:
    """Each kind of database, and how to get an empty migrated one of it."""
    template = folder / "template.db"
    _migrate(f"sqlite:///{template}")
    yield "SQLite", lambda: _sqlite(template)
    if server is not None:
        name = server.create_database()
        _migrate(_url(server, name))
        yield f"PostgreSQL {server.text.split()[0]}", lambda: _postgres(server, name)


@contextlib.contextmanager
def _sqlite(template: Path) -> Iterator[Database]:
    path = template.with_name("measured.db")
    shutil.copyfile(template, path)
    database = Database(f"sqlite:///{path}")
    try:
        yield database
    finally:
        database.close()
        path.unlink()


@contextlib.contextmanager
def _postgres(server: PostgresServer, template: str) -> Iterator[Database]:
    name = server.create_database(template=template)
    database = Database(_url(server, name))
    try:
        yield database
    finally:
        database.close()
        server.drop_database(name)


def _migrate(url: str) -> None:
    database = Database(url)
    upgrade(database)
    database.close()


def _url(server: PostgresServer, name: str) -> str:
    return server.url(name).replace("postgresql://", "postgresql+psycopg://")


def _seconds(databases: Databases, site: NewsSite) -> float:
    with databases() as database:
        now = clock.utc_now()
        with database.write() as session:
            source = add_source(
                session, site.url("/feed/"), backlog=dt.timedelta(days=7), actor="bench", now=now
            )
            source_id = source.id
        fetcher = Fetcher((site.host,))
        started = time.perf_counter()
        found = collect(database, source_id, fetcher, interval=dt.timedelta(minutes=15), now=now)
        taken = time.perf_counter() - started
    if found.new != POSTS:
        raise AssertionError(f"{found.new} of {POSTS} posts were stored: {found.fault}")
    return taken


def _parse_alone(feed: bytes) -> float:
    started = time.perf_counter()
    parsed = feedparser.parse(feed)
    taken = time.perf_counter() - started
    if len(parsed.entries) != POSTS:
        raise AssertionError("the reference did not read the feed")
    return taken


def _posts() -> list[FeedPost]:
    now = clock.utc_now()
    return [
        FeedPost(
            number,
            f"Reading room extends its hours, part {number}",
            now - dt.timedelta(hours=number + 1),
            body=f"<p>YEREVAN -- Number {number} of the series.</p>" + _PARAGRAPH * 12,
        )
        for number in range(POSTS)
    ]
