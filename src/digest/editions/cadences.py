"""Create and change cadences, and put an edition between their slots."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from enum import Enum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import audit
from digest.editions.approval_settings import adopt_approval, check_approval_time
from digest.editions.presets import Preset, cron_of
from digest.editions.reschedule import reschedule
from digest.editions.schedule import check_cron, check_zone
from digest.editions.slots import add_edition, make_next_editions
from digest.editions.states import move
from digest.errors import InputError, NotFoundError, StateError, Word
from digest.i18n import N_
from digest.lists.fields import check_short_name
from digest.models import (
    Cadence,
    ChangeKind,
    Digest,
    DigestSource,
    Edition,
    EditionChange,
    EditionKind,
    EditionState,
    PostSource,
    Reason,
)
from digest.queueing.enqueue import enqueue
from digest.queueing.names import TaskName

# What a span may be, in seconds: its name for people, the least and the most.
_SPANS = {
    "lead_seconds": (N_("time by which it is locked ahead"), 0, 86_400),
    "grace_seconds": (N_("time by which it may be late"), 0, 604_800),
    "hold_seconds": (N_("time that a person is waited for"), 0, 604_800),
    "approval_seconds": (N_("time by which it is approved ahead"), 0, 86_400),
    "useful_seconds": (N_("time for which it is worth having"), 600, 604_800),
    "spread_seconds": (N_("time over which it goes out"), 0, 86_400),
}
_IDS_LIMIT = 2**63


class Auto(Enum):
    """Said for a span that is to follow from the number of people."""

    AUTO = "auto"


class Unbounded(Enum):
    """Said for a first or a last day that there is not to be."""

    NONE = "none"


def add_cadence(
    session: Session,
    digest: Digest,
    *,
    name: str,
    cron: str | Preset,
    zone: str,
    actor: str,
    now: dt.datetime,
    **values: Any,
) -> Cadence:
    """Add a rhythm to a digest; its first slot is the first one after `now`.

    `cron` has one schedule a line, or is a preset. `values` are as of `set_cadence`; None leaves the default.
    """
    check_short_name(name, what=N_("rhythm"))
    known = sa.select(Cadence.id).where(Cadence.digest_id == digest.id, Cadence.name == name)
    if session.scalar(known) is not None:
        raise InputError(N_("The digest has a rhythm %(name)r already; choose another name."), name=name)
    cadence = Cadence(
        digest_id=digest.id,
        name=name,
        cron="",
        zone=check_zone(zone),
        is_running=True,
        slots_after=now,
        created_at=now,
    )
    _set_schedule(cadence, cron)
    adopt_approval(session, cadence)
    _set_values(cadence, values)
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
    cron: str | Preset | None = None,
    zone: str | None = None,
    **values: Any,
) -> None:
    """Change a rhythm.

    `values` are columns: lead_seconds, grace_seconds, hold_seconds, hold_outcome, missed, useful_seconds,
    spread_seconds (or Auto), wants_approval, approval_seconds (or Unbounded: it waits beyond its slot),
    approval_outcome, selection, is_running, starts_on and ends_on (or Unbounded).
    None leaves one as it is.

    A new schedule counts from now: the coming edition moves to its next slot and keeps what editors did to
    it; what is locked goes out as it was announced. A new spread counts for what is not planned yet.
    """
    # The tick may be making its next edition this very moment.
    session.refresh(cadence, with_for_update=True)
    before = _timing(cadence)
    if cron is not None:
        _set_schedule(cadence, cron)
    if zone is not None:
        cadence.zone = check_zone(zone)
    _set_values(cadence, values)
    session.flush()
    if _timing(cadence) != before:
        reschedule(session, cadence, now=now)
    audit.record(session, "cadence.set", cadence, actor=actor, now=now)


def _timing(cadence: Cadence) -> tuple[object, ...]:
    """What its slots follow from."""
    return cadence.cron, cadence.zone, cadence.starts_on, cadence.ends_on, cadence.is_running


def _set_schedule(cadence: Cadence, schedule: str | Preset) -> None:
    if isinstance(schedule, Preset):
        cadence.cron, cadence.preset = check_cron(cron_of(schedule)), schedule.as_json()
    else:
        cadence.cron, cadence.preset = check_cron(schedule), None


def _set_values(cadence: Cadence, values: dict[str, Any]) -> None:
    """Set what is given; raises InputError for what cannot be."""
    for name, value in values.items():
        if name not in _SETTABLE:
            raise TypeError(f"a cadence has no {name} to be set")
        if value is None:
            continue
        if isinstance(value, (Auto, Unbounded)):
            setattr(cadence, name, None)
        else:
            setattr(cadence, name, _within(name, value) if name in _SPANS else value)
    if cadence.starts_on and cadence.ends_on and cadence.ends_on < cadence.starts_on:
        raise InputError(N_("The last day on which it comes out cannot be before the first."))
    check_approval_time(cadence)


_SETTABLE = {
    *_SPANS,
    *("hold_outcome", "missed", "wants_approval", "approval_outcome"),
    *("selection", "is_running", "starts_on", "ends_on"),
}


def add_extra(
    session: Session, cadence: Cadence, *, due_at: dt.datetime, actor: str, now: dt.datetime
) -> Edition:
    """An extra edition beside the schedule; it is frozen when its lead begins, at once if that is past."""
    edition_id = add_edition(session, cadence, kind=EditionKind.EXTRA, due_at=due_at, now=now)
    if edition_id is None:
        raise InputError(N_("There is an extra edition for this very moment already."))
    edition = session.get_one(Edition, edition_id)
    audit.record(session, "edition.extra", edition, actor=actor, now=now)
    if due_at - dt.timedelta(seconds=cadence.lead_seconds) <= now:
        enqueue(session, TaskName.FREEZE, edition_id)
    return edition


def add_breaking(
    session: Session, cadence: Cadence, posts: Sequence[int], *, actor: str, now: dt.datetime
) -> Edition:
    """A breaking edition beside the schedule, now: of these posts in this order, or of what is new.

    It has no lead and touches no scheduled edition. Raises NotFoundError for a post that none of the digest's
    sources has.
    """
    _check_posts(session, cadence, posts)
    edition_id = add_edition(session, cadence, kind=EditionKind.BREAKING, due_at=now, now=now)
    if edition_id is None:
        raise InputError(N_("There is a breaking edition of this very moment already."))
    edition = session.get_one(Edition, edition_id)
    # Pinned: in it whatever rule would leave it out, the first one featured.
    session.add_all(
        EditionChange(
            edition_id=edition_id,
            kind=ChangeKind.PIN,
            post_id=post_id,
            details={"place": place},
            made_by=actor,
            made_at=now,
        )
        for place, post_id in enumerate(dict.fromkeys(posts))
    )
    audit.record(session, "edition.breaking", edition, actor=actor, now=now, details={"posts": list(posts)})
    enqueue(session, TaskName.FREEZE, edition_id)
    return edition


def send_now(session: Session, edition: Edition, *, actor: str, now: dt.datetime) -> None:
    """Let an edition go out at once instead of at its slot. What is not locked yet is locked first."""
    if edition.state not in (EditionState.UPCOMING, EditionState.HELD, EditionState.FROZEN):
        raise StateError(
            N_("This edition does not wait: only one that waits can be sent now."),
            hint=f"Edition {edition.id} is {edition.state}.",
        )
    if edition.state is EditionState.HELD:
        # So that it is found even if the hint is lost: nothing looks at a held one by itself.
        move(session, edition, EditionState.UPCOMING, now=now, reason=Reason.BY_PERSON)
    edition.send_at = min(edition.send_at, now)
    task = TaskName.PLAN if edition.state is EditionState.FROZEN else TaskName.FREEZE
    enqueue(session, task, edition.id)
    audit.record(session, "edition.send", edition, actor=actor, now=now)


def _check_posts(session: Session, cadence: Cadence, posts: Sequence[int]) -> None:
    known = set(
        session.scalars(
            sa.select(PostSource.post_id)
            .join(DigestSource, DigestSource.source_id == PostSource.source_id)
            .where(
                DigestSource.digest_id == cadence.digest_id,
                PostSource.post_id.in_([post_id for post_id in posts if 0 < post_id < _IDS_LIMIT]),
            )
        )
    )
    for post_id in posts:
        if post_id not in known:
            raise NotFoundError(N_("The sources of this digest have no story %(post)s."), post=post_id)


def _within(name: str, value: int) -> int:
    what, least, most = _SPANS[name]
    if not least <= value <= most:
        if value % 60 or least % 60:
            message = N_("The %(what)s must be between %(least)s and %(most)s seconds, not %(value)s.")
            raise InputError(message, what=Word(what), least=least, most=most, value=value)
        raise InputError(
            N_("The %(what)s must be between %(least)s and %(most)s minutes, not %(value)s."),
            what=Word(what),
            least=least // 60,
            most=most // 60,
            value=value // 60,
        )
    return value
