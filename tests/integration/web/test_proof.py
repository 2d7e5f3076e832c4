"""The page of a proof: GET asks, POST approves, holds or stops, and what has changed is not approved."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from digest import clock, keys
from digest.config import Settings
from digest.db import Base, Database
from digest.editions.proof_links import proof_url
from digest.models import (
    Account,
    AccountRole,
    Approval,
    ApprovalWay,
    AuditEntry,
    Cadence,
    Edition,
    EditionState,
    Reason,
    Revision,
)
from digest.tokens import Claim, Purpose
from tests.integration.web.rows import Copy, make_copy

S = EditionState
HOUR = dt.timedelta(hours=1)


def proof_path(copy: Copy, settings: Settings, revision_id: int | None = None) -> str:
    signer = keys.load(settings.secrets_folder).signer
    wanted = copy.revision_id() if revision_id is None else revision_id
    return proof_url("", signer, revision_id=wanted, account_id=copy.account_id)


@pytest.fixture
def copy(database: Database, settings: Settings) -> Copy:
    """A locked edition that wants approval, and an approver."""
    return wanting(make_copy(database, settings))


def wanting(copy: Copy) -> Copy:
    copy.let_go_out_at(clock.utc_now() + HOUR)
    with copy.database.write() as session:
        session.execute(sa.update(Cadence).values(wants_approval=True, approval_seconds=600))
        session.execute(sa.update(Account).values(role=AccountRole.APPROVER))
        waits = {"reason": Reason.WANTS_APPROVAL, "deadline_at": clock.utc_now() + HOUR / 2}
        session.execute(sa.update(Edition).values(**waits))
    return copy


def everything(database: Database) -> dict[str, list[tuple[object, ...]]]:
    with database.read() as session:
        return {
            table.name: [tuple(row) for row in session.execute(sa.select(table))]
            for table in Base.metadata.sorted_tables
        }


def approvals(copy: Copy) -> list[tuple[ApprovalWay, int | None]]:
    with copy.database.read() as session:
        return [(one.way, one.account_id) for one in session.scalars(sa.select(Approval))]


def test_looking_changes_nothing(client: TestClient, copy: Copy, settings: Settings) -> None:
    """However often it is opened; what the button in the mail was comes first, and nothing is done by it."""
    before, path = everything(copy.database), proof_path(copy, settings)
    for do in ("approve", "hold", "stop", "burn", ""):
        answer = client.get(path, params={"do": do})
        assert client.head(path).status_code == answer.status_code == 200
        wished = do if do in ("approve", "hold", "stop") else "approve"
        assert answer.text.index(f'value="{wished}"') == answer.text.index('name="act" value="') + 11
    assert everything(copy.database) == before
    assert "Approve this edition?" in answer.text
    assert "On &lt;Patience&gt;" in answer.text
    assert "it does not go out." in answer.text
    assert ("noindex" in answer.text, "no-referrer" in answer.text) == (True, True)


def test_pressing_approve_approves(client: TestClient, copy: Copy, settings: Settings) -> None:
    """By mail, in the person's name, once; pressed again it says the same, and it can still be held."""
    path = proof_path(copy, settings)
    for _ in range(2):
        answer = client.post(path, data={"act": "approve"})
        assert "This edition is approved" in answer.text
        assert "Approved by Nare Saroyan." in answer.text
        assert 'value="approve"' not in answer.text
    assert approvals(copy) == [(ApprovalWay.MAIL, copy.account_id)]
    assert (copy.edition().state, copy.edition().reason) == (S.FROZEN, None)
    assert "This edition is stopped" in client.post(path, data={"act": "hold"}).text
    assert copy.edition().state is S.HELD


def test_pressing_hold_or_stop(client: TestClient, copy: Copy, settings: Settings) -> None:
    """Held, it waits for the desk; stopped for good, it is over. The link says so, the trail who did it."""
    path = proof_path(copy, settings)
    assert "This edition is stopped" in client.post(path, data={"act": "hold"}).text
    assert (copy.edition().state, copy.edition().reason) == (S.HELD, Reason.BY_PERSON)
    assert "stopped for good" in client.post(path, data={"act": "stop"}).text
    assert (copy.edition().state, copy.edition().reason) == (S.SKIPPED, Reason.BY_PERSON)
    assert ended_in_trail(copy) == [(f"account:{copy.account_id}", {"was": S.HELD.value})]
    for answer in (client.get(path), client.post(path, data={"act": "approve"})):
        assert "There is nothing left to decide" in answer.text
        assert "<form" not in answer.text
    assert approvals(copy) == []
    client.post(path, data={"act": "stop"})
    assert len(ended_in_trail(copy)) == 1


