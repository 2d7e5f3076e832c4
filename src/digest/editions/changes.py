"""What editors changed in a coming edition, as the sum of the rows that `editions.shape` writes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.editions.wishes import Wish, Wishes
from digest.models import ChangeKind, EditionChange

_WISHES = (ChangeKind.PIN, ChangeKind.DROP, ChangeKind.INCLUDE)


@dataclass(frozen=True, slots=True)
class Changes:
    """The sum of the changes: the last word on each thing counts; None: nobody said a word on it.

    `intro`, `note` and `sign_off` are Markdown. A rewrite holds what is otherwise: title, excerpt, section,
    picture.
    """

    wishes: Wishes = field(default_factory=Wishes)
    rewrites: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    own_rewrites: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    intro: str | None = None
    note: str | None = None
    subject: str | None = None
    preheader: str | None = None
    sign_off: str | None = None

    @property
    def markdown(self) -> tuple[str | None, ...]:
        """The words in which a reader may be named."""
        return self.intro, self.note, self.sign_off


def changes_of(rows: Iterable[EditionChange]) -> Changes:
    """The sum of the rows that count, in the order in which they were made."""
    posts: dict[int, Wish] = {}
    own: dict[int, Wish] = {}
    rewrites: dict[int, dict[str, Any]] = {}
    own_rewrites: dict[int, dict[str, Any]] = {}
    words: dict[ChangeKind, str] = {}
    for row in rows:
        if row.kind in _WISHES and row.post_id is not None:
            posts[row.post_id] = _wish(row.kind, row)
        elif row.kind is ChangeKind.OWN_ITEM and row.own_item_id is not None:
            own[row.own_item_id] = _wish(ChangeKind(row.details["as"]), row)
        elif row.kind is ChangeKind.REWRITE:
            if row.post_id is not None:
                rewrites.setdefault(row.post_id, {}).update(row.details)
            elif row.own_item_id is not None:
                own_rewrites.setdefault(row.own_item_id, {}).update(row.details)
        elif "text" in row.details:
            words[row.kind] = row.details["text"]
    return Changes(
        wishes=Wishes(posts=posts, own=own),
        rewrites=rewrites,
        own_rewrites=own_rewrites,
        intro=words.get(ChangeKind.INTRO),
        note=words.get(ChangeKind.NOTE),
        subject=words.get(ChangeKind.SUBJECT),
        preheader=words.get(ChangeKind.PREHEADER),
        sign_off=words.get(ChangeKind.SIGN_OFF),
    )


def _wish(kind: ChangeKind, row: EditionChange) -> Wish:
    return Wish(
        kind=kind,
        place=row.details.get("place"),
        again=bool(row.details.get("again")),
        by=row.made_by,
        rank=row.id,
    )


def read_changes(session: Session, edition_id: int) -> Changes:
    """The changes that count for an edition."""
    rows = session.scalars(
        sa.select(EditionChange)
        .where(EditionChange.edition_id == edition_id, EditionChange.undone_at.is_(None))
        .order_by(EditionChange.id)
    )
    return changes_of(rows)
