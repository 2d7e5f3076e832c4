"""What the end of a subscription says of itself, so that it can be taken back: written and read here alone.

It stands in the details of the event. The status that there was is the event before.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

from digest.models import Subscription, SubscriptionStatus

_PAUSED, _PENDING = SubscriptionStatus.PAUSED, SubscriptionStatus.PENDING
_UNTIL: Final = "until"
_ASKED: Final = "asked"
_PRESS: Final = "press"
_MOVED_TO: Final = "moved_to"
_THERE: Final = "was_there"
_UNTIL_THERE: Final = "was_there_until"
_LANGUAGE: Final = "language_before"


@dataclass(frozen=True, slots=True)
class Before:
    """What a subscription was: until when it paused, since when it waits. At the end its row forgets it."""

    status: SubscriptionStatus
    paused_until: dt.datetime | None = None
    asked_at: dt.datetime | None = None

    @classmethod
    def of(cls, subscription: Subscription) -> Self:
        """As it is now."""
        status = subscription.status
        return cls(
            status,
            subscription.paused_until if status is _PAUSED else None,
            subscription.changed_at if status is _PENDING else None,
        )

    @classmethod
    def read(cls, status: SubscriptionStatus, details: Mapping[str, str]) -> Self:
        """From the event of the end and the status before it."""
        return cls(
            status,
            _moment(details, _UNTIL) if status is _PAUSED else None,
            _moment(details, _ASKED) if status is _PENDING else None,
        )

    def is_resting(self, now: dt.datetime) -> bool:
        """Whether it paused, and the pause would not be over by now."""
        is_due = self.paused_until is not None and self.paused_until <= now
        return self.status is _PAUSED and not is_due

    def details(self) -> dict[str, str]:
        """For the event of the end."""
        if self.status is _PAUSED:
            return {_UNTIL: _text(self.paused_until)}
        return {_ASKED: _text(self.asked_at)} if self.status is _PENDING else {}


@dataclass(frozen=True, slots=True)
class Switch:
    """An end that was a change of language: where it went on, and what there was before.

    `there` is None where there was no subscription; `language` is the person's, "" if it was not known.
    """

    list_id: int
    there: Before | None
    language: str

    @classmethod
    def read(cls, details: Mapping[str, str]) -> Self | None:
        """From the event of the end; None if it was no change of language."""
        if _MOVED_TO not in details:
            return None
        was = details[_THERE]
        there = Before(SubscriptionStatus(was), _moment(details, _UNTIL_THERE)) if was else None
        return cls(int(details[_MOVED_TO]), there, details[_LANGUAGE])

    def details(self) -> dict[str, str]:
        """For the event of the end."""
        return {
            _MOVED_TO: str(self.list_id),
            _THERE: self.there.status.value if self.there else "",
            _UNTIL_THERE: _text(self.there.paused_until) if self.there else "",
            _LANGUAGE: self.language,
        }


def of_press(mark: str) -> dict[str, str]:
    """For the events of all ends of one press: the same mark, which no other press has."""
    return {_PRESS: mark}


def press_of(details: Mapping[str, str]) -> str:
    """The mark of the press that ended more than one; "" if it ended this one alone."""
    return details.get(_PRESS, "")


def _text(moment: dt.datetime | None) -> str:
    return moment.isoformat() if moment else ""


def _moment(details: Mapping[str, str], name: str) -> dt.datetime | None:
    found = details.get(name, "")
    return dt.datetime.fromisoformat(found) if found else None
