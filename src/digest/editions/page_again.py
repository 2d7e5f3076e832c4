"""The page of an edition that went out, made anew from its stored stories and what was put right since."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import jinja2
import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.editions.amended import amended
from digest.editions.compose import Placed, frame_of
from digest.editions.correction_words import as_correction
from digest.editions.corrections import put_right_of
from digest.editions.notes import changes_in, note_of
from digest.editions.stories import story_of
from digest.editions.surroundings import surroundings_of
from digest.editions.told import is_told_by, neutral_subject
from digest.errors import DigestError
from digest.i18n import N_
from digest.lists.in_mails import personal_of
from digest.models import Amendment, Cadence, Digest, Edition, Item, Revision, Role
from digest.rendering.contexts import EditionContext
from digest.rendering.digest_email import render_web


@dataclass(frozen=True, slots=True)
class Paper:
    """What a page needs from outside of its edition."""

    public_url: str
    templates: Path | None = None


def list_amendments(session: Session, edition_id: int) -> list[Amendment]:
    """All that was put right about an edition since it went out, what was taken back among it."""
    rows = sa.select(Amendment).where(Amendment.edition_id == edition_id).order_by(Amendment.id)
    return list(session.scalars(rows))


def standing(session: Session, edition_id: int) -> list[Amendment]:
    """What stands of it, in the order in which it was said."""
    return [one for one in list_amendments(session, edition_id) if one.undone_at is None]


def remake_page(session: Session, edition: Edition, paper: Paper) -> None:
    """Make the edition's page anew, as it stands since; nothing put right: it is its version's own again.

    Raises DigestError for a template that it cannot be made from.
    """
    said = standing(session, edition.id)
    try:
        edition.web_html = (
            render_web(_context(session, edition, said, paper), templates=paper.templates) if said else None
        )
    except (jinja2.TemplateError, ValueError) as error:
        raise DigestError(
            N_("The page of edition %(edition)s cannot be made anew: %(why)s"),
            edition=edition.id,
            why=str(error),
        ) from error
    session.flush()


def _context(session: Session, edition: Edition, said: Sequence[Amendment], paper: Paper) -> EditionContext:
    """What the page shows: as the version had it, but for what was put right."""
    cadence = session.get_one(Cadence, edition.cadence_id)
    digest = session.get_one(Digest, cadence.digest_id)
    revision = session.get_one(Revision, edition.revision_id)
    items = session.scalars(
        sa.select(Item).where(Item.revision_id == revision.id).order_by(Item.position)
    ).all()
    placed = [(item.position, Placed(item.role, item.post_id, story_of(item.story))) for item in items]
    now_placed = amended(placed, said)
    changes = changes_in(session, edition.id, revision.number)
    context = frame_of(
        digest,
        cadence,
        edition,
        public_url=paper.public_url,
        featured=next((one.story for one in now_placed if one.role is Role.FEATURED), None),
        recent=tuple(one.story for one in now_placed if one.role is Role.RECENT),
        personal=personal_of(session, digest, *changes.markdown),
        changes=changes,
        around=surroundings_of(session, digest),
    )
    if (right := put_right_of(session, edition)) is not None:
        context = as_correction(context, right.note, changes)
    gone = [one for (_, one), after in zip(placed, now_placed, strict=True) if after.story.is_taken_down]
    tells = any(one.role is Role.FEATURED or is_told_by(revision.subject, one.story.title) for one in gone)
    return replace(
        context,
        # A line that tells of what was taken down goes with it.
        subject=neutral_subject(digest.title, digest.language, edition.due_at, cadence.zone)
        if tells
        else revision.subject,
        preheader="" if gone else revision.preheader,
        correction=note_of(session, edition.id, revision.number) or context.correction,
    )
