"""Single mails: asked for once, sent to a real server, whatever that answers."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Mapping, Sequence

import pytest
import sqlalchemy as sa

from digest import clock
from digest.db import Database
from digest.errors import InputError
from digest.mail.smtp_client import SmtpTransport
from digest.mail.transport import Endpoint, Security
from digest.models import Notice, NoticeState
from digest.notices import SendReport, ask, send_due
from digest.notices.send import DEFERRALS, GIVE_UP, HOST_PAUSE, LEASE_SECONDS
from tests.factories.moments import NOW
from tests.servers.smtp import JudgeServer
from tests.servers.smtp_script import Fault, Script
from tests.servers.waiting import HANG

MINUTE = dt.timedelta(minutes=1)
MESSAGE = b"Subject: Welcome\r\n\r\nGood to have you.\r\n"


def put(
    database: Database, key: str = "welcome:1", address: str = "ani@example.org", **values: object
) -> bool:
    with database.write() as session:
        # In the future, so that no hint is sent to a broker that is not there.
        return ask(
            session,
            key=key,
            kind="welcome",
            address=address,
            sender_address="news@courier.example",
            message=MESSAGE,
            not_before=NOW + MINUTE,
            now=NOW,
            **values,
        )


def anybody(_session: sa.orm.Session, _notices: Sequence[Notice]) -> Mapping[int, str]:
    """A check that has nothing against anybody."""
    return {}


def opener(port: int) -> Callable[[], SmtpTransport]:
    endpoint = Endpoint(host="127.0.0.1", port=port, security=Security.NONE, timeout=HANG, final_timeout=HANG)
    return lambda: SmtpTransport(endpoint)


def send(database: Database, judge: JudgeServer, at: dt.datetime = NOW + MINUTE) -> SendReport:
    return send_due(database, opener(judge.port), anybody, now=lambda: at)


def row(database: Database, key: str = "welcome:1") -> Notice:
    with database.read() as session:
        return session.scalars(sa.select(Notice).where(Notice.key == key)).one()


def test_a_notice_is_asked_for_once_and_sent_once(database: Database) -> None:
    """The second asking with the same key is a no-op, and what was sent is not sent again."""
    assert put(database)
    assert not put(database, address="somebody.else@example.org")
    with JudgeServer() as judge:
        assert send(database, judge, NOW) == SendReport()  # not yet due
        assert send(database, judge) == SendReport(sent=1)
        assert send(database, judge) == SendReport()
        (message,) = judge.messages
    assert (message.mail_from, message.recipients) == ("news@courier.example", ("ani@example.org",))
    assert message.raw == MESSAGE
    notice = row(database)
    assert (notice.state, notice.attempt, notice.done_at) == (NoticeState.SENT, 1, NOW + MINUTE)
    assert notice.leased_until is None
    assert notice.reply.startswith("250")


def test_a_refused_notice_has_failed(database: Database) -> None:
    """A final refusal of one address is kept with its reply, and the others are sent."""
    put(database)
    put(database, "welcome:2", "ara@example.org")
    with JudgeServer(Script(faults=(Fault("rcpt", reply="550 5.1.1 no such user", match="ani@"),))) as judge:
        assert send(database, judge) == SendReport(sent=1, failed=1)
    notice = row(database)
    assert (notice.state, notice.reply) == (NoticeState.FAILED, "550 5.1.1 no such user")


def test_a_deferred_notice_waits_longer_each_time(database: Database) -> None:
    """Later and later, as often as the table says; then it has failed."""
    put(database)
    at = NOW + MINUTE
    with JudgeServer(Script(faults=(Fault("rcpt", reply="451 4.7.1 later", times=0),))) as judge:
        for number, pause in enumerate(DEFERRALS, start=1):
            assert send(database, judge, at) == SendReport(deferred=1)
            assert row(database).attempt == number
            assert send(database, judge, at + pause - MINUTE / 60) == SendReport()
            at += pause
        assert send(database, judge, at) == SendReport(failed=1)
    assert row(database).state is NoticeState.FAILED


def test_a_lost_answer_makes_a_notice_uncertain(database: Database) -> None:
    """If the connection ends between the final dot and the reply, it is not sent again."""
    put(database)
    with JudgeServer(Script(faults=(Fault("accepted", "drop"),))) as judge:
        assert send(database, judge) == SendReport(uncertain=1)
        assert send(database, judge, NOW + dt.timedelta(days=1)) == SendReport()
        assert len(judge.messages) == 1
    assert row(database).state is NoticeState.UNCERTAIN


def test_a_process_that_is_to_end_waits_for_no_answer(database: Database) -> None:
    """Silence after a final dot: that one is uncertain, the others are due at once for whoever comes next."""
    names = ("ani", "bob", "eva")
    for name in names:
        put(database, f"welcome:{name}", f"{name}@example.org")
    with JudgeServer(Script(faults=(Fault("accepted", "silence"),))) as judge:
        report = send_due(
            database,
            opener(judge.port),
            anybody,
            now=lambda: NOW + MINUTE,
            waits_until=lambda: clock.monotonic() if judge.messages else math.inf,
        )
        assert report == SendReport(uncertain=1, unsent=2)
        assert send(database, judge) == SendReport(sent=2)
        assert [message.recipients[0] for message in judge.messages] == [
            f"{name}@example.org" for name in names
        ]


def test_a_dead_host_costs_no_attempt(database: Database) -> None:
    """Notices wait a minute and are sent when the host is back."""
    put(database)
    put(database, "welcome:2")
    with JudgeServer() as judge:
        gone = judge.port
    assert send_due(database, opener(gone), anybody, now=lambda: NOW + MINUTE) == SendReport(unsent=2)
    notice = row(database)
    assert (notice.state, notice.attempt, notice.leased_until) == (NoticeState.PENDING, 0, None)
    with JudgeServer() as judge:
        assert send(database, judge) == SendReport()
        assert send(database, judge, NOW + MINUTE + HOST_PAUSE) == SendReport(sent=2)


def test_a_host_that_stays_dead_ends_a_notice(database: Database) -> None:
    """After three days a notice that could never be tried has failed, not waited for ever."""
    put(database)
    with JudgeServer() as judge:
        gone = judge.port
    late = NOW + GIVE_UP + MINUTE
    assert send_due(database, opener(gone), anybody, now=lambda: late) == SendReport(failed=1)
    assert row(database).state is NoticeState.FAILED


def test_a_lapsed_lease_is_taken_again(database: Database) -> None:
    """While a lease lasts nobody else takes the notice; after it, somebody does."""
    put(database)
    until = NOW + MINUTE + dt.timedelta(seconds=LEASE_SECONDS)
    with database.write() as session:
        session.execute(sa.update(Notice).values(leased_until=until))
    with JudgeServer() as judge:
        assert send(database, judge) == SendReport()
        assert send(database, judge, until) == SendReport(sent=1)


def test_an_error_in_between_gives_the_rest_back(database: Database) -> None:
    """If opening the mail service fails for another reason, it comes out and nothing stays leased."""
    put(database)

    def broken() -> SmtpTransport:
        raise InputError("no such mail service")

    with pytest.raises(InputError):
        send_due(database, broken, anybody, now=lambda: NOW + MINUTE)
    assert row(database).leased_until is None


@pytest.mark.parametrize(
    "change",
    [
        {"message": b"no end of line"},
        {"message": b"bare\nfeed\r\n"},
        {"message": b"x" * 500_001},
        {"address": "ani@example.org> SIZE=1"},
        {"sender_address": "a b@example.org"},
        {"key": ""},
        {"key": "x" * 121},
    ],
)
def test_what_cannot_be_sent_is_refused_when_asked_for(database: Database, change: dict[str, object]) -> None:
    """Nothing gets a row that SMTP could not carry."""
    values: dict[str, object] = {
        "key": "k",
        "kind": "welcome",
        "address": "ani@example.org",
        "sender_address": "news@courier.example",
        "message": MESSAGE,
        "now": NOW,
    }
    with database.write() as session, pytest.raises(InputError):
        ask(session, **{**values, **change})  # type: ignore[arg-type]
    with database.read() as session:
        assert session.scalars(sa.select(Notice)).all() == []
