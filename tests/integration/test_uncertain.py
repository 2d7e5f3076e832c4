"""What may have arrived: its evidence, and the three ways in which it ends."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from digest import clock
from digest.db import Database
from digest.deliveries.ledger import RESENT_MARK, Result, record
from digest.deliveries.settle import POLICY, Resolved, resolve, settle_by_policy, warn_of_many
from digest.deliveries.uncertain import Doubt, give_cases, heard, note
from digest.errors import InputError, StateError
from digest.mail.transport import Reply
from digest.models import (
    AuditEntry,
    Batch,
    Delivery,
    DeliveryStatus,
    Digest,
    Edition,
    EditionState,
    MailingList,
    Settlement,
    Subscription,
    UncertainCase,
    UncertainCause,
    UncertainPolicy,
)
from digest.queueing.names import TaskName
from tests.factories import make_list
from tests.integration import hints
from tests.integration.planned import Desk, let_go, make_desk
from tests.servers.smtp import JudgeServer
from tests.servers.smtp_script import Fault, Script

SENT, FAILED, PENDING = DeliveryStatus.SENT, DeliveryStatus.FAILED, DeliveryStatus.PENDING
UNCERTAIN = DeliveryStatus.UNCERTAIN
ARRIVED, RESENT, CLOSED, HEARD = (
    Settlement.ARRIVED,
    Settlement.RESENT,
    Settlement.CLOSED,
    Settlement.HEARD,
)
HOLD, RESEND = UncertainPolicy.HOLD, UncertainPolicy.RESEND
DAY = dt.timedelta(days=1)


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Desk:
    """A newsroom with one list and nobody on it yet."""
    return make_desk(database, tmp_path)


def in_doubt(
    desk: Desk, people: int, since: dt.datetime, policy: UncertainPolicy = HOLD
) -> tuple[int, list[int]]:
    """An edition on its way of which nobody knows whether these people have it."""
    ids = desk.add_people(people)
    edition_id = desk.sending(since)
    with desk.database.write() as session:
        session.execute(sa.update(MailingList).values(uncertain_policy=policy))
        record(session, edition_id, [Result(person, 0, UNCERTAIN, since, transport_id=1) for person in ids])
        session.execute(sa.update(Batch).where(Batch.edition_id == edition_id).values(closed_at=since))
    hints.taken()
    return edition_id, ids


def by_policy(desk: Desk, *, now: dt.datetime, after: dt.timedelta = DAY) -> int:
    with desk.database.write() as session:
        return settle_by_policy(session, after=after, now=now)


def resolved(desk: Desk, edition_id: int, people: list[int] | None, how: Settlement) -> Resolved:
    with desk.database.write() as session:
        edition = session.get_one(Edition, edition_id)
        return resolve(session, edition, people, how, actor="cli:ani", now=clock.utc_now())


def rows(desk: Desk, edition_id: int) -> dict[int, Delivery]:
    with desk.database.read() as session:
        found = session.scalars(sa.select(Delivery).where(Delivery.edition_id == edition_id))
        return {row.subscriber_id: row for row in found}


def statuses(desk: Desk, edition_id: int) -> set[DeliveryStatus]:
    return {row.status for row in rows(desk, edition_id).values()}


def settlements(desk: Desk) -> dict[int, tuple[Settlement | None, str]]:
    with desk.database.read() as session:
        cases = session.scalars(sa.select(UncertainCase).order_by(UncertainCase.attempt))
        return {case.subscriber_id: (case.settlement, case.settled_by) for case in cases}


def change(desk: Desk, table: type, **values: object) -> None:
    with desk.database.write() as session:
        session.execute(sa.update(table).values(**values))


def test_a_connection_that_ends_leaves_its_evidence(desk: Desk) -> None:
    """By a real server that drops the line instead of its answer: one case, of that person."""
    desk.add_people(3)
    edition_id = desk.sending(clock.utc_now())
    with JudgeServer(Script(faults=(Fault("accepted", "drop", skip=1),), fsync=False)) as judge:
        sender = desk.sender(judge.port, now=clock.utc_now())
        desk.send(edition_id, sender)
        let_go(sender)
    with desk.database.read() as session:
        (case,) = session.scalars(sa.select(UncertainCase))
    row = rows(desk, edition_id)[case.subscriber_id]
    assert (row.status, row.sent_at) == (UNCERTAIN, case.since)
    assert (case.cause, case.transport_id) == (UncertainCause.CONNECTION_ENDED, 1)
    assert case.settled_at is None


def test_a_case_is_opened_once_and_only_for_who_is_uncertain(desk: Desk) -> None:
    """Said again it changes nothing; of a sent one, or one at another attempt, there is no doubt."""
    now = clock.utc_now()
    edition_id, (one, other) = in_doubt(desk, 2, now)
    with desk.database.write() as session:
        session.execute(sa.delete(UncertainCase))
        session.execute(sa.update(Delivery).where(Delivery.subscriber_id == other).values(status=SENT))
        doubts = [
            Doubt(subscriber_id=one, attempt=0, since=now, cause=UncertainCause.NO_ANSWER, journal_id=7),
            Doubt(subscriber_id=one, attempt=1, since=now, cause=UncertainCause.NO_ANSWER, journal_id=7),
            Doubt(subscriber_id=other, attempt=0, since=now, cause=UncertainCause.NO_ANSWER, journal_id=7),
        ]
        note(session, edition_id, doubts)
        later = Doubt(
            subscriber_id=one, attempt=0, since=now + DAY, cause=UncertainCause.WORKER_ENDED, journal_id=8
        )
        note(session, edition_id, [later])
    with desk.database.read() as session:
        (case,) = session.scalars(sa.select(UncertainCase))
    assert (case.subscriber_id, case.attempt, case.cause) == (one, 0, UncertainCause.NO_ANSWER)
    assert (case.journal_id, case.since) == (7, now)


def test_many_doubts_are_many_rows_and_few_statements(desk: Desk) -> None:
    """Five thousand at once, as after the loss of a machine: no database's limit is met."""
    now = clock.utc_now()
    doubts = [
        Doubt(subscriber_id=person, attempt=0, since=now, cause=UncertainCause.WORKER_ENDED, journal_id=1)
        for person in range(1, 5001)
    ]
    edition_id = desk.frozen(now)
    with desk.database.write() as session:
        values = {"edition_id": edition_id, "variant_id": 1, "subscription_id": 1, "status": UNCERTAIN}
        session.execute(
            sa.insert(Delivery),
            [{**values, "attempt": 0, "sent_at": now, "subscriber_id": one.subscriber_id} for one in doubts],
        )
        note(session, edition_id, doubts)
        assert session.scalar(sa.select(sa.func.count()).select_from(UncertainCase)) == 5000
        session.execute(sa.update(Delivery).values(status=SENT))
        heard(session, edition_id, [doubt.subscriber_id for doubt in doubts], now=now)
        assert set(session.scalars(sa.select(UncertainCase.settlement))) == {HEARD}


