"""The reader's page from the rows: what is chosen, what there is to choose, how to undo the last press."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from babel import Locale
from sqlalchemy.orm import Session

from digest.addresses import masked
from digest.i18n import translator
from digest.lists.goodbye import undo_path
from digest.lists.languages import sister_lists
from digest.lists.leaving import can_undo, last_leaving, reason_given
from digest.lists.preferences import (
    cadence_of,
    open_lists,
    own_subscriptions,
    topics_of,
)
from digest.lists.queries import subscription_of
from digest.lists.topics import MOST as TOPICS_MOST
from digest.models import (
    Cadence,
    Digest,
    MailingList,
    Subscriber,
    Subscription,
    SubscriptionStatus,
    TextSize,
)
from digest.rendering.reader_pages import (
    Done,
    LanguageChoice,
    LeftPage,
    ListChoice,
    ReaderPage,
    TopicChoice,
)
from digest.rendering.rhythms import RhythmWords, Schedule, rhythm_words
from digest.web.deps import Services

PAUSE_DAYS_MOST: Final = 730
_CHANGED: Final = ("cadence", "paused", "paused_until", "resumed", "topics", "large", "normal", "moved")
_ABOUT_LISTS: Final = ("language", "joined", "left", "undone", "reason")
_ANSWERED: Final = ("mailed", "enough", "not_allowed", "not_possible", "bad_date", "nothing")
_DONE_CODES: Final = frozenset(_CHANGED + _ABOUT_LISTS + _ANSWERED)


@dataclass(frozen=True, slots=True)
class Told:
    """What the page's address says was done, and what it was before. Anybody may have written it."""

    code: str = ""
    was: str = ""


@dataclass(frozen=True, slots=True)
class Reader:
    """A subscription with its person, its list and its digest."""

    subscription: Subscription
    person: Subscriber
    mailing_list: MailingList
    digest: Digest

    @property
    def language(self) -> str:
        """The language that the pages speak."""
        return self.digest.language


def reader_of(session: Session, subscription: Subscription) -> Reader:
    """The rows around a subscription."""
    person, mailing_list, digest = session.execute(
        sa.select(Subscriber, MailingList, Digest)
        .select_from(Subscription)
        .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
        .join(MailingList, MailingList.id == Subscription.list_id)
        .join(Digest, Digest.id == MailingList.digest_id)
        .where(Subscription.id == subscription.id)
    ).one()
    return Reader(subscription, person, mailing_list, digest)


def zone_of(session: Session, reader: Reader) -> str:
    """Where the person's days begin: their own zone, else the cadence's."""
    cadence = cadence_of(session, reader.subscription)
    return reader.person.zone or (cadence.zone if cadence else "UTC")


def choices_of(session: Session, reader: Reader, now: dt.datetime) -> tuple[RhythmWords, ...]:
    """The cadences that run, and the one that the person is on, as buttons."""
    present = cadence_of(session, reader.subscription)
    found = session.scalars(
        sa.select(Cadence).where(Cadence.digest_id == reader.digest.id).order_by(Cadence.id)
    )
    schedules = [
        Schedule(each.id, each.name, each.cron, each.zone)
        for each in found
        if each.is_running or (present is not None and each.id == present.id)
    ]
    return rhythm_words(schedules, translator(reader.language), now=now)


def weekly_of(session: Session, reader: Reader, now: dt.datetime) -> int | None:
    """The weekly cadence that could come instead; None if there is none, or it comes already."""
    present = cadence_of(session, reader.subscription)
    weekly = [each.id for each in choices_of(session, reader, now) if each.is_weekly]
    others = [each for each in weekly if present is None or each != present.id]
    return others[0] if others and len(others) == len(weekly) else None


def reader_page(
    session: Session, services: Services, reader: Reader, token: str, *, told: Told, now: dt.datetime
) -> ReaderPage | LeftPage:
    """The page of a person who is not erased."""
    url = f"/u/{token}/page"
    done = _done(session, services, reader, told, now=now)
    if reader.subscription.status is SubscriptionStatus.ENDED:
        return left_page(session, services, reader, url, done=done, now=now)
    zone = zone_of(session, reader)
    today = now.astimezone(ZoneInfo(zone)).date()
    present = cadence_of(session, reader.subscription)
    chosen = reader.subscription.topics
    return ReaderPage(
        list_title=reader.mailing_list.title,
        address=masked(reader.person.address or ""),
        status=reader.subscription.status.value,
        paused_until=reader.subscription.paused_until,
        zone=zone,
        choices=choices_of(session, reader, now),
        chosen_id=present.id if present else None,
        is_large=reader.person.text_size is TextSize.LARGE,
        topics=tuple(
            TopicChoice(each.id, each.title, each.name in chosen)
            for each in topics_of(session, reader.mailing_list.id)
        ),
        lists=_list_choices(session, reader),
        languages=_languages(session, reader),
        earliest_day=(today + dt.timedelta(days=1)).isoformat(),
        latest_day=(today + dt.timedelta(days=PAUSE_DAYS_MOST)).isoformat(),
        action_url=url,
        done=done,
    )


