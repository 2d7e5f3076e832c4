"""A newsroom as it is run: its site, the desk, a worker, a mail catcher, and the one clock of them all."""

from __future__ import annotations

import contextlib
import email
import email.policy
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa

from digest import clock, config, keys
from digest.cli.demo import run_command
from digest.config import Settings
from digest.db import Database
from digest.embedded import probes
from digest.embedded.newspaper.newspaper import Newspaper
from digest.embedded.newspaper.site import running
from digest.embedded.standard import settings_env
from digest.models import Cadence, Delivery, DeliveryStatus, Edition, Subscriber
from digest.queueing.app import app
from tests.browser.sites import complaints
from tests.integration.hints import taken
from tests.integration.web.served import served
from tests.servers.migrated import migrate
from tests.servers.moved_clock import MovedClock

if TYPE_CHECKING:
    import datetime as dt

    from playwright.sync_api import Browser, BrowserContext, Page

PASSWORD = "five walking green horses"
_LINK = re.compile(r"https?://[^\s\"<>]+")
_ROUNDS = 30  # of a worker; far more than there is work for
_CATCHER = """
import sys
from pathlib import Path
from digest.inbound.catcher import run_catcher
inbox, notices = map(Path, sys.argv[1:])
run_catcher("127.0.0.1", 0, inbox, notices, on_ready=lambda port: print(port, flush=True))
"""


@dataclass(slots=True)
class Person:
    """Somebody of the desk in a browser of their own, and all that it complained of."""

    address: str
    context: BrowserContext
    page: Page
    url: str
    complaints: list[str]

    def open(self, path: str) -> None:
        self.page.goto(self.url + path)

    def close(self) -> None:
        """Go home: a page that is still loading when a night has gone by is refused what it asks for."""
        self.page.goto("about:blank")

    def fill(self, label: str, text: str) -> None:
        self.page.get_by_label(label, exact=True).fill(text)

    def press(self, name: str | re.Pattern[str]) -> None:
        self.page.get_by_role("button", name=name, exact=isinstance(name, str)).first.click()

    def follow(self, name: str) -> None:
        self.page.get_by_role("link", name=name, exact=True).first.click()

    def says(self, words: str) -> None:
        self.page.get_by_text(words).first.wait_for()

    def choose_password(self) -> None:
        self.fill("Password", PASSWORD)
        self.fill("Password, once more", PASSWORD)

    def sign_in(self) -> None:
        self.open("/desk/sign-in")
        self.fill("Mail address", self.address)
        self.fill("Password", PASSWORD)
        self.press("Sign in")
        self.page.get_by_role("heading", name="What happens next").wait_for()


