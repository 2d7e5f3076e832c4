"""A correction edition: a story that went out wrong goes once more, put right, to those who had it.

The people are found when it is planned (`lists.had_story`), its mail follows on the one that each of them
has. Steps never commit.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import audit
from digest.editions.compose import Placed
from digest.editions.corrections import PutRight
from digest.editions.revise import Correction, corrected_story
from digest.editions.revisions import revision_of
from digest.editions.shape import set_words
from digest.editions.slots import add_edition
from digest.editions.stories import story_of
from digest.errors import InputError, StateError
from digest.i18n import N_
from digest.lists.fields import clean_line
from digest.lists.had_story import had_story
from digest.models import (
    Cadence,
    ChangeKind,
    Edition,
    EditionChange,
    EditionKind,
    EditionState,
    EditionTotals,
    Item,
    Revision,
)
from digest.queueing.enqueue import enqueue
from digest.queueing.names import TaskName

# Of one that is being handed over nobody can say yet who will have had the story.
CORRECTABLE: Final = (EditionState.PAUSED, EditionState.SENT, EditionState.CANCELLED)
NOTE_LIMIT: Final = 2_000
_A_MOMENT: Final = dt.timedelta(hours=1)  # a form that is sent once more, by a double press or by Back


class MadeAlreadyError(StateError):
    """The very same correction was asked for a moment ago: nobody is sent it twice."""

    def __init__(self, edition_id: int) -> None:
        super().__init__(f"This very correction was made a moment ago: it is edition {edition_id}.")
        self.edition_id = edition_id


@dataclass(frozen=True, slots=True)
class Wrong:
    """Which story was wrong, and how it is put right. `story` is its number, from 1 on.

    With a `revision` it is a story of that version and goes to those alone who had that one, for a later
    version put it right already; else it is of the current version, and goes to all who had it in any.
    `title`, `excerpt` and `body` (HTML, of a featured story) are as they should be; None: as they were.
    """

    story: int
    note: str
    subject: str = ""
    title: str | None = None
    excerpt: str | None = None
    body: str | None = None
    revision: int | None = None


def correct(
    session: Session, edition: Edition, wrong: Wrong, *, due_at: dt.datetime, actor: str, now: dt.datetime
) -> Edition:
    """Make the correction edition of a story that went out; it is locked when its lead begins, or at once.

    Raises StateError for an edition that did not go out, is being handed over, or whose people are not on
    record any more, where nobody who may be mailed had the story, and, as MadeAlreadyError, for the very same
    words once more; InputError for a story that is not there, or words that cannot be used.
    """
    _check(session, edition)
    revision = _revision(session, edition, wrong.revision)
    item = _item(session, revision, wrong.story)
    note = clean_line(wrong.note, what=N_("note"), limit=NOTE_LIMIT)
    if not note:
        raise InputError(
            N_("Say what was wrong, in one sentence for the readers."), hint="Give it as --note."
        )
    placed = Placed(item.role, item.post_id, story_of(item.story), item.own_item_id)
    right = PutRight(
        note,
        corrected_story(wrong.story, placed, _words(wrong)),
        revision.id,
        actor,
        is_only=wrong.revision is not None,
    )
    if (before := _made_before(session, edition, right, now=now)) is not None:
        raise MadeAlreadyError(before)
    made = _add(session, edition, item.position, right, due_at=due_at, actor=actor, now=now)
    if session.scalar(sa.select(sa.func.count()).select_from(had_story(session, made).subquery())) == 0:
        raise StateError(N_("Nobody who may still be mailed has had this story."))
    if wrong.subject:
        set_words(session, made, ChangeKind.SUBJECT, wrong.subject, actor=actor, now=now)
    details = {"correction": made.id, "revision": revision.number, "story": wrong.story}
    audit.record(session, "edition.correct", edition, actor=actor, now=now, details=details)
    lead = session.scalars(sa.select(Cadence.lead_seconds).where(Cadence.id == edition.cadence_id)).one()
    if due_at - dt.timedelta(seconds=lead) <= now:
        enqueue(session, TaskName.FREEZE, made.id)
    return made


def _check(session: Session, edition: Edition) -> None:
    session.flush()
    session.refresh(edition, with_for_update={"key_share": True})
    if edition.state is EditionState.SENDING:
        raise StateError(
            N_("This edition is being handed over; pause it first, so that it is known who had the story."),
            hint=f"`digest edition pause {edition.id}` does.",
        )
    if edition.state not in CORRECTABLE or edition.revision_id is None:
        raise StateError(
            N_("It is not corrected by a mail: nobody has had it."),
            hint=f"Edition {edition.id} is {edition.state}.",
        )
    if session.get(EditionTotals, edition.id) is not None:
        raise StateError(
            N_("Edition %(number)s is so old that its people are no longer on record."), number=edition.id
        )


def _revision(session: Session, edition: Edition, number: int | None) -> Revision:
    if number is not None:
        return revision_of(session, edition, number)
    return session.get_one(Revision, edition.revision_id)


def _item(session: Session, revision: Revision, number: int) -> Item:
    items = sa.select(Item).where(Item.revision_id == revision.id).order_by(Item.position)
    found = session.scalars(items.offset(number - 1).limit(1)).first() if 0 < number < 10_000 else None
    if found is None:
        raise InputError(
            N_("There is no story %(number)s in this version."),
            number=number,
            hint=f"`digest edition revisions {revision.edition_id}` shows its stories, from 1 on.",
        )
    return found


def _words(wrong: Wrong) -> Correction:
    number = wrong.story
    return Correction(
        titles={} if wrong.title is None else {number: wrong.title},
        excerpts={} if wrong.excerpt is None else {number: wrong.excerpt},
        bodies={} if wrong.body is None else {number: wrong.body},
    )


def _made_before(session: Session, edition: Edition, right: PutRight, *, now: dt.datetime) -> int | None:
    """The correction in the same words that was asked for a moment ago, by whomever, and was not stopped."""
    rows = session.execute(
        sa.select(EditionChange.edition_id, EditionChange.details)
        .join(Edition, Edition.id == EditionChange.edition_id)
        .where(
            Edition.corrects_id == edition.id,
            Edition.state.not_in((EditionState.SKIPPED, EditionState.CANCELLED)),
            EditionChange.kind == ChangeKind.NOTE,
            EditionChange.made_at > now - _A_MOMENT,
        )
        .order_by(EditionChange.id.desc())
    )
    wanted = _as_kept(right.as_json())
    return next((number for number, kept in rows if _as_kept(kept) == wanted), None)


def _as_kept(details: Mapping[str, Any]) -> str:
    return json.dumps({name: value for name, value in details.items() if name != "by"}, sort_keys=True)


def _add(
    session: Session,
    edition: Edition,
    position: int,
    right: PutRight,
    *,
    due_at: dt.datetime,
    actor: str,
    now: dt.datetime,
) -> Edition:
    cadence = session.get_one(Cadence, edition.cadence_id)
    made_id = add_edition(session, cadence, kind=EditionKind.CORRECTION, due_at=due_at, now=now)
    if made_id is None:
        raise InputError(
            N_("There is a correction of this very moment already; try once more."),
            hint="Or give it another moment with --at.",
        )
    made = session.get_one(Edition, made_id)
    made.corrects_id, made.corrects_position = edition.id, position
    session.add(
        EditionChange(
            edition_id=made_id,
            kind=ChangeKind.NOTE,
            details=right.as_json(),
            made_by=actor,
            made_at=now,
        )
    )
    session.flush()
    return made
