"""Leavers, bounces, basis, resuming, undoing and exporting, on both databases."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Iterator
from dataclasses import replace

import pytest
import sqlalchemy as sa

from digest.db import Database
from digest.errors import InputError, StateError
from digest.lists import assets, consent, import_run
from digest.lists.evidence import readable, texts_of
from digest.lists.export import export_list
from digest.lists.import_order import ImportOrder, ImportReport
from digest.lists.import_run import import_by_id, import_subscribers, resume
from digest.lists.import_undo import Undone, undo
from digest.lists.mappings import Meaning
from digest.lists.queries import audience, subscriber_by_address
from digest.lists.status import Origin
from digest.lists.subscribe import add_subscriber, end, pause
from digest.models import (
    Account,
    AccountRole,
    Asset,
    AssetChunk,
    Attribute,
    AttributeKind,
    ConsentEvent,
    Import,
    ImportState,
    MailingList,
    Subscriber,
    Subscription,
    SubscriptionStatus,
    Suppression,
    SuppressionCause,
)
from tests.factories import make_cadence, make_digest, make_list
from tests.factories.audience import ADDRESS_KEY
from tests.factories.moments import NOW

LATER = NOW + dt.timedelta(days=1)


@pytest.fixture
def order(database: Database) -> ImportOrder:
    with database.write() as session:
        digest = make_digest(session)
        make_cadence(session, digest)
        list_id = make_list(session, digest).id
    return ImportOrder(list_id, "moved", "cli:test", ADDRESS_KEY, file_name="people.csv")


def run(database: Database, order: ImportOrder, content: str, **changes: object) -> ImportReport:
    return import_subscribers(
        database,
        io.BytesIO(content.encode()),
        replace(order, **changes),  # type: ignore[arg-type]
        now=NOW,
    )


def statuses(database: Database) -> dict[str, str]:
    with database.read() as session:
        rows = session.execute(
            sa.select(Subscriber.address, Subscription.status).join(
                Subscription, Subscription.subscriber_id == Subscriber.id
            )
        )
        return {str(row.address).partition("@")[0]: row.status.value for row in rows}


def chains_are_whole(database: Database) -> bool:
    with database.read() as session:
        return all(not found for _, found in consent.verify_all(session))


def table_of(database: Database, import_id: int) -> list[dict[str, str]]:
    with database.read() as session:
        row = import_by_id(session, import_id)
        assert row.report_id is not None
        content = b"".join(assets.chunks(session, row.report_id)).decode()
    return list(csv.DictReader(io.StringIO(content)))


MIXED = (
    "email,status\nani@example.org,subscribed\nara@example.org,unsubscribed\n"
    "gone@example.org,cleaned\nlate@example.org,unconfirmed\nodd@example.org,sleeping\n"
)


def test_each_status_has_its_meaning(database: Database, order: ImportOrder) -> None:
    """Leavers are ended and may come back themselves; bounced people go on the do-not-mail list."""
    report = run(database, order, MIXED)
    assert (report.added, report.ended, report.barred, report.unconfirmed, report.bad) == (1, 1, 1, 1, 1)
    assert statuses(database) == {"ani": "active", "ara": "ended"}
    with database.read() as session:
        assert len(session.execute(audience(1)).all()) == 1
        found = session.scalars(sa.select(Suppression)).one()
        assert (found.cause, found.source) == (SuppressionCause.BOUNCE, f"import:{report.import_id}")
    again = run(database, order, "email\nara@example.org\ngone@example.org\n")
    assert (again.added, again.left, again.suppressed) == (0, 1, 1)
    with database.write() as session:
        add_subscriber(
            session,
            session.get_one(MailingList, order.list_id),
            "ara@example.org",
            address_key=ADDRESS_KEY,
            consent_text="form",
            source=Origin.FORM,
            actor="",
            now=LATER,
        )
    assert statuses(database)["ara"] == "active"
    assert chains_are_whole(database)


def test_the_report_names_every_line(database: Database, order: ImportOrder) -> None:
    """Each line that was not simply added stands in the report, with the address as the file has it."""
    report = run(database, order, MIXED + "ANI@example.org,active\ninfo@example.org,active\n")
    assert report.import_id is not None
    lines = {(int(one["line"]), one["outcome"]) for one in table_of(database, report.import_id)}
    assert lines == {
        (3, "ended"),
        (4, "barred"),
        (5, "unconfirmed"),
        (6, "bad"),
        (7, "repeated"),
        (8, "warning"),
    }


def test_leavers_only_brings_nobody(database: Database, order: ImportOrder) -> None:
    """In the weeks of a cut-over only leavers and bounces come over."""
    run(database, order, "email\nara@example.org\n")
    report = run(database, order, MIXED, leavers_only=True)
    assert (report.added, report.passed_over, report.ended, report.barred) == (0, 1, 1, 1)
    assert statuses(database) == {"ara": "ended"}
    assert chains_are_whole(database)


def test_who_acted_here_since_is_not_ended(database: Database, order: ImportOrder) -> None:
    """A leaver of last year who has signed up here since stays."""
    with database.write() as session:
        add_subscriber(
            session,
            session.get_one(MailingList, order.list_id),
            "lia@example.org",
            address_key=ADDRESS_KEY,
            consent_text="form",
            source=Origin.FORM,
            actor="",
            now=NOW,
        )
    content = "Email Address,UNSUB_TIME\nlia@example.org,2020-01-01 00:00:00\n"
    assert run(database, order, content, mapping="mailchimp").known == 1
    content = "Email Address,UNSUB_TIME\nlia@example.org,2199-01-01 00:00:00\n"
    assert run(database, order, content, mapping="mailchimp").ended == 1


def test_somebody_answers_for_an_import(database: Database, order: ImportOrder) -> None:
    """A basis, or an account with the role admin; what was said stands in each proof."""
    content = "email\nani@example.org\n"
    for name in ("", "Nobody", "Nare"):
        with database.write() as session:
            if name == "Nare":
                session.add(
                    Account(
                        name=name,
                        address="nare@example.org",
                        address_key="nare@example.org",
                        role=AccountRole.EDITOR,
                        created_at=NOW,
                    )
                )
        with pytest.raises(InputError):
            run(database, order, content, consent_text="", signed_by=name)
    with database.write() as session:
        session.scalars(sa.select(Account)).one().role = AccountRole.ADMIN
    run(database, order, content, consent_text="", signed_by="Nare")
    with database.read() as session:
        event = session.scalars(sa.select(ConsentEvent)).one()
        assert "Nare (admin) signed" in readable(event.details, texts_of(session, [event]))["consent"]


def test_an_import_is_undone_as_a_whole(database: Database, order: ImportOrder) -> None:
    """What nobody changed since is ended, the rest left alone; a later import may bring the people again."""
    run(database, order, "email\nold@example.org\n")
    names = ("stays", "paused", "left")
    first = run(
        database, order, MIXED + "old@example.org,\n" + "".join(f"{one}@example.org,\n" for one in names)
    )
    assert first.import_id is not None
    with database.write() as session:
        for name, act in (("paused", pause), ("left", end)):
            person = subscriber_by_address(session, f"{name}@example.org")
            of_person = sa.select(Subscription).where(Subscription.subscriber_id == person.id)
            subscription = session.scalars(of_person).one()
            if act is pause:
                pause(session, subscription, source=Origin.PREFERENCES, actor="", now=NOW)
            else:
                end(session, subscription, source=Origin.ONE_CLICK, now=NOW, reason="x")
    with database.read() as session:
        before = {row.id: row.link for row in session.scalars(sa.select(ConsentEvent))}
    assert undo(database, first.import_id, actor="cli:test", now=LATER) == Undone(3, 2, 1)
    assert statuses(database) == {
        "old": "active",
        "ani": "ended",
        "ara": "ended",
        "stays": "ended",
        "paused": "paused",
        "left": "ended",
    }
    assert chains_are_whole(database)
    with database.read() as session:
        after = {row.id: row.link for row in session.scalars(sa.select(ConsentEvent))}
        assert before.items() <= after.items()
        assert session.scalars(sa.select(Suppression)).all() == []
    with pytest.raises(StateError, match="undone before"):
        undo(database, first.import_id, actor="cli:test", now=LATER)
    with pytest.raises(StateError, match="nothing to resume"):
        resume(database, first.import_id, address_key=ADDRESS_KEY, now=LATER)
    again = run(database, order, "email\nani@example.org\nara@example.org\nleft@example.org\n")
    assert (again.added, again.left) == (2, 1)
    assert statuses(database)["ani"] == "active"
    assert chains_are_whole(database)
    assert again.import_id is not None
    assert undo(database, again.import_id, actor="cli:test", now=LATER).ended == 2


def test_an_import_that_ended_half_way_is_resumed(
    database: Database, order: ImportOrder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the kept file, where the last batch ended: the same counts and report as of an unbroken one."""
    monkeypatch.setattr(import_run, "BATCH_LINES", 10)
    lines = [f"r{number % 40}@example.org" for number in range(55)]
    lines[25], lines[47] = "no address", "info@example.org"
    content = "email\n" + "".join(f"{one}\n" for one in lines)
    failing = {"at": 3}

    @sa.event.listens_for(database.engine, "before_cursor_execute")
    def _fail(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("UPDATE imports SET position"):
            failing["at"] -= 1
            if failing["at"] == 0:
                raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        run(database, order, content)
    with database.read() as session:
        row = session.scalars(sa.select(Import)).one()
        assert (row.state, row.position, row.fault) == (ImportState.FAILED, 20, "OSError")
    with pytest.raises(InputError, match="another file"):
        resume(database, row.id, address_key=ADDRESS_KEY, now=LATER, stream=io.BytesIO(b"email\n"))
    report = resume(database, row.id, address_key=ADDRESS_KEY, now=LATER)
    with database.read() as session:
        row = import_by_id(session, row.id)
        assert (row.state, row.position, row.fault) == (ImportState.DONE, 55, "")
        # Only the report is kept: the file held everybody's address.
        assert [one.kind for one in session.scalars(sa.select(Asset))] == [import_run.REPORT_KIND]
    assert (report.lines, report.added, report.repeated, report.bad, report.offices) == (55, 40, 14, 1, 1)
    assert len(table_of(database, row.id)) == 16
    assert chains_are_whole(database)
    with pytest.raises(StateError, match="done"):
        resume(database, row.id, address_key=ADDRESS_KEY, now=LATER)


def test_files_expire(database: Database, order: ImportOrder) -> None:
    """A report is kept for thirty days, and its pieces go with it."""
    report = run(database, order, MIXED)
    assert report.import_id is not None
    with database.write() as session:
        assert assets.purge(session, now=NOW) == 0
        assert assets.purge(session, now=NOW + dt.timedelta(days=31)) == 1
    with database.read() as session:
        assert session.scalars(sa.select(AssetChunk.number)).all() == []
        assert import_by_id(session, report.import_id).report_id is None


def exported(database: Database, list_id: int) -> bytes:
    return b"".join(export_list(database, list_id))


def test_an_export_comes_back_as_it_was(database: Database, order: ImportOrder) -> None:
    """Names that look like formulas, attributes, zones, pauses and leavers survive the way out and in."""
    with database.write() as session:
        for name, kind in (("city", AttributeKind.TEXT), ("age", AttributeKind.NUMBER)):
            session.add(Attribute(name=name, title=name, kind=kind, created_at=NOW))
    content = (
        "email,name,zone,language,text_size,status,paused_until,attribute:city,attribute:age\n"
        "ani@example.org,=cmd|'/c calc'!A0,Asia/Yerevan,hy,large,active,,-Lyon,41\n"
        'ara@example.org,"\'@x, y",,,,paused,2027-01-01,,1.5\n'
        "lia@example.org,+1,,,,ended,,,\n"
    )
    assert run(database, order, content).bad == 0
    first = exported(database, order.list_id)
    table = list(csv.DictReader(io.StringIO(first.decode())))
    assert [one["name"] for one in table] == ["'=cmd|'/c calc'!A0", "'@x, y", "'+1"]
    assert not any(cell[:1] in tuple("=+-@\t\r") for one in table for cell in one.values() if cell)
    with database.write() as session:
        other = make_list(session, make_digest(session))
        session.execute(sa.update(Subscriber).values(name="", zone=None, attributes={}))
        session.execute(
            sa.update(Subscriber).values(
                address=None, address_key=None, address_hash=sa.cast(Subscriber.id, sa.Text), erased_at=NOW
            )
        )
    assert run(database, order, first.decode(), list_id=other.id).bad == 0
    again = list(csv.DictReader(io.StringIO(exported(database, other.id).decode())))
    for one in (*table, *again):
        one.pop("joined")
    assert table == again


def test_an_export_is_read_in_pages(
    database: Database, order: ImportOrder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is lost or doubled between two pages; a status can be asked for."""
    monkeypatch.setattr("digest.lists.export.PAGE", 7)
    run(database, order, "email\n" + "".join(f"r{number}@example.org\n" for number in range(50)))
    run(database, order, "email\nleaver@example.org\n", meaning=Meaning.LEFT)
    assert exported(database, order.list_id).count(b"\r\n") == 52
    pieces: Iterator[bytes] = export_list(database, order.list_id, statuses=[SubscriptionStatus.ENDED])
    assert b"".join(pieces).count(b"@example.org") == 1
