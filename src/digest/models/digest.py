"""Digests, the cadences they come out on, and the sources they draw from."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from digest.db import Base, BigId, Json, UtcDateTime, choice
from digest.models.approval import Unapproved


class FeaturedBy(StrEnum):
    """How the featured commentary is found: the newest post with this category, author or tag."""

    CATEGORY = "category"
    AUTHOR = "author"
    TAG = "tag"
    NEWEST = "newest"  # the newest post, whatever it is
    NONE = "none"  # no featured story


class Selection(StrEnum):
    LATEST = "latest"
    BEST_OF = "best_of"


class Missed(StrEnum):
    """What becomes of a slot that nobody was there for, within its grace; beyond it is always skipped."""

    LATE = "late"  # it goes out late
    MERGE = "merge"  # its stories go out with the next one
    SKIP = "skip"


class Fallback(StrEnum):
    """What becomes of a held edition at its deadline."""

    SEND = "send"
    SKIP = "skip"


class DateKind(StrEnum):
    SKIP = "skip"
    EXTRA = "extra"


class LinkForm(StrEnum):
    """Where the links of a digest's mails lead: to the story itself, or there through our own domain."""

    DIRECT = "direct"
    COUNTED = "counted"


class Digest(Base):
    """A recurring publication in one language: sources, rules, look, sender."""

    __tablename__ = "digests"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(60), unique=True)  # short, for commands and List-Id
    title: Mapped[str] = mapped_column(sa.Text)
    language: Mapped[str] = mapped_column(sa.String(35))
    sister_group: Mapped[str | None] = mapped_column(sa.String(60), index=True)
    home_url: Mapped[str] = mapped_column(sa.Text, default="")
    sender_name: Mapped[str] = mapped_column(sa.Text)
    sender_address: Mapped[str] = mapped_column(sa.Text)
    reply_to: Mapped[str | None] = mapped_column(sa.Text)
    # Where bounces go: each mail's envelope sender is made of it (VERP). None: the sender's own address.
    bounce_address: Mapped[str | None] = mapped_column(sa.Text)
    postal_address: Mapped[str] = mapped_column(sa.Text, default="")
    featured_by: Mapped[FeaturedBy] = mapped_column(
        choice(FeaturedBy, "featured_by"), default=FeaturedBy.NEWEST
    )
    featured_value: Mapped[str] = mapped_column(sa.Text, default="")
    recent_most: Mapped[int] = mapped_column(
        sa.CheckConstraint("recent_most between 0 and 100", name="recent_most_range"), default=12
    )
    recent_least: Mapped[int] = mapped_column(
        sa.CheckConstraint("recent_least between 0 and 100", name="recent_least_range"), default=1
    )
    recent_days: Mapped[int] = mapped_column(
        sa.CheckConstraint("recent_days between 1 and 366", name="recent_days_range"), default=7
    )
    # The further rules of selection, as `editions.rules` reads and writes them.
    rules: Mapped[dict[str, Any]] = mapped_column(Json, default=dict, server_default=sa.text("'{}'"))
    # Of plain words and tokens like {featured.title}; empty: the subject that the template makes.
    subject_pattern: Mapped[str] = mapped_column(sa.Text, default="", server_default=sa.text("''"))
    preheader_pattern: Mapped[str] = mapped_column(sa.Text, default="", server_default=sa.text("''"))
    intro: Mapped[str] = mapped_column(sa.Text, default="")
    sign_off: Mapped[str] = mapped_column(sa.Text, default="")
    # Its theme, as `rendering.theme` reads and writes it: data alone, never a template.
    look: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    links: Mapped[LinkForm] = mapped_column(
        choice(LinkForm, "links"), default=LinkForm.DIRECT, server_default=sa.text("'direct'")
    )
    # Whether its past editions are listed for everybody; each has its own address either way.
    has_archive: Mapped[bool] = mapped_column(default=True, server_default=sa.true())
    # How many renderings an edition may have (topic sets x text sizes); the rarest sets fall back beyond it.
    variants_most: Mapped[int] = mapped_column(
        sa.CheckConstraint("variants_most between 1 and 200", name="variants_most_range"),
        default=24,
        server_default=sa.text("24"),
    )
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class DigestSource(Base):
    """A digest draws from a source."""

    __tablename__ = "digest_sources"

    digest_id: Mapped[int] = mapped_column(sa.ForeignKey("digests.id", ondelete="CASCADE"), primary_key=True)
    source_id: Mapped[int] = mapped_column(
        sa.ForeignKey("sources.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class Cadence(Base):
    """A named rhythm of a digest. Slots are computed from `cron` in `zone`, after `slots_after`.

    `cron` has one schedule a line; `preset` is what an editor chose, of which it was made.
    """

    __tablename__ = "cadences"
    __table_args__ = (sa.UniqueConstraint("digest_id", "name"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    digest_id: Mapped[int] = mapped_column(sa.ForeignKey("digests.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(sa.String(60))
    cron: Mapped[str] = mapped_column(sa.Text)
    preset: Mapped[dict[str, Any] | None] = mapped_column(Json)
    zone: Mapped[str] = mapped_column(sa.String(60))
    # The first and the last day on which it comes out, in its zone; None: no such bound.
    starts_on: Mapped[dt.date | None] = mapped_column(sa.Date)
    ends_on: Mapped[dt.date | None] = mapped_column(sa.Date)
    selection: Mapped[Selection] = mapped_column(choice(Selection, "selection"), default=Selection.LATEST)
    # What differs here from the digest's rules.
    rules: Mapped[dict[str, Any]] = mapped_column(Json, default=dict, server_default=sa.text("'{}'"))
    lead_seconds: Mapped[int] = mapped_column(
        sa.CheckConstraint("lead_seconds between 0 and 86400", name="lead_seconds_range"), default=600
    )
    grace_seconds: Mapped[int] = mapped_column(
        sa.CheckConstraint("grace_seconds between 0 and 604800", name="grace_seconds_range"), default=10800
    )
    missed: Mapped[Missed] = mapped_column(
        choice(Missed, "missed"), default=Missed.LATE, server_default=sa.text("'late'")
    )
    wants_approval: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    # How long before its slot it is to be approved; None: it waits beyond it, as long as a held one.
    approval_seconds: Mapped[int | None] = mapped_column(
        sa.CheckConstraint("approval_seconds between 0 and 86400", name="approval_seconds_range")
    )
    # What becomes of it if nobody has; None: as of a held one.
    approval_outcome: Mapped[Unapproved | None] = mapped_column(choice(Unapproved, "approval_outcome"))
    # How long after its slot a held edition, or one that wants approval, is waited for; then `hold_outcome`.
    hold_seconds: Mapped[int] = mapped_column(
        sa.CheckConstraint("hold_seconds between 0 and 604800", name="hold_seconds_range"),
        default=10800,
        server_default=sa.text("10800"),
    )
    hold_outcome: Mapped[Fallback] = mapped_column(
        choice(Fallback, "hold_outcome"), default=Fallback.SKIP, server_default=sa.text("'skip'")
    )
    # How long after its slot an edition is still worth having: deferred mail is tried no longer than that.
    useful_seconds: Mapped[int] = mapped_column(
        sa.CheckConstraint("useful_seconds between 600 and 604800", name="useful_seconds_range"),
        default=86400,
        server_default=sa.text("86400"),
    )
    # Over how long it goes out; None: at once for few, over 20 minutes for many.
    spread_seconds: Mapped[int | None] = mapped_column(
        sa.CheckConstraint("spread_seconds between 0 and 86400", name="spread_seconds_range")
    )
    # How long before its slot those in `first_copies` get theirs, with a link that stops it.
    first_copies_seconds: Mapped[int] = mapped_column(
        sa.CheckConstraint("first_copies_seconds between 0 and 86400", name="first_copies_seconds_range"),
        default=300,
        server_default=sa.text("300"),
    )
    # Of the people of its lists only those whom this rule chooses; None: all.
    segment_id: Mapped[int | None] = mapped_column(sa.ForeignKey("segments.id"))
    is_running: Mapped[bool] = mapped_column(default=True)
    # The last slot that has its edition; the next is always computed from here, never from the clock.
    slots_after: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class CadenceDate(Base):
    """A day on which a cadence does not come out, or a moment at which it comes out besides.

    `local` is of the cadence's zone: `2026-12-25` for a day, `2026-12-24 18:00` for a moment.
    """

    __tablename__ = "cadence_dates"

    cadence_id: Mapped[int] = mapped_column(
        sa.ForeignKey("cadences.id", ondelete="CASCADE"), primary_key=True
    )
    kind: Mapped[DateKind] = mapped_column(choice(DateKind, "kind"), primary_key=True)
    local: Mapped[str] = mapped_column(sa.String(16), primary_key=True)
    note: Mapped[str] = mapped_column(sa.Text, default="")
    made_by: Mapped[str] = mapped_column(sa.String(120))
    made_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class AlertReceiver(Base):
    """One of those whom a digest tells when something wants a person."""

    __tablename__ = "alert_receivers"

    digest_id: Mapped[int] = mapped_column(sa.ForeignKey("digests.id", ondelete="CASCADE"), primary_key=True)
    account_id: Mapped[int] = mapped_column(
        sa.ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class FirstCopy(Base):
    """One of the staff who gets a cadence's editions some minutes ahead."""

    __tablename__ = "first_copies"

    cadence_id: Mapped[int] = mapped_column(
        sa.ForeignKey("cadences.id", ondelete="CASCADE"), primary_key=True
    )
    account_id: Mapped[int] = mapped_column(
        sa.ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True, index=True
    )
