"""Signing off by the link of a mail: by one click of the mail service, and by the page's button."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Mapping
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from digest import keys
from digest.config import Settings
from digest.db import Base, Database
from digest.lists import consent
from digest.lists.erase import erase_subscriber
from digest.lists.status import Origin
from digest.models import ConsentEvent, Subscriber, Subscription, SubscriptionStatus
from digest.tokens import Claim, Purpose
from digest.web.app import create_app
from tests.factories import make_digest, make_list, make_subscription
from tests.factories.moments import NOW
from tests.integration.web.rows import Scene, make_scene

ONE_CLICK = {"List-Unsubscribe": "One-Click"}
ACTIVE, ENDED = SubscriptionStatus.ACTIVE, SubscriptionStatus.ENDED


def status_of(database: Database, scene: Scene) -> SubscriptionStatus:
    with database.read() as session:
        return session.get_one(Subscription, scene.subscription_id).status


def everything(database: Database, *, but: str = "") -> list[Any]:
    """Every row of every table, `but` those of one."""
    tables = [table for table in Base.metadata.sorted_tables if table.name != but]
    with database.read() as session:
        return [session.execute(sa.select(table)).all() for table in tables]


def test_asking_changes_nothing(client: TestClient, database: Database, scene: Scene) -> None:
    """GET and HEAD, by whatever scanner and however often, leave every row as it was."""
    before = everything(database)
    for _ in range(20):
        assert client.get(f"/u/{scene.token}").status_code == 200
        assert client.head(f"/u/{scene.token}").status_code == 200
    assert client.get(f"/u/{scene.token}?List-Unsubscribe=One-Click").status_code == 200
    assert everything(database) == before


def test_other_methods_are_refused(client: TestClient, database: Database, scene: Scene) -> None:
    """Only GET, HEAD and POST mean something here."""
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "UNSUBSCRIBE"):
        answer = client.request(method, f"/u/{scene.token}")
        assert answer.status_code == 405
        assert "text/html" in answer.headers["content-type"]
    assert status_of(database, scene) is ACTIVE


@pytest.mark.parametrize(
    "body",
    [{"data": ONE_CLICK}, {"files": {"List-Unsubscribe": (None, "One-Click")}}],
    ids=["form", "multipart"],
)
def test_one_click_signs_off(
    client: TestClient, database: Database, scene: Scene, body: Mapping[str, Any]
) -> None:
    """RFC 8058: one POST in either encoding, answered 200 by a few plain bytes, and it is done."""
    answer = client.post(f"/u/{scene.token}", **body)
    assert (answer.status_code, answer.text) == (200, "Unsubscribed.\n")
    assert answer.headers["content-type"].startswith("text/plain")
    assert "set-cookie" not in answer.headers
    assert status_of(database, scene) is ENDED
    with database.read() as session:
        last = session.scalars(sa.select(ConsentEvent).order_by(ConsentEvent.number.desc())).first()
        assert last is not None
        assert (last.action, last.source) == ("end", Origin.ONE_CLICK)


def test_the_button_answers_with_a_page(client: TestClient, database: Database, scene: Scene) -> None:
    """Our own form has no fields; the answer is a page, at once, and the proof says where it came from."""
    answer = client.post(f"/u/{scene.token}")
    assert answer.status_code == 200
    assert "You have left The Morning Post-Bag" in answer.text
    with database.read() as session:
        sources = session.scalars(sa.select(ConsentEvent.source).order_by(ConsentEvent.number)).all()
    assert sources[-1] == Origin.PREFERENCES
    assert status_of(database, scene) is ENDED


def test_again_is_the_same_and_changes_nothing(client: TestClient, database: Database, scene: Scene) -> None:
    """A repeated one-click is 200, and writes no second event."""
    first = client.post(f"/u/{scene.token}", data=ONE_CLICK)
    before = everything(database)
    again = client.post(f"/u/{scene.token}", data=ONE_CLICK)
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert client.get(f"/u/{scene.token}").status_code == 200
    assert everything(database) == before


def test_a_hundred_at_once_are_one(client: TestClient, database: Database, scene: Scene) -> None:
    """However many posts come at the same time: all 200, one event, a chain that verifies."""
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        posts = [pool.submit(client.post, f"/u/{scene.token}", data=ONE_CLICK) for _ in range(100)]
        assert {post.result().status_code for post in posts} == {200}
    with database.read() as session:
        actions = session.scalars(sa.select(ConsentEvent.action).order_by(ConsentEvent.number)).all()
        assert actions == ["sign_up", "end"]
        assert consent.verify(session, scene.subscription_id) == []


def test_an_erased_person_is_answered_like_anyone(
    client: TestClient, database: Database, scene: Scene
) -> None:
    """The link of somebody who was erased: 200 by every way, and nothing is said of the person."""
    with database.write() as session:
        person = session.get_one(Subscriber, scene.subscriber_id)
        address = person.address or ""
        erase_subscriber(session, person, source=Origin.CLI, now=NOW)
    answers = [
        client.get(f"/u/{scene.token}"),
        client.post(f"/u/{scene.token}", data=ONE_CLICK),
        client.post(f"/u/{scene.token}"),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert not [answer for answer in answers if address in answer.text]


def test_a_link_whose_subscription_is_gone_is_obeyed(
    client: TestClient, settings: Settings, scene: Scene
) -> None:
    """After a backup was put back, a later reader's link still ends as the reader wants."""
    signer = keys.load(settings.secrets_folder).signer
    for list_id in (scene.list_id, 999):
        token = signer.sign(Claim(Purpose.UNSUBSCRIBE, list_id, 999))
        assert client.post(f"/u/{token}", data=ONE_CLICK).status_code == 200
    token = signer.sign(Claim(Purpose.UNSUBSCRIBE, scene.list_id, 999))
    for answer in (client.get(f"/u/{token}"), client.post(f"/u/{token}")):
        assert answer.status_code == 200
        assert "You have left The Morning Post-Bag" in answer.text


