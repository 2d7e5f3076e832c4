"""What happens next: what needs a person, what is on its way, how the last ones went."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from digest import clock
from digest.db import Database
from digest.deliveries import settle
from digest.deliveries.came_of import CameOf, came_of
from digest.models import (
    AccountDigest,
    AccountRole,
    Cadence,
    Delivery,
    DeliveryStatus,
    DigestSource,
    Edition,
    EditionState,
    Fallback,
    Reason,
    Source,
    UncertainCase,
    UncertainCause,
)
from tests.factories import make_account, make_cadence, make_digest
from tests.integration.web.desk.hands import Hands, signed_in
from tests.integration.web.desk.test_statements import statements
from tests.integration.web.rows import make_edition

S = EditionState
HOUR = dt.timedelta(hours=1)


def at_desk(client: TestClient, database: Database, role: AccountRole = AccountRole.ADMIN) -> Hands:
    with database.write() as session:
        me = make_account(session, name="Ani", role=role)
    return signed_in(client, database, me)


def add(
    session: Session, cadence: Cadence, state: EditionState, *, hours: float, **values: object
) -> Edition:
    """An edition that goes out in some hours from now, or went so long ago."""
    edition = make_edition(session, cadence, state)
    edition.due_at = edition.send_at = clock.utc_now() + hours * HOUR
    for name, value in values.items():
        setattr(edition, name, value)
    session.flush()
    return edition


def deliver(session: Session, edition: Edition, **counts: int) -> None:
    """Its people, so many of each status."""
    number = 0
    for status, count in counts.items():
        for _ in range(count):
            number += 1
            session.add(
                Delivery(
                    edition_id=edition.id,
                    subscriber_id=number,
                    variant_id=1,
                    subscription_id=number,
                    status=DeliveryStatus(status),
                )
            )
    session.flush()


def test_what_needs_a_person_stands_on_top_with_its_deadline(client: TestClient, database: Database) -> None:
    """Held, unapproved, stopped, a source that is down: each with what becomes of it, and the way there."""
    now = clock.utc_now()
    with database.write() as session:
        digest = make_digest(session, title="The Courier")
        cadence = make_cadence(session, digest, hold_outcome=Fallback.SEND)
        deadline = now + 2.7 * HOUR
        odd = add(session, cadence, S.HELD, hours=1, reason=Reason.UNUSUAL_NEWS, deadline_at=deadline)
        blocked = add(session, cadence, S.HELD, hours=2, reason=Reason.BLOCKED, deadline_at=deadline)
        locked = add(session, cadence, S.FROZEN, hours=3, reason=Reason.WANTS_APPROVAL, deadline_at=deadline)
        add(session, cadence, S.PAUSED, hours=-1, reason=Reason.TRANSPORT_FAILING)
        source = Source(
            url="https://courier.example/feed/",
            title="The Courier's site",
            news_since=now,
            next_fetch_at=now,
            created_at=now - 9 * HOUR,
            fault_code="timeout",
            faults_in_a_row=3,
        )
        session.add(source)
        session.flush()
        session.add(DigestSource(digest_id=digest.id, source_id=source.id))
        ids = [odd.id, blocked.id, locked.id]
    page = at_desk(client, database).get("/desk").text
    top = page[page.index("Needs a person") : page.index("On the way")]
    assert "it goes out as it is then." in top  # the odd one
    assert "it is skipped." in top  # what the checks have stopped never goes out by the clock
    assert "Unless somebody approves it by" in top
    assert "Nobody else gets it until somebody lets it go on." in top
    assert "Not read for 9 hours." in top
    assert all(f'href="/desk/editions/{number}"' in top for number in ids)
    assert top.count("2 hours left") == 3


def test_where_nothing_is_wanted_nothing_is_said(client: TestClient, database: Database) -> None:
    """A locked edition that nobody need approve is no business of a person."""
    with database.write() as session:
        edition = add(session, make_cadence(session, make_digest(session)), S.FROZEN, hours=1)
        session.execute(sa.text("update revisions set approved_at = :at"), {"at": clock.utc_now()})
        assert edition.id
    page = at_desk(client, database).get("/desk").text
    assert "Needs a person" not in page
    assert "On the way" in page


def test_many_that_may_have_arrived_are_told_of(client: TestClient, database: Database) -> None:
    """More than one in a hundred; nothing any more once they are settled."""
    now = clock.utc_now()
    with database.write() as session:
        edition = add(session, make_cadence(session, make_digest(session)), S.SENT, hours=-2)
        deliver(session, edition, uncertain=2, sent=60)
        for person in (1, 2):
            case = {"subscriber_id": person, "attempt": 1, "since": now, "cause": UncertainCause.NO_ANSWER}
            session.add(UncertainCase(edition_id=edition.id, **case))
        session.flush()
        assert settle.warn_of_many(session, now=now) == 1
    hands = at_desk(client, database)
    assert "Of 62 mails, 2 may have arrived; nobody could know." in hands.get("/desk").text
    with database.write() as session:
        session.execute(sa.update(UncertainCase).values(settled_at=now))
    assert "nobody could know" not in hands.get("/desk").text


def test_the_last_ones_tell_their_figures_or_their_reason(client: TestClient, database: Database) -> None:
    """Handed over, failed; a skipped one says why; the next edition says how many the last one went to."""
    with database.write() as session:
        cadence = make_cadence(session, make_digest(session))
        sent = add(session, cadence, S.SENT, hours=-24)
        deliver(session, sent, sent=7, failed=2)
        add(session, cadence, S.SKIPPED, hours=-48, reason=Reason.NOTHING_NEW)
        add(session, cadence, S.UPCOMING, hours=1)
        planned = add(session, cadence, S.FROZEN, hours=0.5, planned_at=clock.utc_now())
        deliver(session, planned, pending=3)
    page = at_desk(client, database).get("/desk").text
    last = page[page.index("How the last ones went") :]
    assert "<dt>handed over</dt><dd>7</dd>" in last
    assert "<dt>failed</dt><dd>2</dd>" in last
    assert "There was nothing new since the last edition." in last
    assert "Readers last time: 9" in page
    assert "Readers: 3" in page


def test_what_is_remembered_of_an_edition_is_forgotten_when_it_changes(database: Database) -> None:
    """Its figures are counted once; a case that is settled has them counted anew."""
    now = clock.utc_now()
    with database.write() as session:
        edition = add(session, make_cadence(session, make_digest(session)), S.SENT, hours=-1)
        deliver(session, edition, uncertain=1, sent=2)
        case = {"subscriber_id": 1, "attempt": 1, "since": now, "cause": UncertainCause.NO_ANSWER}
        session.add(UncertainCase(edition_id=edition.id, **case))
        number = edition.id
    with database.read() as session:
        assert came_of(session, [number])[number].uncertain == 1
    with statements(database) as seen, database.read() as session:
        assert came_of(session, [number])[number].people == 3
    assert not any("FROM deliveries" in each for each in seen)
    with database.write() as session:
        session.execute(sa.update(Delivery).values(status=DeliveryStatus.SENT))
        session.execute(sa.update(UncertainCase).values(settled_at=now))
    with database.read() as session:
        assert came_of(session, [number])[number] == CameOf(sent=3)


def test_it_shows_no_more_than_a_page_holds(client: TestClient, database: Database) -> None:
    """Twenty that come and eight that went, however many there are."""
    hands = at_desk(client, database)
    with database.write() as session:
        cadence = make_cadence(session, make_digest(session))
        for number in range(21):
            add(session, cadence, S.UPCOMING, hours=number + 1)
            deliver(session, add(session, cadence, S.SENT, hours=-number - 1), sent=1)
    page = hands.get("/desk").text
    assert page.count("<h4>") == 20
    assert page.count("<dt>handed over</dt>") == 8


def test_an_editor_sees_their_own_digests_alone(client: TestClient, database: Database) -> None:
    """Neither what comes, nor what is wanted, nor what went of others."""
    with database.write() as session:
        mine, other = make_digest(session, title="Mine"), make_digest(session, title="Theirs")
        for digest in (mine, other):
            for state, hours in ((S.UPCOMING, 1), (S.HELD, 2), (S.SENT, -1)):
                add(session, make_cadence(session, digest, state.value), state, hours=hours)
        me = make_account(session, role=AccountRole.EDITOR)
        session.add(AccountDigest(account_id=me.id, digest_id=mine.id))
    page = signed_in(client, database, me).get("/desk").text
    assert "Mine" in page
    assert "Theirs" not in page