@dataclass(slots=True)
class House:
    """The installation. `work` is what a worker and the beat do while nobody looks."""

    settings: Settings
    database: Database
    clock: MovedClock
    newspaper: Newspaper
    site_url: str
    browser: Browser
    people: list[Person] = field(default_factory=list)

    def person(self, address: str) -> Person:
        """Somebody sits down at a desk."""
        context = self.browser.new_context(locale="en", reduced_motion="reduce")
        context.set_default_timeout(120_000)
        page = context.new_page()
        made = Person(address, context, page, self.settings.public_url, complaints(page))
        self.people.append(made)
        return made

    def work(self) -> None:
        """Look at the rows as the beat has a worker do, and do what comes of it, until nothing is left."""
        from digest.tasks import work  # it registers its tasks with the house's settings

        tasks = {each.name: each for each in vars(work).values() if hasattr(each, "apply_async")}
        for _ in range(_ROUNDS):
            work.run_tick()
            if not (hints := taken()):
                return
            for name, ids in hints:
                tasks[name.value](*ids)
        raise AssertionError("there is no end of the work")

    def wait_for(self, moment: dt.datetime) -> None:
        """Let it be this moment, and do what is due then."""
        self.clock.move_to(moment)
        self.work()

    def edition(self, edition_id: int) -> Edition:
        with self.database.read() as session:
            return session.get_one(Edition, edition_id)

    def lock_time(self, edition_id: int) -> dt.datetime:
        import datetime as dt

        with self.database.read() as session:
            edition = session.get_one(Edition, edition_id)
            lead = session.get_one(Cadence, edition.cadence_id).lead_seconds
        return edition.send_at - dt.timedelta(seconds=lead)

    def next_edition(self, after: int) -> int:
        """The edition that comes after another one of the same rhythm."""
        with self.database.read() as session:
            before = session.get_one(Edition, after)
            return session.scalars(
                sa.select(Edition.id)
                .where(Edition.cadence_id == before.cadence_id, Edition.due_at > before.due_at)
                .order_by(Edition.due_at)
            ).first() or pytest.fail("there is no next edition")

    def ledger(self, edition_id: int) -> Counter[DeliveryStatus]:
        """How many people an edition was handed to, or not."""
        with self.database.read() as session:
            rows = session.execute(
                sa.select(Delivery.status, sa.func.count().label("people"))
                .where(Delivery.edition_id == edition_id)
                .group_by(Delivery.status)
            )
            return Counter({row.status: row.people for row in rows})

    def people_of(self, edition_id: int) -> set[str | None]:
        """Whom an edition is for."""
        with self.database.read() as session:
            query = sa.select(Subscriber.address).join(Delivery, Delivery.subscriber_id == Subscriber.id)
            return set(session.scalars(query.where(Delivery.edition_id == edition_id)))

    def caught(self, domain: str) -> list[EmailMessage]:
        """The mails that the catcher took for addresses of a domain, oldest first."""
        paths = sorted(_folder(self.settings).glob("*/*.eml"), key=lambda path: path.name)
        found = (parsed(path.read_bytes()) for path in paths)
        return [mail for mail in found if str(mail["Delivered-To"]).endswith(f"@{domain}")]

    def mailed(self, address: str, pattern: str) -> str:
        """The path of a link in the newest mail to somebody of the desk that has such a link."""
        for mail in reversed(self.caught(address.rpartition("@")[2])):
            if mail["Delivered-To"] == address:
                for url in _LINK.findall(body(mail, "plain")):
                    if re.search(pattern, url):
                        parts = urlsplit(url)
                        return parts.path + (f"?{parts.query}" if parts.query else "")
        raise AssertionError(f"no mail to {address} has a link like {pattern}")

    def command(self, *words: str) -> None:
        """A command at the terminal of the machine."""
        run_command(words)


@contextlib.contextmanager
def opened(
    folder: Path,
    database_url: str,
    browser: Browser,
    monkeypatch: pytest.MonkeyPatch,
    *,
    broker_url: str,
    begin: dt.datetime,
) -> Iterator[House]:
    """The house, on an empty database, before anybody has an account."""
    moved = MovedClock(folder / "clock", begin)
    monkeypatch.setattr(clock, "utc_now", moved.now)
    newspaper = Newspaper(begin)
    port = probes.free_port()
    with running(newspaper) as site, _catcher(folder) as catcher_port:
        given: dict[str, Any] = {
            "data_dir": folder / "data",
            "database_url": database_url,
            "broker_url": broker_url,
            "public_url": f"http://127.0.0.1:{port}",
            "web_port": port,
            "private_hosts": (f"127.0.0.1:{site.port}",),
            "catcher_dir": folder / "mail",
            "mirror_pictures": False,
        }
        settings = config.load(**given)
        keys.make_missing(settings.secrets_folder)
        for name, value in settings_env(settings).items():
            monkeypatch.setenv(name, value)
        config.settings.cache_clear()
        app.cache_clear()
        database = Database(settings.database)
        migrate(database)
        try:
            with served(settings, folder, clock_file=moved.path):
                house = House(settings, database, moved, newspaper, f"{site.url}/en/", browser)
                house.command(
                    *("transport", "add", "catcher", "--host", "127.0.0.1", "--port", str(catcher_port)),
                    *("--security", "none"),
                )
                yield house
        finally:
            _end(database)


def _end(database: Database) -> None:
    from digest.tasks.runtime import close_runtime

    close_runtime()
    database.close()
    app.cache_clear()


@contextlib.contextmanager
def _catcher(folder: Path) -> Iterator[int]:
    """The mail catcher as a process of its own; its port."""
    mail = folder / "mail"
    process = subprocess.Popen(
        [sys.executable, "-c", _CATCHER, str(mail / "inbox"), str(mail / "notices")],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def _folder(settings: Settings) -> Path:
    assert settings.catcher_dir is not None
    return settings.catcher_dir


def parsed(raw: bytes) -> EmailMessage:
    made = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(made, EmailMessage)
    return made


def body(mail: EmailMessage, kind: str) -> str:
    """The text of a mail, of one of its two kinds."""
    found = mail.get_body((kind,))
    assert found is not None
    return str(found.get_content())
