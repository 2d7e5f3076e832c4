"""How an uncertain delivery ends: by a person who looked into it, or by its list's policy after a day.

    arrived   it is `sent`; the evidence stays
    resent    it is pending in a new batch of the same revision; once at the most
    closed    it stays `uncertain`, and nothing more is done

What is told as `heard` needs nobody: the reply came after all (`deliveries.uncertain`).
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import audit
from digest.db.dialect import lock_alone
from digest.deliveries.ledger import RESENT_MARK, add_batch, move_to_batch
from digest.deliveries.uncertain import give_cases, mark, parts
from digest.editions.attention import MANY_ACTION, MANY_PERCENT
from digest.editions.gate import check_approved
from digest.editions.states import check_may_go_out, may_go_out
from digest.errors import InputError, StateError
from digest.i18n import N_
from digest.logs import get_logger
from digest.models import (
    AuditEntry,
    Delivery,
    DeliveryStatus,
    Edition,
    EditionState,
    MailingList,
    Settlement,
    Subscription,
    UncertainCase,
    UncertainPolicy,
)
from digest.queueing.enqueue import enqueue
from digest.queueing.names import TaskName

log = get_logger(__name__)

# By whom a case was settled that nobody has resolved.
POLICY: Final = "policy"
# So long after its day a mail that nobody resolved is not sent again any more: it would be no news.
_TOO_OLD: Final = dt.timedelta(days=3)
# Cases that one tick settles; more wait for the next.
_MOST: Final = 5_000
_BY_PERSON: Final = (Settlement.ARRIVED, Settlement.RESENT, Settlement.CLOSED)
# A paused edition's new batch waits until it goes on.
_RESENDABLE: Final = (EditionState.SENDING, EditionState.PAUSED, EditionState.SENT)


@dataclass(frozen=True, slots=True)
class Resolved:
    """How many deliveries were resolved, and how many could not be sent a third time."""

    people: int
    were_sent_twice: int = 0


def resolve(
    session: Session,
    edition: Edition,
    people: Sequence[int] | None,
    how: Settlement,
    *,
    actor: str,
    now: dt.datetime,
) -> Resolved:
    """Settle an edition's uncertain deliveries, of these subscribers or (None) of all, as a person says.

    What the policy has closed may still be resolved: somebody has looked. Raises StateError, having changed
    nothing, if one of the subscribers is not uncertain here or was sent it twice already, or if the edition
    can be sent to nobody any more.
    """
    if how not in _BY_PERSON:
        raise InputError(N_("A person cannot settle it like that: %(how)s."), how=how)
    _lock(session)
    give_cases(session, edition.id)
    found = _uncertain_of(session, edition.id, people)
    twice = [person for person, was_resent in found.items() if was_resent]
    if people is not None and len(found) < len(set(people)):
        asked = len(set(people))
        raise StateError(
            N_("Not all of these people are among those to whom this edition may have gone."),
            hint=f"{asked - len(found)} of {asked} are not: `digest uncertain list --edition {edition.id}`.",
        )
    if how is Settlement.RESENT:
        if people is not None and twice:
            raise StateError(
                N_("%(count)s of them were sent edition %(edition)s twice already; that is the most."),
                count=len(twice),
                edition=edition.id,
            )
        if edition.state not in _RESENDABLE:
            raise StateError(
                N_("This edition is sent to nobody any more."),
                hint=f"Edition {edition.id} is {edition.state}.",
            )
        check_may_go_out(session, edition.revision_id)
        check_approved(session, edition)
        found = {person: was_resent for person, was_resent in found.items() if not was_resent}
    done = _settle(session, edition.id, list(found), how, by=actor, now=now)
    details: dict[str, Any] = {"as": how.value, "people": done}
    audit.record(session, "edition.resolve_uncertain", edition, actor=actor, now=now, details=details)
    return Resolved(done, len(twice) if how is Settlement.RESENT else 0)


def settle_by_policy(session: Session, *, after: dt.timedelta, now: dt.datetime) -> int:
    """Settle the cases that nobody has resolved within `after`, as their lists say; returns how many.

    `hold` closes them unsent; `resend` sends each once more, and closes those that were sent again already,
    and those of an edition that the checks stop.
    The open cases are found by their index, whatever the number of editions.
    """
    due = sa.and_(UncertainCase.settled_at.is_(None), UncertainCase.since <= now - after)
    if session.scalar(sa.select(UncertainCase.edition_id).where(due).limit(1)) is None:
        return 0
    # Two ticks at once would find the same people, and move them while their second mail is on the wire.
    _lock(session)
    ends: dict[tuple[int, Settlement], list[int]] = defaultdict(list)
    for case in session.execute(_with_their_lists(due)):
        ends[case.edition_id, _end_of(case, oldest=now - after - _TOO_OLD)].append(case.subscriber_id)
    counts: dict[int, Counter[str]] = defaultdict(Counter)
    for (edition_id, wanted), people in ends.items():
        edition = session.get_one(Edition, edition_id)
        is_stopped = wanted is Settlement.RESENT and not may_go_out(session, edition.revision_id)
        end = Settlement.CLOSED if is_stopped else wanted
        counts[edition_id][end.value] += _settle(session, edition_id, people, end, by=POLICY, now=now)
    for edition_id, count in counts.items():
        edition = session.get_one(Edition, edition_id)
        audit.record(session, "edition.settle_uncertain", edition, actor=POLICY, now=now, details=dict(count))
        log.info("uncertain deliveries settled", edition=edition_id, **count)
    return sum(count.total() for count in counts.values())


def warn_of_many(session: Session, *, now: dt.datetime) -> int:
    """Log each edition of which more than 1 % may have arrived, once; returns how many there were.

    That is no chance: a mail service that drops connections, or a machine that was lost.
    """
    is_told = sa.exists().where(
        AuditEntry.action == MANY_ACTION,
        AuditEntry.target_kind == Edition.__name__,
        AuditEntry.target_id == UncertainCase.edition_id,
    )
    cases = session.execute(
        sa.select(UncertainCase.edition_id, sa.func.count().label("people"))
        .where(UncertainCase.settled_at.is_(None), ~is_told)
        .group_by(UncertainCase.edition_id)
    ).all()
    told = 0
    for edition_id, people in cases:
        # Counted only as far as it matters: this runs at every tick.
        enough = people * 100 // MANY_PERCENT
        some = sa.select(Delivery.subscriber_id).where(Delivery.edition_id == edition_id).limit(enough)
        count = session.scalar(sa.select(sa.func.count()).select_from(some.subquery())) or 0
        if count == enough:
            continue
        log.error("many deliveries are uncertain", edition=edition_id, uncertain=people, people=count)
        edition = session.get_one(Edition, edition_id)
        details = {"uncertain": people, "people": count}
        audit.record(session, MANY_ACTION, edition, actor=POLICY, now=now, details=details)
        told += 1
    return told


def _lock(session: Session) -> None:
    lock_alone(session, "uncertain deliveries")


def _uncertain_of(session: Session, edition_id: int, people: Sequence[int] | None) -> dict[int, bool]:
    """The subscribers of the uncertain deliveries, and whether each was sent it again already."""
    query = sa.select(Delivery.subscriber_id, _was_resent(Delivery)).where(
        Delivery.edition_id == edition_id, Delivery.status == DeliveryStatus.UNCERTAIN
    )
    if people is None:
        return dict(session.execute(query).all())
    found: dict[int, bool] = {}
    for some in parts(people):
        found.update(session.execute(query.where(Delivery.subscriber_id.in_(some))).all())
    return found


def _was_resent(row: type[Delivery | UncertainCase]) -> sa.ColumnElement[bool]:
    """Whether an earlier doubt about the same person and edition ended in a second mail."""
    earlier = sa.orm.aliased(UncertainCase)
    return sa.exists().where(
        earlier.edition_id == row.edition_id,
        earlier.subscriber_id == row.subscriber_id,
        earlier.settlement == Settlement.RESENT,
    )


def _with_their_lists(due: sa.ColumnElement[bool]) -> sa.Select[*tuple[Any, ...]]:
    """The cases that are due with what decides about them, the oldest first."""
    waits_for_its_edition = sa.and_(
        Edition.state == EditionState.PAUSED, MailingList.uncertain_policy == UncertainPolicy.RESEND
    )
    return (
        sa.select(
            UncertainCase.edition_id,
            UncertainCase.subscriber_id,
            UncertainCase.attempt,
            UncertainCase.since,
            Delivery.status,
            Delivery.attempt.label("attempt_now"),
            Edition.state,
            MailingList.uncertain_policy,
            _was_resent(UncertainCase).label("was_resent"),
        )
        .join(Edition, Edition.id == UncertainCase.edition_id)
        .outerjoin(
            Delivery,
            sa.and_(
                Delivery.edition_id == UncertainCase.edition_id,
                Delivery.subscriber_id == UncertainCase.subscriber_id,
            ),
        )
        .outerjoin(Subscription, Subscription.id == Delivery.subscription_id)
        .outerjoin(MailingList, MailingList.id == Subscription.list_id)
        .where(due, sa.func.coalesce(~waits_for_its_edition, sa.true()))
        .order_by(UncertainCase.since, UncertainCase.edition_id, UncertainCase.subscriber_id)
        .limit(_MOST)
    )


def _end_of(case: Any, *, oldest: dt.datetime) -> Settlement:
    """What becomes of a case that nobody has resolved in time."""
    if case.attempt_now != case.attempt:
        # Its row was dropped with its edition's range, or is at another attempt already.
        return Settlement.CLOSED
    if case.status in (DeliveryStatus.SENT, DeliveryStatus.FAILED):
        return Settlement.HEARD
    may_be_resent = (
        case.status is DeliveryStatus.UNCERTAIN
        and case.uncertain_policy is UncertainPolicy.RESEND
        and not case.was_resent
        and case.since > oldest
        and case.state in _RESENDABLE
    )
    return Settlement.RESENT if may_be_resent else Settlement.CLOSED


def _settle(
    session: Session, edition_id: int, people: list[int], end: Settlement, *, by: str, now: dt.datetime
) -> int:
    """Write the settlement to the cases, and what it means to the deliveries; returns how many cases."""
    is_closed = UncertainCase.settlement == Settlement.CLOSED
    is_open: sa.ColumnElement[bool] = UncertainCase.settled_at.is_(None)
    if by != POLICY and end is not Settlement.CLOSED:
        is_open = sa.or_(is_open, is_closed)
    if end in (Settlement.ARRIVED, Settlement.RESENT):
        # A late reply may settle one this very moment.
        is_open = sa.and_(is_open, _is_uncertain_still())
    done = mark(session, edition_id, people, is_open, end, by=by, now=now)
    if end is Settlement.ARRIVED:
        _make_sent(session, edition_id, people)
    elif end is Settlement.RESENT and done:
        _send_again(session, edition_id, people, now=now)
    return done


def _is_uncertain_still() -> sa.ColumnElement[bool]:
    return sa.exists().where(
        Delivery.edition_id == UncertainCase.edition_id,
        Delivery.subscriber_id == UncertainCase.subscriber_id,
        Delivery.attempt == UncertainCase.attempt,
        Delivery.status == DeliveryStatus.UNCERTAIN,
    )


def _make_sent(session: Session, edition_id: int, people: list[int]) -> None:
    for some in parts(people):
        session.execute(
            sa.update(Delivery)
            .where(
                Delivery.edition_id == edition_id,
                Delivery.subscriber_id.in_(some),
                Delivery.status == DeliveryStatus.UNCERTAIN,
            )
            .values(status=DeliveryStatus.SENT),
            execution_options={"synchronize_session": False},
        )


def _send_again(session: Session, edition_id: int, people: list[int], *, now: dt.datetime) -> None:
    """Put them into a new batch. Each keeps its variant: it is the same revision that may have arrived."""
    batch_id = add_batch(session, edition_id, not_before=now)
    moved = move_to_batch(
        session,
        edition_id,
        people,
        only=Delivery.status == DeliveryStatus.UNCERTAIN,
        batch_id=batch_id,
        # A late word on an earlier round changes nothing. The plain operator: `//` becomes FLOOR, which not
        # every SQLite has.
        attempt=(Delivery.attempt.op("/", return_type=sa.Integer())(RESENT_MARK) + 1) * RESENT_MARK,
    )
    log.info("uncertain deliveries are sent again", edition=edition_id, people=moved)
    enqueue(session, TaskName.SEND_BATCH, batch_id)
