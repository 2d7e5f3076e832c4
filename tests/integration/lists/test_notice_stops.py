"""Single mails and what happened since they were asked for, by the record of the mail service.

Each was put off by it once; then the person acts, and the second try goes out or does not.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import threading
import time
from collections.abc import Mapping

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.addresses import parse_address
from digest.db import Database
from digest.deliveries.why import explain
from digest.lists import sign_up
from digest.lists.change_address import Moved, ask_new_address, change_address
from digest.lists.erase import erase_subscriber
from digest.lists.fresh_links import Asked, Fresh, FreshKind, ask_fresh_link, make_fresh_link
from digest.lists.goodbye import ask_goodbye
from digest.lists.leaving import undo_leaving
from digest.lists.notice_stops import notice_check
from digest.lists.permission import start_run
from digest.lists.permission_mail import ask_some
from digest.lists.stationery import Stationery
from digest.lists.status import Origin
from digest.lists.subscribe import end, pause
from digest.lists.suppress import suppress_address, suppress_domain
from digest.lists.welcome import ask_welcome
from digest.mail.smtp_client import SmtpTransport
from digest.mail.transport import Endpoint, Security
from digest.models import (
    MailingList,
    Notice,
    NoticeState,
    Subscriber,
    Subscription,
    SuppressionCause,
)
from digest.notices import SendReport, send, send_due
from digest.notices.send import DEFERRALS
from digest.tokens import Signer
from tests.factories import make_cadence, make_digest, make_list, make_subscriber, make_subscription
from tests.factories.audience import ADDRESS_KEY
from tests.factories.moments import NOW
from tests.servers.smtp import JudgeServer
from tests.servers.smtp_script import Fault, Script
from tests.servers.waiting import HANG, wait_until

SIGNER = Signer({1: b"a" * 32}, 1)
STATIONERY = Stationery(SIGNER, ADDRESS_KEY, "https://mail.example.org")
YEAR = dt.timedelta(days=365)
CHECK = notice_check(ADDRESS_KEY)
ACTS = ("nothing", "leave", "pause", "legal", "bounce", "domain", "erase", "undo")
# After which acts a mail goes out all the same; `None`: the act cannot be.
GOES: Mapping[str, frozenset[str]] = {
    "welcome": frozenset({"nothing"}),
    "permission": frozenset({"nothing"}),
    "confirm": frozenset({"nothing", "bounce"}),
    "data": frozenset({"nothing", "leave", "pause", "bounce"}),
    "goodbye": frozenset({"nothing", "leave"}),
    "moved": frozenset({"nothing", "leave", "pause"}),
    "new": frozenset({"nothing", "leave", "pause"}),
}
CANNOT = {("confirm", "pause"), ("goodbye", "pause"), *((kind, "undo") for kind in GOES if kind != "goodbye")}
CASES = [(kind, act) for kind in GOES for act in ACTS if (kind, act) not in CANNOT]


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine may take longer for all of them than a worker gives to single mails at a time."""
    monkeypatch.setattr(send, "PATIENCE_SECONDS", HANG)


