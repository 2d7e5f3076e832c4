"""Choices of the reader's page that must not be lost: all of the topics there are, and a language's undo."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from lxml import html as lxml_html

from digest import clock, keys
from digest.config import Settings
from digest.db import Database
from digest.lists import topics
from digest.lists.queries import subscription_of
from digest.lists.status import Origin
from digest.lists.subscribe import end, pause
from digest.models import Digest, MailingList, Subscriber, Subscription, SubscriptionStatus, Topic
from digest.tokens import Claim, Purpose
from tests.factories import make_cadence, make_digest, make_list, make_subscription
from tests.factories.moments import NOW
from tests.integration.web.rows import Scene

ACTIVE, PAUSED, ENDED = SubscriptionStatus.ACTIVE, SubscriptionStatus.PAUSED, SubscriptionStatus.ENDED


class Hands:
    """Presses what a page shows, as a browser would post it."""

    def __init__(self, client: TestClient, database: Database, scene: Scene) -> None:
        self.client, self.database, self.scene = client, database, scene
        self.page = client.get(f"/u/{scene.token}/page").text

    def press(self, do: str, value: str = "", boxes: Mapping[str, bool] | None = None) -> None:
        """Send the form of `do` as it stands, but for the boxes that are named."""
        root = lxml_html.document_fromstring(self.page)
        which = f"//form[not(ancestor::div[@role='status'])][input[@name='do' and @value='{do}']"
        which += f" and input[@name='value' and @value='{value}']]" if value else "]"
        self._send(root.xpath(which)[0], boxes or {})

    def undo(self) -> None:
        (form,) = lxml_html.document_fromstring(self.page).xpath("//div[@role='status']//form")
        self._send(form, {})

    def _send(self, form: lxml_html.HtmlElement, boxes: Mapping[str, bool]) -> None:
        fields = {}
        for field in form.iter("input"):
            name = field.get("name", "")
            if field.get("type") != "checkbox" or boxes.get(name, field.get("checked") is not None):
                fields[name] = field.get("value", "")
        answer = self.client.post(form.get("action", ""), data=fields)
        assert answer.status_code == 303
        self.page = self.client.get(answer.headers["location"]).text

    def row(self, list_id: int | None = None) -> Subscription:
        with self.database.read() as session:
            found = subscription_of(
                session, list_id=list_id or self.scene.list_id, subscriber_id=self.scene.subscriber_id
            )
            assert found is not None
            return found


@pytest.fixture
def hands(client: TestClient, database: Database, scene: Scene) -> Hands:
    """A reader of a digest that has as many topics as it can, with large numbers; half are chosen."""
    with database.write() as session:
        digest = session.get_one(Digest, session.get_one(MailingList, scene.list_id).digest_id)
        for place in range(topics.MOST):
            name = f"topic-{place}"
            session.add(
                Topic(
                    id=10**16 + place,
                    digest_id=digest.id,
                    name=name,
                    title=name,
                    position=place,
                    created_at=NOW,
                )
            )
        session.get_one(Subscription, scene.subscription_id).topics = [
            f"topic-{place}" for place in range(1, topics.MOST)
        ]
    return Hands(client, database, scene)


def test_every_topic_is_shown_and_kept(hands: Hands) -> None:
    """With as many as there can be: one box more or less changes that one, and the undo has all of them."""
    all_but = [f"topic-{place}" for place in range(1, topics.MOST)]
    hands.press("topics", boxes={f"topic-{10**16 + 5}": False})
    assert hands.row().topics == [name for name in all_but if name != "topic-5"]
    hands.undo()
    assert hands.row().topics == all_but
    hands.press("topics", boxes={f"topic-{10**16}": True})
    assert hands.row().topics == []  # all of them, so everything comes
    hands.undo()
    assert hands.row().topics == all_but


def test_a_form_with_more_than_any_of_the_page_changes_nothing(hands: Hands) -> None:
    """It has not come from there."""
    fields = {"do": "topics", "value": "", **{f"topic-{place}": "1" for place in range(topics.MOST + 1)}}
    answer = hands.client.post(f"/u/{hands.scene.token}/page", data=fields)
    assert answer.headers["location"].endswith("?done=not_possible")
    assert len(hands.row().topics) == topics.MOST - 1


def sister_of(hands: Hands, *, is_open: bool = True) -> int:
    """A list of the same paper in another language."""
    with hands.database.write() as session:
        digest = session.get_one(Digest, session.get_one(MailingList, hands.scene.list_id).digest_id)
        digest.sister_group = "paper"
        armenian = make_digest(session, sister_group="paper", language="hy")
        make_cadence(session, armenian)
        there = make_list(session, armenian, "namakner")
        there.is_open = is_open
        return there.id


def test_a_language_is_taken_back_with_the_pause_and_the_topics(hands: Hands) -> None:
    """By the button beside the words; the page is then the one of before."""
    there = sister_of(hands)
    until = clock.utc_now() + dt.timedelta(days=20)
    with hands.database.write() as session:
        row = session.get_one(Subscription, hands.scene.subscription_id)
        pause(session, row, source=Origin.PREFERENCES, actor="", now=clock.utc_now(), until=until)
    before = hands.row()
    hands.page = hands.client.get(f"/u/{hands.scene.token}/page").text
    hands.press("language", str(there))
    assert '<html lang="hy"' in hands.page
    assert (hands.row().status, hands.row(there).status) == (ENDED, PAUSED)
    assert hands.row(there).paused_until == until
    hands.undo()
    assert '<html lang="en"' in hands.page
    after = hands.row()
    assert (after.status, after.paused_until, after.topics) == (PAUSED, until, before.topics)
    assert hands.row(there).status is ENDED


@pytest.mark.parametrize("do", ["join", "language"])
def test_no_button_overrules_a_clerk_who_ended_a_closed_list(hands: Hands, do: str) -> None:
    """A guessed number of a closed sister list, that this person was on, does what any number does."""
    there = sister_of(hands, is_open=False)
    with hands.database.write() as session:
        person = session.get_one(Subscriber, hands.scene.subscriber_id)
        other = make_subscription(session, session.get_one(MailingList, there), person)
        end(session, other, source=Origin.CLI, now=NOW, reason="not a member any more")
    answer = hands.client.post(f"/u/{hands.scene.token}/page", data={"do": do, "value": str(there)})
    assert answer.headers["location"].endswith("?done=not_possible")
    assert (hands.row().status, hands.row(there).status) == (ACTIVE, ENDED)


def test_an_address_bar_written_by_hand_does_not_tell_of_closed_lists(
    hands: Hands, settings: Settings
) -> None:
    """Nor of lists that the reader has not come from: no undo stands there."""
    there = sister_of(hands, is_open=False)
    with hands.database.write() as session:
        person = session.get_one(Subscriber, hands.scene.subscriber_id)
        other = make_subscription(session, session.get_one(MailingList, there), person)
        end(session, other, source=Origin.PREFERENCES, now=clock.utc_now(), reason="left")
    for code in ("left", "language"):
        page = hands.client.get(f"/u/{hands.scene.token}/page", params={"done": code, "was": str(there)})
        assert "/undo/" not in page.text
    signer = keys.load(settings.secrets_folder).signer
    own = signer.sign(Claim(Purpose.UNSUBSCRIBE, there, hands.scene.subscriber_id))
    assert "/undo/" in hands.client.get(f"/u/{own}/page").text
    with hands.database.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Subscription)) == 2
