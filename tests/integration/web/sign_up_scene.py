"""The lists that people sign up to, and what stands in the rows and mails after it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.policy import default
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.testclient import TestClient

from digest.db import Database
from digest.lists.manage import ListChanges, set_list
from digest.lists.topics import add_topic
from digest.models import (
    MailingList,
    Notice,
    Subscription,
    SubscriptionStatus,
)
from tests.factories import make_cadence, make_digest, make_list
from tests.factories.moments import NOW

SITE = "https://www.courier.example"
PENDING, ACTIVE = SubscriptionStatus.PENDING, SubscriptionStatus.ACTIVE


@dataclass(frozen=True, slots=True)
class Lists:
    """A daily with two rhythms and two topics, its weekend list, a closed list, and the Armenian sister."""

    daily: int
    weekend: int
    sister: int


def make_lists(database: Database) -> Lists:
    """The lists, open to everybody but the closed one."""
    with database.write() as session:
        digest = make_digest(session, sister_group="courier")
        for name in ("morning", "sunday"):
            make_cadence(session, digest, name)
        for name in ("culture", "sport"):
            add_topic(session, digest, name=name, title=name.title(), sections=[name], now=NOW)
        other = make_digest(session, sister_group="courier", language="hy", title="Սուրհանդակ")
        daily = make_list(session, digest, "daily", title="The Daily <Courier>")
        weekend = make_list(session, digest, "weekend", title="The Weekend Courier")
        make_list(session, digest, "closed")
        sister = make_list(session, other, "sister", title="Սուրհանդակը նամակով")
        for each in (daily, weekend, sister):
            set_list(each, ListChanges(is_open=True, form_origins=[SITE]))
        return Lists(daily.id, weekend.id, sister.id)


def change(database: Database, list_id: int, **values: Any) -> None:
    with database.write() as session:
        set_list(session.get_one(MailingList, list_id), ListChanges(**values))


def rows(database: Database) -> list[Subscription]:
    with database.read() as session:
        return list(session.scalars(sa.select(Subscription).order_by(Subscription.id)))


def mails(database: Database) -> list[tuple[str, str]]:
    """The kind and text of each mail."""
    with database.read() as session:
        found = session.execute(sa.select(Notice.kind, Notice.message).order_by(Notice.id)).all()
    parts = [(kind, message_from_bytes(raw, policy=default).get_body(("plain",))) for kind, raw in found]
    return [(kind, part.get_content()) for kind, part in parts if part is not None]


def confirm_path(database: Database) -> str:
    (found,) = re.findall(r"/c/[\w-]+\?p=[\w-]+", mails(database)[-1][1])
    return str(found)


@pytest.fixture
def lists(database: Database) -> Lists:
    return make_lists(database)


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, follow_redirects=False, client=("192.0.2.1", 50000)) as opened:
        yield opened
