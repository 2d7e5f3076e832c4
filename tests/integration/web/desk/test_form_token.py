"""No change by a page of somebody else's (CSRF), on any route that there is."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from digest.db import Database
from digest.models import AccountRole
from digest.web.desk import cookies
from digest.web.desk.table import desk
from digest.web.desk.wiring import load_pages
from tests.factories import make_account
from tests.integration.web.desk.hands import HERE, Hands, signed_in
from tests.integration.web.desk.test_matrix import filled
from tests.integration.web.desk.things import make_things

load_pages()
CHANGES = [entry for entry in desk.entries if entry.changes]


def admin(client: TestClient, database: Database) -> tuple[Hands, dict]:
    with database.write() as session:
        me = make_account(session, role=AccountRole.ADMIN, password_hash="x")
        things = make_things(session, me, is_chosen=True)
    return signed_in(client, database, me), things


@pytest.mark.parametrize(
    ("fields", "headers"),
    [
        ({}, HERE),
        ({"form_token": "x"}, HERE),
        ({"form_token": cookies.form_token("another browser")}, HERE),
        ({"form_token": None}, {"origin": "https://elsewhere.example"}),
        ({"form_token": None}, {"origin": "null"}),
        ({"form_token": None}, {}),
        ({"form_token": None}, {**HERE, "sec-fetch-site": "cross-site"}),
        ({"form_token": None}, {**HERE, "sec-fetch-site": "same-site"}),
        ({"form_token": None}, {**HERE, "sec-fetch-site": "none"}),
    ],
)
def test_a_change_must_come_from_a_page_of_ours(
    client: TestClient, database: Database, fields: dict, headers: dict
) -> None:
    """Without this browser's token, or from elsewhere, every change is 403, whoever is signed in."""
    hands, things = admin(client, database)
    right = cookies.form_token(hands.token)
    data = {name: right if value is None else value for name, value in fields.items()}
    answers = {
        entry.path: client.post(
            filled(entry, things), data=data, headers={**headers, "cookie": f"desk={hands.token}"}
        ).status_code
        for entry in CHANGES
    }
    assert answers
    assert set(answers.values()) == {403}, answers


def test_the_token_comes_as_a_header_too(client: TestClient, database: Database) -> None:
    """So htmx sends it; and a page of ours is known by what the browser says of its site."""
    hands, _ = admin(client, database)
    for headers in (HERE, {"sec-fetch-site": "same-origin"}):
        answer = client.post(
            "/desk/account/scheme",
            data={"scheme": "dark"},
            headers={
                **headers,
                "cookie": f"desk={hands.token}",
                "x-form-token": cookies.form_token(hands.token),
            },
        )
        assert answer.status_code == 303
