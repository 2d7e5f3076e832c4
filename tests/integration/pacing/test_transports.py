"""The rows of mail services, and trying one."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from digest import keys
from digest.db import Database
from digest.errors import ConfigError, InputError, NotFoundError, UnreachableError
from digest.models import RampUp, Security, Transport
from digest.pacing import transports
from tests.factories.moments import NOW
from tests.servers.smtp import JudgeServer
from tests.servers.smtp_script import Script


def add(database: Database, name: str = "relay", **values: object) -> None:
    plain: dict[str, object] = {"host": "127.0.0.1", "security": Security.NONE, "now": NOW}
    with database.write() as session:
        transports.add_transport(session, name=name, **{**plain, **values})  # type: ignore[arg-type]


def proven(database: Database, name: str, *, rank: int = 0, **values: object) -> int:
    """A mail service that took a test mail; its id."""
    add(database, name, rank=rank)
    with database.write() as session:
        row = transports.transport_named(session, name)
        row.accepted_at = NOW
        for column, value in values.items():
            setattr(row, column, value)
        return row.id


def names(database: Database, *, now: dt.datetime = NOW, only: int | None = None) -> list[str]:
    with database.read() as session:
        return [row.name for row in transports.ways(session, now=now, only=only)]


def test_ways_are_the_proven_ones_by_rank(database: Database) -> None:
    """Rank, then age; one that is disabled or has taken no test mail is passed over, whatever its rank."""
    proven(database, "spare", rank=5)
    proven(database, "first", rank=1)
    proven(database, "second", rank=1)
    proven(database, "off", rank=0, is_enabled=False)
    add(database, "new", rank=0)
    assert names(database) == ["first", "second", "spare"]
    with database.read() as session:
        assert [row.name for row in transports.transports(session)] == [
            *("new", "first", "second", "spare", "off")
        ]


def test_a_service_that_rests_is_passed_over_for_the_next(database: Database) -> None:
    """Until its rest is over; if all rest, the one that is back first is given, to be waited for."""
    first = proven(database, "first")
    second = proven(database, "second", rank=1)
    with database.write() as session:
        until = transports.note_fault(session, first, "It takes nothing.", now=NOW)
    assert until == NOW + dt.timedelta(seconds=10)
    assert names(database) == ["second"]
    assert names(database, only=first) == ["first"]
    assert names(database, now=until) == ["first", "second"]
    with database.write() as session:
        transports.note_fault(session, second, "Nor does this one.", now=NOW + dt.timedelta(seconds=1))
    assert names(database, now=NOW + dt.timedelta(seconds=2)) == ["first"]


def test_rests_grow_until_it_works_again(database: Database) -> None:
    """10, 20, 40, 80, 160, 300 seconds; a fault during a rest is part of the one before."""
    relay, at, rests = proven(database, "relay"), NOW, []
    with database.write() as session:
        for _ in range(7):
            until = transports.note_fault(session, relay, "x" * 1000, now=at)
            assert transports.note_fault(session, relay, "again", now=at) == until
            rests.append((until - at).total_seconds())
            at = until
        assert rests == [10, 20, 40, 80, 160, 300, 300]
        transports.note_working(session, relay)
        row = session.get_one(Transport, relay, populate_existing=True)
        assert (row.fault, row.faults_in_a_row, row.rests_until) == ("", 0, None)
        assert transports.note_fault(session, relay, "new", now=at) == at + dt.timedelta(seconds=10)


def test_a_service_with_a_ramp_up_stands_in_for_nobody(database: Database) -> None:
    """What a new sender may send is planned: it gets nothing because another fails, unless it is first."""
    first = proven(database, "first")
    new = proven(database, "new", rank=1)
    with database.write() as session:
        session.add(
            RampUp(transport_id=new, starts_on=NOW.date(), first_day=5, growth_percent=50, created_at=NOW)
        )
        transports.note_fault(session, first, "It takes nothing.", now=NOW)
    assert names(database) == ["first"]
    assert names(database, only=new) == ["new"]
    with database.write() as session:
        session.get_one(Transport, first).is_enabled = False
    assert names(database) == ["new"]


def test_what_is_missing_is_said_with_what_to_do(database: Database) -> None:
    """None at all, none that is switched on, none that took a test mail, the wanted one not usable."""
    with pytest.raises(ConfigError, match="digest transport add"):
        names(database)
    add(database)
    with pytest.raises(ConfigError, match=r"digest transport test relay --to"):
        names(database)
    other = proven(database, "other", is_enabled=False)
    with pytest.raises(ConfigError, match=r"digest transport set other --enabled"):
        names(database, only=other)
    with pytest.raises(ConfigError, match="not there any more"):
        names(database, only=other + 1)
    with database.write() as session:
        transports.transport_named(session, "relay").is_enabled = False
    with pytest.raises(ConfigError, match="digest transport add"):
        names(database)


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
        ({"per_second": -1.0}, InputError),
        ({"per_second": float("nan")}, InputError),
        ({"per_hour": 10_000_001}, InputError),
        ({"connections": 0}, InputError),
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
        assert transports.transport_named(session, "relay").tested_at == NOW


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
        with pytest.raises(UnreachableError, match="login and password") as caught:
            transports.try_transport(database, "relay", tmp_path)
        assert "wrong" not in str(caught.value)
    (tmp_path / "transport-relay").unlink()
    with pytest.raises(ConfigError, match="transport-relay"):
        transports.try_transport(database, "relay", tmp_path)
    with database.read() as session:
        assert transports.transport_named(session, "relay").tested_at is None
