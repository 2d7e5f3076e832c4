"""What goes wrong for one, for many or for all, told in words: `digest why`, `digest edition status`."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from digest import clock
from digest.db import Database
from digest.deliveries.breaker import MOST_REFUSED
from digest.deliveries.group import GROUP_PEOPLE
from digest.mail.smtp_client import SmtpTransport
from digest.mail.transport import Endpoint, Security
from digest.models import Batch, CoolDown, Delivery, DeliveryStatus, EditionState, Reason, Transport
from tests.factories import make_subscriber, make_subscription
from tests.integration.cli.commands import Cli
from tests.integration.planned import Desk, let_go, make_desk
from tests.servers.smtp import JudgeServer
from tests.servers.smtp_script import AUTHORITY, Fault, Script
from tests.servers.waiting import HANG

SENT, FAILED, PENDING = DeliveryStatus.SENT, DeliveryStatus.FAILED, DeliveryStatus.PENDING


@pytest.fixture
def desk(cli: Cli) -> Iterator[Desk]:
    """A newsroom in the data folder that the commands work on."""
    database = Database(f"sqlite:///{cli.data / 'digest.db'}")
    yield make_desk(database, cli.data)
    database.close()


def _add(desk: Desk, *addresses: str) -> None:
    with desk.database.write() as session:
        for address in addresses:
            person = make_subscriber(session, address, address_key=desk.made.address_key)
            make_subscription(session, desk.mailing_list, person)


def _send(desk: Desk, edition_id: int, script: Script, **changes: object) -> list[str]:
    """One task for each open batch; who is on the mail service's record afterwards."""
    with JudgeServer(dataclasses.replace(script, fsync=False)) as judge:
        sender = desk.sender(judge.port, now=clock.utc_now())
        if changes:
            plain = {"host": "localhost", "port": judge.port, "security": Security.NONE, "timeout": HANG}
            way = SmtpTransport(Endpoint(**(plain | changes)))  # type: ignore[arg-type]
            sender = dataclasses.replace(sender, transport=way)
        try:
            desk.send(edition_id, sender)
        finally:
            let_go(sender)
        return [one.recipients[0] for one in judge.messages]


def _later(desk: Desk) -> None:
    """As if the time had passed that a batch, the mail service or a domain waits for."""
    with desk.database.write() as session:
        session.execute(sa.update(Batch).values(not_before=clock.utc_now()))
        session.execute(sa.update(Transport).values(rests_until=None))
        session.execute(sa.delete(CoolDown))


def _attempts(desk: Desk) -> set[tuple[DeliveryStatus, int]]:
    with desk.database.read() as session:
        return {(one.status, one.attempt) for one in session.scalars(sa.select(Delivery))}


def _in_one_line(text: str) -> str:
    """What is printed, however it is broken into lines."""
    return " ".join(text.split())


def test_a_refused_address(cli: Cli, desk: Desk) -> None:
    """The reply is told of that person, without the address, and is counted; the others have it."""
    _add(desk, "ani@mail.test", "gone@mail.test", "eva@post.test")
    edition_id = desk.sending(clock.utc_now())
    refusal = Fault("rcpt", reply="550 5.1.1 <gone@mail.test>: no such user here", match="gone@", times=0)
    assert sorted(_send(desk, edition_id, Script(faults=(refusal,)))) == ["ani@mail.test", "eva@post.test"]
    why = cli("why", "gone@mail.test")
    assert "Failed: the mail service has refused it." in why
    assert "reply:      550 5.1.1 <address>: no such user here" in why
    assert "Handed over: the mail service has taken it." in cli("why", "ani@mail.test")
    status = cli.json("edition", "status", edition_id)
    assert status["state"] == "sent"
    assert status["replies"][0] == {
        "status": "failed",
        "count": 1,
        "code": 550,
        "enhanced": "5.1.1",
        "text": "<address>: no such user here",
    }


def test_an_address_no_server_can_take(cli: Cli, desk: Desk) -> None:
    """Letters beyond ASCII before the @ and a service without SMTPUTF8: theirs alone, and what is lacking."""
    _add(desk, "ani@mail.test", "անի@mail.test", "eva@post.test")
    edition_id = desk.sending(clock.utc_now())
    assert sorted(_send(desk, edition_id, Script(smtputf8=False))) == ["ani@mail.test", "eva@post.test"]
    words = "553 5.6.7 The mail service does not offer SMTPUTF8, which this address needs."
    assert f"reply:      {words}" in cli("why", "անի@mail.test")
    assert words in cli("edition", "status", edition_id)
    assert desk.edition(edition_id).state is EditionState.SENT