def test_hold_closes_unsent_after_its_day(desk: Desk) -> None:
    """Nothing is sent; the delivery stays uncertain, the case is closed, and the next tick finds none."""
    now = clock.utc_now()
    edition_id, people = in_doubt(desk, 2, now - DAY)
    assert by_policy(desk, now=now - dt.timedelta(seconds=1)) == 0
    assert by_policy(desk, now=now) == 2
    assert by_policy(desk, now=now + DAY) == 0
    assert statuses(desk, edition_id) == {UNCERTAIN}
    assert settlements(desk) == dict.fromkeys(people, (CLOSED, POLICY))
    assert hints.taken() == []
    assert len(desk.batches(edition_id)) == 1


def test_resend_opens_one_batch_once(desk: Desk) -> None:
    """After its day, all of them in one new batch that is due now, with the variant that they had."""
    now = clock.utc_now()
    edition_id, people = in_doubt(desk, 3, now - DAY, RESEND)
    variants = {row.variant_id for row in rows(desk, edition_id).values()}
    assert by_policy(desk, now=now) == len(people)
    assert by_policy(desk, now=now) == 0
    first, again = desk.batches(edition_id)
    assert (again.not_before, again.closed_at) == (now, None)
    assert first.closed_at is not None
    found = rows(desk, edition_id).values()
    assert {(row.status, row.attempt, row.batch_id) for row in found} == {(PENDING, RESENT_MARK, again.id)}
    assert {row.variant_id for row in found} == variants
    assert hints.taken() == [(TaskName.SEND_BATCH, [again.id])]
    assert settlements(desk) == dict.fromkeys(people, (RESENT, POLICY))


