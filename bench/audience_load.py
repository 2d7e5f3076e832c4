"""How soon the public pages answer: many sign-ups at once, and one-click leaving while an edition goes out.

The web server is a process of its own, as operators run it, and so is who asks it (`bench.load_generator`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any, Self

import sqlalchemy as sa

from bench import effort
from bench.audience_room import LIST, Place, Web, cpu_of, room, web
from bench.delivery_mail import small_mail
from bench.delivery_peers import program, smtp_sink
from bench.delivery_room import Room, Worker
from bench.figures import Figure, Target, load, seconds_of
from bench.load_generator import Load, ask, get, percentile, post
from digest import keys
from digest.lists.links import sign_off_url
from digest.models import (
    Confirmation,
    ConsentEvent,
    ConsentNetwork,
    MailingList,
    Notice,
    Subscriber,
    Subscription,
    SubscriptionStatus,
    TokenBucket,
)
from tests.factories import make_readers

AREA = "audience"
_RATE, _SECONDS = 100, 60
_CLICK_RATE, _CLICK_SECONDS = 20, 30
_WARM_UP = 50
_BARE = 300
_PEOPLE = 10_000  # of an edition
_EDITIONS = 40  # at the most, one after the other: the sending must outlast the clicks
_DOMAINS = 200
_NETWORKS = 1 << 16
# What a sign-up leaves, a row in each; of buckets it fills two more.
_ROWS: Sequence[Any] = (Subscriber, Subscription, ConsentEvent, ConsentNetwork, Confirmation, Notice)


def signup(at: Place) -> Iterator[Figure]:
    """Sign-ups that come in evenly, as after an appeal on television."""
    for kind in at.kinds:
        with room(at, kind) as made, web(made) as server:
            yield from _signup(made, server, kind)


def oneclick(at: Place) -> Iterator[Figure]:
    """RFC 8058's POST while a worker hands over editions as fast as it can."""
    if program("smtp-sink") is None:
        raise FileNotFoundError("there is no smtp-sink (Debian: postfix)")
    for kind in at.kinds:
        with room(at, kind) as made, ExitStack() as stack:
            yield _oneclick(made, kind, stack)


