"""The tick: one look at the rows finds all the work there is, whatever hints were lost."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from digest.db import Database
from digest.deliveries.handover import go_on
from digest.deliveries.partitions import make_partitions
from digest.deliveries.recover import resend_uncertain
from digest.editions.progress import enqueue_freezes, enqueue_plans, skip_past_grace
from digest.editions.slots import make_next_editions
from digest.lists.subscribe import resume_due_pauses
from digest.notices.due import enqueue_due_notices
from digest.sources.collect import enqueue_due


@dataclass(frozen=True, slots=True)
class SweepSettings:
    """The times that whoever runs Digest has set."""

    plan_lead: dt.timedelta
    resend_uncertain_after: dt.timedelta


def tick(database: Database, config: SweepSettings, *, now: dt.datetime) -> None:
    """Do what the clock asks for: short transactions, and hints at everything longer.

    Running it twice, or in two places at once, does nothing more than running it once.
    """
    with database.write() as session:
        make_partitions(session)
        make_next_editions(session, now=now)
        skip_past_grace(session, now=now)
    with database.write() as session:
        resend_uncertain(session, after=config.resend_uncertain_after, now=now)
        go_on(session, now=now)
    with database.write() as session:
        enqueue_freezes(session, now=now)
        enqueue_plans(session, plan_lead=config.plan_lead, now=now)
    with database.write() as session:
        resume_due_pauses(session, now=now)
        enqueue_due(session, now=now)
        enqueue_due_notices(session, now=now)
