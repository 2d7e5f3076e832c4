"""Keys to sign with, and the sheet of a sender's domain, by commands."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from digest.db import Database
from digest.models import AuditEntry, Transport
from digest.models import Signer as WhoSigns
from tests.integration.cli.commands import Cli
from tests.servers.dns import DnsServer, Trouble

D = "courier.example"


@pytest.fixture
def dns(monkeypatch: pytest.MonkeyPatch) -> Iterator[DnsServer]:
    """A DNS server where everything but our key is in place, and which the commands ask."""
    zone: dict[str, Any] = {
        D: {"TXT": ["v=spf1 include:spf.relay.example -all"], "MX": [f"10 mx.{D}"]},
        "spf.relay.example": {"TXT": ["v=spf1 ip4:192.0.2.0/24 ~all"]},
        f"mx.{D}": {"A": ["192.0.2.9"]},
        f"_dmarc.{D}": {"TXT": [f"v=DMARC1; p=none; rua=mailto:dmarc@{D}"]},
    }
    with DnsServer(zone) as server:
        monkeypatch.setenv("DIGEST_DNS_SERVERS", server.setting)
        yield server


def test_a_key_is_made_shown_and_switched(cli: Cli) -> None:
    """From nothing to a key that signs; every change is in the audit, and the private half is nowhere."""
    assert "none is needed" in cli("dkim", "list")
    said = cli("dkim", "keygen", D, "--selector", "s1")
    (made,) = cli.json("dkim", "show", D)
    record = made["record"]
    assert record["name"] == f"s1._domainkey.{D}"
    assert record["value"].startswith("v=DKIM1; k=rsa; p=MII")
    assert "".join(record["strings"]) == record["value"]
    assert max(map(len, record["strings"])) == 255
    assert record["value"] in said
    assert record["zone"] in said
    assert f"digest dkim enable {D} s1" in said
    assert "PRIVATE" not in said
    (row,) = cli.json("dkim", "list")
    assert (row["domain"], row["selector"], row["algorithm"], row["is_enabled"]) == (D, "s1", "rsa", False)
    assert cli("dkim", "enable", D, "s1") == f"Keys of {D} that sign now: s1.\n"
    assert "already" in cli("dkim", "enable", D, "s1")
    assert f"digest dkim enable {D}" not in cli("dkim", "show", D)
    assert cli("dkim", "disable", D, "s1") == f"Keys of {D} that sign now: none.\n"
    assert [entry.action for entry in audit(cli)] == ["dkim.keygen", "dkim.enable", "dkim.disable"]
    assert all(entry.details["selector"] == "s1" for entry in audit(cli))


def audit(cli: Cli) -> list[AuditEntry]:
    database = Database(f"sqlite:///{cli.data / 'digest.db'}")
    with database.read() as session:
        found = list(session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id)))
    database.close()
    return found


def test_both_kinds_are_made_at_once(cli: Cli) -> None:
    """RSA for everybody, Ed25519 beside it, under two selectors; they may sign from the start."""
    made = cli.json("dkim", "keygen", D, "--algorithm", "both", "--enable")
    assert [one["algorithm"] for one in made] == ["rsa", "ed25519"]
    assert made[1]["selector"] == made[0]["selector"] + "-ed25519"
    assert all(one["is_enabled"] for one in made)
    assert made[1]["record"]["value"].startswith("v=DKIM1; k=ed25519; p=")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("keygen", "courier"), "is not a domain"),
        (("keygen", D, "--selector", "a.b"), "A selector is"),
        (("show", D), "digest dkim keygen"),
        (("enable", D, "s1"), "digest dkim list"),
        (("disable", D, "s1"), "digest dkim list"),
    ],
)
def test_what_cannot_be_is_one_sentence(cli: Cli, words: tuple[str, ...], sentence: str) -> None:
    """Names that are none, and keys that are not there."""
    assert sentence in cli.refused("dkim", *words)


def test_a_key_without_its_secret_cannot_be_enabled(cli: Cli) -> None:
    """It is found out now, and not when an edition is due."""
    cli("dkim", "keygen", D, "--selector", "s1", "--algorithm", "ed25519")
    (cli.data / "secrets" / f"dkim_{D}_s1").unlink()
    assert "is missing" in cli.refused("dkim", "enable", D, "s1")


def test_the_sheet_leads_from_missing_to_well(cli: Cli, dns: DnsServer, tmp_path: Path) -> None:
    """What the sheet says to add, once added, is found; the exit code tells whether something is to do."""
    cli("dkim", "keygen", D, "--selector", "s1", "--enable")
    words = ("sender", "check", D, "--include", "spf.relay.example", "--ip", "192.0.2.5")
    result = cli.run(*words, "--json")
    assert result.exit_code == 1
    findings = json.loads(result.stdout)["findings"]
    (fault,) = [one for one in findings if one["level"] == "fault"]
    assert (fault["subject"], fault["record"]["name"]) == ("DKIM", f"s1._domainkey.{D}")
    dns.zone[fault["record"]["name"]] = {"TXT": [fault["record"]["value"]]}
    file = tmp_path / "sheet.txt"
    assert cli(*words, "--out", file) == f"The sheet is in {file}; things to do: none.\n"
    text = file.read_text(encoding="utf-8")
    assert "Nothing has to be done." in text
    assert cli(*words).splitlines()[0] == text.splitlines()[0] == f"DNS records for mail from {D}"
    levels = {(one["subject"], one["level"]) for one in cli.json(*words)["findings"]}
    assert levels == {("SPF", "good"), ("DKIM", "good"), ("DMARC", "good"), ("MX", "good")}


def test_a_transport_that_leaves_signing_to_us_wants_a_key(cli: Cli, dns: DnsServer) -> None:
    """Without one the sheet says so, rather than asking for the mail service's selector only."""
    cli("transport", "add", "own", "--host", "127.0.0.1", "--security", "none")
    assert "leaves signing to us" not in cli("sender", "check", D)
    database = Database(f"sqlite:///{cli.data / 'digest.db'}")
    with database.write() as session:
        session.execute(sa.update(Transport).values(signer=WhoSigns.US))
    database.close()
    result = cli.run("sender", "check", D)
    assert result.exit_code == 1
    assert "leaves signing to us" in " ".join(result.stdout.split())


