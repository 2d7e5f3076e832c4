"""Words of others on the desk's pages: shown as words, whatever is in them."""

from __future__ import annotations

import lxml.html
import pytest
from fastapi.testclient import TestClient

from digest.db import Database
from digest.models import Account, AuditEntry, EditionState
from tests.factories import make_account, make_cadence, make_digest
from tests.factories.moments import NOW
from tests.integration.web.desk.hands import signed_in
from tests.integration.web.rows import make_edition

EVIL = "\"'><script src=//evil.example></script><img onerror=alert(1) src=x hx-get=/x>{{7*7}}"


@pytest.mark.parametrize("query", ["", f"?actor={EVIL}&action={EVIL}"])
def test_nobody_s_words_become_markup(
    client: TestClient, database: Database, nare: Account, query: str
) -> None:
    """Names, titles, acts, details, browsers and what stands in an address: in no page is one a tag."""
    with database.write() as session:
        other = make_account(session, name=EVIL)
        edition = make_edition(session, make_cadence(session, make_digest(session, title=EVIL), EVIL[:60]))
        edition.state = EditionState.UPCOMING
        entry = {"action": EVIL[:60], "target_kind": "x", "details": {EVIL: EVIL}, "actor": EVIL[:120]}
        session.add(AuditEntry(at=NOW, **entry))
        session.get_one(Account, nare.id).name = EVIL
    hands = signed_in(client, database, nare)
    for path in ("/desk", "/desk/account", "/desk/people", f"/desk/people/{other.id}", "/desk/trail"):
        text = hands.get(path + query).text
        assert "evil.example" in text
        page = lxml.html.fromstring(text)
        assert page.xpath("//img | //@*[starts-with(name(), 'on')] | //@hx-get[. = '/x']") == [], path
        assert {each.rpartition("/desk/files/")[0] for each in page.xpath("//script/@src")} == {""}, path
