"""Editors' changes to a coming edition: pin, drop, include, rewrite, words of its own; and taking them back.

Each is a row with who and when. Rows stand beside the selection and survive it: the stories are chosen anew
as often as the news changes, the changes are laid over them each time. Steps never commit.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import audit
from digest.editions.approvals import void
from digest.editions.candidates import is_carried
from digest.editions.own_items import check_url, get_own_item
from digest.editions.patterns import check_pattern
from digest.errors import InputError, NotFoundError, StateError, Word
from digest.i18n import N_
from digest.lists.fields import clean_line
from digest.models import (
    Cadence,
    ChangeKind,
    Edition,
    EditionChange,
    EditionKind,
    EditionState,
    OwnItem,
    VoidCause,
)

SHAPEABLE: Final = (EditionState.UPCOMING, EditionState.HELD)
REWRITABLE: Final = ("title", "excerpt", "section", "picture")
_OWN_REWRITABLE: Final = (*REWRITABLE, "url")  # of a post the address is what it is
INTRO_LIMIT: Final = 4_000
_WORDS: Final = (ChangeKind.SUBJECT, ChangeKind.PREHEADER, ChangeKind.INTRO, ChangeKind.SIGN_OFF)
_MARKDOWN: Final = {
    ChangeKind.INTRO: Word(N_("introduction")),
    ChangeKind.NOTE: Word(N_("note")),
    ChangeKind.SIGN_OFF: Word(N_("sign-off")),
}
_MOST_PLACE: Final = 100
# What an editor may change is called by these, in what is refused of it.
_CALLED: Final = (
    N_("subject"),
    N_("preheader"),
    N_("title"),
    N_("excerpt"),
    N_("section"),
)
_LIMITS: Final = {"title": 300, "excerpt": 2_000, "section": 200}


def pin(
    session: Session,
    edition: Edition,
    post_id: int,
    *,
    place: int | None = None,
    again: bool = False,
    actor: str,
    now: dt.datetime,
) -> EditionChange:
    """Have a story in the edition: at a place (0 is the featured one), or ahead of the others.

    `again` sends it although this cadence has sent it. Of two at one place the later counts.
    """
    if place is not None and not 0 <= place <= _MOST_PLACE:
        raise InputError(
            N_("A place is from 1 to %(most)s, or 0 for the featured story; not %(place)s."),
            most=_MOST_PLACE,
            place=place,
        )
    details = {"place": place} | ({"again": True} if again else {})
    return _change_post(session, edition, ChangeKind.PIN, post_id, details, actor=actor, now=now)


def drop(session: Session, edition: Edition, post_id: int, *, actor: str, now: dt.datetime) -> EditionChange:
    """Keep a story out of this edition; it stays news for the next one."""
    return _change_post(session, edition, ChangeKind.DROP, post_id, {}, actor=actor, now=now)


def include(
    session: Session, edition: Edition, post_id: int, *, again: bool = False, actor: str, now: dt.datetime
) -> EditionChange:
    """Have a story in though a rule leaves it out (too fresh, too old ...); it stands where it would."""
    details = {"again": True} if again else {}
    return _change_post(session, edition, ChangeKind.INCLUDE, post_id, details, actor=actor, now=now)


def place_own(
    session: Session,
    edition: Edition,
    item_id: int,
    *,
    place: int | None = None,
    again: bool = False,
    is_dropped: bool = False,
    actor: str,
    now: dt.datetime,
) -> EditionChange:
    """Place one of the desk's own items otherwise, or keep it out of this edition."""
    item = _own_item(session, edition, item_id)
    if place is not None and not 1 <= place <= _MOST_PLACE:
        raise InputError(
            N_("The place of an own item is from 1 to %(most)s, not %(place)s."),
            most=_MOST_PLACE,
            place=place,
        )
    kind = ChangeKind.DROP if is_dropped else ChangeKind.PIN
    details = {"as": kind.value, "place": place} | ({"again": True} if again else {})
    return _add(session, edition, ChangeKind.OWN_ITEM, details, own_item_id=item.id, actor=actor, now=now)


