"""The guards themselves: the matrix holds each route to its guard, and this the guards to the routes."""

from __future__ import annotations

import re

import pytest
from fastapi import FastAPI

from digest.accounts.rights import May, Of
from digest.models import AccountRole
from digest.web.desk.table import Entry, desk
from digest.web.desk.wiring import load_pages
from tests.integration.web.desk.test_matrix import (
    test_every_route_below_the_desk_is_of_the_table as has_guards,
)

load_pages()
# Whoever comes by may ask for these, and for no others.
FOR_ANYBODY = {
    *("/sign-in", "/sign-in-code", "/sign-out", "/forgotten"),
    *("/set-up/{token}", "/join/{token}", "/reset/{token}"),
    "/files/{mark}/{name:path}",
}
# Of the house, and of no digest: only an admin comes near.
FOR_ADMINS = ("/people", "/lists", "/subscribers", "/imports", "/do-not-mail", "/trail", "/settings")
# Looks anew, and keeps nothing.
LOOKS = {"/editions/{edition}/checks"}
_TO_SEE = {May.SEE_DIGEST, May.SEE_EDITION, May.SEE_SOURCE, May.LOAD}


def named(entry: Entry) -> str:
    return f"{entry.method} {entry.path}"


def test_only_who_comes_in_is_let_in_without_a_role() -> None:
    """A page for anybody must be thought about here."""
    assert {entry.path for entry in desk.entries if entry.may.least is None} <= FOR_ANYBODY


def test_a_thing_in_a_path_is_what_the_guard_is_of() -> None:
    """No route takes the id of a kind of thing that belongs to somebody and leaves it to the page."""
    kinds = {kind.value for kind in Of}
    loose = {
        named(entry)
        for entry in desk.entries
        if set(re.findall(r"{(\w+)", entry.path)) & kinds != ({entry.may.of.value} if entry.may.of else set())
    }
    assert loose == set()


def test_what_changes_something_asks_for_more_than_seeing() -> None:
    """A guard that lets somebody look is on no act."""
    changes = [entry for entry in desk.entries if entry.changes and entry.path not in LOOKS]
    assert {named(entry) for entry in changes if entry.may in _TO_SEE} == set()


def test_the_house_is_for_admins() -> None:
    """Lists, readers, people and settings; by whatever route."""
    house = [entry for entry in desk.entries if entry.path.startswith(FOR_ADMINS)]
    assert {named(entry) for entry in house if entry.may.least is not AccountRole.ADMIN} == set()
    assert len(house) > 20


def test_a_route_without_a_guard_is_found(app: FastAPI) -> None:
    """One that was put beside the table, on the application or on the table's own router."""
    has_guards(app)
    app.add_api_route("/desk/unguarded", lambda: "")
    with pytest.raises(AssertionError):
        has_guards(app)
