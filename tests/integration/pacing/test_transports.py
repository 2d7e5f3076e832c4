"""The rows of mail services, and trying one."""

from __future__ import annotations

from pathlib import Path

import pytest

from digest import keys
from digest.db import Database
from digest.errors import ConfigError, InputError, NotFoundError, UnreachableError
from digest.models import Security
from digest.pacing import transports
from tests.factories.moments import NOW
from tests.servers.smtp import JudgeServer
from tests.servers.smtp_script import Script


def add(database: Database, name: str = "relay", **values: object) -> None:
    plain: dict[str, object] = {"host": "127.0.0.1", "security": Security.NONE, "now": NOW}
    with database.write() as session:
        transports.add_transport(session, name=name, **{**plain, **values})  # type: ignore[arg-type]


def test_the_lowest_enabled_rank_is_picked(database: Database) -> None:
    """The order is rank, then age; disabled services are passed over; none at all is said clearly."""
    with database.read() as session, pytest.raises(ConfigError, match="digest transport add"):
        transports.pick(session)
    add(database, "spare", rank=5)
    add(database, "first", rank=1)
    add(database, "second", rank=1)
    with database.write() as session:
        assert [row.name for row in transports.transports(session)] == ["first", "second", "spare"]
        transports.transport_named(session, "first").is_enabled = False
    with database.read() as session:
        assert transports.pick(session).name == "second"


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"name": "Relay"}, InputError),
        ({"name": "x" * 51}, InputError),
        ({"host": "smtp example.org"}, InputError),
        ({"host": ""}, InputError),
        ({"port": 0}, InputError),
        ({"port": 70_000}, InputError),
        ({"username": "a\nb"}, InputError),
        ({"helo": "not a name"}, ConfigError),
        ({"host": "smtp.example.org", "username": "courier"}, ConfigError),
    ],
)
def test_what_cannot_be_a_mail_service_is_refused(
    database: Database, values: dict[str, object], error: type[Exception]
) -> None:
    """Names, hosts, ports and user names are checked; a password never travels without TLS."""
    with pytest.raises(error):
        add(database, **values)  # type: ignore[arg-type]


def test_a_name_is_used_once(database: Database) -> None:
    """A second service of the same name is refused, and unknown names are said."""
    add(database)
    with pytest.raises(InputError, match="already"):
        add(database)
    with database.read() as session, pytest.raises(NotFoundError, match="'other'"):
        transports.transport_named(session, "other")


def test_trying_signs_in_with_the_kept_password(database: Database, tmp_path: Path) -> None:
    """The password comes from its file; what the server offers comes back and the moment is noted."""
    keys.write_secret(tmp_path, "transport-relay", "open sesame")
    script = Script(user="courier", password="open sesame")
    with JudgeServer(script) as judge:
        add(database, port=judge.port, username="courier", secret_name="transport-relay")
        offer = transports.try_transport(database, "relay", tmp_path, now=lambda: NOW)
        assert judge.messages == []
    assert offer.is_signed_in
    assert "SMTPUTF8" in offer.extensions
    with database.read() as session:
        assert transports.pick(session).tested_at == NOW


def test_a_service_that_does_not_work_says_why(database: Database, tmp_path: Path) -> None:
    """No answer, a wrong password and a missing secret each have their own sentence, and nothing is noted."""
    with JudgeServer() as judge:
        gone = judge.port
    add(database, "gone", port=gone)
    with pytest.raises(UnreachableError, match="cannot be reached"):
        transports.try_transport(database, "gone", tmp_path)
    keys.write_secret(tmp_path, "transport-relay", "wrong")
    with JudgeServer(Script(user="courier", password="right")) as judge:
        add(database, port=judge.port, username="courier", secret_name="transport-relay")
        with pytest.raises(UnreachableError, match="user name and password") as caught:
            transports.try_transport(database, "relay", tmp_path)
        assert "wrong" not in str(caught.value)
    (tmp_path / "transport-relay").unlink()
    with pytest.raises(ConfigError, match="transport-relay"):
        transports.try_transport(database, "relay", tmp_path)
    with database.read() as session:
        assert transports.pick(session).tested_at is None
