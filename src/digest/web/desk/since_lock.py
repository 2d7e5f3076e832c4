"""What has changed on the sites since an edition was locked, for its page: old and new words side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy.orm import Session

from digest.editions.changed_since import FieldChange, StoryChange, changed_since_lock
from digest.editions.field_changes import LABELS, Field, Piece, marked
from digest.i18n import N_, Translator
from digest.models import Edition, EditionState, Withdrawal

GONE: Final[dict[Withdrawal, str]] = {
    Withdrawal.GONE: N_("It is not there any more."),
    Withdrawal.FORBIDDEN: N_("Its page is not open to everybody any more."),
    Withdrawal.UNPUBLISHED: N_("It is not published any more."),
    Withdrawal.PROTECTED: N_("It is behind a password now."),
    Withdrawal.KEPT_OUT: N_("Its site marks it as not for the digest."),
}


@dataclass(frozen=True, slots=True)
class ChangedField:
    """A part of a story under its name."""

    label: str
    before: tuple[Piece, ...]
    now: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class ChangedStory:
    """A story that is not on its site any more as it was locked; `gone` says why it is not offered there."""

    title: str
    gone: str
    fields: tuple[ChangedField, ...]


def since_lock(session: Session, edition: Edition, words: Translator) -> tuple[ChangedStory, ...]:
    """The stories of a locked edition that have changed since, as of the last reading; else none.

    Of one that is being handed over another page says how it is corrected.
    """
    if edition.state is not EditionState.FROZEN or edition.revision_id is None:
        return ()
    return tuple(_story(one, words) for one in changed_since_lock(session, edition))


def _story(one: StoryChange, words: Translator) -> ChangedStory:
    gone = words.gettext(GONE[one.withdrawn]) if one.withdrawn is not None else ""
    return ChangedStory(one.title, gone, tuple(_field(each, words) for each in one.changes))


def _field(one: FieldChange, words: Translator) -> ChangedField:
    pieces = marked("\n".join(one.before), "\n".join(one.now))
    return ChangedField(words.gettext(LABELS[Field(one.part)]), *pieces)
