"""Reads of digests, cadences and editions for whoever looks: lists, one edition whole, what is coming."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import clock
from digest.editions.compose import context_of
from digest.editions.material import considered, material_from
from digest.editions.topic_lines import VariantLine, variants_of
from digest.errors import NotFoundError
from digest.i18n import N_
from digest.models import (
    Batch,
    Cadence,
    Delivery,
    DeliveryStatus,
    Digest,
    Edition,
    EditionKind,
    EditionState,
    EditionTotals,
    Item,
    Reason,
    Revision,
    Role,
)
from digest.preflight.mail_findings import FoundIn, found_of

_IDS_LIMIT = 2**63  # what the databases' whole numbers hold


@dataclass(frozen=True, slots=True)
class EditionLine:
    """One edition in a list. `subject` is empty until its content is fixed."""

    id: int
    public_id: str
    digest: str
    cadence: str
    zone: str
    kind: EditionKind
    state: EditionState
    reason: Reason | None
    reason_detail: str
    due_at: dt.datetime
    due_local: str
    send_at: dt.datetime
    subject: str


@dataclass(frozen=True, slots=True)
class ItemLine:
    """A story placed in an edition, or one that would be if it were fixed now."""

    role: Role
    title: str
    author: str
    url: str
    published_at: dt.datetime


@dataclass(frozen=True, slots=True)
class BatchFault:
    """What a mail service does wrong now: the words, how many batches wait for it, the next try."""

    fault: str
    batches: int
    next_try_at: dt.datetime


@dataclass(frozen=True, slots=True)
class EditionView:
    """One edition whole. `is_fixed` says whether its stories are frozen or only the present choice.

    `deliveries` holds every status, with 0 where there is none; once the people of an old edition are no
    longer on record (since `dropped_at`) these are its totals.
    """

    line: EditionLine
    is_fixed: bool
    revision: int | None
    fingerprint: str
    planned_at: dt.datetime | None
    items: tuple[ItemLine, ...]
    deliveries: dict[DeliveryStatus, int]
    faults: tuple[BatchFault, ...]
    dropped_at: dt.datetime | None = None
    # Its different mails by topics and text size; none where all get the same.
    variants: tuple[VariantLine, ...] = ()
    findings: tuple[FoundIn, ...] = ()  # what the checks said when its version was made


def digest_of(session: Session, edition: Edition) -> Digest:
    """The digest that an edition is of."""
    cadence = session.get_one(Cadence, edition.cadence_id)
    return session.get_one(Digest, cadence.digest_id)


def get_edition(session: Session, edition_id: int) -> Edition:
    """An edition by its id; raises NotFoundError."""
    found = session.get(Edition, edition_id) if 0 < edition_id < _IDS_LIMIT else None
    if found is None:
        raise NotFoundError(
            N_("There is no edition %(edition)s."),
            edition=edition_id,
            hint="`digest edition list` shows those there are.",
        )
    return found


def list_editions(
    session: Session,
    *,
    digest_id: int | None = None,
    states: Collection[EditionState] = (),
    limit: int = 20,
) -> list[EditionLine]:
    """The editions by slot, the newest first, of a digest and in states if they are given."""
    query = _lines().order_by(Edition.due_at.desc(), Edition.id.desc()).limit(limit)
    if digest_id is not None:
        query = query.where(Cadence.digest_id == digest_id)
    if states:
        query = query.where(Edition.state.in_(states))
    return [EditionLine(*row) for row in session.execute(query)]


def edition_line(session: Session, edition_id: int) -> EditionLine:
    """One edition as in a list; raises NotFoundError."""
    get_edition(session, edition_id)
    return EditionLine(*session.execute(_lines().where(Edition.id == edition_id)).one())


def show_edition(session: Session, edition_id: int) -> EditionView:
    """One edition with its stories, how far it is handed over, and what its mail service does wrong."""
    edition = get_edition(session, edition_id)
    line = edition_line(session, edition_id)
    revision = session.get(Revision, edition.revision_id) if edition.revision_id else None
    items = _fixed_items(session, revision.id) if revision else coming_items(session, edition)
    totals = session.get(EditionTotals, edition_id)
    return EditionView(
        line=line,
        is_fixed=revision is not None,
        revision=revision.number if revision else None,
        fingerprint=revision.fingerprint if revision else "",
        planned_at=edition.planned_at,
        items=items,
        deliveries=_totals(totals) if totals else _deliveries(session, edition_id),
        faults=_faults(session, edition_id),
        dropped_at=totals.dropped_at if totals else None,
        variants=variants_of(session, edition).get(revision.id, ()) if revision else (),
        findings=tuple(found_of(revision.findings)) if revision else (),
    )


def coming_items(session: Session, edition: Edition) -> tuple[ItemLine, ...]:
    """The stories that would go in if the edition were fixed now; none once it is final."""
    if edition.state not in (EditionState.UPCOMING, EditionState.HELD):
        return ()
    one = considered(session, edition.id, now=clock.utc_now())
    material = material_from(session, one)
    context = context_of(material, public_url="")
    stories = [(Role.RECENT, story) for story in context.recent]
    if context.featured is not None:
        stories.insert(0, (Role.FEATURED, context.featured))
    return tuple(
        ItemLine(
            role=role,
            title=story.title,
            author=story.author,
            url=story.url,
            published_at=story.published_at,
        )
        for role, story in stories
    )


def all_digests(session: Session) -> list[Digest]:
    """Every digest by name."""
    return list(session.scalars(sa.select(Digest).order_by(Digest.name)))


def cadences_of(session: Session, digest_id: int | None = None) -> list[tuple[str, Cadence]]:
    """The cadences with the names of their digests; of one digest if it is given."""
    query = (
        sa.select(Digest.name, Cadence)
        .join(Digest, Digest.id == Cadence.digest_id)
        .order_by(Digest.name, Cadence.id)
    )
    if digest_id is not None:
        query = query.where(Cadence.digest_id == digest_id)
    return [(name, cadence) for name, cadence in session.execute(query)]


def overdue(session: Session, *, before: dt.datetime) -> int:
    """How many editions should have begun before a moment and still wait: the clock's work is not done."""
    waiting = (EditionState.UPCOMING, EditionState.FROZEN)
    return (
        session.scalar(
            sa.select(sa.func.count())
            .select_from(Edition)
            .where(Edition.state.in_(waiting), Edition.send_at < before)
        )
        or 0
    )