def _signup(made: Room, server: Web, kind: str) -> Iterator[Figure]:
    count = _RATE * (5 if effort.IS_QUICK else _SECONDS)
    ask(server.port, [_form(number) for number in range(_WARM_UP)], rate=_CLICK_RATE)
    health = ask(server.port, [get("/health")] * (count // 4), rate=_RATE)
    _must_be(health, "200")
    before = server.cpu
    found = ask(server.port, [_form(number) for number in range(_WARM_UP, _WARM_UP + count)], rate=_RATE)
    answered = found.statuses.get("200", 0)
    used = (server.cpu - before) / max(answered, 1)
    refused = count - answered
    _must_be_among(found, {"200", "503"})
    yield Figure(
        AREA,
        f"sign-up on {kind}, {_RATE} a second for {count // _RATE} s: turned away",
        refused,
        "people",
        target=Target("<=", 0),
        note=f"answered 503, for too many waited; {100 * used * _RATE:.0f} % of a core were wanted; {load()}",
    )
    _must_have(made, _WARM_UP + count - refused)
    what = f"{count:,} posts of the form, {_RATE} a second, over {found.connections} kept connections"
    yield Figure(
        AREA,
        f"sign-up on {kind}, {_RATE} a second for {count // _RATE} s: p99",
        1000 * found.at(0.99),
        "ms",
        1000 * health.at(0.99),
        Target("<=", 500),
        f"{what}; each counts from the moment it was due; {answered:,} were answered 200 and their "
        f"rows counted; "
        f"{found.text}; reference: p99 of the same server's /health at the same rate; {load()}",
    )
    bare = _bare(made)
    yield Figure(
        AREA,
        f"CPU of the web process for a sign-up on {kind}",
        1000 * used,
        "ms",
        1000 * bare,
        note=f"checks, limits, the chain of consent, the mail to be sent and the page; reference: the median "
        f"time of a bare commit of the rows it leaves, into tables without keys; {load()}",
    )


def _oneclick(made: Room, kind: str, stack: ExitStack) -> Figure:
    seconds = 5 if effort.IS_QUICK else _CLICK_SECONDS
    count = _CLICK_RATE * seconds
    # A tenth of the people would be mailed before a tenth of the questions were asked.
    urls = _readers(made, _PEOPLE // 3 if effort.IS_QUICK else _PEOPLE)[:count]
    made.point_to(stack.enter_context(smtp_sink()))
    mail = small_mail()
    editions = [made.edition(mail) for _ in range(_EDITIONS)]
    server, worker = stack.enter_context(web(made)), stack.enter_context(made.worker())
    ask(server.port, [get("/health")] * _WARM_UP, rate=_CLICK_RATE)
    with _Sending(made, worker, editions) as sending:
        health = ask(server.port, [get("/health")] * (count // 3), rate=_CLICK_RATE)
        clicks = [post(url, {"List-Unsubscribe": "One-Click"}) for url in urls]
        found = ask(server.port, clicks, rate=_CLICK_RATE)
    _must_be(health, "200")
    _must_be(found, "200")
    left = made.execute(
        "SELECT count(*) FROM subscriptions WHERE status = :ended", ended=SubscriptionStatus.ENDED.value
    )
    if left != count:
        raise AssertionError(f"{left} of {count} people have left")
    return Figure(
        AREA,
        f"one-click POST on {kind} during a send, {_CLICK_RATE} a second for {seconds} s: p99",
        1000 * found.at(0.99),
        "ms",
        1000 * health.at(0.99),
        Target("<=", 1000),
        f"meanwhile a worker handed {sending.rate:,.0f} mails a second to smtp-sink, ledger and journal on, "
        f"and took {100 * sending.share:.0f} % of a core; all were answered 200 and everybody had left; "
        f"{found.text}; reference: p99 of the same server's /health during the same send; {load()}",
    )


class _Sending:
    """Editions that are sent one after the other for the length of a block, in which they must not end."""

    def __init__(self, made: Room, worker: Worker, editions: Sequence[int]) -> None:
        self._made, self._worker, self._editions = made, worker, editions
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._error: Exception | None = None
        self.rate = 0.0  # messages a second
        self.share = 0.0  # CPU of the worker, of a core

    def __enter__(self) -> Self:
        self._cpu, self._began = cpu_of(self._worker.process.pid), time.perf_counter()
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        is_busy, seconds = self._thread.is_alive(), time.perf_counter() - self._began
        self.share = (cpu_of(self._worker.process.pid) - self._cpu) / seconds
        self.rate = self._made.execute("SELECT count(*) FROM deliveries WHERE status = 'sent'") / seconds
        self._is_over.set()
        self._thread.join()
        if error[0] is None and not is_busy:
            raise AssertionError(f"the sending ended before the questions did: {self._error}")

    def _run(self) -> None:
        try:
            for edition_id in self._editions:
                self._worker.send(edition_id)
                if self._is_over.is_set():
                    return
        except (OSError, AssertionError) as error:
            self._error = error


def _form(number: int) -> str:
    """One person's form, from a network of their own."""
    fields = {
        "address": f"reader{number}@mail{number % _DOMAINS}.test",
        "name": f"Anahit Sarian {number}",
        "cadence": "morning",
        "website": "",
    }
    network = number % _NETWORKS
    return post(f"/s/{LIST}", fields, asked_from=f"10.{network >> 8}.{network & 255}.7")


def _readers(made: Room, count: int) -> list[str]:
    """So many readers of the list; the path of each one's link."""
    held = keys.load(made.folder / "secrets")
    with made.database.write() as session:
        people = make_readers(
            session,
            session.get_one(MailingList, made.list_id),
            [f"reader{number}@mail{number % _DOMAINS}.test" for number in range(count)],
            address_key=held.address_key,
        )
        ids = [person.id for person in people]
    return [sign_off_url("", held.signer, list_id=made.list_id, subscriber_id=each) for each in ids]


def _must_be(found: Load, status: str) -> None:
    """AssertionError unless every answer has this status."""
    if set(found.statuses) != {status}:
        raise AssertionError(f"answers by status: {found.statuses}")


def _must_be_among(found: Load, statuses: set[str]) -> None:
    """AssertionError for an answer with another status."""
    if not set(found.statuses) <= statuses:
        raise AssertionError(f"answers by status: {found.statuses}")


def _must_have(made: Room, count: int) -> None:
    """AssertionError unless so many sign-ups have left all their rows."""
    with made.database.read() as session:
        found = {
            each.__tablename__: session.scalar(sa.select(sa.func.count()).select_from(each)) for each in _ROWS
        }
        buckets = session.scalar(sa.select(sa.func.count()).select_from(TokenBucket)) or 0
    found["token_buckets"] = (buckets - 1) // 2  # an address's, a network's; and everybody's
    if set(found.values()) != {count}:
        raise AssertionError(f"{count} sign-ups left {found}")


def _bare(made: Room) -> float:
    """The median seconds of a bare transaction that inserts what a sign-up leaves."""
    names = [each.__tablename__ for each in (*_ROWS, TokenBucket)]
    with made.database.write() as session:
        for name in names:
            session.execute(sa.text(f"CREATE TABLE bare_{name} AS SELECT * FROM {name} LIMIT 0"))
    inserts = [f"INSERT INTO bare_{name} SELECT * FROM {name} LIMIT 1" for name in names]
    words = ["BEGIN", *inserts, inserts[-1], "COMMIT"]  # two buckets
    pooled = made.database.engine.raw_connection()
    driver: Any = pooled.driver_connection
    if not made.database.is_sqlite:
        driver.autocommit = True  # ours is the BEGIN
    taken = sorted(seconds_of(lambda: [driver.execute(each) for each in words]) for _ in range(_BARE))
    pooled.invalidate()
    return percentile(taken, 0.5)
