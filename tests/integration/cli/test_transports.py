"""`digest transport`: presets, limits, and the test mail without which nobody is mailed."""

from __future__ import annotations

from email import message_from_bytes, policy

import pytest

from digest.db import Database
from digest.errors import ConfigError
from digest.models import AuditEntry
from digest.pacing.transports import ways
from tests.factories.moments import NOW
from tests.integration.cli.commands import Cli
from tests.servers.smtp import JudgeServer
from tests.servers.smtp_script import Fault, Script

EDITOR = "nare@courier.example"


@pytest.fixture
def newsroom(cli: Cli) -> Cli:
    """A digest, and one person who works here."""
    cli("account", "add", EDITOR, "--name", "Nare", "--role", "editor")
    make_digest(cli, "courier", "en")
    return cli


def make_digest(cli: Cli, name: str, language: str) -> None:
    cli(
        *("digest", "create", name, "--title", name.title(), "--language", language),
        *("--sender", f"news@{name}.example", "--postal-address", "1 Mill Lane, Springdale"),
    )


def add_relay(cli: Cli, judge: JudgeServer, *more: object) -> None:
    cli(
        *("transport", "add", "relay", "--host", "127.0.0.1", "--port", judge.port, "--security", "none"),
        *more,
    )


def usable(cli: Cli) -> list[str]:
    """The mail services that readers may be mailed by."""
    database = Database(f"sqlite:///{cli.data / 'digest.db'}")
    try:
        with database.read() as session:
            return [row.name for row in ways(session, now=NOW)]
    except ConfigError:
        return []
    finally:
        database.close()


def test_a_service_is_used_once_it_took_a_test_mail(newsroom: Cli) -> None:
    """A small mail in the digest's language and from its sender, to an account; then it may mail readers."""
    with JudgeServer() as judge:
        add_relay(newsroom, judge)
        assert usable(newsroom) == []
        newsroom("transport", "test", "relay")  # a connection is no proof
        assert usable(newsroom) == []
        assert "no test mail" in newsroom("transport", "list")
        said = newsroom("transport", "test", "relay", "--to", EDITOR)
        assert "250" in said
        assert usable(newsroom) == ["relay"]
        (taken,) = judge.messages
    assert (taken.mail_from, taken.recipients) == ("news@courier.example", (EDITOR,))
    mail = message_from_bytes(taken.raw, policy=policy.default)
    assert mail["From"] == "Courier <news@courier.example>"
    assert mail["To"] == f"Nare <{EDITOR}>"
    assert "relay" in mail["Subject"]
    assert mail["List-Unsubscribe"] is None
    (row,) = newsroom.json("transport", "list")
    assert row["accepted_at"] == row["tested_at"] is not None
    database = Database(f"sqlite:///{newsroom.data / 'digest.db'}")
    with database.read() as session:
        actions = [entry.action for entry in session.query(AuditEntry)]
    database.close()
    assert actions.count("transport.test") == 1


def test_a_test_mail_reaches_only_the_people_who_work_here(newsroom: Cli) -> None:
    """Readers and strangers are no test addresses; nor is anybody before there is a sender."""
    newsroom("list", "create", "readers", "--digest", "courier", "--title", "Readers")
    newsroom("subscriber", "add", "reader@mail.test", "--list", "readers", "--consent", "signed a card")
    with JudgeServer() as judge:
        add_relay(newsroom, judge)
        for address in ("reader@mail.test", "stranger@mail.test"):
            said = newsroom.refused("transport", "test", "relay", "--to", address)
            assert "digest account add" in said
            assert address not in said
        assert "not a mail address" in newsroom.refused("transport", "test", "relay", "--to", "nobody")
        assert "no digest 'other'" in newsroom.refused(
            "transport", "test", "relay", "--to", EDITOR, "--digest", "other"
        )
        assert judge.messages == []
    assert usable(newsroom) == []


def test_without_a_digest_there_is_no_sender(cli: Cli) -> None:
    """The first thing that a new installation lacks is said, with the command."""
    cli("account", "add", EDITOR, "--name", "Nare")
    with JudgeServer() as judge:
        add_relay(cli, judge)
        assert "digest digest create" in cli.refused("transport", "test", "relay", "--to", EDITOR, code=1)


