"""The freeze: collect once more, choose, render, fix. From here on nothing about an edition's content moves.

last look at the sites (`fresh_look`) -> hold what is unusual -> render and check (no transaction) -> store
"""

from __future__ import annotations

import datetime as dt
import functools
from dataclasses import dataclass
from pathlib import Path

import jinja2
from sqlalchemy.orm import Session

from digest import clock
from digest.db import Database
from digest.editions.approvals import void
from digest.editions.checks import as_remarks, check, reason_of
from digest.editions.compose import Composed, Material, compose, context_of
from digest.editions.explanation import keep_explanation
from digest.editions.fresh_look import Remarks, collect_once_more, material_checked
from digest.editions.material import Outcome, material_of
from digest.editions.meanwhile import version_of
from digest.editions.remote_look import look_at
from digest.editions.revisions import FREEZE, store_revision
from digest.editions.states import move
from digest.editions.unusual import as_remark, odd_news
from digest.errors import DigestError
from digest.logs import get_logger
from digest.models import Cadence, Edition, EditionKind, EditionState, Reason, VoidCause
from digest.net.http import Fetcher
from digest.queueing.enqueue import enqueue
from digest.queueing.names import TaskName

log = get_logger(__name__)

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
    mirrors: bool = True  # whether pictures are copied
    looks: bool = True  # whether links and pictures are looked at where they lie


def freeze(database: Database, edition_id: int, config: FreezeSettings) -> EditionState | None:
    """Fix the content of an upcoming or held edition; its new state, or None if it was not to be frozen.

    Nothing new, too few stories or sources that are all down: skipped. News that is unusual: held until a
    person says whether it is meant. A message that cannot be made, or that the checks stop: held, until a
    person mends it or its deadline ends it.
    """
    with database.read() as session:
        edition = session.get(Edition, edition_id)
        if edition is None or edition.state not in FREEZABLE:
            return None
        knows_all = edition.kind in (EditionKind.BREAKING, EditionKind.CORRECTION)
        seen = version_of(session, edition)
    try:
        material, remarks = (_known_now if knows_all else _looked_at)(database, edition_id, config)
    except DigestError as error:  # its rules make no sense, say
        material, remarks = Outcome(EditionState.HELD, Reason.RENDERING_FAILED, str(error)[:500]), []
    composed = (
        material
        if isinstance(material, Outcome)
        else _composed(material, config, remarks, looks=config.looks and not knows_all)
    )
    if isinstance(composed, Outcome):
        return _settle(database, edition_id, composed, remarks)
    with database.write() as session:
        lead = config.plan_lead
        if version_of(session, session.get_one(Edition, edition_id)) != seen:
            # An editor has changed it while its sites were looked at: it is locked with that.
            enqueue(session, TaskName.FREEZE, edition_id)
            return None
        return _store(session, edition_id, composed, remarks, plan_lead=lead, now=clock.utc_now())


def _looked_at(
    database: Database, edition_id: int, config: FreezeSettings
) -> tuple[Material | Outcome, Remarks]:
    """What it is made of after a last look at its sites."""
    remarks = collect_once_more(database, edition_id, config.fetcher, interval=config.collect_interval)
    with database.read() as session:
        odd = odd_news(session, session.get_one(Edition, edition_id), now=clock.utc_now())
    if odd:
        return Outcome(EditionState.HELD, Reason.UNUSUAL_NEWS), [as_remark(one) for one in odd] + remarks
    material, said = material_checked(database, edition_id, config.fetcher, mirrors=config.mirrors)
    return material, remarks + said


def _known_now(
    database: Database, edition_id: int, _config: FreezeSettings
) -> tuple[Material | Outcome, Remarks]:
    """Breaking news does not wait for slow sites: an editor chose its stories, of what is known.

    Nor does a correction: its story is the one that went out.
    """
    with database.read() as session:
        return material_of(session, edition_id), []


def _composed(
    material: Material, config: FreezeSettings, remarks: Remarks, *, looks: bool
) -> Composed | Outcome:
    """The content as it was checked; what stops it is added to the remarks. No transaction is open."""
    made_by = functools.partial(compose, material, public_url=config.public_url, templates=config.templates)
    try:
        checked = check(
            material.digest,
            context_of(material, public_url=config.public_url),
            lambda context: made_by(context=context),
            public_url=config.public_url,
            look=functools.partial(look_at, fetcher=config.fetcher) if looks else None,
            # These were looked at a moment ago, and are left out if they are gone.
            known={post.url for post in material.posts},
        )
    except (DigestError, jinja2.TemplateError, ValueError) as error:
        log.exception("rendering failed", edition=material.edition.id)
        return Outcome(EditionState.HELD, Reason.RENDERING_FAILED, str(error)[:500])
    if not checked.is_blocked:
        return checked.composed
    remarks += as_remarks(checked.blocks)
    log.warning("stopped by the checks", edition=material.edition.id)
    return Outcome(EditionState.HELD, *reason_of(checked))


def _settle(database: Database, edition_id: int, outcome: Outcome, remarks: Remarks) -> EditionState | None:
    with database.write() as session:
        edition = session.get_one(Edition, edition_id)
        if edition.state not in FREEZABLE:
            return None
        edition.remarks = remarks
        keep_explanation(session, edition_id, outcome.explanation)
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
    session: Session,
    edition_id: int,
    composed: Composed,
    remarks: Remarks,
    *,
    plan_lead: dt.timedelta,
    now: dt.datetime,
) -> EditionState | None:
    edition = session.get_one(Edition, edition_id)
    is_asked = session.get_one(Cadence, edition.cadence_id).wants_approval
    reason = Reason.WANTS_APPROVAL if is_asked else None
    if edition.state not in FREEZABLE or not move(
        session, edition, EditionState.FROZEN, reason=reason, now=now
    ):
        return None
    void(session, edition, VoidCause.UNLOCKED, actor=FREEZE, now=now)
    # Where nobody is asked, what is locked by the rules is approved by them.
    revision = store_revision(session, edition_id, composed, approved_by="" if is_asked else FREEZE, now=now)
    edition.revision_id = revision.id
    edition.first_copies_at = None
    edition.remarks = [*remarks, *composed.remarks]
    if edition.send_at - plan_lead <= now:
        enqueue(session, TaskName.PLAN, edition_id)
    return EditionState.FROZEN
