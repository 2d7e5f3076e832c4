"""What the archive, its feeds and the front page read: editions that went out, as they may be told of now.

Each read takes the same number of statements, however much there is.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.editions.states import PUBLIC
from digest.editions.told import is_told_by, neutral_subject
from digest.models import Amendment, AmendmentKind, Cadence, Digest, Edition, Item, Revision, Role

_MOST_MONTHS: Final = 1_200


@dataclass(frozen=True, slots=True)
class Archive:
    """A digest whose past editions are listed for everybody."""

    id: int
    name: str
    title: str
    paper: str
    language: str
    home_url: str


@dataclass(frozen=True, slots=True)
class Line:
    """An edition in a list. `preheader` is "" where it might tell of what was taken down since."""

    id: int
    revision_id: int
    public_id: str
    subject: str
    preheader: str
    due_at: dt.datetime
    zone: str
    amended_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """What was put right about an edition: notes and takings down by position, and when last."""

    notes: Mapping[int, list[str]] = field(default_factory=dict)
    gone: frozenset[int] = frozenset()
    gone_stories: tuple[tuple[Role, str], ...] = ()  # with their titles
    at: dt.datetime | None = None


def archive_named(session: Session, name: str) -> Archive | None:
    """The archive of this digest; None if it has none, or there is no such digest."""
    row = session.execute(_archives().where(Digest.name == name)).first()
    return Archive(*row) if row else None


def archives(session: Session) -> list[Archive]:
    """Every digest with an archive."""
    return [Archive(*row) for row in session.execute(_archives().order_by(Digest.id))]


def months_of(session: Session, digest_ids: Sequence[int]) -> list[tuple[int, str, int]]:
    """The months in which editions went out, the newest first: digest, `2026-11`, how many.

    An edition's month is that of its slot where its cadence counts, so that it does not change with readers.
    """
    month = sa.func.substr(Edition.due_local, 1, 7).label("month")
    rows = session.execute(
        sa.select(Cadence.digest_id, month, sa.func.count())
        .join(Cadence, Cadence.id == Edition.cadence_id)
        .where(Cadence.digest_id.in_(digest_ids), Edition.state.in_(PUBLIC), Edition.revision_id.is_not(None))
        .group_by(Cadence.digest_id, month)
        .order_by(month.desc(), Cadence.digest_id)
        .limit(_MOST_MONTHS)
    )
    return [(digest_id, text, count) for digest_id, text, count in rows]


def latest(session: Session, digest_id: int, most: int) -> list[Line]:
    """A digest's latest editions, the newest first."""
    return _lines(session, _editions().where(Cadence.digest_id == digest_id).limit(most))


def of_month(
    session: Session, digest_id: int, month: dt.date, most: int, *, before: str | None = None
) -> list[Line]:
    """The editions of a month, the newest first; with `before` those that follow on one, by its public id."""
    # Zones are at most a day away: the index finds the month, its name is the judge.
    begin = dt.datetime(month.year, month.month, 1, tzinfo=dt.UTC)
    query = _editions().where(
        Cadence.digest_id == digest_id,
        Edition.due_at >= begin - dt.timedelta(days=2),
        Edition.due_at < begin + dt.timedelta(days=34),
        sa.func.substr(Edition.due_local, 1, 7) == f"{month:%Y-%m}",
    )
    if before is not None:
        last = sa.orm.aliased(Edition)
        of_last = sa.select(last.due_at, last.id).where(last.public_id == before).subquery()
        query = query.where(
            sa.tuple_(Edition.due_at, Edition.id)
            < sa.tuple_(
                sa.select(of_last.c.due_at).scalar_subquery(), sa.select(of_last.c.id).scalar_subquery()
            )
        )
    return _lines(session, query.limit(most))


def all_public(session: Session, digest_ids: Sequence[int], most: int) -> list[Line]:
    """The latest editions of these digests, the newest first."""
    return _lines(session, _editions().where(Cadence.digest_id.in_(digest_ids)).limit(most))


