"""What `digest doctor` finds."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from digest.embedded import broker
from tests.integration.cli.commands import Cli


@pytest.fixture(autouse=True)
def _own_broker(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless a test names one, the broker is our own and does not run: no worker is waited for."""
    monkeypatch.delenv("DIGEST_BROKER_URL")


def levels(cli: Cli, *args: str, code: int = 0) -> dict[str, dict[str, Any]]:
    """The findings by what was checked."""
    import json

    result = cli.run("doctor", "--json", *args)
    assert result.exit_code == code, result.output
    return {found["check"]: found for found in json.loads(result.stdout)["findings"]}


def test_new_installation_has_warnings_and_no_fault(cli: Cli, redis_url: str, monkeypatch: Any) -> None:
    """What only wants doing is a warning with what to do; the exit code is 0.

    The broker's kind and version stand in its finding; no worker answers within the time that it is given.
    """
    monkeypatch.setenv("DIGEST_BROKER_URL", redis_url)
    found = levels(cli)
    assert {
        found[check]["level"] for check in ("settings", "data folder", "secrets", "database", "broker")
    } == {"ok"}
    for check in ("workers", "public URL", "mail service", "accounts"):
        assert found[check]["level"] == "warn"
        assert found[check]["mend"]
    assert found["clockwork"]["level"] == "ok"
    assert any(kind in found["broker"]["found"] for kind in ("valkey", "redis"))
    assert "3 seconds" in found["workers"]["found"]
    monkeypatch.delenv("DIGEST_BROKER_URL")  # no worker is waited for where no broker runs
    assert "clockwork" in cli("doctor")


def test_password_of_a_server_is_never_shown(cli: Cli, redis_url: str, monkeypatch: Any) -> None:
    """Neither the findings nor the list of settings hold one, not even where the server does not answer."""
    monkeypatch.setenv("DIGEST_BROKER_URL", "redis://user:open-sesame@127.0.0.1:1/0")
    monkeypatch.setenv("DIGEST_DATABASE_URL", "postgresql://digest:open-sesame@127.0.0.1:1/digest")
    for args in (("doctor",), ("doctor", "--json", "--settings"), ("doctor", "--quick")):
        result = cli.run(*args)
        assert result.exit_code == 1
        assert "open-sesame" not in result.output
    assert "postgresql://digest:***@127.0.0.1:1/digest" in result_of_settings(cli)


def result_of_settings(cli: Cli) -> str:
    return cli.run("doctor", "--settings").stdout


def test_quick_looks_at_the_database_and_the_broker_only(cli: Cli, redis_url: str, monkeypatch: Any) -> None:
    """It is what a container asks every few seconds."""
    monkeypatch.setenv("DIGEST_BROKER_URL", redis_url)
    assert set(levels(cli, "--quick")) == {"database", "broker"}
    monkeypatch.delenv("DIGEST_BROKER_URL")  # our own broker does not run: a fault here, else a warning
    assert levels(cli, "--quick", code=1)["broker"]["level"] == "fault"
    assert levels(cli)["broker"]["level"] == "warn"


def test_missing_database_is_a_fault_and_is_not_made(cli: Cli) -> None:
    """Looking changes nothing."""
    (cli.data / "digest.db").unlink()
    found = levels(cli, code=1)
    assert found["database"]["level"] == "fault"
    assert "db upgrade" in found["database"]["mend"]
    assert not (cli.data / "digest.db").exists()


def test_database_that_is_none_is_a_fault(cli: Cli) -> None:
    """A file of something else is told from a database, in words."""
    (cli.data / "digest.db").write_bytes(b"no database, but long enough to look at " * 100)
    assert "not a database" in levels(cli, code=1)["database"]["found"]


def test_secrets_that_others_can_read_are_a_fault(cli: Cli) -> None:
    """Whoever reads the keys can forge links."""
    secrets = cli.data / "secrets"
    secrets.chmod(0o755)
    (secrets / "address-key").chmod(0o644)
    found = levels(cli, code=1)["secrets"]
    assert "address-key" in found["found"]
    assert "chmod" in found["mend"]
    secrets.chmod(0o700)  # nobody else can get at the file
    assert levels(cli)["secrets"]["level"] == "ok"


def test_damaged_and_missing_secrets_are_a_fault(cli: Cli) -> None:
    """The sentence says which file."""
    (cli.data / "secrets" / "address-key").write_text("short")
    assert "address-key is damaged" in levels(cli, code=1)["secrets"]["found"]
    (cli.data / "secrets" / "address-key").unlink()
    assert "is missing" in levels(cli, code=1)["secrets"]["found"]


def test_wrong_settings_are_a_fault_and_the_right_ones_are_listed(cli: Cli, monkeypatch: Any) -> None:
    """With a misspelt variable nothing else can be looked at; the list shows how it is spelt."""
    monkeypatch.setenv("DIGEST_PUBLIC_ULR", "https://courier.example")
    result = cli.run("doctor")
    assert result.exit_code == 1
    assert "DIGEST_PUBLIC_ULR" in result.stdout
    assert "DIGEST_PUBLIC_URL" in result.stdout
    assert "DIGEST_LEASE_SECONDS" in result.stdout