def left_page(
    session: Session, services: Services, reader: Reader, url: str, *, done: Done | None, now: dt.datetime
) -> LeftPage:
    """The page of somebody who has left this list; `url` is the reader's page."""
    subscription, address_key = reader.subscription, services.keys.address_key
    leaving = last_leaving(session, subscription)
    has_undo = can_undo(session, subscription, address_key=address_key, now=now)
    is_open = reader.mailing_list.is_open
    return LeftPage(
        list_title=reader.mailing_list.title,
        undo_url=undo_path(services.keys.signer, subscription) if has_undo else "",
        asks_reason=leaving is not None and not reason_given(session, subscription, leaving),
        sign_up_url=f"/s/{reader.mailing_list.name}" if is_open else "",
        still_on=tuple(found.title for found in _own_lists(session, reader)),
        can_ask=reader.person.address is not None,
        action_url=url,
        done=done,
    )


def is_shown(mailing_list: MailingList, reader: Reader) -> bool:
    """Whether a page that a forwarded mail opens may speak of a list: the mail's own, and the public ones.

    That somebody is on a list that is not open (staff, donors) is nobody's business but theirs.
    """
    return mailing_list.is_open or mailing_list.id == reader.mailing_list.id


def _own_lists(session: Session, reader: Reader) -> list[MailingList]:
    own = own_subscriptions(session, reader.person.id)
    return [found for _, found in own if is_shown(found, reader)]


def _list_choices(session: Session, reader: Reader) -> tuple[ListChoice, ...]:
    on = _own_lists(session, reader)
    choices = {found.id: ListChoice(found.id, found.title, is_on=True) for found in on}
    for found, _ in open_lists(session):
        choices.setdefault(found.id, ListChoice(found.id, found.title, is_on=False))
    return tuple(choices.values())


def _languages(session: Session, reader: Reader) -> tuple[LanguageChoice, ...]:
    return tuple(
        LanguageChoice(found.id, found.title, digest.language, _language_name(digest.language))
        for found, digest in sister_lists(session, reader.subscription)
    )


def _language_name(tag: str) -> str:
    """A language's name in itself, with a capital letter as on a signpost."""
    name = Locale.parse(tag, sep="-").get_display_name() or tag
    return name[:1].upper() + name[1:]


def _done(
    session: Session, services: Services, reader: Reader, told: Told, *, now: dt.datetime
) -> Done | None:
    """What to say was done, with its undo. Whatever stands in the address, it leads to a button at most."""
    if told.code not in _DONE_CODES:
        return None
    if told.code in ("left", "language"):
        return Done(told.code, _undo_of(session, services, reader, told, now))
    fields = undo_fields(told, now)
    if not fields or reader.subscription.status is SubscriptionStatus.ENDED:
        return Done(told.code)
    return Done(told.code, has_undo=True, fields=fields)


def undo_fields(told: Told, now: dt.datetime) -> tuple[tuple[str, str], ...]:
    """The fields of the form that takes a change back; () where there is nothing to take back. Pure."""
    code, was = told.code, told.was
    if code in ("paused", "paused_until"):
        return (("do", "resume"),)
    if code == "resumed":
        return (("do", "pause_until"), ("value", was)) if _is_ahead(was, now) else (("do", "pause"),)
    if code in ("large", "normal"):
        return (("do", "text"), ("value", "normal" if code == "large" else "large"))
    if code == "topics":
        ids = [each for each in was.split("-")[:TOPICS_MOST] if _is_number(each)]
        return (("do", "topics"), *((f"topic-{each}", "1") for each in ids))
    if code in _BACK and _is_number(was):
        return (("do", _BACK[code]), ("value", was))
    return ()


_BACK: Final = {"cadence": "cadence", "joined": "leave"}


def _undo_of(session: Session, services: Services, reader: Reader, told: Told, now: dt.datetime) -> str:
    """Where to take back that the person left another list, or came from it; "" where they did not."""
    if not _is_number(told.was):
        return ""
    other = subscription_of(session, list_id=int(told.was), subscriber_id=reader.person.id)
    leaving = last_leaving(session, other) if other else None
    if other is None or leaving is None:
        return ""
    if told.code == "left":
        is_told = is_shown(session.get_one(MailingList, other.list_id), reader)
    else:
        is_told = leaving.switch is not None and leaving.switch.list_id == reader.mailing_list.id
    if not is_told or not can_undo(session, other, address_key=services.keys.address_key, now=now):
        return ""
    return undo_path(services.keys.signer, other)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 18


def _is_ahead(text: str, now: dt.datetime) -> bool:
    try:
        return dt.date.fromisoformat(text) > now.date()
    except ValueError:
        return False
