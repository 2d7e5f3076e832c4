"""The question whether somebody still wants a list: who is asked, what counts as an answer, who ends."""

from __future__ import annotations

import datetime as dt
import email
import email.policy
import re
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import keys
from digest.db import Database
from digest.deliveries.sweep import SweepSettings, tick
from digest.editions.copies import Imprint
from digest.errors import InputError, StateError
from digest.lists import consent, retention
from digest.lists.life import note_life
from digest.lists.permission import NO_ANSWER, close_run, count_silent, counts, start_run, without_answer
from digest.lists.permission_mail import ASK_MOST, ask_some, find_keep, has_questions, keep
from digest.lists.retention import RetentionTimes
from digest.lists.status import Origin
from digest.lists.subscribe import pause
from digest.lists.suppress import suppress_address
from digest.models import (
    ConsentEvent,
    MailingList,
    Notice,
    NoticeState,
    PermissionAsk,
    PermissionRun,
    Subscriber,
    Subscription,
    SubscriptionStatus,
)
from digest.tokens import Claim, Purpose, Signer, TokenError
from tests.factories import make_digest, make_list, make_subscriber, make_subscription
from tests.factories.audience import ADDRESS_KEY
from tests.factories.moments import NOW

DAY = dt.timedelta(days=1)
SIGNER = Signer({1: b"s" * 32}, 1)
URL = "https://mail.courier.example"


def _ask(database: Database, now: dt.datetime = NOW) -> int:
    with database.write() as session:
        return ask_some(session, SIGNER, URL, templates=None, now=now)


def _start(session: Session, readers: MailingList, now: dt.datetime = NOW) -> int:
    run = start_run(session, readers, silent_for=365 * DAY, answer_within=30 * DAY, actor="cli:test", now=now)
    return run.id


def _silent(session: Session, readers: MailingList, address: str | None = None) -> Subscription:
    person = make_subscriber(session, address, last_sign_of_life_at=NOW - 500 * DAY)
    return make_subscription(session, readers, person, created_at=NOW - 600 * DAY)


def _handed_over(database: Database) -> None:
    with database.write() as session:
        session.execute(sa.update(Notice).values(state=NoticeState.SENT))


def _asked(database: Database) -> set[int]:
    with database.read() as session:
        return set(session.scalars(sa.select(PermissionAsk.subscription_id)))


def test_only_the_long_silent_who_may_be_mailed_are_asked_and_once(database: Database) -> None:
    """Not the lively, the new, the paused, the suppressed, those who left; nobody a second time."""
    with database.write() as session:
        readers = make_list(session, make_digest(session), "readers")
        silent = _silent(session, readers)
        never = make_subscription(session, readers, created_at=NOW - 400 * DAY)
        lively = make_subscriber(session, last_sign_of_life_at=NOW - 3 * DAY)
        make_subscription(session, readers, lively, created_at=NOW - 400 * DAY)
        make_subscription(session, readers, created_at=NOW - 3 * DAY)
        paused = _silent(session, readers)
        pause(session, paused, source=Origin.CLI, actor="cli:test", now=NOW - DAY)
        barred = _silent(session, readers, "barred@mail.test")
        suppress_address(session, ADDRESS_KEY, "barred@mail.test", reason="x", source=Origin.CLI, now=NOW)
        gone = _silent(session, readers)
        gone.status = SubscriptionStatus.ENDED
        _silent(session, make_list(session, make_digest(session), "others"))
        assert count_silent(session, readers.id, NOW - 365 * DAY) == 2
        run_id = _start(session, readers)
        del barred
    assert _ask(database) == 2
    assert _ask(database) == 0
    assert _asked(database) == {silent.id, never.id}
    with database.read() as session:
        assert session.scalar(sa.select(sa.func.count(Notice.id))) == 2
        found = counts(session, session.get_one(PermissionRun, run_id))
        assert (found.waiting, found.asked, found.handed_over, found.answered) == (0, 2, 0, 0)