def test_what_is_too_old_is_not_sent_again(desk: Desk) -> None:
    """Digest was down for a week: nobody gets last week's news; it is closed."""
    now = clock.utc_now()
    edition_id, (person,) = in_doubt(desk, 1, now - 5 * DAY, RESEND)
    assert by_policy(desk, now=now) == 1
    assert statuses(desk, edition_id) == {UNCERTAIN}
    assert settlements(desk) == {person: (CLOSED, POLICY)}


def test_uncertain_again_stays_uncertain(desk: Desk) -> None:
    """Once more at the most, whatever comes of it: the second case is closed, by nobody sent again."""
    now = clock.utc_now()
    edition_id, (person,) = in_doubt(desk, 1, now - 2 * DAY, RESEND)
    assert by_policy(desk, now=now - DAY) == 1
    with desk.database.write() as session:
        record(session, edition_id, [Result(person, RESENT_MARK, UNCERTAIN, now - DAY)])
    assert by_policy(desk, now=now) == 1
    assert statuses(desk, edition_id) == {UNCERTAIN}
    assert settlements(desk) == {person: (CLOSED, POLICY)}  # that of the second attempt, which is read last
    assert len(desk.batches(edition_id)) == 2


def test_the_lists_of_an_edition_keep_their_own_policies(desk: Desk) -> None:
    """The person's list decides, not the edition."""
    now = clock.utc_now()
    edition_id, (one, other) = in_doubt(desk, 2, now - DAY)
    with desk.database.write() as session:
        second = make_list(session, session.get_one(Digest, desk.cadence.digest_id))
        second.uncertain_policy = RESEND
        session.execute(
            sa.update(Subscription).where(Subscription.subscriber_id == other).values(list_id=second.id)
        )
    assert by_policy(desk, now=now) == 2
    found = rows(desk, edition_id)
    assert (found[one].status, found[other].status) == (UNCERTAIN, PENDING)


def test_a_paused_edition_s_doubts_wait_and_a_cancelled_one_s_are_closed(desk: Desk) -> None:
    """Nothing new is opened in an edition that was stopped."""
    now = clock.utc_now()
    edition_id, (person,) = in_doubt(desk, 1, now - DAY, RESEND)
    change(desk, Edition, state=EditionState.PAUSED)
    assert by_policy(desk, now=now) == 0
    change(desk, Edition, state=EditionState.CANCELLED)
    assert by_policy(desk, now=now) == 1
    assert settlements(desk) == {person: (CLOSED, POLICY)}
    assert statuses(desk, edition_id) == {UNCERTAIN}


def test_a_case_whose_row_says_more_is_only_settled(desk: Desk) -> None:
    """The reply is in the ledger, or the rows were dropped with their range: nobody is mailed."""
    now = clock.utc_now()
    edition_id, (answered, dropped) = in_doubt(desk, 2, now - DAY, RESEND)
    with desk.database.write() as session:
        session.execute(sa.update(Delivery).where(Delivery.subscriber_id == answered).values(status=SENT))
        session.execute(sa.delete(Delivery).where(Delivery.subscriber_id == dropped))
    assert by_policy(desk, now=now) == 2
    assert settlements(desk) == {answered: (HEARD, POLICY), dropped: (CLOSED, POLICY)}
    assert len(desk.batches(edition_id)) == 1


