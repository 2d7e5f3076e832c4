"""A reader's hands: presses the buttons of the page, opens the links of mails, and reads what they say."""

from __future__ import annotations

import email
import email.policy
from urllib.parse import urlsplit

import sqlalchemy as sa
from fastapi.testclient import TestClient
from lxml import html as lxml_html

from digest import clock, keys
from digest.config import Settings
from digest.db import Database
from digest.lists import consent
from digest.lists.fresh_links import FreshKind, fresh_path, make_fresh_link
from digest.models import ConsentEvent, Digest, MailingList, Notice, Subscriber, Subscription, Topic
from tests.factories import make_cadence, make_digest, make_list
from tests.factories.moments import NOW
from tests.integration.web.rows import Scene


def mailed_path(message: bytes, part: str) -> str:
    """The path of the link in a mail that has `part` in it."""
    body = email.message_from_bytes(message, policy=email.policy.default).get_body(("plain",))
    assert body is not None
    return next(urlsplit(line).path for line in body.get_content().splitlines() if part in line)


class Reader:
    """A reader's hands: presses buttons and reads what the page says."""

    def __init__(self, client: TestClient, database: Database, settings: Settings, scene: Scene) -> None:
        self.client, self.database, self.scene = client, database, scene
        self.signer = keys.load(settings.secrets_folder).signer
        self.page = f"/u/{scene.token}/page"

    def press(self, do: str, value: object = "", **fields: str) -> str:
        """Post a form; the text of the page that it leads to."""
        answer = self.client.post(self.page, data={"do": do, "value": str(value), **fields})
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/u/")
        return self.client.get(answer.headers["location"]).text

    def undo(self, page: str) -> str:
        """Press "Undo" on a page; the page that it leads to."""
        (form,) = lxml_html.document_fromstring(page).xpath("//div[@role='status']//form")
        fields = {each.get("name"): each.get("value") for each in form.iter("input")}
        answer = self.client.post(form.get("action"), data=fields)
        assert answer.status_code == 303
        return self.client.get(answer.headers["location"]).text

    def row(self) -> Subscription:
        with self.database.read() as session:
            return session.get_one(Subscription, self.scene.subscription_id)

    def person(self) -> Subscriber:
        with self.database.read() as session:
            return session.get_one(Subscriber, self.scene.subscriber_id)

    def actions(self) -> list[str]:
        """What the chain says, after it was verified."""
        with self.database.read() as session:
            assert [found for _, bad in consent.verify_all(session) for found in bad] == []
            query = sa.select(ConsentEvent.action).where(
                ConsentEvent.subscription_id == self.scene.subscription_id
            )
            return list(session.scalars(query.order_by(ConsentEvent.number)))

    def mails(self) -> list[Notice]:
        with self.database.read() as session:
            return list(session.scalars(sa.select(Notice).order_by(Notice.id)))

    def mailed_path(self) -> str:
        """The link of the newest mail that was asked for, on our own site."""
        return mailed_path(self.mails()[-1].message, "/f/")

    def fresh(self, kind: FreshKind, **details: str) -> str:
        """The path of a fresh link."""
        with self.database.write() as session:
            link = make_fresh_link(
                session, self.scene.subscriber_id, kind, now=clock.utc_now(), details=details
            )
            return fresh_path(self.signer, link, list_id=self.scene.list_id)


def make_reader(client: TestClient, database: Database, settings: Settings, scene: Scene) -> Reader:
    """A reader of a digest with a daily and a weekly cadence, two topics, a sister and one more list."""
    with database.write() as session:
        digest = session.get_one(Digest, session.get_one(MailingList, scene.list_id).digest_id)
        digest.sister_group = "paper"
        make_cadence(session, digest, "sunday", cron="0 9 * * 0")
        for place, name in enumerate(("arts", "sport")):
            session.add(Topic(digest_id=digest.id, name=name, title=name, position=place, created_at=NOW))
        make_list(session, digest, "letters", title="Letters").is_open = True
        armenian = make_digest(session, sister_group="paper", language="hy")
        make_cadence(session, armenian)
        make_list(session, armenian, "namakner", title="Նամակներ").is_open = True
    return Reader(client, database, settings, scene)


def list_id(reader: Reader, name: str) -> int:
    with reader.database.read() as session:
        return session.scalars(sa.select(MailingList.id).where(MailingList.name == name)).one()


def sunday(reader: Reader) -> int:
    page = lxml_html.document_fromstring(reader.client.get(reader.page).text)
    values: list[str] = page.xpath("//input[@value='cadence']/following-sibling::input/@value")
    return int(values[1])
