"""Rests of receiving domains as rows, for each mail service apart."""

from __future__ import annotations

import datetime as dt
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from digest.db import Database
from digest.models import CoolDown
from digest.pacing.cool_downs import cooling, note, warm
from digest.pacing.transports import add_transport
from tests.factories.moments import NOW
from tests.servers.waiting import HANG

MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
def ways(database: Database) -> tuple[int, int]:
    """Two mail services."""
    with database.write() as session:
        first, second = (
            add_transport(session, name=name, host="relay.test", now=NOW).id for name in ("first", "second")
        )
    return first, second


def test_only_the_domain_at_that_service_rests(database: Database, ways: tuple[int, int]) -> None:
    """Others are unaffected: other domains here, and the same domain by the other service."""
    relay, other = ways
    with database.write() as session:
        until = note(session, relay, "big.test", 7, now=NOW)
        assert until == NOW + MINUTE
        asked = {"big.test", "small.test"}
        assert cooling(session, relay, asked, now=NOW) == {"big.test": until}
        assert cooling(session, other, asked, now=NOW) == {}
        assert cooling(session, relay, asked, now=until) == {}
        assert cooling(session, relay, (), now=NOW) == {}
        row = session.scalars(sa.select(CoolDown)).one()
        assert (row.reply_id, row.times_in_a_row) == (7, 1)


def test_the_rest_grows_until_mail_is_taken_again(database: Database, ways: tuple[int, int]) -> None:
    """A mail that was taken during a rest was on its way already; one after it ends the row."""
    relay, _ = ways
    with database.write() as session:
        until = note(session, relay, "big.test", None, now=NOW)
        assert note(session, relay, "big.test", 1, now=NOW + MINUTE / 2) == until
        until = note(session, relay, "big.test", 2, now=until)
        assert until == NOW + 3 * MINUTE
        warm(session, relay, {"big.test"}, now=until - MINUTE)
        assert cooling(session, relay, {"big.test"}, now=until - MINUTE)
        warm(session, relay, {"big.test", "small.test"}, now=until)
        assert session.scalars(sa.select(CoolDown)).all() == []
        assert note(session, relay, "big.test", 3, now=until) == until + MINUTE


def test_many_replies_at_once_are_one_rest(database: Database, ways: tuple[int, int]) -> None:
    """Eight connections that hear the same at one moment do not make an hour of it."""
    relay, _ = ways
    together = threading.Barrier(8)

    def hear(number: int) -> dt.datetime:
        together.wait(HANG)
        with database.write() as session:
            return note(session, relay, "big.test", number, now=NOW)

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(hear, range(8))) == {NOW + MINUTE}


def test_thousands_of_domains_can_be_asked_about(database: Database, ways: tuple[int, int]) -> None:
    """More than one statement takes as parameters on either database."""
    relay, _ = ways
    domains = [f"mail{number}.test" for number in range(40_000)]
    with database.write() as session:
        note(session, relay, domains[-1], None, now=NOW)
        assert set(cooling(session, relay, domains, now=NOW)) == {domains[-1]}
        warm(session, relay, domains, now=NOW + MINUTE)
        assert session.scalars(sa.select(CoolDown)).all() == []