@dataclasses.dataclass
class House:
    """A digest with two lists: one to sign up for, and one of silent people who are asked."""

    session: Session
    readers: MailingList
    silent: MailingList

    def ask(self, kind: str, address: str) -> int:
        """Have a mail asked for that goes to `address`; the subscription that it came of."""
        if kind == "confirm":
            wish = sign_up.Wish(parse_address(address), (sign_up.ListWish(self.readers.id, "Yes."),))
            assert sign_up.ask(self.session, wish, STATIONERY, now=NOW) == 1
            of_address = sa.select(Subscription.id).join(Subscriber).where(Subscriber.address == address)
            return self.session.scalars(of_address).one()
        first = f"first-{address}" if kind == "new" else address
        person = make_subscriber(self.session, first, created_at=NOW - 2 * YEAR)
        target = self.silent if kind == "permission" else self.readers
        found = make_subscription(self.session, target, person, created_at=NOW - 2 * YEAR)
        if kind == "welcome":
            options = {"signer": SIGNER, "public_url": STATIONERY.public_url}
            assert ask_welcome(self.session, found, now=NOW, **options)  # type: ignore[arg-type]
        elif kind == "data":
            asked = ask_fresh_link(self.session, found, FreshKind.DATA, STATIONERY, now=NOW)
            assert asked is Asked.MAILED
        elif kind == "goodbye":
            end(self.session, found, source=Origin.PREFERENCES, now=NOW, reason="left")
            assert ask_goodbye(self.session, found, STATIONERY, now=NOW)
        elif kind == "moved":
            details = {"address": f"now-{address}"}
            link = make_fresh_link(self.session, person.id, FreshKind.NEW_ADDRESS, now=NOW, details=details)
            moved = change_address(self.session, Fresh(link, target.id), STATIONERY, now=NOW)
            assert moved is Moved.DONE
        elif kind == "new":
            link = make_fresh_link(self.session, person.id, FreshKind.ADDRESS, now=NOW)
            ask_new_address(self.session, Fresh(link, target.id), address, STATIONERY, now=NOW)
        return found.id

    def act(self, act: str, subscription_id: int, address: str) -> None:
        """What happens to the person, or to the address, after the mail was asked for."""
        found = self.session.get_one(Subscription, subscription_id)
        if act == "leave":
            end(self.session, found, source=Origin.ONE_CLICK, now=NOW, reason="one-click")
        elif act == "pause":
            pause(self.session, found, source=Origin.PREFERENCES, actor="reader", now=NOW)
        elif act in {"legal", "bounce"}:
            options = {"reason": "x", "source": Origin.CLI, "now": NOW, "cause": SuppressionCause(act)}
            suppress_address(self.session, ADDRESS_KEY, address, **options)  # type: ignore[arg-type]
        elif act == "domain":
            domain = address.partition("@")[2]
            suppress_domain(self.session, domain, reason="x", source=Origin.CLI, now=NOW)
        elif act == "erase":
            person = self.session.get_one(Subscriber, found.subscriber_id)
            erase_subscriber(self.session, person, source=Origin.PREFERENCES, now=NOW)
        elif act == "undo":
            person_id, list_id = found.subscriber_id, found.list_id
            options = {"list_id": list_id, "subscriber_id": person_id, "address_key": ADDRESS_KEY, "now": NOW}
            assert undo_leaving(self.session, **options)  # type: ignore[arg-type]


def _house(session: Session) -> House:
    digest = make_digest(session)
    make_cadence(session, digest)
    readers, silent = make_list(session, digest), make_list(session, digest)
    readers.is_open = True
    return House(session, readers, silent)


def _send(database: Database, judge: JudgeServer, at: dt.datetime) -> SendReport:
    endpoint = Endpoint(host="127.0.0.1", port=judge.port, security=Security.NONE, timeout=HANG)
    return send_due(database, lambda: SmtpTransport(endpoint), CHECK, now=lambda: at)


def test_what_happened_since_stops_the_mail_and_nothing_else_does(database: Database) -> None:
    """Every kind of mail and every act: the mail service's record has those that may go, and no other."""
    with database.write() as session:
        house = _house(session)
        made = {
            (kind, act): (house.ask(kind, f"{kind}@{act}-{kind}.test"), f"{kind}@{act}-{kind}.test")
            for kind, act in CASES
        }
        options = {"silent_for": YEAR, "answer_within": YEAR, "actor": "cli:test", "now": NOW}
        start_run(session, house.silent, **options)  # type: ignore[arg-type]
        asked = ask_some(session, SIGNER, STATIONERY.public_url, templates=None, now=NOW)
        assert asked == sum(kind == "permission" for kind, _ in CASES)
        assert session.scalar(sa.select(sa.func.count(Notice.id))) == len(CASES)
    with JudgeServer(Script(faults=(Fault("rcpt", reply="451 4.7.1 later", times=0),), fsync=False)) as judge:
        assert _send(database, judge, NOW) == SendReport(deferred=len(CASES))
        assert judge.messages == []
    with database.write() as session:
        house = dataclasses.replace(house, session=session)
        for (_, act), (subscription_id, address) in made.items():
            house.act(act, subscription_id, address)
    with JudgeServer(Script(fsync=False)) as judge:
        report = _send(database, judge, NOW + DEFERRALS[0])
        reached = {recipient for message in judge.messages for recipient in message.recipients}
        assert _send(database, judge, NOW + YEAR) == SendReport()
    expected = {address for (kind, act), (_, address) in made.items() if act in GOES[kind]}
    assert reached == expected
    erased = sum(act == "erase" for _, act in CASES)
    assert report == SendReport(sent=len(expected), failed=len(CASES) - len(expected) - erased)
    with database.read() as session:
        failed = sa.select(Notice.reply).where(Notice.state == NoticeState.FAILED)
        assert all(reply.startswith("Not handed over: ") for reply in session.scalars(failed))