def test_settings_are_listed_with_where_they_come_from(cli: Cli, tmp_path: Path, monkeypatch: Any) -> None:
    """A variable wins over the file, and a file that is not there is a fault."""
    (tmp_path / "digest.toml").write_text('public_url = "https://courier.example"\ncontact = "desk"\n')
    monkeypatch.setenv("DIGEST_CONTACT", "newsroom")
    listed = {line["variable"]: line for line in cli.json("doctor", "--settings")["settings"]}
    assert listed["DIGEST_PUBLIC_URL"]["origin"] == "digest.toml"
    assert (listed["DIGEST_CONTACT"]["origin"], listed["DIGEST_CONTACT"]["value"]) == (
        "environment",
        "newsroom",
    )
    assert listed["DIGEST_WEB_PORT"]["origin"] == "default"
    monkeypatch.setenv("DIGEST_CONFIG", str(tmp_path / "nowhere.toml"))
    assert levels(cli, code=1)["settings"]["level"] == "fault"


def test_inbox_that_strangers_can_open_is_a_warning(cli: Cli, monkeypatch: Any) -> None:
    """The catcher is for trying out."""
    monkeypatch.setenv("DIGEST_CATCHER_DIR", "caught")
    assert levels(cli)["catcher"]["level"] == "ok"
    monkeypatch.setenv("DIGEST_PUBLIC_URL", "https://courier.example")
    assert levels(cli)["catcher"]["level"] == "warn"


def test_own_templates_that_cannot_be_parsed_are_a_fault(cli: Cli, tmp_path: Path, monkeypatch: Any) -> None:
    """A newsroom's broken template is found before an edition is held for it."""
    own = tmp_path / "own"
    (own / "email" / "digest").mkdir(parents=True)
    (own / "email" / "digest" / "subject.txt").write_text("{% if %}")
    monkeypatch.setenv("DIGEST_TEMPLATES", str(own))
    assert levels(cli, code=1)["templates"]["level"] == "fault"
    monkeypatch.setenv("DIGEST_TEMPLATES", str(tmp_path / "nowhere"))
    assert "does not exist" in levels(cli, code=1)["templates"]["found"]


def test_what_a_digest_lacks_and_what_is_overdue_is_told(cli: Cli) -> None:
    """Each with the command that mends it."""
    cli("digest", "create", "courier", "--title", "T", "--language", "en", "--sender", "a@courier.example")
    found = levels(cli)["digest"]
    assert found["found"] == "courier has no postal address and no source and no running cadence"
    assert "digest digest set courier --postal-address" in found["mend"]
    cli("cadence", "add", "courier", "morning", "--cron", "30 6 * * *", "--zone", "UTC")
    edition = cli.json("edition", "extra", "courier", "--at", "2035-01-01")["id"]
    _wait_since(cli, edition)
    assert "1 editions and 0 sources are overdue" in levels(cli)["clockwork"]["found"]


def test_a_service_that_mails_nobody_is_told_with_what_to_do(cli: Cli) -> None:
    """No sender, no test mail yet, a fault: each with its remedy; then it is well."""
    from digest.db import Database
    from digest.models import Transport

    assert "digest digest create" in levels(cli)["sender address"]["mend"]
    cli("transport", "add", "relay", "--host", "127.0.0.1", "--security", "none")
    found = levels(cli)["mail service"]
    assert (found["level"], "nobody is mailed" in found["found"]) == ("warn", True)
    assert "digest transport test relay --to" in found["mend"]
    database = Database(f"sqlite:///{cli.data / 'digest.db'}")
    now = dt.datetime.now(dt.UTC)
    for values, level in (
        ({"accepted_at": now, "rests_until": now + dt.timedelta(minutes=5), "fault": "It sleeps."}, "warn"),
        ({"rests_until": now - dt.timedelta(minutes=5)}, "ok"),
    ):
        with database.write() as session:
            session.execute(sa.update(Transport).values(**values))
        assert levels(cli)["mail service"]["level"] == level
    database.close()


def _wait_since(cli: Cli, edition_id: int) -> None:
    """Let an edition wait for an hour already."""
    import datetime as dt

    from digest.db import Database
    from digest.models import Edition

    database = Database(f"sqlite:///{cli.data / 'digest.db'}")
    with database.write() as session:
        session.get_one(Edition, edition_id).send_at = dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)
    database.close()


def test_broker_that_is_no_broker_is_a_sentence(cli: Cli, monkeypatch: Any) -> None:
    """A scheme that no transport knows is a wrong setting."""
    monkeypatch.setenv("DIGEST_BROKER_URL", "carrier-pigeon://:secret@loft/")
    found = levels(cli, "--quick", code=1)["broker"]
    assert "carrier-pigeon" in found["found"]
    assert "secret" not in str(found)


@pytest.mark.process
def test_own_broker_is_found_by_its_socket(cli: Cli, tmp_path: Path, monkeypatch: Any) -> None:
    """The unix socket in the data folder is where `digest up` puts it."""
    from digest.config import load

    with broker.running(socket=load().broker_socket, folder=tmp_path / "broker"):
        assert levels(cli, "--quick")["broker"]["level"] == "ok"


def test_both_databases_are_known_by_kind_and_version(cli: Cli, database_url: str, monkeypatch: Any) -> None:
    """SQLite and PostgreSQL, at this version's schema."""
    monkeypatch.setenv("DIGEST_DATABASE_URL", database_url)
    found = levels(cli)["database"]
    assert found["level"] == "ok"
    assert found["found"].startswith(("SQLite 3.", "PostgreSQL 1"))
    assert levels(cli)["clockwork"]["level"] == "ok"


def test_database_without_tables_is_a_fault(cli: Cli, postgres_url: str, monkeypatch: Any) -> None:
    """It answers, but nothing of ours is in it."""
    monkeypatch.setenv("DIGEST_DATABASE_URL", postgres_url)
    found = levels(cli, code=1)["database"]
    assert "digest db upgrade" in found["mend"]
