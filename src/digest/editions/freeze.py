"""The freeze: collect once more, choose, render, fix. From here on nothing about an edition's content moves.

collect its sources (network) -> read posts and rules -> render (no transaction) -> store the revision
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import jinja2
import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import clock
from digest.db import Database
from digest.editions.candidates import (
    all_sources_are_down,
    candidates,
    posts_in_order,
    rules_of,
    sources_to_collect,
)
from digest.editions.compose import Composed, Material, compose, problem_of
from digest.editions.revisions import FREEZE, store_revision
from digest.editions.select import choose
from digest.editions.states import move
from digest.errors import DigestError
from digest.lists.attributes import personal_of
from digest.logs import get_logger
from digest.models import (
    Cadence,
    Digest,
    Edition,
    EditionKind,
    EditionState,
    MailingList,
    Reason,
    Subscriber,
    Subscription,
    SubscriptionStatus,
)
from digest.models import TextSize as ChosenSize
from digest.net.http import Fetcher
from digest.queueing.enqueue import enqueue
from digest.queueing.names import TaskName
from digest.rendering.contexts import TextSize
from digest.sources.collect import collect

log = get_logger(__name__)

# A source that was fetched this short a time ago is not fetched again for the freeze.
_FRESH = dt.timedelta(seconds=60)
# For the sources all together: the slot does not wait for slow sites.
_COLLECT_SECONDS = 120.0
# What may be wrong with an edition before it is looked at again by itself.
FREEZABLE = (EditionState.UPCOMING, EditionState.HELD)


@dataclass(frozen=True, slots=True)
class FreezeSettings:
    """What the freeze needs from outside."""

    fetcher: Fetcher
    public_url: str
    templates: Path | None
    collect_interval: dt.timedelta
    plan_lead: dt.timedelta


@dataclass(frozen=True, slots=True)
class Outcome:
    """Why there is no revision: what the edition becomes instead."""

    state: EditionState
    reason: Reason
    detail: str = ""


def freeze(database: Database, edition_id: int, config: FreezeSettings) -> EditionState | None:
    """Fix the content of an upcoming or held edition; its new state, or None if it was not to be frozen.

    Nothing new, too few stories or sources that are all down: skipped. A message that cannot be made, is too
    large, or lacks its postal address or sign-off link: held, until a person mends it or its grace ends.
    """
    with database.read() as session:
        edition = session.get(Edition, edition_id)
        if edition is None or edition.state not in FREEZABLE:
            return None
        # Breaking news does not wait for slow sites: it is made of what is known.
        is_breaking = edition.kind is EditionKind.BREAKING
        before = clock.utc_now() - _FRESH
        sources = [] if is_breaking else sources_to_collect(session, edition, before=before)
    _collect_all(database, sources, config)
    with database.read() as session:
        material = material_of(session, edition_id)
    if isinstance(material, Outcome):
        return _settle(database, edition_id, material)
    try:
        composed = compose(material, public_url=config.public_url, templates=config.templates)
    except (DigestError, jinja2.TemplateError, ValueError) as error:
        log.exception("rendering failed", edition=edition_id)
        return _settle(
            database, edition_id, Outcome(EditionState.HELD, Reason.RENDERING_FAILED, str(error)[:500])
        )
    problem = problem_of(material.digest, composed)
    if problem is not None:
        return _settle(database, edition_id, Outcome(EditionState.HELD, *problem))
    with database.write() as session:
        return _store(session, edition_id, composed, plan_lead=config.plan_lead, now=clock.utc_now())


def _collect_all(database: Database, sources: list[int], config: FreezeSettings) -> None:
    end = clock.monotonic() + _COLLECT_SECONDS
    for source_id in sources:
        if clock.monotonic() > end:
            log.warning("sources left out at the freeze: no time", source=source_id)
            return
        try:
            collect(
                database, source_id, config.fetcher, interval=config.collect_interval, now=clock.utc_now()
            )
        except Exception:
            # Whatever it is, even the end of the task's time: the edition is made of what is known.
            log.exception("source left out at the freeze: it cannot be collected", source=source_id)


def material_of(session: Session, edition_id: int) -> Material | Outcome:
    """What an edition would be made of now, or why there is nothing to make it of."""
    edition, cadence, digest = session.execute(
        sa.select(Edition, Cadence, Digest)
        .join(Cadence, Cadence.id == Edition.cadence_id)
        .join(Digest, Digest.id == Cadence.digest_id)
        .where(Edition.id == edition_id)
    ).one()
    chosen = choose(candidates(session, edition), rules_of(digest), at=edition.send_at)
    if chosen.is_empty:
        down = all_sources_are_down(session, edition)
        return Outcome(EditionState.SKIPPED, Reason.SOURCES_DOWN if down else Reason.NOTHING_NEW)
    if not chosen.enough:
        return Outcome(EditionState.SKIPPED, Reason.TOO_FEW_STORIES)
    posts = posts_in_order(session, chosen.post_ids)
    has_featured = chosen.featured is not None
    return Material(
        edition=edition,
        cadence=cadence,
        digest=digest,
        featured=posts[0] if has_featured else None,
        recent=tuple(posts[1:] if has_featured else posts),
        text_sizes=_text_sizes(session, digest),
        personal=personal_of(session, digest),
    )


def _text_sizes(session: Session, digest: Digest) -> tuple[TextSize, ...]:
    """The normal size, and the large one if anybody on the digest's lists reads it."""
    somebody = session.scalar(
        sa.select(Subscriber.id)
        .join(Subscription, Subscription.subscriber_id == Subscriber.id)
        .join(MailingList, MailingList.id == Subscription.list_id)
        .where(
            MailingList.digest_id == digest.id,
            Subscription.status == SubscriptionStatus.ACTIVE,
            Subscriber.text_size == ChosenSize.LARGE,
        )
        .limit(1)
    )
    return (TextSize.NORMAL, TextSize.LARGE) if somebody else (TextSize.NORMAL,)


def _settle(database: Database, edition_id: int, outcome: Outcome) -> EditionState | None:
    with database.write() as session:
        edition = session.get_one(Edition, edition_id)
        if edition.state not in FREEZABLE:
            return None
        if edition.state is outcome.state:
            # Still held, perhaps for another reason than before.
            edition.reason, edition.reason_detail = outcome.reason, outcome.detail
            return outcome.state
        moved = move(
            session,
            edition,
            outcome.state,
            now=clock.utc_now(),
            reason=outcome.reason,
            detail=outcome.detail,
        )
    return outcome.state if moved else None


def _store(
    session: Session, edition_id: int, composed: Composed, *, plan_lead: dt.timedelta, now: dt.datetime
) -> EditionState | None:
    edition = session.get_one(Edition, edition_id)
    is_asked = session.get_one(Cadence, edition.cadence_id).wants_approval
    reason = Reason.WANTS_APPROVAL if is_asked else None
    if edition.state not in FREEZABLE or not move(
        session, edition, EditionState.FROZEN, reason=reason, now=now
    ):
        return None
    # Where nobody is asked, what is locked by the rules is approved by them.
    revision = store_revision(session, edition_id, composed, approved_by="" if is_asked else FREEZE, now=now)
    edition.revision_id = revision.id
    edition.first_copies_at = None
    if edition.send_at - plan_lead <= now:
        enqueue(session, TaskName.PLAN, edition_id)
    return EditionState.FROZEN