def test_a_link_works_after_the_keys_were_rotated(
    settings: Settings, database: Database, scene: Scene
) -> None:
    """A mail of long ago, signed by an old key, still signs off."""
    for _ in range(3):
        keys.rotate(settings.secrets_folder)
    with TestClient(create_app(settings)) as client:
        assert client.post(f"/u/{scene.token}", data=ONE_CLICK).status_code == 200
    assert status_of(database, scene) is ENDED


def test_other_links_are_not_valid(
    client: TestClient, settings: Settings, database: Database, scene: Scene
) -> None:
    """Cut, changed, for another purpose, of foreign keys, or no token at all: one and the same 404."""
    signer = keys.load(settings.secrets_folder).signer
    flipped = scene.token[:20] + ("A" if scene.token[20] != "A" else "B") + scene.token[21:]
    confirm = signer.sign(Claim(Purpose.CONFIRM, scene.list_id, scene.subscriber_id))
    bad = [scene.token[:-1], scene.token + "A", scene.token.swapcase(), flipped, confirm, "1", "%00"]
    bad += ["é" * 42, "A" * 42]
    answers = [client.get(f"/u/{token}") for token in bad]
    answers += [client.post(f"/u/{token}", data=ONE_CLICK) for token in bad]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    assert "This link does not work" in answers[0].text
    assert status_of(database, scene) is ACTIVE


def test_changed_tokens_are_refused_by_the_door(client: TestClient, database: Database, scene: Scene) -> None:
    """Each single changed character, as a GET and as a POST."""
    before = everything(database)
    for place in range(len(scene.token)):
        letter = "A" if scene.token[place] != "A" else "_"
        changed = scene.token[:place] + letter + scene.token[place + 1 :]
        assert client.get(f"/u/{changed}").status_code == 404
        assert client.post(f"/u/{changed}", data=ONE_CLICK).status_code == 404
    assert everything(database) == before


def test_one_list_s_link_leaves_the_other_alone(
    client: TestClient, database: Database, settings: Settings, scene: Scene
) -> None:
    """Who is on two lists leaves the one whose mail it was."""
    with database.write() as session:
        other = make_list(session, make_digest(session))
        person = session.get_one(Subscriber, scene.subscriber_id)
        other_id = make_subscription(session, other, person).id
    client.post(f"/u/{scene.token}", data=ONE_CLICK)
    with database.read() as session:
        assert session.get_one(Subscription, other_id).status is ACTIVE
    assert status_of(database, scene) is ENDED


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"List-Unsubscribe=\xff%%%\x00", "application/x-www-form-urlencoded"),
        (b"--x\r\n\r\nno name\r\n--x--", "multipart/form-data; boundary=x"),
    ],
    ids=["form", "multipart"],
)
def test_an_odd_body_is_obeyed_as_a_press_of_the_button(
    client: TestClient, database: Database, scene: Scene, content: bytes, kind: str
) -> None:
    """The token says what is wanted; a body that cannot be read costs no one the way out."""
    answer = client.post(f"/u/{scene.token}", content=content, headers={"Content-Type": kind})
    assert answer.status_code == 200
    assert status_of(database, scene) is ENDED


def test_a_large_body_is_refused(client: TestClient, database: Database, scene: Scene) -> None:
    """More than 4 kB is 413, whether its length was said before or not."""
    head = {"Content-Type": "application/x-www-form-urlencoded"}
    said = client.post(f"/u/{scene.token}", content=b"a" * 4097, headers=head)
    unsaid = client.post(f"/u/{scene.token}", content=iter([b"a" * 2048] * 3), headers=head)
    assert (said.status_code, unsaid.status_code) == (413, 413)
    assert "This did not work" in said.text
    assert status_of(database, scene) is ACTIVE
    assert client.post(f"/u/{scene.token}", content=b"a" * 4096, headers=head).status_code == 200


def test_the_pages_speak_the_digest_s_language(
    client: TestClient, database: Database, settings: Settings
) -> None:
    """An Armenian digest's link opens Armenian pages, whatever the browser asks for."""
    armenian = make_scene(database, settings, language="hy")
    head = {"Accept-Language": "en"}
    assert '<html lang="hy"' in client.get(f"/u/{armenian.token}", headers=head).text
    assert '<html lang="hy"' in client.post(f"/u/{armenian.token}", headers=head).text
