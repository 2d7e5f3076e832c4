"""What becomes of each row of a batch, in the light of the people there are: reads only.

An import never revives: who left, was erased or is on the do-not-mail list stays so. Only who was ended by
the undoing of an import may come again with another.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.db.dialect import among, among_texts
from digest.db.tuning import prefer_indexes
from digest.lists.former import people_by_former
from digest.lists.import_rows import Row
from digest.lists.import_since import Agreed, agreed_here
from digest.lists.mappings import Meaning
from digest.lists.status import Action
from digest.lists.suppress import is_stronger
from digest.models import (
    ConsentEvent,
    Subscriber,
    Subscription,
    SubscriptionStatus,
    Suppression,
    SuppressionCause,
    SuppressionKind,
)

CAUSES = {Meaning.BOUNCED: SuppressionCause.BOUNCE, Meaning.NEVER: SuppressionCause.NEVER}
_GONE = (Meaning.LEFT, Meaning.BOUNCED)
_NEVER = Agreed()
_READERS = (Meaning.SUBSCRIBED, Meaning.PAUSED)


class Outcome(StrEnum):
    """What became of a line; the names are the counts'."""

    ADDED = "added"
    KNOWN = "known"
    LEFT = "left"
    SUPPRESSED = "suppressed"
    REPEATED = "repeated"
    BAD = "bad"
    ENDED = "ended"
    BARRED = "barred"
    UNCONFIRMED = "unconfirmed"
    PASSED_OVER = "passed_over"


@dataclass(frozen=True, slots=True)
class Known:
    """A person as the database has it. `last_action` is only looked up of those who have ended."""

    subscriber_id: int
    erased: bool
    subscription_id: int | None
    status: SubscriptionStatus | None
    alive_at: dt.datetime | None
    may_return: bool = False
    is_before: bool = False  # known by an address that they have no more


@dataclass(slots=True)
class Plan:
    """What is to be written: each with the row it comes from."""

    sums: Counter[Outcome] = field(default_factory=Counter)
    outcomes: list[tuple[Row, Outcome]] = field(default_factory=list)
    new: list[tuple[str, Row]] = field(default_factory=list)  # with the address's hash
    joining: list[tuple[int, Row]] = field(default_factory=list)  # with the subscriber's id
    returning: list[tuple[int, Row]] = field(default_factory=list)  # subscription
    ending: list[tuple[int, Row]] = field(default_factory=list)  # subscription
    barring: list[tuple[str, Row]] = field(default_factory=list)  # with the address's hash
    barred_before: list[str] = field(default_factory=list)  # hashes: the file says it again of these
    alive: list[tuple[int, dt.datetime]] = field(default_factory=list)  # subscriber, later than what is known

    @property
    def counts(self) -> dict[str, int]:
        """How many rows came to what, by the outcomes' names."""
        return {outcome.value: count for outcome, count in self.sums.items()}

    def note(self, row: Row, outcome: Outcome) -> None:
        self.sums[outcome] += 1
        if outcome is not Outcome.ADDED:
            self.outcomes.append((row, outcome))


def hold_people(session: Session, hashes: Collection[str]) -> None:
    """Hold the rows of those who are there: nobody erases or moves them before the batch is written."""
    prefer_indexes(session)
    people = sa.select(Subscriber.id).where(among_texts(session, Subscriber.address_hash, hashes))
    session.execute(people.order_by(Subscriber.id).with_for_update(key_share=True))


