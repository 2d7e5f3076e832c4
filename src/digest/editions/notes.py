"""The note of a version: what it puts right, for its readers. Kept, so that its page can be made anew."""

from __future__ import annotations

import datetime as dt
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.models import ChangeKind, EditionChange

_NOTE: Final = "version_note"


def keep_note(
    session: Session, edition_id: int, revision: int, note: str, *, actor: str, now: dt.datetime
) -> None:
    """Keep the note of a version, by its number."""
    session.add(
        EditionChange(
            edition_id=edition_id,
            kind=ChangeKind.NOTE,
            details={_NOTE: note, "revision": revision},
            made_by=actor,
            made_at=now,
        )
    )
    session.flush()


def note_of(session: Session, edition_id: int, revision: int) -> str:
    """The note of a version; "" if it has none."""
    rows = session.scalars(
        sa.select(EditionChange.details).where(
            EditionChange.edition_id == edition_id, EditionChange.kind == ChangeKind.NOTE
        )
    )
    return next((row[_NOTE] for row in rows if _NOTE in row and row.get("revision") == revision), "")
