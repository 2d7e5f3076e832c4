"""What a version says of itself: its note for the readers, and its own words on top. Kept for its page."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.editions.changes import Changes, read_changes
from digest.models import ChangeKind, EditionChange

_NOTE: Final = "version_note"
_INTRO: Final = "version_intro"


def keep_note(
    session: Session, edition_id: int, revision: int, note: str, *, actor: str, now: dt.datetime
) -> None:
    """Keep the note of a version, by its number."""
    details = {_NOTE: note, "revision": revision}
    _keep(session, edition_id, ChangeKind.NOTE, details, actor=actor, now=now)


def note_of(session: Session, edition_id: int, revision: int) -> str:
    """The note of a version; "" if it has none."""
    rows = session.scalars(
        sa.select(EditionChange.details).where(
            EditionChange.edition_id == edition_id, EditionChange.kind == ChangeKind.NOTE
        )
    )
    return next((row[_NOTE] for row in rows if _NOTE in row and row.get("revision") == revision), "")


def keep_intro(
    session: Session, edition_id: int, revision: int, intro: str, *, actor: str, now: dt.datetime
) -> None:
    """Keep the words on top of a version's stories, where they are not those that it was locked with."""
    details = {_INTRO: intro, "revision": revision}
    _keep(session, edition_id, ChangeKind.INTRO, details, actor=actor, now=now)


def intro_of(session: Session, edition_id: int, revision: int) -> str | None:
    """The words on top that a version was given when it was made from another one; None if it was not."""
    rows = session.scalars(
        sa.select(EditionChange.details).where(
            EditionChange.edition_id == edition_id, EditionChange.kind == ChangeKind.INTRO
        )
    )
    return next((row[_INTRO] for row in rows if _INTRO in row and row.get("revision") == revision), None)


def changes_in(session: Session, edition_id: int, revision: int) -> Changes:
    """What editors said for an edition, with the words on top as this version has them."""
    said, intro = read_changes(session, edition_id), intro_of(session, edition_id, revision)
    return said if intro is None else replace(said, intro=intro)


def _keep(
    session: Session,
    edition_id: int,
    kind: ChangeKind,
    details: dict[str, object],
    *,
    actor: str,
    now: dt.datetime,
) -> None:
    session.add(EditionChange(edition_id=edition_id, kind=kind, details=details, made_by=actor, made_at=now))
    session.flush()
