"""Export and erasure against the schema: all that is personal is given out, and nothing of it stays."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.db import Base, Database
from digest.lists import consent
from digest.lists.erase import erase_subscriber
from digest.lists.evidence import Spoken, spoken_details
from digest.lists.my_data import my_data
from digest.lists.personal import PERSONAL
from digest.lists.personal_rules import Given
from digest.lists.status import Origin
from digest.lists.subscribe import add_subscriber, pause
from digest.lists.suppress import suppress_subscriber
from digest.models import (
    Asset,
    AssetChunk,
    Confirmation,
    Delivery,
    DeliveryReason,
    DeliveryStatus,
    Edition,
    EditionKind,
    EditionState,
    FreshLink,
    Import,
    ImportState,
    Notice,
    NoticeState,
    PermissionAsk,
    PermissionRun,
    Reply,
    Settlement,
    Subscriber,
    Subscription,
    TextSize,
    UncertainCase,
    UncertainCause,
)
from tests.factories import make_cadence, make_digest, make_list, make_revision
from tests.factories.audience import ADDRESS_KEY
from tests.factories.moments import NOW

DAY = dt.timedelta(days=1)


def make_person(session: Session, name: str) -> Subscriber:
    """Somebody of whom there is something in every table; each value has the name in it where it can."""
    digest = make_digest(session)
    mailing_list, cadence = make_list(session, digest), make_cadence(session, digest)
    spoken = spoken_details(session, Spoken.PHONE, f"clerk-of-{name}")
    added = add_subscriber(
        session,
        mailing_list,
        f"{name}@{name}.test",
        address_key=ADDRESS_KEY,
        consent_text="Yes, to what was shown.",
        source=Origin.FORM,
        actor="",
        now=NOW,
        name=f"{name} the reader",
        zone="Asia/Yerevan",
        language="hy",
        text_size=TextSize.LARGE,
        cadence_id=cadence.id,
        network="192.0.2.7",
    )
    person = session.get_one(Subscriber, added.subscriber_id)
    person.attributes = {"town": f"town of {name}"}
    subscription = session.get_one(Subscription, added.subscription_id)
    subscription.topics = [f"topic-{name}"]
    brought = Import(
        list_id=mailing_list.id,
        file_name="x.csv",
        file_fingerprint="f" * 64,
        mapping={},
        consent="card",
        actor="cli:test",
        state=ImportState.DONE,
        created_at=NOW,
        changed_at=NOW,
    )
    session.add(brought)
    session.flush()
    subscription.import_id = brought.id
    other = make_list(session, make_digest(session))
    words: dict[str, Any] = {"address_key": ADDRESS_KEY, "now": NOW, "consent_text": f"{name} phoned"}
    details = {"source": Origin.CLI, "actor": "cli:test", "spoken": spoken}
    add_subscriber(session, other, f"{name.upper()}@{name}.test", **words, **details)
    pause(
        session,
        subscription,
        source=Origin.PREFERENCES,
        actor="",
        now=NOW,
        until=NOW + DAY,
        network="2001:db8::1",
    )
    suppress_subscriber(session, person, reason="bounced", source=Origin.FEEDBACK, now=NOW)
    session.add(Confirmation(list_id=mailing_list.id, address_hash=person.address_hash, at=NOW))
    session.add(
        FreshLink(
            subscriber_id=person.id,
            purpose="new-address",
            details={"address": f"new-{name}@mail.test"},
            created_at=NOW,
            expires_at=NOW + DAY,
            used_at=NOW,
        )
    )
    run = PermissionRun(
        list_id=mailing_list.id, silent_since=NOW, answer_until=NOW, actor="cli:test", created_at=NOW
    )
    session.add(run)
    session.flush()
    session.add(PermissionAsk(run_id=run.id, subscription_id=subscription.id, asked_at=NOW, answered_at=NOW))
    mails = (
        (f"{name.upper()}@{name}.test", "welcome", NoticeState.PENDING),
        (f"new-{name}@mail.test", "fresh_link", NoticeState.SENT),
    )
    for number, (address, kind, state) in enumerate(mails):
        session.add(
            Notice(
                key=f"notice:{person.id}:{number}",
                kind=kind,
                address=address,
                sender_address="news@courier.example",
                message=f"Subject: Dear {name}\r\n\r\nhello {name}\r\n".encode(),
                state=state,
                not_before=NOW,
                reply="250 ok",
                attempt=1,
                created_at=NOW,
                done_at=NOW,
            )
        )
    _make_delivery(session, person.id, subscription.id, cadence.id)
    session.flush()
    return person


def _make_delivery(session: Session, subscriber_id: int, subscription_id: int, cadence_id: int) -> None:
    edition = Edition(
        public_id=f"{subscriber_id:016}",
        cadence_id=cadence_id,
        kind=EditionKind.SCHEDULED,
        due_at=NOW,
        due_local="x",
        send_at=NOW,
        state=EditionState.SENT,
        state_since=NOW,
        created_at=NOW,
    )
    reply = Reply(fingerprint=f"{subscriber_id:064}", code=250, text="ok")
    session.add_all([edition, reply])
    session.flush()
    revision = make_revision(session, edition.id)
    variant_id = session.scalar(sa.text(f"SELECT id FROM variants WHERE revision_id = {revision.id}"))
    session.add(
        Delivery(
            edition_id=edition.id,
            subscriber_id=subscriber_id,
            variant_id=variant_id,
            subscription_id=subscription_id,
            status=DeliveryStatus.FAILED,
            reason=DeliveryReason.TOO_LATE,
            attempt=2,
            reply_id=reply.id,
            sent_at=NOW,
        )
    )
    session.add(
        UncertainCase(
            edition_id=edition.id,
            subscriber_id=subscriber_id,
            attempt=1,
            since=NOW,
            cause=UncertainCause.NO_ANSWER,
            settlement=Settlement.CLOSED,
            settled_at=NOW,
            settled_by="cli:test",
        )
    )


def at_path(found: Any, path: str) -> Iterator[Any]:
    """All values at a path of names, where `[]` stands for each of a list."""
    name, _, rest = path.partition(".")
    is_list = name.endswith("[]")
    value = found.get(name.removesuffix("[]")) if isinstance(found, dict) else None
    for one in (value or []) if is_list else [value]:
        if rest:
            yield from at_path(one, rest)
        else:
            yield one


def dump(session: Session) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table."""
    session.flush()
    return {
        table.name: [tuple(row) for row in session.execute(sa.select(table).order_by(*table.primary_key))]
        for table in Base.metadata.sorted_tables
    }


