"""`digest uncertain`: a person reads the evidence, looks into a log, and says what it was."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import sqlalchemy as sa

from digest import clock
from digest.db import Database
from digest.deliveries.journals import open_journal
from digest.deliveries.ledger import RESENT_MARK, Result, record
from digest.mail.headers import message_id
from digest.models import Delivery, DeliveryStatus, Transport, UncertainCase, UncertainCause
from tests.integration.cli.commands import Cli
from tests.integration.planned import Desk, make_desk

UNCERTAIN = DeliveryStatus.UNCERTAIN


@dataclass
class Doubtful:
    """An edition on its way, and three people of whom nobody knows whether they have it."""

    cli: Cli
    desk: Desk
    edition: int
    people: list[int]
    addresses: list[str]

    def statuses(self) -> list[str]:
        found = self.desk.statuses(self.edition)
        return [found[address].value for address in self.addresses]


@pytest.fixture
def doubtful(cli: Cli) -> Iterator[Doubtful]:
    """A worker ended, the connection of another one did, and a third had no answer."""
    database = Database(f"sqlite:///{cli.data / 'digest.db'}")
    desk, now = make_desk(database, cli.data), clock.utc_now()
    people = desk.add_people(3)
    edition = desk.sending(now)
    journal, journal_id = open_journal(database, cli.data / "journals", worker="mill:17", now=now)
    journal.close()
    with database.write() as session:
        service = Transport(name="relay", host="smtp.relay.test", port=25, created_at=now)
        session.add(service)
        session.flush()
        causes = (UncertainCause.WORKER_ENDED, UncertainCause.CONNECTION_ENDED, UncertainCause.NO_ANSWER)
        results = [
            Result(
                person,
                0,
                UNCERTAIN,
                now,
                transport_id=None if cause is UncertainCause.WORKER_ENDED else service.id,
                cause=cause,
                journal_id=journal_id,
            )
            for person, cause in zip(people, causes, strict=True)
        ]
        record(session, edition, results)
    yield Doubtful(cli, desk, edition, people, sorted(desk.statuses(edition)))
    database.close()


def test_the_evidence_is_told_in_words(doubtful: Doubtful) -> None:
    """For each: when the dot left, why nobody knows, which worker, which service, what to search for."""
    told = doubtful.cli("uncertain", "list")
    for words in (
        "The worker ended after it had announced the final dot",
        "The connection ended between the final dot and the reply.",
        "No reply to the final dot came",
        "mill:17 on ",
        "relay (smtp.relay.test)",
        "3 shown, 3 open.",
    ):
        assert words in told
    for person, address in zip(doubtful.people, doubtful.addresses, strict=True):
        assert f"{address}: edition {doubtful.edition}, A bridge is mended" in told
        key = doubtful.desk.made.address_key
        assert message_id(doubtful.edition, person, "courier.example", key) in told


def test_programs_get_the_same(doubtful: Doubtful) -> None:
    """As JSON, with the codes beside the words."""
    found = doubtful.cli.json("uncertain", "list", "--edition", doubtful.edition)
    assert {case["cause"] for case in found} == {"worker_ended", "connection_ended", "no_answer"}
    assert {case["address"] for case in found} == set(doubtful.addresses)
    assert all(case["message_id"].startswith("<") and case["since"] and case["why"] for case in found)


def test_a_person_says_what_each_one_was(doubtful: Doubtful) -> None:
    """Arrived, sent once more, closed; what is settled is shown with who did it, if asked for."""
    cli, edition = doubtful.cli, doubtful.edition
    one, other, last = doubtful.addresses
    assert "1 resolved as arrived" in cli("uncertain", "resolve", edition, one, "--as", "arrived")
    assert "1 resolved as resend" in cli("uncertain", "resolve", edition, other, "--as", "resend")
    assert cli.json("uncertain", "resolve", edition, "--all", "--as", "closed") == {
        "edition": edition,
        "as": "closed",
        "people": 1,
        "were_sent_twice": 0,
    }
    assert doubtful.statuses() == ["sent", "pending", "uncertain"]
    assert "Nothing is uncertain" in cli("uncertain", "list")
    told = cli("uncertain", "list", "--all")
    for words in ("it had arrived, by cli:", "sent once more, by cli:", "closed, nothing more is sent, by"):
        assert words in told
    assert last in told


def test_those_from_before_are_shown_too(doubtful: Doubtful) -> None:
    """Deliveries that have no case yet, when their edition is asked for."""
    database = doubtful.desk.database
    with database.write() as session:
        session.execute(sa.delete(UncertainCase))
    told = doubtful.cli("uncertain", "list", "--edition", doubtful.edition)
    assert told.count("It is from before the reasons were kept.") == 3
    doubtful.cli("uncertain", "resolve", doubtful.edition, "--all", "--as", "arrived")
    assert set(doubtful.statuses()) == {"sent"}


def test_an_erased_person_s_mail_is_still_listed(doubtful: Doubtful) -> None:
    """Without the address, which is gone."""
    doubtful.cli("subscriber", "erase", doubtful.addresses[0], "--yes")
    assert "a person who was erased: edition" in doubtful.cli("uncertain", "list")


def test_what_cannot_be_resolved_is_one_sentence(doubtful: Doubtful) -> None:
    """And nothing is changed by it."""
    cli, edition = doubtful.cli, doubtful.edition
    one, other, _ = doubtful.addresses
    resolve = ("uncertain", "resolve")
    assert "--all" in cli.refused(*resolve, edition, "--as", "arrived")
    assert "--all" in cli.refused(*resolve, edition, one, "--all", "--as", "arrived")
    assert "Nobody subscribes" in cli.refused(*resolve, edition, "nobody@mail.test", "--as", "arrived")
    assert "no edition" in cli.refused(*resolve, 99, "--all", "--as", "arrived")
    assert "no edition" in cli.refused("uncertain", "list", "--edition", 99)
    cli(*resolve, edition, one, "--as", "arrived")
    assert "1 of 2" in cli.refused(*resolve, edition, one, other, "--as", "resend", code=1)
    assert doubtful.statuses() == ["sent", "uncertain", "uncertain"]


def test_nobody_is_sent_it_a_third_time(doubtful: Doubtful) -> None:
    """Those who got it twice are left as they are, and that is said."""
    cli, edition, desk = doubtful.cli, doubtful.edition, doubtful.desk
    cli("uncertain", "resolve", edition, "--all", "--as", "resend")
    with desk.database.write() as session:
        attempt = session.scalars(sa.select(Delivery.attempt)).first()
        assert attempt is not None
        assert attempt >= RESENT_MARK
        again = [Result(person, attempt, UNCERTAIN, clock.utc_now()) for person in doubtful.people]
        record(session, edition, again)
    assert "3 were sent it twice already" in cli("uncertain", "resolve", edition, "--all", "--as", "resend")
    assert "that is the most" in cli.refused(
        "uncertain", "resolve", edition, doubtful.addresses[0], "--as", "resend", code=1
    )
