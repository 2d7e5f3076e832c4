"""Segments: saved rules over the people of a digest's lists, who they are now, which edition goes to whom.

A segment has no people of its own: whoever fits when it is asked is in it. Steps take a Session and never
commit.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import audit
from digest.db.dialect import insert_if_new
from digest.db.tuning import with_room_to_work
from digest.errors import InputError, NotFoundError, StateError
from digest.i18n import N_
from digest.lists.fields import check_short_name, clean_line
from digest.lists.had_story import had_story
from digest.lists.queries import audience
from digest.lists.segment_query import Condition, condition_of, members, scope_of
from digest.lists.segment_rules import Known, parse_rule, read_rule
from digest.lists.segment_tree import attributes_in
from digest.lists.suppress import not_suppressed, suppressed_ids
from digest.models import (
    Attribute,
    Cadence,
    Digest,
    Edition,
    EditionState,
    MailingList,
    Segment,
    Subscriber,
    TextSize,
    Topic,
)

SAMPLES = 3
# The segment of an edition that goes to all its readers although its cadence goes to a segment: an edition
# names a segment or none, and none is its cadence's.
EVERYBODY = "everybody"
_EVERYBODYS_RULE = {"joined": {"since": "1970-01-01"}}
# Whose audience is not fixed yet, or can be fixed anew.
_OPEN = (EditionState.UPCOMING, EditionState.FROZEN, EditionState.HELD)
_FINAL = (EditionState.SENT, EditionState.SKIPPED, EditionState.CANCELLED)


@dataclass(frozen=True, slots=True)
class Sample:
    """One of a segment's people."""

    subscriber_id: int
    address: str
    name: str


@dataclass(frozen=True, slots=True)
class Counted:
    """How many people may be mailed and fit a rule, and the first of them."""

    people: int
    samples: tuple[Sample, ...]


def known_names(session: Session, digest_id: int) -> Known:
    """The names that a rule of this digest may use."""

    def names(column: Any, owner: Any) -> frozenset[str]:
        return frozenset(session.scalars(sa.select(column).where(owner == digest_id)))

    kinds = session.execute(sa.select(Attribute.name, Attribute.kind))
    return Known(
        lists=names(MailingList.name, MailingList.digest_id),
        cadences=names(Cadence.name, Cadence.digest_id),
        topics=names(Topic.name, Topic.digest_id),
        attributes={name: kind for name, kind in kinds},  # noqa: C416  (rows are typed)
    )


def add_segment(
    session: Session, digest: Digest, *, name: str, title: str, rule: str, actor: str, now: dt.datetime
) -> Segment:
    """Save a rule (JSON text) under a name; raises RuleError with the place that is wrong."""
    stored, _ = read_rule(rule, known_names(session, digest.id))
    row = {
        "digest_id": digest.id,
        "name": check_short_name(name, what="segment"),
        "title": clean_line(title, what=N_("title")) or name,
        "rule": stored,
        "created_at": now,
        "changed_at": now,
    }
    if name in ("none", EVERYBODY):
        raise InputError(
            N_("No part of the readers can be called %(name)s: that word stands for something else."),
            name=name,
        )
    made = insert_if_new(session, Segment, row)
    if made is None:
        raise InputError(N_("The digest has a part called %(name)r already; choose another name."), name=name)
    segment = session.get_one(Segment, made)
    audit.record(session, "segment.add", segment, actor=actor, now=now, details={"name": name})
    return segment


def set_segment(
    session: Session,
    segment: Segment,
    *,
    actor: str,
    now: dt.datetime,
    title: str | None = None,
    rule: str | None = None,
) -> None:
    """Change what is given. Editions whose audience is fixed keep it."""
    if title is not None:
        segment.title = clean_line(title, what=N_("title")) or segment.name
    if rule is not None:
        if segment.name == EVERYBODY:
            raise InputError(N_("The segment everybody is everybody: its rule stays."))
        segment.rule, _ = read_rule(rule, known_names(session, segment.digest_id))
    segment.changed_at = now
    session.flush()
    details = {"title": title is not None, "rule": rule is not None}
    audit.record(session, "segment.set", segment, actor=actor, now=now, details=details)


