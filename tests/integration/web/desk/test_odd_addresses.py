"""Addresses that no page of ours has: other spellings, ids that are none, more than anybody types.

Made from the route table: each route gets some of them, and all of them where there is time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urljoin, urlsplit

import pytest
from fastapi.testclient import TestClient

from digest.db import Database
from digest.models import AccountRole
from digest.web.desk import cookies
from digest.web.desk.table import ROOT, Entry, desk
from digest.web.desk.wiring import load_pages
from tests.factories import make_account
from tests.integration.web.desk.hands import HERE, Hands, signed_in
from tests.integration.web.desk.test_matrix import filled
from tests.integration.web.desk.things import make_things

load_pages()
# What stands in the place of an id or a name.
ODD_IDS = (
    *("0", "-1", "1.0", "1e3", "%D9%A3", "%EF%BC%91", "1" * 400, "9223372036854775808", "0x1", "1_0"),
    *("%00", "1%00", "%FF", "%ED%A0%80", "%EF%BF%BE", "%0d%0aset-cookie:x=y", "1%0a", "%E2%80%AE1"),
    *("1%2f..%2faccount", "..%2f", "%2e%2e", "..;", ";x=1", "%252f", "%5c..%5c", "%u0031"),
    *("null", "true", "[]", "1%20or%201=1", "'--", "%3Cscript%3E", "{{7*7}}", "%25s", "//evil.example"),
)


# Of these the page itself finds that there is none of that name, once it has read the form.
_NAMED = ("{token}", "{key}")


def spellings(path: str) -> tuple[str, ...]:
    """The same address written otherwise: none of them is a page."""
    return (
        path + "/",
        "/" + path,
        path.replace(ROOT, f"{ROOT}/", 1) + "/",
        path.replace(ROOT, f"{ROOT}%2f", 1),
        path.replace(ROOT, f"{ROOT}/..;", 1),
        path.replace(ROOT, f"{ROOT.upper()}", 1),
        f"//evil.example{path}",
        f"//evil.example{path}/",
        f"/%5cevil.example{path}",
        path + "/..%2f..%2f",
        path + "%00",
        path + ";jsessionid=1",
        path + "%20",
        path + "/" + "x" * 4000,
    )


@pytest.fixture
def hands(client: TestClient, database: Database) -> tuple[Hands, dict]:
    with database.write() as session:
        me = make_account(session, role=AccountRole.ADMIN, password_hash="x")
        things = make_things(session, me, is_chosen=True)
    return signed_in(client, database, me), things


def asked(hands: Hands, entry: Entry, path: str) -> str:
    """What is wrong with an answer; "" for one that is as it should be.

    A change is sent with a body that is said to be too long: whoever gets as far is told that.
    """
    headers = {"cookie": f"desk={hands.token}"}
    url = f"http://testserver{path}"
    if entry.changes:
        headers |= {**HERE, "x-form-token": cookies.form_token(hands.token)}
        if not any(part in entry.path for part in _NAMED):
            headers["content-length"] = str(10**14)
        answer = hands.client.post(url, content=b"", headers=headers)
    else:
        answer = hands.client.get(url, headers=headers)
    if answer.status_code in {404, 405}:
        return ""
    if answer.is_redirect:
        where = urlsplit(urljoin("http://testserver/", answer.headers["location"]))
        return (
            "" if (where.hostname, where.path[:5]) == ("testserver", ROOT) else f"leads to {where.geturl()}"
        )
    return f"{answer.status_code}" if answer.status_code not in {400, 414, 422} else ""


def odd_paths(entry: Entry, things: dict) -> list[str]:
    """Every odd address of a route."""
    own = filled(entry, things)
    shown = ROOT + entry.path
    with_ids = [
        _other_than(name, shown, entry, things).replace("{odd}", odd)
        for name in re.findall(r"{(\w+)", shown)
        for odd in ODD_IDS
    ]
    return [*(path for path in spellings(own) if _is_other(path, entry)), *with_ids]


def _other_than(name: str, path: str, entry: Entry, things: dict) -> str:
    """A route's path with all but one of its parts filled in."""
    own = str(things[entry.may.of]) if entry.may.of is not None else "1"
    return re.sub(r"{(\w+)(?::\w+)?}", lambda found: "{odd}" if found[1] == name else own, path)


def _is_other(path: str, entry: Entry) -> bool:
    """Whether a spelling is of another address: where a name ends a path, more may belong to it."""
    return not entry.path.endswith(("{token}", ":path}"))


def faults(hands: Hands, things: dict, *, every: int) -> dict[str, str]:
    """What was answered wrongly, of each so-many-th odd address."""
    found = {}
    paths: Iterable[tuple[Entry, str]] = [
        (entry, path) for entry in desk.entries if not entry.is_stream for path in odd_paths(entry, things)
    ]
    for entry, path in list(paths)[::every]:
        if wrong := asked(hands, entry, path):
            found[f"{entry.method} {path}"] = wrong
    return found


def test_what_is_no_address_is_no_page(hands: tuple[Hands, dict]) -> None:
    """No fault of ours, no page, and nothing that leads away from the desk, whoever is signed in."""
    assert faults(*hands, every=83) == {}


@pytest.mark.slow  # the run has a part of them
def test_no_odd_address_of_any_route_is_a_page(hands: tuple[Hands, dict]) -> None:
    """All of them, of each route."""
    assert faults(*hands, every=1) == {}
