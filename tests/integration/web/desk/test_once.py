"""Pressed twice, or sent again after the connection broke: what a form makes is made once."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from digest import clock
from digest.db import Base, Database
from digest.models import (
    Account,
    Cadence,
    CadenceDate,
    Digest,
    MailingList,
    Suppression,
)
from tests.factories import make_cadence, make_digest, make_list
from tests.integration.web.desk.hands import Hands, signed_in
from tests.integration.web.desk.test_digests import RHYTHM

DAY = (clock.utc_now() + dt.timedelta(days=5)).date().isoformat()
NEXT_DAY = (clock.utc_now() + dt.timedelta(days=6)).date().isoformat()
# Each form that makes something: what of, and how it is filled in.
MAKING: dict[str, tuple[type[Base], dict[str, str]]] = {
    "/people/new": (Account, {"name": "Aram", "address": "aram@courier.example", "role": "approver"}),
    "/lists/new": (MailingList, {"name": "sports", "title": "Sports"}),
    "/digests/{digest}/duplicate": (Digest, {"name": "evening", "title": "The Evening Courier"}),
    "/digests/{digest}/cadences/new": (Cadence, {**RHYTHM, "name": "evening"}),
    "/cadences/{cadence}/dates": (CadenceDate, {"kind": "skip", "date": DAY}),
    "/cadences/{cadence}/dates/skip": (CadenceDate, {"day": NEXT_DAY}),
    "/cadences/{cadence}/dates/extra": (CadenceDate, {"day": DAY, "time": "12:00"}),
    "/do-not-mail": (Suppression, {"target": "elsewhere.test", "cause": "never", "reason": "asked"}),
}


@pytest.fixture
def hands(client: TestClient, database: Database, nare: Account) -> Hands:
    return signed_in(client, database, nare)


@pytest.fixture
def ids(database: Database) -> dict[str, int]:
    with database.write() as session:
        digest = make_digest(session)
        cadence = make_cadence(session, digest)
        return {"digest": digest.id, "cadence": cadence.id, "list": make_list(session, digest).id}


def count(database: Database, table: type[Base]) -> int:
    with database.read() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def test_what_a_form_makes_is_made_once(hands: Hands, database: Database, ids: dict[str, int]) -> None:
    """The second of two like it is told so, or changes nothing; it is no fault of ours."""
    for path, (table, fields) in MAKING.items():
        url, before = "/desk" + path.format(**ids), count(database, table)
        first = hands.post(url, fields | {"digest": str(ids["digest"])}).status_code
        made = count(database, table)
        second = hands.post(url, fields | {"digest": str(ids["digest"])}).status_code
        assert (first, second in {303, 409, 422}, made > before) == (303, True, True), path
        assert count(database, table) == made, path
