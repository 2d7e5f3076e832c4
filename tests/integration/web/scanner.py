"""What the scanners of mail services do: take every address out of a mail's bytes, and open all of them.

And the witness of what that changes. The requests go to the application itself, in this thread's own event
loop: a client with a thread and cookies takes longer than most of the pages.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from typing import Any
from urllib.parse import unquote_to_bytes, urlencode, urljoin, urlsplit

import sqlalchemy as sa
from fastapi import FastAPI
from lxml import html as lxml_html
from starlette.types import Message as AsgiMessage

from digest.db import Database
from tests.integration import hints

_URL = re.compile(r"https?://[^\s<>\"]+")
_AT_ONCE = 4
_WRITES = re.compile(
    r"\s*(?:WITH\b.*\b)?(?:INSERT|UPDATE|DELETE|REPLACE|MERGE|TRUNCATE)\b", re.IGNORECASE | re.DOTALL
)
_NO_SCHEMA = "alembic_version"
COUNTS = "link_counts"  # the one table that looking may change: how often a link was followed

# As they come: nothing, what browsers send that load ahead of a press, and scanners by their own names.
MANNERS: tuple[Mapping[str, str], ...] = (
    {},
    {"Sec-Purpose": "prefetch;prerender", "Purpose": "prefetch"},
    {"X-Moz": "prefetch", "Accept": "text/html"},
    {"X-Purpose": "preview", "User-Agent": "Mozilla/5.0 (iPhone) AppleWebKit/605.1.15 Safari/604.1"},
    {"User-Agent": "Mozilla/5.0 (compatible; LinkScanner/2.0)"},
    {"User-Agent": "GoogleImageProxy", "Accept": "image/*", "Referer": "https://mail.example/"},
)


def links_in_mail(raw: bytes) -> set[str]:
    """Every address in a message as it stood on the wire: of its headers, its text and its HTML."""
    message = message_from_bytes(raw)
    found = {url for value in message.values() for url in _URL.findall(str(value))}
    for part in message.walk():
        if part.get_content_type() == "text/html":
            found |= links_on_page(_text(part), "")
        elif part.get_content_maintype() == "text":
            found |= set(_URL.findall(_text(part)))
    return {url for url in found if url.startswith(("http:", "https:"))}


def links_on_page(html: str, url: str) -> set[str]:
    """Every address on a page: of links, forms, pictures, styles, frames and scripts alike."""
    return {urljoin(url, link).partition("#")[0] for _, _, link, _ in _document(html).iterlinks()}


def _document(html: str) -> Any:
    return lxml_html.document_fromstring(html.encode(), parser=lxml_html.HTMLParser(encoding="utf-8"))


def _text(part: Message) -> str:
    payload = part.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload.decode()


@dataclass(frozen=True, slots=True)
class Ask:
    """One request."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict)
    network: str = "192.0.2.1"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, and the route that gave it; "" if none did."""

    ask: Ask
    status: int
    headers: Mapping[str, str]
    body: bytes
    route: str

    def links(self) -> set[str]:
        """The addresses that lead on from here, by a redirect or on the page."""
        url = self.ask.url
        onward = {urljoin(url, self.headers["location"])} if "location" in self.headers else set()
        if self.body and self.headers.get("content-type", "").startswith("text/html"):
            onward |= links_on_page(self.body.decode(), url)
        return onward


def ask_all(app: FastAPI, asks: Iterable[Ask], *, at_once: int = _AT_ONCE) -> list[Answer]:
    """The answers to all requests, of which a few are under way at a time; in no order.

    One at a time they are in theirs, and each is taken from `asks` when the one before it was answered.
    """
    waiting = iter(asks)
    answers: list[Answer] = []

    async def work() -> None:
        answers.extend([await _answer(app, ask) for ask in waiting])

    async def work_together() -> None:
        await asyncio.gather(*(work() for _ in range(at_once)))

    asyncio.run(work_together())
    return answers


async def _answer(app: FastAPI, ask: Ask) -> Answer:
    parts = urlsplit(ask.url)
    headers = {"host": parts.netloc, **{name.lower(): value for name, value in ask.headers.items()}}
    body = urlencode(ask.form).encode()
    if ask.method == "POST":
        headers |= {
            "content-type": "application/x-www-form-urlencoded",
            "content-length": str(len(body)),
        }
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": ask.method,
        "scheme": parts.scheme,
        "path": unquote_to_bytes(parts.path).decode("utf-8", "replace"),
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(),
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": (ask.network, 50000),
        "server": (parts.hostname, 443),
    }
    coming: list[AsgiMessage] = [{"type": "http.request", "body": body, "more_body": False}]
    sent: list[AsgiMessage] = []

    async def receive() -> AsgiMessage:
        return coming.pop() if coming else await asyncio.Future()  # nobody hangs up

    async def send(message: AsgiMessage) -> None:
        sent.append(message)

    await app(scope, receive, send)
    start, *rest = sent
    return Answer(
        ask=ask,
        status=start["status"],
        headers={name.decode().lower(): value.decode() for name, value in start["headers"]},
        body=b"".join(each.get("body", b"") for each in rest),
        route=getattr(scope.get("route"), "path", ""),
    )


def open_all(app: FastAPI, urls: Sequence[str]) -> list[Answer]:
    """Open each address by GET and by HEAD, every other one by HEAD first, each in one of the manners."""
    manners = itertools.cycle(MANNERS)
    asks = []
    for place, url in enumerate(urls):
        methods = ("HEAD", "GET") if place % 2 else ("GET", "HEAD")
        asks += [Ask(method, url, next(manners)) for method in methods]
    return ask_all(app, asks)


def crawl(app: FastAPI, urls: Iterable[str], *, origin: str) -> list[Answer]:
    """Open what is ours of these addresses, and then what is ours of that which they lead to."""
    first = sorted({url for url in urls if _is_of(url, origin)})
    answers = open_all(app, first)
    onward = {url for answer in answers if answer.ask.method == "GET" for url in answer.links()}
    return answers + open_all(app, sorted({url for url in onward if _is_of(url, origin)} - set(first)))


def _is_of(url: str, origin: str) -> bool:
    return url == origin or url.startswith(f"{origin}/")


@dataclass
class Witness:
    """What has been written since it began to look, but for the counts of links."""

    database: Database
    before: dict[str, str]
    statements: list[str] = field(default_factory=list)

    def changes(self) -> list[str]:
        """The tables whose rows differ, the statements that write, the hints to workers: [] if none.

        No other table and no column is left out: our pages count nobody, and looking takes from no limit.
        """
        after = fingerprints(self.database)
        names = (self.before | after).keys() - {COUNTS}
        tables = sorted(name for name in names if self.before.get(name) != after.get(name))
        return tables + self.statements + [task.value for task, _ in hints.taken()]


@contextmanager
def watched(database: Database) -> Iterator[Witness]:
    """Watch every table, and each statement that goes through this engine."""
    hints.taken()
    witness = Witness(database, fingerprints(database))

    def note(*args: Any) -> None:
        if _WRITES.match(args[2]) and not args[2].startswith(f"INSERT INTO {COUNTS} "):
            witness.statements.append(args[2])

    sa.event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield witness
    finally:
        sa.event.remove(database.engine, "before_cursor_execute", note)


def fingerprints(database: Database) -> dict[str, str]:
    """A fingerprint of the rows of each table that the database has, whoever has made it."""
    names = set(sa.inspect(database.engine).get_table_names()) - {_NO_SCHEMA}
    with database.read() as session:
        return {
            name: _fingerprint(session.execute(sa.select("*").select_from(sa.table(name)))) for name in names
        }


def _fingerprint(rows: Iterable[Any]) -> str:
    plain = sorted(repr(tuple(row)) for row in rows)
    return f"{len(plain)} rows {hashlib.sha256(repr(plain).encode()).hexdigest()}"
