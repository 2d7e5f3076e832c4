"""The tasks. Each carries ids only, looks at the rows for what there is to do, and may run twice."""

from __future__ import annotations

import datetime as dt
import functools
from typing import Any

from celery.exceptions import SoftTimeLimitExceeded

from digest import clock, keys
from digest.deliveries.fall_back import send_without_featured
from digest.deliveries.handover import go_on
from digest.deliveries.leases import bound_to, postpone
from digest.deliveries.plan import plan
from digest.deliveries.recover import fold_abandoned
from digest.deliveries.send import send_batch
from digest.deliveries.sweep import SweepSettings, tick
from digest.editions.copies import Imprint
from digest.editions.freeze import FreezeSettings, freeze
from digest.errors import ConfigError
from digest.lists.erasures import FILE_NAME as ERASED_FILE
from digest.lists.erasures import keep_outside
from digest.lists.retention import RetentionTimes
from digest.mail.journal import JournalError
from digest.notices.send import send_due
from digest.queueing.app import app as celery_app
from digest.queueing.enqueue import hint
from digest.queueing.names import TaskName
from digest.sources.collect import collect, note_timeout
from digest.sources.pictures import mirror_source
from digest.tasks.runtime import Runtime, ServiceRestsError, is_stopping, runtime, waits_until

# Asking a site takes at most 45 s; what is left is for a feed that was made to be slow to read.
COLLECT_SECONDS = 60
# Pictures are begun for a minute; the last one has its own time, and has to be decoded.
MIRROR_SECONDS = 180
# The freeze collects as well, for at most two minutes and the source at which they end.
FREEZE_SECONDS = 200
# A turn takes 30 seconds and what single mails take between its groups. A child that stands still for good
# would keep its batches: it is killed, and its journal says what the others have to know.
SEND_SECONDS = 300


def task(name: TaskName, **limits: int) -> Any:
    """Register a function as the task of this name."""
    return celery_app().task(name=name.value, ignore_result=True, **limits)


@task(TaskName.TICK)
def run_tick() -> None:
    here = runtime()
    here.record_late()
    times = SweepSettings(
        plan_lead=_seconds(here.config.plan_lead_seconds),
        settle_uncertain_after=_seconds(here.config.settle_uncertain_after),
        keep_deliveries=dt.timedelta(days=here.config.keep_deliveries_days),
        retention=RetentionTimes(
            notices=dt.timedelta(days=here.config.keep_notices_days),
            links=dt.timedelta(days=here.config.keep_links_days),
        ),
        imprint=functools.partial(_imprint, here),
    )
    try:
        # What a dead worker of this host has done comes into the ledger, and its batches are free again.
        fold_abandoned(here.database, host=here.host, now=clock.utc_now())
    finally:
        try:
            tick(here.database, times, now=clock.utc_now())
        finally:
            # On the disk of each machine in turn: where the database is restored, this is not.
            keep_outside(here.database, here.config.journal_folder / ERASED_FILE, now=clock.utc_now())


@task(TaskName.COLLECT, soft_time_limit=COLLECT_SECONDS, time_limit=COLLECT_SECONDS + 15)
def collect_source(source_id: int) -> None:
    here = runtime()
    interval = _seconds(here.config.collect_interval_seconds)
    try:
        collect(here.database, source_id, here.fetcher, interval=interval, now=clock.utc_now())
    except SoftTimeLimitExceeded:
        note_timeout(here.database, source_id, interval=interval, now=clock.utc_now())


@task(TaskName.COLLECT_DUE)
def collect_due_sources() -> None:
    runtime().collector.collect_due()


@task(TaskName.MIRROR, time_limit=MIRROR_SECONDS)
def mirror_pictures(source_id: int) -> None:
    here = runtime()
    if here.config.mirror_pictures and mirror_source(
        here.database, source_id, here.fetcher, now=clock.utc_now()
    ):
        hint(TaskName.MIRROR, source_id)


@task(TaskName.FREEZE, soft_time_limit=FREEZE_SECONDS, time_limit=FREEZE_SECONDS + 60)
def freeze_edition(edition_id: int) -> None:
    here = runtime()
    freeze(here.database, edition_id, freeze_settings(here))


@task(TaskName.PLAN)
def plan_edition(edition_id: int) -> None:
    here = runtime()
    with here.database.write() as session:
        plan(session, edition_id, now=clock.utc_now())
        go_on(session, now=clock.utc_now())


@task(TaskName.FALL_BACK)
def fall_back(edition_id: int) -> None:
    here = runtime()
    send_without_featured(
        here.database, edition_id, public_url=here.config.public_url, templates=here.config.templates
    )


@task(TaskName.SEND_BATCH, time_limit=SEND_SECONDS)
def send_one_batch(batch_id: int) -> None:
    here = runtime()
    fold_abandoned(here.database, host=here.host, now=clock.utc_now())
    try:
        sender = here.sender(only=bound_to(here.database, batch_id))
    except ServiceRestsError as error:
        postpone(here.database, batch_id, str(error), not_before=error.until)
        return
    except (ConfigError, JournalError) as error:  # no mail service, no password, no room for a journal
        postpone(here.database, batch_id, str(error))
        return
    try:
        send_batch(
            here.database,
            batch_id,
            sender,
            lease_seconds=here.config.lease_seconds,
            stop=is_stopping,
            waits_until=waits_until,
            between=send_notices,
            others=True,
        )
    except BaseException:
        here.give_up_journal()
        raise
    here.rotate_journal()


@task(TaskName.SEND_NOTICES)
def send_notices() -> None:
    here = runtime()
    here.record_late()
    send_due(here.database, here.open_transport, here.check_readers, waits_until=waits_until)


@task(TaskName.TRY_IMPORT)
def try_import(draft_id: int) -> None:
    from digest.lists.import_turns import try_draft  # noqa: PLC0415  (few workers ever import a file)

    here = runtime()
    try_draft(here.database, draft_id, address_key=_address_key(here), now=clock.utc_now())


@task(TaskName.IMPORT)
def import_file(import_id: int) -> None:
    from digest.lists.import_turns import import_a_turn  # noqa: PLC0415

    here = runtime()
    import_a_turn(here.database, import_id, address_key=_address_key(here), now=clock.utc_now())


@task(TaskName.UNDO_IMPORT)
def undo_import(import_id: int) -> None:
    from digest.lists.import_turns import undo_a_turn  # noqa: PLC0415

    undo_a_turn(runtime().database, import_id, now=clock.utc_now())


def freeze_settings(here: Runtime) -> FreezeSettings:
    """The freeze's settings, from a process's runtime."""
    config = here.config
    return FreezeSettings(
        fetcher=here.fetcher,
        public_url=config.public_url,
        templates=config.templates,
        collect_interval=_seconds(config.collect_interval_seconds),
        plan_lead=_seconds(config.plan_lead_seconds),
        mirrors=config.mirror_pictures,
    )


def _imprint(here: Runtime) -> Imprint:
    config = here.config
    return Imprint(config.public_url, keys.load(config.secrets_folder), config.templates)


def _address_key(here: Runtime) -> bytes:
    return keys.load(here.config.secrets_folder).address_key


def _seconds(number: float) -> dt.timedelta:
    return dt.timedelta(seconds=number)