def test_all_that_is_personal_is_given_out(database: Database) -> None:
    """Each path that an export rule names leads to a value in the file."""
    with database.write() as session:
        found = json.loads(my_data(session, make_person(session, "zorba").id, now=NOW))
    missing = [
        f"{table.name}.{column}: {rule.export.path}"
        for table in PERSONAL
        for column, rule in table.columns.items()
        if rule is not None
        and isinstance(rule.export, Given)
        and not any(value not in (None, "", [], {}) for value in at_path(found, rule.export.path))
    ]
    assert missing == []
    assert found["deliveries"][0]["reply"] == "250 ok"
    assert "clerk-of-zorba" not in json.dumps(found)


def test_nothing_of_an_erased_person_stays_and_nothing_of_others_goes(database: Database) -> None:
    """No row of any table holds a word of them; the other person's rows are as they were."""
    with database.write() as session:
        keeper = make_person(session, "kept")
        only_kept = dump(session)
    with database.write() as session:
        person = make_person(session, "zorba")
        before = dump(session)
        assert "zorba" in str(before).lower()
        assert erase_subscriber(session, person, source=Origin.PREFERENCES, now=NOW)
        after = dump(session)
        hashed = person.address_hash
        assert not [found for _, found in consent.verify_all(session) if found]
    assert [name for name, rows in after.items() if "zorba" in str(rows).lower()] == []
    for name, rows in only_kept.items():
        assert set(map(str, rows)) <= set(map(str, after[name])), name
    stayed = {name for name, rows in after.items() if hashed in str(rows)}
    assert stayed == {"subscribers", "suppressions", "confirmations"}
    with database.read() as session:
        (event,) = session.execute(
            sa.text("SELECT count(*) FROM consent_networks JOIN consent_events ON id = event_id")
        ).one()
        assert event == 2  # the other person's
        assert session.get_one(Subscriber, keeper.id).address == "kept@kept.test"
        gone = session.get_one(Subscriber, person.id)
        assert (gone.attributes, gone.text_size, gone.last_sign_of_life_at) == ({}, TextSize.NORMAL, None)
        link = session.scalars(sa.select(FreshLink).where(FreshLink.subscriber_id == person.id)).one()
        assert (link.details, link.used_at) == ({}, NOW)


def test_files_that_may_name_the_person_end_within_a_day(database: Database) -> None:
    """Exports and import reports get no longer to live; what an import is reading now, and a logo, do."""
    with database.write() as session:
        person = make_person(session, "zorba")
        kinds = ("import_report", "export", "import", "logo")
        files = {kind: _file(session, kind, kind.ljust(64, ".")) for kind in kinds}
        soon = _file(session, "export", "s" * 64, expires_at=NOW + dt.timedelta(hours=1))
        session.execute(
            sa.update(Import).values(state=ImportState.RUNNING, file_fingerprint="import".ljust(64, "."))
        )
        erase_subscriber(session, person, source=Origin.CLI, now=NOW)
        session.expire_all()
        ends = {kind: session.get_one(Asset, file_id).expires_at for kind, file_id in files.items()}
        assert ends == {
            "import_report": NOW + DAY,
            "export": NOW + DAY,
            "import": NOW + 30 * DAY,
            "logo": NOW + 30 * DAY,
        }
        assert session.get_one(Asset, soon).expires_at == NOW + dt.timedelta(hours=1)


def _file(session: Session, kind: str, fingerprint: str, expires_at: dt.datetime = NOW + 30 * DAY) -> int:
    asset = Asset(
        kind=kind,
        name=kind,
        media_type="text/csv",
        size=1,
        fingerprint=fingerprint,
        created_at=NOW,
        expires_at=expires_at,
    )
    session.add(asset)
    session.flush()
    session.add(AssetChunk(asset_id=asset.id, number=0, data=b"x"))
    session.flush()
    return asset.id