def _lines() -> sa.Select[*tuple[Any, ...]]:
    return (
        sa.select(
            Edition.id,
            Edition.public_id,
            Digest.name,
            Cadence.name,
            Cadence.zone,
            Edition.kind,
            Edition.state,
            Edition.reason,
            Edition.reason_detail,
            Edition.due_at,
            Edition.due_local,
            Edition.send_at,
            sa.func.coalesce(Revision.subject, ""),
        )
        .join(Cadence, Cadence.id == Edition.cadence_id)
        .join(Digest, Digest.id == Cadence.digest_id)
        .outerjoin(Revision, Revision.id == Edition.revision_id)
    )


def _fixed_items(session: Session, revision_id: int) -> tuple[ItemLine, ...]:
    rows = session.execute(
        sa.select(Item.role, Item.story).where(Item.revision_id == revision_id).order_by(Item.position)
    )
    return tuple(
        ItemLine(
            role=role,
            title=story["title"],
            author=story["author"],
            url=story["url"],
            published_at=dt.datetime.fromisoformat(story["published_at"]),
        )
        for role, story in rows
    )


def _totals(totals: EditionTotals) -> dict[DeliveryStatus, int]:
    return {status: getattr(totals, status.value, 0) for status in DeliveryStatus}


def _deliveries(session: Session, edition_id: int) -> dict[DeliveryStatus, int]:
    rows = session.execute(
        sa.select(Delivery.status, sa.func.count())
        .where(Delivery.edition_id == edition_id)
        .group_by(Delivery.status)
    )
    counts = dict.fromkeys(DeliveryStatus, 0)
    for status, count in rows:
        counts[status] = count
    return counts


def _faults(session: Session, edition_id: int) -> tuple[BatchFault, ...]:
    rows = session.execute(
        sa.select(Batch.fault, sa.func.count(), sa.func.min(Batch.not_before))
        .where(Batch.edition_id == edition_id, Batch.closed_at.is_(None), Batch.fault != "")
        .group_by(Batch.fault)
        .order_by(Batch.fault)
    )
    return tuple(BatchFault(*row) for row in rows)
