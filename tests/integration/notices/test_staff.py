"""Mails for the staff reach the staff: whoever asked for them, however, and for whatever address."""

from __future__ import annotations

import random

import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from digest.db import Database
from digest.errors import NotFoundError
from digest.mail.smtp_client import SmtpTransport
from digest.mail.transport import Endpoint, Security
from digest.models import Notice, NoticeState
from digest.notices import SendReport, ask, send_due
from digest.notices.staff import STAFF_KINDS, account_of
from tests.factories import make_account
from tests.factories.moments import NOW
from tests.integration.notices.test_send import anybody
from tests.servers.smtp import JudgeServer
from tests.servers.smtp_script import Script
from tests.servers.waiting import HANG

MESSAGE = b"Subject: A trial\r\n\r\nFor the staff alone.\r\n"
ACTIVE = ("nare@courier.example", "Ara.Two@courier.example", "anahit@xn--hxajbheg2az3al.test")
CLOSED = ("gone@courier.example", "left@courier.example")


def send(database: Database, judge: JudgeServer) -> SendReport:
    endpoint = Endpoint(host="127.0.0.1", port=judge.port, security=Security.NONE, timeout=HANG)
    return send_due(database, lambda: SmtpTransport(endpoint), anybody, now=lambda: NOW)


def put(database: Database, key: str, kind: str, address: str) -> None:
    """A row as no asking would make it: by a fault of ours, by a hand in the database."""
    with database.write() as session:
        values = {"sender_address": "news@courier.example", "message": MESSAGE, "created_at": NOW}
        session.add(Notice(key=key, kind=kind, address=address, not_before=NOW, **values))


def variations(chance: random.Random) -> str:
    """An address that is the staff's, nearly the staff's, was the staff's, or is anybody's."""
    known = chance.choice([*ACTIVE, *CLOSED])
    local, domain = known.split("@")
    return chance.choice(
        [
            known,
            known.upper() if chance.random() < 0.5 else known.title(),
            f"{local}+list@{domain}",
            f"{local}.x@{domain}",
            f"{local}@mail.{domain}",
            f"{local}@{domain}.test",
            f"x{local}@{domain}",
            f"reader{chance.randrange(1000)}@mail.test",
            f"{local}\u200b@{domain}",
            f"'{local}'@{domain}",
            f"{local}@COURIER.EXAMPLE",
        ]
    )


def test_no_call_reaches_anybody_but_the_staff(database: Database) -> None:
    """A thousand mails in test mode to whatever addresses: the server's record has active accounts only."""
    chance = random.Random(20261123)
    with database.write() as session:
        for address in ACTIVE:
            make_account(session, address)
        for address in CLOSED:
            make_account(session, address, disabled_at=NOW)
    wanted: list[str] = []
    kinds = sorted(STAFF_KINDS)
    with database.write() as session:
        values = {"sender_address": "news@courier.example", "message": MESSAGE, "created_at": NOW}
        for number in range(1000):
            wanted.append(variations(chance))
            kind = chance.choice(kinds)
            session.add(Notice(key=f"n{number}", kind=kind, address=wanted[-1], not_before=NOW, **values))
    with JudgeServer(Script(fsync=False)) as judge:
        while send(database, judge).taken:
            pass
        reached = [recipient for message in judge.messages for recipient in message.recipients]
    staff = {address.casefold() for address in ACTIVE}
    assert {address.casefold() for address in reached} == staff
    assert len(reached) == sum(address.casefold() in staff for address in wanted)
    with database.read() as session:
        states = dict(session.execute(sa.select(Notice.state, sa.func.count()).group_by(Notice.state)).all())
    assert states == {NoticeState.SENT: len(reached), NoticeState.FAILED: 1000 - len(reached)}


def test_what_is_barred_is_told_without_the_address(database: Database) -> None:
    """In the log and in the row; the others of the same turn are sent."""
    with database.write() as session:
        make_account(session, ACTIVE[0])
    put(database, "good", "test", ACTIVE[0])
    put(database, "bad", "first_copy", "reader@mail.test")
    put(database, "welcome", "welcome", "reader@mail.test")
    with JudgeServer(Script(fsync=False)) as judge, capture_logs() as logged:
        assert send(database, judge) == SendReport(sent=2, failed=1)
        assert len(judge.messages) == 2
    (line,) = [line for line in logged if line["log_level"] == "error"]
    assert line["kind"] == "first_copy"
    assert "reader" not in repr(line)
    with database.read() as session:
        row = session.scalars(sa.select(Notice).where(Notice.key == "bad")).one()
    assert (row.state, row.done_at, row.leased_until) == (NoticeState.FAILED, NOW, None)
    assert "for the staff alone" in row.reply


def test_a_turn_of_nothing_but_barred_mails_opens_no_connection(database: Database) -> None:
    """Nobody is spoken to for them."""
    put(database, "bad", "alert", "reader@mail.test")
    with JudgeServer(Script(fsync=False)) as judge:
        assert send(database, judge) == SendReport(failed=1)
        assert judge.connections == 0


def test_an_account_that_is_closed_after_asking_gets_nothing(database: Database) -> None:
    """What counts is the moment of handing over."""
    with database.write() as session:
        account = make_account(session, ACTIVE[0])
        assert _ask(session, ACTIVE[0])
        account.disabled_at = NOW
    with JudgeServer(Script(fsync=False)) as judge:
        assert send(database, judge) == SendReport(failed=1)
        assert judge.messages == []


def _ask(session: sa.orm.Session, address: str) -> bool:
    return ask(
        session,
        key=f"test:{address}",
        kind="test",
        address=address,
        sender_address="news@courier.example",
        message=MESSAGE,
        now=NOW,
    )


@pytest.mark.parametrize("address", [CLOSED[0], "reader@mail.test"])
def test_asking_for_others_is_refused_at_once(database: Database, address: str) -> None:
    """With a sentence that does not repeat the address, and without a row."""
    with database.write() as session:
        make_account(session, CLOSED[0], disabled_at=NOW)
    with database.write() as session:
        with pytest.raises(NotFoundError, match="No account that is active") as caught:
            _ask(session, address)
        assert session.scalars(sa.select(Notice)).all() == []
    assert "@" not in str(caught.value)


def test_an_account_is_found_by_any_spelling_of_its_address(database: Database) -> None:
    """By the key that addresses are compared by; a closed one only if that does not matter."""
    with database.write() as session:
        account = make_account(session, ACTIVE[1])
        closed = make_account(session, CLOSED[0], disabled_at=NOW)
        assert account_of(session, "ara.two@COURIER.example").id == account.id
        assert account_of(session, CLOSED[0], is_active=False).id == closed.id
