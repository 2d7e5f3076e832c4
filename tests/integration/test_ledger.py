"""The ledger: what is written of each delivery, once, and by whom it may be changed."""

from __future__ import annotations

import datetime as dt
import itertools
import string
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import example, given
from hypothesis import strategies as st

from digest.db import Database
from digest.deliveries import ledger
from digest.deliveries.ledger import Result, close_if_done, defer, record
from digest.deliveries.replies import reply_pattern
from digest.deliveries.retry import WAITS
from digest.mail.transport import Outcome
from digest.mail.transport import Reply as MailReply
from digest.models import Batch, Delivery, DeliveryStatus, Reply
from tests.integration.planned import Desk, make_desk

NOW = dt.datetime(2026, 11, 23, 13, 30, tzinfo=dt.UTC)
SENT, FAILED, PENDING = DeliveryStatus.SENT, DeliveryStatus.FAILED, DeliveryStatus.PENDING
SKIPPED, UNCERTAIN = DeliveryStatus.SKIPPED, DeliveryStatus.UNCERTAIN
YES = MailReply(250, "2.0.0", "Ok: queued as 4XyZ12abQ9")
LATER = MailReply(451, "4.7.1", "Greylisted, come back in 5 minutes")

Row = tuple[DeliveryStatus, int, int | None, int | None, dt.datetime | None]


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Desk:
    """A newsroom with one list and nobody on it yet."""
    return make_desk(database, tmp_path)


class Ledger:
    """An edition under way to a few people, and what the ledger says of it."""

    def __init__(self, desk: Desk, count: int) -> None:
        self.database = desk.database
        self.people = desk.add_people(count)
        self.edition_id = desk.sending(NOW)

    def record(self, *results: Result) -> None:
        with self.database.write() as session:
            record(session, self.edition_id, results)

    def defer(self, *results: Result, now: dt.datetime = NOW) -> None:
        with self.database.write() as session:
            defer(session, self.edition_id, results, now=now)

    def rows(self) -> dict[int, Row]:
        """Status, attempt, reply, batch and moment of each person."""
        with self.database.read() as session:
            found = session.scalars(sa.select(Delivery).where(Delivery.edition_id == self.edition_id))
            return {
                row.subscriber_id: (row.status, row.attempt, row.reply_id, row.batch_id, row.sent_at)
                for row in found
            }

    def statuses(self) -> list[DeliveryStatus]:
        rows = self.rows()
        return [rows[person][0] for person in self.people]

    def batches(self) -> list[Batch]:
        with self.database.read() as session:
            return list(session.scalars(sa.select(Batch).order_by(Batch.id)))

    def replies(self) -> list[Reply]:
        with self.database.read() as session:
            return list(session.scalars(sa.select(Reply).order_by(Reply.id)))


def result(
    person: int, status: DeliveryStatus = SENT, *, attempt: int = 0, reply: MailReply | None = YES
) -> Result:
    """What became of one person's mail."""
    return Result(person, attempt, status, NOW, reply, 1)


def test_each_result_is_written_to_its_own_row(desk: Desk) -> None:
    """Four people, four ends; a moment stands only where a mail may have been taken."""
    under_way = Ledger(desk, 5)
    one, two, three, four, _ = under_way.people
    under_way.record(
        result(one),
        result(two, FAILED, reply=MailReply(550, "5.1.1", "No such user")),
        result(three, SKIPPED, reply=None),
        result(four, UNCERTAIN, reply=None),
    )
    assert under_way.statuses() == [SENT, FAILED, SKIPPED, UNCERTAIN, PENDING]
    moments = [row[4] for row in under_way.rows().values()]
    assert [under_way.rows()[person][4] for person in under_way.people] == [NOW, None, None, NOW, None]
    assert moments.count(NOW) == 2


def test_a_result_that_comes_again_changes_nothing(desk: Desk) -> None:
    """A journal that is folded twice, or after its group was recorded."""
    under_way = Ledger(desk, 3)
    results = [
        result(under_way.people[0]),
        result(under_way.people[1], FAILED, reply=MailReply(550, "5.1.1", "No such user")),
        result(under_way.people[2], UNCERTAIN, reply=None),
    ]
    under_way.record(*results)
    before = under_way.rows()
    for _ in range(2):
        under_way.record(*results)
    assert under_way.rows() == before
    assert len(under_way.replies()) == 2


