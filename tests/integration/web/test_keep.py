"""The page that asks whether somebody still wants a list."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from digest import keys
from digest.db import Database
from digest.lists.permission import start_run
from digest.lists.permission_mail import ask_some
from digest.models import (
    ConsentEvent,
    MailingList,
    PermissionAsk,
    Subscriber,
    Subscription,
    SubscriptionStatus,
)
from digest.tokens import Claim, Purpose
from digest.web.app import create_app
from digest.web.deps import Services
from tests.factories.moments import NOW
from tests.integration.web.rows import Scene, make_scene, make_settings

YEAR = dt.timedelta(days=365)


class Asked:
    """A reader who was asked, and the page."""

    def __init__(self, database: Database, scene: Scene, client: TestClient, token: str) -> None:
        self.database, self.scene, self.client, self.path = database, scene, client, f"/k/{token}"

    def rows(self) -> tuple[object, ...]:
        """What an answer would change."""
        with self.database.read() as session:
            person = session.get_one(Subscriber, self.scene.subscriber_id)
            answered = session.scalars(sa.select(PermissionAsk.answered_at)).all()
            events = session.scalar(sa.select(sa.func.count(ConsentEvent.id)))
            return person.last_sign_of_life_at, answered, events


@pytest.fixture(params=["en", "hy"])
def asked(request: pytest.FixtureRequest, database: Database, tmp_path: Path) -> Asked:
    settings = make_settings(tmp_path, str(database.engine.url))
    made = keys.load(settings.secrets_folder)
    scene = make_scene(database, settings, language=request.param)
    with database.write() as session:
        session.execute(sa.update(Subscription).values(created_at=NOW - 2 * YEAR))
        readers = session.get_one(MailingList, scene.list_id)
        start_run(session, readers, silent_for=YEAR, answer_within=YEAR, actor="test", now=NOW)
    with database.write() as session:
        assert ask_some(session, made.signer, "https://mail.test", templates=None, now=NOW) == 1
    app = create_app(settings, services=Services(settings, database, made))
    app.state.services = Services(settings, database, made)
    token = made.signer.sign(Claim(Purpose.KEEP, scene.list_id, scene.subscriber_id))
    return Asked(database, scene, TestClient(app), token)


def test_looking_changes_nothing(asked: Asked) -> None:
    """However often a scanner opens it; the page has one button and the way out."""
    before = asked.rows()
    for method in ("GET", "HEAD", "GET"):
        assert asked.client.request(method, asked.path).status_code == 200
    page = asked.client.get(asked.path).text
    assert page.count("<button") == 1
    assert f'action="{asked.path}"' in page
    assert 'href="/u/' in page
    assert asked.rows() == before


def test_the_button_keeps_once(asked: Asked) -> None:
    """An answer, a sign of life, one event; pressed again, the page is the same."""
    first, second = asked.client.post(asked.path), asked.client.post(asked.path)
    assert first.status_code == second.status_code == 200
    assert first.text == second.text == asked.client.get(asked.path).text
    alive, answered, events = asked.rows()
    assert alive is not None
    assert answered != [None]
    assert events == 2


def test_who_has_left_is_told_so(asked: Asked) -> None:
    """A late answer revives nobody."""
    with asked.database.write() as session:
        session.execute(sa.update(Subscription).values(status=SubscriptionStatus.ENDED))
    before = asked.rows()
    assert asked.client.get(asked.path).text == asked.client.post(asked.path).text
    assert "<form" not in asked.client.get(asked.path).text
    assert asked.rows() == before


def test_other_links_are_refused(asked: Asked) -> None:
    """A sign-off link, a cut one, a changed one: one answer for all."""
    texts = set()
    changed = asked.path[:-9] + ("A" if asked.path[-9] != "A" else "B") + asked.path[-8:]
    for path in (f"/k/{asked.scene.token}", asked.path[:-1], changed, "/k/x"):
        for answer in (asked.client.get(path), asked.client.post(path)):
            assert answer.status_code == 404
            texts.add(answer.text)
    assert len(texts) == 1
