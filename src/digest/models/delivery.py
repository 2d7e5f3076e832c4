"""The ledger: what becomes of each edition for each subscriber, and what carries it there."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from digest.db import Base, BigId, UtcDateTime, choice


class DeliveryStatus(StrEnum):
    PENDING = "pending"
    SENT = "sent"  # our mail service answered 250 to the final dot
    FAILED = "failed"
    SKIPPED = "skipped"
    UNCERTAIN = "uncertain"


FINAL = (
    DeliveryStatus.SENT,
    DeliveryStatus.FAILED,
    DeliveryStatus.SKIPPED,
    DeliveryStatus.UNCERTAIN,
)


class Security(StrEnum):
    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


class Transport(Base):
    """An SMTP server or provider. Its password lies in the secrets folder under `secret_name`."""

    __tablename__ = "transports"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(60), unique=True)
    host: Mapped[str] = mapped_column(sa.Text)
    port: Mapped[int] = mapped_column(sa.CheckConstraint("port between 1 and 65535", name="port_range"))
    security: Mapped[Security] = mapped_column(choice(Security, "security"), default=Security.STARTTLS)
    username: Mapped[str] = mapped_column(sa.Text, default="")
    secret_name: Mapped[str | None] = mapped_column(sa.String(60))
    helo: Mapped[str] = mapped_column(sa.Text, default="")
    rank: Mapped[int] = mapped_column(default=0)  # the lowest is tried first
    is_enabled: Mapped[bool] = mapped_column(default=True)
    tested_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class Journal(Base):
    """A send journal: one file of one worker child, on one host, since one boot of it."""

    __tablename__ = "journals"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    host: Mapped[str] = mapped_column(sa.Text)
    boot_id: Mapped[str] = mapped_column(sa.String(64))
    worker: Mapped[str] = mapped_column(sa.Text)
    path: Mapped[str] = mapped_column(sa.Text)
    opened_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    folded_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime, index=True)


class Batch(Base):
    """A part of an edition's deliveries that one worker leases. Closed when none of it is pending."""

    __tablename__ = "batches"
    __table_args__ = (sa.Index("ix_batches_open", "closed_at", "not_before"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    edition_id: Mapped[int] = mapped_column(sa.ForeignKey("editions.id"), index=True)
    not_before: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    # Counts up with every claim: a worker whose lease was taken over finds another number here.
    lease: Mapped[int] = mapped_column(default=0)
    leased_until: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    journal_id: Mapped[int | None] = mapped_column(sa.ForeignKey("journals.id"), index=True)
    closed_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    # What the mail service does wrong now, in words; the people of the batch have no part in it.
    fault: Mapped[str] = mapped_column(sa.Text, default="")
    faults_in_a_row: Mapped[int] = mapped_column(sa.SmallInteger, default=0)


class Reply(Base):
    """A mail service's answer, stored once however often it was given."""

    __tablename__ = "replies"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    fingerprint: Mapped[str] = mapped_column(sa.String(64), unique=True)
    code: Mapped[int] = mapped_column()
    enhanced: Mapped[str] = mapped_column(sa.String(16), default="")
    text: Mapped[str] = mapped_column(sa.Text, default="")


class Delivery(Base):
    """One edition to one subscriber: the key is the promise that it is planned once.

    `status` has no index, so that its change rewrites no index entry on PostgreSQL (a HOT update).
    PostgreSQL cuts the table into ranges of editions, so that old ones are dropped whole.
    """

    __tablename__ = "deliveries"
    __table_args__ = ({"postgresql_partition_by": "RANGE (edition_id)"},)

    edition_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    subscriber_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    variant_id: Mapped[int] = mapped_column(BigId)
    # Whose consent this rests on, and whose sign-off link it carries.
    subscription_id: Mapped[int] = mapped_column(BigId)
    batch_id: Mapped[int | None] = mapped_column(BigId, index=True)
    status: Mapped[DeliveryStatus] = mapped_column(
        choice(DeliveryStatus, "status"), default=DeliveryStatus.PENDING
    )
    attempt: Mapped[int] = mapped_column(sa.SmallInteger, default=0)
    transport_id: Mapped[int | None] = mapped_column(BigId)
    reply_id: Mapped[int | None] = mapped_column(BigId)
    # The reply's moment; for an uncertain one, when its final dot left.
    sent_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
