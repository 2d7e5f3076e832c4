"""A segment's rule as a condition of a query: SQLAlchemy expressions, the same meaning on both databases.

The condition is for a query over Subscriber joined with Subscription, to lists of the segment's digest,
where `queries.may_be_mailed` holds. It is about the person: whoever has several subscriptions fits with all
of them or with none. The one exception is the first list that stands at the top of the rule (alone, or a part
of its outer `all`): the row must be of that list, so that the mail goes out under the subscription meant.

No value is ever NULL here, so that `not` of a rule is everybody else.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from digest.db.dialect import json_array_has, json_kind, json_text
from digest.lists.queries import first_cadence_id
from digest.lists.segment_tree import AllOf, AnyOf, AttributeRule, Moment, Named, Not, Rule, Text, Value
from digest.models import (
    Cadence,
    Delivery,
    DeliveryStatus,
    Edition,
    MailingList,
    Subscriber,
    Subscription,
    SubscriptionStatus,
)

Condition = sa.ColumnElement[bool]
_NOBODY = 0  # an id that no row has


@dataclass(frozen=True, slots=True)
class Scope:
    """The digest that a rule is asked in: its lists and cadences by name, and the moment of the asking."""

    digest_id: int
    lists: Mapping[str, int]
    cadences: Mapping[str, int]
    now: dt.datetime


def scope_of(session: Session, digest_id: int, *, now: dt.datetime) -> Scope:
    """The scope of a digest, in two statements."""
    lists = sa.select(MailingList.name, MailingList.id).where(MailingList.digest_id == digest_id)
    cadences = sa.select(Cadence.name, Cadence.id).where(Cadence.digest_id == digest_id)
    return Scope(
        digest_id,
        lists={name: number for name, number in session.execute(lists)},  # noqa: C416  (rows are typed)
        cadences={name: number for name, number in session.execute(cadences)},  # noqa: C416
        now=now,
    )


def condition_of(rule: Rule, scope: Scope) -> Condition:
    """What a row of the query must fulfil."""
    through, conditions = _split(rule, scope)
    if through is not None:
        conditions.insert(0, Subscription.list_id.in_(through))
    return sa.and_(*conditions)


def _split(rule: Rule, scope: Scope) -> tuple[list[int] | None, list[Condition]]:
    """The lists that the row must be of, if the rule names some at its top, and what else is asked."""
    parts = list(rule.parts) if isinstance(rule, AllOf) else [rule]
    through = next((one for one in parts if isinstance(one, Named) and one.field == "list"), None)
    conditions = [_asked(one, scope) for one in parts if one is not through]
    return (None if through is None else _ids(scope.lists, through.names)), conditions


def members(rule: Rule, scope: Scope) -> sa.Select[int]:
    """The ids of the people of a digest whom a rule chooses, each once, the do-not-mail list left aside.

    With one list this is a join; with several, people who are on any of them: to count those of a join, each
    once, took three times as long.
    """
    through, conditions = _split(rule, scope)
    lists = list(scope.lists.values()) if through is None else through
    of_lists = sa.and_(
        Subscription.list_id.in_(lists or [_NOBODY]), Subscription.status == SubscriptionStatus.ACTIVE
    )
    query = sa.select(Subscriber.id).where(Subscriber.erased_at.is_(None), *conditions)
    if len(scope.lists) == 1:
        return query.join(Subscription, Subscription.subscriber_id == Subscriber.id).where(of_lists)
    if through is None and _wants_a_subscription(rule):
        return query  # they are on one of the lists, or they would not fit: to ask again takes as long
    return query.where(Subscriber.id.in_(sa.select(Subscription.subscriber_id).where(of_lists)))


def _wants_a_subscription(rule: Rule) -> bool:
    """Whether only somebody with an active subscription to the digest can fit; see `_subscribed`."""
    if isinstance(rule, AllOf):
        return any(_wants_a_subscription(part) for part in rule.parts)
    if isinstance(rule, Moment):
        return rule.field == "joined" and (rule.before is not None or rule.older_than is not None)
    return isinstance(rule, Named)


def _asked(rule: Rule, scope: Scope) -> Condition:
    if isinstance(rule, AllOf):
        return sa.and_(*(_asked(part, scope) for part in rule.parts))
    if isinstance(rule, AnyOf):
        return sa.or_(*(_asked(part, scope) for part in rule.parts))
    if isinstance(rule, Not):
        return sa.not_(_asked(rule.part, scope))
    if isinstance(rule, Named):
        return _named(rule, scope)
    if isinstance(rule, Text):
        return _text(rule)
    return _moment(rule, scope) if isinstance(rule, Moment) else _attribute(rule)


def _subscribed(scope: Scope, asks: Callable[[Any], Condition]) -> Condition:
    """Whether an active subscription of the person's, to a list of the digest, is so.

    With one list the row of the query is that subscription: nothing more is read.
    """
    if len(scope.lists) == 1:
        return asks(Subscription)
    own = aliased(Subscription)
    return (
        sa.exists()
        .where(
            own.subscriber_id == Subscriber.id,
            own.list_id.in_(list(scope.lists.values()) or [_NOBODY]),
            own.status == SubscriptionStatus.ACTIVE,
            asks(own),
        )
        .correlate(Subscriber)
    )


def _named(rule: Named, scope: Scope) -> Condition:
    if rule.field == "list":
        lists = _ids(scope.lists, rule.names)
        return _subscribed(scope, lambda own: own.list_id.in_(lists))
    if rule.field == "cadence":
        # A subscription without a cadence is on the digest's first one, as in `queries.audience`.
        first = sa.func.coalesce(first_cadence_id(scope.digest_id), _NOBODY)
        cadences = _ids(scope.cadences, rule.names)
        return _subscribed(scope, lambda own: sa.func.coalesce(own.cadence_id, first).in_(cadences))
    return _subscribed(scope, lambda own: sa.or_(*(json_array_has(own.topics, name) for name in rule.names)))


def _ids(by_name: Mapping[str, int], names: Sequence[str]) -> list[int]:
    return [by_name.get(name, _NOBODY) for name in names]


def _text(rule: Text) -> Condition:
    column = sa.func.coalesce(Subscriber.language if rule.field == "language" else Subscriber.zone, "")
    if rule.is_set is not None:
        return column != "" if rule.is_set else column == ""
    same = column.in_(rule.values)
    if rule.field == "zone":
        return same
    # `hy` also stands for `hy-am` (RFC 4647, basic filtering). Not LIKE: the databases differ about case.
    narrower = (sa.func.substr(column, 1, len(value) + 1) == f"{value}-" for value in rule.values)
    return sa.or_(same, *narrower)


def _moment(rule: Moment, scope: Scope) -> Condition:
    since = _SINCE[rule.field]
    conditions: list[Condition] = []
    if rule.since is not None:
        conditions.append(since(scope, rule.since))
    if rule.within is not None:
        conditions.append(since(scope, scope.now - rule.within))
    before = _joined_before if rule.field == "joined" else lambda at, moment: sa.not_(since(at, moment))
    if rule.before is not None:
        conditions.append(before(scope, rule.before))
    if rule.older_than is not None:
        conditions.append(before(scope, scope.now - rule.older_than))
    if rule.never is not None:
        ever = since(scope, None)
        conditions.append(sa.not_(ever) if rule.never else ever)
    return sa.and_(*conditions)


def _joined_before(scope: Scope, moment: dt.datetime) -> Condition:
    """Whether the oldest of the person's active subscriptions to the digest's lists is older."""
    return _subscribed(scope, lambda own: own.created_at < moment)


def _joined_since(scope: Scope, moment: dt.datetime | None) -> Condition:
    assert moment is not None  # "never" cannot be asked of it
    return sa.not_(_joined_before(scope, moment))


def _alive_since(scope: Scope, moment: dt.datetime | None) -> Condition:
    del scope
    column = Subscriber.last_sign_of_life_at
    return column.is_not(None) if moment is None else sa.and_(column.is_not(None), column >= moment)


def _handed_over_since(scope: Scope, moment: dt.datetime | None) -> Condition:
    """Whether an edition of the digest was handed over to the person that went out not before the moment.

    By the edition's moment, not each mail's: so only the deliveries of the editions in question are read.
    """
    editions = (
        sa.select(Edition.id)
        .join(Cadence, Cadence.id == Edition.cadence_id)
        .where(Cadence.digest_id == scope.digest_id)
    )
    if moment is not None:
        editions = editions.where(Edition.send_at >= moment)
    return (
        sa.exists()
        .where(
            Delivery.subscriber_id == Subscriber.id,
            Delivery.status == DeliveryStatus.SENT,
            Delivery.edition_id.in_(editions),
        )
        .correlate(Subscriber)
    )


_SINCE: Mapping[str, Callable[[Scope, dt.datetime | None], Condition]] = {
    "joined": _joined_since,
    "last_sign_of_life": _alive_since,
    "last_handed_over": _handed_over_since,
}


def _attribute(rule: AttributeRule) -> Condition:
    kind, text = json_kind(Subscriber.attributes, rule.name), json_text(Subscriber.attributes, rule.name)
    conditions: list[Condition] = []
    if rule.is_set is not None:
        there = kind.in_(("string", "number", "true", "false"))
        conditions.append(there if rule.is_set else sa.not_(there))
    if rule.values:
        conditions.append(sa.or_(*(_is(kind, text, value) for value in rule.values)))
    # Only where it is a number is it read as one: PostgreSQL refuses other text.
    number = sa.case((kind == "number", sa.cast(text, sa.Double)))
    if rule.at_least is not None:
        conditions.append(sa.and_(kind == "number", number >= rule.at_least))
    if rule.less_than is not None:
        conditions.append(sa.and_(kind == "number", number < rule.less_than))
    # Dates are kept as 2027-01-15: their order is that of their letters.
    if rule.since is not None:
        conditions.append(sa.and_(kind == "string", text >= rule.since.isoformat()))
    if rule.before is not None:
        conditions.append(sa.and_(kind == "string", text < rule.before.isoformat()))
    return sa.and_(*conditions)


def _is(kind: sa.ColumnElement[str], text: sa.ColumnElement[str], value: Value) -> Condition:
    if isinstance(value, bool):
        return kind == ("true" if value else "false")
    if isinstance(value, str):
        return sa.and_(text == value, kind == "string")  # what most people differ in comes first
    return sa.and_(kind == "number", sa.case((kind == "number", sa.cast(text, sa.Double))) == value)
