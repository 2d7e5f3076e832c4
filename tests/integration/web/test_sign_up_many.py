"""Whoever types other people's addresses into the form, day by day: the whole way through the application.

The limits of an address, of a network and of everybody are in place as they are; the clock is moved.
"""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import pytest
import sqlalchemy as sa
from fastapi import FastAPI

from digest import clock, keys
from digest.config import Settings
from digest.db import Database
from digest.lists.manage import ListChanges, set_list
from digest.models import Notice
from digest.web.deps import Services
from tests.factories import make_digest, make_list
from tests.factories.moments import NOW
from tests.integration.planned import PUBLIC_URL
from tests.integration.web.scanner import Answer, Ask, ask_all

DAY = dt.timedelta(days=1)
ADDRESSES = [f"reader{number}@example.org" for number in range(9)]
_CHUNK = 500
_NETWORKS = 200


@dataclass(frozen=True, slots=True)
class Post:
    """One press of the button, by whomever."""

    at: dt.datetime
    address: str
    network: str


@pytest.fixture
def the_list(app: FastAPI, database: Database, settings: Settings) -> str:
    """Where its form posts to; the application is ready without a server."""
    app.state.services = Services(settings, database, keys.load(settings.secrets_folder))
    with database.write() as session:
        made = make_list(session, make_digest(session), "daily")
        set_list(made, ListChanges(is_open=True))
    return f"{PUBLIC_URL}/s/daily"


def spread(posts: int) -> list[Post]:
    """Over ninety days: each address at the very beginning, and then one or another, from anywhere."""
    chance = random.Random(20261123)
    moments = sorted(NOW + 90 * DAY * chance.random() for _ in range(posts - len(ADDRESSES)))
    who = [*ADDRESSES, *(chance.choice(ADDRESSES) for _ in moments)]
    return [
        Post(at, address, f"198.51.{chance.randrange(_NETWORKS)}.{chance.randrange(256)}")
        for at, address in zip([NOW] * len(ADDRESSES) + moments, who, strict=True)
    ]


def burst(day: int) -> list[Post]:
    """At one moment fifty from one network, each address in its turn, and one address from eight more."""
    at = NOW + day * DAY
    of_one = [Post(at, ADDRESSES[number % 9], f"203.0.113.{number}") for number in range(50)]
    return of_one + [Post(at, ADDRESSES[0], f"198.51.{number}.7") for number in range(8)]


def post_all(
    app: FastAPI, url: str, posts: Sequence[Post], monkeypatch: pytest.MonkeyPatch
) -> Counter[tuple[int, str, bytes]]:
    """How often which status came, with how long to wait and the page without what was typed."""
    present = NOW
    monkeypatch.setattr(clock, "utc_now", lambda: present)

    def asks(chunk: Iterable[Post]) -> Iterator[Ask]:
        nonlocal present
        for post in chunk:
            present = post.at
            yield Ask("POST", url, form={"address": post.address}, network=post.network)

    def told(answer: Answer) -> tuple[int, str, bytes]:
        page = answer.body.replace(answer.ask.form["address"].encode(), b"")
        return answer.status, answer.headers.get("retry-after", ""), page

    answers: Counter[tuple[int, str, bytes]] = Counter()
    for start in range(0, len(posts), _CHUNK):
        chunk = posts[start : start + _CHUNK]
        answers.update(told(each) for each in ask_all(app, asks(chunk), at_once=1))
    return answers


def mails(database: Database) -> list[dt.datetime]:
    """When each mail was asked for; there is no other kind than the one that asks to confirm."""
    with database.read() as session:
        found = session.execute(sa.select(Notice.kind, Notice.created_at)).all()
    assert {row.kind for row in found} == {"confirm"}
    return [row.created_at for row in found]


def cause_twenty_seven(
    app: FastAPI, database: Database, url: str, monkeypatch: pytest.MonkeyPatch, *, posts: int
) -> None:
    answers = post_all(app, url, spread(posts), monkeypatch)
    ((status, later, page),) = answers  # one answer for all
    assert (status, later, answers.total()) == (200, "", posts)
    assert b"Look into your mailbox" in page
    asked = mails(database)
    assert len(asked) == 27
    assert len([moment for moment in asked if moment < NOW + DAY]) == 9


def test_posts_over_nine_addresses_cause_twenty_seven_mails(
    app: FastAPI, database: Database, the_list: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """1,000 over ninety days: one answer to all, exactly 27 confirmations, 9 in the first 24 hours."""
    cause_twenty_seven(app, database, the_list, monkeypatch, posts=1_000)


@pytest.mark.slow  # the run has a fiftieth of them
def test_fifty_thousand_posts_cause_no_more(
    app: FastAPI, database: Database, the_list: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And 50,000, on either database."""
    cause_twenty_seven(app, database, the_list, monkeypatch, posts=50_000)


def test_posts_in_bursts_cause_no_more_and_are_told_to_wait_or_answered_alike(
    app: FastAPI, database: Database, the_list: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is above a network's thirty is to wait a minute; above an address's five it looks as if taken."""
    posts = [post for day in (0, 1, 2, 3, 45, 89) for post in burst(day)]
    answers = post_all(app, the_list, posts, monkeypatch)
    assert sorted(((status, later), count) for (status, later, _), count in answers.items()) == [
        ((200, ""), 6 * (30 + 8)),
        ((429, "60"), 6 * 20),
    ]
    asked = mails(database)
    assert len(asked) == 27
    assert len([moment for moment in asked if moment < NOW + DAY]) == 9
