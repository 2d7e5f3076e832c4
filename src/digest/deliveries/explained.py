"""What can be told of an address: the answer of `deliveries.why`. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from digest.models import (
    DeliveryReason,
    DeliveryStatus,
    EditionState,
    NoticeState,
    Settlement,
    SubscriptionStatus,
    UncertainCause,
)


class Known(StrEnum):
    """What is known of an address."""

    SUBSCRIBER = "subscriber"
    ERASED = "erased"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ConsentLine:
    """One event of the proof of consent. `words` are what was agreed to, empty once they are erased."""

    number: int
    at: dt.datetime
    action: str
    status: SubscriptionStatus
    source: str
    words: str
    actor: str


@dataclass(frozen=True, slots=True)
class SubscriptionLine:
    """A person on a list, as it is now, with the whole chain of its consent."""

    id: int
    list_name: str
    status: SubscriptionStatus
    paused_until: dt.datetime | None
    events: tuple[ConsentLine, ...]


@dataclass(frozen=True, slots=True)
class UncertainLine:
    """The evidence on a delivery of which nobody could know whether it arrived."""

    cause: UncertainCause
    since: dt.datetime
    settlement: Settlement | None
    settled_at: dt.datetime | None
    settled_by: str


@dataclass(frozen=True, slots=True)
class DeliveryLine:
    """What became of one edition for the person.

    `handed_over_at` is the reply's moment; of an uncertain one, when its last byte left. `tries` counts those
    of the present round, `rounds` how often it was sent again on purpose.
    `next_try_at` and `held_up` are of a pending one; the latter is what its batch waits for, or why the
    edition is paused, in words, or empty. `consent` are the events that made the subscription active then.
    """

    edition_id: int
    digest: str
    cadence: str
    zone: str
    subject: str
    revision: int
    text_size: str
    edition_state: EditionState
    due_at: dt.datetime
    status: DeliveryStatus
    reason: DeliveryReason | None
    handed_over_at: dt.datetime | None
    tries: int
    rounds: int
    next_try_at: dt.datetime | None
    held_up: str
    message_id: str
    transport: str | None
    reply_code: int | None
    reply_enhanced: str
    reply_text: str
    list_name: str
    consent: tuple[ConsentLine, ...]
    uncertain: tuple[UncertainLine, ...]


@dataclass(frozen=True, slots=True)
class LeftOutLine:
    """An edition that went to a segment, which the person was not in at `fixed_at`."""

    edition_id: int
    digest: str
    cadence: str
    zone: str
    segment: str
    fixed_at: dt.datetime


@dataclass(frozen=True, slots=True)
class NoticeLine:
    """A single mail to the address. `reply` is what the mail service said, or why it was not handed over."""

    kind: str
    asked_at: dt.datetime
    state: NoticeState
    done_at: dt.datetime | None
    next_try_at: dt.datetime | None
    reply: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that may be said of an address. Of an erased person that is the day, and nothing else.

    `not_mailed` is the reason on the do-not-mail list, of the address or its domain; None if it is on none.
    `dropped_before` is the slot of the newest edition whose people are no longer on record.
    """

    known: Known
    erased_at: dt.datetime | None
    not_mailed: str | None
    not_mailed_since: dt.datetime | None
    subscriptions: tuple[SubscriptionLine, ...]
    deliveries: tuple[DeliveryLine, ...]
    left_out: tuple[LeftOutLine, ...]
    notices: tuple[NoticeLine, ...]
    dropped_before: dt.datetime | None


def consent_at(events: Sequence[ConsentLine], moment: dt.datetime) -> tuple[ConsentLine, ...]:
    """The events that made a subscription active at a moment: from its last beginning on. Pure.

    Empty if it was not active then: such a mail could not be explained.
    """
    before = [event for event in events if event.at <= moment]
    if not before or before[-1].status is not SubscriptionStatus.ACTIVE:
        return ()
    ends = [place for place, event in enumerate(before) if event.status is SubscriptionStatus.ENDED]
    return tuple(before[ends[-1] + 1 if ends else 0 :])
