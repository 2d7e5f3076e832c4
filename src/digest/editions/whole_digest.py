"""A whole digest in one step, as the assistant makes it: with its source, its rhythms and a list."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import audit
from digest.editions.cadences import add_cadence
from digest.editions.digests import create_digest, use_sources
from digest.editions.look import set_look
from digest.editions.presets import Every, Preset
from digest.lists.manage import create_list
from digest.models import Cadence, Digest, Edition, EditionState, Selection, Source
from digest.net.http import check_address
from digest.sources.catalogue import add_source

_WEEKLY: Final = Preset(Every.WEEKDAYS, (dt.time(9),), (7,))


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for. `source` is what `add_source` takes; `settings` what `create_digest` does."""

    settings: Mapping[str, Any]
    source: Mapping[str, Any]
    backlog: dt.timedelta
    schedule: str | Preset
    zone: str
    look: Mapping[str, Any] = field(default_factory=dict)
    has_weekly: bool = False
    has_list: bool = False


@dataclass(frozen=True, slots=True)
class Made:
    """What there is now."""

    digest_id: int
    source_id: int
    edition_id: int | None


def make_whole(session: Session, wanted: Wanted, *, actor: str, now: dt.datetime) -> Made:
    """Make all of it, or raise InputError and nothing is made. The first edition waits for its stories.

    A source that is there already is drawn from as it is.
    """
    digest = create_digest(session, **dict(wanted.settings), actor=actor, now=now)
    if wanted.look:
        set_look(session, digest, given=wanted.look, actor=actor, now=now)
    source = _source(session, wanted, actor=actor, now=now)
    use_sources(session, digest, [source], actor=actor, now=now)
    name = rhythm_name(wanted.schedule)
    cadence = add_cadence(
        session, digest, name=name, cron=wanted.schedule, zone=wanted.zone, actor=actor, now=now
    )
    if wanted.has_weekly and name != "weekly":
        add_cadence(
            session,
            digest,
            name="weekly",
            cron=_WEEKLY,
            zone=wanted.zone,
            selection=Selection.BEST_OF,
            actor=actor,
            now=now,
        )
    if wanted.has_list:
        made = create_list(session, digest, name=digest.name, title=digest.title, now=now)
        details = {"digest": digest.id, "uncertain_policy": made.uncertain_policy.value}
        audit.record(session, "list.create", made, actor=actor, now=now, details=details)
    return Made(digest.id, source.id, _first_edition(session, cadence))


def rhythm_name(schedule: str | Preset) -> str:
    """What a digest's first rhythm is called."""
    if not isinstance(schedule, Preset):
        return "regular"
    if schedule.every is Every.DAY:
        return "daily"
    if schedule.every is Every.WEEKDAYS:
        return "weekly" if len(schedule.weekdays) == 1 else "weekdays"
    return "monthly"


def free_name(session: Session, name: str) -> str:
    """A digest's short name that nobody has: this one, or with a number behind it."""
    taken = set(session.scalars(sa.select(Digest.name).where(Digest.name.startswith(name, autoescape=True))))
    number = 2
    found = name
    while found in taken:
        found, number = f"{name}-{number}", number + 1
    return found


def _source(session: Session, wanted: Wanted, *, actor: str, now: dt.datetime) -> Source:
    address = str(check_address(wanted.source["url"]))
    there = session.scalar(sa.select(Source).where(Source.url == address))
    if there is not None and not there.is_away:
        return there
    # One that was taken away from others comes back to this digest alone: its maker speaks for no other.
    return add_source(
        session, **dict(wanted.source), backlog=wanted.backlog, draws_again=False, actor=actor, now=now
    )


def _first_edition(session: Session, cadence: Cadence) -> int | None:
    return session.scalar(
        sa.select(Edition.id)
        .where(Edition.cadence_id == cadence.id, Edition.state == EditionState.UPCOMING)
        .order_by(Edition.due_at)
        .limit(1)
    )