def test_a_late_reply_settles_a_case(desk: Desk) -> None:
    """Also one that the policy had closed; not one that a person has settled."""
    now = clock.utc_now()
    edition_id, (one, other) = in_doubt(desk, 2, now - DAY)
    by_policy(desk, now=now)
    resolved(desk, edition_id, [other], ARRIVED)
    yes = Reply(250, "2.0.0", "Ok")
    with desk.database.write() as session:
        record(session, edition_id, [Result(person, 0, SENT, now, yes, 1) for person in (one, other)])
        heard(session, edition_id, [one, other], now=now)
    assert settlements(desk) == {one: (HEARD, ""), other: (ARRIVED, "cli:ani")}
    assert statuses(desk, edition_id) == {SENT}


def test_a_person_finds_that_it_arrived(desk: Desk) -> None:
    """The delivery is sent, with its moment and the mail service; the others stay; it is on record."""
    now = clock.utc_now()
    edition_id, (one, other) = in_doubt(desk, 2, now)
    assert resolved(desk, edition_id, [one], ARRIVED) == Resolved(1)
    found = rows(desk, edition_id)
    assert (found[one].status, found[one].sent_at, found[one].transport_id) == (SENT, now, 1)
    assert found[other].status is UNCERTAIN
    assert settlements(desk) == {one: (ARRIVED, "cli:ani"), other: (None, "")}
    with desk.database.read() as session:
        (entry,) = session.scalars(sa.select(AuditEntry))
    assert (entry.actor, entry.action, entry.target_id) == (
        "cli:ani",
        "edition.resolve_uncertain",
        edition_id,
    )
    assert entry.details == {"as": "arrived", "people": 1}


def test_a_person_has_it_sent_again_once(desk: Desk) -> None:
    """To those of whom nothing is known, at a sent edition too; who got it twice gets it no third time."""
    now = clock.utc_now()
    edition_id, (one, other) = in_doubt(desk, 2, now)
    change(desk, Edition, state=EditionState.SENT)
    assert resolved(desk, edition_id, [one], RESENT) == Resolved(1)
    with desk.database.write() as session:
        record(session, edition_id, [Result(one, RESENT_MARK, UNCERTAIN, now)])
    with pytest.raises(StateError, match="twice already"):
        resolved(desk, edition_id, [one, other], RESENT)
    assert rows(desk, edition_id)[other].status is UNCERTAIN
    assert resolved(desk, edition_id, None, RESENT) == Resolved(1, were_sent_twice=1)
    found = rows(desk, edition_id)
    assert (found[one].status, found[other].status) == (UNCERTAIN, PENDING)
    assert desk.edition(edition_id).state is EditionState.SENT


def test_who_was_refused_before_may_be_sent_it_again(desk: Desk) -> None:
    """A refused mail that was tried anew, and then was in doubt, is no second copy."""
    now = clock.utc_now()
    edition_id, (person,) = in_doubt(desk, 1, now)
    with desk.database.write() as session:
        session.execute(sa.delete(UncertainCase))
        session.execute(sa.update(Delivery).values(attempt=2 * RESENT_MARK + 3))
    assert resolved(desk, edition_id, [person], RESENT) == Resolved(1)
    assert rows(desk, edition_id)[person].attempt == 3 * RESENT_MARK


def test_what_is_sent_again_reaches_them(desk: Desk) -> None:
    """Through a real worker, with the Message-ID that the first one had."""
    now = clock.utc_now()
    edition_id, people = in_doubt(desk, 2, now)
    resolved(desk, edition_id, None, RESENT)
    with JudgeServer(Script(fsync=False)) as judge:
        sender = desk.sender(judge.port, now=now)
        desk.send(edition_id, sender)
        let_go(sender)
        assert len(judge.messages) == len(people)
    assert statuses(desk, edition_id) == {SENT}


