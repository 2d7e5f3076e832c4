"""An upgrade from the first release with an edition that is half sent."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from digest import clock, keys
from digest.db import Database, schema
from digest.deliveries.group import Sender
from digest.deliveries.handover import go_on
from digest.deliveries.journals import open_journal
from digest.deliveries.recover import fold_abandoned
from digest.deliveries.send import send_batch
from digest.deliveries.write import Writer
from digest.mail.smtp_client import SmtpTransport
from digest.mail.transport import Endpoint, Security
from digest.models import Batch, Delivery, DeliveryStatus, Edition, EditionState, Subscriber, Transport
from tests.integration.first_release import HalfSent, lay_half_sent
from tests.servers.smtp import JudgeServer
from tests.servers.smtp_script import Script
from tests.servers.waiting import HANG


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database without tables."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'digest.db'}"
    else:
        url = request.getfixturevalue("postgres_url").replace("postgresql://", "postgresql+psycopg://")
    opened = Database(url)
    yield opened
    opened.close()


def _send_what_is_due(database: Database, folder: Path, *, now: dt.datetime) -> None:
    """As a worker on the same machine does it: the journals first, then each batch that is due."""
    fold_abandoned(database, host=_host(database), now=now)
    with database.write() as session:
        go_on(session, now=now)
        service = session.scalars(sa.select(Transport)).one()
        batches = session.scalars(sa.select(Batch.id).where(Batch.closed_at.is_(None))).all()
    made = keys.load(folder / "secrets")
    journal, journal_id = open_journal(database, folder / "journals", worker="new", now=now)
    endpoint = Endpoint(host=service.host, port=service.port, security=Security.NONE, timeout=HANG)
    writer = Writer(database, made, "https://digest.courier.example")
    sender = Sender(journal, journal_id, SmtpTransport(endpoint), service.id, writer)
    try:
        for batch_id in batches:
            send_batch(database, batch_id, sender, lease_seconds=60, stop=lambda: False)
    finally:
        sender.transport.close()
        journal.close()


def _host(database: Database) -> str:
    with database.read() as session:
        return str(session.scalar(sa.text("SELECT host FROM journals")))


def _statuses(database: Database, half: HalfSent) -> dict[str, DeliveryStatus]:
    with database.read() as session:
        rows = session.execute(
            sa.select(Subscriber.address, Delivery.status)
            .join(Delivery, Delivery.subscriber_id == Subscriber.id)
            .where(Delivery.edition_id == half.edition_id)
        )
        return {str(address): status for address, status in rows}


def test_what_was_half_sent_goes_on_after_the_upgrade(empty: Database, tmp_path: Path) -> None:
    """Who had it does not get it again, who may have it is listed, and everybody else gets it once.

    What the first release's worker had answered and not recorded is in its journal, which is read too.
    """
    with JudgeServer(Script(fsync=False)) as judge:
        half = lay_half_sent(empty, tmp_path, port=judge.port)
        assert schema.upgrade(empty) == ("0001", schema.head())
        now = clock.utc_now()
        _send_what_is_due(empty, tmp_path, now=now)
        taken = Counter(message.recipients[0] for message in judge.messages)
        assert taken == Counter(half.pending)
        statuses = _statuses(empty, half)
        assert {who for who, status in statuses.items() if status is DeliveryStatus.PENDING} == half.later
        # Who was asked to come later has the same time for it as if nothing had been.
        with empty.write() as session:
            session.execute(sa.update(Batch).where(Batch.closed_at.is_(None)).values(not_before=now))
        _send_what_is_due(empty, tmp_path, now=clock.utc_now())
        taken = Counter(message.recipients[0] for message in judge.messages)
    assert taken == Counter(half.pending | half.later)
    statuses = _statuses(empty, half)
    assert statuses.keys() == half.people
    assert {who for who, status in statuses.items() if status is DeliveryStatus.UNCERTAIN} == half.uncertain
    assert set(statuses.values()) == {DeliveryStatus.SENT, DeliveryStatus.UNCERTAIN}
    with empty.read() as session:
        assert session.get_one(Edition, half.edition_id).state is EditionState.SENT
