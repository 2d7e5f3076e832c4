"""What became of an edition in detail: by receiving provider, the answers, why mails failed. Reads only.

That is a pass over all of its people and their domains: of an edition that nobody works on any more it is
remembered in this process, until something of it changes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.deliveries.answers import Group
from digest.deliveries.came_of import marks_of
from digest.deliveries.figures import ProviderLine, ReplyLine
from digest.deliveries.progress import providers_of, replies_of
from digest.deliveries.recipients import failed_groups

_MOST: Final = 100


@dataclass(frozen=True, slots=True)
class Detail:
    """Who answers for whom, what was answered, and why mails failed."""

    providers: tuple[ProviderLine, ...]
    replies: tuple[ReplyLine, ...]
    failed: tuple[Group, ...]

    @property
    def failures(self) -> int:
        return sum(group.people for group in self.failed)


@dataclass(slots=True)
class _Memory:
    """Of one database: what was seen of an edition, and by what it is known that this still holds."""

    seen: dict[int, tuple[Any, Detail]] = field(default_factory=dict)


_memories: WeakKeyDictionary[sa.Engine, _Memory] = WeakKeyDictionary()


def detail_of(session: Session, edition_id: int) -> Detail:
    """The detail of an edition: six statements, three where it is remembered."""
    memory = _memories.setdefault(session.get_bind().engine, _Memory()).seen
    marks, open_ones = marks_of(session, [edition_id])
    mark = marks.get(edition_id)
    known = memory.get(edition_id)
    if known is not None and known[0] == mark:
        return known[1]
    found = Detail(
        providers_of(session, edition_id), replies_of(session, edition_id), failed_groups(session, edition_id)
    )
    if edition_id not in open_ones:
        if len(memory) >= _MOST:
            memory.clear()
        memory[edition_id] = mark, found
    return found
