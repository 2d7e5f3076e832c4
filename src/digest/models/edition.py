"""Editions, their frozen revisions and variants, and the record of which post was sent in which cadence."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from digest.db import Base, BigId, Json, UtcDateTime, choice


class EditionKind(StrEnum):
    SCHEDULED = "scheduled"
    EXTRA = "extra"
    BREAKING = "breaking"
    CORRECTION = "correction"


class EditionState(StrEnum):
    UPCOMING = "upcoming"
    FROZEN = "frozen"
    HELD = "held"
    SENDING = "sending"
    PAUSED = "paused"
    SENT = "sent"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


class Reason(StrEnum):
    """Why an edition is in its state; each has a sentence in `editions.reasons`."""

    NOTHING_NEW = "nothing_new"
    TOO_FEW_STORIES = "too_few_stories"
    NO_READERS = "no_readers"
    PAST_GRACE = "past_grace"
    SOURCES_DOWN = "sources_down"
    NO_POSTAL_ADDRESS = "no_postal_address"
    NO_SIGN_OFF_LINK = "no_sign_off_link"
    TOO_LARGE = "too_large"
    TRANSPORT_FAILING = "transport_failing"
    RENDERING_FAILED = "rendering_failed"
    UNUSUAL_NEWS = "unusual_news"
    BLOCKED = "blocked"
    NO_FEATURED = "no_featured"
    THIN_NEWS = "thin_news"
    WANTS_APPROVAL = "wants_approval"
    NOT_APPROVED = "not_approved"
    MERGED = "merged"
    MISSED = "missed"
    DEADLINE = "deadline"
    BY_PERSON = "by_person"
    ALL_SERVED = "all_served"


class Role(StrEnum):
    """A story's place in an edition."""

    FEATURED = "featured"
    RECENT = "recent"


class ChangeKind(StrEnum):
    """What an editor changes in a coming edition."""

    PIN = "pin"  # in it, and at a place if one is given
    DROP = "drop"
    INCLUDE = "include"  # though a rule leaves it out
    REWRITE = "rewrite"  # title, excerpt, picture, section
    INTRO = "intro"
    SUBJECT = "subject"
    PREHEADER = "preheader"
    ACCEPT = "accept"  # what is unusual is meant
    OWN_ITEM = "own_item"  # one of the desk's own, placed or left out
    NOTE = "note"  # an editor's note above the stories
    SIGN_OFF = "sign_off"  # words below the stories


class AmendmentKind(StrEnum):
    """What is put right about a story after its edition went out: the page changes, mails cannot."""

    NOTE = "note"  # a correction note beside it
    TAKEN_DOWN = "taken_down"  # it is on the page no more


class OwnItemKind(StrEnum):
    OBITUARY = "obituary"
    APPEAL = "appeal"
    EVENT = "event"
    NOTE = "note"


