"""What is told of an address equals what happened, by the record of the mail service itself."""

from __future__ import annotations

import datetime as dt
import random
import re
from pathlib import Path

import pytest
import sqlalchemy as sa

from digest import clock
from digest.db import Database
from digest.deliveries.control import Failed, cancel, retry
from digest.deliveries.explained import ConsentLine, Explanation, Known, consent_at
from digest.deliveries.handover import settle_cancelled
from digest.deliveries.plan import plan
from digest.deliveries.why import explain
from digest.errors import InputError
from digest.lists.erase import erase_subscriber
from digest.lists.preferences import choose_cadence
from digest.lists.segments import EVERYBODY, add_segment, set_edition_segment
from digest.lists.status import Origin
from digest.lists.subscribe import end, pause, resume
from digest.lists.suppress import suppress_address
from digest.models import (
    Batch,
    Delivery,
    DeliveryReason,
    DeliveryStatus,
    Digest,
    Edition,
    EditionTotals,
    Settlement,
    Subscriber,
    Subscription,
    SubscriptionStatus,
    UncertainCase,
    UncertainCause,
)
from tests.factories import make_cadence
from tests.factories.moments import NOW
from tests.integration.planned import Desk, let_go, make_desk
from tests.servers.smtp import JudgeServer
from tests.servers.smtp_script import Fault, Script

SENT, FAILED, PENDING = DeliveryStatus.SENT, DeliveryStatus.FAILED, DeliveryStatus.PENDING
SKIPPED, UNCERTAIN = DeliveryStatus.SKIPPED, DeliveryStatus.UNCERTAIN


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Desk:
    """A newsroom with one list and nobody on it yet."""
    return make_desk(database, tmp_path)


def _why(desk: Desk, address: str, **options: object) -> Explanation:
    with desk.database.read() as session:
        return explain(session, desk.made.address_key, address, **options)  # type: ignore[arg-type]


def _address(desk: Desk, subscriber_id: int) -> str:
    with desk.database.read() as session:
        return str(session.get_one(Subscriber, subscriber_id).address)