def test_the_sender_can_be_chosen(newsroom: Cli) -> None:
    """Each paper has its own, and its language."""
    make_digest(newsroom, "arev", "hy")
    with JudgeServer() as judge:
        add_relay(newsroom, judge)
        newsroom("transport", "test", "relay", "--to", EDITOR.upper(), "--digest", "arev", "--json")
        assert judge.messages[0].mail_from == "news@arev.example"


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault("rcpt", reply="550 5.7.1 relaying denied"), "550 5.7.1 relaying denied"),
        (Fault("mail", reply="553 5.7.1 not your sender"), "not your sender"),
        (Fault("accepted", reply="451 4.7.0 try later"), "451 4.7.0 try later"),
        (Fault("accepted", action="drop"), "mail service"),
    ],
)
def test_a_refusal_is_told_in_its_own_words(newsroom: Cli, fault: Fault, said: str) -> None:
    """And the service stays unused."""
    with JudgeServer(Script(faults=(fault,))) as judge:
        add_relay(newsroom, judge)
        assert said in newsroom.refused("transport", "test", "relay", "--to", EDITOR, code=1)
    assert usable(newsroom) == []


def test_a_preset_brings_what_is_known(cli: Cli) -> None:
    """Host, port, limits and who signs; each can be said otherwise, and the rest is asked for."""
    (cli.data / "password").write_text("open sesame\n")
    secret = ("--username", "someone", "--password-file", cli.data / "password")
    said = cli("transport", "add", "ses", "--preset", "amazon-ses", "--region", "eu-central-1", *secret)
    assert "new account" in said
    cli("transport", "add", "office", "--preset", "microsoft-365", *secret, "--per-second", 0.25)
    cli("transport", "add", "grid", "--preset", "sendgrid", "--password-file", cli.data / "password")
    cli("transport", "add", "local", "--preset", "postfix-local", "--signer", "relay", "--connections", 4)
    rows = {row["name"]: row for row in cli.json("transport", "list")}
    assert rows["ses"]["host"] == "email-smtp.eu-central-1.amazonaws.com"
    assert (rows["ses"]["per_second"], rows["ses"]["signer"]) == (1.0, "relay")
    assert (rows["office"]["per_second"], rows["office"]["most_connections"]) == (0.25, 2)
    assert rows["grid"]["username"] == "apikey"
    assert (rows["local"]["port"], rows["local"]["security"]) == (25, "none")
    assert (rows["local"]["signer"], rows["local"]["most_connections"]) == ("relay", 4)
    listed = cli("transport", "presets")
    assert "postfix-local" in listed
    assert cli.json("transport", "presets")["mailgun"]["host"] == "smtp.mailgun.org"
    for words, sentence in (
        (("--preset", "own-server"), "--host"),
        (("--preset", "pigeon"), "no preset 'pigeon'"),
        (("--host", "x.test", "--region", "eu"), "--preset"),
        ((), "--host"),
    ):
        assert sentence in cli.refused("transport", "add", "other", *words)


def test_limits_are_set_and_lifted(cli: Cli) -> None:
    """0 lifts one; what is no limit is refused."""
    cli("transport", "add", "relay", "--host", "127.0.0.1", "--per-second", 5, "--per-hour", 1000)
    assert "5 a second, 1,000 an hour" in cli("transport", "list")
    cli("transport", "set", "relay", "--per-second", 0, "--per-hour", 0, "--signer", "us", "--connections", 2)
    (row,) = cli.json("transport", "list")
    assert (row["per_second"], row["per_hour"], row["signer"]) == (None, None, "us")
    assert "Nothing to change" in cli("transport", "set", "relay", "--per-second", 0)
    assert "mails a second" in cli.refused("transport", "set", "relay", "--per-second", -1)
    assert "mails an hour" in cli.refused("transport", "set", "relay", "--per-hour", -1)
    assert "connections" in cli.refused("transport", "set", "relay", "--connections", 99)
