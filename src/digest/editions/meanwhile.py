"""Two editors at once: what somebody else has changed since one looked, so that nothing is lost silently.

A page carries the version that it showed and hands it back with the change. The steps of `editions.shape`
stay as they are: this is asked before, in the same transaction, and holds the edition's row until it ends.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.errors import InputError, StateError
from digest.i18n import N_
from digest.models import ChangeKind, Edition, EditionChange, Revision

_WISHES = frozenset({ChangeKind.PIN, ChangeKind.DROP, ChangeKind.INCLUDE})


@dataclass(frozen=True, slots=True)
class Theirs:
    """What another editor has done meanwhile: made a change or, with `is_undone`, taken one back."""

    change_id: int
    kind: ChangeKind
    post_id: int | None
    own_item_id: int | None
    details: Mapping[str, Any]
    by: str
    at: dt.datetime
    is_undone: bool


@dataclass(frozen=True, slots=True)
class Target:
    """What a change is about: a story, an own item, or words of the edition itself.

    Pins, drops and includes are about the same thing: where a story stands.
    """

    kind: ChangeKind
    post_id: int | None = None
    own_item_id: int | None = None

    def is_touched_by(self, theirs: Theirs) -> bool:
        """Whether a change is of the same thing, so that one of the two would count no more."""
        same_kind = theirs.kind is self.kind or {theirs.kind, self.kind} <= _WISHES
        return same_kind and (theirs.post_id, theirs.own_item_id) == (self.post_id, self.own_item_id)


class ChangedMeanwhileError(StateError):
    """Somebody has changed the same meanwhile. `theirs` is what; the caller still has what is its own."""

    def __init__(self, edition_id: int, theirs: tuple[Theirs, ...]) -> None:
        self.edition_id = edition_id
        self.theirs = theirs
        if theirs:
            last = theirs[-1]
            what = f"took back change {last.change_id}" if last.is_undone else f"made change {last.change_id}"
            said = f"{last.by} {what} ({last.kind.value}) meanwhile"
        else:
            said = "it was locked anew meanwhile"
        super().__init__(f"Edition {edition_id}: {said}. Look at it, and say again what you want.")


def version_of(session: Session, edition: Edition) -> str:
    """What an edition holds now, as a page keeps it: it is another after each change, undo and lock."""
    row = session.execute(
        sa.select(sa.func.max(EditionChange.id), sa.func.count(EditionChange.undone_at)).where(
            EditionChange.edition_id == edition.id
        )
    ).one()
    number = session.scalar(sa.select(sa.func.max(Revision.number)).where(Revision.edition_id == edition.id))
    return f"{row[0] or 0}.{row[1]}.{number or 0}"


def check_seen(session: Session, edition: Edition, seen: str | None, about: Target | None = None) -> None:
    """Raise ChangedMeanwhileError if an edition is not what the editor saw; None was never looked at.

    With `about`, what others did to other stories does not matter: both changes count. The edition's row is
    held from here on, so that whoever else changes it waits and is then told in turn.
    """
    session.flush()
    session.refresh(edition, with_for_update=True)
    if seen is None:
        return
    now = version_of(session, edition)
    if seen == now:
        return
    last, undone, revision = _parts(seen)
    theirs = _since(session, edition, last, undone)
    if about is not None:
        theirs = tuple(one for one in theirs if about.is_touched_by(one))
    if theirs or _parts(now)[2] != revision:
        raise ChangedMeanwhileError(edition.id, theirs)


def _parts(seen: str) -> tuple[int, int, int]:
    last, _, rest = seen.partition(".")
    undone, _, revision = rest.partition(".")
    numbers = (last, undone, revision)
    if not all(number.isascii() and number.isdecimal() and len(number) <= 18 for number in numbers):
        raise InputError(N_("This page is of another version; open it once more."))
    return int(last), int(undone), int(revision)


def _since(session: Session, edition: Edition, last: int, undone: int) -> tuple[Theirs, ...]:
    of_edition = sa.select(EditionChange).where(EditionChange.edition_id == edition.id)
    made = session.scalars(of_edition.where(EditionChange.id > last).order_by(EditionChange.id)).all()
    found = [_theirs(one, one.made_by, one.made_at, is_undone=False) for one in made]
    taken_back = of_edition.where(EditionChange.undone_at.is_not(None)).order_by(
        EditionChange.undone_at, EditionChange.id
    )
    found += [
        _theirs(one, one.undone_by or "", one.undone_at, is_undone=True)
        for one in session.scalars(taken_back).all()[undone:]
        if one.undone_at is not None
    ]
    return tuple(sorted(found, key=lambda one: one.at))


def _theirs(change: EditionChange, by: str, at: dt.datetime, *, is_undone: bool) -> Theirs:
    return Theirs(
        change_id=change.id,
        kind=change.kind,
        post_id=change.post_id,
        own_item_id=change.own_item_id,
        details=dict(change.details),
        by=by,
        at=at,
        is_undone=is_undone,
    )
