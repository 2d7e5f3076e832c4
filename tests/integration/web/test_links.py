"""Counted links at the web: on to the story, counted, and at once where a person leads them."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.testclient import TestClient
from structlog.testing import capture_logs

from digest.db import Database
from digest.editions.links import keep_links
from digest.models import Link, LinkCount, LinkForm
from digest.web.deps import Services
from digest.web.link_counts import LinkCounts
from digest.web.link_memory import FRESH_SECONDS, MOST, LinkMemory
from tests.factories import make_cadence, make_digest
from tests.integration.web.rows import make_edition
from tests.servers.waiting import HANG

CODE, OTHER = "aaaabbbbccccdddd", "2345672345672345"
STORY = "https://courier.example/mill-bridge/?a=1&b=%20#end"
PERSON = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"}
NOW = dt.datetime(2026, 11, 23, 13, 59, 59, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine may take longer for a read than a reader is let wait for it."""
    monkeypatch.setattr("digest.web.link_memory._PATIENCE_SECONDS", HANG)


@pytest.fixture
def links(database: Database) -> Database:
    """An edition with two links."""
    make_links(database)
    return database


def make_links(database: Database) -> None:
    with database.write() as session:
        digest = make_digest(session, links=LinkForm.COUNTED)
        edition = make_edition(session, make_cadence(session, digest))
        keep_links(session, edition.id, {CODE: STORY, OTHER: "https://courier.example/choir/"})


def counts(database: Database) -> dict[str, tuple[int, int]]:
    """People and bots by code, over all hours."""
    with database.read() as session:
        rows = session.execute(
            sa.select(LinkCount.code, sa.func.sum(LinkCount.people), sa.func.sum(LinkCount.bots)).group_by(
                LinkCount.code
            )
        )
        return {code: (int(people), int(bots)) for code, people, bots in rows}


def lead(database: Database, target: str) -> None:
    with database.write() as session:
        session.execute(sa.update(Link).where(Link.code == CODE).values(target=target))


def test_a_link_leads_to_its_story(links: Database, client: TestClient) -> None:
    """By 302 that nobody may keep, with no cookie and no referrer; also by HEAD, and in capitals."""
    for answer in (
        client.get(f"/l/{CODE}", headers=PERSON),
        client.head(f"/l/{CODE}"),
        client.get(f"/l/{CODE.upper()}?fbclid=1", headers=PERSON),
    ):
        assert (answer.status_code, answer.headers["location"], answer.content) == (302, STORY, b"")
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-robots-tag"].startswith("noindex")
        assert "set-cookie" not in answer.headers
    assert client.post(f"/l/{CODE}").status_code == 405


def test_an_unknown_link_is_a_page_that_says_so(links: Database, client: TestClient) -> None:
    """Whatever stands in the address: 404, from both databases, and nothing is counted."""
    names = [
        "",
        "a",
        CODE[:-1],
        f"{CODE}a",
        "aaaabbbbccccdde1",
        "bbbbbbbbbbbbbbbb",
        "%00",
        "%ff",
        "a%2Fb",
        "´" * 16,
    ]
    for name in names:
        assert client.get(f"/l/{name}", headers=PERSON).status_code == 404, name
    assert "<h1" in client.get("/l/bbbbbbbbbbbbbbbb").text
    services_of(client).counts.flush()
    assert counts(links) == {}


def test_no_target_can_split_the_answer(links: Database, client: TestClient) -> None:
    """Whatever came into the table by whatever way: one header, escaped."""
    lead(links, 'https://courier.example/a\r\nSet-Cookie: a=b\u2028ճ"<>')
    answer = client.get(f"/l/{CODE}", headers=PERSON)
    assert answer.headers["location"] == (
        "https://courier.example/a%0D%0ASet-Cookie:%20a=b%E2%80%A8%D5%B3%22%3C%3E"
    )
    assert "set-cookie" not in answer.headers


def test_visits_are_counted_without_a_name(links: Database, client: TestClient) -> None:
    """People and bots by rule apart; not while they ask, and at the end of the process at the latest."""
    for _ in range(3):
        client.get(f"/l/{CODE}", headers=PERSON)
    client.head(f"/l/{CODE}", headers=PERSON)
    client.get(f"/l/{OTHER}", headers={"User-Agent": "LinkScanner/2.0"})
    client.get(f"/l/{OTHER}", headers={**PERSON, "Sec-Purpose": "prefetch"})
    client.__exit__()
    assert counts(links) == {CODE: (3, 1), OTHER: (0, 2)}
    with links.read() as session:
        (row, *_) = session.execute(sa.select(LinkCount.__table__)).all()
    assert set(row._mapping) == {"code", "hour", "people", "bots"}


