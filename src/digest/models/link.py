"""Counted links: where each leads, and how often it was followed. Nobody's name stands in either."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from digest.db import Base, UtcDateTime


class Link(Base):
    """A link of an edition, the same for all of its readers. `target` is where it leads now."""

    __tablename__ = "links"

    # What its public address is made of: it cannot be guessed, and is the same whenever it is made again.
    code: Mapped[str] = mapped_column(sa.String(24), primary_key=True)
    edition_id: Mapped[int] = mapped_column(sa.ForeignKey("editions.id", ondelete="CASCADE"), index=True)
    url: Mapped[str] = mapped_column(sa.Text)  # as the mail was made
    target: Mapped[str] = mapped_column(sa.Text)
    changed_by: Mapped[str | None] = mapped_column(sa.String(120))
    changed_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)


class LinkCount(Base):
    """How often a link was followed in an hour, by people and by what is a bot by rule."""

    __tablename__ = "link_counts"

    code: Mapped[str] = mapped_column(sa.ForeignKey("links.code", ondelete="CASCADE"), primary_key=True)
    hour: Mapped[dt.datetime] = mapped_column(UtcDateTime, primary_key=True)
    people: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    bots: Mapped[int] = mapped_column(sa.BigInteger, default=0)
