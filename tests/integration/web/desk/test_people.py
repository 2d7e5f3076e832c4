"""The people of the desk: invited, given digests, leaving; and the trail of it."""

from __future__ import annotations

import csv
import io

import sqlalchemy as sa
from fastapi.testclient import TestClient

from digest.accounts.people import digests_of
from digest.db import Database
from digest.models import Account, AccountRole, AlertReceiver, Notice, Transport
from digest.web.desk.table import ROOT
from tests.factories import make_account, make_cadence, make_digest
from tests.factories.moments import NOW
from tests.integration.web.desk.hands import CHEAP, Hands, signed_in, somebody
from tests.integration.web.desk.test_coming_in import OTHER, enter


def add_digests(database: Database) -> list[int]:
    with database.write() as session:
        session.add(
            Transport(name="relay", host="mail.example", port=587, secret_name="relay", created_at=NOW)
        )
        found = [make_digest(session, title=title) for title in ("The Courier", "Evening Courier")]
        for each in found:
            make_cadence(session, each)
        return [each.id for each in found]


def invited(hands: Hands, database: Database, digest_id: int) -> Account:
    fields = {"name": "Aram", "address": "aram@courier.example", "role": "editor", "digest": str(digest_id)}
    assert hands.post("/desk/people/new", fields).status_code == 303
    with database.read() as session:
        return session.scalars(sa.select(Account).where(Account.name == "Aram")).one()


def test_an_invitation_lets_somebody_choose_a_password(
    client: TestClient, database: Database, nare: Account
) -> None:
    """It goes out as a mail to them alone, works once, and they see the digest that was chosen."""
    mine, other = add_digests(database)
    hands = signed_in(client, database, nare)
    aram = invited(hands, database, mine)
    with database.read() as session:
        notice = session.scalars(sa.select(Notice)).one()
    assert (notice.kind, notice.address) == ("account", "aram@courier.example")
    text = notice.message.decode()
    assert "Nare Saroyan" in text
    path = "/desk/join/" + text.partition("/desk/join/")[2].split()[0].rstrip("=\r\n")[:43]
    theirs = somebody(client)
    assert theirs.get(path).status_code == 200
    assert theirs.post(path, {"password": OTHER, "again": OTHER}).headers["location"] == "/desk/sign-in"
    assert enter(theirs, aram.address, OTHER) == "/desk"
    assert "<h2>The Courier" not in theirs.get("/desk").text  # no edition of it comes yet
    with database.read() as session:
        assert digests_of(session, aram.id) == [mine]
    assert other != mine


def test_without_a_mail_service_the_link_is_shown(
    client: TestClient, database: Database, nare: Account
) -> None:
    """A newsroom that cannot mail yet can invite all the same."""
    hands = signed_in(client, database, nare)
    with database.write() as session:
        digest = make_digest(session)
    aram = invited(hands, database, digest.id)
    shown = hands.get(f"{ROOT}/people/{aram.id}").text
    assert "/desk/join/" in shown
    assert "/desk/join/" not in hands.get(f"{ROOT}/people/{aram.id}").text


def test_leaving_the_paper_is_one_act(client: TestClient, database: Database, nare: Account) -> None:
    """Sessions and links end, digests and alerts go to the heir, and what an admin may know is listed."""
    mine, _ = add_digests(database)
    hands = signed_in(client, database, nare)
    with database.write() as session:
        leaver = make_account(session, "lus@courier.example", role=AccountRole.ADMIN, password_hash=CHEAP)
        heir = make_account(session, "aram@courier.example")
        session.add(AlertReceiver(digest_id=mine, account_id=leaver.id))
    theirs = signed_in(client, database, leaver)
    hands.post(f"/desk/people/{leaver.id}", {"role": "admin", "digest": str(mine)})
    answer = hands.post(f"/desk/people/{leaver.id}/leave", {"heir": str(heir.id)})
    assert answer.status_code == 200
    assert "relay" in answer.text
    assert theirs.get("/desk").status_code == 303
    assert enter(somebody(client), leaver.address) == "422"
    with database.read() as session:
        assert digests_of(session, heir.id) == [mine]
        assert digests_of(session, leaver.id) == []
        assert session.scalars(sa.select(AlertReceiver.account_id)).all() == [heir.id]
    assert hands.post(f"/desk/people/{nare.id}/leave").status_code == 409  # the last admin


def test_a_role_counts_from_the_next_click(client: TestClient, database: Database, nare: Account) -> None:
    """Whoever is no admin any more sees no admin's page, with the same session; the last one stays one."""
    with database.write() as session:
        other = make_account(session, "lus@courier.example", role=AccountRole.ADMIN, password_hash=CHEAP)
    hands, theirs = signed_in(client, database, nare), signed_in(client, database, other)
    assert theirs.get("/desk/people").status_code == 200
    hands.post(f"/desk/people/{other.id}", {"role": "editor"})
    assert theirs.get("/desk/people").status_code == 403
    assert theirs.get("/desk").status_code == 200
    assert hands.post(f"/desk/people/{nare.id}", {"role": "editor"}).status_code == 409


def test_the_trail_is_read_and_taken_away(client: TestClient, database: Database, nare: Account) -> None:
    """By whom and about what; the file has all of it, and no cell that a table program would run."""
    hands = signed_in(client, database, nare)
    with database.write() as session:
        digest = make_digest(session)
    aram = invited(hands, database, digest.id)
    hands.post(f"/desk/people/{aram.id}", {"role": "approver"})
    page = hands.get(f"/desk/trail?actor=account:{nare.id}&action=account.").text
    assert "changed a person&#39;s role" in page
    assert "Nare Saroyan" in page
    rows = list(csv.DictReader(io.StringIO(hands.get("/desk/trail.csv?action=account.").text)))
    assert [row["action"] for row in rows] == [
        "account.digests",
        "account.role",
        "account.digests",
        "account.add",
    ]
    assert not any(cell[:1] in "=+-@" for row in rows for cell in row.values() if cell)


def test_a_part_of_a_page_comes_alone(client: TestClient, database: Database, nare: Account) -> None:
    """What htmx asks for and may not have leads to the sign-in page, not into the middle of another one."""
    answer = somebody(client).get("/desk/people", hx_request="true")
    assert (answer.status_code, answer.headers["hx-redirect"]) == (401, "/desk/sign-in")
    hands = signed_in(client, database, nare)
    answer = hands.post("/desk/account/scheme", {"scheme": "dark"}, hx_request="true")
    assert (answer.status_code, answer.headers["hx-redirect"]) == (200, "/desk")
    rows = hands.get("/desk/trail", hx_request="true")
    assert "<h1" not in rows.text
    assert "Nothing has been done yet" in rows.text
    rows = hands.get("/desk/trail?action=edition.", hx_request="true")
    assert "Nothing like that has happened" in rows.text
    fault = hands.get("/desk/people/999", hx_request="true")
    assert fault.status_code == 404
    assert "<h1" not in fault.text
    assert 'role="alert"' in fault.text
