"""The front page: each digest with its latest editions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.i18n import direction, translator
from digest.models import Cadence, Digest, Edition, EditionState, Revision
from digest.rendering.environment import environment
from digest.web.archive_rows import Said, said_of, told_subject

EDITIONS_SHOWN: Final = 10
_DIGESTS_SHOWN: Final = 50


@dataclass(frozen=True, slots=True)
class ShelfEdition:
    """One edition on the front page; `date` is in words, in the digest's language and zone."""

    subject: str
    url: str
    due_at: dt.datetime
    date: str


@dataclass(frozen=True, slots=True)
class Shelf:
    """A digest and its latest editions, newest first. `language` is the one its words are in."""

    title: str
    paper: str
    language: str
    direction: str
    editions: tuple[ShelfEdition, ...]
    archive_url: str = ""  # where all of them are listed; "": nowhere


@dataclass(frozen=True, slots=True)
class FrontPage:
    """What `web/public/front.html` shows; `title` is the paper's name, or ours where papers differ."""

    title: str
    shelves: tuple[Shelf, ...]


def read_shelves(session: Session, states: Sequence[EditionState]) -> tuple[Shelf, ...]:
    """Every digest with its latest editions in these states: three statements, whatever there is."""
    digests = session.execute(
        sa.select(
            Digest.id, Digest.name, Digest.title, Digest.sender_name, Digest.language, Digest.has_archive
        )
        .order_by(Digest.id)
        .limit(_DIGESTS_SHOWN)
    ).all()
    latest = _latest(session, [digest.id for digest in digests], states)
    said = said_of(session, [row.id for row in latest])
    return tuple(
        Shelf(
            title=digest.title,
            paper=digest.sender_name,
            language=digest.language,
            direction=direction(digest.language),
            editions=tuple(
                _edition(row, digest.title, digest.language, said.get(row.id))
                for row in latest
                if row.digest_id == digest.id
            ),
            archive_url=f"/archive/{digest.name}" if digest.has_archive else "",
        )
        for digest in digests
    )


def front_page(shelves: tuple[Shelf, ...], language: str, *, templates: Path | None) -> str:
    """The page; its frame is in `language`, each shelf in its digest's."""
    papers = {shelf.paper for shelf in shelves}
    page = FrontPage(title=papers.pop() if len(papers) == 1 else "Digest", shelves=shelves)
    return environment(language, templates).get_template("web/public/front.html").render({"page": page})


def _latest(
    session: Session, digest_ids: Sequence[int], states: Sequence[EditionState]
) -> Sequence[sa.Row[*tuple[Any, ...]]]:
    rank = (
        sa.func.row_number()
        .over(partition_by=Cadence.digest_id, order_by=(Edition.due_at.desc(), Edition.id.desc()))
        .label("rank")
    )
    ranked = (
        sa.select(
            Edition.id,
            Cadence.digest_id,
            Edition.public_id,
            Edition.due_at,
            Cadence.zone,
            Edition.revision_id,
            rank,
        )
        .join(Cadence, Cadence.id == Edition.cadence_id)
        .where(Edition.state.in_(states), Cadence.digest_id.in_(digest_ids))
        .subquery()
    )
    return session.execute(
        sa.select(
            ranked.c.id,
            ranked.c.digest_id,
            ranked.c.public_id,
            ranked.c.due_at,
            ranked.c.zone,
            Revision.subject,
            ranked.c.rank,
        )
        .join(Revision, Revision.id == ranked.c.revision_id)
        .where(ranked.c.rank <= EDITIONS_SHOWN)
        .order_by(ranked.c.digest_id, ranked.c.rank)
    ).all()


def _edition(row: sa.Row[*tuple[Any, ...]], title: str, language: str, said: Said | None) -> ShelfEdition:
    return ShelfEdition(
        subject=told_subject(
            row.subject, said, title=title, language=language, due_at=row.due_at, zone=row.zone
        ),
        url=f"/e/{row.public_id}",
        due_at=row.due_at,
        date=translator(language).date(row.due_at, row.zone),
    )
