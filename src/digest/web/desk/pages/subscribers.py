"""Subscribers: find somebody, and one person's whole story."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session
from starlette.responses import Response

from digest.accounts.rights import May
from digest.accounts.trail import TrailLine, actors, trail_of
from digest.deliveries.explained import DeliveryLine, Explanation
from digest.deliveries.reasons import cause_sentence, sentence
from digest.deliveries.why import explain
from digest.lists.attributes import all_attributes
from digest.lists.export import value_text
from digest.lists.look_up import elsewhere, find_people
from digest.lists.people import EventView, PersonView, describe
from digest.models import (
    Attribute,
    Cadence,
    DeliveryStatus,
    MailingList,
    NoticeState,
    Subscriber,
    Subscription,
    SubscriptionStatus,
    Topic,
)
from digest.web.desk.act_words import act_in_words
from digest.web.desk.change_words import told_actor
from digest.web.desk.detail_words import details_in_words
from digest.web.desk.table import desk
from digest.web.desk.told import (
    DELIVERIES,
    DELIVERY_TONES,
    NOTICES,
    STATUSES,
    TONES,
    event_words,
    spoken_ways,
)
from digest.web.desk.visit import Here, Visit

PAGE: Final = 50
OLDER: Final = 20
_RUNNING: Final = frozenset(SubscriptionStatus) - {SubscriptionStatus.ENDED}


@dataclass(frozen=True, slots=True)
class Choosable:
    """What somebody on a list may choose: running rhythms by name, topics by name and title."""

    cadences: tuple[str, ...] = ()
    topics: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Membership:
    """A person on a list, with what they would miss if it ended now."""

    id: int
    title: str
    list_id: int
    status: SubscriptionStatus
    cadence: str | None
    topics: tuple[str, ...]
    paused_until: dt.datetime | None
    waiting: int
    choice: Choosable

    @property
    def runs(self) -> bool:
        return self.status in _RUNNING


@dataclass(frozen=True, slots=True)
class StoryLine:
    """One event of a person's consent, in words."""

    at: dt.datetime
    list_title: str
    words: str
    said: str  # what was agreed to, or why it ended
    by: str


@dataclass(frozen=True, slots=True)
class Seen:
    """All that the page shows of a person, read at one moment."""

    person: PersonView
    erased_at: dt.datetime | None
    lists: tuple[Membership, ...]
    story: tuple[StoryLine, ...]
    explained: Explanation | None
    trail: Sequence[TrailLine]
    attributes: Sequence[Attribute]


@desk.get("/subscribers", may=May.RUN_LISTS)
def show_subscribers(visit: Here) -> Response:
    """The newest, or those whose address begins with what was typed; fifty at a time."""
    query = visit.request.query_params
    text = query.get("q", "")[:254].strip()
    list_id, after = _number(query.get("list", "")), _number(query.get("after", ""))
    asked = query.get("status", "")
    status = SubscriptionStatus(asked) if list_id and asked in set(SubscriptionStatus) else None
    with visit.database.read() as session:
        lists = session.execute(
            sa.select(MailingList.id, MailingList.title).order_by(MailingList.title, MailingList.id)
        )
        lists_found = [(row.id, row.title) for row in lists]
        found = find_people(session, text, list_id=list_id, status=status, after=after, limit=PAGE + 1)
        other = None
        if text and not found:
            other = elsewhere(session, visit.services.keys.address_key, text)
    words = visit.words
    return visit.page(
        "subscribers.html",
        people=found[:PAGE],
        lists=lists_found,
        q=text,
        list_id=list_id or "",
        chosen=status.value if status else "",
        statuses=[(key.value, words.gettext(label)) for key, label in STATUSES.items()],
        labels=_labels(visit),
        tones=TONES,
        other=other,
        next_url=visit.url(after=found[PAGE - 1].id) if len(found) > PAGE else "",
        first_url=visit.url(after=None) if after else "",
    )


@desk.get("/subscribers/{subscriber}", may=May.RUN_SUBSCRIBER)
def show_subscriber(visit: Here, subscriber: int) -> Response:
    """One person: consents, editions, replies, changes, and what may be done."""
    return person_page(visit, subscriber)


def person_page(visit: Visit, subscriber_id: int, *, fault: str = "", status: int = 200) -> Response:
    """The page, with what stood in the way of an act."""
    words = visit.words
    with visit.database.read() as session:
        seen = _seen(visit, session, subscriber_id)
    explained = seen.explained
    mailed = explained.deliveries if explained else ()
    return visit.page(
        "subscriber.html",
        status=status,
        fault=fault,
        person=seen.person,
        erased_at=seen.erased_at,
        lists=seen.lists,
        running=[each for each in seen.lists if each.runs],
        waiting=sum(each.waiting for each in seen.lists),
        waiting_notices=sum(
            each.state is NoticeState.PENDING for each in (explained.notices if explained else ())
        ),
        story=seen.story,
        deliveries=[_delivery(each, visit) for each in mailed[:OLDER]],
        older_url=visit.url(before=mailed[OLDER - 1].edition_id) + "#mailed" if len(mailed) > OLDER else "",
        newest_url=visit.url(before=None) + "#mailed" if visit.request.query_params.get("before") else "",
        left_out=explained.left_out if explained else (),
        notices=explained.notices if explained else (),
        notice_labels={key.value: words.gettext(label) for key, label in NOTICES.items()},
        dropped_before=explained.dropped_before if explained else None,
        trail=seen.trail,
        act=partial(act_in_words, words=words),
        more=partial(details_in_words, words=words),
        attributes=seen.attributes,
        known={each.name: value_text(seen.person.attributes.get(each.name)) for each in seen.attributes},
        labels=_labels(visit),
        tones=TONES,
        delivery_tones=DELIVERY_TONES,
        ways=spoken_ways(words),
    )


