"""Mail services at the desk: added, tried, put in order, changed; what is secret is never shown."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from digest.config import Settings
from digest.db import Database
from digest.models import Account, AuditEntry, CoolDown, Security, Signer, Transport
from digest.pacing.presets import PRESETS
from digest.pacing.transports import add_transport, transports
from tests.factories import make_digest
from tests.factories.moments import NOW
from tests.integration.web.desk.hands import Hands, signed_in
from tests.integration.web.desk.test_home import statements
from tests.servers.smtp import JudgeServer
from tests.servers.smtp_script import Fault, Script

SECRET = "correct-battery-staple"


@pytest.fixture
def hands(client: TestClient, database: Database, nare: Account) -> Hands:
    return signed_in(client, database, nare)


def add(database: Database, name: str, **values: object) -> int:
    """A mail service that has taken a test mail."""
    with database.write() as session:
        row = add_transport(session, name=name, host="127.0.0.1", now=NOW, security=Security.NONE)
        row.accepted_at = row.tested_at = NOW
        for column, value in values.items():
            setattr(row, column, value)
        session.flush()
        return row.id


def row_of(database: Database, number: int) -> Transport:
    with database.read() as session:
        return session.get_one(Transport, number)


def order(database: Database) -> list[str]:
    with database.read() as session:
        return [row.name for row in transports(session)]


def test_a_provider_is_added_by_its_preset_and_the_password_is_a_file(
    hands: Hands, database: Database, settings: Settings
) -> None:
    """What the preset knows is not asked for; the password is in no page, no row and no trail."""
    page = hands.get("/desk/mail-services").text
    assert "There is no mail service yet" in page
    providers = hands.get("/desk/mail-services/new").text
    assert all(f"?preset={name}" in providers for name in PRESETS)
    assert "smtp.sendgrid.net" in hands.get("/desk/mail-services/new?preset=sendgrid").text
    fields = {
        "preset": "sendgrid",
        "name": "grid",
        "signer": "relay",
        "connections": "4",
        "per_second": "2,5",
    }
    answer = hands.post("/desk/mail-services/new", {**fields, "password": SECRET})
    with database.read() as session:
        row = session.scalars(sa.select(Transport)).one()
        entries = list(session.scalars(sa.select(AuditEntry)))
    assert answer.headers["location"] == f"/desk/mail-services/{row.id}"
    assert (row.host, row.port, row.username, row.per_second) == ("smtp.sendgrid.net", 587, "apikey", 2.5)
    assert (settings.secrets_folder / "transport-grid").read_text() == SECRET
    for path in ("/desk/mail-services", f"/desk/mail-services/{row.id}", "/desk/trail"):
        assert SECRET not in hands.get(path).text
    assert [entry.action for entry in entries] == ["transport.add"]
    assert SECRET not in str([entry.details for entry in entries])


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"preset": "own-server", "host": "two words"}, "not a host name"),
        ({"preset": "own-server"}, "name is missing"),
        ({"preset": "amazon-ses", "username": "ses"}, "region is missing"),
        ({"preset": "own-server", "host": "mail.example.org", "port": "x"}, "no whole number"),
        ({"preset": "own-server", "host": "mail.example.org", "per_second": "nan"}, "no number"),
        ({"preset": "own-server", "host": "mail.example.org", "username": "me"}, "A password is one line"),
        (
            {"preset": "own-server", "host": "mail.example.org", "username": "me", "security": "none"},
            "would travel in the open",
        ),
    ],
)
def test_what_cannot_be_is_said_and_nothing_typed_is_lost(
    hands: Hands, database: Database, settings: Settings, fields: dict[str, str], said: str
) -> None:
    """The form comes again with what was typed, but for the password; nothing is kept."""
    secret = {"password": SECRET} if "open" in said else {}
    given = {"security": "starttls", "name": "house", "connections": "8", **fields, **secret}
    answer = hands.post("/desk/mail-services/new", given)
    assert answer.status_code == 422
    assert said in answer.text
    assert 'value="house"' in answer.text
    assert SECRET not in answer.text
    assert order(database) == []
    assert not (settings.secrets_folder / "transport-house").exists()


def test_a_test_mail_goes_to_whoever_asks_and_the_answer_is_told(
    hands: Hands, database: Database, nare: Account
) -> None:
    """It is used once it took one; what it refuses is told as it said it, and what to look at."""
    no = Script(faults=(Fault("rcpt", reply="550 5.7.1 sender not verified"),))
    with JudgeServer(no) as judge:
        number = add(database, "relay", port=judge.port, accepted_at=None, tested_at=None)
        path = f"/desk/mail-services/{number}"
        assert "Make a digest first" in hands.post(f"{path}/test").text
        with database.write() as session:
            make_digest(session, sender_address="news@courier.example")
        assert "has taken no test mail yet" in hands.get("/desk/mail-services").text
        refused = hands.post(f"{path}/test").text
        assert "550 5.7.1 sender not verified" in refused
        assert "does not let us send as this sender" in refused
        assert row_of(database, number).accepted_at is None
        assert hands.post(f"{path}/test").headers["location"] == path
        (taken,) = judge.messages
    assert (taken.mail_from, taken.recipients) == ("news@courier.example", (nare.address,))
    assert row_of(database, number).accepted_at is not None
    page = hands.get(path).text
    assert "It took the test mail and said: 250" in page
    assert "It works." in page
    gone = hands.post(f"{path}/test").text  # the server has ended
    assert "cannot be reached" in gone
    assert "Nobody answers there." in gone


def test_the_order_is_changed_by_one_place(hands: Hands, database: Database) -> None:
    """Earlier and later, over equal ranks too; at the ends nothing happens; one that is off has no place."""
    ids = [add(database, name) for name in ("one", "two", "three")]
    off = add(database, "off", is_enabled=False)
    hands.post(f"/desk/mail-services/{ids[2]}/move", {"to": "earlier"})
    assert order(database) == ["one", "three", "two", "off"]
    hands.post(f"/desk/mail-services/{ids[0]}/move", {"to": "later"})
    assert order(database) == ["three", "one", "two", "off"]
    for number, to in ((ids[2], "earlier"), (ids[1], "later"), (off, "earlier")):
        hands.post(f"/desk/mail-services/{number}/move", {"to": to})
    assert order(database) == ["three", "one", "two", "off"]


def test_it_is_switched_off_with_what_that_means(hands: Hands, database: Database) -> None:
    """The dialog names who takes over, or says that nobody does; it can be switched on again."""
    first, second = add(database, "first"), add(database, "second", rank=1)
    path = f"/desk/mail-services/{first}"
    assert "Mails go by second from then on." in hands.get(path).text
    hands.post(f"/desk/mail-services/{second}/switch", {"on": "0"})
    assert "No other mail service is ready" in hands.get(path).text
    hands.post(f"{path}/switch", {"on": "0"})
    assert "All of them are switched off" in hands.get("/desk/mail-services").text
    hands.post(f"{path}/switch", {"on": "1"})
    assert row_of(database, first).is_enabled


def test_another_server_must_take_a_test_mail_first(
    hands: Hands, database: Database, settings: Settings
) -> None:
    """What was proven of one server counts for no other; limits and signer change without."""
    number = add(database, "relay")
    path = f"/desk/mail-services/{number}"
    same = {"host": "127.0.0.1", "port": "25", "security": "none", "connections": "8"}
    hands.post(path, {**same, "per_hour": "9000", "signer": "us"})
    row = row_of(database, number)
    assert (row.per_hour, row.signer, row.accepted_at) == (9000, Signer.US, NOW)
    refused = hands.post(path, {**same, "username": "courier"})
    assert refused.status_code == 422
    assert "wants a password" in refused.text
    assert row_of(database, number).username == ""
    assert not (settings.secrets_folder / "transport-relay").exists()
    hands.post(
        path,
        {**same, "host": "mail.example.org", "security": "tls", "username": "courier"}
        | {"port": "", "password": SECRET},
    )
    row = row_of(database, number)
    assert (row.host, row.port, row.username, row.accepted_at) == ("mail.example.org", 465, "courier", None)
    assert (settings.secrets_folder / "transport-relay").read_text() == SECRET
    assert "nobody is mailed by it" in hands.get(path).text
    led_away = {"host": "mail.example.test", "port": "465", "security": "tls", "username": "courier"}
    assert "goes nowhere else" in hands.post(path, {**led_away, "connections": "8"}).text
    assert row_of(database, number).host == "mail.example.org"
    assert (
        "Nothing was changed"
        in hands.get(
            hands.post(
                path,
                {"host": row.host, "port": "465", "security": "tls", "username": "courier"}
                | {"connections": "8", "signer": "relay"},
            ).headers["location"]
        ).text
    )


def test_the_pages_take_as_many_statements_for_any_number(hands: Hands, database: Database) -> None:
    """One mail service or ten, each with receivers at rest."""
    first = add(database, "first")

    def asked() -> tuple[int, int]:
        with statements(database) as of_all:
            assert hands.get("/desk/mail-services").status_code == 200
        with statements(database) as of_one:
            assert hands.get(f"/desk/mail-services/{first}").status_code == 200
        return len(of_all), len(of_one)

    few = asked()
    for place in range(9):
        number = add(database, f"more{place}", rank=place)
        with database.write() as session:
            session.add(CoolDown(transport_id=number, domain="mail.test", until=NOW, changed_at=NOW))
    assert asked() == few
    assert max(few) < 16