def test_what_is_final_stays(desk: Desk) -> None:
    """No later result takes back an end, whichever it is."""
    pairs = list(itertools.product((SENT, FAILED, SKIPPED), (SENT, FAILED, SKIPPED, UNCERTAIN)))
    under_way = Ledger(desk, len(pairs))
    for person, (was, _) in zip(under_way.people, pairs, strict=True):
        under_way.record(result(person, was))
    for person, (_, late) in zip(under_way.people, pairs, strict=True):
        under_way.record(result(person, late, reply=None))
    assert under_way.statuses() == [was for was, _ in pairs]


def test_only_a_reply_settles_an_uncertain_one(desk: Desk) -> None:
    """What a server said ends the doubt; what we ourselves decide does not."""
    becomes = {SENT: SENT, FAILED: FAILED, SKIPPED: UNCERTAIN, UNCERTAIN: UNCERTAIN}
    under_way = Ledger(desk, len(becomes))
    for person, late in zip(under_way.people, becomes, strict=True):
        under_way.record(result(person, UNCERTAIN, reply=None))
        under_way.record(result(person, late))
    assert under_way.statuses() == list(becomes.values())


def test_a_result_of_another_attempt_does_nothing(desk: Desk) -> None:
    """A row that is at its first retry is not moved by what is said of another try."""
    under_way = Ledger(desk, 1)
    under_way.defer(result(under_way.people[0], PENDING, reply=LATER))
    before = under_way.rows()
    for attempt in (0, 2, 100):
        under_way.record(result(under_way.people[0], attempt=attempt))
        assert under_way.rows() == before, attempt
    under_way.record(result(under_way.people[0], attempt=1))
    assert under_way.statuses() == [SENT]


def test_a_result_of_another_edition_does_nothing(desk: Desk) -> None:
    """The same person in two editions has two rows."""
    first = Ledger(desk, 1)
    second = desk.sending(NOW + dt.timedelta(minutes=1))
    first.record(result(first.people[0]))
    assert set(desk.statuses(second).values()) == {PENDING}


def test_a_deferred_mail_waits_in_a_batch_of_its_own(desk: Desk) -> None:
    """The person is pending, one attempt further, with the reply; the batch is not due before its time."""
    under_way = Ledger(desk, 3)
    one, two, _ = under_way.people
    under_way.defer(result(one, PENDING, reply=LATER), result(two, PENDING, reply=LATER))
    first, retry = under_way.batches()
    assert retry.not_before == NOW + WAITS[0]
    rows = under_way.rows()
    assert [(rows[person][0], rows[person][1], rows[person][3]) for person in under_way.people] == [
        (PENDING, 1, retry.id),
        (PENDING, 1, retry.id),
        (PENDING, 0, first.id),
    ]
    assert len(under_way.replies()) == 1


def test_a_mail_is_deferred_once_though_it_is_said_twice(desk: Desk) -> None:
    """The journal repeats what the ledger has: no second batch, no second attempt."""
    under_way = Ledger(desk, 1)
    said = result(under_way.people[0], PENDING, reply=LATER)
    under_way.defer(said)
    before = under_way.rows()
    under_way.defer(said, now=NOW + dt.timedelta(hours=1))
    assert under_way.rows() == before
    assert len(under_way.batches()) == 2


def test_a_final_result_is_not_deferred(desk: Desk) -> None:
    """A late "come back later" does not open what is closed."""
    under_way = Ledger(desk, 1)
    under_way.record(result(under_way.people[0]))
    under_way.defer(result(under_way.people[0], PENDING, reply=LATER))
    assert under_way.statuses() == [SENT]
    assert len(under_way.batches()) == 1


def test_the_ladder_ends_in_failed(desk: Desk) -> None:
    """It waits longer each time; once it would come too late it has failed, with the server's words."""
    under_way = Ledger(desk, 1)
    (person,) = under_way.people
    waits = []
    for attempt in range(len(WAITS)):
        under_way.defer(result(person, PENDING, attempt=attempt, reply=LATER))
        assert under_way.rows()[person][:2] == (PENDING, attempt + 1)
        waits.append(under_way.batches()[-1].not_before - NOW)
    assert tuple(waits) == WAITS
    assert list(waits) == sorted(waits)
    batches = len(under_way.batches())
    desk.make_useful_for(WAITS[-1] - dt.timedelta(seconds=1))
    under_way.defer(result(person, PENDING, attempt=len(WAITS), reply=LATER))
    status, _, reply_id, _, _ = under_way.rows()[person]
    assert status is FAILED
    assert reply_id == under_way.replies()[0].id
    assert len(under_way.batches()) == batches