def remove_segment(session: Session, segment: Segment, *, actor: str, now: dt.datetime) -> None:
    """Forget a rule; raises StateError while a cadence or an edition that is not over goes to it."""
    cadences = sa.select(Cadence.name).where(Cadence.segment_id == segment.id).order_by(Cadence.name)
    if (cadence := session.scalars(cadences.limit(1)).first()) is not None:
        raise StateError(
            N_("%(rhythm)s goes to it: choose there first whom it goes to."),
            rhythm=cadence,
            hint="`digest cadence set ... --segment none` ends that.",
        )
    going = sa.select(Edition.id).where(Edition.segment_id == segment.id, Edition.state.not_in(_FINAL))
    if (edition := session.scalars(going.order_by(Edition.id).limit(1)).first()) is not None:
        raise StateError(
            N_("Edition %(number)s goes to this part of the readers; choose first whom else it goes to."),
            number=edition,
        )
    # Of none that came since: without its segment it would go to everybody.
    past = (
        sa.update(Edition)
        .where(Edition.segment_id == segment.id, Edition.state.in_(_FINAL))
        .values(segment_id=None)
    )
    session.execute(past.execution_options(synchronize_session=False))
    audit.record(session, "segment.remove", segment, actor=actor, now=now, details={"name": segment.name})
    session.delete(segment)
    session.flush()


def segment_named(session: Session, digest_id: int, name: str) -> Segment:
    """The segment of this name of a digest; raises NotFoundError."""
    of_digest = sa.select(Segment).where(Segment.digest_id == digest_id)
    found = session.scalars(of_digest.where(Segment.name == name)).one_or_none()
    if found is None:
        names = list(
            session.scalars(of_digest.with_only_columns(Segment.name).order_by(Segment.name).limit(6))
        )
        raise NotFoundError(
            N_("There is no segment %(name)r; there are: %(known)s.")
            if names
            else N_("There is no segment %(name)r, nor any other yet."),
            name=name[:60],
            known=", ".join([*names[:5], "..."] if len(names) > 5 else names),
        )
    return found


def segments_of(session: Session, digest_id: int | None = None) -> list[tuple[str, Segment]]:
    """Every segment with its digest's name, by name."""
    query = sa.select(Digest.name, Segment).join(Segment, Segment.digest_id == Digest.id)
    if digest_id is not None:
        query = query.where(Digest.id == digest_id)
    return [(name, segment) for name, segment in session.execute(query.order_by(Digest.name, Segment.name))]


def uses_attribute(session: Session, name: str) -> list[str]:
    """The segments whose rules ask for an attribute."""
    return [
        segment.name for _, segment in segments_of(session) if name in attributes_in(parse_rule(segment.rule))
    ]


def count_rule(
    session: Session,
    digest_id: int,
    rule: Mapping[str, Any] | str,
    *,
    now: dt.datetime,
    samples: int = SAMPLES,
) -> Counted:
    """How many people of a digest fit a rule now, on whatever cadence they are; in two statements.

    A rule that comes as JSON text is checked first. Those on the do-not-mail list are subtracted: to look for
    each of a million in it takes as long as all the rest, to look up the few that are in it does not.
    """
    tree = read_rule(rule, known_names(session, digest_id))[1] if isinstance(rule, str) else parse_rule(rule)
    scope = scope_of(session, digest_id, now=now)
    everybody = members(tree, scope)
    barred = everybody.where(Subscriber.id.in_(suppressed_ids()))
    with_room_to_work(session)
    people = session.scalar(sa.select(_count(everybody) - _count(barred))) or 0
    if not people or not samples:
        return Counted(people, ())
    first = everybody.where(not_suppressed()).order_by(Subscriber.id).limit(samples).subquery()
    rows = session.execute(
        sa.select(Subscriber.id, Subscriber.address, Subscriber.name)
        .join(first, first.c.id == Subscriber.id)
        .order_by(Subscriber.id)
    )
    return Counted(people, tuple(Sample(row.id, row.address or "", row.name) for row in rows))


