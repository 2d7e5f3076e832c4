"""The figures of an edition on its way, as whoever looks gets them. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from digest.models import DeliveryReason, DeliveryStatus, EditionState, Reason

FINAL_STATES = (EditionState.SENT, EditionState.SKIPPED, EditionState.CANCELLED)
_FAR = 10 * 365 * 86400  # seconds; an end beyond that is none that a date could hold


@dataclass(frozen=True, slots=True)
class ProviderLine:
    """What one receiving provider's people come to. `counts` holds every status."""

    name: str
    counts: dict[DeliveryStatus, int]

    @property
    def people(self) -> int:
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class ReplyLine:
    """One answer, and how many deliveries of a status have it as their last one."""

    status: DeliveryStatus
    code: int
    enhanced: str
    text: str
    count: int


@dataclass(frozen=True, slots=True)
class FaultLine:
    """What a mail service does wrong now: its words, how many batches wait for it, the next try."""

    fault: str
    batches: int
    next_try_at: dt.datetime


@dataclass(frozen=True, slots=True)
class RestLine:
    """A mail service that rests, or (with `domain`) a receiving domain that is given a rest there."""

    transport: str
    domain: str
    until: dt.datetime
    words: str


@dataclass(frozen=True, slots=True)
class Batches:
    """The edition's batches that are not closed; `next_try_at` is of those that nobody holds."""

    open: int
    held: int
    retrying: int
    next_try_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """Pending people whose batch is not due yet: by the plan, and because they were deferred."""

    planned: int = 0
    planned_until: dt.datetime | None = None
    deferred: int = 0
    next_try_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """An edition on its way, at the moment `at`.

    `counts` holds every status; an old edition's are its totals, and `dropped_at` says since when its people
    are no longer on record. Rates are people a second. `ends_at` is when the last of those who were not
    deferred should be served; None if that cannot be told. `reasons` count those who were skipped.
    """

    edition_id: int
    state: EditionState
    reason: Reason | None
    reason_detail: str
    state_since: dt.datetime
    at: dt.datetime
    counts: dict[DeliveryStatus, int]
    reasons: dict[DeliveryReason, int]
    rate: float
    rate_last_minute: float
    ends_at: dt.datetime | None
    batches: Batches
    waiting: Waiting
    providers: tuple[ProviderLine, ...]
    replies: tuple[ReplyLine, ...]
    faults: tuple[FaultLine, ...]
    rests: tuple[RestLine, ...]
    dropped_at: dt.datetime | None

    @property
    def people(self) -> int:
        return sum(self.counts.values())

    @property
    def may_have_arrived(self) -> int:
        return self.counts[DeliveryStatus.UNCERTAIN]

    @property
    def is_over(self) -> bool:
        """Whether nothing will be handed over any more: also no retry of an edition that is `sent`."""
        return (
            self.state in FINAL_STATES and not self.counts[DeliveryStatus.PENDING] and not self.batches.open
        )


def expected_end(
    pending: int, per_second: float, last_due_at: dt.datetime | None, *, now: dt.datetime
) -> dt.datetime | None:
    """When the last of `pending` people should be served: by the rate, and not before the last batch is due.

    None if nobody is pending or nothing moves. Pure.
    """
    if pending <= 0:
        return None
    if per_second <= 0:
        return last_due_at
    by_rate = now + dt.timedelta(seconds=min(pending / per_second, _FAR))
    return max(by_rate, last_due_at) if last_due_at else by_rate


@dataclass(frozen=True, slots=True)
class Details:
    """What an edition's people come to besides: why not mailed, by whom received, what was answered."""

    reasons: dict[DeliveryReason, int] = field(default_factory=dict)
    providers: tuple[ProviderLine, ...] = ()
    replies: tuple[ReplyLine, ...] = ()

    def kept(self) -> dict[str, Any]:
        """As they are kept of an edition that is over."""
        return {
            "reasons": {reason.value: count for reason, count in self.reasons.items()},
            "providers": [
                [line.name, {status.value: count for status, count in line.counts.items()}]
                for line in self.providers
            ],
            "replies": [
                [line.status.value, line.code, line.enhanced, line.text, line.count] for line in self.replies
            ],
        }

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Self:
        """The way back from `kept`."""
        return cls(
            reasons={DeliveryReason(reason): count for reason, count in kept["reasons"].items()},
            providers=tuple(
                ProviderLine(name, {DeliveryStatus(status): count for status, count in counts.items()})
                for name, counts in kept["providers"]
            ),
            replies=tuple(ReplyLine(DeliveryStatus(status), *rest) for status, *rest in kept["replies"]),
        )
