"""One-click leaving while two hundred people at the desk watch a large edition go out.

Each of them holds a stream of the server's open; the edition's deliveries change all the while.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Self

import sqlalchemy as sa

from bench import effort
from bench.audience_room import web
from bench.delivery_room import Room
from bench.desk_ask import Browser, sign_in
from bench.desk_fill import Filled
from bench.figures import Figure, Target, load
from bench.load_generator import Load, ask, get, post
from digest import keys
from digest.lists.links import sign_off_url
from digest.web.desk.table import ROOT, desk
from digest.web.desk.wiring import load_pages
from tests.servers.waiting import wait_until

AREA: Final = "desk"
STREAMS: Final = 200
_RATE: Final = 20
_SECONDS: Final = 30
_WARM_UP: Final = 50
_STRIDE: Final = 40  # one in so many is sure to be active, see `bench.desk_rows`
_HANDED_OVER: Final = """
UPDATE deliveries SET status = 'sent', sent_at = now()
WHERE edition_id = :edition AND subscriber_id IN (SELECT subscriber_id FROM deliveries
    WHERE edition_id = :edition AND status = 'pending' LIMIT 200)
"""


def streams(made: Room, filled: Filled) -> Iterator[Figure]:
    """The 99th of a hundred one-click POSTs, from the moment each was due."""
    edition = filled.things["edition"]["on its way"]
    seconds = 5 if effort.IS_QUICK else _SECONDS
    urls = _urls(made, filled, _RATE * seconds)
    with web(made) as server:
        token = sign_in(made.database, filled.account)
        cookie = Browser(server.port, token).cookie
        ask(server.port, [get("/health")] * _WARM_UP, rate=_RATE)
        before = server.cpu
        with _Watching(server.port, _path(edition), cookie) as watching, _Moving(made, edition):
            wait_until(lambda: min(watching.events) > 0, seconds=60, what="the figures in every stream")
            seen = sum(watching.events)
            health = ask(server.port, [get("/health")] * (_RATE * seconds // 3), rate=_RATE)
            clicks = [post(url, {"List-Unsubscribe": "One-Click"}) for url in urls]
            found = ask(server.port, clicks, rate=_RATE)
            events = sum(watching.events) - seen
            if watching.ended:
                raise AssertionError(f"{watching.ended} of the {STREAMS} streams have ended")
        share = (server.cpu - before) / (health.wall + found.wall)
    _must_be_ok(health, found)
    yield Figure(
        AREA,
        f"one-click POST with {STREAMS} progress streams open, {_RATE} a second for {seconds} s: p99",
        1000 * found.at(0.99),
        "ms",
        1000 * health.at(0.99),
        Target("<=", 1000),
        f"the streams are of an edition for {filled.people:,} people on its way, and were told of it "
        f"{events:,} times meanwhile; {found.text}; the web processes took {100 * share:.0f} % of a core; "
        f"reference: p99 of the same server's /health with the same streams; {load()}",
    )


def _path(edition: int) -> str:
    """Where an edition's progress streams."""
    load_pages()
    for entry in desk.entries:
        if entry.is_stream and entry.path.startswith("/editions/{edition}"):
            return ROOT + entry.path.replace("{edition}", str(edition)) + "?state=sending"
    raise ValueError("there is no stream of an edition")


def _urls(made: Room, filled: Filled, count: int) -> list[str]:
    """The links of so many active readers of the large list."""
    signer, mailing_list = keys.load(made.folder / "secrets").signer, filled.things["list"]["large"]
    people = [10 + _STRIDE * number for number in range(count)]
    return [sign_off_url("", signer, list_id=mailing_list, subscriber_id=each) for each in people]


def _must_be_ok(*loads: Load) -> None:
    """AssertionError unless every answer was 200."""
    for each in loads:
        if set(each.statuses) != {"200"}:
            raise AssertionError(f"answers by status: {each.statuses}")


@dataclass(slots=True)
class _Watching:
    """So many open streams for the length of a block; how many events each has had."""

    port: int
    path: str
    cookie: str
    events: list[int] = field(default_factory=lambda: [0] * STREAMS)
    ended: int = 0
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _thread: threading.Thread = field(init=False)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._all(),))
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._loop.call_soon_threadsafe(self._stop)
        self._thread.join()
        self._loop.close()

    def _stop(self) -> None:
        for task in asyncio.all_tasks(self._loop):
            task.cancel()

    async def _all(self) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*(self._one(number) for number in range(STREAMS)))

    async def _one(self, number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        asked = f"GET {self.path} HTTP/1.1\r\nHost: digest.courier.example\r\nCookie: {self.cookie}\r\n\r\n"
        try:
            writer.write(asked.encode())
            while line := await reader.readline():
                self.events[number] += line.startswith(b"event: figures")
        finally:
            writer.close()
        self.ended += 1


@dataclass(slots=True)
class _Moving:
    """Mails that are handed over, a few hundred a second, as far as the rows show; for a block's length."""

    made: Room
    edition: int
    _is_over: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread = field(init=False)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._is_over.wait(0.5):
            with self.made.database.write() as session:
                session.execute(sa.text(_HANDED_OVER), {"edition": self.edition})