def ended_in_trail(copy: Copy) -> list[tuple[str, dict[str, object]]]:
    """Who ended the edition, and from which state, by the trail."""
    with copy.database.read() as session:
        rows = sa.select(AuditEntry.actor, AuditEntry.details).where(
            AuditEntry.action == "edition.cancel", AuditEntry.target_id == copy.edition().id
        )
        return [(row.actor, row.details) for row in session.execute(rows)]


def test_without_a_button_nothing_is_done(client: TestClient, copy: Copy, settings: Settings) -> None:
    """A form that says nothing, or something else, is a look; one that is too long is refused."""
    before, path = everything(copy.database), proof_path(copy, settings)
    assert client.post(path).status_code == client.post(path, data={"act": "burn"}).status_code == 200
    head = {"Content-Type": "application/x-www-form-urlencoded"}
    assert client.post(path, content=b"a" * 4097, headers=head).status_code == 413
    assert everything(copy.database) == before


def test_what_has_changed_is_not_approved(client: TestClient, copy: Copy, settings: Settings) -> None:
    """The old link says what is otherwise and leads to the new version; it decides nothing any more."""
    old = proof_path(copy, settings)
    with copy.database.write() as session:
        edition = session.get_one(Edition, copy.edition_id)
        values = {"number": 9, "fingerprint": "9" * 64, "subject": "On Haste", "approved_at": None}
        made = {"edition_id": edition.id, "preheader": "", "web_html": "", "created_at": clock.utc_now()}
        new = Revision(**made, **values)
        session.add(new)
        session.flush()
        edition.revision_id = new.id
    before = everything(copy.database)
    for answer in (client.get(old), client.post(old, data={"act": "approve"})):
        assert "It has changed since" in answer.text
        assert "The subject is now: On Haste" in answer.text
        assert "<form" not in answer.text
    assert everything(copy.database) == before
    newer = proof_path(copy, settings)
    assert f'href="{newer}"' in answer.text
    assert "This edition is approved" in client.post(newer, data={"act": "approve"}).text
    with copy.database.write() as session:  # unlocked again: the new version is not there yet
        session.execute(sa.update(Edition).values(state=S.UPCOMING, revision_id=None))
    assert "It is being locked anew." in client.post(newer, data={"act": "approve"}).text


def test_no_other_link_decides(client: TestClient, copy: Copy, settings: Settings) -> None:
    """Cut, of another purpose, of a closed account or one that may not approve, of a version that is gone."""
    signer = keys.load(settings.secrets_folder).signer
    path = proof_path(copy, settings)
    token = path.rpartition("/")[2]
    other = signer.sign(Claim(Purpose.STOP_EDITION, copy.account_id, copy.revision_id()))
    gone = signer.sign(Claim(Purpose.PROOF, copy.account_id, copy.revision_id() + 70))
    nobody = signer.sign(Claim(Purpose.PROOF, copy.account_id + 70, copy.revision_id()))
    for bad in (token[:-1], other, gone, nobody, "copy"):
        for answer in (client.get(f"/proof/{bad}"), client.post(f"/proof/{bad}", data={"act": "approve"})):
            assert answer.status_code == 404
            assert "This link does not work" in answer.text
    for values in ({"role": AccountRole.EDITOR}, {"role": AccountRole.ADMIN, "disabled_at": clock.utc_now()}):
        with copy.database.write() as session:
            session.execute(sa.update(Account).values(**values))
        assert client.post(path, data={"act": "approve"}).status_code == 404
    assert approvals(copy) == []


def test_a_link_ends_with_its_edition(client: TestClient, copy: Copy, settings: Settings) -> None:
    """Half a day after the slot it decides nothing any more."""
    path = proof_path(copy, settings)
    copy.let_go_out_at(clock.utc_now() - 13 * HOUR)
    assert "There is nothing left to decide" in client.post(path, data={"act": "approve"}).text
    assert approvals(copy) == []


def test_it_speaks_the_digest_s_language(client: TestClient, database: Database, settings: Settings) -> None:
    """As the mail did, whatever the browser asks for."""
    armenian = wanting(make_copy(database, settings, language="hy"))
    answer = client.get(proof_path(armenian, settings), headers={"Accept-Language": "en"})
    assert '<html lang="hy"' in answer.text
    assert "Հաստատե՞լ այս համարը" in answer.text