def rewrite(
    session: Session,
    edition: Edition,
    fields: Mapping[str, Any],
    *,
    post_id: int | None = None,
    own_item_id: int | None = None,
    actor: str,
    now: dt.datetime,
) -> EditionChange:
    """Give a story another title, excerpt, section or picture in this edition; the post stays as it is.

    A story of the desk's own may get another `url` as well.

    What of `fields` is None stays too. `picture` is `{"url": ..., "alt": ...}`, or "" for none.
    """
    given = {name: value for name, value in fields.items() if value is not None}
    may = REWRITABLE if own_item_id is None else _OWN_REWRITABLE
    if not given or set(given) - set(may):
        raise InputError(N_("Give what is to be otherwise: %(known)s."), known=", ".join(may))
    details = {name: _rewritten(name, value) for name, value in given.items()}
    if own_item_id is not None:
        item = _own_item(session, edition, own_item_id)
        return _add(session, edition, ChangeKind.REWRITE, details, own_item_id=item.id, actor=actor, now=now)
    if post_id is None:
        raise InputError(N_("Say which story is to be rewritten."))
    return _change_post(session, edition, ChangeKind.REWRITE, post_id, details, actor=actor, now=now)


def set_words(
    session: Session, edition: Edition, kind: ChangeKind, text: str, *, actor: str, now: dt.datetime
) -> EditionChange:
    """The edition's own INTRO, NOTE, SIGN_OFF (Markdown), SUBJECT or PREHEADER (with a pattern's tokens)."""
    if kind in _MARKDOWN:
        words = check_markdown(kind, text)
    elif kind in (ChangeKind.SUBJECT, ChangeKind.PREHEADER):
        words = check_pattern(text, what=kind.value)
        if not words:
            raise InputError(
                N_("The %(what)s cannot be empty."),
                what=Word(kind.value),
                hint="`digest edition undo` takes one back.",
            )
    else:
        raise InputError(N_("A change of the kind %(kind)s holds no words."), kind=kind.value)
    return _add(session, edition, kind, {"text": words}, actor=actor, now=now)


def check_markdown(kind: ChangeKind, text: str) -> str:
    """An INTRO, NOTE or SIGN_OFF as it is kept; raises InputError for one that is too long."""
    words = text.strip()
    if len(words) > INTRO_LIMIT:
        raise InputError(
            N_("The %(what)s is longer than %(limit)s characters."), what=_MARKDOWN[kind], limit=INTRO_LIMIT
        )
    return words


def undo(
    session: Session, edition: Edition, change_id: int, *, actor: str, now: dt.datetime
) -> EditionChange:
    """Take a change back; what was said on the same thing before counts again. Raises NotFoundError."""
    _check_open(session, edition, actor=actor, now=now)
    found = session.get(EditionChange, change_id) if 0 < change_id < 2**63 else None
    if found is None or found.edition_id != edition.id:
        raise NotFoundError(
            N_("Edition %(edition)s has no change %(change)s."),
            edition=edition.id,
            change=change_id,
            hint=f"`digest edition changes {edition.id}` shows those there are.",
        )
    if "correction" in found.details:
        raise StateError(
            N_("This correction is made of it; once it is locked, the edition can be stopped."),
            hint=f"`digest edition cancel {edition.id}` stops it.",
        )
    if found.undone_at is not None:
        raise StateError(
            N_("This change has been taken back already."),
            hint=f"It was change {change_id}, by {found.undone_by}.",
        )
    found.undone_at, found.undone_by = now, actor
    session.flush()
    audit.record(session, "edition.undo", edition, actor=actor, now=now, details={"change": change_id})
    return found


def unpin(session: Session, edition: Edition, post_id: int, *, actor: str, now: dt.datetime) -> int:
    """Take back every pin of a story that counts; what else was said of it counts again. Returns how many.

    Raises StateError for a story that nobody has pinned.
    """
    _check_open(session, edition, actor=actor, now=now)
    pins = [
        one
        for one in list_changes(session, edition)
        if one.kind is ChangeKind.PIN and one.post_id == post_id and one.undone_at is None
    ]
    if not pins:
        raise StateError(N_("Nobody keeps this story at a place now."))
    for one in pins:
        undo(session, edition, one.id, actor=actor, now=now)
    return len(pins)


