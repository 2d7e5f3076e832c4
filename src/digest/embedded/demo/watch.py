"""What the demo sees of its editions: it looks at the database as anybody could, and changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.editions.show import EditionView, list_editions, show_edition
from digest.mail.mailbox import list_messages, read_message
from digest.models import DeliveryStatus, EditionState, Post, Role, Source, Variant

FINAL = (EditionState.SENT, EditionState.SKIPPED, EditionState.CANCELLED)
_WAITING = (EditionState.UPCOMING, EditionState.FROZEN)


@dataclass(frozen=True, slots=True)
class Collected:
    """How much was collected, and from how many feeds."""

    posts: int
    feeds: int


def collected(session: Session) -> Collected:
    """The posts and feeds there are."""
    posts = session.scalar(sa.select(sa.func.count()).select_from(Post)) or 0
    feeds = session.scalar(sa.select(sa.func.count()).select_from(Source)) or 0
    return Collected(posts=posts, feeds=feeds)


def editions(session: Session, *, known: Mapping[int, EditionState]) -> list[EditionView]:
    """The editions that have begun and whose state is not the known one, oldest first."""
    changed = [
        line
        for line in list_editions(session, limit=50)
        if line.state not in _WAITING and known.get(line.id) != line.state
    ]
    return [
        show_edition(session, line.id) for line in sorted(changed, key=lambda line: (line.due_at, line.id))
    ]


def largest_mail(session: Session, revision_id: int) -> int:
    """Bytes of HTML of the largest rendering."""
    sizes = session.scalars(sa.select(Variant.html).where(Variant.revision_id == revision_id))
    return max((len(html.encode()) for html in sizes), default=0)


def featured_line(view: EditionView) -> str:
    """The featured story in a line, or a dash."""
    return next((f"{item.title}, {item.author}" for item in view.items if item.role is Role.FEATURED), "-")


def headline_count(view: EditionView) -> int:
    """How many recent headlines an edition has."""
    return sum(item.role is Role.RECENT for item in view.items)


def served(view: EditionView) -> tuple[int, int]:
    """How many people got an edition, of how many who were to."""
    return view.deliveries[DeliveryStatus.SENT], sum(view.deliveries.values())


def sign_off_link(inbox: Path) -> str:
    """The sign-off page of one reader, from the header of the newest message."""
    newest = list_messages(inbox, limit=1)
    if not newest:
        return ""
    source = read_message(inbox, newest[0].name).source
    _, _, rest = source.partition("List-Unsubscribe: <")
    return rest.partition(">")[0]