def test_the_mail_has_one_link_which_keeps(database: Database) -> None:
    """Its link is the person's own; the answer is a sign of life and an event, and only once."""
    with database.write() as session:
        readers = make_list(session, make_digest(session, language="hy"), "readers")
        asked = _silent(session, readers)
        run_id = _start(session, readers)
    _ask(database)
    with database.read() as session:
        raw = session.scalars(sa.select(Notice.message)).one()
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert "տեղեկագիրը" in str(message["Subject"])
    urls = set()
    for part in message.walk():
        if part.get_content_maintype() == "text":
            urls |= set(re.findall(r"https://mail[^\"\s<]+", part.get_content()))
    (url,) = urls
    token = url.rpartition("/k/")[2]
    _handed_over(database)
    with database.read() as session:
        found = find_keep(session, SIGNER, token)
        assert found is not None
        assert not found.is_answered
        assert session.scalar(sa.select(sa.func.count(PermissionAsk.answered_at))) == 0
    for _ in range(2):
        with database.write() as session:
            done = keep(session, SIGNER, token, now=NOW + DAY)
            assert done is not None
            assert done.is_answered
    with database.read() as session:
        actions = list(session.scalars(sa.select(ConsentEvent.action).order_by(ConsentEvent.number)))
        assert actions == ["sign_up", "keep"]
        person = session.get_one(Subscriber, asked.subscriber_id)
        assert person.last_sign_of_life_at == NOW + DAY
        assert session.scalars(without_answer(run_id)).all() == []
        assert consent.verify(session, asked.id) == []


def test_closing_ends_those_alone_who_had_the_question_and_gave_no_answer(database: Database) -> None:
    """Who answered, who gave another sign of life and who was never reached stay."""
    with database.write() as session:
        readers = make_list(session, make_digest(session), "readers")
        mute, answered, alive, unreached = (_silent(session, readers) for _ in range(4))
        run_id = _start(session, readers)
    assert _ask(database) == 4
    _handed_over(database)
    with database.write() as session:
        key = f"permission:{run_id}:{unreached.id}"
        session.execute(sa.update(Notice).where(Notice.key == key).values(state=NoticeState.FAILED))
        note_life(session, alive.subscriber_id, now=NOW + 2 * DAY)
        token = SIGNER.sign(Claim(Purpose.KEEP, answered.list_id, answered.subscriber_id))
        keep(session, SIGNER, token, now=NOW + DAY)
    with pytest.raises(StateError, match="until"):
        close_run(database, run_id, actor="cli:test", now=NOW + DAY)
    with database.read() as session:
        found = counts(session, session.get_one(PermissionRun, run_id))
        assert (found.asked, found.handed_over, found.answered, found.to_end) == (4, 3, 1, 1)
    later = NOW + 31 * DAY
    told: list[int] = []
    assert close_run(database, run_id, actor="cli:test", now=later, progress=told.append) == 1
    assert close_run(database, run_id, actor="cli:test", now=later, progress=told.append) == 0
    assert told == [1]
    with database.read() as session:
        ended = sa.select(Subscription.id).where(Subscription.status == SubscriptionStatus.ENDED)
        assert list(session.scalars(ended)) == [mute.id]
        details = session.scalars(sa.select(ConsentEvent.details).where(ConsentEvent.action == "end")).one()
        assert details is not None
        assert details["reason"] == NO_ANSWER
    with database.write() as session:
        token = SIGNER.sign(Claim(Purpose.KEEP, mute.list_id, mute.subscriber_id))
        late = keep(session, SIGNER, token, now=later)
        assert late is not None
        assert late.is_ended


