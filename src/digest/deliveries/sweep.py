"""The tick: one look at the rows finds all the work there is, whatever hints were lost."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from digest import clock
from digest.accounts.links import purge_links
from digest.accounts.sessions import purge_sessions
from digest.db import Database
from digest.deliveries.handover import go_on, take_back_plans
from digest.deliveries.keep import keep_figures
from digest.deliveries.partitions import make_partitions
from digest.deliveries.recover import release_orphans
from digest.deliveries.retention import drop_old_ranges
from digest.deliveries.settle import settle_by_policy, warn_of_many
from digest.editions.alert_causes import look_at_sources
from digest.editions.alert_mails import tell_alerts
from digest.editions.copies import Imprint
from digest.editions.deadlines import apply_deadlines
from digest.editions.first_copies import ask_first_copies, due_for_first_copies
from digest.editions.progress import enqueue_freezes, enqueue_plans, skip_past_grace
from digest.editions.proofs import ask_proofs, due_for_proofs
from digest.editions.slots import make_next_editions
from digest.lists import confirmations, limits
from digest.lists.due_pauses import resume_due_pauses
from digest.lists.import_due import enqueue_imports
from digest.lists.permission_mail import ask_some, has_questions
from digest.lists.retention import RetentionTimes, run_daily
from digest.logs import get_logger
from digest.notices import alerts
from digest.notices.due import enqueue_due_notices
from digest.sources.collect_many import enqueue_due

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SweepSettings:
    """The times that whoever runs Digest has set."""

    plan_lead: dt.timedelta
    settle_uncertain_after: dt.timedelta
    keep_deliveries: dt.timedelta = dt.timedelta(days=365)
    retention: RetentionTimes = field(default_factory=RetentionTimes)
    # What first copies and questions are made with; asked for only if some are due. None: none are sent.
    imprint: Callable[[], Imprint] | None = None


# When this process last looked for deliveries that are past their time, by database: once an hour will do.
_looked_at: dict[str, dt.datetime] = {}
_LOOK_EVERY = dt.timedelta(hours=1)
_DROP_SECONDS = 5.0  # for so long at a time; the rest is for the next hour
_PURGE_SECONDS = 5.0


def tick(database: Database, config: SweepSettings, *, now: dt.datetime) -> None:
    """Do what the clock asks for: short transactions, and hints at everything longer.

    Running it twice, or in two places at once, does nothing more than running it once. What fails in one
    transaction keeps none of the others from being done; the first error is raised at the end.
    """

    def editions(session: Session) -> None:
        make_next_editions(session, now=now)
        apply_deadlines(session, now=now)
        skip_past_grace(session, now=now)
        take_back_plans(session)

    def handing_over(session: Session) -> None:
        release_orphans(session)
        warn_of_many(session, now=now)
        settle_by_policy(session, after=config.settle_uncertain_after, now=now)
        go_on(session, now=now)

    def coming(session: Session) -> None:
        enqueue_freezes(session, now=now)
        enqueue_plans(session, plan_lead=config.plan_lead, now=now)

    def people(session: Session) -> None:
        resume_due_pauses(session, now=now)
        limits.purge(session, now=now)
        confirmations.purge(session, now=now)
        purge_sessions(session, now=now)
        purge_links(session, now=now)

    def sources_and_notices(session: Session) -> None:
        enqueue_due(session, now=now)
        enqueue_due_notices(session, now=now)
        enqueue_imports(session, now=now)

    steps = (
        editions,
        make_partitions,
        handing_over,
        coming,
        _copying(config, now),
        _proofing(config, now),
        _alerting(config, now),
        people,
        _asking(config, now),
        sources_and_notices,
    )
    errors = [error for step in steps if (error := _done(database, step)) is not None]
    errors += [error for error in (_keep_figures(database, now),) if error is not None]
    if _is_time_to_look(database, now):
        errors += [
            error
            for drop in (_drop_old, _purge, _purge_alerts, _renew_figures)
            if (error := drop(database, config, now)) is not None
        ]
    if errors:
        raise errors[0]


def _copying(config: SweepSettings, now: dt.datetime) -> Callable[[Session], None]:
    def first_copies(session: Session) -> None:
        if config.imprint is not None and due_for_first_copies(session, now=now):
            ask_first_copies(session, config.imprint(), now=now)

    return first_copies


def _proofing(config: SweepSettings, now: dt.datetime) -> Callable[[Session], None]:
    def proofs(session: Session) -> None:
        if config.imprint is not None and due_for_proofs(session):
            ask_proofs(session, config.imprint(), now=now)

    return proofs


def _alerting(config: SweepSettings, now: dt.datetime) -> Callable[[Session], None]:
    def what_wants_a_person(session: Session) -> None:
        look_at_sources(session, now=now)
        if config.imprint is not None and alerts.untold(session):
            tell_alerts(session, config.imprint(), now=now)

    return what_wants_a_person


def _asking(config: SweepSettings, now: dt.datetime) -> Callable[[Session], None]:
    def questions(session: Session) -> None:
        if config.imprint is not None and has_questions(session, now=now):
            imprint = config.imprint()
            signer = imprint.keys.signer
            ask_some(session, signer, imprint.public_url, templates=imprint.templates, now=now)

    return questions


def _is_time_to_look(database: Database, now: dt.datetime) -> bool:
    url = str(database.engine.url)
    last = _looked_at.get(url)
    if last is not None and last <= now < last + _LOOK_EVERY:
        return False
    _looked_at[url] = now
    return True


def _drop_old(database: Database, config: SweepSettings, now: dt.datetime) -> Exception | None:
    """Drop what is past its time, part by part, each in a transaction of its own."""
    is_done, start = False, clock.monotonic()

    def old_deliveries(session: Session) -> None:
        nonlocal is_done
        is_done = drop_old_ranges(session, keep=config.keep_deliveries, now=now) == 0

    while not is_done and clock.monotonic() - start < _DROP_SECONDS:
        if (error := _done(database, old_deliveries)) is not None:
            return error
    return None


def _purge(database: Database, config: SweepSettings, now: dt.datetime) -> Exception | None:
    """Delete what is kept no longer, once a day whichever process looks first."""
    try:
        run_daily(database, config.retention, now=now, seconds=_PURGE_SECONDS)
    except Exception as error:
        log.exception("a step of the tick failed", step="retention")
        return error
    return None


def _purge_alerts(database: Database, _: SweepSettings, now: dt.datetime) -> Exception | None:
    """Delete the alerts that have long been over."""

    def old_alerts(session: Session) -> None:
        alerts.purge(session, now=now)

    return _done(database, old_alerts)


def _keep_figures(database: Database, now: dt.datetime, *, renew: bool = False) -> Exception | None:
    """Keep what came of what is over; with `renew`, of all of which something was settled since."""
    start = clock.monotonic()
    try:
        while keep_figures(database, now=now, renew=renew) and clock.monotonic() - start < _DROP_SECONDS:
            pass
    except Exception as error:
        log.exception("a step of the tick failed", step="figures")
        return error
    return None


def _renew_figures(database: Database, _: SweepSettings, now: dt.datetime) -> Exception | None:
    return _keep_figures(database, now, renew=True)


def _done(database: Database, step: Callable[[Session], object]) -> Exception | None:
    """Do one step in a transaction of its own; what it raised, or None."""
    try:
        with database.write() as session:
            step(session)
    except Exception as error:
        log.exception("a step of the tick failed", step=step.__name__)
        return error
    return None