def _seen(visit: Visit, session: Session, subscriber_id: int) -> Seen:
    row = session.get_one(Subscriber, subscriber_id)
    person = describe(session, row)
    key, query = visit.services.keys.address_key, visit.request.query_params
    explained = (
        explain(session, key, row.address, limit=OLDER + 1, before=_number(query.get("before", "")))
        if row.address is not None
        else None
    )
    subscriptions = _subscriptions(session, subscriber_id)
    names = {one.Subscription.id: one for one in subscriptions}
    targets = [("Subscriber", subscriber_id), *(("Subscription", each) for each in names)]
    trail = trail_of(session, targets)
    titles = {one.name: one.title for one in subscriptions}
    return Seen(
        person=person,
        erased_at=row.erased_at,
        lists=_memberships(person, subscriptions, explained, _choosable(session, subscriptions)),
        story=_story(visit, session, person, titles),
        explained=explained,
        trail=trail,
        attributes=all_attributes(session),
    )


def _subscriptions(session: Session, subscriber_id: int) -> Sequence[Any]:
    return session.execute(
        sa.select(Subscription, MailingList.name, MailingList.title, MailingList.digest_id)
        .join(MailingList, MailingList.id == Subscription.list_id)
        .where(Subscription.subscriber_id == subscriber_id)
        .order_by(Subscription.id)
    ).all()


def _choosable(session: Session, subscriptions: Sequence[Any]) -> dict[int, Choosable]:
    """What may be chosen, by digest; in two statements."""
    digests = sorted({one.digest_id for one in subscriptions})
    cadences = session.execute(
        sa.select(Cadence.digest_id, Cadence.name)
        .where(Cadence.digest_id.in_(digests), Cadence.is_running.is_(True))
        .order_by(Cadence.id)
    ).all()
    topics = session.execute(
        sa.select(Topic.digest_id, Topic.name, Topic.title)
        .where(Topic.digest_id.in_(digests))
        .order_by(Topic.position, Topic.name)
    ).all()
    return {
        digest: Choosable(
            tuple(row.name for row in cadences if row.digest_id == digest),
            tuple((row.name, row.title) for row in topics if row.digest_id == digest),
        )
        for digest in digests
    }


def _memberships(
    person: PersonView,
    subscriptions: Sequence[Any],
    explained: Explanation | None,
    choosable: Mapping[int, Choosable],
) -> tuple[Membership, ...]:
    cadences = {one.list_name: one.cadence for one in person.subscriptions}
    waiting: dict[str, int] = {}
    for each in explained.deliveries if explained else ():
        if each.status is DeliveryStatus.PENDING:
            waiting[each.list_name] = waiting.get(each.list_name, 0) + 1
    return tuple(
        Membership(
            id=one.Subscription.id,
            title=one.title,
            list_id=one.Subscription.list_id,
            status=one.Subscription.status,
            cadence=cadences.get(one.name),
            topics=tuple(one.Subscription.topics),
            paused_until=one.Subscription.paused_until,
            waiting=waiting.get(one.name, 0),
            choice=choosable.get(one.digest_id, Choosable()),
        )
        for one in subscriptions
    )


def _story(
    visit: Visit, session: Session, person: PersonView, titles: dict[str, str]
) -> tuple[StoryLine, ...]:
    """The events of all lists as one, the newest first."""
    names = dict(actors(session))
    lines = [
        StoryLine(
            at=event.at,
            list_title=titles.get(one.list_name, one.list_name),
            words=event_words(event.action, event.source, event.details, visit.words),
            said=_said(event),
            by=_by(event, names, visit),
        )
        for one in person.subscriptions
        for event in one.events
    ]
    return tuple(sorted(lines, key=lambda line: line.at, reverse=True))


def _said(event: EventView) -> str:
    details = event.details or {}
    return details.get("consent") or details.get("reason") or ""


def _by(event: EventView, names: dict[str, str], visit: Visit) -> str:
    details = event.details or {}
    if clerk := details.get("clerk"):
        return clerk
    return told_actor(details.get("actor", ""), names, visit.words)


def _delivery(line: DeliveryLine, visit: Visit) -> dict[str, Any]:
    """A delivery as the page shows it: what became of it, when, and with which reply."""
    code = str(line.reply_code or "")
    return {
        "line": line,
        "label": visit.words.gettext(DELIVERIES[line.status]),
        "sentence": sentence(line.status, line.reason, visit.words),
        "reply": " ".join(part for part in (code, line.reply_enhanced, line.reply_text) if part),
        "causes": [cause_sentence(each.cause, visit.words) for each in line.uncertain],
    }


def _labels(visit: Visit) -> dict[str, str]:
    return {key.value: visit.words.gettext(label) for key, label in STATUSES.items()}


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None
