"""What wants a person is told once to those whom the digest names, told again when over, or silenced."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.db import Database
from digest.deliveries.control import cancel, pause_for_transport, resume
from digest.deliveries.sweep import SweepSettings, tick
from digest.editions.alert_causes import look_at_sources
from digest.editions.alert_mails import subject_of, tell_alerts
from digest.editions.alert_words import Subject, alert_name, headline, sentences
from digest.editions.copies import Imprint
from digest.editions.revisions import approve
from digest.editions.slots import make_next_editions
from digest.editions.states import move
from digest.errors import NotFoundError
from digest.i18n import LANGUAGES, Translator
from digest.models import (
    Alert,
    AlertKind,
    Batch,
    Cadence,
    Digest,
    DigestSource,
    Edition,
    EditionState,
    Notice,
    Reason,
    Revision,
    Source,
)
from digest.notices.alerts import (
    add_receiver,
    get_alert,
    list_alerts,
    purge,
    receivers_of,
    remove_receiver,
    silence,
    untold,
)
from tests.factories import make_account, make_cadence
from tests.factories.moments import NOW
from tests.integration.planned import PUBLIC_URL, Desk, make_desk

HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
S, K = EditionState, AlertKind


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Desk:
    """A newsroom whose digest names one of its staff."""
    made = make_desk(database, tmp_path)
    with database.write() as session:
        account = make_account(session, "nare@courier.example")
        add_receiver(session, session.get_one(Digest, made.cadence.digest_id), account, actor="t", now=NOW)
    return made


@pytest.fixture
def imprint(desk: Desk) -> Imprint:
    """What mails are made with."""
    return Imprint(PUBLIC_URL, desk.made)


def tell(desk: Desk, imprint: Imprint, now: dt.datetime = NOW) -> list[str]:
    """Tell what is untold; the subjects of the mails that were asked for by that."""
    with desk.database.write() as session:
        before = set(session.scalars(sa.select(Notice.id)))
        tell_alerts(session, imprint, now=now)
        session.flush()
        mails = session.scalars(sa.select(Notice).where(Notice.id.not_in(before)).order_by(Notice.id)).all()
        assert {mail.kind for mail in mails} <= {"alert"}
        return [str(message_from_bytes(mail.message, policy=policy.default)["Subject"]) for mail in mails]


def held(session: Session, edition: Edition) -> None:
    move(session, edition, S.HELD, now=NOW, reason=Reason.TOO_LARGE, detail="120000 > 102000")


def let_go(session: Session, edition: Edition) -> None:
    move(session, edition, S.FROZEN, now=NOW + HOUR, reason=Reason.BY_PERSON)


def unapproved(session: Session, edition: Edition) -> None:
    session.execute(sa.update(Revision).values(approved_at=None, approved_by=""))
    edition.state = S.UPCOMING
    session.flush()
    move(session, edition, S.FROZEN, now=NOW, reason=Reason.WANTS_APPROVAL)


def approved(session: Session, edition: Edition) -> None:
    revision = session.get_one(Revision, edition.revision_id)
    session.refresh(revision)
    approve(session, revision, actor="t", now=NOW + HOUR)


def stopped(session: Session, edition: Edition) -> None:
    move(session, edition, S.SENDING, now=NOW)
    session.add(Batch(edition_id=edition.id, not_before=NOW))
    pause_for_transport(session, edition.id, "550 5.7.1 Go away", now=NOW)


def resumed(session: Session, edition: Edition) -> None:
    resume(session, edition, actor="t", now=NOW + HOUR)


def silence_one(desk: Desk, kind: AlertKind) -> None:
    """Silence the one alert that there is."""
    with desk.database.write() as session:
        (alert,) = list_alerts(session, lasting=False)
        assert alert.kind is kind
        assert silence(session, alert, actor="cli:ani", now=NOW)
        assert not silence(session, alert, actor="cli:ara", now=NOW)


Step = Callable[[Session, Edition], None]


@dataclass(frozen=True)
class Lasting:
    """A cause that lasts: how it begins and ends, and the beginnings of its two subjects."""

    kind: AlertKind
    begin: Step
    end: Step
    first: str
    last: str


LASTING = (
    Lasting(K.EDITION_HELD, held, let_go, "Held", "No longer held"),
    Lasting(K.APPROVAL_WANTED, unapproved, approved, "Approval wanted", "Approval no longer wanted"),
    Lasting(K.SENDING_STOPPED, stopped, resumed, "Stopped in the middle", "No longer stopped"),
)
WHEN = "Monday, 5:30 pm, Yerevan"


@pytest.mark.parametrize("one", LASTING, ids=lambda one: one.kind.value)
def test_what_lasts_is_told_once_and_when_it_is_over(desk: Desk, imprint: Imprint, one: Lasting) -> None:
    """One mail while it lasts, however often the tick looks; and one more at its end."""
    edition_id = desk.frozen(NOW)
    with desk.database.write() as session:
        one.begin(session, session.get_one(Edition, edition_id))
    with desk.database.read() as session:
        (alert,) = list_alerts(session)
        assert (alert.kind, alert.edition_id) == (one.kind, edition_id)
    assert tell(desk, imprint) == [f"{one.first}: The Courier, {WHEN}"]
    assert tell(desk, imprint, NOW + HOUR / 2) == []
    with desk.database.write() as session:
        one.end(session, session.get_one(Edition, edition_id))
    assert tell(desk, imprint, NOW + HOUR) == [f"{one.last}: The Courier, {WHEN}"]
    assert tell(desk, imprint, NOW + 2 * HOUR) == []
    with desk.database.read() as session:
        assert list_alerts(session) == []
        assert [one.id for one in list_alerts(session, lasting=False)] == [alert.id]


@pytest.mark.parametrize("one", LASTING, ids=lambda one: one.kind.value)
def test_what_is_silenced_is_not_told(desk: Desk, imprint: Imprint, one: Lasting) -> None:
    """Neither that it is there nor that it is over."""
    edition_id = desk.frozen(NOW)
    with desk.database.write() as session:
        one.begin(session, session.get_one(Edition, edition_id))
        (alert,) = list_alerts(session)
        assert silence(session, alert, actor="cli:ani", now=NOW)
        assert not silence(session, alert, actor="cli:ara", now=NOW)
    assert tell(desk, imprint) == []
    with desk.database.write() as session:
        one.end(session, session.get_one(Edition, edition_id))
    assert tell(desk, imprint, NOW + HOUR) == []


def test_a_source_that_is_down_is_silenced(desk: Desk, imprint: Imprint) -> None:
    """Neither that it is down nor that it is back is told; what is down again later is."""
    source_id = source_of(desk, last_good_at=NOW, fault_code="timeout", faults_in_a_row=2)
    assert look(desk, NOW + HOUR) == 1
    silence_one(desk, K.SOURCE_DOWN)
    assert look(desk, NOW + 2 * HOUR) == 0
    assert tell(desk, imprint, NOW + 2 * HOUR) == []
    with desk.database.write() as session:
        source = session.get_one(Source, source_id)
        source.fault_code, source.faults_in_a_row, source.last_good_at = None, 0, NOW + 2 * HOUR
    assert look(desk, NOW + 2 * HOUR) == 1
    assert tell(desk, imprint, NOW + 2 * HOUR) == []
    with desk.database.write() as session:
        source = session.get_one(Source, source_id)
        source.fault_code, source.faults_in_a_row = "timeout", 2
    assert look(desk, NOW + 4 * HOUR) == 1
    assert tell(desk, imprint, NOW + 4 * HOUR) == ["Source down: The Site, The Courier"]


def test_an_edition_that_was_skipped_is_silenced(desk: Desk, imprint: Imprint) -> None:
    """It does not last, but until it is told it can be silenced; the next one is told as ever."""
    first, second = desk.frozen(NOW), desk.frozen(NOW + HOUR)
    with desk.database.write() as session:
        move(session, session.get_one(Edition, first), S.SKIPPED, now=NOW, reason=Reason.NOTHING_NEW)
    silence_one(desk, K.EDITION_SKIPPED)
    assert tell(desk, imprint) == []
    with desk.database.write() as session:
        move(session, session.get_one(Edition, second), S.SKIPPED, now=NOW, reason=Reason.NOTHING_NEW)
    assert tell(desk, imprint) == ["Skipped: The Courier, Monday, 6:30 pm, Yerevan"]


def test_each_kind_has_its_test_of_being_silenced() -> None:
    """A kind that is added wants one."""
    assert {one.kind for one in LASTING} | {K.SOURCE_DOWN, K.EDITION_SKIPPED} == set(AlertKind)


def test_what_comes_again_is_told_again(desk: Desk, imprint: Imprint) -> None:
    """One that was silenced and is over is another one when it is raised anew."""
    edition_id = desk.frozen(NOW)
    with desk.database.write() as session:
        edition = session.get_one(Edition, edition_id)
        held(session, edition)
        silence(session, list_alerts(session)[0], actor="t", now=NOW)
        let_go(session, edition)
        move(session, edition, S.HELD, now=NOW + 2 * HOUR, reason=Reason.NO_POSTAL_ADDRESS)
    assert tell(desk, imprint, NOW + 2 * HOUR) == [f"Held: The Courier, {WHEN}"]


def test_what_is_skipped_is_told_once(desk: Desk, imprint: Imprint) -> None:
    """Nothing is over by that; what was held first is not said to be held no longer."""
    first, second, by_hand = desk.frozen(NOW), desk.frozen(NOW + HOUR), desk.frozen(NOW + 2 * HOUR)
    with desk.database.write() as session:
        move(session, session.get_one(Edition, first), S.SKIPPED, now=NOW, reason=Reason.NOTHING_NEW)
        held(session, session.get_one(Edition, second))
        edition = session.get_one(Edition, by_hand)
        move(session, edition, S.SKIPPED, now=NOW, reason=Reason.BY_PERSON)
    assert tell(desk, imprint) == [
        f"Skipped: The Courier, {WHEN}",
        "Held: The Courier, Monday, 6:30 pm, Yerevan",
    ]
    with desk.database.write() as session:
        edition = session.get_one(Edition, second)
        move(session, edition, S.SKIPPED, now=NOW + HOUR, reason=Reason.DEADLINE, detail="too_large")
    assert tell(desk, imprint, NOW + HOUR) == ["Skipped: The Courier, Monday, 6:30 pm, Yerevan"]
    assert tell(desk, imprint, NOW + HOUR) == []


def test_a_long_silence_is_one_alert(desk: Desk, imprint: Imprint) -> None:
    """Of many missed slots the newest is told, and how many there were before it."""
    with desk.database.write() as session:
        digest = session.get_one(Digest, desk.cadence.digest_id)
        make_cadence(session, digest, "hourly", cron="0 * * * *", slots_after=NOW)
        make_next_editions(session, now=NOW + 2 * DAY)
    assert len(tell(desk, imprint, NOW + 2 * DAY)) == 1
    with desk.database.read() as session:
        (alert,) = list_alerts(session, lasting=False)
        told = sentences(subject_of(session, alert), Translator("en"))
    assert told[1] == "Missed before it as well: 46."


def source_of(desk: Desk, **values: Any) -> int:
    with desk.database.write() as session:
        times = {"news_since": NOW, "next_fetch_at": NOW, "created_at": NOW}
        source = Source(url="https://courier.example/feed/", title="The Site", **times, **values)
        session.add(source)
        session.flush()
        session.add(DigestSource(digest_id=desk.cadence.digest_id, source_id=source.id))
        return source.id


def look(desk: Desk, now: dt.datetime) -> int:
    with desk.database.write() as session:
        return look_at_sources(session, now=now)


def test_a_source_that_is_down_for_an_hour_is_told_and_that_it_is_back(desk: Desk, imprint: Imprint) -> None:
    """Not before an hour, not after a single fault; once; and anew at the next time."""
    fault = {"fault_code": "timeout", "fault_detail": "after 30 s", "faults_in_a_row": 1}
    source_id = source_of(desk, last_good_at=NOW, **fault)
    assert look(desk, NOW + 2 * HOUR) == 0
    with desk.database.write() as session:
        session.get_one(Source, source_id).faults_in_a_row = 2
    assert look(desk, NOW + HOUR - dt.timedelta(seconds=1)) == 0
    assert look(desk, NOW + HOUR) == 1
    assert look(desk, NOW + HOUR) == 0
    assert tell(desk, imprint, NOW + HOUR) == ["Source down: The Site, The Courier"]
    with desk.database.read() as session:
        told = sentences(subject_of(session, list_alerts(session)[0]), Translator("en"))
    assert told == (
        "The site took longer than we wait. It is tried again by itself. (after 30 s)",
        f"To act on it: digest source show {source_id}",
    )
    with desk.database.write() as session:
        source = session.get_one(Source, source_id)
        source.fault_code, source.faults_in_a_row, source.last_good_at = None, 0, NOW + 2 * HOUR
    assert look(desk, NOW + 2 * HOUR) == 1
    assert tell(desk, imprint, NOW + 2 * HOUR) == ["Source back: The Site, The Courier"]
    with desk.database.write() as session:
        source = session.get_one(Source, source_id)
        source.fault_code, source.faults_in_a_row = "http_status", 5
    assert look(desk, NOW + 5 * HOUR) == 1
    assert tell(desk, imprint, NOW + 5 * HOUR) == ["Source down: The Site, The Courier"]
    with desk.database.write() as session:
        session.execute(sa.delete(DigestSource))
    assert look(desk, NOW + 6 * HOUR) == 1  # the digest draws from it no more


def test_nobody_is_told_whom_the_digest_does_not_name(desk: Desk, imprint: Imprint) -> None:
    """Nor whose account is closed; what lasts still is told to whoever is named later."""
    edition_id = desk.frozen(NOW)
    with desk.database.write() as session:
        digest = session.get_one(Digest, desk.cadence.digest_id)
        (account,) = receivers_of(session, digest.id)
        assert not add_receiver(session, digest, account, actor="t", now=NOW)
        account.disabled_at = NOW
        held(session, session.get_one(Edition, edition_id))
        session.flush()
        assert receivers_of(session, digest.id) == []
        assert untold(session) == []
    assert tell(desk, imprint) == []
    with desk.database.write() as session:
        digest = session.get_one(Digest, desk.cadence.digest_id)
        other = make_account(session, "ara@courier.example")
        assert add_receiver(session, digest, other, actor="t", now=NOW)
    assert len(tell(desk, imprint)) == 1
    with desk.database.write() as session:
        digest = session.get_one(Digest, desk.cadence.digest_id)
        assert remove_receiver(session, digest, other, actor="t", now=NOW)
        assert not remove_receiver(session, digest, other, actor="t", now=NOW)


def test_what_was_over_before_anybody_was_told_is_no_news(desk: Desk, imprint: Imprint) -> None:
    """It was held for a moment and mended: nobody need know."""
    edition_id = desk.frozen(NOW)
    with desk.database.write() as session:
        edition = session.get_one(Edition, edition_id)
        held(session, edition)
        let_go(session, edition)
    assert tell(desk, imprint, NOW + HOUR) == []
    assert tell(desk, imprint, NOW + HOUR) == []


def test_a_cancelled_edition_is_stopped_no_longer(desk: Desk, imprint: Imprint) -> None:
    """The end says what became of it."""
    edition_id = desk.frozen(NOW)
    with desk.database.write() as session:
        stopped(session, session.get_one(Edition, edition_id))
    tell(desk, imprint)
    with desk.database.write() as session:
        cancel(session, session.get_one(Edition, edition_id), actor="t", now=NOW + HOUR)
    assert len(tell(desk, imprint, NOW + HOUR)) == 1
    with desk.database.read() as session:
        (alert,) = list_alerts(session, lasting=False)
        assert sentences(subject_of(session, alert), Translator("en")) == ("This edition is now: cancelled.",)


def test_the_tick_tells_and_forgets(desk: Desk, imprint: Imprint) -> None:
    """It looks at the sources and tells; what has been over for long is deleted."""
    source_of(desk, last_good_at=NOW, fault_code="timeout", faults_in_a_row=2)
    settings = SweepSettings(
        plan_lead=dt.timedelta(minutes=2),
        settle_uncertain_after=DAY,
        imprint=lambda: imprint,
    )
    for seconds in (0, 5):
        tick(desk.database, settings, now=NOW + HOUR + dt.timedelta(seconds=seconds))
    with desk.database.write() as session:
        assert session.scalars(sa.select(Notice.kind)).all() == ["alert"]
        session.execute(sa.update(Alert).values(ended_at=NOW))
        purge(session, now=NOW + 90 * DAY)
        assert list_alerts(session, lasting=False) != []
        purge(session, now=NOW + 91 * DAY)
        assert list_alerts(session, lasting=False) == []
        with pytest.raises(NotFoundError, match="no alert 1"):
            get_alert(session, 1)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", AlertKind)
def test_each_alert_has_its_words_in_each_language(kind: AlertKind, language: str) -> None:
    """Headline, cause, deadline and command; and its end, where it has one."""
    words = Translator(language)
    digest = Digest(title="The Courier")
    cadence = Cadence(zone="Asia/Yerevan")
    edition = Edition(state=S.HELD, due_at=NOW, deadline_at=NOW + HOUR, reason=Reason.TOO_LARGE)
    is_source = kind is K.SOURCE_DOWN
    alert = Alert(
        kind=kind,
        edition_id=None if is_source else 12,
        source_id=3 if is_source else None,
        facts={"reason": "too_large", "detail": "120000", "others": 2, "fault": "timeout"},
        raised_at=NOW,
    )
    parts: dict[str, Any] = (
        {"source": Source(title="The Site")}
        if is_source
        else {
            "edition": edition,
            "cadence": cadence,
        }
    )
    subject = Subject(alert, digest, **parts)
    first, told = headline(subject, words), sentences(subject, words)
    assert "The Courier" in first
    for said in (first, *told[:-1]):
        assert bool(re.search("[\u0531-\u0587]", said)) == (language == "hy"), said
    assert told[-1].endswith(" 3" if is_source else " 12")
    alert.ended_at = NOW + HOUR
    if kind is not K.EDITION_SKIPPED:
        assert headline(subject, words) != first
        assert len(sentences(subject, words)) == 1
    assert alert_name(kind, words)
    if language != "en":
        assert alert_name(kind, words) != alert_name(kind, Translator("en"))
        assert first != headline(subject, Translator("en"))
