"""Editions that are ready to go out, made from rows: no site is read and no template rendered."""

from __future__ import annotations

import datetime as dt
import itertools
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import keys
from digest.db import Database
from digest.deliveries.group import Sender
from digest.deliveries.handover import start_due
from digest.deliveries.journals import open_journal
from digest.deliveries.plan import plan
from digest.deliveries.send import send_batch
from digest.deliveries.write import Writer
from digest.editions.slots import add_edition
from digest.mail.message import build_digest
from digest.mail.placeholders import PreparedMail
from digest.mail.smtp_client import SmtpTransport
from digest.mail.transport import Endpoint, Security
from digest.models import (
    Batch,
    Cadence,
    Delivery,
    DeliveryStatus,
    Edition,
    EditionKind,
    EditionState,
    Journal,
    MailingList,
    Post,
    Subscriber,
    Transport,
)
from tests.factories import (
    make_cadence,
    make_digest,
    make_list,
    make_readers,
    make_revision,
)
from tests.factories.moments import NOW
from tests.servers.waiting import HANG

PUBLIC_URL = "https://digest.courier.example"
_numbers = itertools.count(1)


@dataclass
class Desk:
    """One digest with a list, and the worker that sends it."""

    database: Database
    made: keys.Keys
    cadence: Cadence
    mailing_list: MailingList
    folder: Path
    transport_id: int
    mail: PreparedMail | None = None  # what its editions are, instead of a few words

    def add_people(self, count: int) -> list[int]:
        """So many readers; their ids."""
        with self.database.write() as session:
            addresses = [f"p{next(_numbers):05}@mail.test" for _ in range(count)]
            people = make_readers(session, self.mailing_list, addresses, address_key=self.made.address_key)
            return [person.id for person in people]

    def make_useful_for(self, span: dt.timedelta) -> None:
        """How long after its slot an edition is worth having."""
        with self.database.write() as session:
            seconds = int(span.total_seconds())
            session.execute(sa.update(Cadence).values(useful_seconds=seconds))

    def frozen(self, now: dt.datetime, *, posts: tuple[int, ...] = ()) -> int:
        """An edition that is due `now` and whose content is fixed; its id."""
        with self.database.write() as session:
            edition_id = add_edition(session, self.cadence, kind=EditionKind.EXTRA, due_at=now, now=now)
            assert edition_id is not None
            edition = session.get_one(Edition, edition_id)
            edition.revision_id = _revision(session, edition_id, posts, now, self.mail or _few_words())
            edition.state = EditionState.FROZEN
            return edition_id

    def planned(self, now: dt.datetime, *, posts: tuple[int, ...] = ()) -> int:
        """An edition whose audience is fixed too."""
        edition_id = self.frozen(now, posts=posts)
        with self.database.write() as session:
            plan(session, edition_id, now=now)
        return edition_id

    def sending(self, now: dt.datetime) -> int:
        """An edition on its way out; its id."""
        edition_id = self.planned(now)
        with self.database.write() as session:
            assert start_due(session, now=now) == 1
        return edition_id

    def sender(self, port: int, *, worker: str = "test", now: dt.datetime) -> Sender:
        """What one worker sends with; its journal's lock is held until `let_go`."""
        journal, journal_id = open_journal(self.database, self.folder / "journals", worker=worker, now=now)
        transport = SmtpTransport(Endpoint(host="127.0.0.1", port=port, security=Security.NONE, timeout=HANG))
        return Sender(
            journal, journal_id, transport, self.transport_id, Writer(self.database, self.made, PUBLIC_URL)
        )

    def send(self, edition_id: int, sender: Sender) -> list[bool]:
        """One task for each open batch of an edition."""
        return [
            send_batch(self.database, batch.id, sender, lease_seconds=60, stop=lambda: False)
            for batch in self.batches(edition_id)
            if batch.closed_at is None
        ]

    def batches(self, edition_id: int) -> list[Batch]:
        with self.database.read() as session:
            of_edition = sa.select(Batch).where(Batch.edition_id == edition_id).order_by(Batch.id)
            return list(session.scalars(of_edition))

    def statuses(self, edition_id: int) -> dict[str, DeliveryStatus]:
        """What the ledger says of each address."""
        with self.database.read() as session:
            rows = session.execute(
                sa.select(Subscriber.address, Delivery.status)
                .join(Delivery, Delivery.subscriber_id == Subscriber.id)
                .where(Delivery.edition_id == edition_id)
            )
            return {str(address): status for address, status in rows}

    def edition(self, edition_id: int) -> Edition:
        with self.database.read() as session:
            return session.get_one(Edition, edition_id)

    def journal(self, journal_id: int) -> Journal:
        with self.database.read() as session:
            return session.get_one(Journal, journal_id)


def let_go(sender: Sender) -> None:
    """As at the end of a worker process: the connection and the journal's lock are gone, the file stays."""
    sender.transport.close()
    sender.journal.close()


def make_desk(database: Database, folder: Path) -> Desk:
    """A digest with one cadence, that no scheduler runs, and one list."""
    keys.make_missing(folder / "secrets")
    with database.write() as session:
        digest = make_digest(session)
        cadence = make_cadence(session, digest, is_running=False)
        mailing_list = make_list(session, digest)
        transport = Transport(name="desk", host="127.0.0.1", port=25, rank=9, created_at=NOW, accepted_at=NOW)
        session.add(transport)
        session.flush()
        transport_id = transport.id
    made = keys.load(folder / "secrets")
    return Desk(database, made, cadence, mailing_list, folder, transport_id)


def make_post(session: Session, now: dt.datetime, **values: object) -> int:
    """A collected story; its id."""
    number = next(_numbers)
    plain = {
        "url": f"https://courier.example/{number}",
        "title": f"Story {number}",
        "published_at": now,
        "content_fingerprint": f"{number:064}",
        "first_seen_at": now,
        "changed_at": now,
    }
    post = Post(**{**plain, **values})
    session.add(post)
    session.flush()
    return post.id


def named_words() -> PreparedMail:
    """A short mail with its reader's name in both parts."""
    return build_digest(
        from_name="The Courier",
        from_address="news@courier.example",
        subject="A bridge is mended",
        html="<p>%%name%%,</p><p>A bridge is mended.</p><p><a href='%%unsubscribe_url%%'>Sign off</a></p>",
        text="%%name%%,\nA bridge is mended.\n\nSign off: %%unsubscribe_url%%\n",
    )


def _few_words() -> PreparedMail:
    return build_digest(
        from_name="The Courier",
        from_address="news@courier.example",
        subject="A bridge is mended",
        html="<p>A bridge is mended.</p><p><a href='%%unsubscribe_url%%'>Sign off</a></p>",
        text="A bridge is mended.\n\nSign off: %%unsubscribe_url%%\n",
    )


def _revision(
    session: Session, edition_id: int, posts: tuple[int, ...], now: dt.datetime, mail: PreparedMail
) -> int:
    page = "<p>A bridge is mended.</p>"
    made = make_revision(
        session, edition_id, mail=mail.to_bytes(), posts=posts, web_html=page, created_at=now
    )
    return made.id
