"""Every route of the desk x every role x own, foreign and absent things: made from the route table itself.

Whoever adds a route adds its rows here by doing so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from digest.accounts.rights import Guard, May, Of
from digest.db import Database
from digest.models import AccountRole
from digest.web.desk.table import ROOT, DeskRoute, Entry, desk
from digest.web.desk.wiring import load_pages
from tests.factories import make_account
from tests.integration.web.desk.hands import HERE, Hands, signed_in, somebody
from tests.integration.web.desk.things import make_things

load_pages()
ABSENT = 2**40
# What belongs to the house and not to a digest: only an admin comes near it, and then to all of it.
_HOUSE = {Of.SUBSCRIBER, Of.IMPORT, Of.TRANSPORT, Of.ACCOUNT}
_LADDER = {None: 0, AccountRole.EDITOR: 1, AccountRole.APPROVER: 2, AccountRole.ADMIN: 3}
_ALLOWED = "allowed"


def expected(role: AccountRole | None, may: Guard, whose: str) -> str:
    """What must come of it, thought out anew and not asked of the code."""
    if may.least is None:
        return _ALLOWED
    if role is None:
        return "sign in"
    if _LADDER[role] < _LADDER[may.least]:
        return "403"
    if may.of is None or whose == "own":
        return _ALLOWED
    if whose == "absent" or may.of is Of.OWN_SESSION:
        return "404"
    return "404" if role is AccountRole.EDITOR and may.of not in _HOUSE else _ALLOWED


def outcome(hands: Hands, entry: Entry, path: str) -> str:
    """What came of it. A change is sent with a body that is said to be too long: who may is told that.

    It is sent as htmx sends it, which is told the words of a fault without the page around them.
    """
    if entry.changes:
        headers = {**HERE, "content-length": str(10**14), "cookie": f"desk={hands.token}"}
        headers["hx-request"] = "true"
        answer = hands.client.post(path, content=b"", headers=headers)
    else:
        answer = hands.get(path)
    if entry.in_frame and answer.status_code >= 400:
        assert "frame-ancestors 'self'" in answer.headers["content-security-policy"]
    if entry.in_frame and answer.status_code == 401:
        return "sign in"
    if answer.status_code == 303 and answer.headers["location"].startswith("/desk/sign-in"):
        return "sign in" if entry.may.least is not None else _ALLOWED
    if entry.changes and answer.headers.get("hx-redirect", "").startswith("/desk/sign-in"):
        return "sign in"
    if answer.status_code == 404 and _others(entry):
        return _ALLOWED if entry.may.least is None or hands.get(path).status_code == 404 else "404"
    if answer.status_code in {403, 404}:
        return str(answer.status_code)
    assert answer.status_code < 500, (path, answer.status_code)
    assert answer.status_code == 413 or not entry.changes, (path, answer.status_code)
    return _ALLOWED


def _others(entry: Entry) -> list[str]:
    """The parts of a path that name nothing which the guard is of; the page itself looks at them."""
    own = {entry.may.of.value} if entry.may.of else set()
    return [name for name in re.findall(r"{(\w+)", entry.path) if name not in own]


def cases(entry: Entry) -> Iterator[str]:
    yield from ("own", "foreign", "absent") if entry.may.of else ("own",)


def filled(entry: Entry, things: dict[Of, int] | None) -> str:
    """A route's path, with the thing that its guard is of; absent if there are none."""

    def part(found: re.Match[str]) -> str:
        if entry.may.of is not None and found[1] == entry.may.of.value:
            return str(things[entry.may.of] if things else ABSENT)
        return "1"

    return ROOT + re.sub(r"{(\w+)(?::\w+)?}", part, entry.path)


@pytest.mark.parametrize("role", [None, *AccountRole])
def test_each_route_lets_in_whom_it_should(
    client: TestClient, database: Database, role: AccountRole | None
) -> None:
    """Allowed, 403 for a role that is not enough, 404 for what is not theirs or not there; or sign in."""
    with database.write() as session:
        me = make_account(session, role=role or AccountRole.EDITOR, password_hash="x")
        other = make_account(session, role=AccountRole.EDITOR)
        things = {
            "own": make_things(session, me, is_chosen=True),
            "foreign": make_things(session, other, is_chosen=False),
            "absent": None,
        }
    hands = somebody(client) if role is None else signed_in(client, database, me)
    faults = {}
    for entry in desk.entries:
        for whose in cases(entry):
            wanted = expected(role, entry.may, whose)
            if entry.is_stream and wanted == _ALLOWED:
                continue  # its answer does not end
            path = filled(entry, things[whose])
            if (found := outcome(hands, entry, path)) != wanted:
                faults[f"{entry.method} {path} ({whose})"] = f"{found}, not {wanted}"
    assert faults == {}
    assert len(desk.entries) > 10


def test_every_route_below_the_desk_is_of_the_table(app: FastAPI) -> None:
    """Nothing answers below /desk that has no guard: each route is one of the table's entries."""
    found = [each for each in app.routes if str(getattr(each, "path", ROOT)).startswith(ROOT)]
    assert len(found) == len(desk.entries)
    for each in found:
        assert isinstance(each, DeskRoute)
        assert isinstance(each.entry.may, Guard)


def test_a_guard_that_is_of_a_thing_wants_it_in_the_path() -> None:
    """A route whose path does not name the thing is refused where it is written down."""
    with pytest.raises(ValueError, match="does not name the edition"):
        desk.get("/somewhere", may=May.SEE_EDITION)


@pytest.mark.parametrize("path", ["/desk/", "//desk", "/desk//account", "/desk%2faccount", "/desk/../desk"])
def test_a_path_of_another_spelling_is_no_page(client: TestClient, database: Database, path: str) -> None:
    """A slash more or less, or one that is encoded, leads nowhere, not even somebody who is in."""
    with database.write() as session:
        me = make_account(session, role=AccountRole.ADMIN)
    hands = signed_in(client, database, me)
    answer = client.get(f"http://testserver{path}", headers={"cookie": f"desk={hands.token}"})
    assert answer.status_code == 404 or answer.request.url.path == "/desk"
