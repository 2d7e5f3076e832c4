"""What a step refuses is said at the desk in the language of whoever reads it."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from digest.db import Database
from digest.i18n import translator
from digest.models import Account
from digest.web.desk import pages
from tests.factories import make_cadence, make_digest, make_list
from tests.factories.audience import make_readers
from tests.integration.web.desk.hands import Hands, signed_in

_OF_AN_ERROR = re.compile(r"\bstr\(error\)|\{error\}")
PERSON = {"name": "Ani", "zone": "", "language": "", "text_size": "normal"}
SAME = {"name": "Nare", "address": "nare@courier.example", "role": "editor"}
NO_DOMAIN = "%(text)r is not a domain; write it like example.org."
SERVICE = {"preset": "own-server", "name": "post", "host": "mail.test", "security": "starttls"}


@pytest.fixture
def armenian(client: TestClient, database: Database, nare: Account) -> Hands:
    """An admin who reads Armenian; there are a list and one reader."""
    with database.write() as session:
        session.get_one(Account, nare.id).language = "hy"
        digest = make_digest(session)
        make_cadence(session, digest, name="morning")
        make_readers(session, make_list(session, digest), ["reader@mail.test"])
    return signed_in(client, database, nare)


@pytest.mark.parametrize(
    ("path", "fields", "message"),
    [
        ("people/new", SAME, "There is an account with this address already."),
        ("people/new", {**SAME, "name": " "}, "A name is needed: it stands beside what the person does."),
        ("people/new", {**SAME, "role": "x"}, "There is no such role."),
        ("do-not-mail", {"target": "none", "cause": "never"}, NO_DOMAIN),
        ("do-not-mail/off", {"off": "none"}, NO_DOMAIN),
        (
            "subscribers/1",
            {**PERSON, "zone": "X/Y"},
            "There is no time zone %(name)r; write it like Asia/Yerevan.",
        ),
        (
            "subscribers/1",
            {**PERSON, "text_size": "x"},
            "The text size %(text)r is neither normal nor large.",
        ),
        ("lists/1/add", {"by": "phone", "consent": "Asked.", "address": "x"}, "This is not a mail address."),
        ("mail-services/new", {**SERVICE, "port": "70000"}, "A port is a number from 1 to 65535."),
        ("mail-services/new", {**SERVICE, "port": "many"}, "%(text)r is no number."),
    ],
)
def test_what_is_refused_is_told_in_armenian(
    armenian: Hands, path: str, fields: dict[str, str], message: str
) -> None:
    """The sentence stands beside the form in Armenian, and nothing of the English one."""
    page = html.unescape(armenian.post(f"/desk/{path}", fields).text)
    said = translator("hy").gettext(message)
    assert said != message
    assert after_value(said) in page
    assert after_value(message) not in page


def after_value(message: str) -> str:
    """What stands behind the value that was typed."""
    return re.split(r"%\(\w+\)\w", message)[-1]


def test_no_page_says_an_error_in_english() -> None:
    """A page gets the words of an error by `visit.told`: as text it is for the command line."""
    folder = Path(pages.__path__[0])
    modules = sorted(folder.glob("*.py"))
    assert len(modules) > 40
    assert [path.name for path in modules if _OF_AN_ERROR.search(path.read_text(encoding="utf-8"))] == []
