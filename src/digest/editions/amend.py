"""What is put right about an edition after it went out: its page changes; a mail that was handed over cannot.

A note stands beside its story, or the story is taken down. The page is made anew from the stories as they
were stored, within the same write, and stands in the edition's row: the version stays as it was approved.
Steps never commit.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import audit
from digest.editions.page_again import Paper, remake_page, standing
from digest.editions.states import PUBLIC
from digest.errors import InputError, NotFoundError, StateError
from digest.i18n import N_
from digest.lists.fields import clean_line
from digest.models import Amendment, AmendmentKind, Edition, Item

NOTE_LIMIT: Final = 2_000


def add_note(
    session: Session, edition: Edition, story: int, text: str, paper: Paper, *, actor: str, now: dt.datetime
) -> Amendment:
    """Put a correction note beside a story on the page; `story` is its number, from 1 on.

    Raises StateError for an edition that did not go out, InputError for a story that is not there.
    """
    note = clean_line(text, what=N_("note"), limit=NOTE_LIMIT)
    if not note:
        raise InputError(
            N_("Say what was wrong, in one sentence for the readers."), hint="Give it as --note."
        )
    return _add(session, edition, story, AmendmentKind.NOTE, note, paper=paper, actor=actor, now=now)


def take_down(
    session: Session, edition: Edition, story: int, paper: Paper, *, actor: str, now: dt.datetime
) -> Amendment:
    """Take a story off the page; a short sentence stands in its place. Raises as `add_note` does."""
    return _add(session, edition, story, AmendmentKind.TAKEN_DOWN, "", paper=paper, actor=actor, now=now)


def undo_amendment(
    session: Session, edition: Edition, amendment_id: int, paper: Paper, *, actor: str, now: dt.datetime
) -> Amendment:
    """Take a note or a taking down back; raises NotFoundError, or StateError if that was done already."""
    _lock(session, edition)
    found = session.get(Amendment, amendment_id) if 0 < amendment_id < 2**63 else None
    if found is None or found.edition_id != edition.id:
        raise NotFoundError(
            N_("Edition %(edition)s has nothing with the number %(amendment)s that was put right."),
            edition=edition.id,
            amendment=amendment_id,
            hint=f"Look at `digest edition show {edition.id}`.",
        )
    if found.undone_at is not None:
        raise StateError(N_("This has been taken back already."), hint=f"By {found.undone_by}.")
    found.undone_at, found.undone_by = now, actor
    session.flush()
    remake_page(session, edition, paper)
    details = {"amendment": found.id, "kind": found.kind.value}
    audit.record(session, "edition.undo_amendment", edition, actor=actor, now=now, details=details)
    return found


def carry_over(
    session: Session, edition: Edition, was: int | None, paper: Paper | None, *, actor: str, now: dt.datetime
) -> None:
    """Let what was put right follow its stories into the version that the edition goes on with.

    `was` is the id of the version before. What concerns a story that is not in the new one is over. Raises
    StateError where there is something to follow and no `paper` to make the page on.
    """
    found = standing(session, edition.id)
    edition.web_html = None
    if not found:
        return
    if paper is None:
        raise StateError(
            N_("Edition %(edition)s has notes on its page."),
            edition=edition.id,
            hint="Go on by `digest edition go-on`.",
        )
    before, after = _keys(session, was), _keys(session, edition.revision_id)
    places = {key: position for position, key in reversed(after.items())}
    for one in found:
        position = places.get(before.get(one.position, ()))
        if position is None:
            one.undone_at, one.undone_by = now, actor
        else:
            one.position = position
    session.flush()
    remake_page(session, edition, paper)


def _add(
    session: Session,
    edition: Edition,
    story: int,
    kind: AmendmentKind,
    text: str,
    *,
    paper: Paper,
    actor: str,
    now: dt.datetime,
) -> Amendment:
    _lock(session, edition)
    position = _position(session, edition, story)
    is_gone = (
        one.position == position and one.kind is AmendmentKind.TAKEN_DOWN
        for one in standing(session, edition.id)
    )
    if kind is AmendmentKind.TAKEN_DOWN and any(is_gone):
        raise StateError(N_("This story is taken down already."))
    made = Amendment(
        edition_id=edition.id, position=position, kind=kind, text=text, made_by=actor, made_at=now
    )
    session.add(made)
    session.flush()
    remake_page(session, edition, paper)
    details = {"amendment": made.id, "kind": kind.value, "story": story}
    audit.record(session, "edition.amend", edition, actor=actor, now=now, details=details)
    return made


def _lock(session: Session, edition: Edition) -> None:
    """Two who put something right come one after the other: the later page holds both."""
    session.flush()
    session.refresh(edition, with_for_update={"key_share": True})
    if edition.state in PUBLIC and edition.revision_id is not None:
        return
    raise StateError(
        N_("This edition has no page yet, or none any more, to put right."),
        hint=f"Edition {edition.id} is {edition.state}.",
    )


def _position(session: Session, edition: Edition, story: int) -> int:
    positions = session.scalars(
        sa.select(Item.position).where(Item.revision_id == edition.revision_id).order_by(Item.position)
    ).all()
    if not 1 <= story <= len(positions):
        raise InputError(
            N_("There is no story %(story)s; this edition has %(count)s, from 1 on."),
            story=story,
            count=len(positions),
        )
    return positions[story - 1]


def _keys(session: Session, revision_id: int | None) -> dict[int, tuple[object, ...]]:
    """By what a story of a version is known in another one, by its position."""
    items = sa.select(Item).where(Item.revision_id == revision_id).order_by(Item.position)
    return {item.position: _key(item) for item in session.scalars(items)}


def _key(item: Item) -> tuple[object, ...]:
    if item.post_id is not None:
        return "post", item.post_id
    if item.own_item_id is not None:
        return "own", item.own_item_id
    return item.story.get("url"), item.story.get("title")
