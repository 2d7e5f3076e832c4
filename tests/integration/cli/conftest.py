"""The command line on a migrated database of its own, in this process.

What a fixture needs is imported by it: the controller of a run reads this file too, and waits for no more.
"""

from __future__ import annotations

import datetime as dt
import shutil
import sys
from collections.abc import Iterator
from email.utils import format_datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.integration.cli.commands import Cli
    from tests.servers.news_site import NewsSite


@pytest.fixture
def cli(tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cli]:
    """The command line on SQLite; hints go to a broker inside this process, where nobody takes them."""
    import structlog

    from digest import keys
    from digest.queueing.app import app as celery_app
    from tests.integration.cli.commands import Cli
    from tests.servers import statements

    statements.share()
    data = tmp_path / "data"
    data.mkdir()
    shutil.copyfile(sqlite_template, data / "digest.db")
    keys.make_missing(data / "secrets")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DIGEST_DATA_DIR", str(data))
    monkeypatch.setenv("DIGEST_BROKER_URL", "memory://")
    # Events go to this process's standard error, as in a real run, and not among what a command prints.
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    yield Cli(data)
    structlog.reset_defaults()
    celery_app.cache_clear()


@pytest.fixture
def readers(cli: Cli, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """The commands on SQLite and on PostgreSQL, with a digest, a cadence and the list "readers"."""
    from digest.db import Database
    from tests.factories import make_cadence, make_digest

    monkeypatch.setenv("DIGEST_DATABASE_URL", database_url)
    database = Database(database_url)
    with database.write() as session:
        digest = make_digest(session, "courier")
        make_cadence(session, digest)
    database.close()
    cli("list", "create", "readers", "--digest", "courier", "--title", "The Courier by mail")
    return cli


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[NewsSite]:
    """A paper's site with a commentary and two reports of the last hours, which may be fetched."""
    from tests.servers.news_site import NewsSite, Page

    with NewsSite() as running:
        running.put("/feed/", Page(feed(running.url())))
        monkeypatch.setenv("DIGEST_PRIVATE_HOSTS", running.host)
        yield running


def feed(home: str) -> bytes:
    """An RSS feed with three posts of the last hours."""
    now = dt.datetime.now(dt.UTC)
    posts = (
        ("On Patience", "Commentary", 1, "<p>Patience is a trade, and it is learned late.</p>"),
        ("Mill Bridge Opens [Again]", "News", 2, "<p>SPRINGDALE -- The bridge opened on Monday.</p>"),
        ("Choir Seeks Tenors", "News", 3, "<p>SPRINGDALE -- Three are wanted before Easter.</p>"),
    )
    items = "".join(
        f"<item><title>{title}</title><link>{home}posts/{number}/</link><guid>{home}?p={number}</guid>"
        f"<category>{section}</category>"
        f"<pubDate>{format_datetime(now - dt.timedelta(hours=number))}</pubDate>"
        f"<description><![CDATA[{body}]]></description></item>"
        for title, section, number, body in posts
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"><channel><title>The Courier</title>'
        f"<link>{home}</link><language>en</language>{items}</channel></rss>"
    ).encode()


def make_paper(cli: Cli, site: NewsSite) -> None:
    """A digest with one source that was collected, and an extra edition that nobody locked yet."""
    cli("digest", "create", "courier", "--title", "The Courier", "--language", "en",
        "--sender", "news@courier.example", "--postal-address", "1 Mill Lane, Springdale",
        "--recent-least", "0")  # fmt: skip
    cli("cadence", "add", "courier", "morning", "--cron", "0 7 * * *", "--zone", "Asia/Yerevan")
    cli("source", "add", site.url("/feed/"), "--digest", "courier", "--include-backlog", "7d")
    cli("collect", "--all")
    cli("edition", "extra", "courier", "morning")