def test_other_selectors_and_a_bounce_domain_may_be_given(cli: Cli, dns: DnsServer) -> None:
    """The mail service's key is looked up under its selector, SPF and MX under the bounce domain."""
    bounce = ("--bounce-domain", "bounce.relay.test")
    found = cli.run("sender", "check", D, "--selector", "k1", "--selector", "a.b_c", *bounce)
    assert found.exit_code == 1
    said = " ".join(found.stdout.split())
    assert f"There is no text at k1._domainkey.{D}" in said
    assert "bounce.relay.test has no SPF record" in said
    assert f"Bounces go to bounce.relay.test, outside of {D}" in said


@pytest.mark.parametrize("trouble", [Trouble.SERVFAIL, Trouble.REFUSED, Trouble.GARBAGE])
def test_a_dns_server_that_fails_makes_nothing_known(
    cli: Cli, dns: DnsServer, trouble: Trouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failure is no missing record: nobody is told to add one that may be there."""
    monkeypatch.setattr("digest.net.dns._SECONDS", 0.3)
    for name in (D, f"_dmarc.{D}", "_dmarc.example"):
        dns.zone[name] = trouble
    told = cli.json("sender", "check", D)["findings"]
    assert {one["level"] for one in told} == {"unknown"}
    assert {one["subject"] for one in told} == {"SPF", "DKIM", "DMARC", "MX"}


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("courier",), "is not a domain"),
        ((D, "--ip", "courier"), "is not an IP address"),
        ((D, "--include", "x"), "is not a domain"),
        ((D, "--selector", "a b"), "is not a selector"),
        ((D, "--selector", "a..b"), "is not a selector"),
        ((D, "--bounce-domain", "x"), "is not a domain"),
        ((D, *["--ip=192.0.2.1"] * 21), "20 may be given"),
    ],
)
def test_what_cannot_be_checked_is_one_sentence(
    cli: Cli, dns: DnsServer, words: tuple[str, ...], sentence: str
) -> None:
    """Nothing is asked of any server for it."""
    assert sentence in cli.refused("sender", "check", *words)
    assert dns.asked == []


def test_a_sheet_that_cannot_be_written_is_one_sentence(cli: Cli, dns: DnsServer, tmp_path: Path) -> None:
    """The folder is not there."""
    assert "cannot be written" in cli.refused("sender", "check", D, "--out", tmp_path / "no" / "sheet.txt")
