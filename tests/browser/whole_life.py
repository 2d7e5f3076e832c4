"""One person in a browser, the mails that are handed over to her, and all that each of her steps leaves."""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import sqlalchemy as sa

from digest import clock
from digest.db import Base
from digest.lists.notice_stops import notice_check
from digest.mail.smtp_client import SmtpTransport
from digest.mail.transport import Endpoint, Security
from digest.models import (
    Cadence,
    ConsentEvent,
    MailingList,
    Subscription,
    Transport,
)
from digest.notices import send_due
from tests.browser.sites import Site
from tests.factories.moments import NOW
from tests.integration.cli.commands import Cli
from tests.integration.planned import Desk, let_go, named_words
from tests.servers.smtp import JudgeServer
from tests.servers.waiting import HANG

if TYPE_CHECKING:
    from playwright.sync_api import Page

_LINK = re.compile(r"https?://[^\s\"<>]+")
Rows = dict[tuple[str, tuple[Any, ...]], tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Left:
    """What a step left behind.

    An event is the list, what was done, the status since then, and whence it came. Of each table is said how
    many rows came (`+`), changed (`~`) and went (`-`). A mail is its recipient and subject, as it was handed
    over. `findings` is what `digest consent verify` finds wrong in any chain.
    """

    events: list[str]
    changed: dict[str, str]
    mails: list[str]
    findings: list[Any]


class Life:
    """The person's hands and eyes, and the clerk who looks into the database after each of her steps."""

    def __init__(self, site: Site, page: Page, judge: JudgeServer, cli: Cli) -> None:
        self.site, self.page, self.judge, self.cli = site, page, judge, cli
        self.asked: list[str] = []  # the hosts that the browser asked for anything
        page.on("request", lambda request: self.asked.append(urlsplit(request.url).netloc))
        self._read = 0
        self._rows = rows(site)

    def open(self, path: str) -> None:
        self.page.goto(self.site.url + path)

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name).first.click()

    def more(self, button: str) -> None:
        """Press a button under "More"."""
        self.page.locator("summary", has_text="More").click()
        self.press(button)

    def says(self, words: str) -> None:
        self.page.get_by_text(words).first.wait_for()

    def left(self) -> Left:
        """What the step since the last look left; then the mails that it caused are handed over."""
        before, self._rows = self._rows, rows(self.site)
        changed, events = difference(before, self._rows), self._events(before)
        verified = self.cli.json("consent", "verify")
        assert verified["subscriptions"] == sum(name == "subscriptions" for name, _ in self._rows)
        return Left(events, changed, self._hand_over(), verified["findings"])

    def mailed(self, pattern: str, subject: str = "") -> str:
        """The path of a link in the newest mail with such a subject; both parts of the mail have it."""
        mail = next(
            found
            for each in reversed(self.judge.messages)
            if subject in str((found := parsed(each.raw))["Subject"])
        )
        plain, html = (
            {url for url in _LINK.findall(_body(mail, kind)) if re.search(pattern, url)}
            for kind in ("plain", "html")
        )
        (link,) = plain
        assert plain == html
        return str(urlsplit(link).path)

    def edition(self, folder: Path) -> EmailMessage:
        """Send the next edition of the English paper's weekly cadence; the one mail of it."""
        paper, moment = self.site.papers["en"], clock.utc_now()
        with self.site.database.write() as session:
            service = Transport(name="test", host="127.0.0.1", port=25, created_at=NOW, accepted_at=NOW)
            session.add(service)
            session.flush()
            desk = Desk(
                self.site.database,
                self.site.keys,
                session.get_one(Cadence, paper.cadences[1]),
                session.get_one(MailingList, paper.lists[0]),
                folder,
                service.id,
                mail=named_words(),
            )
        sender = desk.sender(self.judge.port, now=moment)
        desk.send(desk.sending(moment), sender)
        let_go(sender)
        self._rows = rows(self.site)
        self._read = len(self.judge.messages)
        return parsed(self.judge.messages[-1].raw)

    def tables_with(self, words: Sequence[str]) -> set[str]:
        """The tables in which any value holds one of these words, in capitals or not."""
        return {
            name for (name, _), row in rows(self.site).items() if any(word in _text(row) for word in words)
        }

    def _events(self, before: Rows) -> list[str]:
        """The new events, in their order."""
        query = (
            sa.select(
                ConsentEvent.id,
                MailingList.name,
                ConsentEvent.action,
                ConsentEvent.status,
                ConsentEvent.source,
            )
            .join(Subscription, Subscription.id == ConsentEvent.subscription_id)
            .join(MailingList, MailingList.id == Subscription.list_id)
            .order_by(ConsentEvent.id)
        )
        with self.site.database.read() as session:
            return [
                f"{name}: {action}, {status.value}, {source}"
                for number, name, action, status, source in session.execute(query)
                if ("consent_events", (number,)) not in before
            ]

    def _hand_over(self) -> list[str]:
        """Send every mail that waits; to whom, and the subjects, of those that the mail service took."""
        endpoint = Endpoint(host="127.0.0.1", port=self.judge.port, security=Security.NONE, timeout=HANG)
        check = notice_check(self.site.keys.address_key)
        send_due(self.site.database, lambda: SmtpTransport(endpoint), check)
        new = self.judge.messages[self._read :]
        self._read += len(new)
        if new:
            self._rows = rows(self.site)
        return [f"{', '.join(each.recipients)}: {parsed(each.raw)['Subject']}" for each in new]


def rows(site: Site) -> Rows:
    """Every row of every table, by table and key."""
    with site.database.read() as session:
        return {
            (table.name, tuple(row._mapping[column] for column in table.primary_key)): tuple(row)
            for table in Base.metadata.sorted_tables
            for row in session.execute(sa.select(table))
        }


def difference(before: Rows, after: Rows) -> dict[str, str]:
    """How many rows of each table came, changed and went: `+2`, `~1`, `+1 -1`. Pure."""
    found: dict[str, str] = {}
    for sign, keys in (
        ("+", after.keys() - before.keys()),
        ("~", {key for key in after.keys() & before.keys() if after[key] != before[key]}),
        ("-", before.keys() - after.keys()),
    ):
        for name in sorted({name for name, _ in keys}):
            words = f"{sign}{sum(key[0] == name for key in keys)}"
            found[name] = f"{found[name]} {words}" if name in found else words
    return found


def _text(row: tuple[Any, ...]) -> str:
    """All of a row in small letters; a mail that is kept is read as its reader sees it, too."""
    parts = []
    for value in row:
        if isinstance(value, bytes):
            parts += [value.decode("latin-1"), str(parsed(value)), *_bodies(value)]
        else:
            parts.append(str(value))
    return "\n".join(parts).lower()


def _body(mail: EmailMessage, kind: str) -> str:
    found = mail.get_body((kind,))
    assert found is not None
    return str(found.get_content())


def _bodies(raw: bytes) -> list[str]:
    return [str(part.get_content()) for part in parsed(raw).walk() if part.get_content_maintype() == "text"]


def parsed(raw: bytes) -> EmailMessage:
    made = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(made, EmailMessage)
    return made
