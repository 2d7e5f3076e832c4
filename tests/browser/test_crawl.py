"""Scanners with a browser of their own: they run scripts, wait, scroll and point. Nothing changes."""

from __future__ import annotations

import contextlib
import re
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fastapi.testclient import TestClient

from digest import keys
from digest.config import Settings
from digest.db import Database
from digest.queueing.app import app as celery_app
from digest.web.app import create_app
from digest.web.deps import Services
from tests.integration.planned import PUBLIC_URL
from tests.integration.web.doors import routes_of
from tests.integration.web.mailing import mail_everything
from tests.integration.web.rows import make_settings
from tests.integration.web.scanner import fingerprints, links_in_mail
from tests.integration.web.served import served
from tests.servers.migrated import migrate

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

pytestmark = pytest.mark.browser

PEOPLE = 50
COUNTED = "/l/"
_OPAQUE = re.compile(r"(?<=/)[\w-]{16,}")  # tokens, and the names of editions


@dataclass(frozen=True, slots=True)
class Mailed:
    """A running installation whose mails have gone out, and the paths that stand in them."""

    url: str
    database: Database
    file: Path
    paths: list[str]

    def sample(self, of_each_kind: int) -> list[str]:
        """Some of each kind of link, of different people; but for those that count and lead to the paper."""
        kinds: defaultdict[str, list[str]] = defaultdict(list)
        for path in (path for path in self.paths if not path.startswith(COUNTED)):
            kinds[_OPAQUE.sub("*", path)].append(path)
        return [each for same in kinds.values() for each in same[:: -(-len(same) // of_each_kind)]]


@pytest.fixture(scope="module")
def mailed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mailed]:
    """To fifty people."""
    with _installation(tmp_path_factory.mktemp("mailed"), PEOPLE) as made:
        yield made


@contextlib.contextmanager
def _installation(folder: Path, people: int) -> Iterator[Mailed]:
    """Mailed by this process, served by another."""
    settings = make_settings(folder / "data", f"sqlite:///{folder / 'digest.db'}", public_url=PUBLIC_URL)
    database = Database(settings.database)
    migrate(database)
    paths = _mail(database, settings, people)
    with served(settings, folder) as server:
        yield Mailed(server.url, database, folder / "digest.db", paths)
    database.close()


def _mail(database: Database, settings: Settings, people: int) -> list[str]:
    app = create_app(settings, services=Services(settings, database, keys.load(settings.secrets_folder)))
    with pytest.MonkeyPatch.context() as patched, TestClient(app, follow_redirects=False) as client:
        patched.setenv("DIGEST_BROKER_URL", "memory://")
        mailing = mail_everything(database, settings, client, people)
    celery_app.cache_clear()
    links = set().union(*(links_in_mail(raw) for raw in mailing.editions + mailing.singles))
    paths = sorted(link.removeprefix(PUBLIC_URL) for link in links if link.startswith(PUBLIC_URL))
    doors = [path.partition("{")[0] for path, _ in routes_of(app) if "{token}" in path]
    assert not [door for door in doors if not [path for path in paths if path.startswith(door)]]
    return paths


def test_a_browser_that_looks_at_everything_changes_nothing(mailed: Mailed, browser: Browser) -> None:
    """A link of each kind, and what its page links to: no row, and not one write of the serving process."""
    _look_at_all(mailed, browser, mailed.sample(of_each_kind=1))


@pytest.mark.slow  # the run has a link of each kind
def test_a_browser_that_looks_at_a_thousand_mails_changes_nothing(tmp_path: Path, browser: Browser) -> None:
    """The same of every link but those that count and lead to the paper."""
    with _installation(tmp_path, 1000) as mailed:
        _look_at_all(mailed, browser, [path for path in mailed.paths if not path.startswith(COUNTED)])


def _look_at_all(mailed: Mailed, browser: Browser, paths: Sequence[str]) -> None:
    seen = set(paths)
    context = browser.new_context()
    context.set_default_timeout(120_000)
    context.route(lambda url: not url.startswith(mailed.url), _refuse)
    page = context.new_page()
    before = fingerprints(mailed.database)
    # A connection that holds no transaction: it is told of each that another one commits.
    with contextlib.closing(sqlite3.connect(mailed.file, isolation_level=None)) as witness:
        version = witness.execute("PRAGMA data_version").fetchone()
        onward: set[str] = set()
        for path in paths:
            onward |= _look_at(page, mailed.url, path)
        for path in sorted(onward - seen):
            _look_at(page, mailed.url, path)
        assert witness.execute("PRAGMA data_version").fetchone() == version
    assert fingerprints(mailed.database) == before
    assert context.cookies() == []
    context.close()
    assert len(onward - seen) > 2


def _refuse(route: Route) -> None:
    """Pictures and pages of the paper's own site, which is not there."""
    route.abort()


def _look_at(page: Page, url: str, path: str) -> set[str]:
    """Load, wait, open what is folded, scroll to the end and point at everything; the paths it links to."""
    answer = page.goto(url + path)
    assert answer is not None
    assert answer.status in (200, 404, 410), path
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    for x, y in page.evaluate(_PLACES):
        page.evaluate("y => scrollTo(0, y - 100)", y)
        page.mouse.move(x, y - page.evaluate("scrollY"))
    page.keyboard.press("Tab")
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    page.wait_for_timeout(20)
    found: list[str] = page.eval_on_selector_all(
        "a[href], form", "all => all.map(each => each.href || each.action)"
    )
    ours = [link.replace(PUBLIC_URL, url, 1) for link in found]
    return {link.removeprefix(url).partition("#")[0] for link in ours if link.startswith(f"{url}/")}


_PLACES = """() => [...document.querySelectorAll("a[href], button, input, summary")]
  .map(each => each.getBoundingClientRect())
  .filter(box => box.width)
  .map(box => [box.x + box.width / 2, box.y + box.height / 2 + scrollY])"""
