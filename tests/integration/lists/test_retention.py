"""What is past its time goes, kind by kind, in small transactions and with a report; nothing else does."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.db import Database
from digest.deliveries import sweep
from digest.lists import consent, retention
from digest.lists.retention import Kind, RetentionTimes
from digest.lists.status import Origin
from digest.lists.subscribe import add_subscriber
from digest.models import (
    Asset,
    AssetChunk,
    AuditEntry,
    Confirmation,
    ConsentNetwork,
    FreshLink,
    Notice,
    NoticeState,
    SubscriptionStatus,
    TokenBucket,
)
from tests.factories import make_digest, make_list, make_subscriber
from tests.factories.audience import ADDRESS_KEY
from tests.factories.moments import NOW

DAY = dt.timedelta(days=1)
SECOND = dt.timedelta(seconds=1)
TIMES = RetentionTimes()


def count(session: Session, model: Any) -> int:
    return session.scalar(sa.select(sa.func.count()).select_from(model)) or 0


def fill(session: Session) -> None:
    """Of each kind one row that is past its time since this second, and one that is not yet."""
    mailing_list = make_list(session, make_digest(session))
    mailing_list.network_days = 10
    for number, age in enumerate((10 * DAY, 10 * DAY - SECOND)):
        words: dict[str, Any] = {"address_key": ADDRESS_KEY, "consent_text": "Yes.", "actor": ""}
        words |= {"source": Origin.FORM, "network": "192.0.2.7", "now": NOW - age}
        add_subscriber(session, mailing_list, f"r{number}@mail.test", **words)
    for number, age in enumerate((90 * DAY, 90 * DAY - SECOND)):
        words |= {"now": NOW - age, "status": SubscriptionStatus.PENDING}
        add_subscriber(session, mailing_list, f"p{number}@mail.test", **words)
    person = make_subscriber(session)
    for age in (DAY, DAY - SECOND):
        session.add(_link(person.id, created_at=NOW - 2 * DAY, expires_at=NOW - age))
        session.add(_link(person.id, created_at=NOW - age, expires_at=NOW + DAY, used_at=NOW - age))
    for number, age in enumerate((90 * DAY, 90 * DAY - SECOND)):
        session.add(Confirmation(list_id=mailing_list.id, address_hash="a" * 64, at=NOW - age))
        session.add(TokenBucket(key=f"b{number}", tokens=1, filled_at=NOW - (1 - number) * (DAY + SECOND)))
    for number, (state, done) in enumerate(
        (
            (NoticeState.SENT, NOW - 30 * DAY),
            (NoticeState.FAILED, NOW - 40 * DAY),
            (NoticeState.SENT, NOW - 30 * DAY + SECOND),
            (NoticeState.PENDING, None),
        )
    ):
        session.add(
            Notice(
                key=f"n{number}",
                kind="welcome",
                address="r@mail.test",
                sender_address="news@courier.example",
                message=b"x",
                state=state,
                not_before=NOW - 90 * DAY,
                created_at=NOW - 90 * DAY,
                done_at=done,
            )
        )
    for end in (NOW, NOW + SECOND, None):
        asset = Asset(
            kind="export",
            name="x",
            media_type="text/csv",
            size=50,
            fingerprint="f" * 64,
            created_at=NOW - DAY,
            expires_at=end,
        )
        session.add(asset)
        session.flush()
        session.add_all(AssetChunk(asset_id=asset.id, number=number, data=b"x") for number in range(50))
    session.flush()


def _link(subscriber_id: int, **moments: dt.datetime) -> FreshLink:
    return FreshLink(subscriber_id=subscriber_id, purpose="data", details={}, **moments)


def test_each_kind_goes_at_its_time_and_not_a_second_before(database: Database) -> None:
    """The report says how many of each; what stays is there; the chains verify."""
    with database.write() as session:
        fill(session)
        lines = {line.kind: line.due for line in retention.describe(session, TIMES, now=NOW)}
    expected = {"networks": 3, "links": 2, "sign_ups": 1, "confirmations": 1}
    expected |= {"buckets": 1, "notices": 2, "files": 1}
    assert lines == expected
    report = retention.run(database, TIMES, actor="cli:test", now=NOW)
    assert report.is_done
    assert report.deleted == {**expected, "files": 51}  # with its pieces
    with database.read() as session:
        left = {model: count(session, model) for model in (ConsentNetwork, FreshLink, Confirmation, Notice)}
        assert left == {ConsentNetwork: 1, FreshLink: 2, Confirmation: 1, Notice: 2}
        assert (count(session, Asset), count(session, AssetChunk), count(session, TokenBucket)) == (2, 100, 1)
        assert not [found for _, found in consent.verify_all(session) if found]
        last = retention.last_run(session)
        assert last is not None
        assert (last.at, last.actor, last.report) == (NOW, "cli:test", report)
    assert not any(retention.run(database, TIMES, actor="cli:test", now=NOW).deleted.values())


def test_much_goes_in_small_parts_and_a_run_ends_in_time(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A part is bounded; without time left nothing is done and the report says so."""
    monkeypatch.setattr("digest.lists.retention._ROWS", 2)
    monkeypatch.setattr("digest.lists.retention._CHUNKS", 20)
    told: list[tuple[Kind, int]] = []
    with database.write() as session:
        person = make_subscriber(session)
        session.add_all(
            _link(person.id, created_at=NOW - 9 * DAY, expires_at=NOW - 8 * DAY) for _ in range(5)
        )
        fill(session)
    report = retention.run(database, TIMES, actor="x", now=NOW, seconds=0)
    assert (report.is_done, sum(report.deleted.values())) == (False, 0)
    retention.run(database, TIMES, actor="x", now=NOW, progress=lambda kind, gone: told.append((kind, gone)))
    assert [gone for kind, gone in told if kind is Kind.LINKS] == [2, 4, 6, 7]
    assert [gone for kind, gone in told if kind is Kind.FILES] == [20, 40, 51]


def test_the_sweep_does_it_once_a_day(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever process looks first; a run that was not finished goes on at the next look."""
    assert retention.run_daily(database, TIMES, now=NOW, seconds=0) is not None
    assert retention.run_daily(database, TIMES, now=NOW, seconds=60) is not None
    assert retention.run_daily(database, TIMES, now=NOW + DAY - SECOND, seconds=60) is None
    assert retention.run_daily(database, TIMES, now=NOW + DAY, seconds=60) is not None
    monkeypatch.setattr(sweep, "_looked_at", {})
    with database.write() as session:
        fill(session)
    times = sweep.SweepSettings(plan_lead=dt.timedelta(0), settle_uncertain_after=DAY)
    sweep.tick(database, times, now=NOW + 2 * DAY)
    with database.read() as session:
        assert session.scalars(sa.select(Notice.state)).all() == [NoticeState.PENDING]
        assert set(session.scalars(sa.select(AuditEntry.actor))) == {"sweep"}
