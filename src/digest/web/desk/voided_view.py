"""An approval that is void, for the page: who, when, and the old and new words side by side."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from digest.editions.differences import difference_sentence
from digest.editions.field_changes import LABELS, FieldChange, Piece
from digest.editions.voided import CAUSES, Voided
from digest.i18n import Translator
from digest.web.desk.change_words import ChangeLine, change_lines, told_actor


@dataclass(frozen=True, slots=True)
class FieldLine:
    """A field under its name, with the title of its story."""

    label: str
    story: str
    before: tuple[Piece, ...]
    now: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class VoidedView:
    cause: str
    approved_by: str
    approved_at: dt.datetime
    voided_by: str
    voided_at: dt.datetime
    is_locked: bool
    whole: tuple[str, ...]
    fields: tuple[FieldLine, ...]
    changes: tuple[ChangeLine, ...]


def voided_view(
    found: Voided, titles: Mapping[str, str], names: Mapping[str, str], words: Translator
) -> VoidedView:
    """What the page shows of it."""
    return VoidedView(
        cause=words.gettext(CAUSES[found.cause]),
        approved_by=told_actor(found.approved_by, names, words),
        approved_at=found.approved_at,
        voided_by=told_actor(found.voided_by, names, words),
        voided_at=found.voided_at,
        is_locked=found.is_locked,
        whole=tuple(difference_sentence(one, words) for one in found.whole),
        fields=tuple(_line(one, words) for one in found.fields),
        changes=change_lines(found.changes, titles, names, words),
    )


def _line(one: FieldChange, words: Translator) -> FieldLine:
    return FieldLine(words.gettext(LABELS[one.field]), one.story, one.before, one.now)
