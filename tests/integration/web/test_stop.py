"""The stop link of a first copy: GET asks, POST stops, and no other link does."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from digest import clock, keys
from digest.config import Settings
from digest.db import Base, Database
from digest.models import Account, AuditEntry, Cadence, Edition, EditionState, Reason, Revision
from digest.tokens import Claim, Purpose
from tests.factories import make_cadence, make_digest
from tests.integration.web.rows import Copy, make_copy, make_edition

S = EditionState


@pytest.fixture
def copy(database: Database, settings: Settings) -> Copy:
    """A locked edition's first copy."""
    return make_copy(database, settings)


def everything(database: Database) -> dict[str, list[tuple[object, ...]]]:
    with database.read() as session:
        return {
            table.name: [tuple(row) for row in session.execute(sa.select(table))]
            for table in Base.metadata.sorted_tables
        }


def test_looking_changes_nothing(client: TestClient, copy: Copy) -> None:
    """However often a scanner or a person opens it; the page says what would be stopped."""
    before = everything(copy.database)
    for _ in range(3):
        answer = client.get(copy.path)
        assert client.head(copy.path).status_code == answer.status_code == 200
    assert everything(copy.database) == before
    assert "Stop this edition?" in answer.text
    assert "On &lt;Patience&gt;" in answer.text
    assert "It goes out on Monday, 5:30 pm, Yerevan." in answer.text
    assert f'<form method="post" action="{copy.path}">' in answer.text
    assert "noindex" in answer.text


def test_pressing_holds_it(client: TestClient, copy: Copy) -> None:
    """Without a login or a cookie; a second press says the same; who it was stands in the reason."""
    answer = client.post(copy.path)
    assert (answer.status_code, "set-cookie" in answer.headers) == (200, False)
    assert "This edition is stopped" in answer.text
    assert "No reader has it, and none gets it." in answer.text
    edition = copy.edition()
    assert (edition.state, edition.reason) == (S.HELD, Reason.BY_PERSON)
    assert "Nare Saroyan" in edition.reason_detail
    assert "This edition is stopped" in client.post(copy.path).text
    assert "This edition is stopped" in client.get(copy.path).text
    with copy.database.read() as session:
        assert [entry.action for entry in session.scalars(sa.select(AuditEntry))] == ["edition.stop"]


def test_pressing_pauses_what_has_begun(client: TestClient, copy: Copy) -> None:
    """The page says before and after that some have it."""
    copy.set_state(S.SENDING)
    assert "It is being handed over now." in client.get(copy.path).text
    for _ in range(2):
        assert "Some readers may have it already; nobody else gets it." in client.post(copy.path).text
        assert copy.edition().state is S.PAUSED
    assert "Some readers may have it already" in client.get(copy.path).text


@pytest.mark.parametrize("state", [S.SENT, S.CANCELLED, S.SKIPPED])
def test_what_is_over_says_so(client: TestClient, copy: Copy, state: EditionState) -> None:
    """There is no button, and a press changes nothing."""
    copy.set_state(state)
    for answer in (client.get(copy.path), client.post(copy.path)):
        assert answer.status_code == 200
        assert "There is nothing left to stop" in answer.text
        assert "<form" not in answer.text
    assert copy.edition().state is state


def test_no_other_link_stops(client: TestClient, copy: Copy, settings: Settings) -> None:
    """Cut, changed, of another purpose, of a closed account, of an edition that is gone: the same answer."""
    signer = keys.load(settings.secrets_folder).signer
    token = copy.path.rpartition("/")[2]
    other = signer.sign(Claim(Purpose.UNSUBSCRIBE, copy.account_id, copy.edition_id))
    gone = signer.sign(Claim(Purpose.STOP_EDITION, copy.account_id, copy.edition_id + 7))
    nobody = signer.sign(Claim(Purpose.STOP_EDITION, copy.account_id + 7, copy.edition_id))
    for bad in (token[:-1], token[:-1] + ("A" if token[-1] != "A" else "B"), other, gone, nobody, "copy"):
        for answer in (client.get(f"/stop/{bad}"), client.post(f"/stop/{bad}")):
            assert answer.status_code == 404
            assert "This link does not work" in answer.text
    with copy.database.write() as session:
        session.get_one(Account, copy.account_id).disabled_at = clock.utc_now()
    assert client.get(copy.path).status_code == client.post(copy.path).status_code == 404
    assert client.post(f"/u/{token}").status_code == 404
    assert copy.edition().state is S.FROZEN


def test_a_form_that_is_too_long_stops_nothing(client: TestClient, copy: Copy) -> None:
    """The limit of every posted form."""
    head = {"Content-Type": "application/x-www-form-urlencoded"}
    assert client.post(copy.path, content=b"a" * 4097, headers=head).status_code == 413
    assert copy.edition().state is S.FROZEN


def test_it_speaks_the_digest_s_language(client: TestClient, database: Database, settings: Settings) -> None:
    """As the copy did, whatever the browser asks for."""
    armenian = make_copy(database, settings, language="hy")
    answer = client.get(armenian.path, headers={"Accept-Language": "en"})
    assert '<html lang="hy"' in answer.text
    assert "Կանգնեցնե՞լ այս համարը" in answer.text
    assert "Այս համարը կանգնեցված է" in client.post(armenian.path).text


def test_an_edition_that_was_thawed_is_held_too(client: TestClient, copy: Copy) -> None:
    """It has no subject any more; the page says the rest."""
    with copy.database.write() as session:
        session.execute(sa.update(Edition).values(state=S.UPCOMING, revision_id=None))
    assert "Stop this edition?" in client.get(copy.path).text
    assert client.post(copy.path).status_code == 200
    assert copy.edition().state is S.HELD


def test_the_web_edition_is_the_current_version(
    client: TestClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the moment an edition goes on with it, and within the second for which pages are kept."""
    with database.write() as session:
        cadence = make_cadence(session, make_digest(session))
        edition = make_edition(session, cadence, S.PAUSED, web_html="<p>Sunday</p>")
        session.add(
            Revision(
                edition_id=edition.id,
                number=2,
                subject="x",
                preheader="",
                web_html="<p>Monday</p>",
                fingerprint="f" * 64,
                created_at=edition.created_at,
            )
        )
        assert session.get_one(Cadence, cadence.id).id == edition.cadence_id
    path = f"/e/{edition.public_id}"
    first = client.get(path)
    assert "Sunday" in first.text
    with database.write() as session:
        second = session.scalars(sa.select(Revision.id).where(Revision.number == 2)).one()
        session.execute(sa.update(Edition).values(revision_id=second, state=S.SENDING))
    later = clock.monotonic() + 1.1
    monkeypatch.setattr(clock, "monotonic", lambda: later)
    answer = client.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (answer.status_code, "Monday" in answer.text) == (200, True)