def sort_rows(session: Session, rows: Mapping[str, Row], list_id: int, *, leavers_only: bool) -> Plan:
    """The plan for rows by their addresses' hashes, in a number of statements that does not grow."""
    prefer_indexes(session)
    people = _known(session, rows, list_id)
    formerly = _known_before(session, [each for each in rows if each not in people], list_id)
    people |= formerly
    barred_hashes, barred_domains = _barred(session, rows)
    plan = Plan()
    if not people and not barred_hashes and not barred_domains and not leavers_only:
        readers = [one for one in rows.items() if one[1].meaning in _READERS]
        if len(readers) == len(rows):  # a first import: nearly all its batches are like this
            plan.new, plan.sums[Outcome.ADDED] = readers, len(readers)
            return plan
    gone = [people[each] for each, row in rows.items() if row.meaning in _GONE and each in people]
    agreed = agreed_here(session, [person.subscriber_id for person in gone], list_id)
    met: set[int] = set()
    # Of one person's lines the one with their present address counts: it is looked at before the others.
    lines = sorted(rows.items(), key=lambda one: one[0] in formerly) if formerly else rows.items()
    for address_hash, row in lines:
        person = people.get(address_hash)
        since = agreed.get(person.subscriber_id, _NEVER) if person else _NEVER
        if row.meaning in CAUSES:
            is_theirs = person is not None and not person.is_before
            present = barred_hashes.get(address_hash)
            _sort_barred(plan, address_hash, row, present, since if is_theirs else _NEVER)
            continue
        is_barred = address_hash in barred_hashes or row.address.domain in barred_domains
        outcome = _left_alone(row, person, met, is_barred=is_barred, leavers_only=leavers_only)
        if outcome is not None:
            plan.note(row, outcome)
            continue
        met |= {person.subscriber_id} if person else set()
        if row.meaning is Meaning.LEFT:
            _sort_leaver(plan, address_hash, row, person, since)
        else:
            _sort_reader(plan, address_hash, row, person)
    return plan


def _left_alone(
    row: Row, person: Known | None, met: Collection[int], *, is_barred: bool, leavers_only: bool
) -> Outcome | None:
    """What a line comes to that changes nothing, whoever it is about; None for one that is to be sorted.

    `met` are those of whom the batch has had a line already, by another address of theirs.
    """
    if row.meaning is Meaning.UNCONFIRMED:
        return Outcome.UNCONFIRMED
    if row.meaning is not Meaning.LEFT and leavers_only:
        return Outcome.PASSED_OVER
    if row.meaning is not Meaning.LEFT and is_barred:
        return Outcome.SUPPRESSED
    if person is not None and not person.erased and person.subscriber_id in met:
        return Outcome.KNOWN
    return None


def _sort_barred(
    plan: Plan, address_hash: str, row: Row, present: SuppressionCause | None, since: Agreed
) -> None:
    """Who is on the do-not-mail list stays there as they are, unless the file says it more strongly."""
    if present is not None:
        plan.barred_before.append(address_hash)
    if present is not None and not is_stronger(CAUSES[row.meaning], present):
        plan.note(row, Outcome.SUPPRESSED)
        return
    if row.meaning is Meaning.BOUNCED and since.is_reached(row.left_at):
        plan.note(row, Outcome.KNOWN)
        return
    plan.barring.append((address_hash, row))
    plan.note(row, Outcome.BARRED)


def _sort_leaver(plan: Plan, address_hash: str, row: Row, person: Known | None, since: Agreed) -> None:
    """Who left there has left here, unless the person did something here since.

    Of whom the undoing of an import had ended it is written too: no import brings them any more.
    """
    if person is None:
        plan.new.append((address_hash, row))
        plan.note(row, Outcome.ENDED)
    elif person.erased or (person.status is SubscriptionStatus.ENDED and not person.may_return):
        plan.note(row, Outcome.LEFT)
    elif person.status is None or person.subscription_id is None:
        plan.joining.append((person.subscriber_id, row))
        plan.note(row, Outcome.ENDED)
    elif person.may_return:
        plan.ending.append((person.subscription_id, row))
        plan.note(row, Outcome.LEFT)
    elif _is_alive_since(person, row) or since.came_back(row.left_at):
        plan.note(row, Outcome.KNOWN)
    else:
        plan.ending.append((person.subscription_id, row))
        plan.note(row, Outcome.ENDED)


def _is_alive_since(person: Known, row: Row) -> bool:
    return bool(row.left_at and person.alive_at and person.alive_at > row.left_at)


