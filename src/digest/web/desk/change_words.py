"""What editors did to an edition, in words, with who did it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.editions.board import Board, key_of
from digest.editions.gate import DEADLINE, FREEZE
from digest.editions.progress import MACHINE
from digest.i18n import N_, Translator
from digest.models import Account, ChangeKind, EditionChange

KINDS: Final = {
    ChangeKind.PIN: N_("placed a story"),
    ChangeKind.DROP: N_("took a story out"),
    ChangeKind.INCLUDE: N_("put a story in"),
    ChangeKind.REWRITE: N_("rewrote a story"),
    ChangeKind.INTRO: N_("wrote the words on top"),
    ChangeKind.NOTE: N_("wrote a note"),
    ChangeKind.SIGN_OFF: N_("wrote the words below the stories"),
    ChangeKind.SUBJECT: N_("wrote the subject"),
    ChangeKind.PREHEADER: N_("wrote the line beside the subject"),
    ChangeKind.OWN_ITEM: N_("placed a story of the desk's own"),
    ChangeKind.ACCEPT: N_("said that unusual news is meant"),
}


@dataclass(frozen=True, slots=True)
class ChangeLine:
    """Something that an editor did, in words."""

    id: int
    by: str
    at: dt.datetime
    words: str
    title: str
    is_undone: bool


def change_lines(
    rows: Iterable[EditionChange], titles: Mapping[str, str], names: Mapping[str, str], words: Translator
) -> tuple[ChangeLine, ...]:
    """Changes in words; `titles` are those of the stories by their keys."""
    return tuple(
        ChangeLine(
            id=row.id,
            by=told_actor(row.made_by, names, words),
            at=row.made_at,
            words=words.gettext(KINDS[row.kind]),
            title=titles.get(key_of(row.post_id, row.own_item_id), ""),
            is_undone=row.undone_at is not None,
        )
        for row in rows
    )


def titles_of(board: Board) -> dict[str, str]:
    """The titles of the stories that are in an edition, and of those that are not, by their keys."""
    inside = {one.key: one.story.title for one in board.stories}
    return inside | {one.key: one.title for one in board.left_out}


def names_of(session: Session) -> dict[str, str]:
    """The people of the desk by how the trail names them."""
    return {f"account:{row.id}": row.name for row in session.execute(sa.select(Account.id, Account.name))}


def told_actor(actor: str, names: Mapping[str, str], words: Translator) -> str:
    """Who did something, for a person: a name, the command line's user, or the clock."""
    if actor in names:
        return names[actor]
    if actor in (MACHINE, FREEZE, DEADLINE):
        return words.gettext("The clock")
    return words.gettext("%(name)s (command line)", name=actor[4:]) if actor.startswith("cli:") else actor
