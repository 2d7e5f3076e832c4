"""What a version says of itself, kept for its page: its note to the readers, its words around the stories."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.editions.changes import Changes, read_changes
from digest.models import ChangeKind, EditionChange

_NOTE: Final = "version_note"
# The words around the stories that a version may have of its own, and the name under which a row has them.
OWN_WORDS: Final = {ChangeKind.INTRO: "version_intro", ChangeKind.SIGN_OFF: "version_sign_off"}


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


def keep_own_words(
    session: Session,
    edition_id: int,
    revision: int,
    words: Mapping[ChangeKind, str],
    *,
    actor: str,
    now: dt.datetime,
) -> None:
    """Keep the words around a version's stories, where they are not those that it was locked with."""
    for kind, text in words.items():
        details = {OWN_WORDS[kind]: text, "revision": revision}
        _keep(session, edition_id, kind, details, actor=actor, now=now)


def own_words_of(session: Session, edition_id: int, revision: int) -> dict[ChangeKind, str]:
    """The words around the stories that a version was given when it was made from another one."""
    rows = session.execute(
        sa.select(EditionChange.kind, EditionChange.details)
        .where(EditionChange.edition_id == edition_id, EditionChange.kind.in_(tuple(OWN_WORDS)))
        .order_by(EditionChange.id)
    )
    return {
        kind: details[OWN_WORDS[kind]]
        for kind, details in rows
        if OWN_WORDS[kind] in details and details.get("revision") == revision
    }


def changes_in(session: Session, edition_id: int, revision: int) -> Changes:
    """What editors said for an edition, with the words around the stories as this version has them."""
    return with_own_words(read_changes(session, edition_id), own_words_of(session, edition_id, revision))


def with_own_words(said: Changes, words: Mapping[ChangeKind, str]) -> Changes:
    """The same, but for these words."""
    return replace(
        said,
        intro=words.get(ChangeKind.INTRO, said.intro),
        sign_off=words.get(ChangeKind.SIGN_OFF, said.sign_off),
    )


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
