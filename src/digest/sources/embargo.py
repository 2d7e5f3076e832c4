"""Hold a post back until a moment: it was given to the newsroom earlier than it may be told. Steps."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import audit
from digest.errors import InputError, NotFoundError
from digest.i18n import N_
from digest.models import Edition, EditionState, Item, Post

# What is fixed already and is not with all its readers yet.
_FIXED = (EditionState.FROZEN, EditionState.SENDING, EditionState.PAUSED)
_IDS_LIMIT = 2**63


def hold_back(session: Session, post_id: int, until: dt.datetime, *, actor: str, now: dt.datetime) -> Post:
    """Mail a post to nobody before a moment, whoever pins it. Raises InputError for one that is past.

    An edition that is locked with it is not changed: `locked_with` tells which those are.
    """
    post = _post(session, post_id)
    if until <= now:
        raise InputError(N_("An embargo ends in the future; this moment is past."))
    if post.embargo_until != until:
        post.embargo_until = until
        session.flush()
        details = {"until": until.isoformat(timespec="minutes")}
        audit.record(session, "post.embargo", post, actor=actor, now=now, details=details)
    return post


def release(session: Session, post_id: int, *, actor: str, now: dt.datetime) -> Post:
    """Let a post go: the date that its site gives still counts."""
    post = _post(session, post_id)
    if post.embargo_until is not None:
        post.embargo_until = None
        session.flush()
        audit.record(session, "post.release", post, actor=actor, now=now)
    return post


def locked_with(session: Session, post: Post) -> Sequence[int]:
    """The editions whose content is fixed with a post, and which go out before its embargo ends."""
    if post.embargo_until is None:
        return ()
    return session.scalars(
        sa.select(Edition.id)
        .join(Item, Item.revision_id == Edition.revision_id)
        .where(
            Item.post_id == post.id,
            Edition.state.in_(_FIXED),
            Edition.send_at < post.embargo_until,
        )
        .order_by(Edition.id)
    ).all()


def _post(session: Session, post_id: int) -> Post:
    found = session.get(Post, post_id, with_for_update=True) if 0 < post_id < _IDS_LIMIT else None
    if found is None:
        raise NotFoundError(
            N_("No site brought a story %(post)s."),
            post=post_id,
            hint="`digest edition explain` shows the posts that an edition looks at.",
        )
    return found