def test_processes_count_together(links: Database) -> None:
    """Each adds to what is there, in whatever order; a round is written by itself soon."""
    processes = [LinkCounts(links, every=0.01), LinkCounts(links, every=60)]
    for number in range(20):
        note(processes[number % 2], number)
    for each in processes:
        each.close()
    assert counts(links) == {CODE: (20, 0)}
    note(processes[1], 1)  # after the end: kept for a flush, no thread is begun
    assert processes[1].flush()
    assert counts(links) == {CODE: (21, 0)}


def note(counts: LinkCounts, number: int) -> None:
    headers = {name.lower(): value for name, value in PERSON.items()}
    counts.note(CODE, method="GET", headers=headers, network=f"192.0.2.{number}", now=NOW)


@pytest.fixture
def own(tmp_path: Path, sqlite_template: Path) -> Iterator[Database]:
    """A database that a test may take away."""
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "digest.db").write_bytes(sqlite_template.read_bytes())
    database = Database(f"sqlite:///{folder}/digest.db")
    make_links(database)
    yield database
    database.close()


def move(database: Database, *, away: bool) -> None:
    """Take the database's folder away, or bring it back."""
    database.close()
    folder = Path(str(database.engine.url.database)).parent
    gone = folder.with_name("gone")
    (folder if away else gone).rename(gone if away else folder)


def test_counts_wait_for_a_database_that_is_away(own: Database) -> None:
    """None is lost and none written twice; the log tells once, and of nobody."""
    kept = LinkCounts(own, every=60)
    move(own, away=True)
    with capture_logs() as said:
        for number in range(3):
            note(kept, number)
            assert not kept.flush()
    assert [one["log_level"] for one in said] == ["warning"]
    assert "192.0.2" not in str(said)
    move(own, away=False)
    note(kept, 9)
    kept.close()
    assert counts(own) == {CODE: (4, 0)}


class Moment:
    """A clock in a test's hand."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_link_that_is_led_elsewhere_leads_there_within_seconds(links: Database) -> None:
    """Until then it is served without a question to the database, however many ask."""
    moment, asked = Moment(), []
    sa.event.listen(links.engine, "before_cursor_execute", lambda *args: asked.append(args[2]))
    memory = LinkMemory(links, moment=moment)

    async def targets(count: int = 1) -> set[str | None]:
        return set(await asyncio.gather(*(memory.target(CODE) for _ in range(count))))

    assert asyncio.run(targets(100)) == {STORY}
    assert len([text for text in asked if text.startswith("SELECT")]) == 1
    lead(links, "https://courier.example/new/")
    moment.now += FRESH_SECONDS - 0.01
    assert asyncio.run(targets()) == {STORY}
    moment.now += 0.01
    assert asyncio.run(targets(100)) == {"https://courier.example/new/"}
    assert len([text for text in asked if text.startswith("SELECT")]) == 2
    with links.write() as session:
        session.execute(sa.delete(Link))
    moment.now += FRESH_SECONDS
    assert asyncio.run(targets()) == {None}


def test_a_known_link_works_without_a_database(own: Database) -> None:
    """From memory, however old; one that was not asked for lately is a fault, not a wrong address."""
    moment = Moment()
    memory = LinkMemory(own, moment=moment)
    assert asyncio.run(memory.target(CODE)) == STORY
    move(own, away=True)
    with capture_logs() as said:
        for _ in range(3):
            moment.now += 1000
            assert asyncio.run(memory.target(CODE)) == STORY
        asyncio.run(memory.target(CODE))  # it rests: no question, no log
    assert len(said) == 3
    with pytest.raises(sa.exc.OperationalError):
        asyncio.run(memory.target(OTHER))
    move(own, away=False)
    lead(own, "https://courier.example/new/")
    moment.now += 1000
    assert asyncio.run(memory.target(CODE)) == "https://courier.example/new/"


def test_only_so_many_links_are_remembered(own: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever opens all links of ten years makes no process grow."""
    assert MOST <= 10_000
    monkeypatch.setattr("digest.web.link_memory.MOST", 1)
    memory = LinkMemory(own, moment=Moment())
    asyncio.run(memory.target(CODE))
    asyncio.run(memory.target(OTHER))
    move(own, away=True)
    assert asyncio.run(memory.target(OTHER)) == "https://courier.example/choir/"
    with pytest.raises(sa.exc.OperationalError):
        asyncio.run(memory.target(CODE))


def services_of(client: TestClient) -> Services:
    app = client.app
    assert isinstance(app, FastAPI)
    found: Services = app.state.services
    return found
