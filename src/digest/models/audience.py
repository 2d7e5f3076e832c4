"""The managed lists: who subscribes to what, under which consent, and who must not be mailed."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from digest.db import Base, BigId, Json, UtcDateTime, choice


class UncertainPolicy(StrEnum):
    """What becomes of a delivery of which nobody can know whether it arrived."""

    HOLD = "hold"
    RESEND = "resend"


class TextSize(StrEnum):
    NORMAL = "normal"
    LARGE = "large"


class SubscriptionStatus(StrEnum):
    PENDING = "pending"
    ACTIVE = "active"
    PAUSED = "paused"
    ENDED = "ended"


class SuppressionKind(StrEnum):
    ADDRESS = "address"
    DOMAIN = "domain"


class OptIn(StrEnum):
    """Whether a sign-up by the public page counts at once, or once it is confirmed by a link."""

    DOUBLE = "double"
    SINGLE = "single"


class NetworkRecord(StrEnum):
    """How much of the network address a consent came from is kept beside it."""

    FULL = "full"
    TRUNCATED = "truncated"  # the network alone: /24, or /48 of IPv6
    NONE = "none"


class SuppressionCause(StrEnum):
    """Why not to mail somebody. Only a bounce or a complaint is lifted by the person's own sign-up."""

    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    NEVER = "never"
    LEGAL = "legal"


class MailingList(Base):
    """A managed list of one digest."""

    __tablename__ = "mailing_lists"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    digest_id: Mapped[int] = mapped_column(sa.ForeignKey("digests.id"), index=True)
    name: Mapped[str] = mapped_column(sa.String(60), unique=True)
    title: Mapped[str] = mapped_column(sa.Text)
    uncertain_policy: Mapped[UncertainPolicy] = mapped_column(
        choice(UncertainPolicy, "uncertain_policy"), default=UncertainPolicy.HOLD
    )
    is_open: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    opt_in: Mapped[OptIn] = mapped_column(
        choice(OptIn, "opt_in"), default=OptIn.DOUBLE, server_default=sa.text("'double'")
    )
    welcomes_with_latest: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    network_record: Mapped[NetworkRecord] = mapped_column(
        choice(NetworkRecord, "network_record"),
        default=NetworkRecord.TRUNCATED,
        server_default=sa.text("'truncated'"),
    )
    network_days: Mapped[int] = mapped_column(
        sa.CheckConstraint("network_days between 1 and 3650", name="network_days_range"),
        default=365,
        server_default=sa.text("365"),
    )
    # Sites, as https://example.org, whose pages may post the sign-up form in the background.
    form_origins: Mapped[list[str]] = mapped_column(Json, default=list, server_default=sa.text("'[]'"))
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class Subscriber(Base):
    """One address. Once erased, only the id and the keyed hash stay."""

    __tablename__ = "subscribers"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    address: Mapped[str | None] = mapped_column(sa.Text)
    address_key: Mapped[str | None] = mapped_column(sa.String(254), unique=True)
    address_hash: Mapped[str] = mapped_column(sa.String(64), index=True)
    domain: Mapped[str | None] = mapped_column(sa.String(254), index=True)
    name: Mapped[str] = mapped_column(sa.Text, default="")
    zone: Mapped[str | None] = mapped_column(sa.String(60))
    language: Mapped[str | None] = mapped_column(sa.String(35))
    text_size: Mapped[TextSize] = mapped_column(choice(TextSize, "text_size"), default=TextSize.NORMAL)
    attributes: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    last_sign_of_life_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    erased_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)


class FormerAddress(Base):
    """An address that a subscriber had until it was changed, by its keyed hash: imports know them by it."""

    __tablename__ = "former_addresses"

    subscriber_id: Mapped[int] = mapped_column(sa.ForeignKey("subscribers.id"), primary_key=True)
    address_hash: Mapped[str] = mapped_column(sa.String(64), primary_key=True, index=True)
    until: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class Subscription(Base):
    """A subscriber on a list. `status` is a projection of the consent events, in their transaction."""

    __tablename__ = "subscriptions"
    __table_args__ = (
        sa.UniqueConstraint("list_id", "subscriber_id"),
        sa.Index("ix_subscriptions_audience", "list_id", "status", "cadence_id", "subscriber_id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    list_id: Mapped[int] = mapped_column(sa.ForeignKey("mailing_lists.id"))
    subscriber_id: Mapped[int] = mapped_column(sa.ForeignKey("subscribers.id"), index=True)
    status: Mapped[SubscriptionStatus] = mapped_column(choice(SubscriptionStatus, "status"))
    # None: the list's digest has one cadence, and that is the one.
    cadence_id: Mapped[int | None] = mapped_column(sa.ForeignKey("cadences.id"))
    topics: Mapped[list[str]] = mapped_column(Json, default=list)
    paused_until: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    # The import that brought it, so that the import can be undone.
    import_id: Mapped[int | None] = mapped_column(sa.ForeignKey("imports.id"), index=True)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    changed_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class ConsentEvent(Base):
    """Append-only proof of a change of one subscription.

    `link` chains the events: a hash over the one before, the open fields and a salted commitment to
    `details`. The details and their salt can be erased; the chain still verifies.
    """

    __tablename__ = "consent_events"
    __table_args__ = (sa.UniqueConstraint("subscription_id", "number"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    subscription_id: Mapped[int] = mapped_column(sa.ForeignKey("subscriptions.id"))
    number: Mapped[int] = mapped_column()
    at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    action: Mapped[str] = mapped_column(sa.String(24))
    status: Mapped[SubscriptionStatus] = mapped_column(choice(SubscriptionStatus, "status"))
    source: Mapped[str] = mapped_column(sa.String(40))
    details: Mapped[dict[str, Any] | None] = mapped_column(Json)
    salt: Mapped[str | None] = mapped_column(sa.String(32))
    commitment: Mapped[str] = mapped_column(sa.String(64))
    link: Mapped[str] = mapped_column(sa.String(64))


class Suppression(Base):
    """An address (by keyed hash) or a domain that is not to be mailed, with the reason."""

    __tablename__ = "suppressions"
    __table_args__ = (sa.UniqueConstraint("kind", "value"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[SuppressionKind] = mapped_column(choice(SuppressionKind, "kind"))
    value: Mapped[str] = mapped_column(sa.String(254))
    cause: Mapped[SuppressionCause] = mapped_column(
        choice(SuppressionCause, "cause"),
        default=SuppressionCause.NEVER,
        server_default=sa.text("'never'"),
    )
    reason: Mapped[str] = mapped_column(sa.String(40))
    source: Mapped[str] = mapped_column(sa.String(40))
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
