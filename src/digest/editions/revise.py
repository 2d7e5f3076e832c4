"""The next version of an edition that is locked or paused: corrected words, without a story, with a note.

    read the current version's stories -> correct -> render (no transaction) -> store as the next version

It is made by the same rendering as the first one, from the stories as they were stored: no site is read
again, and nothing that has come in since gets in. It goes out only once it is approved and an edition goes
on with it (`deliveries.switch`). The digest's own words and looks are those of now.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import jinja2
import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import audit, clock
from digest.db import Database
from digest.editions.changes import Changes, read_changes
from digest.editions.checks import Look, check
from digest.editions.compose import Composed, Placed, compose_context, frame_of
from digest.editions.corrected_words import TEXT_LIMIT, clean_note, needed_line, of_story
from digest.editions.correction_words import as_correction
from digest.editions.corrections import PutRight, put_right_of
from digest.editions.headings import Headings
from digest.editions.mend import placed_as
from digest.editions.notes import keep_note, keep_own_words, own_words_of, with_own_words
from digest.editions.revisions import revision_of, store_revision
from digest.editions.shape import check_markdown
from digest.editions.show import get_edition
from digest.editions.stories import story_of
from digest.editions.surroundings import Surroundings, surroundings_of
from digest.editions.topic_sets import Rendering, after_drop
from digest.errors import DigestError, InputError, StateError
from digest.feeds.sanitise import sanitise
from digest.i18n import N_
from digest.lists.fields import clean_line
from digest.lists.in_mails import personal_of
from digest.models import Cadence, ChangeKind, Digest, Edition, EditionState, Item, Revision, Role, Variant
from digest.preflight.mail_words import as_error
from digest.rendering.contexts import EditionContext, Personal, TextSize
from digest.rendering.digest_email import render_subject

# What may have a next version: nobody is being mailed while it changes.
REVISABLE: Final = (EditionState.FROZEN, EditionState.HELD, EditionState.PAUSED)


@dataclass(frozen=True, slots=True)
class Correction:
    """What the next version has otherwise. Stories are numbered from 1, as `digest edition show` lists them.

    `bodies` are HTML and replace the text of a featured story. `note` is shown to the readers of this version
    and is not carried over to one after it; a subject that a person gave is. `intro` are the words on top,
    `sign_off` those below the stories, Markdown; None: as they were.
    """

    subject: str = ""
    note: str = ""
    intro: str | None = None
    sign_off: str | None = None
    titles: Mapping[int, str] = field(default_factory=dict)
    excerpts: Mapping[int, str] = field(default_factory=dict)
    bodies: Mapping[int, str] = field(default_factory=dict)
    dropped: frozenset[int] = frozenset()

    @property
    def is_empty(self) -> bool:
        words = self.subject or self.note or self.titles or self.excerpts or self.bodies
        return self.intro is None and self.sign_off is None and not (words or self.dropped)


@dataclass(frozen=True, slots=True)
class _Current:
    """The version that the next one is made from; `own_words` are those around the stories, if its own."""

    edition: Edition
    cadence: Cadence
    digest: Digest
    revision: Revision
    placed: tuple[Placed, ...]
    renderings: tuple[Rendering, ...]
    personal: tuple[Personal, ...]
    changes: Changes
    own_words: Mapping[ChangeKind, str]
    around: Surroundings
    put_right: PutRight | None


def revise(
    database: Database,
    edition_id: int,
    correction: Correction,
    *,
    public_url: str,
    templates: Path | None,
    actor: str,
    look: Look | None = None,
    base: int | None = None,
) -> int:
    """Make the next version of an edition from its current one; its number. Nothing goes out by this.

    With `base` it is made from that version, which must be the newest: somebody who builds on what they have
    seen undoes nobody's correction. It is checked as the first one was, its links and pictures too if `look`
    is given. Raises StateError for an edition that is not locked, held or paused or that changed meanwhile,
    and for a version that the checks stop; InputError for a story that is not there or words that cannot be
    used.
    """
    made = prepare(
        database, edition_id, correction, public_url=public_url, templates=templates, look=look, base=base
    )
    with database.write() as session:
        return store(session, made, actor=actor, now=clock.utc_now()).number


@dataclass(frozen=True, slots=True)
class Prepared:
    """A next version that is made and checked, but not stored."""

    current: _Current
    composed: Composed
    note: str
    base: int | None = None


def prepare(
    database: Database,
    edition_id: int,
    correction: Correction,
    *,
    public_url: str,
    templates: Path | None,
    look: Look | None = None,
    base: int | None = None,
) -> Prepared:
    """Make the next version without storing it, as `revise` does and with what it raises."""
    with database.read() as session:
        current = _current(session, edition_id, correction, base)
    placed = _corrected(current.placed, correction)
    dropped = {number - 1 for number in correction.dropped}
    try:
        context = _next_context(current, placed, correction, public_url=public_url, templates=templates)
        checked = check(
            current.digest,
            context,
            lambda mended: compose_context(
                current.digest,
                mended,
                placed=placed_as(placed, mended),
                text_sizes=(),
                # Each topic set stays, of the stories that are left of it: whoever was to get it gets it.
                renderings=after_drop(current.renderings, dropped, len(current.placed)),
                headings=Headings(current.digest, current.cadence, current.edition),
                templates=templates,
            ),
            public_url=public_url,
            look=look,
        )
    except (jinja2.TemplateError, ValueError) as error:
        raise DigestError(N_("The new version cannot be made: %(why)s"), why=str(error)) from error
    if checked.is_blocked:
        why = as_error(one.finding for one in checked.blocks)
        raise StateError(N_("The new version could not be sent. %(why)s"), why=why)
    return Prepared(current, checked.composed, clean_note(correction.note), base)


def _current(session: Session, edition_id: int, correction: Correction, base: int | None) -> _Current:
    edition = get_edition(session, edition_id)
    check_revisable(edition)
    revision = session.get_one(Revision, edition.revision_id)
    if base is not None:
        revision = revision_of(session, edition, base)
    own_words = own_words_of(session, edition_id, revision.number) | _own_words(correction)
    cadence = session.get_one(Cadence, edition.cadence_id)
    variants = session.execute(
        sa.select(Variant.topics, Variant.text_size, Variant.positions)
        .where(Variant.revision_id == revision.id)
        .order_by(Variant.id)
    )
    items = session.scalars(sa.select(Item).where(Item.revision_id == revision.id).order_by(Item.position))
    digest = session.get_one(Digest, cadence.digest_id)
    changes = with_own_words(read_changes(session, edition_id), own_words)
    return _Current(
        edition=edition,
        cadence=cadence,
        digest=digest,
        revision=revision,
        placed=tuple(
            Placed(
                item.role,
                item.post_id,
                story_of(item.story),
                item.own_item_id,
                tuple(item.story.get("topics", ())),
            )
            for item in items
        ),
        renderings=tuple(
            Rendering(topics, TextSize(size), None if positions is None else tuple(positions))
            for topics, size, positions in variants
        ),
        personal=personal_of(session, digest, *changes.markdown),
        changes=changes,
        own_words=own_words,
        around=surroundings_of(session, digest),
        put_right=put_right_of(session, edition),
    )


def check_revisable(edition: Edition) -> None:
    """Raise StateError, with what to do, for an edition whose content cannot be exchanged now."""
    if edition.state is EditionState.SENDING:
        raise StateError(
            N_("This edition is being handed over; pause it first."),
            hint=f"`digest edition pause {edition.id}` does.",
        )
    if edition.state not in REVISABLE:
        raise StateError(
            N_("It gets no other version: only a locked or paused one does."),
            hint=f"Edition {edition.id} is {edition.state}.",
        )
    if edition.revision_id is None:
        raise StateError(
            N_("This edition has no version yet; lock it first."), hint="`digest edition freeze` does."
        )


def _corrected(placed: tuple[Placed, ...], correction: Correction) -> tuple[Placed, ...]:
    """The stories of the next version."""
    if correction.is_empty:
        raise InputError(
            N_("Nothing to correct was given."), hint="`digest edition revise --help` lists what can be."
        )
    named = {*correction.titles, *correction.excerpts, *correction.bodies, *correction.dropped}
    unknown = sorted(number for number in named if not 1 <= number <= len(placed))
    if unknown:
        raise InputError(
            N_("There is no story %(number)s; this version has %(count)s, from 1 on."),
            number=unknown[0],
            count=len(placed),
        )
    kept = tuple(
        corrected_story(number, one, correction)
        for number, one in enumerate(placed, start=1)
        if number not in correction.dropped
    )
    if not kept:
        raise InputError(
            N_("No story would be left; stop the edition instead."), hint="`digest edition cancel` does."
        )
    return kept


def corrected_story(number: int, placed: Placed, correction: Correction) -> Placed:
    """A story with the words that are corrected; raises InputError for words that it cannot have."""
    story = placed.story
    if (title := correction.titles.get(number)) is not None:
        story = dataclasses.replace(
            story, title=needed_line(title, of_story(N_("title of story %(number)s"), number))
        )
    if (excerpt := correction.excerpts.get(number)) is not None:
        words = clean_line(
            excerpt, what=of_story(N_("excerpt of story %(number)s"), number), limit=TEXT_LIMIT
        )
        story = dataclasses.replace(story, excerpt=words)
    if (body := correction.bodies.get(number)) is not None:
        if placed.role is not Role.FEATURED:
            raise of_story(N_("Story %(number)s has no text of its own; only the featured one has."), number)
        story = dataclasses.replace(story, body_html=sanitise(body, base_url=story.url), is_cut=False)
    return dataclasses.replace(placed, story=story)


def _own_words(correction: Correction) -> dict[ChangeKind, str]:
    given = {ChangeKind.INTRO: correction.intro, ChangeKind.SIGN_OFF: correction.sign_off}
    return {kind: check_markdown(kind, text) for kind, text in given.items() if text is not None}


def _next_context(
    current: _Current,
    placed: tuple[Placed, ...],
    correction: Correction,
    *,
    public_url: str,
    templates: Path | None,
) -> EditionContext:
    before = _context(current, current.placed, public_url=public_url)
    subject = correction.subject and needed_line(correction.subject, InputError(N_("subject")))
    if not subject and current.revision.subject != render_subject(before, templates=templates):
        subject = current.revision.subject  # that a person gave
    after = _context(current, placed, public_url=public_url)
    return dataclasses.replace(
        after,
        subject=subject or after.subject,
        correction=clean_note(correction.note) or after.correction,
    )


def _context(current: _Current, placed: tuple[Placed, ...], *, public_url: str) -> EditionContext:
    featured = next((one.story for one in placed if one.role is Role.FEATURED), None)
    frame = frame_of(
        current.digest,
        current.cadence,
        current.edition,
        public_url=public_url,
        featured=featured,
        recent=tuple(one.story for one in placed if one.role is Role.RECENT),
        personal=current.personal,
        changes=current.changes,
        around=current.around,
    )
    right = current.put_right
    return frame if right is None else as_correction(frame, right.note, current.changes)


def store(session: Session, prepared: Prepared, *, actor: str, now: dt.datetime) -> Revision:
    """Store what was prepared as the edition's next version; raises StateError if that changed meanwhile."""
    current, note = prepared.current, prepared.note
    edition = session.get_one(Edition, current.edition.id, with_for_update={"key_share": True})
    check_revisable(edition)
    is_same = edition.revision_id == current.edition.revision_id
    if prepared.base is not None:
        is_same = is_same and revision_of(session, edition).number == prepared.base
    if not is_same:
        raise StateError(N_("This edition has got another version meanwhile; look at it and try again."))
    made = store_revision(session, edition.id, prepared.composed, now=now)
    if note:
        keep_note(session, edition.id, made.number, note, actor=actor, now=now)
    keep_own_words(session, edition.id, made.number, current.own_words, actor=actor, now=now)
    details = {"revision": made.number, "from": current.revision.number, "fingerprint": made.fingerprint}
    audit.record(session, "edition.revise", edition, actor=actor, now=now, details=details)
    return made