def _count(ids: sa.Select[int]) -> sa.ScalarSelect[int]:
    return sa.select(sa.func.count()).select_from(ids.subquery()).scalar_subquery()


def condition_for(session: Session, segment: Segment, *, at: dt.datetime) -> Condition:
    """The condition that `queries.audience` takes; spans of time count back from `at`."""
    return condition_of(parse_rule(segment.rule), scope_of(session, segment.digest_id, now=at))


def segment_of(session: Session, edition: Edition) -> Segment | None:
    """The segment that an edition goes to: its own, or else its cadence's; None: to everybody."""
    if edition.corrects_id is not None:  # it goes to whoever had what it puts right
        return None
    cadences = sa.select(Cadence.segment_id).where(Cadence.id == edition.cadence_id).scalar_subquery()
    return session.scalars(
        sa.select(Segment).where(Segment.id == sa.func.coalesce(edition.segment_id, cadences))
    ).one_or_none()


def edition_audience(session: Session, edition: Edition) -> sa.Select[int, int, TextSize, str | None]:
    """`queries.audience` of an edition: of its segment alone, if it has one; of a correction, `had_story`.

    Spans of time in the rule count back from the edition's own moment, so that asking twice is one answer.
    """
    if edition.corrects_id is not None:
        return had_story(session, edition)
    segment = segment_of(session, edition)
    if segment is None or segment.name == EVERYBODY:
        return audience(edition.cadence_id)
    return audience(edition.cadence_id, condition_for(session, segment, at=edition.send_at))


def set_edition_segment(
    session: Session, edition: Edition, name: str | None, *, actor: str, now: dt.datetime
) -> None:
    """Let one edition go to a segment of its own; None: to its cadence's again; EVERYBODY: to none at all.

    Raises StateError once its audience is fixed, and for a correction.
    """
    session.flush()
    session.refresh(edition, with_for_update=True)
    if edition.corrects_id is not None:
        raise StateError(
            N_("Edition %(edition)s is a correction: it goes to those who had what it puts right."),
            edition=edition.id,
        )
    if edition.state not in _OPEN or edition.planned_at is not None:
        raise StateError(
            N_("The audience of edition %(edition)s is fixed: it cannot go to another segment."),
            edition=edition.id,
        )
    digest_id = session.scalars(sa.select(Cadence.digest_id).where(Cadence.id == edition.cadence_id)).one()
    if name == EVERYBODY:
        edition.segment_id = _everybody(session, digest_id, now=now)
    else:
        edition.segment_id = None if name is None else segment_named(session, digest_id, name).id
    session.flush()
    audit.record(session, "edition.segment", edition, actor=actor, now=now, details={"segment": name or ""})


def _everybody(session: Session, digest_id: int, *, now: dt.datetime) -> int:
    """The id of the digest's segment that everybody is in; made when it is first wanted."""
    row = {
        "digest_id": digest_id,
        "name": EVERYBODY,
        "title": "Everybody",
        "rule": _EVERYBODYS_RULE,
        "created_at": now,
        "changed_at": now,
    }
    return insert_if_new(session, Segment, row) or segment_named(session, digest_id, EVERYBODY).id


def set_cadence_segment(
    session: Session, cadence: Cadence, name: str | None, *, actor: str, now: dt.datetime
) -> None:
    """Let a cadence's editions go to a segment; None: to everybody. Fixed audiences stay."""
    is_everybody = name is None or name == EVERYBODY
    segment = None if is_everybody else segment_named(session, cadence.digest_id, name or "")
    cadence.segment_id = segment.id if segment else None
    session.flush()
    audit.record(session, "cadence.segment", cadence, actor=actor, now=now, details={"segment": name or ""})
