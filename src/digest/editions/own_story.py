"""A story of the desk's own for one edition alone: made, and in its place. Steps: they never commit."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy.orm import Session

from digest.editions.own_items import add_own_item
from digest.editions.places import ONE_EDITION
from digest.editions.shape import place_own
from digest.editions.show import digest_of
from digest.models import Edition, EditionChange, OwnItemKind


def add_story(
    session: Session,
    edition: Edition,
    *,
    title: str,
    excerpt: str = "",
    url: str = "",
    section: str = "",
    picture: dict[str, Any] | None = None,
    place: int | None = None,
    actor: str,
    now: dt.datetime,
) -> EditionChange:
    """Put a story that the desk writes into this edition and no other; taking the change back takes it out.

    `place` is from 1 on below the featured story, None behind all others; `picture` is as
    `editions.own_pictures` keeps it. Raises InputError for what cannot be one, StateError for an edition
    whose content is fixed.
    """
    item = add_own_item(
        session,
        digest_of(session, edition),
        kind=OwnItemKind.NOTE,
        title=title,
        text=excerpt,
        url=url,
        section=section,
        from_on=ONE_EDITION,
        until_on=ONE_EDITION,
        actor=actor,
        now=now,
    )
    item.picture = picture
    session.flush()
    return place_own(session, edition, item.id, place=place, actor=actor, now=now)