def list_changes(session: Session, edition: Edition) -> list[EditionChange]:
    """All changes of an edition in the order in which they were made, those taken back among them."""
    rows = sa.select(EditionChange).where(EditionChange.edition_id == edition.id).order_by(EditionChange.id)
    return list(session.scalars(rows))


def _change_post(
    session: Session,
    edition: Edition,
    kind: ChangeKind,
    post_id: int,
    details: Mapping[str, Any],
    *,
    actor: str,
    now: dt.datetime,
) -> EditionChange:
    if not (0 < post_id < 2**63 and is_carried(session, edition, post_id)):
        raise NotFoundError(
            N_("No source of this digest has a story %(post)s."),
            post=post_id,
            hint=f"`digest edition explain {edition.id}` shows those there are, with their ids.",
        )
    return _add(session, edition, kind, details, post_id=post_id, actor=actor, now=now)


def _add(
    session: Session,
    edition: Edition,
    kind: ChangeKind,
    details: Mapping[str, Any],
    *,
    post_id: int | None = None,
    own_item_id: int | None = None,
    actor: str,
    now: dt.datetime,
) -> EditionChange:
    _check_open(session, edition, actor=actor, now=now)
    if edition.kind is EditionKind.CORRECTION and kind not in _WORDS:
        raise StateError(
            N_(
                "This edition is a correction: it is of the story that it puts right. Once it is locked, "
                "that can be corrected further."
            ),
            hint=f"`digest edition revise {edition.id}` does.",
        )
    change = EditionChange(
        edition_id=edition.id,
        kind=kind,
        post_id=post_id,
        own_item_id=own_item_id,
        details=dict(details),
        made_by=actor,
        made_at=now,
    )
    session.add(change)
    session.flush()
    audit.record(
        session, f"edition.{kind.value}", edition, actor=actor, now=now, details={"change": change.id}
    )
    return change


def _check_open(session: Session, edition: Edition, *, actor: str, now: dt.datetime) -> None:
    """The edition's row is locked: a freeze that begins meanwhile sees the change or refuses it."""
    session.flush()
    session.refresh(edition, with_for_update=True)
    if edition.state in SHAPEABLE:
        if edition.revision_id is not None:  # held as it was locked: what was approved there is not this
            void(session, edition, VoidCause.EDITED, actor=actor, now=now)
        return
    if edition.state in (EditionState.FROZEN, EditionState.PAUSED):
        raise StateError(
            N_("The content of this edition is fixed: make its next version."),
            hint=f"Edition {edition.id} is {edition.state}; `digest edition revise {edition.id}` does.",
        )
    if edition.state is EditionState.SENDING:
        raise StateError(
            N_("This edition is being handed over: pause it, then make its next version."),
            hint=f"`digest edition pause {edition.id}`, then `digest edition revise {edition.id}`.",
        )
    raise StateError(
        N_("Nothing of this edition is changed any more."), hint=f"Edition {edition.id} is {edition.state}."
    )


def _own_item(session: Session, edition: Edition, item_id: int) -> OwnItem:
    item = get_own_item(session, item_id)
    if item.digest_id != session.get_one(Cadence, edition.cadence_id).digest_id:
        raise NotFoundError(N_("The item %(item)s is another digest's."), item=item_id)
    return item


def _rewritten(name: str, value: Any) -> Any:
    if name == "picture":
        if not value:
            return None
        url, alt = str(value.get("url", "")), str(value.get("alt", ""))
        if not url.startswith(("https://", "http://")) or len(url) > 2000:
            raise InputError(
                N_("%(text)r is no picture's address; write it like https://example.org/a.jpg."),
                text=url[:80],
            )
        alt = clean_line(alt, what=N_("picture's description"), limit=500)
        sides = {side: value.get(side) for side in ("width", "height")}
        return {"url": url, "alt": alt, **sides}
    if name == "url":
        return check_url(str(value).strip())
    line = clean_line(str(value), what=name, limit=_LIMITS[name])
    if name == "title" and not line:
        raise InputError(N_("The title cannot be empty."))
    return line