def test_a_service_that_takes_nothing_from_us(cli: Cli, desk: Desk) -> None:
    """It says so of us, not of a person: it rests with its words, nobody is touched, later all get it."""
    _add(desk, *(f"p{number:02}@mail{number % 5}.test" for number in range(60)))
    edition_id = desk.sending(clock.utc_now())
    refusal = Fault("rcpt", reply="550 5.7.1 Relaying denied", times=0)
    assert _send(desk, edition_id, Script(faults=(refusal,))) == []
    words = "The mail service takes no mail from us now: 550 5.7.1 Relaying denied"
    assert words in _in_one_line(cli("edition", "status", edition_id))
    assert words in cli("edition", "show", edition_id)
    assert f"held up by: {words}" in cli("why", "p00@mail0.test")
    assert words in _in_one_line(cli("transport", "list"))
    assert _attempts(desk) == {(PENDING, 0)}
    _later(desk)
    assert len(set(_send(desk, edition_id, Script()))) == 60
    assert "held up" not in cli("why", "p00@mail0.test")


def test_a_service_that_refuses_everybody(cli: Cli, desk: Desk) -> None:
    """One person after another, by a reply that sounds like theirs: paused with it, the rest is untouched."""
    count = 4 * GROUP_PEOPLE
    _add(desk, *(f"p{number:03}@mail{number % 5}.test" for number in range(count)))
    edition_id = desk.sending(clock.utc_now())
    refusal = Fault("rcpt", reply="550 5.1.1 Mailbox unavailable", times=0)
    assert _send(desk, edition_id, Script(faults=(refusal,))) == []
    paused = desk.edition(edition_id)
    assert (paused.state, paused.reason) == (EditionState.PAUSED, Reason.TRANSPORT_FAILING)
    words = re.compile(r"The mail service refused \d+ people in a row: 550 5\.1\.1 Mailbox unavailable")
    assert words.search(_in_one_line(cli("edition", "status", edition_id)))
    statuses = desk.statuses(edition_id)
    waiting = next(who for who, status in statuses.items() if status is PENDING)
    assert words.search(cli("why", waiting))
    assert "the edition is paused" in cli("why", waiting)
    # The two groups that were under way are judged.
    assert MOST_REFUSED <= list(statuses.values()).count(FAILED) <= 2 * GROUP_PEOPLE
    cli("edition", "resume", edition_id)
    served = _send(desk, edition_id, Script())
    cli("edition", "retry", edition_id, "--code", 550)
    served += _send(desk, edition_id, Script())
    assert sorted(served) == sorted(statuses)
    assert set(desk.statuses(edition_id).values()) == {SENT}


def test_wrong_credentials(cli: Cli, desk: Desk) -> None:
    """The mail service and the edition say it, nobody is touched; with the right ones everybody gets it."""
    _add(desk, "ani@mail.test", "eva@post.test")
    edition_id = desk.sending(clock.utc_now())
    script = Script(starttls=True, user="digest", password="right")
    way = {"security": Security.STARTTLS, "username": "digest", "ca_file": str(AUTHORITY)}
    assert _send(desk, edition_id, script, **way, password="wrong") == []
    words = "The mail service does not take the login and password (535)"
    assert words in _in_one_line(cli("edition", "status", edition_id))
    assert words in _in_one_line(cli("transport", "list"))
    assert f"held up by: {words}" in cli("why", "ani@mail.test")
    assert _attempts(desk) == {(PENDING, 0)}
    _later(desk)
    assert len(_send(desk, edition_id, script, **way, password="right")) == 2
    assert words not in _in_one_line(cli("transport", "list"))


def test_half_of_a_provider_deferred(cli: Cli, desk: Desk) -> None:
    """Those five wait with the reply and the moment; the other half and other providers have it already."""
    _add(desk, *(f"p{number}@gmail.com" for number in range(10)))
    _add(desk, *(f"q{number}@yahoo.com" for number in range(4)), "ani@mail.test")
    edition_id = desk.sending(clock.utc_now())
    later = [f"p{number}@gmail.com" for number in range(0, 10, 2)]
    faults = tuple(Fault("rcpt", reply="451 4.2.1 over its rate", match=who, times=0) for who in later)
    assert len(_send(desk, edition_id, Script(faults=faults))) == 10
    status = cli.json("edition", "status", edition_id)
    by_provider = {line["name"]: (line["sent"], line["pending"]) for line in status["providers"]}
    assert by_provider == {"Google": (5, 5), "Yahoo": (4, 0), "other": (1, 0)}
    assert (status["replies"][0]["status"], status["replies"][0]["text"]) == ("pending", "over its rate")
    assert "5 were put off, next try" in cli("edition", "status", edition_id)
    why = cli("why", "p0@gmail.com")
    assert "reply:      451 4.2.1 over its rate" in why
    assert "Handed over: the mail service has taken it." in cli("why", "p1@gmail.com")
    assert not status["faults"]
    _later(desk)
    assert sorted(_send(desk, edition_id, Script())) == later
    assert set(desk.statuses(edition_id).values()) == {SENT}
