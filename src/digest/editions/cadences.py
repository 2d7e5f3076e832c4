"""Create and change cadences, and put an extra edition between their slots."""

from __future__ import annotations

import datetime as dt
from enum import Enum
from itertools import islice

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import audit
from digest.editions.schedule import check_cron, check_zone, slots
from digest.editions.slots import add_edition, make_next_editions
from digest.editions.states import move
from digest.errors import InputError, StateError
from digest.lists.fields import check_short_name
from digest.models import Cadence, Digest, Edition, EditionKind, EditionState, Reason, Selection
from digest.queueing.enqueue import enqueue
from digest.queueing.names import TaskName

_LONGEST_LEAD = 86_400
_LONGEST_GRACE = 604_800
_USEFUL = (600, 604_800)
_LONGEST_SPREAD = 86_400


class Auto(Enum):
    """Said for a span that is to follow from the number of people."""

    AUTO = "auto"


def add_cadence(
    session: Session,
    digest: Digest,
    *,
    name: str,
    cron: str,
    zone: str,
    actor: str,
    now: dt.datetime,
    lead_seconds: int | None = None,
    grace_seconds: int | None = None,
    selection: Selection = Selection.LATEST,
) -> Cadence:
    """Add a rhythm to a digest; its first slot is the first one after `now`."""
    check_short_name(name, what="cadence")
    known = sa.select(Cadence.id).where(Cadence.digest_id == digest.id, Cadence.name == name)
    if session.scalar(known) is not None:
        raise InputError(f"The digest has a cadence {name!r} already; choose another name.")
    cadence = Cadence(
        digest_id=digest.id,
        name=name,
        cron=check_cron(cron),
        zone=check_zone(zone),
        selection=selection,
        lead_seconds=_within(lead_seconds if lead_seconds is not None else 600, _LONGEST_LEAD, "lead"),
        grace_seconds=_within(
            grace_seconds if grace_seconds is not None else 10_800, _LONGEST_GRACE, "grace"
        ),
        is_running=True,
        slots_after=now,
        created_at=now,
    )
    session.add(cadence)
    session.flush()
    audit.record(session, "cadence.add", cadence, actor=actor, now=now, details={"name": name})
    make_next_editions(session, now=now)
    return cadence


def set_cadence(
    session: Session,
    cadence: Cadence,
    *,
    actor: str,
    now: dt.datetime,
    cron: str | None = None,
    zone: str | None = None,
    lead_seconds: int | None = None,
    grace_seconds: int | None = None,
    useful_seconds: int | None = None,
    spread_seconds: int | Auto | None = None,
    is_running: bool | None = None,
) -> None:
    """Change a rhythm.

    A new schedule counts from now: the coming edition of the old one is taken away, unless it is locked. A
    new spread counts for editions that are not planned yet.
    """
    # The tick may be making its next edition this very moment.
    session.refresh(cadence, with_for_update=True)
    reschedules = (cron or cadence.cron, zone or cadence.zone) != (cadence.cron, cadence.zone)
    if cron is not None:
        cadence.cron = check_cron(cron)
    if zone is not None:
        cadence.zone = check_zone(zone)
    if lead_seconds is not None:
        cadence.lead_seconds = _within(lead_seconds, _LONGEST_LEAD, "lead")
    if grace_seconds is not None:
        cadence.grace_seconds = _within(grace_seconds, _LONGEST_GRACE, "grace")
    if useful_seconds is not None:
        cadence.useful_seconds = _within(useful_seconds, _USEFUL[1], "useful life", least=_USEFUL[0])
    if isinstance(spread_seconds, Auto):
        cadence.spread_seconds = None
    elif spread_seconds is not None:
        cadence.spread_seconds = _within(spread_seconds, _LONGEST_SPREAD, "spread")
    if is_running is not None and is_running != cadence.is_running:
        cadence.is_running = is_running
        reschedules = True
    session.flush()
    if reschedules:
        _drop_coming(session, cadence)
        cadence.slots_after = now
        session.flush()
        make_next_editions(session, now=now)
    audit.record(session, "cadence.set", cadence, actor=actor, now=now)


def next_slots(cadence: Cadence, *, count: int, now: dt.datetime) -> list[dt.datetime]:
    """The next slots of a cadence from now on, in UTC."""
    return list(islice(slots(cadence.cron, cadence.zone, after=now), count))


def add_extra(
    session: Session, cadence: Cadence, *, due_at: dt.datetime, actor: str, now: dt.datetime
) -> Edition:
    """An extra edition beside the schedule; it is frozen when its lead begins, at once if that is past."""
    edition_id = add_edition(session, cadence, kind=EditionKind.EXTRA, due_at=due_at, now=now)
    if edition_id is None:
        raise InputError("There is an extra edition for this very moment already.")
    edition = session.get_one(Edition, edition_id)
    audit.record(session, "edition.extra", edition, actor=actor, now=now)
    if due_at - dt.timedelta(seconds=cadence.lead_seconds) <= now:
        enqueue(session, TaskName.FREEZE, edition_id)
    return edition


def send_now(session: Session, edition: Edition, *, actor: str, now: dt.datetime) -> None:
    """Let an edition go out at once instead of at its slot. What is not locked yet is locked first."""
    if edition.state not in (EditionState.UPCOMING, EditionState.HELD, EditionState.FROZEN):
        raise StateError(f"Edition {edition.id} is {edition.state}; only one that waits can be sent now.")
    if edition.state is EditionState.HELD:
        # So that it is found even if the hint is lost: nothing looks at a held one by itself.
        move(session, edition, EditionState.UPCOMING, now=now, reason=Reason.BY_PERSON)
    edition.send_at = min(edition.send_at, now)
    task = TaskName.PLAN if edition.state is EditionState.FROZEN else TaskName.FREEZE
    enqueue(session, task, edition.id)
    audit.record(session, "edition.send", edition, actor=actor, now=now)


def _drop_coming(session: Session, cadence: Cadence) -> None:
    session.execute(
        sa.delete(Edition).where(
            Edition.cadence_id == cadence.id,
            Edition.kind == EditionKind.SCHEDULED,
            Edition.state == EditionState.UPCOMING,
        )
    )


def _within(value: int, most: int, what: str, *, least: int = 0) -> int:
    if not least <= value <= most:
        raise InputError(f"The {what} must be between {least} and {most} seconds, not {value}.")
    return value
