"""What a person says to unusual news: it is meant, or it was seen before. Then the edition is made anew.

Both may be said before the lock as well: then nothing is held.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import audit
from digest.db.dialect import among
from digest.editions.progress import thaw
from digest.editions.unusual import as_remark, odd_news
from digest.errors import StateError
from digest.i18n import N_
from digest.models import (
    Cadence,
    ChangeKind,
    DigestSource,
    Edition,
    EditionChange,
    EditionState,
    PostSource,
    Reason,
)


def accept_news(session: Session, edition: Edition, *, actor: str, now: dt.datetime) -> None:
    """Say that an edition's unusual news is meant: it is made anew, of all that has come in until now."""
    _unusual(session, edition, now=now)
    session.add(
        EditionChange(
            edition_id=edition.id,
            kind=ChangeKind.ACCEPT,
            details={"until": now.isoformat()},
            made_by=actor,
            made_at=now,
        )
    )
    audit.record(session, "edition.accept_news", edition, actor=actor, now=now)
    _go_on(session, edition, now=now)


def mark_as_seen(session: Session, edition: Edition, *, actor: str, now: dt.datetime) -> int:
    """Say that what is odd was seen before: it is no news any more, for no digest of its sources.

    The edition is made anew of the rest. Returns how many posts were marked.
    """
    posts: set[int] = set()
    for remark in _unusual(session, edition, now=now):
        moments = [dt.datetime.fromisoformat(text) for text in remark.get("arrivals", ())]
        posts |= set(
            session.scalars(
                sa.select(PostSource.post_id).where(
                    PostSource.source_id == remark.get("source_id"),
                    PostSource.seen_at.in_(moments),
                    PostSource.is_news,
                )
            )
        )
    of_digest = (
        sa.select(DigestSource.source_id)
        .join(Cadence, Cadence.digest_id == DigestSource.digest_id)
        .where(Cadence.id == edition.cadence_id)
    )
    session.execute(
        sa.update(PostSource)
        .where(among(session, PostSource.post_id, sorted(posts)), PostSource.source_id.in_(of_digest))
        .values(is_news=False),
        execution_options={"synchronize_session": False},
    )
    details = {"posts": len(posts)}
    audit.record(session, "edition.mark_as_seen", edition, actor=actor, now=now, details=details)
    _go_on(session, edition, now=now)
    return len(posts)


def _unusual(session: Session, edition: Edition, *, now: dt.datetime) -> list[dict[str, Any]]:
    """What the edition is held for, or would be; the edition's row is locked from here on."""
    session.flush()
    session.refresh(edition, with_for_update=True)
    if edition.state is EditionState.UPCOMING:
        if odd := [as_remark(one) for one in odd_news(session, edition, now=now)]:
            return odd
    elif (edition.state, edition.reason) == (EditionState.HELD, Reason.UNUSUAL_NEWS):
        return list(edition.remarks)
    raise StateError(N_("Edition %(edition)s is not held because of unusual news."), edition=edition.id)


def _go_on(session: Session, edition: Edition, *, now: dt.datetime) -> None:
    """What was held is made anew; what is coming is made at its time."""
    if edition.state is EditionState.HELD:
        thaw(session, edition, now=now)
