"""What rules would choose for the next edition, whether they are kept or only tried. Nothing is changed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.editions.candidates import candidates, source_titles
from digest.editions.explanation import rows_of
from digest.editions.rules_form import rules_of
from digest.editions.schedule import day_of
from digest.editions.select import choose
from digest.editions.verdicts import IS_IN, Result, Why
from digest.models import Cadence, Digest, Edition, EditionState

_MOST_OUT: Final = 30


@dataclass(frozen=True, slots=True)
class Judged:
    """A story, and what the rules say of it: the code and the facts of `editions.why_chosen`."""

    title: str
    why: Why
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class WouldChoose:
    """What would be in the edition of `at`, the featured story first; who is out; what it would come to."""

    at: dt.datetime
    zone: str
    rhythm: str
    chosen: tuple[Judged, ...]
    out: tuple[Judged, ...]
    more_out: int
    result: Result

    @property
    def featured(self) -> Judged | None:
        first = self.chosen[0] if self.chosen else None
        return first if first is not None and "place" not in first.facts else None


def would_choose(session: Session, digest: Digest, *, now: dt.datetime) -> WouldChoose | None:
    """What a digest with these rules would take into its next edition, by the stories there are now.

    `digest` need not be a row: its rules count as they are given. None if no rhythm of it runs. What editors
    did to the coming edition, and the desk's own items, are left aside: the rules alone are asked.
    """
    row = session.execute(
        sa.select(Cadence, Edition)
        .outerjoin(Edition, sa.and_(Edition.cadence_id == Cadence.id, Edition.state == EditionState.UPCOMING))
        .where(Cadence.digest_id == digest.id, Cadence.is_running)
        .order_by(Edition.send_at.is_(None), Edition.send_at, Cadence.id)
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    cadence = row.Cadence
    edition = row.Edition or Edition(cadence_id=cadence.id, send_at=now)
    rules = rules_of(digest, cadence)
    found = candidates(session, edition, rules)
    lead = dt.timedelta(seconds=cadence.lead_seconds)
    choice = choose(
        found,
        rules,
        at=edition.send_at,
        now=max(now, edition.send_at - lead),
        day=day_of(edition.send_at, cadence.zone),
    )
    titles = {one.post_id: one.title for one in found}
    rows = rows_of(choice, titles, None, source_titles(session, edition))
    judged = [Judged(one["title"], Why(one["why"]), one["facts"]) for one in rows if "why" in one]
    out = [one for one in judged if one.why not in IS_IN]
    rest = sum(count for one in rows if "rest" in one for count in one["rest"].values())
    return WouldChoose(
        at=edition.send_at,
        zone=cadence.zone,
        rhythm=cadence.name,
        chosen=tuple(one for one in judged if one.why in IS_IN),
        out=tuple(out[:_MOST_OUT]),
        more_out=max(0, len(out) - _MOST_OUT) + rest,
        result=choice.result,
    )