def stories_of(session: Session, revision_ids: Iterable[int]) -> dict[int, list[tuple[int, str, str]]]:
    """The stories of some versions, in order: position, title and address."""
    found: dict[int, list[tuple[int, str, str]]] = defaultdict(list)
    rows = session.execute(
        sa.select(
            Item.revision_id, Item.position, Item.story["title"].as_string(), Item.story["url"].as_string()
        )
        .where(Item.revision_id.in_(list(revision_ids)))
        .order_by(Item.revision_id, Item.position)
    )
    for revision_id, position, title, url in rows:
        found[revision_id].append((position, title or "", url or ""))
    return found


def said_of(session: Session, edition_ids: Sequence[int]) -> dict[int, Said]:
    """What was put right about some editions; those of which nothing was are left out."""
    rows = session.execute(
        sa.select(
            Amendment.edition_id,
            Amendment.position,
            Amendment.kind,
            Amendment.text,
            Amendment.made_at,
            Amendment.undone_at,
            Item.role,
            Item.story["title"].as_string().label("title"),
        )
        .join(Edition, Edition.id == Amendment.edition_id)
        .outerjoin(
            Item, sa.and_(Item.revision_id == Edition.revision_id, Item.position == Amendment.position)
        )
        .where(Amendment.edition_id.in_(edition_ids))
        .order_by(Amendment.id)
    )
    by_edition: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        by_edition[row.edition_id].append(row)
    return {edition_id: _said(each) for edition_id, each in by_edition.items()}


def told_subject(
    subject: str, said: Said | None, *, title: str, language: str, due_at: dt.datetime, zone: str
) -> str:
    """An edition's subject, or its day where that would tell of what was taken down."""
    stories = said.gone_stories if said is not None else ()
    if any(role is Role.FEATURED or is_told_by(subject, name) for role, name in stories):
        return neutral_subject(title, language, due_at, zone)
    return subject


def _said(rows: Sequence[Any]) -> Said:
    notes: dict[int, list[str]] = defaultdict(list)
    standing = [row for row in rows if row.undone_at is None]
    for row in standing:
        if row.kind is AmendmentKind.NOTE:
            notes[row.position].append(row.text)
    gone = [row for row in standing if row.kind is AmendmentKind.TAKEN_DOWN]
    return Said(
        notes=notes,
        gone=frozenset(row.position for row in gone),
        gone_stories=tuple((row.role, row.title or "") for row in gone),
        at=max(row.undone_at or row.made_at for row in rows),
    )


def _archives() -> sa.Select[*tuple[Any, ...]]:
    return sa.select(
        Digest.id, Digest.name, Digest.title, Digest.sender_name, Digest.language, Digest.home_url
    ).where(Digest.has_archive)


def _editions() -> sa.Select[*tuple[Any, ...]]:
    return (
        sa.select(
            Edition.id,
            Edition.revision_id,
            Edition.public_id,
            Revision.subject,
            Revision.preheader,
            Edition.due_at,
            Cadence.zone,
            Digest.title,
            Digest.language,
        )
        .join(Cadence, Cadence.id == Edition.cadence_id)
        .join(Digest, Digest.id == Cadence.digest_id)
        .join(Revision, Revision.id == Edition.revision_id)
        .where(Edition.state.in_(PUBLIC))
        .order_by(Edition.due_at.desc(), Edition.id.desc())
    )


def _lines(session: Session, query: sa.Select[*tuple[Any, ...]]) -> list[Line]:
    rows = session.execute(query).all()
    said = said_of(session, [row.id for row in rows])
    return [
        Line(
            id=row.id,
            revision_id=row.revision_id,
            public_id=row.public_id,
            subject=told_subject(
                row.subject,
                said.get(row.id),
                title=row.title,
                language=row.language,
                due_at=row.due_at,
                zone=row.zone,
            ),
            preheader="" if row.id in said and said[row.id].gone else row.preheader,
            due_at=row.due_at,
            zone=row.zone,
            amended_at=said[row.id].at if row.id in said else None,
        )
        for row in rows
    ]
