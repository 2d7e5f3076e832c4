"""Whom an edition goes to, in numbers: how many, what is otherwise since the last one, and three of them.

The number of statements is constant. What changed is looked for among the subscriptions that changed, not
among everybody: a million who stay cost nothing.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass, replace
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.db.dialect import among
from digest.db.remembered import Remembered
from digest.db.tuning import with_room_to_work
from digest.i18n import N_, Translator
from digest.lists.queries import first_cadence_id
from digest.lists.segments import Sample, edition_audience, segment_of
from digest.lists.suppress import suppressed_ids
from digest.models import (
    Cadence,
    ConsentEvent,
    Delivery,
    Edition,
    EditionFigures,
    EditionState,
    EditionTotals,
    MailingList,
    Subscriber,
    Subscription,
    SubscriptionStatus,
    TextSize,
)

SAMPLES = 3
_FEW = 5_000  # changed subscriptions that are looked up one by one
_PIECE = 2_000  # ids that are looked through at once
_Audience = sa.Select[int, int, TextSize, str | None]
_WENT_OUT = (EditionState.SENDING, EditionState.PAUSED, EditionState.SENT)


@dataclass(frozen=True, slots=True)
class AudienceSummary:
    """How many people an edition goes to, and why that is another number than last time.

    `before` is how many the last edition of its cadence was planned for, None where there was none. `joined`
    are in it now and were not then; of `left`, who were then and are not now, `paused` only rest. What these
    do not explain is `others`: the do-not-mail list, another segment, another rhythm.
    """

    people: int
    before: int | None = None
    before_id: int | None = None
    joined: int = 0
    left: int = 0
    paused: int = 0
    samples: tuple[Sample, ...] = ()

    @property
    def difference(self) -> int | None:
        return None if self.before is None else self.people - self.before

    @property
    def others(self) -> int:
        """So many more, or fewer, for other reasons than subscriptions."""
        return 0 if self.before is None else self.people - self.before - self.joined + self.left


def audience_of(session: Session, edition: Edition) -> AudienceSummary:
    """As `audience_summary`; of very many it may be as it was a minute ago."""
    key = _key(session, edition)
    found = _summaries.of(session, key, lambda using: _summary(using, key))
    # Numbers may be a minute old. Of a person who was erased since then nothing is shown.
    known = _known(session, [one.subscriber_id for one in found.samples])
    return replace(found, samples=tuple(one for one in known if one.address))


def people_of(session: Session, edition: Edition) -> int:
    """How many an edition goes to; of very many it may be as it was a minute ago."""
    key = _key(session, edition)
    return _counts.of(session, key, lambda using: _count_of(using, key))


def audience_summary(session: Session, edition: Edition, *, samples: int = SAMPLES) -> AudienceSummary:
    """Whom an edition goes to: as it is planned, or else as it would be planned now."""
    people, last = edition_audience(session, edition), _last(session, edition)
    before = None if last is None else _planned(session, last.id)
    joined, left, paused = (0, 0, 0) if last is None else _changes(session, people, last)
    return AudienceSummary(
        people=_people(session, edition, people),
        before=before,
        before_id=None if last is None else last.id,
        joined=joined,
        left=left,
        paused=paused,
        samples=_samples(session, edition, people, samples),
    )


def audience_samples(session: Session, edition: Edition, *, samples: int = SAMPLES) -> tuple[Sample, ...]:
    """Some of those whom it goes to: the same ones each time, as in `audience_summary`."""
    return _samples(session, edition, edition_audience(session, edition), samples)


AS_MANY = N_("As many as last time.")
FIRST = N_("It is the first one of this rhythm.")


def audience_sentences(found: AudienceSummary, words: Translator) -> tuple[str, ...]:
    """The numbers for a person: how many, and how that came about."""
    people = words.gettext("Readers who get it: %(people)s.", people=words.number(found.people))
    if found.difference is None:
        return people, words.gettext(FIRST)
    if found.difference == 0 and not found.joined:
        return people, words.gettext(AS_MANY)
    form = N_("Last time there were %(before)s: since then %(joined)s came, %(left)s left or rest.")
    told = {"before": found.before or 0, "joined": found.joined, "left": found.left}
    numbers = {name: words.number(value) for name, value in told.items()}
    lines = [people, words.gettext(form, **numbers)]
    if found.others:
        more = f"{'+' if found.others > 0 else '−'}{words.number(abs(found.others))}"
        lines.append(words.gettext("For other reasons: %(more)s.", more=more))
    return tuple(lines)


@dataclass(frozen=True, slots=True)
class _Key:
    """An edition, and what decides about its audience beside the readers themselves."""

    edition_id: int
    public_id: str
    cadence_id: int
    segment: str
    planned_at: dt.datetime | None


def _key(session: Session, edition: Edition) -> _Key:
    segment = segment_of(session, edition)
    rule = "" if segment is None else f"{segment.id} {segment.changed_at}"
    return _Key(edition.id, edition.public_id, edition.cadence_id, rule, edition.planned_at)


def _summary(session: Session, key: _Key) -> AudienceSummary:
    found = audience_summary(session, session.get_one(Edition, key.edition_id))
    _counts.know(session, key, found.people)
    return found


def _count_of(session: Session, key: _Key) -> int:
    edition = session.get_one(Edition, key.edition_id)
    return _people(session, edition, edition_audience(session, edition))


_summaries: Final[Remembered[_Key, AudienceSummary]] = Remembered(lambda found: found.people, seconds=60)
_counts: Final[Remembered[_Key, int]] = Remembered(int, seconds=60)


def _last(session: Session, edition: Edition) -> Edition | None:
    """The edition of the same rhythm that went out before; not a correction, which is for a few."""
    return session.scalars(
        sa.select(Edition)
        .where(
            Edition.cadence_id == edition.cadence_id,
            Edition.id != edition.id,
            Edition.corrects_id.is_(None),
            Edition.state.in_(_WENT_OUT),
            Edition.planned_at.is_not(None),
            Edition.due_at <= edition.due_at,
        )
        .order_by(Edition.due_at.desc(), Edition.id.desc())
        .limit(1)
    ).one_or_none()


def _people(session: Session, edition: Edition, audience: _Audience) -> int:
    if edition.planned_at is not None:
        return _planned(session, edition.id)
    with_room_to_work(session)
    if edition.corrects_id is not None or segment_of(session, edition) is not None:
        return session.scalar(sa.select(sa.func.count()).select_from(audience.subquery())) or 0
    # The same people as of `queries.audience`, read from one index; the few that are on the do-not-mail list
    # are looked up and subtracted. To look for each in it takes several times as long. Whoever is on several
    # lists counts once: where there is but one, nobody need be looked for twice.
    digest_id = sa.select(Cadence.digest_id).where(Cadence.id == edition.cadence_id).scalar_subquery()
    is_of_first = sa.and_(
        Subscription.cadence_id.is_(None), first_cadence_id(digest_id) == edition.cadence_id
    )
    lists = session.scalars(sa.select(MailingList.id).where(MailingList.digest_id == digest_id)).all()
    everybody = sa.select(Subscription.subscriber_id).where(
        Subscription.list_id.in_(lists),
        Subscription.status == SubscriptionStatus.ACTIVE,
        sa.or_(Subscription.cadence_id == edition.cadence_id, is_of_first),
    )
    if len(lists) > 1:
        everybody = everybody.distinct()
    barred = everybody.where(Subscription.subscriber_id.in_(suppressed_ids()))
    return session.scalar(sa.select(_count(everybody) - _count(barred))) or 0


def _count(ids: sa.Select[int]) -> sa.ScalarSelect[int]:
    return sa.select(sa.func.count()).select_from(ids.subquery()).scalar_subquery()


def _planned(session: Session, edition_id: int) -> int:
    # Of those who were planned nobody goes, whatever becomes of their mails.
    kept = session.get(EditionTotals, edition_id) or session.get(EditionFigures, edition_id)
    if kept is not None:
        return kept.sent + kept.failed + kept.skipped + kept.uncertain
    of_edition = sa.select(sa.func.count()).select_from(Delivery).where(Delivery.edition_id == edition_id)
    return session.scalar(of_edition) or 0


def _changes(session: Session, audience: _Audience, last: Edition) -> tuple[int, int, int]:
    """(joined, left, of these paused) of those whose subscription changed since the last was planned."""
    # Events are in the order of their ids: from the newest back to the first that is older.
    older = (
        sa.select(ConsentEvent.id)
        .where(ConsentEvent.at <= last.planned_at)
        .order_by(ConsentEvent.id.desc())
        .limit(1)
    )
    # Asked apart: where PostgreSQL knows how few are newer, it looks these up.
    known = session.scalar(older) or 0
    changed_ids = (
        sa.select(Subscription.subscriber_id)
        .join(ConsentEvent, ConsentEvent.subscription_id == Subscription.id)
        .where(ConsentEvent.id > known)
    )
    few = session.scalars(changed_ids.limit(_FEW + 1)).all()
    if len(few) <= _FEW:
        return _changes_of_few(session, audience, last, sorted(set(few)))
    changed = changed_ids.distinct().subquery("changed")
    had = sa.exists().where(Delivery.edition_id == last.id, Delivery.subscriber_id == changed.c.subscriber_id)
    people = audience.where(Subscriber.id.in_(changed_ids)).subquery("people")
    rests = sa.exists().where(
        Subscription.subscriber_id == changed.c.subscriber_id,
        Subscription.id == Delivery.subscription_id,
        Delivery.edition_id == last.id,
        Delivery.subscriber_id == changed.c.subscriber_id,
        Subscription.status == SubscriptionStatus.PAUSED,
    )
    is_in = people.c.subscriber_id.is_not(None)
    one = sa.literal(1)
    row = session.execute(
        sa.select(
            sa.func.coalesce(sa.func.sum(sa.case((sa.and_(is_in, ~had), one), else_=0)), 0),
            sa.func.coalesce(sa.func.sum(sa.case((sa.and_(~is_in, had), one), else_=0)), 0),
            sa.func.coalesce(sa.func.sum(sa.case((sa.and_(~is_in, rests), one), else_=0)), 0),
        )
        .select_from(changed)
        .outerjoin(people, people.c.subscriber_id == changed.c.subscriber_id)
    ).one()
    return int(row[0]), int(row[1]), int(row[2])


def _changes_of_few(
    session: Session, audience: _Audience, last: Edition, changed: list[int]
) -> tuple[int, int, int]:
    """The same, each person looked up: SQLite would put the whole audience together first."""
    if not changed:
        return 0, 0, 0
    now = set(
        session.scalars(
            audience.with_only_columns(Subscriber.id).where(among(session, Subscriber.id, changed))
        )
    )
    rows = session.execute(
        sa.select(Delivery.subscriber_id, Subscription.status)
        .join(Subscription, Subscription.id == Delivery.subscription_id)
        .where(Delivery.edition_id == last.id, among(session, Delivery.subscriber_id, changed))
    ).all()
    had = {row.subscriber_id: row.status for row in rows}
    left = had.keys() - now
    return len(now - had.keys()), len(left), sum(had[one] is SubscriptionStatus.PAUSED for one in left)


def _samples(session: Session, edition: Edition, audience: _Audience, count: int) -> tuple[Sample, ...]:
    """The same people each time for one edition, from all over the list; others for another edition."""
    if count < 1:
        return ()
    highest = session.scalar(sa.select(sa.func.max(Subscriber.id))) or 0
    found: dict[int, None] = {}
    for number in range(count):
        pick = hashlib.sha256(f"{edition.id}:{number}".encode()).digest()
        start = int.from_bytes(pick[:8]) % (highest + 1)
        person = _from(session, edition, audience, start, list(found))
        if person is None:
            break
        found[person] = None
    return _known(session, list(found))


def _known(session: Session, people: list[int]) -> tuple[Sample, ...]:
    """Who these are now, in their order."""
    rows = session.execute(
        sa.select(Subscriber.id, Subscriber.address, Subscriber.name).where(Subscriber.id.in_(people))
    )
    known = {row.id: Sample(row.id, row.address or "", row.name) for row in rows}
    return tuple(known[person] for person in people if person in known)


def _from(
    session: Session, edition: Edition, audience: _Audience, start: int, taken: list[int]
) -> int | None:
    """The first of an edition's people from an id on, or else of all; but those who are taken."""
    if edition.planned_at is not None:
        planned = sa.select(Delivery.subscriber_id).where(Delivery.edition_id == edition.id)
        ids, ordered = Delivery.subscriber_id, planned
    else:
        ids, ordered = Subscriber.id, audience.with_only_columns(Subscriber.id)
    ordered = ordered.where(ids.not_in(taken)).order_by(ids).limit(1)
    # A short piece first: of many people one is in it, and the whole need not be put together.
    for piece in (ids.between(start, start + _PIECE), ids >= start, sa.true()):
        if (person := session.scalar(ordered.where(piece))) is not None:
            return person
    return None
