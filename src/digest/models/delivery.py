"""The ledger: what becomes of each edition for each subscriber, and what carries it there."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from digest.db import Base, BigId, Json, UtcDateTime, choice


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


class DeliveryReason(StrEnum):
    """Why a delivery was skipped, or failed without a reply; each has a sentence in `deliveries.reasons`."""

    NOT_WANTED = "not_wanted"  # signed off, paused, ended or on the do-not-mail list since the plan
    CANCELLED = "cancelled"  # the edition was cancelled
    RAMP_UP = "ramp_up"  # beyond what a new sender may send today
    TOO_LATE = "too_late"  # deferred until the edition was no longer worth having
    UNMAILABLE = "unmailable"  # their data cannot be put into a mail
    TOO_FEW_STORIES = "too_few_stories"  # of the topics they chose


class UncertainCause(StrEnum):
    """Why nobody can know whether a mail was taken."""

    CONNECTION_ENDED = "connection_ended"
    NO_ANSWER = "no_answer"  # none to the final dot before the worker had to go on
    WORKER_ENDED = "worker_ended"  # an intent in the journal, and no outcome
    JOURNAL_LOST = "journal_lost"  # the machine was restarted or is gone: its journal is not whole


class Settlement(StrEnum):
    """How an uncertain delivery was settled."""

    HEARD = "heard"  # the reply came after all
    ARRIVED = "arrived"  # a person found that it had arrived
    RESENT = "resent"  # by a person or the list's policy
    CLOSED = "closed"  # unsent, by a person or the list's policy


class Signer(StrEnum):
    """Who puts the DKIM signature on what goes out."""

    RELAY = "relay"
    US = "us"


class RampOrder(StrEnum):
    """Who is mailed first while a new sender may mail only some."""

    JOINED = "joined"  # who joined last
    SIGN_OF_LIFE = "sign_of_life"  # whose last sign of life is the latest


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
    # When it took a mail to one of our own accounts: before that nobody else is mailed through it.
    accepted_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    signer: Mapped[Signer] = mapped_column(
        choice(Signer, "signer"), default=Signer.RELAY, server_default=sa.text("'relay'")
    )
    # How many connections a worker child may have open, and how much one of them may carry. A service that
    # takes fewer messages on one says so (421), which costs nobody a mail or an attempt.
    most_connections: Mapped[int] = mapped_column(
        sa.CheckConstraint("most_connections between 1 and 64", name="most_connections_range"),
        default=8,
        server_default=sa.text("8"),
    )
    most_messages: Mapped[int] = mapped_column(
        sa.CheckConstraint("most_messages between 1 and 100000", name="most_messages_range"),
        default=1000,
        server_default=sa.text("1000"),
    )
    most_seconds: Mapped[int] = mapped_column(
        sa.CheckConstraint("most_seconds between 1 and 86400", name="most_seconds_range"),
        default=300,
        server_default=sa.text("300"),
    )
    # The pace; None: as fast as it takes.
    per_second: Mapped[float | None] = mapped_column(
        sa.Float, sa.CheckConstraint("per_second > 0", name="per_second_positive")
    )
    per_hour: Mapped[int | None] = mapped_column(sa.CheckConstraint("per_hour > 0", name="per_hour_positive"))
    # Permits up to this moment are leased to workers (the theoretical arrival time of GCRA).
    permits_until: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    hour_began_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    hour_used: Mapped[int] = mapped_column(default=0, server_default=sa.text("0"))
    # What it does wrong now, and until when the next one in rank is tried in its place.
    fault: Mapped[str] = mapped_column(sa.Text, default="", server_default=sa.text("''"))
    faults_in_a_row: Mapped[int] = mapped_column(sa.SmallInteger, default=0, server_default=sa.text("0"))
    rests_until: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class CoolDown(Base):
    """A receiving domain that is given a rest at a mail service, because it asked for it or refuses us."""

    __tablename__ = "cool_downs"

    transport_id: Mapped[int] = mapped_column(
        sa.ForeignKey("transports.id", ondelete="CASCADE"), primary_key=True
    )
    domain: Mapped[str] = mapped_column(sa.String(254), primary_key=True)
    until: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    times_in_a_row: Mapped[int] = mapped_column(sa.SmallInteger, default=1)
    reply_id: Mapped[int | None] = mapped_column(BigId)
    changed_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class RampUp(Base):
    """The plan by which a new sender mails more people every day, at one mail service."""

    __tablename__ = "ramp_ups"

    transport_id: Mapped[int] = mapped_column(
        sa.ForeignKey("transports.id", ondelete="CASCADE"), primary_key=True
    )
    starts_on: Mapped[dt.date] = mapped_column(sa.Date)  # in UTC, as its days are
    first_day: Mapped[int] = mapped_column(
        sa.CheckConstraint("first_day > 0", name="first_day_positive")
    )  # people
    growth_percent: Mapped[int] = mapped_column(
        sa.CheckConstraint("growth_percent between 1 and 900", name="growth_percent_range")
    )
    order: Mapped[RampOrder] = mapped_column(choice(RampOrder, "order"), default=RampOrder.SIGN_OF_LIFE)
    # Who is beyond the day's number goes by this one; None: they are skipped with the reason.
    rest_transport_id: Mapped[int | None] = mapped_column(sa.ForeignKey("transports.id"))
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class DkimKey(Base):
    """A key that we sign a domain's mail with. The private half is the secret `secret_name`."""

    __tablename__ = "dkim_keys"
    __table_args__ = (sa.UniqueConstraint("domain", "selector"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    domain: Mapped[str] = mapped_column(sa.String(254))
    selector: Mapped[str] = mapped_column(sa.String(63))
    algorithm: Mapped[str] = mapped_column(sa.String(12))  # as the record's k= says: rsa, ed25519
    secret_name: Mapped[str] = mapped_column(sa.String(120))
    is_enabled: Mapped[bool] = mapped_column(default=True)
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
    # Only by this mail service; None: by the first one that works.
    transport_id: Mapped[int | None] = mapped_column(sa.ForeignKey("transports.id"))
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
    reason: Mapped[DeliveryReason | None] = mapped_column(choice(DeliveryReason, "reason"))
    # The reply's moment; for an uncertain one, when its final dot left.
    sent_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)


class UncertainCase(Base):
    """A delivery of which nobody could know whether it arrived: the evidence, and how it was settled."""

    __tablename__ = "uncertain_cases"
    __table_args__ = (sa.Index("ix_uncertain_cases_open", "settled_at", "since"),)

    edition_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    subscriber_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    attempt: Mapped[int] = mapped_column(sa.SmallInteger, primary_key=True, autoincrement=False)
    since: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    cause: Mapped[UncertainCause] = mapped_column(choice(UncertainCause, "cause"))
    journal_id: Mapped[int | None] = mapped_column(BigId)
    transport_id: Mapped[int | None] = mapped_column(BigId)
    settlement: Mapped[Settlement | None] = mapped_column(choice(Settlement, "settlement"))
    settled_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    settled_by: Mapped[str] = mapped_column(sa.String(120), default="")  # a person, or "policy"


class EditionTotals(Base):
    """How many deliveries an edition had of each status, once its rows are dropped."""

    __tablename__ = "edition_totals"

    edition_id: Mapped[int] = mapped_column(sa.ForeignKey("editions.id"), primary_key=True)
    sent: Mapped[int] = mapped_column()
    failed: Mapped[int] = mapped_column()
    skipped: Mapped[int] = mapped_column()
    uncertain: Mapped[int] = mapped_column()
    dropped_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class EditionFigures(Base):
    """How many deliveries of each status an edition that is over has, so that lists need not count a million.

    The rows are the truth: these hold as long as `mark` is what `deliveries.came_of` finds now, which is
    another as soon as a batch is opened or a doubt is settled. Then the rows are counted again.
    """

    __tablename__ = "edition_figures"

    edition_id: Mapped[int] = mapped_column(
        sa.ForeignKey("editions.id", ondelete="CASCADE"), primary_key=True
    )
    sent: Mapped[int] = mapped_column()
    failed: Mapped[int] = mapped_column()
    skipped: Mapped[int] = mapped_column()
    uncertain: Mapped[int] = mapped_column()
    # By reason, by receiving provider, by answer, as `deliveries.figures` writes and reads them.
    details: Mapped[dict[str, Any]] = mapped_column(Json)
    mark: Mapped[str] = mapped_column(sa.Text)
    counted_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
