"""The guard against a mail service that refuses everybody: our fault would cost all readers an edition."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from digest.deliveries.ledger import Result
from digest.deliveries.people import Person
from digest.models import DeliveryStatus

# So many people refused in a row, of so many receiving domains at least, are no coincidence: lists have dead
# addresses by the hundred at one domain that was given up, never at three in a row.
MOST_REFUSED = 50
LEAST_DOMAINS = 3


@dataclass(slots=True)
class Breaker:
    """Counts refusals in a row over the groups of a turn."""

    _refused: int = 0
    _domains: set[str] = field(default_factory=set)

    def judge(self, people: Iterable[Person], results: Sequence[Result]) -> str | None:
        """What the mail service says, if it refuses everybody; None while it may be the people's part."""
        if not any(result.status is DeliveryStatus.FAILED for result in results):
            if any(result.status is DeliveryStatus.SENT for result in results):
                self._refused = 0
                self._domains.clear()
            return None
        domains = {person.subscriber_id: person.domain for person in people}
        last = ""
        for result in results:
            if result.status is DeliveryStatus.SENT:
                self._refused = 0
                self._domains.clear()
            elif result.status is DeliveryStatus.FAILED and result.reply is not None and result.reply.code:
                self._refused += 1
                self._domains.add(domains.get(result.subscriber_id, ""))
                last = f"{result.reply.code} {result.reply.enhanced} {result.reply.text}".replace("  ", " ")
        if self._refused < MOST_REFUSED or len(self._domains) < LEAST_DOMAINS:
            return None
        return f"The mail service refused {self._refused} people in a row: {last.strip()}"
