"""Whoever only looks changes nothing: every link of many mails, opened as scanners open them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.testclient import TestClient

from digest.config import Settings
from digest.db import Database
from digest.models import LinkCount, Subscriber
from digest.notices.staff import FIRST_COPY, PROOF
from digest.rendering.notices import NoticeKind
from tests.integration.planned import PUBLIC_URL
from tests.integration.web.doors import routes_of
from tests.integration.web.mailing import Mailing, mail_everything
from tests.integration.web.rows import Scene, make_settings
from tests.integration.web.scanner import Answer, crawl, links_in_mail, watched

PEOPLE = {"sqlite": 70, "postgresql": 70}  # each of whom gets a mail
DOMAIN = "@mail.test"  # everybody's
COUNTED = "/l/{code}"
# What is not there, or not any more, once all mails have arrived; in both languages each.
CLOSED = {
    ("/u/{token}", 404): 1,  # in the staff's copies: "leads nowhere"
    ("/u/{token}/page", 404): 1,
    ("/e/{public_id}", 404): 2,  # the web page of a first copy: not out yet
    # Used: three of the people who moved or began to, one of who was erased.
    ("/f/{kind}/{token}", 410): 8,
}


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """An installation that the mails' links lead to."""
    return make_settings(tmp_path / "data", database_url, public_url=PUBLIC_URL)


@pytest.mark.both_databases
def test_opening_every_link_of_every_mail_changes_nothing(
    database: Database, settings: Settings, app: FastAPI, client: TestClient
) -> None:
    """By GET and HEAD, as if loaded ahead, and on from there: no row, statement or hint but counts.

    Here of a hundred and forty mails.
    """
    _open_every_link(database, settings, app, client, people=PEOPLE[database.engine.dialect.name])


@pytest.mark.slow  # the run has a few of them
def test_opening_every_link_of_a_thousand_mails_changes_nothing(
    database: Database, settings: Settings, app: FastAPI, client: TestClient
) -> None:
    """The same of a thousand on each database."""
    _open_every_link(database, settings, app, client, people=1000)


def _open_every_link(
    database: Database, settings: Settings, app: FastAPI, client: TestClient, *, people: int
) -> None:
    mailing = mail_everything(database, settings, client, people)
    urls = all_links(mailing, people)
    with watched(database) as witness:
        answers = crawl(app, urls, origin=PUBLIC_URL)
        assert app.state.services.counts.flush()
        assert witness.changes() == []
    followed = [answer for answer in answers if answer.route == COUNTED]
    assert {answer.status for answer in followed} == {302}
    assert counted(database) == (0, len(followed))  # nobody has read a story: all were robots, or too quick
    for method in ("GET", "HEAD"):
        mine = [answer for answer in answers if answer.ask.method == method]
        assert {answer.ask.url for answer in mine} >= {url for url in urls if url.startswith(PUBLIC_URL)}
        closed = Counter((each.route, each.status) for each in mine if each.status not in {200, 302})
        assert closed == CLOSED
    shown = {answer.route for answer in answers if answer.status == 200}
    assert shown >= {path for path, _ in routes_of(app) if "{token}" in path}
    assert shown >= {"/e/{public_id}", ""}  # and the files of the pages
    addresses = mailing.addresses()
    assert all(each.endswith(DOMAIN) for each in addresses)
    secrets = [each.encode() for each in addresses]
    assert not [answer for answer in answers if gives_away(answer, secrets)]


def all_links(mailing: Mailing, people: int) -> set[str]:
    """Every address in every mail, of which each reader's edition has at least its own two."""
    assert len(mailing.editions) == people
    assert mailing.kinds() == {*(kind.value for kind in NoticeKind), FIRST_COPY, PROOF}
    found = [links_in_mail(raw) for raw in mailing.editions + mailing.singles]
    own = [{url for url in each if url.startswith(f"{PUBLIC_URL}/u/")} for each in found[:people]]
    assert {len(each) for each in own} == {2}
    assert len(set().union(*own)) == 2 * people
    assert all("https://courier.example/" in each for each in found[:people])  # of List-Help
    return set().union(*found)


def counted(database: Database) -> tuple[int, int]:
    """How often links were followed, by people and by bots."""
    with database.read() as session:
        sums = sa.select(sa.func.sum(LinkCount.people), sa.func.sum(LinkCount.bots))
        people, bots = session.execute(sums).one()
    return int(people), int(bots)


def gives_away(answer: Answer, secrets: list[bytes]) -> bool:
    """Whether an answer sets a cookie, sends to no story, or holds anybody's address or name."""
    if "set-cookie" in answer.headers:
        return True
    if "location" in answer.headers and not (
        answer.route == COUNTED and answer.headers["location"].startswith("https://courier.example/")
    ):
        return True
    if b"Hara" in answer.body:
        return True
    # Most pages name no address at all, so that not each of them is looked for.
    return DOMAIN.encode() in answer.body and any(each in answer.body for each in secrets)


def test_the_witness_sees_what_is_done_and_what_is_undone(
    database: Database, client: TestClient, scene: Scene
) -> None:
    """A press shows in the rows; what was written and taken back shows in the statements."""
    with watched(database) as witness:
        client.get(f"/u/{scene.token}")
        assert witness.changes() == []
        client.post(f"/u/{scene.token}")
        assert {"subscriptions", "consent_events", "notices"} <= set(witness.changes())
    with watched(database) as witness:
        with database.write() as session:
            person = session.get_one(Subscriber, scene.subscriber_id)
            person.name = "Somebody else"
            session.flush()
            person.name = ""
        (first, second) = witness.changes()
        assert first.startswith("UPDATE")
        assert second.startswith("UPDATE")