def _sort_reader(plan: Plan, address_hash: str, row: Row, person: Known | None) -> None:
    if person is None:
        plan.new.append((address_hash, row))
        plan.note(row, Outcome.ADDED)
        return
    if person.erased or (person.status is SubscriptionStatus.ENDED and not person.may_return):
        plan.note(row, Outcome.LEFT)
        return
    if row.alive_at and (person.alive_at is None or person.alive_at < row.alive_at):
        plan.alive.append((person.subscriber_id, row.alive_at))
    if person.status is None and person.is_before:
        # What was agreed to for one address brings no mail to another.
        plan.note(row, Outcome.KNOWN)
    elif person.status is None:
        plan.joining.append((person.subscriber_id, row))
        plan.note(row, Outcome.ADDED)
    elif person.subscription_id is not None and person.status is SubscriptionStatus.ENDED:
        plan.returning.append((person.subscription_id, row))
        plan.note(row, Outcome.ADDED)
    else:
        plan.note(row, Outcome.KNOWN)


def _known(session: Session, hashes: Collection[str], list_id: int) -> dict[str, Known]:
    """The people by hash; of an erased one and the one who came anew under the same address, the latter."""
    on_list = sa.and_(Subscription.subscriber_id == Subscriber.id, Subscription.list_id == list_id)
    query = (
        sa.select(
            Subscriber.address_hash,
            Subscriber.id,
            Subscriber.erased_at,
            Subscription.id.label("subscription_id"),
            Subscription.status,
            Subscriber.last_sign_of_life_at,
        )
        .outerjoin(Subscription, on_list)
        .where(among_texts(session, Subscriber.address_hash, hashes))
    )
    rows: list[Any] = list(session.execute(query))
    ended = [row.subscription_id for row in rows if row.status is SubscriptionStatus.ENDED]
    undone = _undone(session, ended) if ended else set()
    found: dict[str, Known] = {}
    for row in rows:
        person = Known(
            row.id,
            row.erased_at is not None,
            row.subscription_id,
            row.status,
            row.last_sign_of_life_at,
            may_return=row.subscription_id in undone,
        )
        if row.address_hash not in found or not person.erased:
            found[row.address_hash] = person
    return found


def _known_before(session: Session, hashes: Collection[str], list_id: int) -> dict[str, Known]:
    """The people who had these addresses until they changed them, by hash; erased or not."""
    formerly = people_by_former(session, hashes)
    if not formerly:
        return {}
    on_list = sa.and_(Subscription.subscriber_id == Subscriber.id, Subscription.list_id == list_id)
    rows = session.execute(
        sa.select(
            Subscriber.id,
            Subscriber.erased_at,
            Subscription.id.label("subscription_id"),
            Subscription.status,
            Subscriber.last_sign_of_life_at,
        )
        .outerjoin(Subscription, on_list)
        .where(among(session, Subscriber.id, sorted(set(formerly.values()))))
    )
    people = {
        row.id: Known(
            row.id,
            row.erased_at is not None,
            row.subscription_id,
            row.status,
            row.last_sign_of_life_at,
            is_before=True,
        )
        for row in rows
    }
    return {address_hash: people[person_id] for address_hash, person_id in formerly.items()}


def _undone(session: Session, subscription_ids: Collection[int]) -> set[int]:
    """Those whose last event is the undoing of an import."""
    later = sa.orm.aliased(ConsentEvent)
    query = sa.select(ConsentEvent.subscription_id).where(
        ConsentEvent.subscription_id.in_(subscription_ids),
        ConsentEvent.action == Action.UNDO_IMPORT.value,
        ~sa.exists().where(
            later.subscription_id == ConsentEvent.subscription_id, later.number > ConsentEvent.number
        ),
    )
    return set(session.scalars(query))


def _barred(session: Session, rows: Mapping[str, Row]) -> tuple[dict[str, SuppressionCause], set[str]]:
    """The hashes, each with its cause, and the domains that are on the do-not-mail list."""
    query = sa.union_all(
        _values(session, SuppressionKind.ADDRESS, rows),
        _values(session, SuppressionKind.DOMAIN, {row.address.domain for row in rows.values()}),
    )
    found = session.execute(query).all()
    hashes = {row.value: row.cause for row in found if row.kind is SuppressionKind.ADDRESS}
    return hashes, {row.value for row in found if row.kind is SuppressionKind.DOMAIN}


def _values(
    session: Session, kind: SuppressionKind, values: Collection[str]
) -> sa.Select[SuppressionKind, str, SuppressionCause]:
    return sa.select(Suppression.kind, Suppression.value, Suppression.cause).where(
        Suppression.kind == kind, among_texts(session, Suppression.value, values)
    )