def test_a_batch_closes_when_nothing_of_it_is_pending(desk: Desk) -> None:
    """Not before its last person, and once."""
    under_way = Ledger(desk, 3)
    (batch,) = under_way.batches()

    def close() -> bool:
        with under_way.database.write() as session:
            return close_if_done(session, batch.id, now=NOW)

    one, two, three = under_way.people
    under_way.record(result(one))
    assert not close()
    under_way.defer(result(two, PENDING, reply=LATER))
    under_way.record(result(three, UNCERTAIN, reply=None))
    assert close()
    assert not close()
    closed, retry = under_way.batches()
    assert (closed.closed_at, closed.leased_until, closed.journal_id) == (NOW, None, None)
    assert retry.closed_at is None


def test_a_reply_is_stored_once_however_often_it_is_given(desk: Desk) -> None:
    """Queue ids and addresses make each answer differ: they are left out, and two codes are two replies."""
    under_way = Ledger(desk, 6)
    texts = [
        "Ok: queued as 4XyZ12abQ9",
        "Ok: queued as 7Bb00129ff",
        "Ok: queued as A1B2C3D4E5F6",
    ]
    under_way.record(
        *(
            result(person, reply=MailReply(250, "2.0.0", text))
            for person, text in zip(under_way.people[:3], texts, strict=True)
        ),
        *(
            result(person, FAILED, reply=MailReply(550, code, f"<reader{person}@mail.test>: no such user"))
            for person, code in zip(under_way.people[3:], ("5.1.1", "5.1.1", "5.1.2"), strict=True)
        ),
    )
    found = sorted((reply.code, reply.enhanced, reply.text) for reply in under_way.replies())
    assert found == [
        (250, "2.0.0", "Ok: queued as …"),
        (550, "5.1.1", "<address>: no such user"),
        (550, "5.1.2", "<address>: no such user"),
    ]


def test_many_results_are_few_statements(desk: Desk) -> None:
    """A group of a hundred alike is one UPDATE, not a hundred."""
    under_way = Ledger(desk, 100)
    asked: list[str] = []
    sa.event.listen(
        under_way.database.engine, "before_cursor_execute", lambda *args: asked.append(str(args[2]))
    )
    under_way.record(*(result(person) for person in under_way.people))
    assert sum(statement.startswith("UPDATE") for statement in asked) == 1
    assert len(asked) <= 8
    assert set(under_way.statuses()) == {SENT}


_PLAIN = st.text(string.ascii_letters + " ", max_size=30)
_QUEUE_IDS = st.from_regex(r"[0-9][A-F0-9]{6,10}[A-Z]", fullmatch=True)
_ADDRESSES = st.from_regex(r"<?[a-z][a-z0-9.+]{0,20}@[a-z]{1,10}\.test>?", fullmatch=True)


@given(_PLAIN, _PLAIN, st.lists(st.tuples(_QUEUE_IDS, _ADDRESSES), min_size=2, max_size=2))
def test_replies_that_differ_by_id_and_address_are_one(
    before: str, after: str, mails: list[tuple[str, str]]
) -> None:
    """Whatever the words around them: two mails get the same reply, and it names neither."""
    one, other = (reply_pattern(f"{before} {queue_id} {after} {address}") for queue_id, address in mails)
    assert one == other
    assert len(one) <= 500
    for queue_id, address in mails:
        assert queue_id not in one
        assert address.strip("<>") not in one


@given(st.text())
@example("a@b" * 400)
@example("1a" * 2000)
@example("<" * 3000)
def test_any_text_has_a_pattern(text: str) -> None:
    """Short, and taken quickly."""
    assert len(reply_pattern(text)) <= 500


@pytest.mark.parametrize(
    "text",
    [
        "Requested action not taken: mailbox unavailable",
        "Message rejected under suspicion of SPAM; see https://mail.example/help",
        "4.7.28 Our system has detected an unusual rate of mail",
        "Temporary failure, try again later",
        "The mail service does not offer SMTPUTF8, which this address needs.",
        "8BITMIME is required",
    ],
)
def test_the_words_of_a_reply_stay(text: str) -> None:
    """What a person needs in order to understand a refusal is not cut out."""
    assert reply_pattern(text) == text


def test_every_outcome_has_a_meaning() -> None:
    """Three outcomes are an end; for the other two the person stays pending."""
    assert set(ledger.STATUS_OF) == set(Outcome) - {Outcome.DEFERRED, Outcome.UNSENT}
