"""The people who run Digest, and the trail of what they did."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from digest.db import Base, BigId, Json, UtcDateTime, choice


class AccountRole(StrEnum):
    EDITOR = "editor"
    APPROVER = "approver"
    ADMIN = "admin"


class LinkPurpose(StrEnum):
    """What a link for the staff is for: the first account, one's own password, another password."""

    SET_UP = "set_up"
    INVITE = "invite"
    RESET = "reset"


class Scheme(StrEnum):
    """How the desk looks to a person; `auto`: as their device does."""

    AUTO = "auto"
    LIGHT = "light"
    DARK = "dark"


class Account(Base):
    """A person who works with the desk, and the only kind of address that test mails reach.

    Without a password nobody signs in by it. What began before `credentials_at` counts no more.
    """

    __tablename__ = "accounts"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(sa.Text)
    address: Mapped[str] = mapped_column(sa.Text)
    address_key: Mapped[str] = mapped_column(sa.String(254), unique=True)
    role: Mapped[AccountRole] = mapped_column(choice(AccountRole, "role"))
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    disabled_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    password_hash: Mapped[str | None] = mapped_column(sa.Text)
    credentials_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    signed_in_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    # Sealed, and one that is not used yet; the step of the last code that was taken.
    totp_secret: Mapped[str | None] = mapped_column(sa.Text)
    totp_offered: Mapped[str | None] = mapped_column(sa.Text)
    totp_step: Mapped[int] = mapped_column(sa.BigInteger, default=0, server_default=sa.text("0"))
    # "": what the browser asks for; the zone of the first digest.
    language: Mapped[str] = mapped_column(sa.String(35), default="", server_default=sa.text("''"))
    zone: Mapped[str] = mapped_column(sa.String(64), default="", server_default=sa.text("''"))
    scheme: Mapped[Scheme] = mapped_column(
        choice(Scheme, "scheme"), default=Scheme.AUTO, server_default=sa.text("'auto'")
    )


class AccountSession(Base):
    """A browser that is signed in; one that has not given its code yet is not whole. Of the token, a hash."""

    __tablename__ = "account_sessions"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    is_whole: Mapped[bool]
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    seen_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    until: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    network: Mapped[str] = mapped_column(sa.String(64))
    agent: Mapped[str] = mapped_column(sa.String(200))


class AccountLink(Base):
    """A link that works once. The set-up link is nobody's yet."""

    __tablename__ = "account_links"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    account_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("accounts.id", ondelete="CASCADE"), index=True
    )
    purpose: Mapped[LinkPurpose] = mapped_column(choice(LinkPurpose, "purpose"))
    token_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    until: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)


class RecoveryCode(Base):
    """A code that stands in for the telephone, once."""

    __tablename__ = "recovery_codes"

    account_id: Mapped[int] = mapped_column(
        sa.ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True
    )
    code_hash: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    used_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)


class AccountDigest(Base):
    """A digest that an editor works on."""

    __tablename__ = "account_digests"

    account_id: Mapped[int] = mapped_column(
        sa.ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True
    )
    digest_id: Mapped[int] = mapped_column(
        sa.ForeignKey("digests.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class AuditEntry(Base):
    """Who did what, when. `details` hold ids and settings, never addresses or secrets."""

    __tablename__ = "audit"
    __table_args__ = (sa.Index("ix_audit_target", "target_kind", "target_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    at: Mapped[dt.datetime] = mapped_column(UtcDateTime, index=True)
    actor: Mapped[str] = mapped_column(sa.String(120))
    action: Mapped[str] = mapped_column(sa.String(60))
    target_kind: Mapped[str] = mapped_column(sa.String(40))
    target_id: Mapped[int | None] = mapped_column(BigId)
    details: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
