"""Gathers what the checker compares: the frozen audience and its ledger, the judge's record, the journals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from digest.db import Database
from digest.keys import Keys
from digest.mail import journal as journals
from digest.mail.headers import message_id
from digest.mail.verp import verp_address
from digest.models import Cadence, Delivery, Digest, Edition, Subscriber, Subscription
from digest.tokens import Claim, Purpose
from tests.process.checker import Member
from tests.servers.smtp import read_record


def members_of(database: Database, edition_id: int, keys: Keys, public_url: str) -> list[Member]:
    """The audience of an edition, with what each person's mail must carry and what the ledger says."""
    with database.read() as session:
        sender, bounces = session.execute(
            sa.select(Digest.sender_address, Digest.bounce_address)
            .join(Cadence, Cadence.digest_id == Digest.id)
            .join(Edition, Edition.cadence_id == Cadence.id)
            .where(Edition.id == edition_id)
        ).one()
        rows = session.execute(
            sa.select(
                Subscriber.id,
                Subscriber.address,
                Subscriber.name,
                Subscription.list_id,
                Delivery.status,
                Delivery.variant_id,
            )
            .join(Delivery, Delivery.subscriber_id == Subscriber.id)
            .join(Subscription, Subscription.id == Delivery.subscription_id)
            .where(Delivery.edition_id == edition_id)
            .order_by(Subscriber.id)
        ).all()
    domain = sender.rpartition("@")[2]
    members = []
    for row in rows:
        token = keys.signer.sign(Claim(Purpose.UNSUBSCRIBE, row.list_id, row.id))
        members.append(
            Member(
                subscriber_id=row.id,
                address=row.address,
                name=row.name,
                message_id=message_id(edition_id, row.id, domain, keys.address_key),
                unsubscribe_url=f"{public_url}/u/{token}",
                status=row.status.value,
                revision=row.variant_id,
                sender=verp_address(bounces, edition_id, row.id, keys.signer) if bounces else sender,
            )
        )
    return members


def taken_of(record: Path, edition_id: int) -> list[dict[str, Any]]:
    """What the judge took of an edition; single mails have other Message-IDs."""
    return of_edition(read_record(record), edition_id) if record.exists() else []


def of_edition(taken: Iterable[dict[str, Any]], edition_id: int) -> list[dict[str, Any]]:
    """Those of the judge's messages that are an edition's, by their Message-IDs."""
    start = f"<e{edition_id}."
    return [line for line in taken if line["message_id"].startswith(start)]


def records_in(folder: Path, edition_id: int) -> Iterator[journals.Record]:
    """The records of all journals in a folder that are about an edition, oldest journal first."""
    for path in sorted(folder.glob(f"*{journals.SUFFIX}")):
        for record in journals.read(path).records:
            if record.edition_id == edition_id:
                yield record