class Edition(Base):
    """One dated instance of a cadence, unique by its moment in UTC."""

    __tablename__ = "editions"
    __table_args__ = (sa.UniqueConstraint("cadence_id", "kind", "due_at"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    # What its public address is made of: it cannot be guessed from the id.
    public_id: Mapped[str] = mapped_column(sa.String(32), unique=True)
    cadence_id: Mapped[int] = mapped_column(sa.ForeignKey("cadences.id"), index=True)
    kind: Mapped[EditionKind] = mapped_column(choice(EditionKind, "kind"))
    due_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    due_local: Mapped[str] = mapped_column(sa.String(40))
    # When handing over may begin: the slot, unless a person sent it sooner.
    send_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    state: Mapped[EditionState] = mapped_column(
        choice(EditionState, "state"), default=EditionState.UPCOMING, index=True
    )
    reason: Mapped[Reason | None] = mapped_column(choice(Reason, "reason"))
    reason_detail: Mapped[str] = mapped_column(sa.Text, default="")
    # What was looked at and what came of it when its content was last chosen; see `editions.explain`.
    explanation: Mapped[list[dict[str, Any]]] = mapped_column(
        Json, default=list, server_default=sa.text("'[]'")
    )
    # What it says of itself beside its reason: what is odd, which sources were down.
    remarks: Mapped[list[dict[str, Any]]] = mapped_column(Json, default=list, server_default=sa.text("'[]'"))
    # Until when a person is waited for while it is held; then its cadence's `hold_outcome`.
    deadline_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    revision_id: Mapped[int | None] = mapped_column(BigId)
    # What a correction edition puts right, and the place of the story there: it goes to whoever had that.
    corrects_id: Mapped[int | None] = mapped_column(sa.ForeignKey("editions.id"), index=True)
    corrects_position: Mapped[int | None] = mapped_column()
    # The web edition as it was put right since; None: that of its revision.
    web_html: Mapped[str | None] = mapped_column(sa.Text, deferred=True)
    # As of a cadence, for this edition alone.
    segment_id: Mapped[int | None] = mapped_column(sa.ForeignKey("segments.id"))
    planned_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    # When a worker was last told to freeze or plan it: it is not told again while that may be under way.
    hinted_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    # When the first copies were asked for, for the revision of that moment.
    first_copies_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    state_since: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class Revision(Base):
    """One frozen content of an edition. Never changed once written."""

    __tablename__ = "revisions"
    __table_args__ = (sa.UniqueConstraint("edition_id", "number"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    edition_id: Mapped[int] = mapped_column(sa.ForeignKey("editions.id", ondelete="CASCADE"))
    number: Mapped[int] = mapped_column()
    subject: Mapped[str] = mapped_column(sa.Text)
    preheader: Mapped[str] = mapped_column(sa.Text)
    web_html: Mapped[str] = mapped_column(sa.Text)
    fingerprint: Mapped[str] = mapped_column(sa.String(64))
    # What the checks said of it when it was made; see `preflight.findings`.
    findings: Mapped[list[dict[str, Any]]] = mapped_column(Json, default=list, server_default=sa.text("'[]'"))
    # Bound to this content: a revision never changes. Of which approval, says `approvals`.
    approved_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    approved_by: Mapped[str] = mapped_column(sa.String(120), default="", server_default=sa.text("''"))
    # When those who may approve were asked about it by mail.
    proofs_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class Item(Base):
    """A story placed in a revision, as it was shown there."""

    __tablename__ = "items"

    revision_id: Mapped[int] = mapped_column(
        sa.ForeignKey("revisions.id", ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(primary_key=True)
    role: Mapped[Role] = mapped_column(choice(Role, "role"))
    # None for a desk-written story, and once the post is purged.
    post_id: Mapped[int | None] = mapped_column(sa.ForeignKey("posts.id", ondelete="SET NULL"), index=True)
    own_item_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("own_items.id", ondelete="SET NULL"), index=True
    )
    story: Mapped[dict[str, Any]] = mapped_column(Json)


class EditionChange(Base):
    """One thing an editor changed in a coming edition. Rows are only added; `undone_at` takes one back.

    They stand beside the selection, not in it: it is made anew as often as the news changes.
    """

    __tablename__ = "edition_changes"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    edition_id: Mapped[int] = mapped_column(sa.ForeignKey("editions.id", ondelete="CASCADE"), index=True)
    kind: Mapped[ChangeKind] = mapped_column(choice(ChangeKind, "kind"))
    post_id: Mapped[int | None] = mapped_column(sa.ForeignKey("posts.id", ondelete="CASCADE"), index=True)
    own_item_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("own_items.id", ondelete="CASCADE"), index=True
    )
    details: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    made_by: Mapped[str] = mapped_column(sa.String(120))
    made_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    undone_by: Mapped[str | None] = mapped_column(sa.String(120))
    undone_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)


class OwnItem(Base):
    """What the desk wrote itself: an obituary, an appeal, an event. `text` is Markdown."""

    __tablename__ = "own_items"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    digest_id: Mapped[int] = mapped_column(sa.ForeignKey("digests.id", ondelete="CASCADE"), index=True)
    kind: Mapped[OwnItemKind] = mapped_column(choice(OwnItemKind, "kind"))
    title: Mapped[str] = mapped_column(sa.Text)
    text: Mapped[str] = mapped_column(sa.Text, default="")
    url: Mapped[str] = mapped_column(sa.Text, default="")
    section: Mapped[str] = mapped_column(sa.Text, default="")
    picture: Mapped[dict[str, Any] | None] = mapped_column(Json)
    # The days on which it may go out, in the cadence's zone.
    from_on: Mapped[dt.date] = mapped_column(sa.Date)
    until_on: Mapped[dt.date] = mapped_column(sa.Date)
    may_repeat: Mapped[bool] = mapped_column(default=False)
    position: Mapped[int | None] = mapped_column()  # among the recent ones, from 1; None: behind them
    made_by: Mapped[str] = mapped_column(sa.String(120))
    made_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    withdrawn_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)


class OwnItemUse(Base):
    """One of the desk's own items went out with an edition."""

    __tablename__ = "own_item_uses"

    own_item_id: Mapped[int] = mapped_column(
        sa.ForeignKey("own_items.id", ondelete="CASCADE"), primary_key=True
    )
    edition_id: Mapped[int] = mapped_column(
        sa.ForeignKey("editions.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class Variant(Base):
    """One rendering of a revision: topic set x text size. `mail` is the encoded message with its slots."""

    __tablename__ = "variants"
    __table_args__ = (sa.UniqueConstraint("revision_id", "topics", "text_size"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    revision_id: Mapped[int] = mapped_column(sa.ForeignKey("revisions.id", ondelete="CASCADE"))
    topics: Mapped[str] = mapped_column(sa.Text, default="")
    text_size: Mapped[str] = mapped_column(sa.String(12))
    # The positions of the stories that are in it; None: all of its revision.
    positions: Mapped[list[int] | None] = mapped_column(Json)
    html: Mapped[str] = mapped_column(sa.Text)
    text: Mapped[str] = mapped_column(sa.Text)
    mail: Mapped[bytes] = mapped_column(sa.LargeBinary)
    fingerprint: Mapped[str] = mapped_column(sa.String(64))


class Amendment(Base):
    """One thing that was put right about a story of an edition that went out. `undone_at` takes it back."""

    __tablename__ = "amendments"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    edition_id: Mapped[int] = mapped_column(sa.ForeignKey("editions.id", ondelete="CASCADE"), index=True)
    position: Mapped[int] = mapped_column()  # of the story in the edition's revision
    kind: Mapped[AmendmentKind] = mapped_column(choice(AmendmentKind, "kind"))
    text: Mapped[str] = mapped_column(sa.Text, default="")
    made_by: Mapped[str] = mapped_column(sa.String(120))
    made_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    undone_by: Mapped[str | None] = mapped_column(sa.String(120))
    undone_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)


class SentItem(Base):
    """A post went out in a cadence. The key is the promise that it does so once.

    `rerun` is 0; it counts up only where an editor re-runs a post on purpose or a correction carries it.
    """

    __tablename__ = "sent_items"

    cadence_id: Mapped[int] = mapped_column(sa.ForeignKey("cadences.id"), primary_key=True)
    post_id: Mapped[int] = mapped_column(BigId, primary_key=True)
    rerun: Mapped[int] = mapped_column(primary_key=True, default=0)
    edition_id: Mapped[int] = mapped_column(sa.ForeignKey("editions.id"), index=True)
