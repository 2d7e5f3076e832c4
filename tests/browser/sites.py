"""A running installation for a browser: one paper in two languages, each with its lists and its readers."""

from __future__ import annotations

import contextlib
import re
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from digest import clock, keys
from digest.config import Settings
from digest.db import Database
from digest.lists.fresh_links import FreshKind, fresh_path, make_fresh_link
from digest.lists.goodbye import undo_path
from digest.lists.manage import ListChanges, set_list
from digest.lists.topics import add_topic
from digest.mail import mailbox
from digest.models import Digest, MailingList, Subscription, SubscriptionStatus
from digest.rendering.digest_email import render_web
from digest.rendering.environment import template_folders
from digest.rendering.theme import Look, TimeForm
from digest.tokens import Claim, Purpose
from tests.factories import make_cadence, make_digest, make_list, make_subscriber, make_subscription
from tests.factories.moments import NOW
from tests.integration.web.rows import Scene, make_edition, make_settings
from tests.integration.web.served import served
from tests.servers.migrated import migrate
from tests.servers.waiting import HANG
from tests.unit.rendering import samples

if TYPE_CHECKING:
    from playwright.sync_api import ConsoleMessage, Page
    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class Words:
    """What a digest and its parts are called."""

    title: str
    cadences: tuple[str, str]  # daily, weekly
    topics: tuple[str, str]
    lists: tuple[tuple[str, str], tuple[str, str]]  # name and title


WORDS = {
    "en": Words(
        "The Courier",
        ("every morning, Yerevan time", "Sunday best-of"),
        ("Culture and books", "Sport"),
        (("daily", "The Daily Courier"), ("letters", "Obituaries, appeals and anniversaries")),
    ),
    "hy": Words(
        "Սուրհանդակ",
        ("ամեն առավոտ, Երևանի ժամանակով", "կիրակնօրյա"),
        ("Մշակույթ և գրականություն", "Սփյուռք"),
        (("armenian", "Սուրհանդակը նամակով"), ("namakner", "Մահազդներ, կոչեր և հոբելյաններ")),
    ),
}


@dataclass(frozen=True, slots=True)
class Paper:
    """A digest: the ids of its daily and weekly cadence and of its two open lists, and an edition."""

    digest_id: int
    cadences: tuple[int, int]
    lists: tuple[int, int]
    public_id: str


@dataclass(frozen=True, slots=True)
class Site:
    """The installation; its papers by their languages."""

    url: str
    database: Database
    settings: Settings
    papers: dict[str, Paper]

    @property
    def keys(self) -> keys.Keys:
        return keys.load(self.settings.secrets_folder)

    def new_reader(
        self, language: str = "en", status: SubscriptionStatus = SubscriptionStatus.ACTIVE, **values: Any
    ) -> Scene:
        """One more reader of a paper's first list, on its daily cadence; `values` are the subscription's."""
        paper = self.papers[language]
        with self.database.write() as session:
            person = make_subscriber(session, address_key=self.keys.address_key)
            readers = session.get_one(MailingList, paper.lists[0])
            values = {"cadence_id": paper.cadences[0], **values}
            made = make_subscription(session, readers, person, status=status, **values)
            token = self.keys.signer.sign(Claim(Purpose.UNSUBSCRIBE, readers.id, person.id))
            return Scene(readers.id, person.id, made.id, paper.public_id, token)

    def archive(self, language: str) -> str:
        """The path of a paper's archive."""
        with self.database.read() as session:
            return f"/archive/{session.get_one(Digest, self.papers[language].digest_id).name}"

    def link(self, purpose: Purpose, reader: Scene) -> str:
        """The token of a reader's link."""
        return self.keys.signer.sign(Claim(purpose, reader.list_id, reader.subscriber_id))

    def fresh(self, reader: Scene, kind: FreshKind, **details: str) -> str:
        """The path of a fresh link."""
        with self.database.write() as session:
            link = make_fresh_link(session, reader.subscriber_id, kind, now=clock.utc_now(), details=details)
            return fresh_path(self.keys.signer, link, list_id=reader.list_id)

    def undo(self, reader: Scene) -> str:
        """The path of the page that takes a leaving back."""
        with self.database.read() as session:
            return undo_path(self.keys.signer, session.get_one(Subscription, reader.subscription_id))

    def post(self, path: str, **fields: str) -> str:
        """Post a form as a program would; the text that it answers with."""
        data = urlencode(fields).encode()
        with urllib.request.urlopen(self.url + path, data=data, timeout=HANG) as answer:
            return str(answer.read().decode())

    def catch(self, raw: bytes, *, into: str = "inbox") -> str:
        """Keep a mail as the catcher would; its name."""
        assert self.settings.catcher_dir is not None
        folder = self.settings.catcher_dir / into
        return mailbox.store(folder, raw, recipients=["reader@mail.test"], sender="", now=NOW).name


@contextlib.contextmanager
def installed(folder: Path, database_url: str, *, templates: Path | None = None) -> Iterator[Site]:
    """The installation on an empty database, served by a process of its own."""
    settings = make_settings(folder / "data", database_url, catcher_dir=folder / "mail", templates=templates)
    database = Database(settings.database)
    migrate(database)
    with database.write() as session:
        papers = {language: _make_paper(session, language, templates) for language in WORDS}
    with served(settings, folder) as server:
        yield Site(server.url, database, settings, papers)
    database.close()


def signed_templates(folder: Path) -> Path:
    """Templates of the paper's own: ours, each with its name in a comment, to tell what made a page."""
    ours = template_folders()[0] / "web" / "public"
    (folder / "web" / "public").mkdir(parents=True)
    for path in ours.iterdir():
        text = re.sub(
            r"({% block (?:main|page) %})",
            rf"\1<!-- made by {path.stem} -->",
            path.read_text(encoding="utf-8"),
        )
        (folder / "web" / "public" / path.name).write_text(text, encoding="utf-8")
    return folder


def complaints(page: Page) -> list[str]:
    """Everything that the page complains of while it is open, breaches of its policy among them."""
    found: list[str] = []
    page.on("console", lambda said: found.append(_told(said, page)) if said.type == "error" else None)
    page.on("pageerror", lambda error: found.append(str(error)))
    return found


def _told(said: ConsoleMessage, page: Page) -> str:
    return f"{said.text} ({said.location['url']}, on {page.url})"


def _make_paper(session: Session, language: str, templates: Path | None) -> Paper:
    words = WORDS[language]
    digest = make_digest(session, language=language, title=words.title, sister_group="courier")
    cadences = [
        make_cadence(session, digest, name, cron=cron)
        for name, cron in zip(words.cadences, ("0 7 * * *", "0 9 * * 0"), strict=True)
    ]
    for number, title in enumerate(words.topics):
        add_topic(session, digest, name=f"t{number}", title=title, sections=[title], now=NOW)
    lists = [make_list(session, digest, name, title=title) for name, title in words.lists]
    for each in lists:
        set_list(each, ListChanges(is_open=True))
    relative = Look(time_form=TimeForm.RELATIVE)
    content = samples.armenian() if language == "hy" else samples.edition(look=relative)
    edition = make_edition(session, cadences[0], web_html=render_web(content, templates=templates))
    return Paper(
        digest.id,
        (cadences[0].id, cadences[1].id),
        (lists[0].id, lists[1].id),
        edition.public_id,
    )