def test_an_open_run_keeps_its_evidence_and_without_it_nobody_ends(database: Database) -> None:
    """A mail that failed and is past its time never counts as one that arrived; closed, the counts stay."""
    with database.write() as session:
        readers = make_list(session, make_digest(session), "readers")
        mute, unreached, lost = (_silent(session, readers) for _ in range(3))
        run_id = _start(session, readers)
        others = make_list(session, make_digest(session), "others")
        _silent(session, others)
        closed = _start(session, others)
    # A prefix of one run's key must not stand for another's.
    with database.write() as session:
        far = PermissionRun(**{**_values(session.get_one(PermissionRun, run_id)), "id": run_id * 10 + 1})
        far.closed_at = NOW
        session.add(far)
    assert [_ask(database), _ask(database)] == [3, 1]
    with database.write() as session:
        session.execute(sa.update(Notice).values(state=NoticeState.SENT, done_at=NOW))
        of_mute, of_lost = (f"permission:{run_id}:{each.id}" for each in (mute, lost))
        session.execute(
            sa.update(Notice)
            .where(Notice.key == f"permission:{run_id}:{unreached.id}")
            .values(state=NoticeState.FAILED)
        )
        other = sa.select(Notice).where(Notice.key == of_mute)
        copy = _values(session.scalars(other).one()) | {"key": f"permission:{far.id}:1"}
        session.add(Notice(**{name: value for name, value in copy.items() if name != "id"}))
    close_run(database, closed, actor="cli:test", now=NOW + DAY, end_nobody=True)
    later = NOW + 60 * DAY
    assert retention.run(database, RetentionTimes(), actor="x", now=later).deleted["notices"] == 2
    with database.write() as session:
        assert session.scalar(sa.select(sa.func.count(Notice.id))) == 3
        session.execute(sa.delete(Notice).where(Notice.key == of_lost))  # however that came
        found = counts(session, session.get_one(PermissionRun, run_id))
        assert (found.asked, found.handed_over, found.to_end) == (3, 1, 1)
    assert close_run(database, run_id, actor="cli:test", now=later) == 1
    assert retention.run(database, RetentionTimes(), actor="x", now=later).deleted["notices"] == 2
    with database.read() as session:
        ended = sa.select(Subscription.id).where(Subscription.status == SubscriptionStatus.ENDED)
        assert list(session.scalars(ended)) == [mute.id]
        found = counts(session, session.get_one(PermissionRun, run_id))
        assert (found.asked, found.handed_over) == (3, 1)
        assert counts(session, session.get_one(PermissionRun, closed)).handed_over == 1


def _values(row: Any) -> dict[str, Any]:
    """A row's columns by name."""
    return {each.key: getattr(row, each.key) for each in sa.inspect(row).mapper.column_attrs}


def test_it_can_be_broken_off_without_ending_anybody(database: Database) -> None:
    """At any moment; nobody is asked after that, and another run may begin."""
    with database.write() as session:
        readers = make_list(session, make_digest(session), "readers")
        _silent(session, readers)
        run_id = _start(session, readers)
        with pytest.raises(StateError, match="open run"):
            _start(session, readers)
    assert close_run(database, run_id, actor="cli:test", now=NOW, end_nobody=True) == 0
    assert _ask(database) == 0
    with database.write() as session:
        assert not has_questions(session, now=NOW)
        _start(session, session.get_one(MailingList, readers.id))
    assert _ask(database) == 1


def test_questions_come_in_portions_and_never_late(database: Database) -> None:
    """A tick asks forty, none while too many wait, and nobody who would have less than half of the time."""
    with database.write() as session:
        readers = make_list(session, make_digest(session), "readers")
        for _ in range(3 * ASK_MOST + 5):
            _silent(session, readers)
        _start(session, readers)
    assert [_ask(database) for _ in range(4)] == [ASK_MOST, ASK_MOST, ASK_MOST, 0]
    _handed_over(database)
    assert _ask(database, NOW + 16 * DAY) == 0
    assert _ask(database, NOW + 14 * DAY) == 5


def test_odd_spans_and_foreign_links_are_refused(database: Database) -> None:
    """A day is too short to answer; a sign-off link keeps nothing."""
    with database.write() as session:
        readers = make_list(session, make_digest(session), "readers")
        asked = _silent(session, readers)
        with pytest.raises(InputError, match="2 to 365"):
            start_run(session, readers, silent_for=365 * DAY, answer_within=DAY, actor="cli:test", now=NOW)
        foreign = SIGNER.sign(Claim(Purpose.UNSUBSCRIBE, asked.list_id, asked.subscriber_id))
        with pytest.raises(TokenError):
            keep(session, SIGNER, foreign, now=NOW)


def test_the_tick_asks(database: Database, tmp_path: Path) -> None:
    """By itself, for as long as there is a run; without one it makes no mail and reads no key."""
    asked_for: list[int] = []
    keys.make_missing(tmp_path)
    made = keys.load(tmp_path)

    def imprint() -> Imprint:
        asked_for.append(1)
        return Imprint(URL, made, None)

    times = SweepSettings(dt.timedelta(minutes=2), DAY, imprint=imprint)
    tick(database, times, now=NOW)
    assert asked_for == []
    with database.write() as session:
        readers = make_list(session, make_digest(session), "readers")
        asked = _silent(session, readers)
        _start(session, readers)
    tick(database, times, now=NOW)
    assert _asked(database) == {asked.id}
