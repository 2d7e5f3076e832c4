"""What stands around a subscription: topics, words agreed to, links asked for, limits of public pages."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from digest.db import Base, BigId, Json, UtcDateTime


class Topic(Base):
    """A digest's named group of sections that a reader may choose."""

    __tablename__ = "topics"
    __table_args__ = (sa.UniqueConstraint("digest_id", "name"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    digest_id: Mapped[int] = mapped_column(sa.ForeignKey("digests.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(sa.String(60))
    title: Mapped[str] = mapped_column(sa.Text)
    sections: Mapped[list[str]] = mapped_column(Json, default=list)  # categories or tags of posts
    position: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class ConsentText(Base):
    """Words that people agreed to, kept once under their fingerprint (SHA-256 in hexadecimal)."""

    __tablename__ = "consent_texts"

    fingerprint: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    text: Mapped[str] = mapped_column(sa.Text)
    language: Mapped[str | None] = mapped_column(sa.String(35))
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class ConsentNetwork(Base):
    """Where a consent came from. Committed to in the event's details, so it can be erased before them."""

    __tablename__ = "consent_networks"

    event_id: Mapped[int] = mapped_column(
        sa.ForeignKey("consent_events.id", ondelete="CASCADE"), primary_key=True
    )
    salt: Mapped[str] = mapped_column(sa.String(32))
    network: Mapped[str] = mapped_column(sa.String(64))
    erase_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, index=True)


class Confirmation(Base):
    """A confirmation mail that was asked for. Kept by keyed hash for as long as it counts against a limit."""

    __tablename__ = "confirmations"
    __table_args__ = (sa.Index("ix_confirmations_address", "list_id", "address_hash", "at"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    list_id: Mapped[int] = mapped_column(sa.ForeignKey("mailing_lists.id", ondelete="CASCADE"))
    address_hash: Mapped[str] = mapped_column(sa.String(64))
    at: Mapped[dt.datetime] = mapped_column(UtcDateTime, index=True)
    # The same for all lists that one mail asks about.
    post: Mapped[str | None] = mapped_column(sa.String(32))


class TokenBucket(Base):
    """How much of something may still be done: by an address, a network, or everybody together."""

    __tablename__ = "token_buckets"

    key: Mapped[str] = mapped_column(sa.String(80), primary_key=True)
    tokens: Mapped[float] = mapped_column(
        sa.Float, sa.CheckConstraint("tokens >= 0", name="tokens_not_negative")
    )
    filled_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, index=True)


class FreshLink(Base):
    """A link that was mailed on a person's request, for what the link in every mail must not do.

    Its token carries this row's id as the person. It works once, until `expires_at`.
    """

    __tablename__ = "fresh_links"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    subscriber_id: Mapped[int] = mapped_column(sa.ForeignKey("subscribers.id"), index=True)
    purpose: Mapped[str] = mapped_column(sa.String(24))
    # The new address and what belongs to it, for a change of address.
    details: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, index=True)
    used_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)


class PermissionRun(Base):
    """The question whether they still want this, asked of a list's people who have long been silent."""

    __tablename__ = "permission_runs"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    list_id: Mapped[int] = mapped_column(sa.ForeignKey("mailing_lists.id"), index=True)
    silent_since: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    answer_until: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    actor: Mapped[str] = mapped_column(sa.String(120))
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    closed_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)


class PermissionAsk(Base):
    """One person who was asked in a run; whoever has not answered when it closes is ended."""

    __tablename__ = "permission_asks"

    run_id: Mapped[int] = mapped_column(
        sa.ForeignKey("permission_runs.id", ondelete="CASCADE"), primary_key=True
    )
    subscription_id: Mapped[int] = mapped_column(
        sa.ForeignKey("subscriptions.id"), primary_key=True, index=True
    )
    asked_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    answered_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