@pytest.mark.parametrize(
    ("kind", "new", "goes"),
    [
        ("welcome", "new@mail.test", False),
        ("permission", "new@mail.test", False),
        ("goodbye", "new@mail.test", False),
        ("data", "new@mail.test", False),  # somebody else may read mail there by now
        ("confirm", "new@mail.test", True),  # they would have no other way to confirm for a day
        ("welcome", "ANI@mail.test", True),  # the same mailbox, written in another way
        ("data", "ANI@mail.test", True),
    ],
)
def test_who_moves_to_another_address_is_not_written_to_at_the_old_one(
    database: Database, kind: str, new: str, *, goes: bool
) -> None:
    """A welcome, question, goodbye or link to their data that waits is dropped, with the reason.

    The notice of the move goes.
    """
    old = "ani@mail.test"
    with database.write() as session:
        house = _house(session)
        found = session.get_one(Subscription, house.ask(kind, old))
        if kind == "permission":
            options = {"silent_for": YEAR, "answer_within": YEAR, "actor": "cli:test", "now": NOW}
            start_run(session, house.silent, **options)  # type: ignore[arg-type]
            assert ask_some(session, SIGNER, STATIONERY.public_url, templates=None, now=NOW) == 1
        details = {"address": new}
        link = make_fresh_link(session, found.subscriber_id, FreshKind.NEW_ADDRESS, now=NOW, details=details)
        assert change_address(session, Fresh(link, found.list_id), STATIONERY, now=NOW) is Moved.DONE
    with JudgeServer(Script(fsync=False)) as judge:
        _send(database, judge, NOW)
        reached = [recipient for message in judge.messages for recipient in message.recipients]
    is_told = new != "ANI@mail.test"
    assert reached == [old] * (goes + is_told)
    with database.read() as session:
        stopped = session.scalars(sa.select(Notice.reply).where(Notice.state == NoticeState.FAILED)).all()
    assert stopped == ([] if goes else ["Not handed over: the person has another address since."])


@pytest.mark.both_databases
def test_who_leaves_while_the_mail_service_dawdles_gets_no_welcome(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The look of a moment ago does not count: it is taken again before the message, and the others go on."""
    monkeypatch.setattr(send, "FRESH_SECONDS", 1.0)
    with database.write() as session:
        house = _house(session)
        subscription_id = house.ask("welcome", "ani@mail.test")
        house.ask("welcome", "ara@mail.test")
    dawdles = Fault("data", action="hold", match="ani@")
    with JudgeServer(Script(faults=(dawdles,), fsync=False)) as judge:

        def leave() -> None:
            # Once the first look is past and the mail service has the person before it.
            wait_until(lambda: judge.holding, what="the welcome")
            with database.write() as session:
                dataclasses.replace(house, session=session).act("leave", subscription_id, "ani@mail.test")
            time.sleep(send.FRESH_SECONDS)
            judge.let_go()

        leaving = threading.Thread(target=leave)
        leaving.start()
        reports = [_send(database, judge, NOW)]
        leaving.join()
        # Nobody waits a minute because somebody left; nor where the look at them took too long.
        while len(reports) < 2 or (not judge.messages and len(reports) < 20):
            reports.append(_send(database, judge, NOW))
        reached = [message.recipients for message in judge.messages]
    assert reached == [("ara@mail.test",)]
    assert sum(report.failed for report in reports) == 1
    assert sum(report.sent for report in reports) == 1


def test_who_stays_gets_it_from_a_slow_mail_service(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second look stops nobody who did nothing."""
    monkeypatch.setattr(send, "FRESH_SECONDS", 1.0)
    with database.write() as session:
        _house(session).ask("welcome", "ani@mail.test")
    slow = Fault("data", action="slow", seconds=1.2)
    with JudgeServer(Script(faults=(slow,), fsync=False)) as judge:
        for minutes in range(20):  # a second look that takes a second itself puts it off for a minute
            if _send(database, judge, NOW + dt.timedelta(minutes=minutes)) == SendReport(sent=1):
                break
        assert len(judge.messages) == 1


def test_why_says_what_became_of_single_mails(database: Database) -> None:
    """Those that went, and of one that did not the reason; nothing of them where it is narrowed to a day."""
    with database.write() as session:
        house = _house(session)
        subscription_id = house.ask("welcome", "ani@mail.test")
        house.act("leave", subscription_id, "ani@mail.test")
        found = session.get_one(Subscription, subscription_id)
        assert ask_fresh_link(session, found, FreshKind.DATA, STATIONERY, now=NOW) is Asked.MAILED
    with JudgeServer(Script(fsync=False)) as judge:
        assert _send(database, judge, NOW) == SendReport(sent=1, failed=1)
    with database.read() as session:
        told = explain(session, ADDRESS_KEY, "ANI@mail.test").notices
        assert explain(session, ADDRESS_KEY, "ani@mail.test", day=NOW.date()).notices == ()
        assert explain(session, ADDRESS_KEY, "ara@mail.test").notices == ()
    assert [(line.kind, line.state) for line in told] == [
        ("fresh_link", NoticeState.SENT),
        ("welcome", NoticeState.FAILED),
    ]
    assert told[1].reply == "Not handed over: the subscription has ended since."