def test_a_person_closes_what_stays_unknown(desk: Desk) -> None:
    """It stays uncertain, and no policy sends it any more."""
    now = clock.utc_now()
    edition_id, people = in_doubt(desk, 2, now - DAY, RESEND)
    assert resolved(desk, edition_id, None, CLOSED) == Resolved(2)
    assert resolved(desk, edition_id, None, CLOSED) == Resolved(0)
    assert by_policy(desk, now=now) == 0
    assert statuses(desk, edition_id) == {UNCERTAIN}
    assert settlements(desk) == dict.fromkeys(people, (CLOSED, "cli:ani"))


def test_what_the_policy_closed_a_person_may_still_resolve(desk: Desk) -> None:
    """Somebody looked into the log after all."""
    now = clock.utc_now()
    edition_id, people = in_doubt(desk, 1, now - DAY)
    by_policy(desk, now=now)
    assert resolved(desk, edition_id, people, ARRIVED) == Resolved(1)
    assert settlements(desk) == {people[0]: (ARRIVED, "cli:ani")}


def test_what_cannot_be_resolved_is_refused_whole(desk: Desk) -> None:
    """A person who is not uncertain here, an edition that is cancelled, a way that is none."""
    now = clock.utc_now()
    edition_id, (one, other) = in_doubt(desk, 2, now)
    with desk.database.write() as session:
        session.execute(sa.update(Delivery).where(Delivery.subscriber_id == other).values(status=SENT))
    with pytest.raises(StateError, match=r"Not all of these people .* 1 of 2 are not"):
        resolved(desk, edition_id, [one, other], ARRIVED)
    with pytest.raises(InputError):
        resolved(desk, edition_id, [one], HEARD)
    change(desk, Edition, state=EditionState.CANCELLED)
    with pytest.raises(StateError, match="is cancelled"):
        resolved(desk, edition_id, [one], RESENT)
    assert settlements(desk)[one] == (None, "")
    assert rows(desk, edition_id)[one].status is UNCERTAIN


def test_those_from_before_there_were_cases_can_be_resolved(desk: Desk) -> None:
    """A case is made of what the ledger knows of them."""
    now = clock.utc_now()
    edition_id, (one, other) = in_doubt(desk, 2, now)
    with desk.database.write() as session:
        session.execute(sa.delete(UncertainCase))
        session.execute(sa.update(Delivery).where(Delivery.subscriber_id == other).values(transport_id=None))
        assert give_cases(session, edition_id) == 2
        assert give_cases(session, edition_id) == 0
        causes = dict(session.execute(sa.select(UncertainCase.subscriber_id, UncertainCase.cause)).all())
        session.execute(sa.delete(UncertainCase))
    assert causes == {one: UncertainCause.CONNECTION_ENDED, other: UncertainCause.WORKER_ENDED}
    assert resolved(desk, edition_id, [one], ARRIVED) == Resolved(1)
    assert settlements(desk)[one] == (ARRIVED, "cli:ani")


@pytest.mark.parametrize(("people", "uncertain", "told"), [(100, 1, 0), (99, 1, 1), (150, 2, 1), (250, 2, 0)])
def test_more_than_one_percent_is_told_once(desk: Desk, people: int, uncertain: int, told: int) -> None:
    """One line in the log and one in the audit; not at each tick, and not at one percent."""
    now = clock.utc_now()
    ids = desk.add_people(people)
    edition_id = desk.sending(now)
    with desk.database.write() as session:
        record(session, edition_id, [Result(person, 0, UNCERTAIN, now) for person in ids[:uncertain]])
    with capture_logs() as logged:
        for _ in range(2):
            with desk.database.write() as session:
                warn_of_many(session, now=now)
    lines = [line for line in logged if line["event"] == "many deliveries are uncertain"]
    assert [line["uncertain"] for line in lines] == [uncertain] * told
    with desk.database.read() as session:
        assert len(session.scalars(sa.select(AuditEntry)).all()) == told
