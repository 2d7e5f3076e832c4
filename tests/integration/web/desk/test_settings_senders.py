"""Senders at the desk: the sheet of what the DNS must say, and the keys that we sign with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from digest.config import Settings
from digest.db import Database
from digest.mail.signing_key import Algorithm
from digest.models import Account, AuditEntry, DkimKey, Signer
from digest.pacing.dkim_keys import add_keys, make_key
from digest.pacing.transports import add_transport
from tests.factories import make_digest
from tests.factories.moments import NOW
from tests.integration.web.desk.hands import Hands, signed_in
from tests.integration.web.desk.test_home import statements
from tests.servers.dns import DnsServer

D = "courier.example"


@pytest.fixture
def dns() -> Iterator[DnsServer]:
    """A DNS server where everything but our key is in place."""
    zone: dict[str, Any] = {
        D: {"TXT": ["v=spf1 include:spf.relay.example -all"], "MX": [f"10 mx.{D}"]},
        "spf.relay.example": {"TXT": ["v=spf1 ip4:192.0.2.0/24 ~all"]},
        f"mx.{D}": {"A": ["192.0.2.9"]},
        f"_dmarc.{D}": {"TXT": [f"v=DMARC1; p=none; rua=mailto:dmarc@{D}"]},
    }
    with DnsServer(zone) as server:
        yield server


@pytest.fixture
def settings(settings: Settings, dns: DnsServer) -> Settings:
    """The installation asks the DNS server of the test."""
    return settings.model_copy(update={"dns_servers": (dns.setting,)})


@pytest.fixture
def hands(client: TestClient, database: Database, nare: Account) -> Hands:
    return signed_in(client, database, nare)


def add_key(database: Database, settings: Settings, selector: str, *, is_enabled: bool = False) -> DkimKey:
    """A key of the small kind, which takes no time to be made."""
    with database.write() as session:
        made = [make_key(D, selector, Algorithm.ED25519)]
        return add_keys(session, made, settings.secrets_folder, now=NOW, is_enabled=is_enabled)[0]


def signing(database: Database) -> dict[str, bool]:
    with database.read() as session:
        return {row.selector: row.is_enabled for row in session.scalars(sa.select(DkimKey))}


def actions(database: Database) -> list[str]:
    with database.read() as session:
        return list(session.scalars(sa.select(AuditEntry.action).order_by(AuditEntry.id)))


def test_the_sheet_says_what_is_missing_and_changes_nothing(
    hands: Hands, database: Database, settings: Settings, dns: DnsServer
) -> None:
    """Each finding in its group, each record to be copied, the whole as a text."""
    with database.write() as session:
        make_digest(session, sender_address=f"news@{D}")
        add_transport(session, name="house", host="mail.example.org", signer=Signer.US, now=NOW)
    page = hands.get("/desk/settings/senders").text
    assert f"news@{D}" in page
    assert "house leaves signing to us, and no key of this domain is in use" in page
    assert dns.asked == []
    key = add_key(database, settings, "s1")
    sheet = hands.post("/desk/settings/senders/check", {"domain": D, "includes": "spf.relay.example x.test"})
    assert sheet.status_code == 200
    assert f"s1._domainkey.{D}" in sheet.text
    assert "v=DKIM1; k=ed25519; p=" in sheet.text
    assert "DNS records for mail from courier.example" in sheet.text  # the sheet to hand on
    assert 'value="spf.relay.example, x.test"' in sheet.text  # looked at again, it is told the same
    assert "--include" not in sheet.text  # no command's words
    assert "--selector" not in sheet.text
    assert len(dns.asked) > 3
    with database.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(AuditEntry)) == 0
    assert signing(database) == {key.selector: False}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"domain": "courier"}, "is not a domain"),
        ({"domain": D, "addresses": "here"}, "is not an IP address"),
        ({"domain": D, "selectors": "a..b"}, "is not a selector"),
        ({"domain": D, "selectors": "a " * 21}, "20 may be given"),
    ],
)
def test_what_cannot_be_looked_up_is_said(
    hands: Hands, dns: DnsServer, fields: dict[str, str], said: str
) -> None:
    """No server is asked for it, and what was typed stands there still."""
    answer = hands.post("/desk/settings/senders/check", fields)
    assert answer.status_code == 422
    assert said in answer.text
    assert f'value="{fields["domain"]}"' in answer.text
    assert dns.asked == []


def test_a_key_is_made_and_its_secret_half_stays_a_file(
    hands: Hands, database: Database, settings: Settings
) -> None:
    """Two kinds, nothing signed yet, the records on the page; a name that is taken is refused."""
    fields = {"domain": D, "selector": "autumn", "kind": "both"}
    hands.post("/desk/settings/keys", fields)
    assert signing(database) == {"autumn": False, "autumn-ed25519": False}
    page = hands.get("/desk/settings/keys").text
    assert f"autumn._domainkey.{D}" in page
    assert "v=DKIM1; k=rsa; p=MII" in page
    assert "PRIVATE" not in page
    assert len(list(settings.secrets_folder.glob("dkim_*"))) == 2
    refused = hands.post("/desk/settings/keys", fields)
    assert refused.status_code == 422
    assert "already" in refused.text
    assert actions(database) == ["dkim.keygen", "dkim.keygen"]


def test_a_key_signs_once_the_dns_has_it_or_somebody_is_sure(
    hands: Hands, database: Database, settings: Settings, dns: DnsServer
) -> None:
    """What receivers would not find is refused with the reason; the record published, it signs."""
    row = add_key(database, settings, "s1")
    path = f"/desk/settings/keys/{row.id}"
    refused = hands.post(f"{path}/use")
    assert refused.status_code == 422
    assert "There is no record of our key at" in refused.text
    assert "Sign with it all the same" in refused.text
    assert signing(database) == {"s1": False}
    record = refused.text.split(f'id="k-{row.id}-value">')[1].split("<")[0]
    dns.zone[f"s1._domainkey.{D}"] = {"TXT": [record.replace("&#43;", "+")]}
    assert hands.post(f"{path}/use").status_code == 303
    assert signing(database) == {"s1": True}
    assert "It is the only one of courier.example that signs." in hands.get("/desk/settings/keys").text
    hands.post(f"{path}/retire")
    hands.post(f"{path}/retire")
    assert signing(database) == {"s1": False}
    asked = len(dns.asked)
    hands.post(f"{path}/use", {"sure": "1"})
    assert (signing(database), len(dns.asked)) == ({"s1": True}, asked)
    assert actions(database) == ["dkim.enable", "dkim.disable", "dkim.enable"]
    assert hands.post("/desk/settings/keys/4711/use").status_code == 404
    assert hands.post("/desk/settings/keys/4711/retire").status_code == 404


def test_a_key_without_its_file_is_told_and_is_not_used(
    hands: Hands, database: Database, settings: Settings
) -> None:
    """The page shows the others still; rather now than when an edition is due."""
    row = add_key(database, settings, "s1")
    add_key(database, settings, "s2")
    (settings.secrets_folder / row.secret_name).unlink()
    page = hands.get("/desk/settings/keys").text
    assert "cannot be read" in page
    assert f"s2._domainkey.{D}" in page
    assert hands.post(f"/desk/settings/keys/{row.id}/use", {"sure": "1"}).status_code == 422
    assert not signing(database)["s1"]


def test_the_pages_take_as_many_statements_for_any_number(
    hands: Hands, database: Database, settings: Settings
) -> None:
    """One digest and key or six."""

    def asked() -> list[int]:
        counts = []
        for path in ("senders", "keys"):
            with statements(database) as seen:
                assert hands.get(f"/desk/settings/{path}").status_code == 200
            counts.append(len(seen))
        return counts

    def add(number: int) -> None:
        with database.write() as session:
            make_digest(session, sender_address=f"news@{number}.{D}")
        add_key(database, settings, f"s{number}", is_enabled=True)

    add(0)
    few = asked()
    for number in range(1, 6):
        add(number)
    assert asked() == few
