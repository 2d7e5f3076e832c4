"""Lists, people, consent, do-not-mail, mail services and accounts by commands."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from digest.db import Database
from digest.models import AuditEntry, ConsentEvent, Notice, Subscriber
from tests.integration.cli.commands import Cli
from tests.servers.smtp import JudgeServer
from tests.servers.smtp_script import Script

CONSENT = ("--consent", "signed a card at the fair")
ANI = ("ani@example.org", "--list", "readers")


def rows(cli: Cli, database_url: str, column: Any) -> list[Any]:
    database = Database(database_url)
    with database.read() as session:
        found = list(session.scalars(sa.select(column)))
    database.close()
    return found


def test_a_person_can_be_added_paused_resumed_and_ended(readers: Cli, database_url: str) -> None:
    """Each command says what is now; done again, it says that nothing was changed."""
    steps = (
        (("add", *ANI, *CONSENT, "--zone", "Asia/Yerevan"), "Added: now active", "Already on the list"),
        (("pause", *ANI, "--until", "2999-01-15"), "Now paused", "Already paused"),
        (("resume", *ANI), "Now active", "Already active"),
        (("end", *ANI), "Now ended", "Already ended"),
        (("add", *ANI, *CONSENT, "--asked-again"), "Revived: now active", "Already on the list"),
    )
    for words, first, again in steps:
        assert readers("subscriber", *words).startswith(first)
        assert readers("subscriber", *words).startswith(again)
    (person,) = readers.json("subscriber", "list", "--list", "readers")
    assert (person["address"], person["status"]) == ("ani@example.org", "active")
    shown = readers.json("subscriber", "show", "ANI@example.org")
    (subscription,) = shown["subscriptions"]
    actions = [event["action"] for event in subscription["events"]]
    assert actions == ["sign_up", "pause", "resume", "end", "revive"]
    # Midnight in Yerevan is eight in the evening of the day before in UTC.
    assert subscription["events"][1]["details"]["until"] == "2999-01-14T20:00:00+00:00"
    audited = rows(readers, database_url, AuditEntry.action)
    assert audited == [
        "list.create",
        *(f"subscriber.{verb}" for verb in ("added", "pause", "resume", "end", "revived")),
    ]
    assert all(actor.startswith("cli:") for actor in rows(readers, database_url, AuditEntry.actor))
    details = rows(readers, database_url, AuditEntry.details)
    assert "ani@" not in str(details)


def test_what_cannot_be_done_is_said_in_a_sentence(readers: Cli) -> None:
    """Exit code 2 for wrong input, 1 for what is not possible now; no sentence repeats an address."""
    readers("subscriber", "add", *ANI, *CONSENT)
    readers("subscriber", "end", *ANI)
    for words, code, sentence in (
        (("subscriber", "add", *ANI, *CONSENT), 1, "person left"),
        (("subscriber", "resume", *ANI), 1, "has ended"),
        (("subscriber", "add", "no address", "--list", "readers", *CONSENT), 2, "not a mail address"),
        (("subscriber", "add", *ANI, "--consent", " "), 2, "consent text"),
        (("subscriber", "add", *ANI, *CONSENT, "--zone", "Yerevan"), 2, "no time zone"),
        (
            ("subscriber", "add", *ANI, *CONSENT, "--cadence", "sunday"),
            2,
            "no rhythm 'sunday'; there are: morning.",
        ),
        (("subscriber", "end", "eva@example.org", "--list", "readers"), 2, "Nobody subscribes"),
        (("subscriber", "show", "eva@example.org"), 2, "Nobody subscribes"),
        (("subscriber", "list", "--list", "reader"), 2, "no list 'reader'; there are: readers."),
        (("subscriber", "pause", *ANI, "--until", "tomorrow"), 2, "not a date"),
        (("list", "create", "Readers", "--digest", "courier", "--title", "x"), 2, "1 to 60"),
        (("list", "create", "readers", "--digest", "courier", "--title", "x"), 2, "already"),
        (("list", "create", "more", "--digest", "courier", "--title", " "), 2, "title"),
        (("list", "create", "more", "--digest", "other", "--title", "x"), 2, "no digest 'other'"),
        (("suppression", "add", "localhost", "--reason", "x"), 2, "not a domain"),
        (("transport", "test", "relay"), 2, "no mail service"),
    ):
        said = readers.refused(*words, code=code)
        assert sentence in said
        assert "@example.org" not in said


def test_a_file_of_people_is_imported_and_reported(readers: Cli, tmp_path: Path, database_url: str) -> None:
    """A dry run, the import with its bad lines on standard error, and the same again as JSON."""
    path = tmp_path / "people.csv"
    path.write_text("email,name\nani@example.org,Ani\nwrong\nara@example.org,Ara\n", encoding="utf-8")
    words = ("subscriber", "import", path, "--list", "readers", "--consent", "moved")
    assert "would be added" in readers.run(*words, "--dry-run").stdout
    assert readers.json("subscriber", "list", "--list", "readers") == []
    result = readers.run(*words)
    assert result.exit_code == 0
    assert re.search(r"^added: +2$", result.stdout, re.MULTILINE)
    assert "digest import undo 1" in result.stdout
    assert result.stderr == "line 3: This is not a mail address. An email address must have an @-sign.\n"
    report = readers.json(*words)
    assert (report["known"], report["bad"], report["bad_lines"][0]["number"]) == (2, 1, 3)
    assert rows(readers, database_url, AuditEntry.action).count("list.import") == 2
    assert "no file" in readers.refused("subscriber", "import", tmp_path / "none.csv", *words[3:])
    path.write_bytes("email,name\nani@example.org,Élise\n".encode("latin-1"))
    assert "line 2: The line is not UTF-8 but looks like Latin-1" in readers.run(*words).stderr


def test_who_is_on_the_do_not_mail_list_cannot_be_added(readers: Cli) -> None:
    """Addresses and domains go on and off; of an address only a hash is shown."""
    assert "On the" in readers("suppression", "add", "ANI@example.org", "--reason", "complaint")
    assert "already" in readers("suppression", "add", "ani@example.org", "--reason", "again")
    readers("suppression", "add", "closed.test", "--reason", "asked")
    assert "do-not-mail" in readers.refused("subscriber", "add", *ANI, *CONSENT, code=1)
    found = readers.json("suppression", "list")
    assert [(one["kind"], one["reason"]) for one in found] == [("domain", "asked"), ("address", "complaint")]
    assert "ani" not in readers("suppression", "list")
    assert "closed.test" in readers("suppression", "list", "--kind", "domain")
    assert "Off the" in readers("suppression", "remove", "ani@example.org")
    assert "Not on" in readers("suppression", "remove", "ani@example.org")
    readers("subscriber", "add", *ANI, *CONSENT)


def test_a_welcome_is_asked_for_once(readers: Cli, database_url: str) -> None:
    """The welcome mail is a notice with the title, the rhythm and a sign-off link of this person."""
    readers("subscriber", "add", *ANI, *CONSENT, "--welcome", "--name", "Անի")
    readers("subscriber", "add", *ANI, *CONSENT, "--welcome")
    (message,) = rows(readers, database_url, Notice.message)
    assert b"Subject: Welcome to The Courier by mail\r\n" in message
    assert b"To: =?utf-8?" in message
    plain = message.replace(b"=\r\n", b"").replace(b"=3D", b"=")
    assert b"How often: Every edition (every day, 7:00" in plain
    assert re.search(rb"http://127\.0\.0\.1:8025/u/[\w-]{42}", plain)


def test_broken_proof_is_found(readers: Cli, database_url: str) -> None:
    """Whole chains end with 0, a changed event with 1 and its place."""
    readers("subscriber", "add", *ANI, *CONSENT)
    assert "1 subscriptions, every chain" in readers("consent", "verify", "--list", "readers")
    database = Database(database_url)
    with database.write() as session:
        session.execute(sa.update(ConsentEvent).values(source="form"))
    database.close()
    result = readers.run("consent", "verify")
    assert result.exit_code == 1
    assert "was changed" in result.stdout
    assert "was changed" in readers.run("consent", "verify", "--json").stdout


def test_an_erased_person_is_gone(readers: Cli) -> None:
    """Erasing asks first; afterwards nobody is found and the proof is still whole."""
    readers("subscriber", "add", *ANI, *CONSENT)
    assert readers.run("subscriber", "erase", "ani@example.org").exit_code == 1
    assert "Erased" in readers("subscriber", "erase", "ani@example.org", "--yes")
    readers.refused("subscriber", "show", "ani@example.org")
    (person,) = readers.json("subscriber", "list", "--list", "readers")
    assert (person["address"], person["name"], person["status"]) == (None, "", "ended")
    assert readers.json("consent", "verify") == {"subscriptions": 1, "findings": []}


def test_a_restored_backup_brings_nobody_back(readers: Cli, database_url: str, tmp_path: Path) -> None:
    """Listed, "restored", erased again: it asks first, says what it did, and an import adds nobody."""
    readers("subscriber", "add", *ANI, *CONSENT)
    readers("subscriber", "erase", "ani@example.org", "--yes")
    kept, people = tmp_path / "erased.jsonl", tmp_path / "people.csv"
    assert "1 erasures" in readers("subscriber", "erasures", "--output", str(kept))
    assert readers("subscriber", "erasures") == kept.read_text()
    assert readers("subscriber", "erasures", "--since", "2999-01-01") == ""
    assert "ani" not in kept.read_text()
    database = Database(database_url)
    with database.write() as session:  # as an older backup had it
        values = {"address": "ani@example.org", "address_key": "ani@example.org", "erased_at": None}
        session.execute(sa.update(Subscriber).values(**values, domain="example.org"))
    assert readers.run("subscriber", "erase-again", str(kept)).exit_code == 1
    said = readers("subscriber", "erase-again", str(kept), str(kept), "--yes")
    assert said.startswith("Erased again: 1; erased already: 0;")
    assert readers.json("subscriber", "erase-again", str(kept), "--yes") == {
        "erased": 0,
        "known": 1,
        "remembered": 0,
    }
    people.write_text("email\nani@example.org\n")
    readers("subscriber", "import", str(people), "--list", "readers", "--basis", "an old file")
    readers.refused("subscriber", "show", "ani@example.org")
    with database.read() as session:
        entries = session.execute(sa.select(AuditEntry.action, AuditEntry.details)).all()
    database.close()
    actions = [entry.action for entry in entries]
    assert actions.count("subscriber.erase") == 2
    assert ("subscriber.erase_again", {"erased": 1, "known": 0, "remembered": 0}) in entries
    kept.write_text("not a list\n")
    assert "Line 1 is no erasure" in readers.refused("subscriber", "erase-again", str(kept), "--yes")
    assert "cannot be read" in readers.refused("subscriber", "erase-again", str(tmp_path / "no"), "--yes")


def test_lists_are_shown_with_their_people(readers: Cli) -> None:
    """Counts by status, the policy, and a change of it."""
    readers("subscriber", "add", *ANI, *CONSENT)
    assert readers("list", "set", "readers", "--uncertain", "resend") == "Changed: uncertain_policy.\n"
    assert readers("list", "set", "readers", "--uncertain", "resend") == "Nothing to change.\n"
    (found,) = readers.json("list", "list")
    assert found["people"] == {"pending": 0, "active": 1, "paused": 0, "ended": 0}
    assert readers.json("list", "show", "readers") == found
    assert found["uncertain_policy"] == "resend"
    assert "The Courier by mail" in readers("list", "list")
    assert "resend" in readers("list", "show", "readers")


def test_a_password_is_never_among_the_words_of_a_command(readers: Cli, tmp_path: Path) -> None:
    """It comes from a file or standard input, lies in a file of its own, and is shown nowhere."""
    file = tmp_path / "password"
    file.write_text("open sesame\n")
    with JudgeServer(Script(user="courier", password="open sesame")) as judge:
        words = ("--host", "127.0.0.1", "--port", judge.port, "--security", "none", "--username", "courier")
        readers("transport", "add", "relay", *words, "--password-file", file)
        assert readers.json("transport", "test", "relay")["is_signed_in"] is True
        kept = readers.data / "secrets" / "transport-relay"
        assert kept.read_text() == "open sesame"
        assert kept.stat().st_mode & 0o777 == 0o600
        file.write_text("wrong\n")
        readers("transport", "set", "relay", "--password-file", file)
        assert "login and password" in readers.refused("transport", "test", "relay", code=1)
    for output in (readers("transport", "list"), readers("transport", "list", "--json")):
        assert "relay" in output
        assert "wrong" not in output
        assert "sesame" not in output
    file.write_text("")
    assert "one line" in readers.refused("transport", "set", "relay", "--password-file", file)
    assert "user name" in readers.refused(
        "transport", "add", "other", "--host", "x.test", "--password-file", file
    )


def test_people_who_work_here_have_accounts(readers: Cli) -> None:
    """Names with brackets are shown as they are; an address has one account."""
    readers("account", "add", "Nare@courier.example", "--name", "Nare [desk]", "--role", "approver")
    assert "already" in readers.refused("account", "add", "nare@courier.example", "--name", "x")
    assert "Nare [desk]" in readers("account", "list")
    (account,) = readers.json("account", "list")
    assert (account["role"], account["disabled_at"]) == ("approver", None)


def test_an_account_gets_in_becomes_an_admin_and_leaves(readers: Cli) -> None:
    """A link to choose a password, printed once and ended with the account; the last admin cannot go."""
    readers("account", "add", "nare@courier.example", "--name", "Nare")
    link = readers("account", "reset", "nare@courier.example").strip()
    assert "/desk/join/" in link
    assert link != readers("account", "reset", "nare@courier.example").strip()
    assert readers("account", "make-admin", "NARE@courier.example").startswith("Made an admin")
    assert readers("account", "make-admin", "nare@courier.example").startswith("This is an admin already")
    assert "/desk/set-up/" in readers("account", "link")
    told = readers("account", "disable", "nare@courier.example", "--dry-run")
    assert told.startswith("0 sessions and 1 links would end.")
    assert readers.json("account", "list")[0]["disabled_at"] is None
    assert readers("account", "disable", "nare@courier.example").startswith("0 sessions and 1 links ended.")
    assert "shut out" in readers.refused("account", "reset", "nare@courier.example", code=1)
    assert "No account" in readers.refused("account", "make-admin", "nobody@courier.example")
