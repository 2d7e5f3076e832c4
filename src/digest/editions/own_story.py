"""A story of the desk's own for one edition alone: made, and in its place. Steps: they never commit."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.editions.own_items import add_own_item
from digest.editions.places import ONE_EDITION
from digest.editions.shape import place_own
from digest.editions.show import digest_of
from digest.models import ChangeKind, Edition, EditionChange, OwnItem, OwnItemKind


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
    whose content is fixed. The very same story is made once, however often it is asked for.
    """
    session.flush()
    session.refresh(edition, with_for_update=True)
    same = (title.split(), excerpt.split(), url, section.split(), picture)
    if (made := _made_before(session, edition, same)) is not None:
        return made
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


def _made_before(session: Session, edition: Edition, same: tuple[object, ...]) -> EditionChange | None:
    """The change by which this story is in the edition already; None if it is not, or was dropped since."""
    rows = session.execute(
        sa.select(OwnItem, EditionChange)
        .join(EditionChange, EditionChange.own_item_id == OwnItem.id)
        .where(
            EditionChange.edition_id == edition.id,
            EditionChange.kind == ChangeKind.OWN_ITEM,
            EditionChange.undone_at.is_(None),
            OwnItem.from_on == ONE_EDITION,
            OwnItem.withdrawn_at.is_(None),
        )
        .order_by(EditionChange.id)
    )
    last = {item.id: (item, change) for item, change in rows}
    for item, change in last.values():
        said = (item.title.split(), item.text.split(), item.url, item.section.split(), item.picture)
        if said == same and change.details["as"] != ChangeKind.DROP.value:
            return change
    return None