@pytest.mark.parametrize(("count", "looked_at"), [(90, 150), pytest.param(270, 500, marks=pytest.mark.slow)])
def test_explanations_equal_the_record_of_the_mail_service(desk: Desk, count: int, looked_at: int) -> None:
    """Two editions with refusals, deferrals, lost connections, sign-offs and a retry: each told as it was."""
    people = desk.add_people(count)
    faults = (
        Fault("rcpt", reply="550 5.1.1 no such user", match="3@", times=0),
        Fault("rcpt", reply="451 4.3.0 later", match="7@", times=0),
        Fault("accepted", action="drop", skip=count // 7, times=2),
        Fault("dot", action="drop", skip=count // 3, times=1),
    )
    with JudgeServer(Script(faults=faults, fsync=False)) as judge:
        sender = desk.sender(judge.port, now=clock.utc_now())
        first = desk.sending(clock.utc_now())
        with desk.database.write() as session:
            gone = session.get_one(Subscription, _subscription_of(desk, people[5]))
            end(session, gone, reason="enough", source=Origin.CLI, actor="cli:test", now=clock.utc_now())
        for _ in range(4):  # connections are lost on the way
            _make_due(desk, first)
            desk.send(first, sender)
        with desk.database.write() as session:
            again = retry(
                session,
                session.get_one(Edition, first),
                Failed(codes=(550,)),
                actor="cli:test",
                now=clock.utc_now(),
            )
        assert again > count // 15
        second = desk.sending(clock.utc_now())
        for edition_id in (first, second):
            desk.send(edition_id, sender)
        let_go(sender)
        taken = [
            (one.recipients[0], re.search(rb"(?im)^Message-ID:\s*(\S+)", one.raw)) for one in judge.messages
        ]
    record = {(address, found[1].decode()) for address, found in taken if found}
    assert len(record) == len(judge.messages)
    with desk.database.read() as session:
        rows = session.execute(
            sa.select(Delivery.edition_id, Delivery.subscriber_id, Subscriber.address).join(
                Subscriber, Subscriber.id == Delivery.subscriber_id
            )
        ).all()
    rolled = random.Random(5).sample(rows, looked_at)
    met: set[DeliveryStatus] = set()
    for edition_id, _, address in rolled:
        (line,) = _why(desk, address, edition_id=edition_id).deliveries
        was_taken = (address, line.message_id) in record
        met.add(line.status)
        if line.status is not UNCERTAIN:
            assert was_taken is (line.status is SENT)
        assert (line.handed_over_at is not None) is (line.status in (SENT, UNCERTAIN))
        assert [event.action for event in line.consent] == ["sign_up"]
        assert line.consent[0].words == "signed a card at the fair"
        assert line.subject == "A bridge is mended"
        if "3@" in address and line.status is FAILED:
            assert (line.reply_code, line.reply_enhanced, line.reply_text) == (550, "5.1.1", "no such user")
            assert (line.tries, line.rounds) == (1, 1 if edition_id == first else 0)
        if "7@" in address and line.status is PENDING:
            assert (line.reply_code, line.tries > 0, line.next_try_at is not None) == (451, True, True)
    assert met >= {SENT, FAILED, PENDING, UNCERTAIN}


def test_who_was_not_in_the_segment_is_told_so(desk: Desk) -> None:
    """Only where nothing else kept them from it, and by what was so when the audience was fixed."""
    chosen, other, paused, barred, gone, moved = desk.add_people(6)
    with desk.database.write() as session:
        digest = session.get_one(Digest, desk.cadence.digest_id)
        sunday = make_cadence(session, digest, "sunday", is_running=False)
        session.get_one(Subscriber, chosen).language = "hy"
        words = {"name": "armenian", "title": "", "rule": '{"language": "hy"}'}
        add_segment(session, digest, **words, actor="cli:test", now=NOW)
        rests = session.get_one(Subscription, _subscription_of(desk, paused))
        pause(session, rests, source=Origin.CLI, actor="x", now=NOW)
        left = session.get_one(Subscription, _subscription_of(desk, gone))
        end(session, left, reason="x", source=Origin.CLI, actor="x", now=NOW)
        address = str(session.get_one(Subscriber, barred).address)
        suppress_address(session, desk.made.address_key, address, reason="no", source=Origin.CLI, now=NOW)
        moves = session.get_one(Subscription, _subscription_of(desk, moved))
        choose_cadence(session, moves, sunday.id, now=NOW)
    edition_id = desk.frozen(NOW)
    later, everybodys = NOW + dt.timedelta(minutes=5), desk.frozen(NOW + dt.timedelta(hours=1))
    with desk.database.write() as session:
        for each, name in ((edition_id, "armenian"), (everybodys, EVERYBODY)):
            set_edition_segment(session, session.get_one(Edition, each), name, actor="cli:test", now=NOW)
            plan(session, each, now=later)
        moves = session.get_one(Subscription, _subscription_of(desk, moved))
        choose_cadence(session, moves, desk.cadence.id, now=later + dt.timedelta(minutes=1))
        session.get_one(Subscriber, other).language = "hy"
    (line,) = _why(desk, _address(desk, other)).left_out
    assert (line.edition_id, line.cadence, line.segment) == (edition_id, "morning", "armenian")
    assert line.fixed_at == later
    assert len(_why(desk, _address(desk, other), edition_id=edition_id).left_out) == 1
    assert _why(desk, _address(desk, other), edition_id=everybodys).left_out == ()
    assert len(_why(desk, _address(desk, other), day=NOW.date()).left_out) == 1
    assert _why(desk, _address(desk, other), day=NOW.date() - dt.timedelta(days=2)).left_out == ()
    for each in (chosen, paused, barred, gone, moved):
        assert _why(desk, _address(desk, each)).left_out == ()
    with desk.database.write() as session:
        session.execute(sa.delete(Delivery).where(Delivery.edition_id == edition_id))
        counts = {"sent": 1, "failed": 0, "skipped": 0, "uncertain": 0}
        session.add(EditionTotals(edition_id=edition_id, dropped_at=NOW, **counts))
    assert _why(desk, _address(desk, chosen)).left_out == ()
    assert _why(desk, _address(desk, other)).left_out == ()


def _make_due(desk: Desk, edition_id: int) -> None:
    """What waits for the mail service may go; who was deferred waits on."""
    with desk.database.write() as session:
        session.execute(
            sa.update(Batch)
            .where(Batch.edition_id == edition_id, Batch.fault != "")
            .values(not_before=clock.utc_now() - dt.timedelta(seconds=1))
        )


def _subscription_of(desk: Desk, subscriber_id: int) -> int:
    with desk.database.read() as session:
        found = sa.select(Subscription.id).where(Subscription.subscriber_id == subscriber_id)
        return session.scalars(found).one()


def test_skipped_are_told_with_the_reason_and_the_state_of_the_list(desk: Desk) -> None:
    """Cancelled before its turn: no reply, no service, nothing handed over, the consent all the same."""
    (person,) = desk.add_people(1)
    edition_id = desk.sending(clock.utc_now())
    with desk.database.write() as session:
        cancel(session, session.get_one(Edition, edition_id), actor="cli:test", now=clock.utc_now())
        settle_cancelled(session, now=clock.utc_now())
    found = _why(desk, _address(desk, person))
    (line,) = found.deliveries
    assert (line.status, line.reason) == (SKIPPED, DeliveryReason.CANCELLED)
    assert (line.handed_over_at, line.transport, line.reply_code, line.tries) == (None, None, None, 0)
    assert len(line.consent) == 1
    assert [one.status for one in found.subscriptions] == [SubscriptionStatus.ACTIVE]


def test_evidence_on_an_uncertain_one_is_told(desk: Desk) -> None:
    """Why nobody knew, and what was found out since, by whom."""
    (person,) = desk.add_people(1)
    edition_id = desk.sending(clock.utc_now())
    with desk.database.write() as session:
        session.execute(sa.update(Delivery).values(status=UNCERTAIN, sent_at=NOW))
        session.add(
            UncertainCase(
                edition_id=edition_id,
                subscriber_id=person,
                attempt=0,
                since=NOW,
                cause=UncertainCause.NO_ANSWER,
                settlement=Settlement.ARRIVED,
                settled_at=NOW,
                settled_by="cli:test",
            )
        )
    (line,) = _why(desk, _address(desk, person)).deliveries
    (case,) = line.uncertain
    assert (case.cause, case.settlement, case.settled_by) == (
        UncertainCause.NO_ANSWER,
        Settlement.ARRIVED,
        "cli:test",
    )


def test_days_are_those_of_the_cadence(desk: Desk) -> None:
    """What goes out at 22:00 UTC goes out on the next day in Yerevan."""
    (person,) = desk.add_people(1)
    desk.sending(dt.datetime(2026, 11, 23, 22, 0, tzinfo=dt.UTC))
    address = _address(desk, person)
    assert _why(desk, address, day=dt.date(2026, 11, 23)).deliveries == ()
    assert len(_why(desk, address, day=dt.date(2026, 11, 24)).deliveries) == 1


def test_newest_come_first_and_no_more_than_asked_for(desk: Desk) -> None:
    """One that the person was not in the audience of is not among them."""
    (person,) = desk.add_people(1)
    editions = [desk.sending(NOW + dt.timedelta(minutes=number)) for number in range(3)]
    address = _address(desk, person)
    assert [line.edition_id for line in _why(desk, address).deliveries] == editions[::-1]
    assert [line.edition_id for line in _why(desk, address, limit=1).deliveries] == editions[-1:]
    (later,) = desk.add_people(1)
    assert _why(desk, _address(desk, later)).deliveries == ()
    assert _why(desk, address, edition_id=10**6).deliveries == ()


def test_an_address_that_is_not_mailed_is_told_so(desk: Desk) -> None:
    """With the reason, whether anybody subscribes with it or not."""
    (person,) = desk.add_people(1)
    address = _address(desk, person)
    with desk.database.write() as session:
        for barred in (address, "nobody@mail.test"):
            suppress_address(
                session, desk.made.address_key, barred, reason="complained", source=Origin.CLI, now=NOW
            )
    found, unknown = _why(desk, address), _why(desk, "nobody@mail.test")
    assert (found.known, found.not_mailed, found.not_mailed_since) == (Known.SUBSCRIBER, "complained", NOW)
    assert (unknown.known, unknown.not_mailed) == (Known.UNKNOWN, "complained")
    assert unknown.subscriptions == unknown.deliveries == ()


def test_of_an_erased_person_only_the_day_is_told(desk: Desk) -> None:
    """Found by the keyed hash: no list, no edition, no consent. One who came back is told as new."""
    (person,) = desk.add_people(1)
    address = _address(desk, person)
    desk.sending(NOW)
    with desk.database.write() as session:
        erase_subscriber(session, session.get_one(Subscriber, person), source=Origin.CLI, now=NOW)
    found = _why(desk, address)
    assert (found.known, found.erased_at) == (Known.ERASED, NOW)
    assert (found.subscriptions, found.deliveries, found.dropped_before) == ((), (), None)


def test_what_is_no_address_is_refused(desk: Desk) -> None:
    """In a sentence that does not repeat it."""
    with pytest.raises(InputError, match="not a mail address"):
        _why(desk, "no address at all")


def test_consent_is_that_of_the_moment(desk: Desk) -> None:
    """What came later does not explain it, and a pause in between does not hide the sign-up."""
    (person,) = desk.add_people(1)
    hour = dt.timedelta(hours=1)
    with desk.database.write() as session:
        one = session.get_one(Subscription, _subscription_of(desk, person))
        pause(session, one, source=Origin.CLI, actor="cli:test", now=NOW + hour)
        resume(session, one, source=Origin.CLI, actor="cli:test", now=NOW + 2 * hour)
        end(session, one, reason="enough", source=Origin.CLI, actor="cli:test", now=NOW + 3 * hour)
    (chain,) = _why(desk, _address(desk, person)).subscriptions
    told = [[event.action for event in consent_at(chain.events, NOW + n * hour)] for n in range(-1, 4)]
    assert told == [[], ["sign_up"], [], ["sign_up", "pause", "resume"], []]


def test_consent_of_an_earlier_life_does_not_count() -> None:
    """After an end only what came since explains a mail."""
    statuses = [SubscriptionStatus.ACTIVE, SubscriptionStatus.ENDED, SubscriptionStatus.PENDING]
    chain = [
        ConsentLine(number, NOW + dt.timedelta(hours=number), "x", status, "cli", "", "")
        for number, status in enumerate([*statuses, SubscriptionStatus.ACTIVE], start=1)
    ]
    assert [event.number for event in consent_at(chain, NOW + dt.timedelta(days=1))] == [3, 4]


def test_statements_do_not_grow_with_the_editions(desk: Desk) -> None:
    """However many editions a person got, the questions are the same."""
    (person,) = desk.add_people(1)
    address = _address(desk, person)
    desk.sending(NOW)
    few = _statements(desk, address)
    for number in range(1, 12):
        desk.sending(NOW + dt.timedelta(minutes=number))
    assert _statements(desk, address) == few


def _statements(desk: Desk, address: str) -> int:
    said: list[str] = []

    def note(_c: object, _k: object, statement: str, *_: object) -> None:
        said.append(statement)

    sa.event.listen(desk.database.engine, "before_cursor_execute", note)
    try:
        assert _why(desk, address).deliveries
    finally:
        sa.event.remove(desk.database.engine, "before_cursor_execute", note)
    return len(said)
