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
from digest.editions.compose import Composed, Material, compose
from digest.editions.select import choose
from digest.editions.states import move
from digest.errors import DigestError
from digest.logs import get_logger
from digest.models import (
    Cadence,
    Digest,
    Edition,
    EditionState,
    Item,
    MailingList,
    Reason,
    Revision,
    Subscriber,
    Subscription,
    SubscriptionStatus,
    Variant,
)
from digest.models import TextSize as ChosenSize
from digest.net.http import Fetcher
from digest.queueing.enqueue import enqueue
from digest.queueing.names import TaskName
from digest.rendering.contexts import UNSUBSCRIBE_URL, TextSize
from digest.rendering.digest_email import MAX_HTML_BYTES
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
class _Outcome:
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
        sources = sources_to_collect(session, edition, before=clock.utc_now() - _FRESH)
    _collect_all(database, sources, config)
    with database.read() as session:
        material = _material(session, edition_id)
    if isinstance(material, _Outcome):
        return _settle(database, edition_id, material)
    try:
        composed = compose(material, public_url=config.public_url, templates=config.templates)
    except (DigestError, jinja2.TemplateError, ValueError) as error:
        log.exception("rendering failed", edition=edition_id)
        return _settle(
            database, edition_id, _Outcome(EditionState.HELD, Reason.RENDERING_FAILED, str(error)[:500])
        )
    problem = _problem(material, composed)
    if problem:
        return _settle(database, edition_id, problem)
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


def _material(session: Session, edition_id: int) -> Material | _Outcome:
    edition, cadence, digest = session.execute(
        sa.select(Edition, Cadence, Digest)
        .join(Cadence, Cadence.id == Edition.cadence_id)
        .join(Digest, Digest.id == Cadence.digest_id)
        .where(Edition.id == edition_id)
    ).one()
    chosen = choose(candidates(session, edition), rules_of(digest), at=edition.send_at)
    if chosen.is_empty:
        down = all_sources_are_down(session, edition)
        return _Outcome(EditionState.SKIPPED, Reason.SOURCES_DOWN if down else Reason.NOTHING_NEW)
    if not chosen.enough:
        return _Outcome(EditionState.SKIPPED, Reason.TOO_FEW_STORIES)
    posts = posts_in_order(session, chosen.post_ids)
    has_featured = chosen.featured is not None
    return Material(
        edition=edition,
        cadence=cadence,
        digest=digest,
        featured=posts[0] if has_featured else None,
        recent=tuple(posts[1:] if has_featured else posts),
        text_sizes=_text_sizes(session, digest),
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


def _problem(material: Material, composed: Composed) -> _Outcome | None:
    if not material.digest.postal_address.strip():
        return _Outcome(EditionState.HELD, Reason.NO_POSTAL_ADDRESS)
    if not all(
        UNSUBSCRIBE_URL in part for variant in composed.variants for part in (variant.html, variant.text)
    ):
        return _Outcome(EditionState.HELD, Reason.NO_SIGN_OFF_LINK)
    largest = max(len(variant.html.encode()) for variant in composed.variants)
    if largest > MAX_HTML_BYTES:
        return _Outcome(EditionState.HELD, Reason.TOO_LARGE, f"{largest} > {MAX_HTML_BYTES}")
    return None


def _settle(database: Database, edition_id: int, outcome: _Outcome) -> EditionState | None:
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
    if edition.state not in FREEZABLE or not move(session, edition, EditionState.FROZEN, now=now):
        return None
    last = session.scalar(sa.select(sa.func.max(Revision.number)).where(Revision.edition_id == edition_id))
    revision = Revision(
        edition_id=edition_id,
        number=(last or 0) + 1,
        subject=composed.subject,
        preheader=composed.preheader,
        web_html=composed.web_html,
        fingerprint=composed.fingerprint,
        created_at=now,
    )
    session.add(revision)
    session.flush()
    session.add_all(
        Item(revision_id=revision.id, position=position, role=role, post_id=post_id, story=story)
        for position, (role, post_id, story) in enumerate(composed.items)
    )
    session.add_all(
        Variant(
            revision_id=revision.id,
            text_size=variant.text_size.value,
            html=variant.html,
            text=variant.text,
            mail=variant.mail,
            fingerprint=variant.fingerprint,
        )
        for variant in composed.variants
    )
    edition.revision_id = revision.id
    if edition.send_at - plan_lead <= now:
        enqueue(session, TaskName.PLAN, edition_id)
    return EditionState.FROZEN
